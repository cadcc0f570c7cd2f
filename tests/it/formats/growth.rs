//! Formats only grow (docs/FORMATS.md, "From 0.1.0 on"): what a release has written down of its numbers and bytes is still so.
//!
//! `golden/VERSION-numbers.txt` and `golden/VERSION-codec.txt` are of a release and never change after it. Before it they are
//! written anew with the other golden files:
//!
//! ```text
//! cargo test --test it -- --ignored writes_the_golden
//! ```

use crate::codec::{cases, golden_lines, numbers};
use dojima::domain::codec;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The release whose lists may still be written. Those of the releases before it are never written again.
pub const UNRELEASED: &str = "0.2.0";

pub fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

/// Files and folders of releases whose names end like this, by release.
pub fn of_releases(ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(golden()).expect("the golden files are there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let of = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending));
    let mut found: Vec<PathBuf> = paths.filter(of).collect();
    found.sort();
    assert!(!found.is_empty(), "there is none of {ending}");
    found
}

/// Lines of a release that are not among the present ones.
fn gone(ending: &str, present: &[String]) -> Vec<String> {
    let present: BTreeSet<&str> = present.iter().map(String::as_str).collect();
    let mut gone = Vec::new();
    for file in of_releases(ending) {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(text.lines().count() > 50, "{}: a whole list", file.display());
        let lines = text.lines().filter(|line| !present.contains(line));
        gone.extend(lines.map(|line| format!("{}: {line}", file.display())));
    }
    gone
}

#[test]
fn numbers_of_a_release_stay() {
    assert_eq!(
        gone("-numbers.txt", &numbers::lines()),
        Vec::<String>::new(),
        "a number is used once and for ever"
    );
}

#[test]
fn bytes_of_a_release_stay() {
    assert_eq!(gone("-codec.txt", &golden_lines()), Vec::<String>::new(), "a variant keeps its bytes");
}

/// What is not in any list yet is new, and its number was nobody's before.
#[test]
fn a_number_has_one_name_in_all_releases() {
    let mut named = BTreeSet::new();
    for file in of_releases("-numbers.txt") {
        named.extend(fs::read_to_string(file).expect("readable").lines().map(str::to_owned));
    }
    named.extend(numbers::lines());
    let places: BTreeSet<&str> =
        named.iter().map(|line| line.rsplit_once(' ').expect("three words").0).collect();
    assert_eq!(places.len(), named.len(), "two names for one number");
}

/// A payload of an older build is a payload of this one: nothing in it is left over or missing.
#[test]
fn every_case_is_of_a_number_that_is_listed() {
    let kinds: BTreeSet<String> = numbers::lines().into_iter().collect();
    let mut bytes = [0; codec::ENCODED_LEN_MAX];
    for (_, command) in cases::commands() {
        codec::encode_command(&command, &mut bytes).expect("it fits");
        let line = format!("Command {} {}", bytes[0], command.name());
        assert!(kinds.contains(&line), "{line}");
    }
}

#[test]
#[ignore = "writes the lists of the release that is not out yet"]
fn writes_the_golden_lists_of_the_release() {
    let write = |name: &str, lines: Vec<String>| {
        let file = golden().join(format!("{UNRELEASED}-{name}.txt"));
        fs::write(file, format!("{}\n", lines.join("\n"))).expect("written");
    };
    write("numbers", numbers::lines());
    // As they are encoded now: the other golden file may be written at the same moment.
    write("codec", crate::codec::encoded_lines());
}
