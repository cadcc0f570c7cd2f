//! One client of the feed: what it gets, and how far it is.

use super::close_reason::Cause;
use super::log::{LogReader, OldMessages};
use super::messages::Messages;
use super::settings::FeedSettings;
use super::snapshots::Snapshot;
use crate::net::session::{CloseReason, SendStatus};
use crate::wire::soup::{self, kind};
use dojima_journal::JournalError;
use std::sync::Arc;

/// Bytes that are made ready for a client at a time.
const OUTBOX_LEN: usize = 64 * 1024;

/// Messages that are read from the log for one client in one duty cycle, those that are skipped included.
const READ_MAX: usize = 4096;

pub(super) enum Source {
    /// Messages.
    Stream(Stream),
    /// A snapshot, which is still to be made.
    AwaitingSnapshot,
    Snapshot {
        /// It stays in memory for as long.
        snapshot: Arc<Snapshot>,
        /// How much of it is in the outbox already.
        put: usize,
        /// When it was given to the client, ns.
        since: u64,
        /// How long the client may take for it, ns.
        take_ns: u64,
    },
    /// Nothing more: its session is over.
    Over,
}

/// How far a client is in the stream, in messages numbered over all sessions.
pub(super) struct Stream {
    /// The next one to be put into the outbox.
    next: u64,
    /// The end of its session, once that is known: the first message of the next one.
    end: Option<u64>,
    /// Where old ones are read.
    reader: Option<LogReader>,
    /// Whether it had everything that there was at some time.
    caught_up: bool,
}

pub(super) struct Subscriber {
    source: Source,
    outbox: Vec<u8>,
    sent: usize,
}

impl Subscriber {
    /// A subscriber that goes on with message `next`.
    pub(super) fn of_stream(next: u64) -> Self {
        Self::new(Source::Stream(Stream { next, end: None, reader: None, caught_up: false }))
    }

    /// A client that wants a snapshot.
    pub(super) fn of_snapshot() -> Self {
        Self::new(Source::AwaitingSnapshot)
    }

    fn new(source: Source) -> Self {
        Self { source, outbox: Vec::new(), sent: 0 }
    }

    /// Whether it waits for a snapshot.
    pub(super) fn wants_snapshot(&self) -> bool {
        matches!(self.source, Source::AwaitingSnapshot)
    }

    /// The next message that it is to be sent; `None` if it gets none.
    pub(super) fn next_message(&self) -> Option<u64> {
        match &self.source {
            Source::Stream(stream) => Some(stream.next),
            Source::AwaitingSnapshot | Source::Snapshot { .. } | Source::Over => None,
        }
    }

    /// Its session has ended before this message: it gets the rest of it and no more.
    pub(super) fn end_before(&mut self, message: u64) {
        match &mut self.source {
            Source::Stream(stream) => {
                stream.end.get_or_insert(message);
            }
            // The snapshot that it was promised is of a session that is over.
            Source::AwaitingSnapshot => self.source = Source::Over,
            Source::Snapshot { .. } | Source::Over => {}
        }
    }

    pub(super) fn unsent(&self) -> &[u8] {
        &self.outbox[self.sent..]
    }

    pub(super) fn took(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.outbox.len() {
            self.outbox.clear();
            self.sent = 0;
        }
    }

    /// Puts the next bytes into an empty outbox.
    ///
    /// # Errors
    /// Why the connection is to be closed.
    pub(super) fn fill(&mut self, messages: &Messages<'_>, now: u64) -> Result<SendStatus, CloseReason> {
        if !self.outbox.is_empty() {
            return Ok(SendStatus::Open);
        }
        match &mut self.source {
            Source::Over => Ok(SendStatus::Ended),
            Source::AwaitingSnapshot => {
                if let Some(snapshot) = &messages.snapshot {
                    let (snapshot, take_ns) = (Arc::clone(snapshot), snapshot.take_ns(now));
                    self.source = Source::Snapshot { snapshot, put: 0, since: now, take_ns };
                    return self.fill(messages, now);
                }
                Ok(SendStatus::Open)
            }
            Source::Snapshot { snapshot, put, .. } => {
                let bytes = &snapshot.bytes;
                if *put == bytes.len() {
                    return Ok(SendStatus::Ended);
                }
                let end = bytes.len().min(*put + OUTBOX_LEN);
                self.outbox.extend_from_slice(&bytes[*put..end]);
                *put = end;
                Ok(SendStatus::Open)
            }
            Source::Stream(stream) => stream.fill(&mut self.outbox, messages),
        }
    }

    /// Whether there is more to be put into the outbox.
    pub(super) fn has_more(&self, messages: &Messages<'_>) -> bool {
        match &self.source {
            Source::Stream(stream) => stream.end.is_some() || stream.next < stream.last(messages),
            Source::AwaitingSnapshot => messages.snapshot.is_some(),
            Source::Snapshot { .. } | Source::Over => true,
        }
    }

    /// # Errors
    /// [`Cause::FellBehind`] for a subscriber that had caught up and is now too far from the end of what it gets,
    /// [`Cause::SnapshotTimeout`] for one that holds a snapshot for too long.
    pub(super) fn look(
        &self,
        settings: &FeedSettings,
        messages: &Messages<'_>,
        now: u64,
    ) -> Result<(), CloseReason> {
        match &self.source {
            Source::Stream(stream) if stream.caught_up => {
                // What is of the session after its own is not for it.
                let behind = stream.last(messages).saturating_sub(stream.next);
                if behind > settings.behind_messages_max {
                    return Err(Cause::FellBehind(behind).into());
                }
            }
            Source::Snapshot { since, take_ns, .. } if now.saturating_sub(*since) >= *take_ns => {
                return Err(Cause::SnapshotTimeout(take_ns / 1_000_000_000).into());
            }
            Source::Stream(_) | Source::Snapshot { .. } | Source::AwaitingSnapshot | Source::Over => {}
        }
        Ok(())
    }
}

impl Stream {
    /// The first message that is not for it, or not there yet.
    fn last(&self, messages: &Messages<'_>) -> u64 {
        self.end.unwrap_or(u64::MAX).min(messages.tail.next())
    }

    fn fill(&mut self, outbox: &mut Vec<u8>, messages: &Messages<'_>) -> Result<SendStatus, CloseReason> {
        let last = self.last(messages);
        if self.end == Some(self.next) {
            return Ok(SendStatus::Ended);
        }
        let before = self.next;
        let mut read = false;
        if self.next < last && messages.tail.packet(self.next).is_none() {
            read = match self.read_log(last, outbox, messages.log) {
                Ok(read) => read,
                // Retired, be it while it was read.
                Err(JournalError::Gone { .. }) => return Err(Cause::Gone(before).into()),
                // It goes on in a later duty cycle.
                Err(error) if error.is_passing() => false,
                // Whoever asks for old messages can always be told to ask again; nobody else is concerned.
                Err(error) => return Err(Cause::Unreadable { message: before, error }.into()),
            };
        } else {
            self.reader = None;
            while self.next < last
                && outbox.len() < OUTBOX_LEN
                && let Some(packet) = messages.tail.packet(self.next)
            {
                outbox.extend_from_slice(packet);
                self.next += 1;
            }
        }
        self.caught_up |= self.next == messages.tail.next();
        Ok(if read && outbox.is_empty() { SendStatus::Busy } else { SendStatus::Open })
    }

    /// Old messages from the log. Whether anything was read, be it only to be skipped.
    fn read_log(&mut self, last: u64, outbox: &mut Vec<u8>, log: &OldMessages) -> Result<bool, JournalError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(log.read_from(self.next)?),
        };
        for read in 0..READ_MAX {
            if self.next == last || outbox.len() >= OUTBOX_LEN {
                return Ok(true);
            }
            let Some(logged) = reader.next()? else { return Ok(read > 0) };
            if logged.number < self.next {
                continue;
            }
            if logged.number > self.next
                || soup::push_packet(kind::SEQUENCED, logged.message, outbox).is_none()
            {
                let (dir, first) = (log.dir().to_owned(), logged.number);
                return Err(JournalError::Gone { dir, first, asked: self.next });
            }
            self.next += 1;
        }
        Ok(true)
    }
}
