//! A database that was deleted or replaced, and an event log that no longer has what it needs.

use super::trouble::{databases, step_until_idle};
use super::{Bench, Driven, append, small_market};
use dojima::domain::EventRecord;
use dojima::ring::cursor;
use dojima::runtime::{Agent, Fatal};
use dojima::sql::reader::SqlReader;
use dojima_journal::{Reader, Retire, retire_before};
use std::path::PathBuf;

const SECOND: u64 = 1_000_000_000;

/// The segments of the log, the oldest first.
fn segments(bench: &Bench) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(bench.log_dir()).expect("a log").map(|entry| entry.expect("an entry").path());
    let mut segments: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "seg")).collect();
    segments.sort();
    segments
}

/// Moves the oldest segments away; the first event that is left.
fn retire(bench: &Bench, count: usize) -> u64 {
    let away = bench.folder.path().join("away");
    std::fs::create_dir_all(&away).expect("made");
    for segment in segments(bench).iter().take(count) {
        std::fs::rename(segment, away.join(segment.file_name().expect("a name"))).expect("moved");
    }
    match Reader::open(&bench.log_dir(), 1) {
        Err(dojima_journal::JournalError::Gone { first, .. }) => first,
        other => panic!("nothing was retired: {other:?}"),
    }
}

/// The segments that were moved away are back.
fn bring_back(bench: &Bench) {
    for entry in std::fs::read_dir(bench.folder.path().join("away")).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::rename(entry.path(), bench.log_dir().join(entry.file_name())).expect("moved");
    }
}

/// A log of several segments.
fn long_log(seed: u64) -> (Bench, Vec<EventRecord>) {
    let (_, events) = small_market(seed);
    let bench = Bench::with(&events);
    assert!(segments(&bench).len() > 4, "only {} segments", segments(&bench).len());
    (bench, events)
}

/// So no loss of power, which takes commands that were not synced, leaves a database that is ahead.
#[test]
fn the_writer_takes_only_events_of_commands_that_are_on_the_disk() {
    let (_, events) = small_market(51);
    let bench = Bench::with(&events[..2_000]);
    let (mut synced_in, synced) = cursor();
    let until = events[1_000].sequence;
    synced_in.set(until);
    let Driven { writer, clock, counters } = bench.writer(300);
    let mut driven = Driven { writer: writer.behind(synced), clock, counters };
    let watermark = driven.writer.watermark();
    let last_of = |sequence| events[..2_000].iter().filter(|event| event.sequence <= sequence).count() as u64;
    for until in [until, until + 1, until + 50, u64::MAX] {
        synced_in.set(until);
        step_until_idle(&mut driven);
        driven.clock.advance(SECOND);
        step_until_idle(&mut driven);
        assert_eq!(watermark.get(), last_of(until));
    }
}

/// Retention goes by what is synced, for a loss of power may take the database's last transactions.
#[test]
fn what_a_loss_of_power_cannot_take_is_known_after_a_sync() {
    let (_, events) = small_market(52);
    let bench = Bench::with(&events[..500]);
    let mut driven = bench.writer(100);
    let (watermark, on_disk) = (driven.writer.watermark(), driven.writer.on_disk());
    let write = |driven: &mut Driven, seconds: u64| {
        driven.clock.advance(seconds * SECOND);
        step_until_idle(driven);
    };
    write(&mut driven, 1);
    assert!(watermark.get() == 500 && on_disk.get() < 500, "{} on the disk", on_disk.get());
    write(&mut driven, 10);
    assert_eq!(on_disk.get(), 500);

    // A reader keeps it from being moved into the database, and not from being on the disk.
    let reader = rusqlite::Connection::open(bench.database()).expect("a database");
    let look = "BEGIN; SELECT * FROM watermark;";
    reader.execute_batch(look).expect("read");
    append(&mut bench.log_writer(), &events[500..600]);
    write(&mut driven, 1);
    assert_eq!((watermark.get(), on_disk.get()), (600, 500));
    write(&mut driven, 20);
    assert_eq!((watermark.get(), on_disk.get()), (600, 600));
    let aside = bench.folder.path().join("aside");
    std::fs::create_dir(&aside).expect("made");
    for name in ["dojima.sqlite", "dojima.sqlite-wal"] {
        std::fs::copy(bench.folder.path().join(name), aside.join(name)).expect("copied");
    }
    let kept = SqlReader::open(&aside.join("dojima.sqlite")).and_then(|sql| sql.watermark());
    assert_eq!(kept.expect("a database").event, 600, "from the files that were synced");
    reader.execute_batch("COMMIT").expect("read");
}

#[test]
fn a_database_deleted_under_the_writer_is_built_again() {
    let (_, events) = small_market(50);
    let bench = Bench::with(&events[..2_000]);
    let mut driven = bench.writer(300);
    step_until_idle(&mut driven);
    let watermark = driven.writer.watermark();
    assert!(watermark.get() > 1_000);
    std::fs::remove_file(bench.database()).expect("removed");
    // Nothing has to be written, and still it is seen.
    driven.clock.advance(SECOND);
    driven.step();
    assert!(watermark.get() < 1_000, "whoever keeps events for SQL is told that all of them are needed");
    append(&mut bench.log_writer(), &events[2_000..3_000]);
    step_until_idle(&mut driven);
    driven.writer.on_close().expect("closed");
    assert_eq!((watermark.get(), driven.count("sql.errors")), (3_000, 1));
    assert_eq!(databases(&bench), ["dojima.sqlite"]);
    assert_eq!(bench.check().first_difference(), None);
}

/// Also when the write-ahead log beside it has pages of the database that it replaces.
#[test]
fn a_backup_put_in_place_of_the_database_goes_on_from_its_own_watermark() {
    let (_, events) = small_market(51);
    let bench = Bench::with(&events[..1_000]);
    bench.fill(300);
    let backup = bench.folder.path().join("backup");
    std::fs::copy(bench.database(), &backup).expect("copied");
    append(&mut bench.log_writer(), &events[1_000..2_000]);
    let mut driven = bench.writer(300);
    step_until_idle(&mut driven);
    assert!(driven.writer.watermark().get() > 1_500);
    std::fs::rename(&backup, bench.database()).expect("replaced");
    append(&mut bench.log_writer(), &events[2_000..3_000]);
    driven.clock.advance(SECOND);
    step_until_idle(&mut driven);
    driven.writer.on_close().expect("closed");
    assert_eq!(bench.check().first_difference(), None);
    assert_eq!(bench.check().events, 3_000);
}

#[test]
fn a_missing_database_is_built_from_archived_segments() {
    let (bench, events) = long_log(57);
    let whole = Bench::with(&events);
    whole.fill(300);
    let retired =
        retire_before(bench.log().as_ref(), events.len() as u64, Retire::Archive).expect("archived");
    assert!(retired.segments > 2, "{retired:?}");
    assert!(Reader::open(&bench.log_dir(), 1).is_err(), "the log alone no longer begins with event 1");
    bench.fill(300);
    assert!(bench.dump() == whole.dump());
    assert_eq!(bench.check().first_difference(), None, "the check reads the archives too");

    // One archive is lost: that is a hole, and nothing is built over it.
    std::fs::remove_file(bench.database()).expect("removed");
    std::fs::remove_file(bench.log_dir().join("0000000001.seg.zst")).expect("removed");
    refused(&bench, ["needs event 1 ", "begins with event", "or their archives"]);
}

/// What the start says when the log cannot fill the database any more.
fn refused(bench: &Bench, parts: [&str; 3]) {
    let Err(Fatal::Sql { cause }) = bench.try_writer(300) else { panic!("it starts in the middle") };
    for part in parts {
        assert!(cause.contains(part), "{part:?} is not in: {cause}");
    }
}

#[test]
fn a_missing_database_is_not_begun_in_the_middle() {
    let (bench, _) = long_log(52);
    let first = retire(&bench, 2);
    refused(&bench, ["needs event 1 ", &format!("begins with event {first};"), "restore a backup"]);
    assert_eq!(databases(&bench), [""; 0], "no file is made that could not be filled");
}

#[test]
fn a_backup_that_is_too_old_is_not_gone_on_with() {
    let (bench, events) = long_log(53);
    // Filled from the beginning of the same log.
    let young = Bench::with(&events[..100]);
    young.fill(300);
    std::fs::copy(young.database(), bench.database()).expect("copied");
    let first = retire(&bench, 2);
    refused(
        &bench,
        [
            "needs event 100 ",
            &format!("begins with event {first};"),
            &format!("event {} or a later", first - 1),
        ],
    );
    assert_eq!(SqlReader::open(&bench.database()).and_then(|sql| sql.watermark()).expect("read").event, 100);
}

/// A database that would have to be built again stays where it is while that is not possible.
#[test]
fn a_database_of_an_older_program_is_not_set_aside_for_nothing() {
    let (bench, _) = long_log(54);
    retire(&bench, 1);
    rusqlite::Connection::open(bench.database())
        .expect("open")
        .execute_batch("CREATE TABLE t (x); PRAGMA application_id = 0x446F6A69; PRAGMA user_version = 1")
        .expect("made");
    refused(&bench, ["needs event 1 ", "begins with event", "put the retired segments"]);
    assert_eq!(databases(&bench), ["dojima.sqlite"]);
}

/// Exactly what is left is what is needed: the last event in the tables is gone, the next one is there.
#[test]
fn a_log_that_begins_right_after_the_watermark_is_enough() {
    let (bench, events) = long_log(55);
    let first = retire(&bench, 2) as usize;
    let young = Bench::with(&events[..first - 1]);
    young.fill(300);
    std::fs::copy(young.database(), bench.database()).expect("copied");
    bench.fill(300);
    let whole = Bench::with(&events);
    whole.fill(300);
    assert!(bench.dump() == whole.dump());
}

/// While the engine runs trading is worth more: the writer waits for what is missing to be brought back.
#[test]
fn deleted_while_running_with_segments_gone_it_waits_for_them() {
    let (bench, events) = long_log(56);
    let mut driven = bench.writer(1_000);
    step_until_idle(&mut driven);
    retire(&bench, 1);
    std::fs::remove_file(bench.database()).expect("removed");
    for tries in 1..4 {
        driven.clock.advance(20 * SECOND);
        driven.step();
        // One for the file that is gone, and one for each try.
        assert_eq!(driven.count("sql.errors"), 1 + tries);
        let needed_after = (driven.writer.watermark().get(), driven.writer.on_disk().get());
        assert_eq!(needed_after, (0, 0), "retention keeps all that is left");
    }
    assert!(!bench.database().exists());
    // A backup that is put in place now must not meet the log of what was there before.
    assert!(!bench.folder.path().join("dojima.sqlite-wal").exists());
    bring_back(&bench);
    driven.clock.advance(20 * SECOND);
    step_until_idle(&mut driven);
    driven.writer.on_close().expect("closed");
    assert_eq!(driven.writer.watermark().get(), events.len() as u64);
    assert_eq!(bench.check().first_difference(), None);
}
