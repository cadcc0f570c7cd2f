//! What a durable order costs over TCP, beside its floors: servers of our own that do nothing else, and databases.
//!
//! `cargo bench --bench durable` takes all figures, `cargo bench --bench durable -- PART` those of one part: `one-in-flight`, `modes`,
//! `async`, `open-loop`, `acknowledged`, `sustained SECONDS [LAG_MIB]`, or `starved MINUTES [LAG_MIB]`, which is only run when it is asked for. Every
//! server, the engine too, is a process of its own, started from this program; its client is this process. Contenders take
//! turns in every round, and a ratio is one of figures of the same round. Every answer is held against what was asked.
//! `cargo test --bench durable` runs the same code small, without PostgreSQL. The files are made under `$TMPDIR`, or under `target`
//! without it: the disk is the one that holds it.

mod alone;
mod child;
mod crowd;
mod engine;
mod line;
mod paced;
mod postgres;
mod report;
mod script;
mod servers;
mod starved;
mod window;

use report::Disk;
use std::path::Path;
use std::time::Duration;

const ALONE: alone::Size = alone::Size { rounds: 5, orders: 4_000, postgres: true };
const ALONE_SMALL: alone::Size = alone::Size { rounds: 1, orders: alone::TURN, postgres: false };
const ROUNDS: usize = 3;
const OPEN_LOOP_SECONDS: f64 = 10.0;
const ACKNOWLEDGED: u64 = 4_000_000;
const SUSTAINED_SECONDS: f64 = 20.0;
const STARVED_MINUTES: f64 = 10.0;
const STARVED_LAG_MIB: u64 = 1_024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, role, words @ ..] = arguments.as_slice()
        && first == child::ROLE
    {
        return play(role, words);
    }
    let disk = Disk::new();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return small(&disk);
    }
    println!("{}", disk.describe());
    let mut words = arguments.iter().filter(|argument| !argument.starts_with('-')).map(String::as_str);
    let part = words.next();
    let mut number = |default: f64| {
        words
            .next()
            .map_or(default, |word| word.parse().unwrap_or_else(|_| usage(&format!("{word} is no number"))))
    };
    match part {
        None => {
            alone::durable(&disk, ALONE);
            alone::modes(&disk, ALONE);
            alone::asynchronous(&disk, ALONE);
            crowd::open_loop(&disk, ROUNDS, OPEN_LOOP_SECONDS);
            crowd::acknowledged(&disk, ROUNDS, ACKNOWLEDGED);
            crowd::sustained(&disk, SUSTAINED_SECONDS, 0);
        }
        Some("one-in-flight") => alone::durable(&disk, ALONE),
        Some("modes") => alone::modes(&disk, ALONE),
        Some("async") => alone::asynchronous(&disk, ALONE),
        Some("open-loop") => crowd::open_loop(&disk, ROUNDS, number(OPEN_LOOP_SECONDS)),
        Some("acknowledged") => crowd::acknowledged(&disk, ROUNDS, number(ACKNOWLEDGED as f64) as u64),
        Some("sustained") => {
            let (seconds, lag_mib) = (number(SUSTAINED_SECONDS), number(0.0) as u64);
            crowd::sustained(&disk, seconds, lag_mib);
        }
        Some("starved") => {
            let size = starved::Size {
                seconds: 60.0 * number(STARVED_MINUTES),
                lag_mib: number(STARVED_LAG_MIB as f64) as u64,
                look: Duration::from_millis(200),
            };
            if !starved::run(&disk, size) {
                drop(disk);
                std::process::exit(1);
            }
        }
        Some(other) => usage(&format!("there is no part {other}")),
    }
}

fn usage(why: &str) -> ! {
    eprintln!(
        "{why}; parts: one-in-flight, modes, async, open-loop, acknowledged, sustained SECONDS [LAG_MIB], starved MINUTES [LAG_MIB]"
    );
    std::process::exit(2);
}

/// All parts, to see that they work.
fn small(disk: &Disk) {
    alone::durable(disk, ALONE_SMALL);
    alone::modes(disk, ALONE_SMALL);
    alone::asynchronous(disk, ALONE_SMALL);
    crowd::open_loop(disk, 1, 0.02);
    crowd::acknowledged(disk, 1, 4_000);
    crowd::sustained(disk, 0.1, 0);
    let size = starved::Size { seconds: 0.05, lag_mib: 64, look: Duration::from_millis(10) };
    // What it finds on a busy machine decides nothing here.
    starved::run(disk, size);
}

/// A process that one of the parts has started.
fn play(role: &str, words: &[String]) {
    let folder = || Path::new(words.first().expect("a folder"));
    if !matches!(role, "engine" | "postgres") {
        child::end_with_input();
    }
    match role {
        "engine" => engine::run(words),
        "postgres" => postgres::serve(folder()),
        "plain" => servers::plain(folder()),
        "sqlite" => servers::sqlite(folder()),
        "group" => servers::group(folder(), words[1].parse().expect("a number")),
        "echo" => servers::echo(),
        "echo-of-many" => servers::echo_of_many(),
        "spin" => servers::spin(),
        other => panic!("there is no role {other}"),
    }
}
