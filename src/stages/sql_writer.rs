//! The SQL writer: follows the event log and writes it into the database in batches.
//!
//! If the database is locked, out of space or unreachable, the writer tries again later. Meanwhile the event log holds
//! the backlog, and trading is not affected. Only an event log that cannot be read ends the process.
//!
//! It never skips events: if events that the database needs are gone, it reports which and writes nothing.

use crate::ring::{CursorReader, CursorWriter, cursor};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Clock, Clocks, Counter, Counters, Fatal, MonotonicNanos, WallClock};
use crate::sql::database::set_aside;
use crate::sql::session::{DIVERGED, Session, Trouble, read_from};
use crate::sql::wal::Moved;
use crate::sql::{People, SqlError, WAL_KEPT_BYTES};
use dojima_journal::NotSynced;
use dojima_journal::passing::Told;
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, Trusted};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The first and the longest wait after a database error; each wait is twice the one before.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(10);

/// How often an idle writer checks whether its file still exists.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often written data is synced. Only retention depends on it: it must keep the events that a power loss could
/// remove from the database.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);
/// The same while the write-ahead log is larger than its limit, so that it is truncated soon after its last reader
/// ends.
const SYNC_INTERVAL_LARGE: Duration = Duration::from_secs(1);

/// The size of the write-ahead log from which a warning is given, and again at each doubling, bytes.
const WAL_WARN_BYTES: u64 = 2 * WAL_KEPT_BYTES;

/// Settings of the SQL writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlSettings {
    /// The database file. The file and its directory are created if they do not exist.
    pub path: PathBuf,
    /// How long a batch gathers events while the writer is at the end of the event log.
    pub batch_interval: Duration,
    /// The most events per batch, at least 1; a writer that has fallen behind uses batches of this size. A batch takes
    /// at most 430 bytes of memory per event.
    pub batch_events_max: usize,
    /// The names of accounts and logins.
    pub people: People,
    /// Who starts the write-back of written data before its sync.
    pub write_behind: WriteBehind,
}

/// Who starts the write-back of written data before its sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteBehind {
    /// Only the system, when it chooses.
    Never,
    /// A thread, while data is written, so that the sync is not a burst of writes.
    OnAThread,
}

impl SqlSettings {
    /// A database at `path` with batches of 100 ms, or of 300,000 events while the writer is behind; without names and
    /// without write-behind.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            batch_interval: Duration::from_millis(100),
            batch_events_max: 300_000,
            people: People::default(),
            write_behind: WriteBehind::Never,
        }
    }
}

pub struct SqlWriter {
    settings: SqlSettings,
    /// The log including archived segments, for a database that is rebuilt.
    log: Arc<dyn Storage>,
    clock: Box<dyn Clock>,
    /// Used for the age of events only.
    wall: Box<dyn WallClock>,
    /// `None` before the database could be opened, and after it was lost.
    session: Option<Session>,
    watermark: CursorWriter,
    /// The last command whose events are taken; `None`: all events are taken.
    synced: Option<CursorReader>,
    /// The first and the last event that this process has logged.
    logged: Option<(u64, CursorReader)>,
    on_disk: CursorWriter,
    next_sync: MonotonicNanos,
    wal_syncs: WalSyncs,
    /// The size of the write-ahead log at the last warning, bytes; 0 while it is small.
    wal_warned: u64,
    retry: Retry,
    rebuild: Rebuild,
    stage: Stage,
    /// When to check again whether the file still exists.
    next_look: MonotonicNanos,
    counts: Counts,
}

/// A starting engine gets errors returned; a running one continues without SQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Running,
}

/// When to try again after a database error.
#[derive(Default)]
struct Retry {
    not_before: MonotonicNanos,
    wait: Duration,
}

/// Whether a successful sync of the write-ahead log proves anything. After a failed sync it does not: the system may
/// have dropped pages that it could not write, and the next sync succeeds. From then on only the database file counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WalSyncs {
    Trusted,
    Failed,
}

/// Whether this process has already rebuilt the database from event 1 because it contradicted the event log.
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

impl SqlWriter {
    /// Opens the database and continues after its watermark with the events in `log`. If the database is temporarily
    /// unavailable, the duty cycles try again.
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
            logged: None,
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

    /// Takes only events of commands up to `synced`. The database is then never ahead of the journal that a power loss
    /// leaves. Otherwise it might have to be rebuilt, for which all events since the first would have to be kept.
    #[must_use]
    pub fn behind(self, synced: CursorReader) -> Self {
        Self { synced: Some(synced), ..self }
    }

    /// Trusts the events that the log gets from now on, up to `archived`, without verifying their checksums: this
    /// process writes them.
    #[must_use]
    pub fn trusting(self, archived: CursorReader) -> Self {
        let first = archived.get() + 1;
        Self { logged: Some((first, archived)), ..self }
    }

    /// The last event in the database. 0 while unknown; it counts from 0 again while a database is rebuilt.
    pub fn watermark(&self) -> CursorReader {
        self.watermark.reader()
    }

    /// The last event in the database that survives a power loss: later ones must stay in the event log. 0 while
    /// unknown.
    pub fn on_disk(&self) -> CursorReader {
        self.on_disk.reader()
    }

    /// Opens the database unless it is open. Returns whether it is.
    fn ensure_open(&mut self, now: MonotonicNanos) -> Result<bool, Fatal> {
        if self.session.is_none() {
            match Session::open(&self.settings.path, &self.settings.people, &self.log) {
                Ok(mut session) => {
                    if self.settings.write_behind == WriteBehind::OnAThread {
                        session.database.write_behind();
                    }
                    self.show_watermark(session.watermark());
                    // How much of it is synced is not known, and it may be another file than before.
                    self.on_disk.move_back(0);
                    self.next_sync = now;
                    self.session = Some(session);
                }
                Err(trouble) => self.handle(trouble, now)?,
            }
        }
        Ok(self.session.is_some())
    }

    /// Reads to the end of the log or of the batch. Returns the number of events.
    fn gather(&mut self, now: MonotonicNanos) -> Result<usize, Fatal> {
        let synced = self.synced.as_ref().map_or(u64::MAX, CursorReader::get);
        let Some(session) = &mut self.session else { return Ok(0) };
        let of_this_process =
            self.logged.as_ref().map(|(first, last)| Trusted { first: *first, last: last.get() });
        let trusted = of_this_process.unwrap_or(Trusted::NONE);
        match session.gather(now, self.settings.batch_events_max, synced, trusted) {
            Ok(events) => Ok(events),
            Err(trouble) => {
                // Events read before the error are in the batch, and the reader is after them.
                if !matches!(trouble, Trouble::LogLater(_)) {
                    self.session = None;
                } else if is_injected(InjectedFault::SkipUnreadable) {
                    session.pass_over();
                }
                self.handle(trouble, now)?;
                Ok(0)
            }
        }
    }

    /// Writes the batch. Returns the number of rows.
    fn flush(&mut self, now: MonotonicNanos) -> Result<usize, Fatal> {
        let Some(session) = &mut self.session else { return Ok(0) };
        let oldest = session.batch_started();
        match session.write() {
            Ok(rows) => {
                let event = session.watermark();
                let time = self.wall.time().0;
                let oldest = oldest.map_or(time, |(_, stamped)| stamped.0);
                self.counts.lag_ms.set(time.saturating_sub(oldest) / 1_000_000);
                self.counts.rows.add(rows as u64);
                self.counts.batches.add(1);
                self.show_watermark(event);
                self.retry = Retry::default();
                Ok(rows)
            }
            Err(error) => {
                // The batch is kept in memory, to be written again unchanged.
                if !error.is_passing() || !session.can_write_again(&error) {
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

    /// Syncs written data, and truncates a large write-ahead log, when due.
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

    /// Publishes the size of the write-ahead log, and warns if a reader makes it grow.
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
                [] => "process unknown".to_owned(),
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

    /// Closes a database whose file was deleted or replaced. The file that has its name now is opened next, or rebuilt.
    fn look_at_file(&mut self, now: MonotonicNanos) {
        self.next_look = after(now, LOOK_INTERVAL);
        if let Some(session) = self.session.take_if(|session| !session.database.is_in_place()) {
            tracing::warn!("{}: the database was deleted or replaced", self.settings.path.display());
            self.counts.errors.add(1);
            session.database.abandon();
            // Every event may be needed again, so retention must keep all of them until the new position is known.
            self.show_watermark(0);
            self.on_disk.move_back(0);
        }
    }

    /// Decides how to treat an error: wait, rebuild, or end the process.
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
            // A database that was rebuilt from this log and still does not fit: the log is inconsistent.
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

    fn is_full(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.events() >= self.settings.batch_events_max)
    }

    /// Whether the batch must be written: it is full, or it is old and there are no more events. While the writer is
    /// behind, an old batch grows further: in a longer batch fewer rows are written more than once.
    fn is_due(&self, now: MonotonicNanos) -> bool {
        let Some(session) = &self.session else { return false };
        let gathered = session.batch_started().map(|(started, _)| now.0.saturating_sub(started.0));
        let is_old =
            gathered.is_some_and(|waited| u128::from(waited) >= self.settings.batch_interval.as_nanos());
        self.is_full() || (is_old && session.is_at_end())
    }
}

impl Retry {
    /// How long to wait after a further error.
    fn after(&mut self, now: MonotonicNanos) -> Duration {
        self.wait = (self.wait * 2).clamp(RETRY_FIRST, RETRY_LONGEST);
        self.not_before = after(now, self.wait);
        self.wait
    }
}

/// The system's present error for another file, because SQLite does not pass on the error of its own file.
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

    /// Writes all events in the log, if the database allows it. The next start writes the rest.
    fn on_close(&mut self) -> Result<(), Fatal> {
        let now = self.clock.now();
        self.look_at_file(now);
        self.ensure_open(now)?;
        loop {
            let taken = self.gather(now)?;
            let waiting = self.session.as_ref().is_some_and(|session| session.events() > 0);
            if waiting && (taken == 0 || self.is_full()) {
                self.flush(now)?;
            }
            if taken == 0 {
                break;
            }
        }
        self.session = None;
        Ok(())
    }
}
