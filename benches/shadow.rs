//! What the shadow and its snapshots cost the hot path: the latency of commands with and without them.
//!
//! One thread sends the commands of `mix` at a fixed rate through the local source and watches how far the matcher has
//! come; a latency is the time from when a command was due to be sent until its events are in the event ring. Runs with and
//! without the shadow take turns, on new directories, so that what the machine does in between falls on both. With the
//! shadow there is a snapshot for every second of the run. `cargo bench --bench shadow` prints the figures; under `cargo
//! test` a short list runs and only the digests count.

mod mix;
#[path = "pipeline/venue.rs"]
mod venue;

use dojima::config::Config;
use dojima::domain::Command;
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::exchange::Digest;
use hdrhistogram::Histogram;
use mix::Market;
use std::time::{Duration, Instant};
use venue::{config, directly};

/// Commands a second.
const RATE: u64 = 100_000;
const SECONDS_FULL: u64 = 20;
const ROUNDS_FULL: usize = 3;
const COMMANDS_SMALL: usize = 3_000;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) =
        if full { ((RATE * SECONDS_FULL) as usize, ROUNDS_FULL) } else { (COMMANDS_SMALL, 1) };
    let config = config();
    let opened = directly(&config, &[]).0;
    let (fill, commands, _) = Market::on(opened.shards.first().clone()).lists(count);
    let commands = [fill, commands].concat();
    let digest = directly(&config, &commands).0.shards.digest();
    println!("{} commands at {RATE}/s, {rounds} rounds, digest {digest}", commands.len());
    let histogram = || Histogram::<u64>::new(3).expect("three digits");
    let (mut without, mut with) = (histogram(), histogram());
    let mut snapshots = 0;
    for _ in 0..rounds {
        run(&config, false, &commands, digest, &mut without);
        snapshots += run(&config, true, &commands, digest, &mut with);
    }
    assert!(snapshots > 0, "no snapshot was made");
    println!("{:<28} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "p50", "p99", "p99.9", "p99.99", "max");
    print("without", &without);
    print(&format!("with, {snapshots} snapshots"), &with);
}

fn print(name: &str, histogram: &Histogram<u64>) {
    print!("{name:<28}");
    for quantile in [0.5, 0.99, 0.999, 0.9999, 1.0] {
        print!(" {:>6.1} µs", histogram.value_at_quantile(quantile) as f64 / 1e3);
    }
    println!();
}

/// One engine from a new directory; returns how many snapshots it made.
fn run(
    config: &Config,
    shadow: bool,
    commands: &[Command],
    digest: Digest,
    latencies: &mut Histogram<u64>,
) -> u64 {
    let mut config = config.clone();
    config.snapshots.enabled = shadow;
    config.snapshots.every_commands = RATE.min(commands.len() as u64 / 2);
    config.snapshots.checkpoint_every_commands = 0;
    let data = tempfile::tempdir().expect("a temporary directory");
    let launch = Launch {
        order_entry: OrderEntry::None,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    let mut engine = Engine::start(&config, data.path(), launch).expect("the engine starts");
    let applied = engine.watch().applied.clone();
    let first = applied.get();
    let (started, step) = (Instant::now(), Duration::from_nanos(1_000_000_000 / RATE));
    let (mut sent, mut seen) = (0, 0);
    while seen < commands.len() {
        let now = started.elapsed();
        let local = engine.local();
        let before = sent;
        while sent < commands.len() && step * sent as u32 <= now {
            if local.commands.try_push(commands[sent]).is_err() {
                break;
            }
            sent += 1;
        }
        if sent > before {
            local.doorbell.ring();
        }
        let done = (applied.get() - first) as usize;
        let now = started.elapsed();
        for at in seen..done {
            let latency = now.saturating_sub(step * at as u32).as_nanos() as u64;
            latencies.record(latency.max(1)).expect("in range");
        }
        seen = done;
        std::hint::spin_loop();
    }
    let value = |name: &str| {
        engine
            .counters
            .snapshot()
            .iter()
            .find(|reading| reading.name == name)
            .map_or(0, |reading| reading.value)
    };
    let snapshots = value("shadow.snapshots");
    let stopped = engine.stop().expect("an orderly end");
    assert_eq!(stopped.shards.expect("the exchange").digest(), digest);
    snapshots + u64::from(shadow)
}
