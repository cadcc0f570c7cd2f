//! The whole engine in one process, without sockets: from the inbound ring to the durable cursor and the event log.
//!
//! The list of `mix` goes through the local source, the sequencer, the journal and the matcher; the clock stops when every
//! command is durable and every event is in the event log. SQL is off: it follows in its own time (see `persister`).
//! The state at the end is that of the same list applied to an exchange directly, whose rate on one core is the floor.
//!
//! `cargo bench --bench pipeline` prints the figures. Under `cargo test` a short list runs and only the digests count.

mod mix;
#[path = "pipeline/venue.rs"]
mod venue;

use dojima::config::{Config, Durability};
use dojima::domain::Command;
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::exchange::Digest;
use dojima::runtime::ThreadingMode;
use mix::Market;
use std::time::{Duration, Instant};
use venue::{config, directly};

const COMMANDS_FULL: usize = 2_000_000;
const ROUNDS_FULL: usize = 5;
const COMMANDS_SMALL: usize = 5_000;
/// How long this thread leaves the cores to the engine when it has nothing to do; the ring holds several times as much.
const PAUSE: Duration = Duration::from_micros(50);

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if full { (COMMANDS_FULL, ROUNDS_FULL) } else { (COMMANDS_SMALL, 1) };
    let config = config();
    let opened = directly(&config, &[]).0;
    let (fill, commands, _) = Market::on(opened.shards.first().clone()).lists(count);
    let commands = [fill, commands].concat();

    let (state, mut floor) = directly(&config, &commands);
    let digest = state.shards.digest();
    for _ in 1..rounds {
        floor = floor.min(directly(&config, &commands).1);
    }
    println!("{} commands, {} events, digest {digest}", commands.len(), state.last_event);
    println!("{:<28} {:>8} {:>14} {:>8}", "", "best", "commands/s", "floor");
    print("exchange alone (floor)", commands.len(), floor, floor);
    for mode in [ThreadingMode::Shared, ThreadingMode::Dedicated] {
        for durability in [Durability::Sync, Durability::Async] {
            let run = || through_the_engine(&config, mode, durability, &commands, digest);
            let best = (0..rounds).map(|_| run()).min().expect("there are rounds");
            print(&format!("pipeline, {mode}, {durability}"), commands.len(), best, floor);
        }
    }
}

fn print(name: &str, commands: usize, time: Duration, floor: Duration) {
    println!(
        "{name:<28} {:>5} ms {:>12.2} M {:>7.1}x",
        time.as_millis(),
        commands as f64 / time.as_secs_f64() / 1e6,
        time.as_secs_f64() / floor.as_secs_f64(),
    );
}

/// One engine from a new directory, all commands, and its end held against `digest`.
fn through_the_engine(
    config: &Config,
    mode: ThreadingMode,
    durability: Durability,
    commands: &[Command],
    digest: Digest,
) -> Duration {
    let mut config = config.clone();
    config.engine.mode = mode;
    config.journal.durability = durability;
    let data = tempfile::tempdir().expect("a temporary directory");
    let launch = Launch {
        order_entry: OrderEntry::None,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    let mut engine = Engine::start(&config, data.path(), launch).expect("the engine starts");
    let last = engine.watch().sequenced() + commands.len() as u64;
    let started = Instant::now();
    let mut rest = commands;
    while !rest.is_empty() {
        let local = engine.local();
        let mut claim = local.commands.claim_up_to(rest.len().min(1024));
        let (now, later) = rest.split_at(claim.remaining());
        now.iter().for_each(|command| claim.push(*command));
        claim.publish();
        local.doorbell.ring();
        if now.is_empty() {
            assert!(!engine.has_failed(), "the engine failed");
            std::thread::sleep(PAUSE);
        }
        rest = later;
    }
    while engine.watch().durable.get() < last || !engine.watch().is_drained() {
        assert!(!engine.has_failed(), "the engine failed");
        std::thread::sleep(PAUSE);
    }
    let elapsed = started.elapsed();
    let stopped = engine.stop().expect("an orderly end");
    let exchange = stopped.shards.expect("the matcher hands back its exchange");
    assert_eq!(exchange.digest(), digest, "the engine ends as the exchange alone does");
    elapsed
}
