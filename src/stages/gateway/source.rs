//! The source of the bytes that a logged-in client receives: the tail of its stream or, for older messages, the event
//! log.

use super::close_reason::Cause;
use super::protocol::{MESSAGE_PACKET_LEN_LIMIT, OrderEntryProtocol};
use super::streams::{SessionStatus, Stream, Streams};
use crate::domain::{Listings, LoginId};
use crate::net::ConnectionId;
use crate::net::session::CloseReason;
use crate::stages::resend::{Reading, ResendChunk, ResendRequest};
use std::sync::Arc;

/// How long to wait before asking again for messages that are not in the event log yet, ns.
const ASK_AGAIN_NS: u64 = 1_000_000;

/// The source of a client's bytes.
pub enum Source {
    /// The tail, from this position on.
    Tail {
        /// The position of the next byte to send.
        position: u64,
    },
    /// From the event log.
    Log(Resend),
}

/// A client that reads old messages from the event log.
pub struct Resend {
    /// The first message that was neither sent nor is in the present chunk.
    next: u64,
    /// The first message that does not exist, if the session has ended.
    end: Option<u64>,
    /// How many messages it was behind when it started.
    behind: u64,
    step: Step,
    /// Shows the readers that the client is waiting.
    wanted: Arc<()>,
}

enum Step {
    Wanted { not_before: u64 },
    Asked,
    AtHand { bytes: Vec<u8>, sent: usize },
}

impl Resend {
    fn new(next: u64, end: Option<u64>, behind: u64) -> Self {
        Self { next, end, behind, step: Step::Wanted { not_before: 0 }, wanted: Arc::new(()) }
    }
}

impl Source {
    /// The source for message `next` of the stream.
    pub fn of<P: OrderEntryProtocol>(stream: &Stream<P>, next: u64) -> Self {
        match stream.tail().and_then(|tail| tail.locate(next)) {
            Some(position) => Self::Tail { position },
            None => Self::Log(Resend::new(next, None, stream.next().saturating_sub(next))),
        }
    }

    /// Messages `next` to before `end` of an ended session.
    pub fn ended(next: u64, end: u64) -> Self {
        Self::Log(Resend::new(next, Some(end), 0))
    }

    /// Whether the client receives as fast as it is sent messages. From the tail: at most this many bytes are waiting.
    /// From the event log: at most this many bytes were added since it started.
    pub fn keeps_up<P: OrderEntryProtocol>(&self, stream: &Stream<P>, bytes_max: u64) -> bool {
        match self {
            Self::Tail { position } => {
                let end = stream.tail().map_or(0, |tail| tail.end());
                end.saturating_sub(*position) <= bytes_max
            }
            Self::Log(Resend { end: Some(_), .. }) => true,
            Self::Log(Resend { next, behind, .. }) => {
                let more = bytes_max / P::PACKET_LEN_MAX as u64;
                stream.next().saturating_sub(*next) <= behind.saturating_add(more)
            }
        }
    }

    /// Whether the source is the tail.
    #[inline]
    pub fn is_tail(&self) -> bool {
        matches!(self, Self::Tail { .. })
    }

    /// The bytes to send now, in two parts, from the stream of this session.
    ///
    /// # Errors
    /// [`Cause::FellBehind`].
    #[inline]
    pub fn unsent<'a, P: OrderEntryProtocol>(
        &'a self,
        (login, session): (LoginId, u32),
        streams: &'a Streams<P>,
    ) -> Result<(&'a [u8], &'a [u8]), CloseReason> {
        match self {
            Self::Tail { position } => {
                let Some((stream, tail)) =
                    streams.get(login).and_then(|stream| Some((stream, stream.tail()?)))
                else {
                    return Ok((&[], &[]));
                };
                let behind = || CloseReason::from(Cause::FellBehind(tail.capacity()));
                let (before, after) = tail.since(*position).ok_or_else(behind)?;
                match stream.status(session) {
                    SessionStatus::Open => Ok((before, after)),
                    SessionStatus::Ended(end) => {
                        let left = end.position.saturating_sub(*position) as usize;
                        let (first, second) = (left.min(before.len()), left.saturating_sub(before.len()));
                        Ok((&before[..first], &after[..second]))
                    }
                    SessionStatus::Forgotten => Err(behind()),
                }
            }
            Self::Log(Resend { step: Step::AtHand { bytes, sent }, .. }) => Ok((&bytes[*sent..], &[])),
            Self::Log(_) => Ok((&[], &[])),
        }
    }

    /// Records that the first `count` of these bytes were sent.
    #[inline]
    pub fn sent(&mut self, count: usize) {
        match self {
            Self::Tail { position } => *position += count as u64,
            Self::Log(Resend { step: Step::AtHand { sent, .. }, .. }) => *sent += count,
            Self::Log(_) => debug_assert_eq!(count, 0),
        }
    }

    /// Continues after a chunk was sent: with the tail if it now reaches back far enough, otherwise with the next
    /// chunk. Returns a request when one is due; call [`Source::asked`] when it was sent.
    ///
    /// # Errors
    /// [`Cause::FellBehind`] if the session ended so long ago that its end is no longer known.
    #[inline]
    pub fn advance<P: OrderEntryProtocol>(
        &mut self,
        (login, session): (LoginId, u32),
        by: ConnectionId,
        stream: &Stream<P>,
        now: u64,
    ) -> Result<Option<ResendRequest>, CloseReason> {
        let Self::Log(resend) = self else { return Ok(None) };
        let is_open = match stream.status(session) {
            SessionStatus::Open => true,
            // The tail has the numbers of another session by now; the rest must come from the log.
            SessionStatus::Ended(end) => {
                resend.end.get_or_insert(end.messages + 1);
                false
            }
            SessionStatus::Forgotten if resend.end.is_some() => false,
            SessionStatus::Forgotten => {
                return Err(Cause::FellBehind(stream.tail().map_or(0, |tail| tail.capacity())).into());
            }
        };
        let done = match &resend.step {
            Step::AtHand { bytes, sent } => *sent == bytes.len(),
            Step::Wanted { not_before } => now >= *not_before,
            Step::Asked => false,
        };
        if !done {
            return Ok(None);
        }
        let next = resend.next;
        let until = match resend.end {
            Some(end) if next < end => end,
            Some(_) => return Ok(None),
            None => stream.tail().map_or(stream.next(), |tail| tail.oldest()),
        };
        if is_open && let Some(position) = stream.tail().and_then(|tail| tail.locate(next)) {
            *self = Self::Tail { position };
            return Ok(None);
        }
        if !matches!(resend.step, Step::Wanted { .. }) {
            resend.step = Step::Wanted { not_before: 0 };
        }
        let wanted = Arc::downgrade(&resend.wanted);
        Ok(Some(ResendRequest { login, session, connection: by.0, wanted, from: next, until }))
    }

    /// Whether this session's stream has ended and was sent completely.
    #[inline]
    pub fn is_at_end<P: OrderEntryProtocol>(&self, session: u32, stream: &Stream<P>) -> bool {
        match self {
            Self::Tail { position } => {
                matches!(stream.status(session), SessionStatus::Ended(end) if *position == end.position)
            }
            Self::Log(Resend { next, end: Some(end), step, .. }) => {
                let is_sent = match step {
                    Step::AtHand { bytes, sent } => *sent == bytes.len(),
                    Step::Wanted { .. } => true,
                    Step::Asked => false,
                };
                is_sent && next >= end
            }
            Self::Log(_) => false,
        }
    }

    /// Records that the request was sent.
    pub fn asked(&mut self) {
        if let Self::Log(resend) = self {
            resend.step = Step::Asked;
        }
    }

    /// Takes an answer. An answer that is no longer wanted is dropped.
    ///
    /// # Errors
    /// [`Cause::Gone`] if the messages are no longer kept, [`Cause::Unreadable`] if they cannot be read,
    /// [`Cause::Resend`] if the answer does not match the request: the stream would have a gap or a repetition.
    pub fn take<P: OrderEntryProtocol>(
        &mut self,
        chunk: &ResendChunk,
        listings: &Listings,
        now: u64,
    ) -> Result<(), CloseReason> {
        let Self::Log(resend @ Resend { step: Step::Asked, .. }) = self else { return Ok(()) };
        match chunk.reading {
            Reading::Good => {}
            Reading::Gone => return Err(Cause::Gone(resend.next).into()),
            Reading::Failed => return Err(Cause::Unreadable(resend.next).into()),
        }
        if chunk.messages.is_empty() {
            resend.step = Step::Wanted { not_before: now + ASK_AGAIN_NS };
            return Ok(());
        }
        if chunk.first != resend.next {
            return Err(Cause::Resend { wanted: resend.next, got: chunk.first }.into());
        }
        let mut bytes = Vec::new();
        for (record, to) in &chunk.messages {
            let mut packet = [0; MESSAGE_PACKET_LEN_LIMIT];
            let Some(len) = P::encode(record, *to, listings, &mut packet[..P::PACKET_LEN_MAX]) else {
                return Err(Cause::Unreadable(resend.next).into());
            };
            bytes.extend_from_slice(&packet[..len]);
            resend.next += 1;
        }
        resend.step = Step::AtHand { bytes, sent: 0 };
        Ok(())
    }
}
