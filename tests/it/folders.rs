//! A path that is not what a command reads: it says what lies there, and what to name instead.

use crate::cli::Done;
use crate::walk::{place, plain, program, shell};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

/// A path; what the inspector says of it; and what the engine's commands say. `None`: it is what they read.
const WRONG: [(&str, Option<&str>, &str); 12] = [
    (
        "data/journal",
        None,
        "is a journal, and no data directory by itself: it belongs to data, so say --data data",
    ),
    (
        "data/events",
        None,
        "is an event log, and no data directory by itself: it belongs to data, so say --data data",
    ),
    (
        "data/market-data",
        Some("it is a log of market data. `dojima itch --data data --out FILE` writes that"),
        "is a log of market data, and no data directory by itself: it belongs to data, so say --data data",
    ),
    (
        "data/snapshots",
        Some(
            "it is a directory of snapshots, which `summary` of the journal lists; the journal is data/journal",
        ),
        "is a directory of snapshots, and no data directory by itself: it belongs to data, so say --data data",
    ),
    (
        "data/dojima.sqlite",
        Some("name data, in which it lies"),
        "is a file, and no data directory: it belongs to data",
    ),
    (
        "data/journal/0000000001.seg",
        Some("name data/journal, in which it lies"),
        "is a file, and no data directory: it belongs to data, so say --data data",
    ),
    (
        "backup",
        None,
        "is a journal, and no data directory by itself: make a directory, and put it there as journal/",
    ),
    (
        "market",
        Some("it is a log of market data. `dojima itch --data DIR --out FILE`"),
        "put it there as market-data/, with its journal/",
    ),
    (
        "empty",
        Some("it is empty. A data directory (journal/ is in it)"),
        "empty is empty; a data directory has journal/ in it",
    ),
    (
        "other",
        Some("it has no segment (0000000001.seg, …)"),
        "has nothing of an engine in it; a data directory has",
    ),
    (
        "above",
        Some("is above/data meant, which is a data directory?"),
        "nothing of an engine in it; above/data is one",
    ),
    ("nothing", Some("no directory nothing ("), "no data directory nothing (--data names one"),
];

const TOOLS: [&str; 7] = [
    "journal summary DIR",
    "journal records DIR",
    "journal verify DIR",
    "journal diff data DIR",
    "journal follow --for 0 DIR",
    "journal export --format csv DIR",
    "journal replay DIR",
];

const ENGINE: [&str; 6] = [
    "replay --data DIR",
    "verify --data DIR",
    "snapshot --data DIR",
    "itch --data DIR --out day.itch",
    "operator --data DIR reset-user-ref ALICE",
    "serve --data DIR --config my.toml --listen 127.0.0.1:0",
];

fn check(command: &str, done: &Done, code: i32, words: &str) {
    let Done { stdout, stderr, .. } = done;
    assert_eq!((done.code, stdout.as_str()), (Some(code), ""), "{command}: {stderr}");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{command}: {stderr}");
    assert!(stderr.contains(words), "{command} does not say {words:?}: {stderr}");
}

#[test]
fn a_path_of_another_kind_is_named_with_what_to_name_instead() {
    let place = place();
    let made = shell(
        &place,
        "cp -a data/journal backup && cp -a data/market-data market && mkdir empty other above && touch before \
         && echo words > other/file && cp -a data above && find . | sort > before",
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    for (path, inspector, engine) in WRONG {
        for command in TOOLS {
            let Some(words) = inspector else { break };
            let command = format!("dojima-tools {}", command.replace("DIR", path));
            check(&command, &shell(&place, &command), 2, words);
        }
        // An engine makes a data directory of what is empty or none of its own.
        let makes_one = ["empty", "other", "above", "nothing"].contains(&path);
        for command in ENGINE.iter().filter(|command| !makes_one || !command.starts_with("serve")) {
            let command = format!("dojima {}", command.replace("DIR", path));
            check(&command, &shell(&place, &command), 1, engine);
        }
    }
    let same = shell(&place, "find . | sort | diff before - ");
    assert_eq!(same.code, Some(0), "nothing is made: {}", same.stdout);
}

#[test]
fn what_a_data_directory_lacks_is_said_too() {
    let place = place();
    let run = |command: &str| shell(&place, command);
    run("cp -a data lacking && rm -r lacking/journal && mkdir -p bare && cp -a data/journal bare");
    for (command, code, words) in [
        (
            "dojima-tools journal summary lacking",
            2,
            "put it back from a backup; --events reads the event log",
        ),
        ("dojima-tools journal summary bare --events", 2, "leave --events out to read the journal"),
        ("dojima-tools journal summary data/journal --events", 2, "the event log beside it is data/events"),
        ("dojima-tools journal diff data data/events", 2, "they cannot be compared"),
        (
            "dojima verify --data lacking --config my.toml",
            1,
            "nothing to verify: no commands in lacking/journal",
        ),
    ] {
        check(command, &run(command), code, words);
    }
    // Where `.` does not say where it is.
    let inside = run("cd data/market-data && dojima-tools journal summary .");
    assert!(inside.stderr.contains("data/journal\n"), "{}", inside.stderr);
}

/// What is closed to a user is neither empty nor of another kind.
#[test]
fn a_directory_that_is_closed_to_the_user_is_called_so() {
    const NOBODY: u32 = 65_534;
    let place = place();
    let above = place.data().with_file_name("");
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    mode(&above, 0o755);
    for name in ["dojima", "dojima-tools"] {
        fs::copy(program(name), above.join(format!("copy-of-{name}"))).expect("copied");
    }
    let run = |line: &str| -> Done {
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = plain(&above.join(format!("copy-of-{}", words[0])), &words[1..]);
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir(&above).output().expect("the program runs").into()
    };
    let leave = "Permission denied (os error 13); run this as the user that the engine runs as, or give this user leave";
    mode(&place.data(), 0o000);
    for (line, code, words) in [
        ("dojima verify --data data", 1, "cannot look into data: "),
        ("dojima replay --data data", 1, "cannot look into data: "),
        ("dojima-tools journal verify data", 2, "cannot look into data: "),
        ("dojima-tools journal summary data/journal", 2, "cannot look into data/journal: "),
    ] {
        let done = run(line);
        check(line, &done, code, words);
        check(line, &done, code, leave);
    }
    mode(&place.data(), 0o755);
    mode(&place.data().join("journal"), 0o000);
    for (line, code, words) in [
        ("dojima verify --data data", 1, "data/journal: cannot list: "),
        ("dojima-tools journal verify data", 2, "cannot list data/journal: "),
    ] {
        let done = run(line);
        check(line, &done, code, words);
        check(line, &done, code, leave);
    }
    mode(&place.data().join("journal"), 0o700);
}
