//! Power that is lost while clients trade: what is on the disk at one instant, and nothing else, is recovered in place.
//!
//! The engine runs on an ext4 file system in a file, over a loop device, and that file lies on a file system of the test's
//! own. Freezing the outer one stops the disk of the inner one at an instant: each write to it is there or not, and what
//! the kernel still holds in memory for the inner one is not. So the file is copied while it is frozen, and a copy is what
//! a power cut at that instant would have left. (Copying it while it is written would mix instants, which no disk does;
//! snapshots of the device mapper would do as well, and need a kernel that has it.)
//!
//! A write that the disk has taken counts as kept, whether or not a flush followed: disks that lose those are simulated in
//! `journal/tests/it/power.rs`.
//!
//! Needs root and loop devices. `POWER_CUTS=200 cargo test --test it power` is a longer run.

use crate::support::crash_site::examine;
use crate::support::mounts::{Image, can_mount, copy_sparse};
use crate::support::process::EngineProcess;
use crate::support::trader::Trader;
use crate::support::venue::Random;
use dojima::config::{Config, Durability};
use dojima::flow::generator::{GeneratorOptions, generate};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Power cuts of one test.
const CUTS: u64 = 6;
/// Cuts of one life of the engine; after them it starts on a new disk, so that disks stay small.
const CUTS_PER_LIFE: u64 = 6;
const DISK_MIB: u64 = 128;
const OUTER_MIB: u64 = 256;

/// The disk at one instant.
struct Cut {
    image: Image,
    /// How many messages each session had been told before.
    told: Vec<usize>,
}

fn config(venue: Config, durability: Durability) -> Config {
    let mut config = venue;
    config.journal.durability = durability;
    config.journal.segment_mib = 1;
    config.journal.spare_segments = 1;
    config.event_log.segment_mib = 1;
    config.market_data.segment_mib = 1;
    config.exchange.orders_max = 10_000;
    config.gateway.tail_kib = 16;
    config.sql.batch_interval_ms = 10;
    config
}

/// Trades on a disk and copies it at random moments; then recovers every copy and compares.
fn power_is_lost(durability: Durability, seed: u64, check: impl Fn(&Cut, &[usize])) {
    let cuts = std::env::var("POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().expect("POWER_CUTS is a number"));
    let (mut random, mut done, mut messages) = (Random(seed), 0, 0);
    while done < cuts {
        let count = CUTS_PER_LIFE.min(cuts - done);
        messages += one_life(durability, &mut random, count, &check);
        done += count;
    }
    println!("{durability}: {cuts} power cuts, {messages} messages told before them");
}

fn one_life(
    durability: Durability,
    random: &mut Random,
    count: u64,
    check: &impl Fn(&Cut, &[usize]),
) -> usize {
    let seed = random.below(u64::MAX);
    let venue = generate(&GeneratorOptions { seed, actions: 0, sessions: 2 }).venue;
    let config = config(venue.config(), durability);
    let folder = TempDir::new().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name);
    let outer =
        Image::make(&at("outer"), OUTER_MIB).and_then(|outer| outer.mount(&at("under"))).expect("mounted");
    let image = outer.path().join("disk");
    let disk = Image::make(&image, DISK_MIB).and_then(|disk| disk.mount(&at("disk"))).expect("mounted");
    let mut trader = Trader::new(&venue, seed, 64);
    let engine = EngineProcess::start(&config, disk.path());
    trader.connect(engine.address, 0);
    let mut cuts = Vec::new();
    for number in 0..count {
        trader.trade_for(Duration::from_micros(random.below(200_000)));
        let told = trader.told();
        let copy = at(&format!("copy-{number}"));
        let frozen = outer.freeze();
        copy_sparse(&image, &copy);
        drop(frozen);
        cuts.push(Cut { image: Image::at(&copy), told });
    }
    trader.trade_for(Duration::from_millis(50));
    engine.kill();
    trader.hear_the_end();
    drop((disk, outer));
    for cut in &cuts {
        recover(&config, &trader, cut, &at("recovered"), seed, check);
    }
    cuts.iter().flat_map(|cut| &cut.told).sum()
}

/// Mounts the copy, which recovers the file system, and starts an engine on it.
fn recover(
    config: &Config,
    trader: &Trader,
    cut: &Cut,
    at: &Path,
    seed: u64,
    check: &impl Fn(&Cut, &[usize]),
) {
    let disk = cut.image.mount(at).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let started = Instant::now();
    let engine = EngineProcess::start(config, disk.path());
    // Whatever there is, is what the clients were told.
    let recovered = trader.compare(engine.address);
    trader.assert_one_moment(&recovered);
    check(cut, &recovered);
    engine.terminate();
    let found = examine(config, disk.path());
    assert_eq!(found.in_sql, found.last_event, "SQL has caught up");
    println!("told {:?}, recovered {recovered:?}, in {} ms", cut.told, started.elapsed().as_millis());
}

#[test]
fn every_order_acknowledged_before_is_there() {
    if can_mount("power::every_order_acknowledged_before_is_there") {
        power_is_lost(Durability::Sync, 11, |cut, recovered| {
            let lost = cut.told.iter().zip(recovered).find(|(told, recovered)| recovered < told);
            assert_eq!(lost, None, "(told, recovered) of a session");
            assert!(cut.told.iter().all(|told| *told > 0), "nothing was told before the power went");
        });
    }
}

/// Something may be lost, and then all that came after it in any session.
#[test]
fn without_syncs_a_clean_prefix_is_there() {
    if can_mount("power::without_syncs_a_clean_prefix_is_there") {
        power_is_lost(Durability::Async, 12, |_, _| {});
    }
}
