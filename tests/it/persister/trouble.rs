//! A database that is locked, missing, ahead, of another log, damaged, too new.

use super::{Bench, Driven, append, small_market};
use dojima::runtime::Agent;
use dojima::runtime::Fatal;
use dojima::sql::reader::SqlReader;
use dojima::sql::{SCHEMA_VERSION, SqlError};
use rusqlite::Connection;
use std::path::Path;

/// Names of the files beside the log that are, or were, the database.
pub(super) fn databases(bench: &Bench) -> Vec<String> {
    let entries = std::fs::read_dir(bench.folder.path()).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> =
        names.filter(|name| name.starts_with("dojima") && !name.ends_with("-shm")).collect();
    names.retain(|name| !name.ends_with("-wal"));
    names.sort();
    names
}

pub(super) fn step_until_idle(driven: &mut Driven) {
    while driven.step() > 0 {
        driven.clock.advance(1_000_000);
    }
}

#[test]
fn a_batch_is_written_when_it_is_full_or_old() {
    let (_, events) = small_market(10);
    let bench = Bench::with(&events[..100]);
    let mut driven = bench.writer(1_000);
    let watermark = driven.writer.watermark();
    step_until_idle(&mut driven);
    assert_eq!(watermark.get(), 0, "neither full nor old");
    driven.clock.advance(99_000_000);
    driven.step();
    assert_eq!(watermark.get(), 100, "100 ms after its first event");
    append(&mut bench.log_writer(), &events[100..1_200]);
    driven.step();
    assert_eq!(watermark.get(), 1_100, "full");
    assert_eq!(driven.count("sql.batches"), 2);
    assert_eq!(driven.count("sql.watermark"), 1_100);
    driven.writer.on_close().expect("closed");
    assert_eq!(watermark.get(), 1_200, "an orderly stop leaves nothing behind");
}

#[test]
fn while_there_is_more_to_read_an_old_batch_goes_on() {
    let (_, events) = small_market(14);
    let bench = Bench::with(&events);
    let mut driven = bench.writer(usize::MAX);
    let mut taken = driven.step();
    while taken < events.len() {
        assert_eq!(driven.writer.watermark().get(), 0, "old after {taken} events, and behind");
        driven.clock.advance(100_000_000);
        taken += driven.step();
    }
    assert_eq!(driven.writer.watermark().get(), events.len() as u64, "old, and at the end");
    assert_eq!(driven.count("sql.batches"), 1);
    assert_eq!(bench.check().first_difference(), None);
}

#[test]
fn a_batch_that_waits_for_a_minute_does_not_grow() {
    let (_, events) = small_market(15);
    let bench = Bench::with(&events);
    let mut driven = bench.writer(300);
    let other = Connection::open(bench.database()).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let mut taken = 0;
    for _ in 0..60 {
        taken += driven.step();
        driven.clock.advance(1_000_000_000);
    }
    assert_eq!((taken, driven.writer.watermark().get()), (300, 0));
    other.execute_batch("ROLLBACK").expect("unlocked");
    driven.clock.advance(10_000_000_000);
    step_until_idle(&mut driven);
    driven.writer.on_close().expect("closed");
    assert_eq!(bench.check().first_difference(), None);
}

#[test]
fn rows_that_would_get_other_numbers_are_a_contradiction() {
    let (_, events) = small_market(16);
    for (table, key) in [("orders", "order_id"), ("trades", "trade_id")] {
        let (before, after) = events.split_at(5_000);
        let bench = Bench::with(before);
        let mut driven = bench.writer(1_000);
        step_until_idle(&mut driven);
        let moved =
            format!("UPDATE {table} SET {key} = {key} + 100 WHERE {key} = (SELECT max({key}) FROM {table})");
        Connection::open(bench.database()).expect("open").execute_batch(&moved).expect("moved");
        append(&mut bench.log_writer(), after);
        step_until_idle(&mut driven);
        driven.writer.on_close().expect("closed");
        assert!(bench.folder.path().join("dojima.sqlite.diverged-1").exists(), "{table}");
        assert_eq!(bench.check().first_difference(), None);
    }
}

#[test]
fn a_locked_database_is_waited_for() {
    let (_, events) = small_market(11);
    let bench = Bench::with(&events[..500]);
    let mut driven = bench.writer(100);
    let watermark = driven.writer.watermark();
    let other = Connection::open(bench.database()).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let locked_out = driven.step();
    assert_eq!((locked_out, watermark.get()), (100, 0), "read, but not written");
    assert_eq!(driven.count("sql.errors"), 1);
    assert_eq!(driven.step(), 0, "not tried again at once");
    assert_eq!(driven.count("sql.errors"), 1);
    driven.clock.advance(100_000_000);
    assert_eq!(driven.step(), 0);
    assert_eq!(driven.count("sql.errors"), 2, "tried again after 100 ms");
    driven.clock.advance(150_000_000);
    assert_eq!(driven.step(), 0);
    assert_eq!(driven.count("sql.errors"), 2, "then only after 200 ms");
    other.execute_batch("ROLLBACK").expect("unlocked");
    driven.clock.advance(50_000_000);
    step_until_idle(&mut driven);
    driven.writer.on_close().expect("closed");
    assert_eq!(watermark.get(), 500);
    assert_eq!(bench.check().first_difference(), None);
}

#[test]
fn a_database_locked_from_the_start_does_not_keep_the_engine_from_starting() {
    let (_, events) = small_market(12);
    let bench = Bench::with(&events[..500]);
    bench.fill(100);
    let other = Connection::open(bench.database()).expect("open");
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").expect("locked");
    let mut driven = bench.writer(100);
    assert_eq!(driven.count("sql.errors"), 1);
    drop(other);
    append(&mut bench.log_writer(), &events[500..600]);
    driven.clock.advance(100_000_000);
    step_until_idle(&mut driven);
    assert_eq!(driven.writer.watermark().get(), 600);
}

#[test]
fn a_missing_database_is_built_from_event_1() {
    let (_, events) = small_market(13);
    let bench = Bench::with(&events[..2_000]);
    bench.fill(300);
    let before = bench.dump();
    std::fs::remove_file(bench.database()).expect("removed");
    bench.fill(700);
    assert!(before == bench.dump());
}

#[test]
fn a_database_ahead_of_the_log_is_set_aside() {
    let (_, events) = small_market(14);
    let bench = Bench::with(&events[..1_000]);
    bench.fill(300);
    // A power cut in async mode: the log is what the journal still had.
    std::fs::remove_dir_all(bench.log_dir()).expect("removed");
    append(&mut bench.log_writer(), &events[..900]);
    assert_eq!(bench.fill_in_spite_of_errors(300), 1);
    assert_eq!(databases(&bench), ["dojima.sqlite", "dojima.sqlite.ahead-1"]);
    assert_eq!(bench.check().first_difference(), None);
    assert_eq!(bench.check().events, 900);
    assert!(
        super::dump(&bench.folder.path().join("dojima.sqlite.ahead-1"))
            .contains("watermark Integer(1) Integer(1000)")
    );
}

#[test]
fn a_database_of_another_history_is_set_aside() {
    let ((_, events), (_, others)) = (small_market(15), small_market(16));
    let bench = Bench::with(&events[..1_000]);
    bench.fill(300);
    std::fs::remove_dir_all(bench.log_dir()).expect("removed");
    append(&mut bench.log_writer(), &others[..1_500]);
    assert_eq!(bench.fill_in_spite_of_errors(300), 1);
    assert_eq!(databases(&bench), ["dojima.sqlite", "dojima.sqlite.diverged-1"]);
    assert_eq!(bench.check().first_difference(), None);
}

#[test]
fn a_table_that_contradicts_the_log_is_built_again() {
    let (_, events) = small_market(17);
    let bench = Bench::with(&events[..1_000]);
    bench.fill(300);
    let closed = "UPDATE orders SET open = 0, status = 2 WHERE open > 0";
    Connection::open(bench.database()).expect("open").execute_batch(closed).expect("changed");
    append(&mut bench.log_writer(), &events[1_000..4_000]);
    let mut driven = bench.writer(300);
    step_until_idle(&mut driven);
    driven.writer.on_close().expect("closed");
    assert_eq!(driven.count("sql.errors"), 1);
    assert_eq!(databases(&bench), ["dojima.sqlite", "dojima.sqlite.diverged-1"]);
    assert_eq!(bench.check().first_difference(), None);
    assert_eq!(driven.writer.watermark().get(), 4_000);
}

#[test]
fn a_damaged_file_is_set_aside() {
    let (_, events) = small_market(18);
    let bench = Bench::with(&events[..1_000]);
    bench.fill(300);
    let mut bytes = std::fs::read(bench.database()).expect("readable");
    // Behind the header, which says whose it is.
    bytes[100..].fill(0xAA);
    std::fs::write(bench.database(), bytes).expect("written");
    assert_eq!(bench.fill_in_spite_of_errors(300), 1);
    assert_eq!(databases(&bench), ["dojima.sqlite", "dojima.sqlite.diverged-1"]);
    assert_eq!(bench.check().first_difference(), None);
}

/// Whatever `sql.path` names that does not say that it is this program's is somebody else's.
#[test]
fn a_file_of_somebody_else_is_left_as_it_is() {
    let (_, events) = small_market(18);
    let other = tempfile::tempdir().expect("a folder").path().join("other.sqlite");
    std::fs::create_dir_all(other.parent().expect("a folder")).expect("made");
    Connection::open(&other).expect("open").execute_batch("CREATE TABLE t (x)").expect("made");
    let mut damaged = std::fs::read(&other).expect("readable");
    damaged[100..].fill(0xAA);
    for bytes in [b"not yours\n".to_vec(), b"this is no database".repeat(100), damaged] {
        let bench = Bench::with(&events[..100]);
        std::fs::write(bench.database(), &bytes).expect("written");
        let Err(fatal) = bench.try_writer(100) else { panic!("a file of somebody else was opened") };
        assert_eq!(fatal.exit_code(), 17);
        assert!(fatal.to_string().contains("not a database of this program"), "{fatal}");
        assert_eq!(std::fs::read(bench.database()).expect("readable"), bytes);
        assert_eq!(databases(&bench), ["dojima.sqlite"]);
    }
}

#[test]
fn a_newer_schema_is_left_alone() {
    let (_, events) = small_market(19);
    let bench = Bench::with(&events[..100]);
    bench.fill(100);
    let next = SCHEMA_VERSION + 1;
    let set = format!("PRAGMA user_version = {next}");
    Connection::open(bench.database()).expect("open").execute_batch(&set).expect("set");
    let Err(Fatal::Sql { cause }) = bench.try_writer(100) else { panic!("a newer schema was opened") };
    let (found, known) = (format!("schema version {next}"), format!("up to {SCHEMA_VERSION}"));
    assert!(cause.contains(&found) && cause.contains(&known), "{cause}");
    assert_eq!(databases(&bench), ["dojima.sqlite"]);
}

#[test]
fn a_database_of_an_older_program_is_built_again() {
    let (_, events) = small_market(21);
    let bench = Bench::with(&events[..1_000]);
    Connection::open(bench.database())
        .expect("open")
        .execute_batch("CREATE TABLE t (x); PRAGMA application_id = 0x446F6A69; PRAGMA user_version = 1")
        .expect("made");
    // A reader does not do that: it only reads.
    let Err(error) = SqlReader::open(&bench.database()) else { panic!("an older schema was read") };
    assert!(matches!(error, SqlError::OlderSchema { found: 1, known: SCHEMA_VERSION, .. }), "{error}");
    assert_eq!(bench.fill_in_spite_of_errors(300), 1);
    assert_eq!(databases(&bench), ["dojima.sqlite", "dojima.sqlite.outdated-1"]);
    assert_eq!(bench.check().first_difference(), None);
}

#[test]
fn a_log_that_cannot_be_read_is_fatal() {
    let (_, events) = small_market(20);
    let bench = Bench::with(&events[..100]);
    bench.log_writer().append(101, 0, b"no event").expect("appended");
    let mut driven = bench.writer(1_000);
    assert!(matches!(driven.writer.do_work(), Err(Fatal::EventLog { .. })));
    assert!(Path::new(&bench.database()).exists());
}
