//! One client of the feed: what it receives, and its position.

use super::close_reason::Cause;
use super::log::{LogReader, OldMessages};
use super::messages::Messages;
use super::settings::FeedSettings;
use super::snapshots::Snapshot;
use crate::net::session::{CloseReason, SendStatus};
use crate::wire::soup::{self, kind};
use dojima_journal::JournalError;
use std::sync::Arc;

/// Size of a client's output buffer, bytes.
const OUTBOX_LEN: usize = 64 * 1024;

/// The most messages read from the log for one client per duty cycle, including those that are skipped.
const READ_MAX: usize = 4096;

pub(super) enum Source {
    /// The message stream.
    Stream(Stream),
    /// A snapshot that is not made yet.
    AwaitingSnapshot,
    Snapshot {
        /// Kept in memory while the client reads it.
        snapshot: Arc<Snapshot>,
        /// How much of it was copied to the outbox.
        put: usize,
        /// When it was given to the client, ns.
        since: u64,
        /// How long the client may take to read it, ns.
        take_ns: u64,
    },
    /// Nothing more: its session has ended.
    Over,
}

/// A client's position in the stream, in messages numbered over all sessions.
pub(super) struct Stream {
    /// The next message for the outbox.
    next: u64,
    /// The end of its session, once known: the first message of the next session.
    end: Option<u64>,
    /// The reader of old messages.
    reader: Option<LogReader>,
    /// Whether it had received all messages at some time.
    caught_up: bool,
}

pub(super) struct Subscriber {
    source: Source,
    outbox: Vec<u8>,
    sent: usize,
}

impl Subscriber {
    /// A subscriber that continues with message `next`.
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

    /// The next message to send to it; `None` if it receives no messages.
    pub(super) fn next_message(&self) -> Option<u64> {
        match &self.source {
            Source::Stream(stream) => Some(stream.next),
            Source::AwaitingSnapshot | Source::Snapshot { .. } | Source::Over => None,
        }
    }

    /// Its session ended before this message: it receives the rest of its session and no more.
    pub(super) fn end_before(&mut self, message: u64) {
        match &mut self.source {
            Source::Stream(stream) => {
                stream.end.get_or_insert(message);
            }
            // The snapshot that it waits for would belong to an ended session.
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

    /// Fills an empty outbox with the next bytes.
    ///
    /// # Errors
    /// Why the connection must be closed.
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

    /// Whether there are more bytes for the outbox.
    pub(super) fn has_more(&self, messages: &Messages<'_>) -> bool {
        match &self.source {
            Source::Stream(stream) => stream.end.is_some() || stream.next < stream.last(messages),
            Source::AwaitingSnapshot => messages.snapshot.is_some(),
            Source::Snapshot { .. } | Source::Over => true,
        }
    }

    /// # Errors
    /// [`Cause::FellBehind`] for a subscriber that had caught up and is now too far behind the end of its stream,
    /// [`Cause::SnapshotTimeout`] for one that holds a snapshot too long.
    pub(super) fn look(
        &self,
        settings: &FeedSettings,
        messages: &Messages<'_>,
        now: u64,
    ) -> Result<(), CloseReason> {
        match &self.source {
            Source::Stream(stream) if stream.caught_up => {
                // Messages of a later session do not count.
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
    /// The first message that it must not receive, or that does not exist yet.
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
                // Retired, possibly while it was being read.
                Err(JournalError::Gone { .. }) => return Err(Cause::Gone(before).into()),
                // Retried in a later duty cycle.
                Err(error) if error.is_passing() => false,
                // The client can ask for old messages again; nobody else is affected.
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

    /// Reads old messages from the log. Returns whether anything was read, even if it was only skipped.
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
