//! What it costs to make rows of events, and to log them.
//!
//! `cargo bench --bench persister` measures; `cargo test --bench persister` runs the same code small and holds the digest
//! of the finished tables against a known one. Processor time is that of the one thread, per order: per message that a client
//! sent. The floor, bare inserts of the very rows that came of it, is measured in the same run, since a ratio survives a noisy
//! machine where a figure does not.

#[path = "persister/flow.rs"]
mod flow;
#[path = "../tests/it/persister/market.rs"]
mod market;
#[path = "persister/rows.rs"]
mod rows;

use comfy_table::{Cell, CellAlignment, Table, presets};
use dojima::domain::streams::StreamIndex;
use dojima::domain::{EventRecord, codec};
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
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Makers that follow the price: 82 % of all orders are moves.
const MOVES: Mix = Mix { replace: 820, cancel: 60, take: 30, odd: 0 };
/// Every second order trades.
const TRADES: Mix = Mix { replace: 50, cancel: 50, take: 450, odd: 0 };

const ACCOUNTS: u32 = 1_000;

/// The pace of the live run, events a second.
const LIVE_PER_S: u64 = 500_000;
/// How long a writer sleeps that has nothing to do.
const NAP: Duration = Duration::from_millis(1);

/// How much is measured.
struct Size {
    orders: usize,
    rounds: usize,
}

const FULL: Size = Size { orders: 1_000_000, rounds: 3 };
const SMALL: Size = Size { orders: 5_000, rounds: 1 };

/// The first 8 bytes of the SHA-256 over the tables of each small run.
const SMALL_DIGESTS: [(&str, u64); 3] =
    [("flow", 0xa893_b26e_13d3_63c2), ("moves", 0x8acf_f391_dd65_8907), ("trades", 0x2256_9c5c_080f_e228)];

/// What one thread spent.
#[derive(Clone, Copy)]
struct Spent {
    wall: Duration,
    processor: Duration,
}

/// The processor time of this thread so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measured(work: impl FnOnce()) -> Spent {
    let (started, before) = (Instant::now(), processor_time());
    work();
    Spent { wall: started.elapsed(), processor: processor_time() - before }
}

struct Run {
    market: &'static str,
    what: &'static str,
    orders: usize,
    spent: Spent,
}

fn main() {
    let is_full = std::env::args().any(|argument| argument == "--bench");
    let Size { orders, rounds } = if is_full { FULL } else { SMALL };
    let mut best: Vec<Run> = Vec::new();
    let mut digests = Vec::new();
    for (market, events) in markets(orders) {
        println!("{market}: {orders} orders, {} events", events.len());
        let mut keep = |what, spent: Spent| {
            let run = Run { market, what, orders, spent };
            match best.iter_mut().find(|known| known.what == what && known.market == market) {
                Some(known) if known.spent.processor <= spent.processor => {}
                Some(known) => *known = run,
                None => best.push(run),
            }
        };
        for round in 0..rounds {
            let folder = tempfile::tempdir().expect("a folder");
            let log = archive(&events, &folder.path().join("events"));
            let backlog = write(events.len() as u64, folder.path());
            if round == 0 {
                digests.push((market, digest_of_checked(folder.path())));
            }
            keep(
                "floor: bare inserts of the same rows",
                rows::insert_again(&folder.path().join("dojima.sqlite")),
            );
            keep("SQL writer, backlog", backlog);
            keep("archiver", log);
        }
        if market == "flow" {
            for _ in 0..rounds {
                keep("SQL writer, live", live(&events));
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

/// The events of each market, made when it is its turn.
fn markets(orders: usize) -> impl Iterator<Item = (&'static str, Vec<EventRecord>)> {
    let of_mix = move |mix| {
        let mut events = Vec::new();
        Market::new(7, ACCOUNTS, mix, &mut events).run(orders, &mut events);
        events
    };
    ["flow", "moves", "trades"].into_iter().map(move |name| match name {
        "moves" => (name, of_mix(MOVES)),
        "trades" => (name, of_mix(TRADES)),
        _ => (name, flow::events(orders)),
    })
}

fn files(dir: &Path) -> Arc<dyn Storage> {
    Arc::new(FileStorage::new(dir))
}

/// Events through the ring and the archiver into the log.
fn archive(events: &[EventRecord], log_dir: &Path) -> Spent {
    let log = scan(log_dir).expect("a log").into_writer(log_options()).expect("a writer");
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
    let mut spent = Spent { wall: Duration::ZERO, processor: Duration::ZERO };
    for part in events.chunks(1 << 12) {
        part.iter().for_each(|record| producer.try_push(*record).expect("room"));
        let mut left = part.len();
        while left > 0 {
            // While the log waits for its next segment the disk is measured, not the archiver.
            let mut done = 0;
            let cycle = measured(|| done = archiver.do_work().expect("logged"));
            if done > 0 {
                spent.wall += cycle.wall;
                spent.processor += cycle.processor;
            } else {
                std::thread::yield_now();
            }
            left -= done;
        }
    }
    archiver.on_close().expect("closed");
    spent
}

fn log_options() -> Options {
    Options::default().with_segment_bytes(32 << 20).with_spare_segments(4)
}

/// The log into the database, as after a long stall.
fn write(events: u64, folder: &Path) -> Spent {
    let mut writer = sql_writer(folder, &Counters::new());
    let spent = measured(|| {
        while writer.do_work().expect("written") > 0 {}
        writer.on_close().expect("closed");
    });
    assert_eq!(writer.watermark().get(), events);
    spent
}

fn sql_writer(folder: &Path, counters: &Counters) -> SqlWriter {
    let settings = SqlSettings::new(folder.join("dojima.sqlite"));
    let log = files(&folder.join("events"));
    SqlWriter::new(settings, log, &SystemClocks::new(), counters).expect("a writer")
}

/// The log grows at a steady pace while the database follows.
fn live(events: &[EventRecord]) -> Spent {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log =
        scan(&folder.path().join("events")).expect("a log").into_writer(log_options()).expect("a writer");
    std::thread::scope(|threads| {
        let mut writer = sql_writer(folder.path(), &Counters::new());
        let follower = threads.spawn(move || {
            measured(|| {
                while writer.watermark().get() < events.len() as u64 {
                    if writer.do_work().expect("written") == 0 {
                        std::thread::sleep(NAP);
                    }
                }
            })
        });
        let started = Instant::now();
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        for (at, record) in (0..).zip(events) {
            let due = Duration::from_nanos(at * 1_000_000_000 / LIVE_PER_S);
            if at % 256 == 0 {
                std::thread::sleep(due.saturating_sub(started.elapsed()));
            }
            let len = codec::encode_event(record, &mut payload).expect("fits");
            while log.append(record.number, record.time.0, &payload[..len]).is_err() {
                std::thread::sleep(NAP);
            }
        }
        follower.join().expect("it ends")
    })
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
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["market", "what", "wall", "processor time of the thread", "of the floor"]);
    for run in runs {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let per_order = |run: &Run| run.spent.processor.as_nanos() as f64 / run.orders as f64;
        let floor = runs.iter().find(|floor| floor.market == run.market).map_or(f64::NAN, per_order);
        table.add_row([
            Cell::new(run.market),
            Cell::new(run.what),
            right(format!("{:.3} s", run.spent.wall.as_secs_f64())),
            right(format!("{:.0} ns/order", per_order(run))),
            right(format!("{:.2}", per_order(run) / floor)),
        ]);
    }
    println!("{table}");
    println!("database and log in {}", std::env::temp_dir().display());
}
