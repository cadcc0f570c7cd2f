//! The write-ahead log of the database, and somebody who reads and does not stop reading.

use super::trouble::step_until_idle;
use super::{Bench, Driven, append, small_market};
use dojima::domain::EventRecord;
use dojima::runtime::Agent;
use dojima::sql::WAL_KEPT_BYTES;
use rusqlite::Connection;

const SECOND: u64 = 1_000_000_000;

fn wal_bytes(bench: &Bench) -> u64 {
    std::fs::metadata(bench.folder.path().join("dojima.sqlite-wal")).map_or(0, |found| found.len())
}

/// Writes all events, and then the same orders again and again, and as they were, until the log is larger than it may stay.
fn grow(bench: &Bench, driven: &mut Driven, events: &[EventRecord]) {
    append(&mut bench.log_writer(), events);
    step_until_idle(driven);
    let other = Connection::open(bench.database()).expect("a database");
    other.execute_batch("PRAGMA wal_autocheckpoint = 0").expect("set");
    while wal_bytes(bench) <= WAL_KEPT_BYTES + (1 << 20) {
        let twice = "UPDATE orders SET user_ref = user_ref + 1; UPDATE orders SET user_ref = user_ref - 1;";
        other.execute_batch(twice).expect("written");
    }
}

/// So much time that everything that is due now and then is done.
fn wait(driven: &mut Driven) {
    for _ in 0..12 {
        driven.clock.advance(SECOND);
        step_until_idle(driven);
    }
}

#[test]
fn a_log_that_a_reader_made_large_is_cut_when_nobody_reads() {
    let (_, events) = small_market(71);
    let bench = Bench::with(&events[..100]);
    let mut driven = bench.writer(500);
    step_until_idle(&mut driven);
    let (watermark, on_disk) = (driven.writer.watermark(), driven.writer.on_disk());
    let readers: Vec<Connection> = (0..2)
        .map(|_| {
            let reader = Connection::open(bench.database()).expect("a database");
            reader.execute_batch("BEGIN; SELECT * FROM watermark").expect("read");
            reader
        })
        .collect();
    let (begun, rest) = events.split_at(events.len() - 50);
    grow(&bench, &mut driven, &begun[100..]);
    let grown = begun.len() as u64;
    wait(&mut driven);
    assert_eq!(watermark.get(), grown, "nobody waits for who reads");
    assert!(wal_bytes(&bench) > WAL_KEPT_BYTES, "what they read is still there");
    assert_eq!(driven.count("sql.wal_bytes"), wal_bytes(&bench));
    assert_eq!(on_disk.get(), grown, "and what is on the disk is known");

    readers[0].execute_batch("COMMIT").expect("read");
    wait(&mut driven);
    assert!(wal_bytes(&bench) > WAL_KEPT_BYTES, "one of them reads on");
    readers[1].execute_batch("COMMIT").expect("read");
    // Nothing is written any more, and it is cut all the same.
    wait(&mut driven);
    assert_eq!((wal_bytes(&bench), driven.count("sql.wal_bytes")), (0, 0));
    assert_eq!(driven.count("sql.errors"), 0);
    // The database is as good as before.
    append(&mut bench.log_writer(), rest);
    driven.writer.on_close().expect("closed");
    assert_eq!(bench.check().first_difference(), None);
}
