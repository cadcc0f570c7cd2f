//! While an engine writes.

use crate::commands::Commands;
use crate::engines::{send, small_config, start};
use crate::recorded::*;
use dojima::config::Durability;
use dojima::runtime::ThreadingMode;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_running_engine_is_not_mistaken_for_a_damaged_one() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut engine = start(&small_config(ThreadingMode::Shared, Durability::Sync), folder.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut commands = Commands::new(3);
            while !done.load(Ordering::Relaxed) {
                send(engine.local(), commands.by_ref().take(200));
            }
        });
        let data = arg(folder.path());
        let runs: [&[&str]; 6] = [
            &["verify", &data],
            &["summary", &data],
            &["summary", &data, "--events"],
            &["records", &data],
            &["export", &data, "--format", "jsonl"],
            &["verify", &data, "--events"],
        ];
        let said: Vec<_> = runs.iter().map(|run| (run, tool(*run))).collect();
        // Before anything is held against anything: a failure must not leave the thread behind.
        done.store(true, Ordering::Relaxed);
        for (run, said) in said {
            assert_eq!((said.code, said.err.as_str()), (0, ""), "{run:?}");
            assert!(!said.out.is_empty());
        }
    });
    engine.stop().expect("it stops");
}
