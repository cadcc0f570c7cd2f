//! `kill -9` at random moments while clients trade as fast as they are answered, over and over on one data directory.
//!
//! After every start the clients have their last messages told again, every few kills all of them: each must be there, at
//! its number, to the byte. Every order is answered exactly once whatever happens between. Between two lives the files are
//! examined: the journal replays with all invariants, and SQL is what the event log adds up to.
//!
//! 250 kills in all in the ordinary suite; `KILLS=5000 cargo test --test it kill::under_load` is the longer run.

use crate::support::crash_site::examine;
use crate::support::engines::with_two_shards;
use crate::support::process::EngineProcess;
use crate::support::trader::Trader;
use dojima::config::{Config, Durability, OldSegments};
use dojima::flow::generator::{GeneratorOptions, generate};
use dojima::runtime::SplitMix64;
use dojima::runtime::ThreadingMode;
use std::time::Duration;
use tempfile::TempDir;

/// Over all five tests.
const KILLS: u64 = 250;
/// Between two looks at everything.
const KILLS_PER_EXAMINATION: u64 = 10;
/// Messages of each session that are told again after an ordinary start.
const OVERLAP: usize = 500;
/// Unanswered orders of a session.
const WINDOW: usize = 64;

/// Which moments these were; said when a test fails.
struct Story {
    what: String,
    kills: u64,
}

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: after {} kills", self.what, self.kills);
        }
    }
}

fn killed_under_load(mode: ThreadingMode, durability: Durability, seed: u64) {
    killed_as(&|config| config, mode, durability, seed);
}

fn killed_as(edit: &dyn Fn(Config) -> Config, mode: ThreadingMode, durability: Durability, seed: u64) {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("KILLS is a number")) / 5;
    let seed = std::env::var("SEED").map_or(seed, |seed| seed.parse().expect("SEED is a number"));
    let mut story = Story { what: format!("{mode:?}, {durability}, seed {seed}"), kills: 0 };
    let venue = generate(&GeneratorOptions { seed, actions: 0, sessions: 3 }).venue;
    let config = edit(config(venue.config(), mode, durability));
    let data = TempDir::new().expect("a temporary directory");
    let mut trader = Trader::new(&venue, seed, WINDOW);
    let mut random = SplitMix64::new(seed);
    let mut last_event = 0;
    for kill in 1..=kills {
        let engine = EngineProcess::start(&config, data.path());
        let everything = kill % KILLS_PER_EXAMINATION == 0;
        trader.connect(engine.address, if everything { usize::MAX } else { OVERLAP });
        trader.trade_for(Duration::from_micros(random.remainder(60_000)));
        // While orders are on their way in and answers on their way out.
        engine.kill();
        story.kills = kill;
        trader.hear_the_end();
        if everything {
            let found = examine(&config, data.path());
            assert!(found.last_event > last_event, "nothing happened since the last examination");
            last_event = found.last_event;
        }
    }
    let engine = EngineProcess::start(&config, data.path());
    trader.connect(engine.address, usize::MAX);
    trader.settle();
    engine.terminate();
    let found = examine(&config, data.path());
    assert_eq!(found.in_sql, found.last_event, "an orderly stop leaves nothing behind");
    let answers = trader.answers();
    assert!(
        answers.accepted > 10 * kills && answers.traded > kills && answers.canceled > kills,
        "{answers:?}"
    );
    assert_eq!((answers.refused, answers.refused_for_space), (0, 0), "{answers:?}");
    let journal = std::fs::read_dir(data.path().join("journal")).expect("a journal");
    let names = journal.map(|entry| entry.expect("an entry").file_name());
    let archived = names.filter(|name| name.to_string_lossy().ends_with(".zst")).count();
    println!(
        "{}: {kills} kills, {answers:?}, {} events, {archived} segments archived",
        story.what, found.last_event
    );
}

fn config(mut config: Config, mode: ThreadingMode, durability: Durability) -> Config {
    config.engine.mode = mode;
    config.journal.durability = durability;
    config.journal.segment_mib = 1;
    config.journal.spare_segments = 1;
    config.event_log.segment_mib = 1;
    config.market_data.segment_mib = 1;
    config.rings.inbound_slots = 1 << 10;
    config.rings.command_slots = 1 << 12;
    config.rings.event_slots = 1 << 13;
    config.exchange.orders_max = 10_000;
    // Snapshots and checkpoints come often enough that most kills find some, and some are hit while they are written.
    config.snapshots.every_commands = 2_000;
    config.snapshots.checkpoint_every_commands = 1_000;
    // Segments are archived under way as soon as two snapshots are past them.
    config.retention.segments = OldSegments::Archive;
    config.retention.resend_hours = 1;
    // Most of what is told again is no longer in memory and comes from the event log.
    config.gateway.tail_kib = 16;
    config.sql.batch_interval_ms = 10;
    config
}

#[test]
fn shared_and_synced() {
    killed_under_load(ThreadingMode::Shared, Durability::Sync, 1);
}

#[test]
fn shared_and_async() {
    killed_under_load(ThreadingMode::Shared, Durability::Async, 2);
}

#[test]
fn dedicated_and_synced() {
    killed_under_load(ThreadingMode::Dedicated, Durability::Sync, 3);
}

#[test]
fn dedicated_and_async() {
    killed_under_load(ThreadingMode::Dedicated, Durability::Async, 4);
}

#[test]
fn two_shards() {
    killed_as(&with_two_shards, ThreadingMode::Dedicated, Durability::Sync, 5);
}
