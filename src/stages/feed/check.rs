//! Compares the log of messages with the messages that the events give, for `dojima verify`.

use super::checkpoint::{self, Checkpoint};
use super::log::LogReader;
use crate::domain::EventRecord;
use crate::market::{Feed, Published};
use crate::wire::itch::MESSAGE_LEN_MAX;
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, JournalError, scan_beside};
use std::sync::Arc;

/// A log that is being compared with events. Reads only; an engine may be running meanwhile.
pub struct LogCheck {
    files: Arc<dyn Storage>,
    /// The first and the last message in the log when it was opened.
    there: (u64, u64),
    /// `None` before the first event.
    feed: Option<Feed>,
    reader: Option<LogReader>,
    waiting: Vec<Published>,
    /// The number of the next message that the events give.
    next: u64,
    outcome: LogOutcome,
}

/// The result of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOutcome {
    /// All compared messages are identical.
    Same {
        /// Messages that were compared.
        compared: u64,
        /// Messages in the log that the events do not give.
        beyond: u64,
    },
    /// Nothing was compared: the events did not start with the first one, and there is no checkpoint for those before.
    NotCompared {
        /// The first event that was given.
        from: u64,
    },
    /// The first difference, or what could not be read.
    Different(String),
}

impl LogCheck {
    /// The log as it is now; `None` if there is none. The caller must give later events, so that none is missing.
    ///
    /// # Errors
    /// [`JournalError`] if the log is damaged or cannot be read.
    pub fn open(market_data: &Arc<dyn Storage>) -> Result<Option<Self>, JournalError> {
        let files: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::clone(market_data)));
        let scanned = scan_beside(&files)?.scanned;
        if scanned.segments().is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            files,
            there: (scanned.first_sequence(), scanned.next_sequence() - 1),
            feed: None,
            reader: None,
            waiting: Vec::new(),
            next: 1,
            outcome: LogOutcome::Same { compared: 0, beyond: 0 },
        }))
    }

    /// Takes the next event.
    pub fn take(&mut self, record: &EventRecord) {
        if !matches!(self.outcome, LogOutcome::Same { .. }) || self.next > self.there.1 {
            return;
        }
        let Some(mut feed) = self.feed.take().or_else(|| self.begin(record.number)) else {
            self.outcome = LogOutcome::NotCompared { from: record.number };
            return;
        };
        if record.number > feed.last_event() {
            feed.apply(record, &mut self.waiting);
            self.compare();
        }
        self.feed = Some(feed);
    }

    /// Finishes after the last event, which has this number. If no event was given, because a snapshot has all of them,
    /// the log may still have extra messages.
    pub fn finish(mut self, last_event: u64) -> LogOutcome {
        let saw_none = self.feed.is_none() && self.next == 1;
        if saw_none && self.there.1 > 0 && last_event > 0 && self.begin(last_event + 1).is_none() {
            self.outcome = LogOutcome::NotCompared { from: last_event + 1 };
        }
        if let Some(mut feed) = self.feed.take() {
            feed.complete(&mut self.waiting);
            self.compare();
        }
        if let LogOutcome::Same { beyond, .. } = &mut self.outcome {
            *beyond = (self.there.1 + 1).saturating_sub(self.next);
        }
        self.outcome
    }

    /// The feed before event `first`, the first one given, or at the oldest checkpoint that has all events before it.
    fn begin(&mut self, first: u64) -> Option<Feed> {
        let start = match first {
            1 => Checkpoint::default(),
            first => {
                let storage = self.files.as_ref();
                let there = checkpoint::all(storage).ok()?.into_iter().rev();
                let mut late = there.filter(|event| event + 1 >= first);
                late.find_map(|event| checkpoint::read(storage, event).ok())?
            }
        };
        self.next = start.messages + 1;
        Some(start.feed)
    }

    fn compare(&mut self) {
        for published in std::mem::take(&mut self.waiting) {
            let number = self.next;
            self.next += 1;
            if number > self.there.1 || number < self.there.0 {
                continue;
            }
            if let Err(why) = self.compare_one(number, &published) {
                self.outcome = LogOutcome::Different(why);
                return;
            }
            if let LogOutcome::Same { compared, .. } = &mut self.outcome {
                *compared += 1;
            }
        }
    }

    fn compare_one(&mut self, number: u64, published: &Published) -> Result<(), String> {
        let mut expected = [0; MESSAGE_LEN_MAX];
        let len = published.message.encode(&mut expected).unwrap_or(0);
        let failed = |error: JournalError| format!("message {number} cannot be read: {error}");
        let opened = match self.reader.take() {
            Some(reader) => Ok(reader),
            None => LogReader::open_at(&self.files, number),
        };
        let reader = match opened {
            Ok(reader) => self.reader.insert(reader),
            Err(error) => return self.retired(error).map_err(failed),
        };
        let logged = match reader.next() {
            Ok(logged) => logged,
            Err(error) => return self.retired(error).map_err(failed),
        };
        let due = (number, published.sequence, &expected[..len]);
        match logged {
            Some(logged) if (logged.number, logged.sequence, logged.message) == due => Ok(()),
            Some(logged) => Err(format!(
                "message {number} of command {} is {:?} by the events, and the log has {}: {}",
                published.sequence,
                published.message,
                logged.number,
                logged.message.escape_ascii()
            )),
            None => Err(format!("message {number} cannot be read")),
        }
    }

    /// An engine may retire messages during the comparison: they are skipped.
    fn retired(&mut self, error: JournalError) -> Result<(), JournalError> {
        let JournalError::Gone { first, .. } = error else { return Err(error) };
        self.there.0 = first;
        self.reader = None;
        Ok(())
    }
}
