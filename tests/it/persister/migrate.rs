//! Databases of older programs, brought up to the present schema in place.

use super::{Bench, append};
use dojima::domain::{Checkpoint, Event, EventRecord, Timestamp, codec};
use dojima::runtime::{Agent, Fatal};
use dojima::stages::persister::sql::reader::SqlReader;
use dojima::stages::persister::sql::{SCHEMA_VERSION, SqlError};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A database that a program of schema 2 wrote, packed, up to [`IN_GOLDEN`] of the events of `sql-events.txt`.
const GOLDEN: &[u8] = include_bytes!("../golden/sql-schema-2.sqlite.xz");
const IN_GOLDEN: usize = 269;
const EVENTS: &str = include_str!("../golden/sql-events.txt");

/// One event per line, as the event log has it, in hexadecimal.
fn events() -> Vec<EventRecord> {
    let byte = |line: &str, at: usize| u8::from_str_radix(&line[at..at + 2], 16).expect("hexadecimal");
    let bytes = |line: &str| (0..line.len()).step_by(2).map(|at| byte(line, at)).collect::<Vec<_>>();
    EVENTS.lines().map(|line| codec::decode_event(&bytes(line)).expect("an event")).collect()
}

/// A bench with the golden database and these of its events in the log.
fn with_golden(events: &[EventRecord]) -> Bench {
    let bench = Bench::with(events);
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(GOLDEN).read_to_end(&mut bytes).expect("unpacked");
    std::fs::write(bench.database(), bytes).expect("written");
    assert_eq!(version(&bench.database()), 2);
    bench
}

fn version(database: &Path) -> i64 {
    let connection = Connection::open(database).expect("open");
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

/// The statements that made everything in the database, by name.
fn schema(database: &Path) -> BTreeMap<String, Option<String>> {
    let connection = Connection::open(database).expect("open");
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema").expect("a statement");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// All rows but those that say what the file is.
fn without_meta(dump: &str) -> Vec<&str> {
    dump.lines().filter(|line| !line.starts_with("meta ")).collect()
}

#[test]
fn a_database_of_schema_2_goes_on_as_one_of_the_present_schema() {
    let mut events = events();
    let bench = with_golden(&events);
    let before = bench.dump();
    let mut driven = bench.writer(50);
    assert_eq!(driven.writer.watermark().get(), IN_GOLDEN as u64, "nothing is built again");
    assert_eq!(version(&bench.database()), SCHEMA_VERSION);
    let added: Vec<String> = without_meta(&bench.dump())
        .into_iter()
        .filter(|line| !before.contains(*line))
        .map(str::to_owned)
        .collect();
    assert_eq!(added.len(), 2, "two more statuses: {added:?}");
    assert_eq!(without_meta(&before).len() + 2, without_meta(&bench.dump()).len(), "nothing is gone");

    // It goes on with the rest, and with a checkpoint, as a database does that was of the present schema from the beginning.
    let checkpoint = Event::Checkpointed(Checkpoint { of: 7, digest: [0xA5; 32] });
    let number = events.len() as u64 + 1;
    let time = Timestamp(events[events.len() - 1].time.0 + 1);
    events.push(EventRecord { number, sequence: 1_000, time, event: checkpoint });
    append(&mut bench.log_writer(), &events[events.len() - 1..]);
    driven.writer.on_close().expect("closed");
    assert_eq!(bench.check().first_difference(), None);
    let new = Bench::with(&events);
    new.fill(1_000);
    assert_eq!(schema(&bench.database()), schema(&new.database()));
    assert!(without_meta(&bench.dump()) == without_meta(&new.dump()));
    let connection = Connection::open(bench.database()).expect("open");
    let found: (i64, i64, String) = connection
        .query_row("SELECT event, sequence, digest FROM checkpoints", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .expect("one row");
    assert_eq!(found, (number as i64, 7, "a5".repeat(32)));
}

#[test]
fn checkpoints_from_before_the_migration_are_not_missed() {
    // A log that has a checkpoint where the golden database ignored one.
    let mut events = events();
    let at = events[..IN_GOLDEN].iter().position(|record| matches!(record.event, Event::Ignored(_)));
    let at = at.expect("an event that is a row by itself");
    let digest = [1; 32];
    events[at].event = Event::Checkpointed(Checkpoint { of: 1, digest });
    let bench = with_golden(&events);
    let gone = format!("DELETE FROM ignored_messages WHERE event = {}", events[at].number);
    Connection::open(bench.database()).expect("open").execute_batch(&gone).expect("changed");
    bench.fill(100);
    assert_eq!(bench.check().first_difference(), None);
}

const DATABASE: &str = "DOJIMA_TEST_MIGRATED_FOLDER";

/// Makes the last statement of a step go on for ever.
const ENDLESS: &str = "CREATE TRIGGER endless BEFORE UPDATE ON meta BEGIN SELECT count(*) FROM (\
                       WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n); END";

/// Not a test of its own: the process that is killed while it migrates.
#[test]
#[ignore = "run by killed_in_the_middle_it_is_of_the_old_version"]
fn migrates_until_it_is_killed() {
    let Ok(folder) = std::env::var(DATABASE) else { return };
    let folder = Path::new(&folder);
    let log = dojima_journal::storage::FileStorage::new(&folder.join("events"));
    let _ = dojima::stages::persister::sql::SqlWriter::new(
        dojima::stages::persister::sql::SqlSettings::new(folder.join("dojima.sqlite")),
        std::sync::Arc::new(log),
        Box::new(dojima::runtime::SystemClock::new()),
        &dojima::runtime::Counters::new(),
    );
}

#[test]
fn killed_in_the_middle_it_is_of_the_old_version() {
    let events = events();
    let bench = with_golden(&events);
    let before = bench.dump();
    let other = Connection::open(bench.database()).expect("open");
    other.execute_batch(ENDLESS).expect("made");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "persister::migrate::migrates_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DATABASE, bench.folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("a child");
    // Inside its transaction it holds the lock.
    other.busy_timeout(Duration::ZERO).expect("set");
    let is_locked = || match other.execute_batch("BEGIN IMMEDIATE") {
        Ok(()) => {
            other.execute_batch("ROLLBACK").expect("unlocked");
            false
        }
        Err(_) => true,
    };
    // For a moment it has locked the file before, to open it.
    let mut locked_since = None;
    while locked_since.is_none_or(|since: Instant| since.elapsed() < Duration::from_millis(200)) {
        assert!(child.try_wait().expect("a child").is_none(), "the child ended by itself");
        locked_since = is_locked().then(|| locked_since.unwrap_or_else(Instant::now));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert_eq!(version(&bench.database()), 2);
    assert!(bench.dump() == before, "half a migration is in the file");
    other.execute_batch("DROP TRIGGER endless").expect("dropped");
    drop(other);
    bench.fill(100);
    assert_eq!(version(&bench.database()), SCHEMA_VERSION);
    assert_eq!(bench.check().first_difference(), None);
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let bench = with_golden(&events());
    let refusal = "CREATE TRIGGER refusal BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'refused'); END";
    Connection::open(bench.database()).expect("open").execute_batch(refusal).expect("made");
    let before = bench.dump();
    let Err(Fatal::Sql { cause }) = bench.try_writer(100) else { panic!("it was migrated") };
    assert!(cause.contains("refused"), "{cause}");
    assert_eq!(version(&bench.database()), 2);
    assert!(bench.dump() == before);
}

/// A reader does not migrate: it only reads.
#[test]
fn a_reader_says_what_an_old_database_needs() {
    let bench = with_golden(&events());
    let Err(error) = SqlReader::open(&bench.database()) else { panic!("schema 2 was read") };
    assert!(matches!(error, SqlError::OlderSchema { found: 2, known: SCHEMA_VERSION, .. }), "{error}");
    assert_eq!(version(&bench.database()), 2);
}
