//! How fast events become rows, and how fast they are logged.
//!
//! `cargo bench --bench persister` measures; `cargo test --bench persister` runs the same code small and holds the digest
//! of the finished tables against a known one. The floor, bare inserts into one table of three numbers, is measured in
//! the same run, since a ratio survives a noisy machine where a rate does not.

#[path = "../tests/it/persister/market.rs"]
mod market;

use comfy_table::{Cell, CellAlignment, Table, presets};
use dojima::domain::EventRecord;
use dojima::domain::streams::StreamIndex;
use dojima::ring::{cursor, spsc};
use dojima::runtime::{Agent, Counters, SystemClocks};
use dojima::sql::check::check;
use dojima::sql::reader::SqlReader;
use dojima::stages::archiver::{Archiver, ArchiverPorts};
use dojima::stages::resend::resend_queues;
use dojima::stages::sql_writer::{SqlSettings, SqlWriter};
use dojima_journal::storage::{FileStorage, Storage};
use dojima_journal::{Options, scan};
use market::{Market, Mix};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Makers that follow the price: 82 % of all orders are moves.
const MOVES: Mix = Mix { replace: 820, cancel: 60, take: 30, odd: 0 };
/// Every second order trades.
const TRADES: Mix = Mix { replace: 50, cancel: 50, take: 450, odd: 0 };

const ACCOUNTS: u32 = 1_000;

/// How much is measured.
struct Size {
    commands: usize,
    floor_rows: u64,
    rounds: usize,
}

const FULL: Size = Size { commands: 1_000_000, floor_rows: 3_000_000, rounds: 3 };
const SMALL: Size = Size { commands: 5_000, floor_rows: 10_000, rounds: 1 };

/// The first 8 bytes of the SHA-256 over the tables of each small run.
const SMALL_DIGESTS: [(&str, u64); 2] = [("moves", 0x5bd2_5d38_2b51_9696), ("trades", 0x2718_0fb5_6b90_876d)];

struct Run {
    name: String,
    count: u64,
    unit: &'static str,
    elapsed: Duration,
}

impl Run {
    fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }
}

fn main() {
    let is_full = std::env::args().any(|argument| argument == "--bench");
    let size = if is_full { FULL } else { SMALL };
    let mut best: Vec<Run> = Vec::new();
    let mut keep = |run: Run| match best.iter_mut().find(|known| known.name == run.name) {
        Some(known) if known.elapsed <= run.elapsed => {}
        Some(known) => *known = run,
        None => best.push(run),
    };
    let markets = [("moves", MOVES), ("trades", TRADES)].map(|(name, mix)| {
        let mut events = Vec::new();
        Market::new(7, ACCOUNTS, mix, &mut events).run(size.commands, &mut events);
        (name, events)
    });
    let mut digests = Vec::new();
    for round in 0..size.rounds {
        keep(floor(size.floor_rows));
        for (name, events) in &markets {
            let folder = tempfile::tempdir().expect("a folder");
            keep(archive(name, events, &folder.path().join("events")));
            write(name, events.len() as u64, folder.path()).into_iter().for_each(&mut keep);
            if round == 0 {
                digests.push((*name, digest_of_checked(folder.path())));
            }
        }
    }
    show(&best);
    for (name, digest) in &digests {
        println!("tables after {name}: {digest:016x}");
    }
    if !is_full {
        assert_eq!(digests, SMALL_DIGESTS, "the tables are not what they were");
    }
}

/// Bare inserts of three numbers, one prepared statement, one transaction per 10,000 rows.
fn floor(rows: u64) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = Connection::open(folder.path().join("floor.sqlite")).expect("a database");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER, c INTEGER) STRICT;",
        )
        .expect("a table");
    let started = Instant::now();
    for first in (0..rows).step_by(10_000) {
        let transaction = connection.transaction().expect("a transaction");
        let mut insert =
            transaction.prepare_cached("INSERT INTO t VALUES (?1, ?2, ?3)").expect("a statement");
        for row in first..rows.min(first + 10_000) {
            insert.execute([row as i64, 1_000_000 + row as i64, 7]).expect("a row");
        }
        drop(insert);
        transaction.commit().expect("committed");
    }
    Run { name: "floor: bare inserts".to_owned(), count: rows, unit: "rows", elapsed: started.elapsed() }
}

/// Events through the ring and the archiver into the log.
fn files(dir: &Path) -> Arc<dyn Storage> {
    Arc::new(FileStorage::new(dir))
}

fn archive(name: &str, events: &[EventRecord], log_dir: &Path) -> Run {
    let options = Options::default().with_segment_bytes(32 << 20).with_spare_segments(4);
    let log = scan(log_dir).expect("a log").into_writer(options).expect("a writer");
    let (mut producer, consumer) = spsc(1 << 14);
    let (mut durable, durable_reader) = cursor();
    durable.set(u64::MAX);
    let (_client, resend, _reader) = resend_queues();
    let (space, _) = dojima::stages::space::space_gauge("event log");
    let ports = ArchiverPorts {
        events: consumer,
        durable: durable_reader,
        space,
        resend,
        oldest: cursor().1,
        downstream: Vec::new(),
        upstream: Vec::new(),
        followers: Vec::new(),
        half_full: u64::MAX,
    };
    let mut archiver = Archiver::new(ports, log, StreamIndex::default(), 0, &Counters::new());
    let mut elapsed = Duration::ZERO;
    for part in events.chunks(1 << 12) {
        part.iter().for_each(|record| producer.try_push(*record).expect("room"));
        let mut left = part.len();
        while left > 0 {
            // While the log waits for its next segment the disk is measured, not the archiver.
            let started = Instant::now();
            let done = archiver.do_work().expect("logged");
            if done > 0 {
                elapsed += started.elapsed();
            } else {
                std::thread::yield_now();
            }
            left -= done;
        }
    }
    archiver.on_close().expect("closed");
    Run { name: format!("archiver, {name}"), count: events.len() as u64, unit: "events", elapsed }
}

/// The log into the database, as after a long stall: batch after batch of 10,000 events.
fn write(name: &str, events: u64, folder: &Path) -> [Run; 2] {
    let counters = Counters::new();
    let settings = SqlSettings::new(folder.join("dojima.sqlite"));
    let mut writer = SqlWriter::new(settings, files(&folder.join("events")), &SystemClocks::new(), &counters)
        .expect("a writer");
    let started = Instant::now();
    while writer.do_work().expect("written") > 0 {}
    writer.on_close().expect("closed");
    let elapsed = started.elapsed();
    assert_eq!(writer.watermark().get(), events);
    let rows =
        counters.snapshot().iter().find(|reading| reading.name == "sql.rows").expect("a counter").value;
    let run =
        |what: &str, count, unit| Run { name: format!("SQL writer, {name}, {what}"), count, unit, elapsed };
    [run("events", events, "events"), run("rows", rows, "rows")]
}

/// The digest of all tables, once they have been found to say what the log says.
fn digest_of_checked(folder: &Path) -> u64 {
    let path = folder.join("dojima.sqlite");
    let sql = SqlReader::open(&path).expect("a database");
    let report = check(&sql, &files(&folder.join("events"))).expect("a check");
    assert_eq!(report.first_difference(), None);
    let connection = Connection::open(path).expect("a database");
    let mut hasher = Sha256::new();
    for table in
        ["watermark", "accounts", "logins", "instruments", "balances", "orders", "trades", "transfers"]
    {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a statement");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                hasher.update(format!("{:?};", row.get_ref(column).expect("a value")));
            }
        }
    }
    let digest: [u8; 32] = hasher.finalize().into();
    u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"))
}

fn show(runs: &[Run]) {
    let floor = runs[0].per_second();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "count", "best round", "per second", "of the floor"]);
    for run in runs {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(&run.name),
            right(format!("{} {}", run.count, run.unit)),
            right(format!("{:.3} s", run.elapsed.as_secs_f64())),
            right(format!("{:.0} k", run.per_second() / 1_000.0)),
            right(format!("{:.2}", run.per_second() / floor)),
        ]);
    }
    println!("{table}");
    println!("database and log in {}", std::env::temp_dir().display());
}
