//! The shared list at full speed: how many commands a second, beside a floor that only copies, and what limits, tiers and
//! self-trade prevention add.

use crate::mix::{ACCOUNTS, Market, RESTING};
use crate::setup::{Features, open_exchange, ready};
use crate::timing::{Rounds, floor, histogram, percentiles, record, run_slices as run};
use dojima::domain::{Command, Stamp};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// How many commands one latency figure stands for.
const BLOCK: usize = 64;

const COMMANDS_FULL: usize = 1_000_000;
const ROUNDS_FULL: usize = 15;
const COMMANDS_SMALL: usize = 20_000;
const DIGEST_SMALL: &str = "d3bb4c7e49eaf89fa652e2bdfa3cd6e0";
const EVENTS_SMALL: usize = 21_171;

/// Mean time of one command over blocks of [`BLOCK`] commands, ns, and the same of single commands, the clock's own
/// share not taken off.
fn latencies(fill: &[Command], commands: &[Command]) -> (Histogram<u64>, Histogram<u64>, Histogram<u64>) {
    let (mut blocks, mut singles, mut clock) = (histogram(), histogram(), histogram());
    let mut events = Vec::with_capacity(1 << 14);
    let mut exchange = ready(fill, Features::default());
    for block in commands.chunks_exact(BLOCK) {
        events.clear();
        let start = Instant::now();
        for command in block {
            exchange.apply(Stamp::default(), command, &mut events);
        }
        blocks.saturating_record(start.elapsed().as_nanos() as u64 / BLOCK as u64);
    }
    let mut exchange = ready(fill, Features::default());
    for command in commands {
        events.clear();
        let start = Instant::now();
        exchange.apply(Stamp::default(), command, &mut events);
        singles.saturating_record(start.elapsed().as_nanos() as u64);
        let start = Instant::now();
        clock.saturating_record(start.elapsed().as_nanos() as u64);
    }
    (blocks, singles, clock)
}

pub fn full() {
    let (fill, commands, mix) = Market::on(open_exchange(Features::default())).lists(COMMANDS_FULL);
    let recorded = record(ready(&fill, Features::default()), &commands);
    let share = |part: usize| 100.0 * part as f64 / commands.len() as f64;
    println!(
        "{} commands: {:.1} % moves, {:.1} % new, {:.1} % cancels, {:.1} % takers; {} events; {RESTING} resting, {ACCOUNTS} accounts",
        commands.len(),
        share(mix.moves),
        share(mix.enters),
        share(mix.cancels),
        share(mix.takes),
        recorded.len(),
    );
    let mut events = Vec::with_capacity(1 << 14);
    let (mut matching, mut floors, mut digest) = (Rounds::default(), Rounds::default(), None);
    for _ in 0..ROUNDS_FULL {
        let mut exchange = ready(&fill, Features::default());
        let (times, count) = run(&mut exchange, &commands, &mut events);
        assert_eq!(count, recorded.len(), "every round says the same");
        let ended = exchange.digest();
        assert_eq!(*digest.get_or_insert(ended), ended, "every round ends in the same state");
        matching.add(&times);
        floors.add(&floor(&commands, &recorded, &mut events));
    }
    matching.print("matching", commands.len(), recorded.len());
    floors.print("floor (copies)", commands.len(), recorded.len());
    let (blocks, singles, clock) = latencies(&fill, &commands);
    println!("ns/command, blocks of {BLOCK}:    {}", percentiles(&blocks));
    println!("ns, one command + clock:    {}", percentiles(&singles));
    println!("ns, the clock alone:        {}", percentiles(&clock));
    println!("digest {}", digest.expect("there was a round"));
}

/// What is switched on, the digest of the small list with it, and its events.
const FEATURES: [(&str, Features, &str, usize); 5] = [
    ("plain", Features { limits: false, tiers: false, self_trade: false }, DIGEST_SMALL, EVENTS_SMALL),
    (
        "limits",
        Features { limits: true, tiers: false, self_trade: false },
        "19b63546a6d98f2b34cabbd57024ab27",
        21_171,
    ),
    (
        "tiers",
        Features { limits: false, tiers: true, self_trade: false },
        "5360193014a7216660982cb21a8fbfb3",
        21_171,
    ),
    (
        "self-trade",
        Features { limits: false, tiers: false, self_trade: true },
        "ca4de58cd472bb2e90183ea6a076a9d1",
        21_164,
    ),
    (
        "all three",
        Features { limits: true, tiers: true, self_trade: true },
        "2f11e5e38df4ef0f47091f06e65ad900",
        21_164,
    ),
];

/// The list again with features on, round by round in turn, so that the machine's moods hit all alike.
pub fn features() {
    struct Variant {
        features: Features,
        fill: Vec<Command>,
        commands: Vec<Command>,
        rounds: Rounds,
        events: usize,
    }
    let mut variants = FEATURES.map(|(_, features, ..)| {
        let (fill, commands, _) = Market::on(open_exchange(features)).lists(COMMANDS_FULL);
        Variant { features, fill, commands, rounds: Rounds::default(), events: 0 }
    });
    let mut events = Vec::with_capacity(1 << 14);
    for _ in 0..ROUNDS_FULL {
        for variant in &mut variants {
            let mut exchange = ready(&variant.fill, variant.features);
            let (times, count) = run(&mut exchange, &variant.commands, &mut events);
            variant.rounds.add(&times);
            variant.events = count;
        }
    }
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / COMMANDS_FULL as f64;
    let plain = nanos(variants[0].rounds.best_slices());
    for ((name, ..), variant) in FEATURES.iter().zip(&mut variants) {
        let (best, median) = (nanos(variant.rounds.best_slices()), nanos(variant.rounds.median()));
        println!(
            "{name:<12} best slices {best:>6.1} ns/command  {:>+6.1} ns  {:>5.2} of plain   median {median:>6.1} ns  {} events",
            best - plain,
            best / plain,
            variant.events,
        );
    }
}

pub fn small() {
    for (name, features, digest, events) in FEATURES {
        let (fill, commands, _) = Market::on(open_exchange(features)).lists(COMMANDS_SMALL);
        let mut exchange = ready(&fill, features);
        let (_, count) = run(&mut exchange, &commands, &mut Vec::new());
        exchange.audit().expect("the books and the money are sound");
        println!("mix, {name}: {} commands, {count} events, digest {}", commands.len(), exchange.digest());
        assert_eq!((exchange.digest().to_string().as_str(), count), (digest, events), "{name}");
    }
}
