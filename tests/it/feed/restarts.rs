//! What is in the log is what the events give, whatever ends the engine, and however often.

use super::*;
use dojima::engine::{StartError, SteppedEngine};
use dojima::runtime::Fatal;
use std::fs;
use tempfile::TempDir;

fn stepped() -> Config {
    let mut config = small_config(ThreadingMode::Stepped, Durability::Sync);
    // What recovery says of its commands then counts all of them.
    config.snapshots.enabled = false;
    config
}

/// Runs an engine from wherever its files are, for so many duty cycles of some agent; whether it came to the end.
fn live(config: &Config, data: &Path, seed: u64, steps: usize, commands: usize) -> bool {
    let mut engine = SteppedEngine::start(config, data, seed).expect("the engine starts");
    let done = engine.report.commands + engine.report.opening_commands;
    let opening = config.opening_commands().expect("a venue").len();
    let mut rest = Commands::new(5).take(commands).skip(done as usize - opening).peekable();
    for _ in 0..steps {
        while let Some(command) = rest.peek() {
            if engine.handles.local.commands.try_push(*command).is_err() {
                break;
            }
            rest.next();
        }
        engine.stepper.step().expect("a duty cycle");
        if rest.peek().is_none() && engine.handles.watch.is_drained() {
            engine.stop().expect("an orderly end");
            return true;
        }
    }
    false
}

#[test]
fn crashes_at_any_point_change_nothing() {
    let config = stepped();
    for seed in 0..6 {
        let folder = TempDir::new().expect("a directory");
        let (mut lives, mut steps) = (1, 40 + 7 * seed as usize);
        while !live(&config, folder.path(), seed * 1_000 + lives, steps, 1_500) {
            lives += 1;
            steps = steps * 13 % 97 + 20;
            assert!(lives < 400, "it never comes to the end");
        }
        assert!(lives > 2, "seed {seed} never crashed");
        assert_logged_as_expected(folder.path());
    }
}

fn checkpoints(data: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(data.join("market-data")).expect("a directory");
    let mut found: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "feed"))
        .collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A directory that was left in good order, and then changed.
fn left_behind(change: impl FnOnce(&Path)) -> TempDir {
    let folder = TempDir::new().expect("a directory");
    assert!(live(&stepped(), folder.path(), 1, usize::MAX, 800));
    change(folder.path());
    folder
}

fn refused(data: &Path) -> Fatal {
    match SteppedEngine::start(&stepped(), data, 1) {
        Err(StartError::Fatal(fatal)) => fatal,
        Err(other) => panic!("{other}"),
        // What the log has beyond the checkpoint is compared in duty cycles.
        Ok(mut engine) => engine.stepper.run_until_idle(usize::MAX).expect_err("the log is wrong"),
    }
}

/// Takes something away.
type Lose = fn(&Path);

#[test]
fn whatever_of_it_is_lost_is_made_again() {
    let whole = left_behind(|_| {});
    let expected = logged(whole.path());
    let losses: [(&str, Lose); 4] = [
        ("everything", |data| fs::remove_dir_all(data.join("market-data")).expect("removed")),
        ("the checkpoints", |data| {
            checkpoints(data).iter().for_each(|path| fs::remove_file(path).expect("removed"))
        }),
        ("the newest checkpoint's checksum", |data| {
            let newest = checkpoints(data).pop().expect("there is one");
            let mut bytes = fs::read(&newest).expect("read");
            bytes[40] ^= 1;
            fs::write(newest, bytes).expect("written");
        }),
        ("the log", |data| {
            for file in fs::read_dir(data.join("market-data")).expect("a directory") {
                let path = file.expect("a file").path();
                if path.extension().is_some_and(|extension| extension == "seg") {
                    fs::remove_file(path).expect("removed");
                }
            }
        }),
    ];
    for (what, lose) in losses {
        let folder = TempDir::new().expect("a directory");
        copy(whole.path(), folder.path());
        assert!(checkpoints(folder.path()).len() == 2, "two are kept");
        lose(folder.path());
        assert!(live(&stepped(), folder.path(), 2, usize::MAX, 800), "without {what}");
        assert!(logged(folder.path()) == expected, "without {what}");
    }
}

#[test]
fn a_log_that_says_something_else_is_refused() {
    // The log of a venue whose orders were others.
    let other = TempDir::new().expect("a directory");
    let mut engine = SteppedEngine::start(&stepped(), other.path(), 1).expect("it starts");
    engine.handles.local.commands.try_push(Commands::new(1).next().expect("a command")).expect("room");
    engine.stepper.run_until_idle(usize::MAX).expect("it works");
    engine.stop().expect("an orderly end");
    let folder = left_behind(|data| {
        fs::remove_dir_all(data.join("market-data")).expect("removed");
        copy(&other.path().join("market-data"), &data.join("market-data"));
        checkpoints(data).iter().for_each(|path| fs::remove_file(path).expect("removed"));
    });
    let fatal = refused(folder.path());
    assert!(matches!(fatal, Fatal::Diverged { .. }), "{fatal}");
    assert!(fatal.to_string().contains("market-data"), "{fatal}");
}

#[test]
fn events_that_are_gone_are_named_with_what_to_do() {
    let folder = left_behind(|data| {
        let dir = DataDir::new(data);
        let last = expected(data).len() as u64;
        assert!(last > 500);
        // Small files would be needed to retire some: the whole log begins later instead.
        fs::remove_dir_all(data.join("market-data")).expect("removed");
        fs::remove_dir_all(data.join("events")).expect("removed");
        let options = dojima_journal::Options::default()
            .with_segment_bytes(1 << 20)
            .with_first_sequence(400)
            .with_content(DataDir::EVENTS);
        let scanned =
            dojima_journal::scan_storage(std::sync::Arc::clone(dir.event_log())).expect("nothing there");
        scanned.into_writer(options).expect("a log").seal().expect("sealed");
    });
    match SteppedEngine::start(&stepped(), folder.path(), 1) {
        Err(StartError::Fatal(fatal @ Fatal::MarketData { .. })) => {
            let text = fatal.to_string();
            for word in ["event 1", "event 400", "market_data.enabled"] {
                assert!(text.contains(word), "{text}");
            }
        }
        // Recovery itself may see it first.
        Err(error) => assert!(error.to_string().contains("event"), "{error}"),
        Ok(_) => panic!("it must not start"),
    }
}
