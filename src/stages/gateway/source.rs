//! Where the bytes come from that a logged-in client receives: the tail of its stream or, as long as it is further
//! back than that reaches, the event log.

use super::ending::Cause;
use super::streams::{Outlook, Stream, Streams};
use crate::domain::LoginId;
use crate::net::ConnectionId;
use crate::net::session::Ending;
use crate::stages::resend::{ResendChunk, ResendRequest};

/// How long to wait before asking again for messages that the archiver does not have yet, ns.
const ASK_AGAIN_NS: u64 = 1_000_000;

/// Where a client's bytes come from.
pub enum Source {
    /// From the tail, from this position on.
    Tail {
        /// The position of the next byte to send.
        position: u64,
    },
    /// From the event log, by way of the archiver.
    Log(Resend),
}

/// A client on its way through the event log to the tail.
pub struct Resend {
    /// The first message that has neither been sent nor is in the chunk at hand.
    next: u64,
    step: Step,
}

enum Step {
    Wanted { not_before: u64 },
    Asked,
    AtHand { bytes: Vec<u8>, sent: usize },
}

impl Source {
    /// From where message `next` of the stream is to be had.
    pub fn of(stream: &Stream, next: u64) -> Self {
        match stream.tail().and_then(|tail| tail.locate(next)) {
            Some(position) => Self::Tail { position },
            None => Self::Log(Resend { next, step: Step::Wanted { not_before: 0 } }),
        }
    }

    /// Whether they come from the tail.
    #[inline]
    pub fn is_tail(&self) -> bool {
        matches!(self, Self::Tail { .. })
    }

    /// The bytes to send now, in two parts: those of the stream of this session.
    ///
    /// # Errors
    /// [`Cause::FellBehind`].
    #[inline]
    pub fn unsent<'a>(
        &'a self,
        (login, session): (LoginId, u32),
        streams: &'a Streams,
    ) -> Result<(&'a [u8], &'a [u8]), Ending> {
        match self {
            Self::Tail { position } => {
                let Some((stream, tail)) =
                    streams.get(login).and_then(|stream| Some((stream, stream.tail()?)))
                else {
                    return Ok((&[], &[]));
                };
                let behind = || Ending::from(Cause::FellBehind(tail.capacity()));
                let (before, after) = tail.since(*position).ok_or_else(behind)?;
                match stream.outlook(session) {
                    Outlook::Open => Ok((before, after)),
                    Outlook::Ended(end) => {
                        let left = end.position.saturating_sub(*position) as usize;
                        let (first, second) = (left.min(before.len()), left.saturating_sub(before.len()));
                        Ok((&before[..first], &after[..second]))
                    }
                    Outlook::Forgotten => Err(behind()),
                }
            }
            Self::Log(resend) => {
                // What is left of it cannot be found any more, and it must not be told that this was all.
                let stream = streams.get(login);
                if stream.is_some_and(|stream| matches!(stream.outlook(session), Outlook::Forgotten)) {
                    let capacity = stream.and_then(Stream::tail).map_or(0, |tail| tail.capacity());
                    return Err(Cause::FellBehind(capacity).into());
                }
                match &resend.step {
                    Step::AtHand { bytes, sent } => Ok((&bytes[*sent..], &[])),
                    Step::Wanted { .. } | Step::Asked => Ok((&[], &[])),
                }
            }
        }
    }

    /// The first `count` of the unsent bytes have been sent.
    #[inline]
    pub fn sent(&mut self, count: usize) {
        match self {
            Self::Tail { position } => *position += count as u64,
            Self::Log(Resend { step: Step::AtHand { sent, .. }, .. }) => *sent += count,
            Self::Log(_) => debug_assert_eq!(count, 0),
        }
    }

    /// Goes on from a chunk that has been sent: to the tail when that reaches far enough back by now, else to the next
    /// chunk. Returns a request to the archiver when it is time for one; say with [`Source::asked`] when it is made.
    #[inline]
    pub fn advance(
        &mut self,
        (login, session): (LoginId, u32),
        by: ConnectionId,
        stream: &Stream,
        now: u64,
    ) -> Option<ResendRequest> {
        let Self::Log(resend) = self else { return None };
        let done = match &resend.step {
            Step::AtHand { bytes, sent } => *sent == bytes.len(),
            Step::Wanted { not_before } => now >= *not_before,
            Step::Asked => false,
        };
        if !done {
            return None;
        }
        let next = resend.next;
        let request = |until| ResendRequest { login, session, connection: by.0, from: next, until };
        match stream.outlook(session) {
            Outlook::Open => {
                *self = Self::of(stream, next);
                match self {
                    Self::Tail { .. } => None,
                    Self::Log(_) => Some(request(stream.tail().map_or(stream.next(), |tail| tail.oldest()))),
                }
            }
            // The numbers of the tail are those of another session by now: the log has the rest.
            Outlook::Ended(end) => (next <= end.messages).then(|| request(end.messages + 1)),
            Outlook::Forgotten => None,
        }
    }

    /// Whether this session's stream has ended and all of it has been sent.
    #[inline]
    pub fn is_at_end(&self, session: u32, stream: &Stream) -> bool {
        match (stream.outlook(session), self) {
            (Outlook::Open, _) => false,
            (Outlook::Ended(end), Self::Tail { position }) => *position == end.position,
            (Outlook::Ended(end), Self::Log(Resend { next, step: Step::AtHand { bytes, sent } })) => {
                *sent == bytes.len() && *next > end.messages
            }
            (Outlook::Ended(end), Self::Log(Resend { next, .. })) => *next > end.messages,
            (Outlook::Forgotten, _) => false,
        }
    }

    /// The request is made.
    pub fn asked(&mut self) {
        if let Self::Log(resend) = self {
            resend.step = Step::Asked;
        }
    }

    /// Takes an answer. One that nobody waits for is dropped.
    ///
    /// # Errors
    /// [`Cause::Gone`] when old messages are not kept for so long, [`Cause::Resend`] when it is not what was asked for: the stream would have a gap or a repetition.
    pub fn take(&mut self, chunk: ResendChunk, now: u64) -> Result<(), Ending> {
        let Self::Log(resend @ Resend { step: Step::Asked, .. }) = self else { return Ok(()) };
        if chunk.gone {
            return Err(Cause::Gone(resend.next).into());
        }
        if chunk.messages == 0 {
            resend.step = Step::Wanted { not_before: now + ASK_AGAIN_NS };
            return Ok(());
        }
        if chunk.first != resend.next {
            return Err(Cause::Resend { wanted: resend.next, got: chunk.first }.into());
        }
        resend.next += chunk.messages;
        resend.step = Step::AtHand { bytes: chunk.bytes, sent: 0 };
        Ok(())
    }
}
