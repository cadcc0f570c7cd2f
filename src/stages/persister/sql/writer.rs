//! The SQL writer: follows the event log and writes it into the database, a batch at a time.
//!
//! A database that is locked, out of space or out of reach is tried again later; meanwhile the event log holds the
//! backlog, and trading does not notice. Only an event log that cannot be read ends the process.
//!
//! It never starts in the middle: where the events are gone that a database would need, it says which, and writes nothing.

use super::error::SqlError;
use super::load::load;
use super::mirror::{Contradiction, Mirror};
use super::rows::Watermark;
use super::schema::{Database, set_aside};
use super::wal::{Moved, WAL_KEPT_BYTES};
use super::write::write_batch;
use crate::domain::{EventRecord, Timestamp, codec};
use crate::ring::{CursorReader, CursorWriter, cursor};
use crate::runtime::planted::{Bug, is_planted};
use crate::runtime::{Agent, Clock, Clocks, Counter, Counters, Fatal, MonotonicNanos, WallClock};
use dojima_journal::passing::Told;
use dojima_journal::storage::{NotSynced, Storage, make_folder};
use dojima_journal::{ArchivedStorage, JournalError, Reader};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Events read in one duty cycle.
const READ_MAX: usize = 4096;

/// The first wait after the database refused, and the longest; each is twice the one before.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(10);

/// How often a writer that has nothing to write sees whether its file is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often what was written is synced. Nobody waits for it but retention, which must keep what a loss of power could
/// take from the database.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);
/// How often while the write-ahead log is larger than it may stay, so that it is cut soon after the last reader has gone.
const SYNC_INTERVAL_LARGE: Duration = Duration::from_secs(1);

/// A write-ahead log of this size is warned of, and again at each double, bytes.
const WAL_WARN_BYTES: u64 = 2 * WAL_KEPT_BYTES;

/// What a database is renamed to (`NAME.LABEL-N`) that is ahead of the event log.
const AHEAD: &str = "ahead";
/// What a database is renamed to that has the tables of an older program.
const OUTDATED: &str = "outdated";
/// What a database is renamed to that says something else than the event log, or is damaged.
const DIVERGED: &str = "diverged";

/// Where and how the database is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlSettings {
    /// The database file. It and its folder are made when they are not there.
    pub path: PathBuf,
    /// The longest time that a batch gathers.
    pub batch_interval: Duration,
    /// The most events in a batch, at least 1.
    pub batch_events_max: usize,
}

impl SqlSettings {
    /// A database at `path` with batches of 100 ms or 10,000 events, whichever comes first.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), batch_interval: Duration::from_millis(100), batch_events_max: 10_000 }
    }
}

/// The agent.
pub struct SqlWriter {
    settings: SqlSettings,
    /// With the segments that were archived, for a database that is built again.
    log: Arc<dyn Storage>,
    clock: Box<dyn Clock>,
    /// For how old events are; nothing waits for it.
    wall: Box<dyn WallClock>,
    /// `None` before the database could be opened, and after it was lost.
    session: Option<Session>,
    watermark: CursorWriter,
    /// Events of later commands are not taken yet; `None`: all are.
    synced: Option<CursorReader>,
    on_disk: CursorWriter,
    next_sync: MonotonicNanos,
    wal_syncs: WalSyncs,
    /// The size of the write-ahead log that was warned of last, bytes; 0 while it is small.
    wal_warned: u64,
    retry: Retry,
    rebuild: Rebuild,
    stage: Stage,
    /// When to see again whether the file is still there.
    next_look: MonotonicNanos,
    counts: Counts,
}

/// An engine that starts is told what is wrong; one that runs goes on without SQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Running,
}

/// An open database, what is in it, and the place in the event log after that.
struct Session {
    database: Database,
    mirror: Mirror,
    reader: Reader,
    /// An event that was read before its time.
    held: Option<EventRecord>,
    /// When the first event of the batch was taken, and that event's own time.
    batch_started: Option<(MonotonicNanos, Timestamp)>,
}

/// When to try again after the database refused.
#[derive(Default)]
struct Retry {
    not_before: MonotonicNanos,
    wait: Duration,
}

/// Whether a sync of the write-ahead log alone means something. After one that failed it does not: the system may have
/// given up what it could not write, and the next one succeeds. Then only what is in the database file counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WalSyncs {
    Trusted,
    Failed,
}

/// Whether the database was built from event 1 by this program since it contradicted the event log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rebuild {
    Untried,
    Tried,
}

struct Counts {
    watermark: Counter,
    rows: Counter,
    batches: Counter,
    lag_ms: Counter,
    errors: Counter,
    wal_bytes: Counter,
}

/// Why a session cannot start or go on.
enum Trouble {
    Sql(SqlError),
    /// The event log cannot be read for the moment.
    LogLater(JournalError),
    /// The event log cannot be read, or cannot be made sense of.
    Log(Fatal),
    /// The database is not of this event log: it has to be built again.
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
    /// Of an event log that cannot be read.
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

impl SqlWriter {
    /// Opens the database and goes on after its watermark with the events in `log`. When the database cannot be had
    /// for the moment, that is tried again in duty cycles.
    ///
    /// # Errors
    /// [`Fatal::Sql`] for a database of a newer program or of another one, and for one that needs events which are no
    /// longer in the log; [`Fatal::EventLog`] for a log that cannot be read.
    pub fn new(
        settings: SqlSettings,
        log: Arc<dyn Storage>,
        clocks: &dyn Clocks,
        counters: &Counters,
    ) -> Result<Self, Fatal> {
        let counts = Counts {
            watermark: counters.register("sql.watermark", "event"),
            rows: counters.register("sql.rows", "rows"),
            batches: counters.register("sql.batches", "batches"),
            lag_ms: counters.register("sql.lag_ms", "ms"),
            errors: counters.register("sql.errors", "errors"),
            wal_bytes: counters.register("sql.wal_bytes", "bytes"),
        };
        let log: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(log));
        let ((watermark, _), (on_disk, _)) = (cursor(), cursor());
        let (session, retry, rebuild) = (None, Retry::default(), Rebuild::Untried);
        let (stage, next_look, next_sync) =
            (Stage::Starting, MonotonicNanos::default(), MonotonicNanos::default());
        let mut writer = Self {
            settings,
            log,
            clock: clocks.monotonic(),
            wall: clocks.wall(),
            session,
            watermark,
            synced: None,
            on_disk,
            next_sync,
            wal_syncs: WalSyncs::Trusted,
            wal_warned: 0,
            retry,
            rebuild,
            stage,
            next_look,
            counts,
        };
        let now = writer.clock.now();
        writer.ensure_open(now)?;
        writer.stage = Stage::Running;
        Ok(writer)
    }

    /// Takes events only of commands up to `synced`. So the database is never ahead of what a loss of power leaves of the
    /// journal, and need not be built again, for which all events since the first would have to be kept.
    #[must_use]
    pub fn behind(self, synced: CursorReader) -> Self {
        Self { synced: Some(synced), ..self }
    }

    /// The last event in the database. 0 while that is not known, and again from 0 on while a database is built again.
    pub fn watermark(&self) -> CursorReader {
        self.watermark.reader()
    }

    /// The last event that no loss of power can take from the database: later ones must stay in the event log. 0 while that
    /// is not known.
    pub fn on_disk(&self) -> CursorReader {
        self.on_disk.reader()
    }

    /// Opens the database unless it is open. Returns whether it is.
    fn ensure_open(&mut self, now: MonotonicNanos) -> Result<bool, Fatal> {
        if self.session.is_none() {
            match open(&self.settings, &self.log) {
                Ok(session) => {
                    self.show_watermark(session.mirror.watermark.event);
                    // How much of it is synced is not known; and it may be another file than before.
                    self.on_disk.move_back(0);
                    self.next_sync = now;
                    self.session = Some(session);
                }
                Err(trouble) => self.handle(trouble, now)?,
            }
        }
        Ok(self.session.is_some())
    }

    /// Reads on, to the end of the log or of the batch. Returns how many events.
    fn gather(&mut self, now: MonotonicNanos) -> Result<usize, Fatal> {
        let synced = self.synced.as_ref().map_or(u64::MAX, CursorReader::get);
        let Some(session) = &mut self.session else { return Ok(0) };
        match session.gather(now, self.settings.batch_events_max, synced) {
            Ok(events) => Ok(events),
            Err(trouble) => {
                // What was taken before the error is in the batch, and the reader is behind it.
                if !matches!(trouble, Trouble::LogLater(_)) {
                    self.session = None;
                } else if is_planted(Bug::SkipUnreadable) {
                    let _ = session.reader.next();
                }
                self.handle(trouble, now)?;
                Ok(0)
            }
        }
    }

    /// Writes the batch. Returns how many rows.
    fn flush(&mut self, now: MonotonicNanos) -> Result<usize, Fatal> {
        let Some(session) = &mut self.session else { return Ok(0) };
        match write_batch(&session.database, &mut session.mirror) {
            Ok(rows) => {
                session.mirror.settle();
                let event = session.mirror.watermark.event;
                let time = self.wall.time().0;
                let oldest = session.batch_started.take().map_or(time, |(_, stamped)| stamped.0);
                self.counts.lag_ms.set(time.saturating_sub(oldest) / 1_000_000);
                self.counts.rows.add(rows as u64);
                self.counts.batches.add(1);
                self.show_watermark(event);
                self.retry = Retry::default();
                Ok(rows)
            }
            Err(error) => {
                // The batch is still in memory, to be written again as it is, if only the connection is as it was, and
                // was not made for reading only while nothing could be written there.
                let usable = session.database.connection.is_autocommit() && !error.is_read_only();
                if !error.is_passing() || !usable {
                    self.session = None;
                }
                self.handle(error.into(), now)?;
                Ok(0)
            }
        }
    }

    fn show_watermark(&mut self, event: u64) {
        self.counts.watermark.set(event);
        self.watermark.move_back(event);
    }

    /// Syncs what was written, and makes a large write-ahead log small, when it is time.
    fn sync(&mut self, now: MonotonicNanos) -> Result<(), Fatal> {
        let written = self.watermark.get();
        let Some(session) = &self.session else { return Ok(()) };
        if now < self.next_sync {
            return Ok(());
        }
        let is_large = session.database.wal_bytes() > WAL_KEPT_BYTES;
        self.next_sync = after(now, if is_large { SYNC_INTERVAL_LARGE } else { SYNC_INTERVAL });
        if self.on_disk.get() == written && !is_large {
            self.show_wal();
            return Ok(());
        }
        match session.database.checkpoint() {
            Ok(Moved::All) => {
                self.wal_syncs = WalSyncs::Trusted;
                self.on_disk.set(written);
            }
            Ok(Moved::Part) if self.wal_syncs == WalSyncs::Trusted => match session.database.sync_wal() {
                Ok(()) => self.on_disk.set(written),
                Err(NotSynced::Unopened(_)) => {}
                Err(NotSynced::Failed(error)) => {
                    self.wal_syncs = WalSyncs::Failed;
                    let path = self.settings.path.display();
                    tracing::warn!("{path}: the write-ahead log cannot be synced: {error}");
                }
            },
            Ok(Moved::Part) => {}
            Err(error) => {
                if !error.is_passing() {
                    self.session = None;
                }
                self.handle(error.into(), now)?;
            }
        }
        self.show_wal();
        Ok(())
    }

    /// Shows the size of the write-ahead log, and says so when somebody makes it grow.
    fn show_wal(&mut self) {
        let Some(session) = &self.session else { return };
        let bytes = session.database.wal_bytes();
        self.counts.wal_bytes.set(bytes);
        let (path, mib) = (self.settings.path.display(), bytes >> 20);
        if bytes <= WAL_KEPT_BYTES {
            if self.wal_warned > 0 {
                tracing::info!("{path}: the write-ahead log is small again, {mib} MiB");
            }
            self.wal_warned = 0;
        } else if bytes >= WAL_WARN_BYTES.max(2 * self.wal_warned) {
            self.wal_warned = bytes;
            let who = match session.database.readers().as_slice() {
                [] => "which one cannot be told".to_owned(),
                readers => {
                    readers.iter().map(|process| format!("process {process}")).collect::<Vec<_>>().join(", ")
                }
            };
            tracing::warn!(
                "{path}-wal has {mib} MiB: somebody who reads the database keeps a transaction open ({who}). It grows until that \
                 ends and is cut then; it does not count towards retention.quota_mib, but takes space from the disk"
            );
        }
    }

    /// Gives up a database whose file was deleted or replaced. What has its name now is opened next, or built.
    fn look_at_file(&mut self, now: MonotonicNanos) {
        self.next_look = after(now, LOOK_INTERVAL);
        if let Some(session) = self.session.take_if(|session| !session.database.is_in_place()) {
            tracing::warn!("{}: the database was deleted or replaced", self.settings.path.display());
            self.counts.errors.add(1);
            session.database.abandon();
            // Every event may be needed again, and nobody may take them away before it is known which.
            self.show_watermark(0);
            self.on_disk.move_back(0);
        }
    }

    /// Decides what becomes of trouble: wait, build again, or end.
    fn handle(&mut self, trouble: Trouble, now: MonotonicNanos) -> Result<(), Fatal> {
        self.counts.errors.add(1);
        match trouble {
            Trouble::Sql(error @ SqlError::EventsGone { .. }) if self.stage == Stage::Starting => {
                Err(Fatal::sql(error))
            }
            Trouble::Sql(error)
                if error.is_passing() || self.stage == Stage::Running && error.is_of_others() =>
            {
                let wait = self.retry.after(now);
                let system = if error.hides_the_system() { of_the_system() } else { String::new() };
                tracing::warn!(
                    "SQL has to wait, trading goes on; next try in {} ms: {error}{system}",
                    wait.as_millis()
                );
                Ok(())
            }
            Trouble::Sql(error) => Err(Fatal::sql(error)),
            Trouble::LogLater(error) => {
                let wait = self.retry.after(now);
                tracing::warn!(
                    "SQL has to wait for the event log, trading goes on; next try in {} ms: {error}",
                    wait.as_millis()
                );
                Ok(())
            }
            Trouble::Log(fatal) => Err(fatal),
            // A database that was built from this very log and still does not fit: the log makes no sense.
            Trouble::Unfit { label: DIVERGED, why } if self.rebuild == Rebuild::Tried => {
                Err(Fatal::event_log(why))
            }
            Trouble::Unfit { label, why } => self.start_over(label, &why, now),
        }
    }

    /// Moves the database aside; the next one is built from event 1.
    fn start_over(&mut self, label: &str, why: &str, now: MonotonicNanos) -> Result<(), Fatal> {
        self.session = None;
        let moved = match read_from(&self.settings.path, &self.log, 1) {
            Ok(_) => set_aside(&self.settings.path, label).map_err(Trouble::Sql),
            Err(trouble) => {
                tracing::warn!("{why}; it would have to be built again");
                Err(trouble)
            }
        };
        match moved {
            Ok(aside) => {
                tracing::warn!(
                    "{why}; the database is now {} and is built again from event 1",
                    aside.display()
                );
                self.rebuild = Rebuild::Tried;
                self.ensure_open(now).map(drop)
            }
            Err(trouble) => self.handle(trouble, now),
        }
    }

    fn is_due(&self, now: MonotonicNanos) -> bool {
        let Some(session) = &self.session else { return false };
        let gathered = session.batch_started.map(|(started, _)| now.0.saturating_sub(started.0));
        session.mirror.batch.events >= self.settings.batch_events_max
            || gathered.is_some_and(|waited| u128::from(waited) >= self.settings.batch_interval.as_nanos())
    }
}

impl Retry {
    /// How long to wait after one more refusal.
    fn after(&mut self, now: MonotonicNanos) -> Duration {
        self.wait = (self.wait * 2).clamp(RETRY_FIRST, RETRY_LONGEST);
        self.not_before = after(now, self.wait);
        self.wait
    }
}

impl Session {
    fn gather(&mut self, now: MonotonicNanos, events_max: usize, synced: u64) -> Result<usize, Trouble> {
        let room = events_max.saturating_sub(self.mirror.batch.events).min(READ_MAX);
        for taken in 0..room {
            let next = match self.held.take() {
                None => next_event(&mut self.reader)?,
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
        Ok(room)
    }
}

/// What the system says of another file at this moment, since SQLite does not hand on what it was told of its own.
fn of_the_system() -> String {
    match File::open("/dev/null") {
        Err(error) => format!(": {}", Told(&error)),
        Ok(_) => String::new(),
    }
}

fn after(now: MonotonicNanos, wait: Duration) -> MonotonicNanos {
    let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    MonotonicNanos(now.0.saturating_add(nanos))
}

fn next_event(reader: &mut Reader) -> Result<Option<EventRecord>, Trouble> {
    let found = reader.next()?;
    let decoded = found.map(|record| codec::decode_event(record.payload)).transpose();
    decoded.map_err(|error| Trouble::Log(Fatal::event_log(error)))
}

/// A reader of the events from this one on, which the database at `path` needs.
fn read_from(path: &Path, log: &Arc<dyn Storage>, event: u64) -> Result<Reader, Trouble> {
    Reader::open_storage(Arc::clone(log), event).map_err(|error| match error {
        JournalError::Gone { dir: log, first, asked } => {
            Trouble::Sql(SqlError::EventsGone { path: path.to_owned(), log, asked, first })
        }
        error => error.into(),
    })
}

/// Opens the database and sees that it is of this event log: the event of its watermark must be there and be the same.
fn open(settings: &SqlSettings, log: &Arc<dyn Storage>) -> Result<Session, Trouble> {
    if let Some(folder) = settings.path.parent() {
        // If this fails, opening the file says so better.
        let _ = make_folder(folder);
    }
    if let Ok(false) = settings.path.try_exists() {
        // Before a file is made that could not be filled.
        read_from(&settings.path, log, 1)?;
    }
    let mut database = Database::open(&settings.path)?;
    let mirror = load(&database)?;
    database.note_files_beside();
    let last = mirror.watermark;
    let (mut reader, last_is_logged) = match read_from(&settings.path, log, last.event.max(1)) {
        // All that is needed is there; what is in the tables already may be retired.
        Err(Trouble::Sql(SqlError::EventsGone { first, .. })) if first == last.event + 1 => {
            (read_from(&settings.path, log, first)?, false)
        }
        found => (found?, last.event > 0),
    };
    if last_is_logged {
        match next_event(&mut reader)? {
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
    Ok(Session { database, mirror, reader, held: None, batch_started: None })
}

impl Agent for SqlWriter {
    fn name(&self) -> &str {
        "sql"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now();
        if now < self.retry.not_before {
            return Ok(0);
        }
        if now >= self.next_look || self.is_due(now) {
            self.look_at_file(now);
        }
        if !self.ensure_open(now)? {
            return Ok(0);
        }
        let events = self.gather(now)?;
        let rows = if self.is_due(now) { self.flush(now)? } else { 0 };
        self.sync(now)?;
        Ok(events + rows)
    }

    /// Writes all that is in the event log, if the database lets it. What is missing then comes at the next start.
    fn on_close(&mut self) -> Result<(), Fatal> {
        let now = self.clock.now();
        self.look_at_file(now);
        self.ensure_open(now)?;
        while self.gather(now)? > 0 {
            self.flush(now)?;
        }
        let waiting = self.session.as_ref().is_some_and(|session| session.mirror.batch.events > 0);
        if waiting {
            self.flush(now)?;
        }
        self.session = None;
        Ok(())
    }
}
