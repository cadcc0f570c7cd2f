//! Engines that are dropped in the middle, at seeded points, and started again: nothing durable is lost, nothing is done
//! twice, and the end is that of a run without crashes.
//!
//! Dropping a stepped engine leaves its files as a killed process leaves them: the journal without a seal, the event log
//! wherever the archiver was, SQL wherever the writer was.

use crate::support::commands::Commands;
use crate::support::engines::{logged_events, small_config, without_times};
use dojima::config::{Config, Durability};
use dojima::domain::{Command, Event};
use dojima::engine::SteppedEngine;
use dojima::exchange::Digest;
use dojima::recovery::DataDir;
use dojima::runtime::SplitMix64;
use dojima::runtime::ThreadingMode;
use dojima::sql::check::check;
use dojima::sql::reader::SqlReader;
use std::path::Path;
use tempfile::TempDir;

const COMMANDS: usize = 1_500;

/// What one life of the engine showed before it was dropped.
struct Life {
    /// The highest durable sequence that anybody outside could have seen.
    durable: u64,
    /// Whether it got to the end.
    finished: Option<Digest>,
}

/// Runs the engine from wherever its files are, for at most `steps` duty cycles.
fn live(
    config: &Config,
    data: &Path,
    commands: &[Command],
    seed: u64,
    steps: usize,
    last_durable: u64,
) -> Life {
    let mut engine = SteppedEngine::start(config, data, seed).expect("the engine starts");
    let recovered = engine.report.commands + engine.report.opening_commands;
    assert!(recovered >= last_durable, "command {last_durable} was durable, recovery found {recovered}");
    let opening = config.opening_commands().expect("a valid venue").len();
    // The client's part: what has no answer is sent again. Here the journal says what was taken in.
    let mut rest = commands[recovered as usize - opening..].iter().copied().peekable();
    for _ in 0..steps {
        while let Some(command) = rest.peek() {
            if engine.handles.local.commands.try_push(*command).is_err() {
                break;
            }
            rest.next();
        }
        engine.stepper.step().expect("a duty cycle");
        if rest.peek().is_none() && engine.handles.watch.is_drained() {
            let stopped = engine.stop().expect("an orderly end");
            let exchange = stopped.shards.expect("the matcher hands back its exchange");
            exchange.audit().expect("all invariants hold");
            return Life { durable: recovered, finished: Some(exchange.digest()) };
        }
    }
    Life { durable: engine.handles.watch.durable.get(), finished: None }
}

fn run_with_crashes(seed: u64, durability: Durability) -> (Digest, Vec<Event>, u32) {
    let data = TempDir::new().expect("a temporary directory");
    let config = small_config(ThreadingMode::Stepped, durability);
    let commands: Vec<Command> = Commands::new(99).take(COMMANDS).collect();
    let (mut random, mut durable, mut crashes) = (SplitMix64::new(seed), 0, 0);
    loop {
        // A run without crashes takes a few hundred steps; seed 0 has none.
        let steps = if seed == 0 { usize::MAX } else { random.remainder(60) as usize };
        let life = live(&config, data.path(), &commands, random.draw(), steps, durable);
        durable = life.durable;
        if let Some(digest) = life.finished {
            let sql = SqlReader::open(&data.path().join(&config.sql.path)).expect("the database opens");
            let log = DataDir::new(data.path());
            let report = check(&sql, log.event_log()).expect("the database and the event log can be read");
            assert_eq!(report.first_difference(), None, "seed {seed}, {durability}");
            return (digest, without_times(&logged_events(data.path())), crashes);
        }
        crashes += 1;
        assert!(crashes < 2_000, "the engine gets nowhere");
    }
}

#[test]
fn crashes_at_any_point_change_nothing() {
    let mut crashes_in_all = 0;
    for durability in [Durability::Sync, Durability::Async] {
        let (digest, events, none) = run_with_crashes(0, durability);
        assert_eq!(none, 0);
        for seed in 1..=12 {
            let (other_digest, other_events, crashes) = run_with_crashes(seed, durability);
            assert_eq!(other_digest, digest, "seed {seed}, {durability}");
            assert!(other_events == events, "seed {seed}, {durability}: other events");
            crashes_in_all += crashes;
        }
    }
    assert!(crashes_in_all > 24, "only {crashes_in_all} crashes: the seeds exercise nothing");
}
