//! A database being written, and its position in the event log.

use super::database::Database;
use super::error::SqlError;
use super::load::load;
use super::mirror::{Contradiction, Mirror};
use super::people::People;
use super::rows::Watermark;
use super::write::write_batch;
use crate::domain::{EventRecord, Timestamp, codec};
use crate::runtime::{Fatal, MonotonicNanos};
use dojima_journal::storage::{Storage, make_folder};
use dojima_journal::{JournalError, Reader, Trusted};
use std::path::Path;
use std::sync::Arc;

/// The most events read per duty cycle.
const READ_MAX: usize = 4096;

/// The label of a database that was set aside (`NAME.LABEL-N`) because it is ahead of the event log.
const AHEAD: &str = "ahead";
/// The label of a database that was set aside because it has the tables of an older program.
const OUTDATED: &str = "outdated";
/// The label of a database that was set aside because it contradicts the event log, or is damaged.
pub(crate) const DIVERGED: &str = "diverged";

/// An open database, its working set, and a reader of the event log after its last event.
pub(crate) struct Session {
    pub(crate) database: Database,
    mirror: Mirror,
    reader: Reader,
    /// An event that was read but may not be taken yet.
    held: Option<EventRecord>,
    /// When the first event of the batch was taken, and the time of that event.
    batch_started: Option<(MonotonicNanos, Timestamp)>,
    /// Whether the last read took every event that may be taken.
    is_at_end: bool,
}

/// Why a session cannot start or continue.
pub(crate) enum Trouble {
    Sql(SqlError),
    /// The event log temporarily cannot be read.
    LogLater(JournalError),
    /// The event log cannot be read or decoded.
    Log(Fatal),
    /// The database does not belong to this event log and must be rebuilt.
    Unfit {
        label: &'static str,
        why: String,
    },
}

impl From<SqlError> for Trouble {
    fn from(error: SqlError) -> Self {
        if let SqlError::OlderSchema { .. } = error {
            Self::Unfit { label: OUTDATED, why: error.to_string() }
        } else if error.is_damage() {
            Self::Unfit { label: DIVERGED, why: error.to_string() }
        } else {
            Self::Sql(error)
        }
    }
}

impl From<JournalError> for Trouble {
    /// For an event log that cannot be read.
    fn from(error: JournalError) -> Self {
        match error.is_passing() {
            true => Self::LogLater(error),
            false => Self::Log(Fatal::event_log(error)),
        }
    }
}

impl From<Contradiction> for Trouble {
    fn from(contradiction: Contradiction) -> Self {
        Self::Unfit { label: DIVERGED, why: contradiction.to_string() }
    }
}

impl Session {
    /// Opens the database and checks that it belongs to this event log: the event of its watermark must be in the log
    /// unchanged.
    pub(crate) fn open(path: &Path, people: &People, log: &Arc<dyn Storage>) -> Result<Self, Trouble> {
        if let Some(folder) = path.parent() {
            // If this fails, opening the file reports a better error.
            let _ = make_folder(folder);
        }
        if let Ok(false) = path.try_exists() {
            // Before creating a file that could not be filled.
            read_from(path, log, 1)?;
        }
        let mut database = Database::open(path, people)?;
        let mirror = load(&database)?;
        database.note_files_beside();
        let last = mirror.watermark;
        let (mut reader, last_is_logged) = match read_from(path, log, last.event.max(1)) {
            // All needed events are in the log; those already in the tables may be retired.
            Err(Trouble::Sql(SqlError::EventsGone { first, .. })) if first == last.event + 1 => {
                (read_from(path, log, first)?, false)
            }
            found => (found?, last.event > 0),
        };
        if last_is_logged {
            match next_event(&mut reader, Trusted::NONE)? {
                None => {
                    let why = format!("the database has event {}, which the event log does not", last.event);
                    return Err(Trouble::Unfit { label: AHEAD, why });
                }
                Some(record) if Watermark::at(&record) != last => {
                    let why =
                        format!("event {} is another one in the database than in the event log", last.event);
                    return Err(Trouble::Unfit { label: DIVERGED, why });
                }
                Some(_) => {}
            }
        }
        Ok(Self { database, mirror, reader, held: None, batch_started: None, is_at_end: false })
    }

    /// Reads to the end of the log or of the batch, but no event of a command after `synced`. Returns the number of
    /// events.
    pub(crate) fn gather(
        &mut self,
        now: MonotonicNanos,
        events_max: usize,
        synced: u64,
        trusted: Trusted,
    ) -> Result<usize, Trouble> {
        let room = events_max.saturating_sub(self.mirror.batch.events).min(READ_MAX);
        // Also if the log temporarily cannot be read: the events already taken need not wait.
        self.is_at_end = true;
        for taken in 0..room {
            let next = match self.held.take() {
                None => next_event(&mut self.reader, trusted)?,
                held => held,
            };
            let Some(record) = next else { return Ok(taken) };
            if record.sequence > synced {
                self.held = Some(record);
                return Ok(taken);
            }
            self.mirror.apply(&record)?;
            self.batch_started.get_or_insert((now, record.time));
        }
        self.is_at_end = false;
        Ok(room)
    }

    /// Skips an event that cannot be read.
    pub(crate) fn pass_over(&mut self) {
        let _ = self.reader.next();
    }

    /// Writes the batch in one transaction and starts a new one. Returns the number of rows. On an error the batch is
    /// unchanged.
    ///
    /// # Errors
    /// [`SqlError`]: nothing of the batch is in the tables.
    pub(crate) fn write(&mut self) -> Result<usize, SqlError> {
        let rows = self.database.writing(|| write_batch(&self.database, &mut self.mirror))?;
        self.mirror.settle();
        self.batch_started = None;
        Ok(rows)
    }

    /// Whether this connection can write the batch again after the error: the batch is unchanged, and the connection
    /// was not opened read-only while nothing could be written there.
    pub(crate) fn can_write_again(&self, error: &SqlError) -> bool {
        self.database.connection.is_autocommit() && !error.is_read_only()
    }

    /// The number of events in the batch.
    pub(crate) fn events(&self) -> usize {
        self.mirror.batch.events
    }

    /// Whether the last read took every available event.
    pub(crate) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// When the first event of the batch was taken, and the time of that event.
    pub(crate) fn batch_started(&self) -> Option<(MonotonicNanos, Timestamp)> {
        self.batch_started
    }

    /// The last event that was taken; directly after an opening or a write it is the last one in the tables.
    pub(crate) fn watermark(&self) -> u64 {
        self.mirror.watermark.event
    }
}

fn next_event(reader: &mut Reader, trusted: Trusted) -> Result<Option<EventRecord>, Trouble> {
    let found = reader.next_trusting(trusted)?;
    let decoded = found.map(|record| codec::decode_event(record.payload)).transpose();
    decoded.map_err(|error| Trouble::Log(Fatal::event_log(error)))
}

/// A reader of the events from this one on, which the database at `path` needs.
pub(crate) fn read_from(path: &Path, log: &Arc<dyn Storage>, event: u64) -> Result<Reader, Trouble> {
    Reader::open_storage(Arc::clone(log), event).map_err(|error| match error {
        JournalError::Gone { dir: log, first, asked } => {
            Trouble::Sql(SqlError::EventsGone { path: path.to_owned(), log, asked, first })
        }
        error => error.into(),
    })
}
