//! What the programs print fits a terminal of 80 columns, whether there is one or not.

use crate::cli::Place;
use crate::walk::{place, plain, program, shell};
use std::fs;
use std::path::Path;

const COLUMNS: usize = 80;

/// In a directory with `data`, `my.toml`, and copies of `data` that lack something. A record is one line, however long, so commands that
/// print records are not among them.
const COMMANDS: [&str; 21] = [
    "dojima demo --orders 5000 --data demo",
    "dojima serve --print-config",
    "dojima replay --data data",
    "dojima verify --data data --config my.toml",
    "dojima verify --data damaged --config my.toml",
    "dojima verify --data torn --config my.toml",
    "dojima verify --data alone --config my.toml",
    "dojima snapshot --data data --config my.toml",
    "dojima itch --data data --out day.itch",
    "dojima-tools journal summary data",
    "dojima-tools journal summary data --events",
    "dojima-tools journal summary damaged",
    "dojima-tools journal summary torn",
    "dojima-tools journal verify data",
    "dojima-tools journal verify data --events",
    "dojima-tools journal verify damaged",
    "dojima-tools journal verify damaged --events",
    "dojima-tools journal verify torn",
    "dojima-tools journal verify alone",
    "dojima-tools journal diff data alone",
    "dojima-tools journal replay data --config my.toml",
];

fn wide(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.chars().count() > COLUMNS).collect()
}

/// Copies of `data`: with a damaged byte in journal and event log, with a torn end, and the journal alone.
fn spoil(place: &Place) {
    let made = shell(
        place,
        "cp -a data damaged && cp -a data torn && mkdir alone && cp -a data/journal alone && rm torn/dojima.sqlite* \
         && rm -r torn/market-data torn/snapshots torn/events",
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let change = |file: &str, edit: &dyn Fn(&mut Vec<u8>)| {
        let path = place.data().with_file_name(file);
        let mut bytes = fs::read(&path).expect("readable");
        edit(&mut bytes);
        fs::write(&path, bytes).expect("written");
    };
    change("damaged/journal/0000000001.seg", &|bytes| bytes[3_000] ^= 1);
    change("damaged/events/0000000001.seg", &|bytes| bytes[3_000] ^= 1);
    change("torn/journal/0000000001.seg", &|bytes| {
        let used = bytes.iter().rposition(|byte| *byte != 0).expect("it is used");
        // The seal and the end of the last record.
        bytes[used - 70..].fill(0);
    });
}

#[test]
fn what_is_printed_fits_80_columns() {
    let place = place();
    spoil(&place);
    for command in COMMANDS {
        let done = shell(&place, command);
        assert!(!done.stdout.is_empty(), "{command}: {}", done.stderr);
        assert_eq!(wide(&done.stdout), [""; 0], "{command}");
    }
    // What was spoilt is seen, so that the words for it were looked at.
    for (command, words) in [
        ("dojima-tools journal verify damaged", "DAMAGED"),
        ("dojima-tools journal verify torn", "TORN TAIL"),
        ("dojima verify --data damaged --config my.toml", "NOT verified"),
    ] {
        let done = shell(&place, command);
        assert!(done.stdout.contains(words), "{command}: {}", done.stdout);
    }
    // The check itself.
    assert_eq!(wide(&"x".repeat(COLUMNS + 1)).len(), 1);
}

/// The subcommands that a help lists.
fn subcommands(help: &str) -> Vec<String> {
    let listed =
        help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let first = |line: &str| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')).map(str::to_owned);
    let names = listed.lines().filter_map(first);
    names
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect()
}

fn look_at_help(program: &Path, names: &[String], seen: &mut usize) {
    let arguments: Vec<&str> = names.iter().map(String::as_str).chain(["--help"]).collect();
    // Nothing says how wide it may be.
    let output = plain(program, &arguments).env_remove("COLUMNS").output().expect("the program runs");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(wide(&help), [""; 0], "{names:?} --help");
    *seen += 1;
    for name in subcommands(&help) {
        look_at_help(program, &[names, &[name]].concat(), seen);
    }
}

#[test]
fn every_help_fits_80_columns() {
    let mut seen = 0;
    for name in ["dojima", "dojima-tools"] {
        look_at_help(&program(name), &[], &mut seen);
    }
    assert!(seen > 20, "{seen} helps were looked at");
}
