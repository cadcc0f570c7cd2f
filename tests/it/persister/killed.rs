//! Exactly once: whatever is killed whenever, the tables end up as if nothing had been.

use super::{Bench, append, small_market};
use dojima::runtime::Agent;
use dojima::runtime::Fatal;
use dojima::runtime::SplitMix64;
use rusqlite::Connection;
use std::process::{Command, Stdio};

/// What the tables say when nobody is killed.
fn undisturbed(events: &[dojima::domain::EventRecord]) -> String {
    let bench = Bench::with(events);
    bench.fill(usize::MAX);
    bench.dump()
}

#[test]
fn dropped_between_and_before_batches() {
    let (_, events) = small_market(30);
    let bench = Bench::with(&events);
    let mut random = SplitMix64::new(1);
    let mut lives = 0;
    loop {
        // Some writers die with a batch half gathered, some right after a commit.
        let mut driven = bench.writer(64 + random.remainder(500) as usize);
        for _ in 0..random.remainder(16) {
            driven.step();
            driven.clock.advance(random.remainder(90) * 1_000_000);
        }
        lives += 1;
        if driven.writer.watermark().get() == events.len() as u64 {
            break;
        }
        assert!(lives < 500, "no progress");
    }
    assert!(lives > 3, "nobody was killed");
    assert!(bench.dump() == undisturbed(&events));
    assert_eq!(bench.check().first_difference(), None);
}

/// A batch fails half way: its orders are written, its balances are refused.
#[test]
fn stopped_inside_a_batch() {
    let (_, events) = small_market(31);
    let bench = Bench::with(&events);
    let mut driven = bench.writer(700);
    driven.step();
    assert_eq!(driven.writer.watermark().get(), 700);
    let before = bench.dump();
    let other = Connection::open(bench.database()).expect("open");
    let refusal =
        "CREATE TRIGGER refusal BEFORE UPDATE ON balances BEGIN SELECT RAISE(ABORT, 'refused'); END";
    other.execute_batch(refusal).expect("made");
    assert!(
        matches!(driven.writer.do_work(), Err(Fatal::Sql { .. })),
        "nothing passing, so nothing to wait for"
    );
    drop(driven);
    other.execute_batch("DROP TRIGGER refusal").expect("dropped");
    assert!(bench.dump() == before, "half a batch is in the tables");
    bench.fill(700);
    assert!(bench.dump() == undisturbed(&events));
}

const FOLDER: &str = "DOJIMA_TEST_PERSISTER_FOLDER";
const BATCH: &str = "DOJIMA_TEST_PERSISTER_BATCH";

/// Not a test of its own: the process that [`killed_for_real`] kills.
#[test]
#[ignore = "run by killed_for_real"]
fn writes_until_it_is_killed() {
    let (Ok(folder), Ok(batch)) = (std::env::var(FOLDER), std::env::var(BATCH)) else { return };
    let settings = dojima::stages::sql_writer::SqlSettings {
        batch_events_max: batch.parse().expect("a number"),
        ..dojima::stages::sql_writer::SqlSettings::new(format!("{folder}/dojima.sqlite"))
    };
    let counters = dojima::runtime::Counters::new();
    let mut writer = dojima::stages::sql_writer::SqlWriter::new(
        settings,
        std::sync::Arc::new(dojima_journal::storage::FileStorage::new(std::path::Path::new(&format!(
            "{folder}/events"
        )))),
        &dojima::runtime::SystemClocks::new(),
        &counters,
    )
    .expect("a writer");
    loop {
        writer.do_work().expect("no fatal error");
    }
}

/// Where a kill hits is left to chance; what the tables say afterwards is not.
#[test]
fn killed_for_real() {
    let (_, events) = small_market(32);
    for batch in [20, 2_000] {
        killed_in_batches_of(batch, &events);
    }
}

fn killed_in_batches_of(batch: usize, events: &[dojima::domain::EventRecord]) {
    let bench = Bench::with(events);
    let end = events.len() as u64;
    for stop in [end / 10, end / 3, end / 2, end * 3 / 4] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "persister::killed::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, bench.folder.path())
            .env(BATCH, batch.to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("a child");
        while watermark(&bench) < stop {
            assert!(child.try_wait().expect("a child").is_none(), "the child ended by itself");
            std::thread::yield_now();
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        let at = watermark(&bench);
        assert!(at >= stop && bench.check().first_difference().is_none(), "killed at event {at}");
    }
    bench.fill(1_000);
    assert!(bench.dump() == undisturbed(events));
}

fn watermark(bench: &Bench) -> u64 {
    dojima::sql::reader::SqlReader::open(&bench.database())
        .and_then(|sql| sql.watermark())
        .map_or(0, |watermark| watermark.event)
}

#[test]
fn the_log_may_grow_while_it_is_read() {
    let (_, events) = small_market(33);
    let bench = Bench::new();
    let mut log = bench.log_writer();
    let mut driven = bench.writer(50);
    for part in events.chunks(37) {
        append(&mut log, part);
        driven.step();
        driven.clock.advance(30_000_000);
    }
    driven.writer.on_close().expect("closed");
    assert_eq!(driven.writer.watermark().get(), events.len() as u64);
    assert!(bench.dump() == undisturbed(&events));
}
