//! A wall clock that somebody sets while the engine runs: what takes some time goes on as before.

use crate::support::commands::Commands;
use crate::support::engines::{logged_events, small_config};
use dojima::config::Durability;
use dojima::engine::SteppedEngine;
use dojima::runtime::{ManualClock, ThreadingMode, UnixNanos};
use tempfile::TempDir;

const SECOND: u64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND as i64;
const BEGINNING: UnixNanos = UnixNanos(1_800_000_000 * SECOND);

/// An engine on a clock of its own.
struct Rig {
    engine: SteppedEngine,
    clock: ManualClock,
    commands: Commands,
    folder: TempDir,
}

impl Rig {
    fn new(durability: Durability, tick_interval_ms: u64) -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let clock = ManualClock::new(BEGINNING);
        let mut config = small_config(ThreadingMode::Stepped, durability);
        config.timers.tick_interval_ms = tick_interval_ms;
        let engine = SteppedEngine::start_at(&config, folder.path(), 1, &clock).expect("the engine starts");
        let mut rig = Self { engine, clock, commands: Commands::new(1), folder };
        rig.run();
        rig
    }

    fn run(&mut self) {
        self.engine.stepper.run_until_idle(usize::MAX).expect("no fatal error");
    }

    /// Lets this much time pass in small parts, as it does for an engine that runs.
    fn pass(&mut self, nanos: u64) {
        const PART: u64 = SECOND / 100;
        for _ in 0..nanos / PART {
            self.clock.advance(PART);
            self.run();
        }
    }

    /// A few commands from outside.
    fn send(&mut self) {
        for command in self.commands.by_ref().take(10) {
            self.engine.handles.local.commands.try_push(command).expect("room");
        }
        self.run();
    }
}

#[test]
fn a_wall_clock_that_is_set_stops_no_sync_and_no_writing_to_sql() {
    for step in [-DAY, DAY] {
        let mut rig = Rig::new(Durability::Async, 0);
        for round in 0..3 {
            rig.send();
            let watch = &rig.engine.handles.watch;
            let in_sql = watch.in_sql.clone().expect("a writer");
            assert!(in_sql.get() < watch.archived.get(), "SQL waits for the disk");
            // async_sync_interval_ms and sql.batch_interval_ms are some milliseconds.
            rig.pass(SECOND / 5);
            assert_eq!(rig.engine.handles.watch.sql_lag_events(), 0, "round {round} of a step of {step} ns");
            rig.clock.step_wall(step);
        }
    }
}

#[test]
fn a_wall_clock_that_is_set_makes_stamps_neither_jump_nor_stop() {
    for step in [-DAY, DAY] {
        let mut rig = Rig::new(Durability::Sync, 1_000);
        let ticks = |rig: &Rig| {
            let readings = rig.engine.counters.snapshot();
            readings.iter().find(|reading| reading.name == "timer.ticks").expect("a counter").value
        };
        rig.pass(10 * SECOND);
        let before = ticks(&rig);
        rig.clock.step_wall(step);
        rig.pass(100 * SECOND);
        let passed = ticks(&rig) - before;
        assert!((90..=110).contains(&passed), "{passed} ticks in 100 s after a step of {step} ns");
        rig.send();
        rig.pass(SECOND);
        let events = logged_events(rig.folder.path());
        let times: Vec<u64> = events.iter().map(|event| event.time.0).collect();
        assert!(times.is_sorted(), "stamps never go back");
        let last = times.last().expect("there are events") - BEGINNING.0;
        assert!((99 * SECOND..122 * SECOND).contains(&last), "{last} ns since the beginning");
    }
}
