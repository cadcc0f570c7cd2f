//! The persister: the tables against the exchange they tell of, whatever is killed, locked, missing or not as it was.

mod archive;
mod changes;
mod contracts;
mod everything;
mod fundings;
mod gone;
mod killed;
mod market;
mod migrated;
mod tables;
mod trouble;
mod wal;

use dojima::domain::{EventRecord, codec};
use dojima::runtime::{Agent, Counters, Fatal, ManualClock, UnixNanos};
use dojima::sql::check::{CheckReport, check};
use dojima::sql::reader::SqlReader;
use dojima::stages::sql_writer::{SqlSettings, SqlWriter};
use dojima_journal::storage::{FileStorage, Storage};
use dojima_journal::{Options, Writer, scan};
use market::{Market, Mix};
use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something of everything.
const ALL_SORTS: Mix = Mix { replace: 250, cancel: 100, take: 200, odd: 150 };

/// The events of a small market, and the market after them.
fn small_market(seed: u64) -> (Market, Vec<EventRecord>) {
    let mut events = Vec::new();
    let mut market = Market::new(seed, 20, ALL_SORTS, &mut events);
    market.run(8_000, &mut events);
    (market, events)
}

/// A folder with an event log and a database.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// With these events in the log.
    fn with(events: &[EventRecord]) -> Self {
        let bench = Self::new();
        append(&mut bench.log_writer(), events);
        bench
    }

    fn log(&self) -> Arc<dyn Storage> {
        Arc::new(FileStorage::new(&self.log_dir()))
    }

    fn log_dir(&self) -> PathBuf {
        self.folder.path().join("events")
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("dojima.sqlite")
    }

    fn log_writer(&self) -> Writer {
        let options = Options::default().with_segment_bytes(1 << 18).with_spare_segments(0);
        scan(&self.log_dir()).expect("a log").into_writer(options).expect("a writer")
    }

    fn settings(&self, batch_events_max: usize) -> SqlSettings {
        SqlSettings { batch_events_max, ..SqlSettings::new(self.database()) }
    }

    fn writer(&self, batch_events_max: usize) -> Driven {
        self.try_writer(batch_events_max).expect("a writer")
    }

    fn try_writer(&self, batch_events_max: usize) -> Result<Driven, Fatal> {
        let clock = ManualClock::new(UnixNanos(1_800_000_000_000_000_000));
        let counters = Counters::new();
        let writer = SqlWriter::new(self.settings(batch_events_max), self.log(), &clock, &counters)?;
        Ok(Driven { writer, clock, counters })
    }

    /// Writes the whole log into the database in batches of this many events.
    fn fill(&self, batch_events_max: usize) {
        assert_eq!(self.fill_in_spite_of_errors(batch_events_max), 0);
    }

    /// As [`Self::fill`]; how many errors there were on the way.
    fn fill_in_spite_of_errors(&self, batch_events_max: usize) -> u64 {
        let mut driven = self.writer(batch_events_max);
        driven.writer.on_close().expect("written");
        driven.count("sql.errors")
    }

    fn check(&self) -> CheckReport {
        let sql = SqlReader::open(&self.database()).expect("a database");
        check(&sql, &self.log()).expect("a check")
    }

    /// Every row of every table in the order of their keys.
    fn dump(&self) -> String {
        dump(&self.database())
    }
}

/// A writer that is driven by hand.
struct Driven {
    writer: SqlWriter,
    clock: ManualClock,
    counters: Counters,
}

impl Driven {
    fn step(&mut self) -> usize {
        self.writer.do_work().expect("no fatal error")
    }

    fn count(&self, name: &str) -> u64 {
        let readings = self.counters.snapshot();
        readings.iter().find(|reading| reading.name == name).expect("a counter").value
    }
}

fn append(log: &mut Writer, events: &[EventRecord]) {
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for record in events {
        let len = codec::encode_event(record, &mut payload).expect("fits");
        log.append(record.number, record.time.0, &payload[..len]).expect("appended");
    }
}

fn dump(database: &Path) -> String {
    let connection = Connection::open(database).expect("a database");
    let mut text = String::new();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = connection.prepare(names).expect("a statement");
    let tables = statement.query_map([], |row| row.get::<_, String>(0)).expect("tables");
    for table in tables {
        let table = table.expect("a name");
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a statement");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            write!(text, "{table}").expect("text");
            for column in 0..columns {
                write!(text, " {:?}", row.get_ref(column).expect("a value")).expect("text");
            }
            text.push('\n');
        }
    }
    text
}
