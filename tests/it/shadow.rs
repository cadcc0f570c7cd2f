//! The shadow, its snapshots, and starts from them: the rows of the recovery table that concern snapshots, each from files
//! made for it.

mod offline;
mod retention;
mod starts;
mod watching;

use crate::support::commands::Commands;
use crate::support::engines::{logged_events, small_config};
use dojima::config::{Config, Durability};
use dojima::domain::EventRecord;
use dojima::engine::{StartError, SteppedEngine, Stopped};
use dojima::exchange::Digest;
use dojima::recovery::{DataDir, RecoveryReport, replay};
use dojima::replica::{Snapshots, State};
use dojima::runtime::ThreadingMode;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Commands from one snapshot to the next.
const EVERY: u64 = 200;

/// A data directory and the engine that runs on it.
struct Place {
    folder: TempDir,
    config: Config,
    /// What clients send; it goes on over all lives of the engine.
    commands: Commands,
}

impl Place {
    fn new() -> Self {
        let mut config = small_config(ThreadingMode::Stepped, Durability::Sync);
        config.snapshots.every_commands = EVERY;
        config.snapshots.checkpoint_every_commands = 0;
        config.sql.enabled = false;
        let folder = TempDir::new().expect("a temporary directory");
        Self { folder, config, commands: Commands::new(4) }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> DataDir {
        DataDir::new(self.path())
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::new(Arc::clone(self.data().snapshots()))
    }

    /// Positions of the snapshots, newest first.
    fn positions(&self) -> Vec<u64> {
        self.snapshots().positions().expect("they can be listed")
    }

    fn file(&self, position: u64) -> PathBuf {
        self.data().snapshots().path(&Snapshots::file_name(position))
    }

    fn start(&self) -> Result<SteppedEngine, StartError> {
        SteppedEngine::start(&self.config, self.path(), 5)
    }

    /// Why it does not start, and the exit code that says so.
    fn refused(&self) -> (String, u8) {
        let refused = self.start().map(|_| ()).expect_err("refused");
        (refused.to_string(), refused.exit_code())
    }

    /// Starts, takes in so many more commands, and leaves the engine running with nothing left to do.
    fn run(&mut self, commands: usize) -> SteppedEngine {
        let mut engine = self.start().expect("the engine starts");
        for command in self.commands.by_ref().take(commands) {
            while engine.handles.local.commands.try_push(command).is_err() {
                engine.stepper.step().expect("a duty cycle");
            }
        }
        engine.stepper.run_until_idle(usize::MAX).expect("no fatal error");
        engine
    }

    /// As [`Place::run`], and then kills the engine.
    fn run_and_kill(&mut self, commands: usize) {
        drop(self.run(commands));
    }

    fn run_and_stop(&mut self, commands: usize) -> Stopped {
        self.run(commands).stop().expect("stopped")
    }

    /// The state that a replay of the whole journal comes to.
    fn replayed(&self) -> State {
        let mut state = State::empty();
        replay(&mut state, self.data().journal(), 0, None, &mut |_| Ok(()), &mut |_| {}).expect("replayed");
        state
    }

    fn logged(&self) -> Vec<EventRecord> {
        logged_events(self.path())
    }

    /// Starts, and holds what recovery found against these numbers.
    fn assert_starts(&self, from: Option<u64>, digest: Digest) -> RecoveryReport {
        let engine = self.start().expect("the engine starts");
        let report = engine.report.clone();
        assert_eq!(report.snapshot.as_ref().map(|info| info.position), from);
        let stopped = engine.stop().expect("stopped");
        assert_eq!(stopped.shards.expect("the exchange").digest(), digest);
        report
    }
}

/// Changes one byte of a file.
fn damage(file: &Path, at: usize) {
    let mut bytes = fs::read(file).expect("readable");
    bytes[at] ^= 0x10;
    fs::write(file, bytes).expect("writable");
}
