//! What a newer build has written is refused before anything is: the journal, the event log, a snapshot that is needed, the
//! database. The directory is then what it was, byte for byte.

use super::copy_of;
use super::growth::of_releases;
use super::{files, relabel};
use crate::cli::Place;
use dojima::recovery::DataDir;
use dojima::replica::snapshot::layout::{HEADER_CRC_AT, VERSION, VERSION_AT};
use dojima::sql::SCHEMA_VERSION;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The mark of this program in a database: "Doji".
const APPLICATION_ID: u32 = u32::from_be_bytes(*b"Doji");

fn place() -> Place {
    let place = Place::new();
    let last = of_releases("-day").pop().expect("a day of a release");
    fs::rename(copy_of(&last).keep(), place.data()).expect("moved");
    place
}

/// All that is in the directory, the database with it; but for locks, in which nothing is kept.
fn bytes(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = files(data);
    for entry in fs::read_dir(data).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_file() && !path.ends_with("lock") {
            all.insert(path.clone(), fs::read(&path).expect("readable"));
        }
    }
    all
}

/// Starts an engine on the directory, which must refuse with this exit code, say these words and change nothing.
fn refuses(place: &Place, code: i32, words: &[&str]) {
    let before = bytes(&place.data());
    // Its commands are as old as they are.
    let done = place.run("serve", &["--listen", "127.0.0.1:0", "--accept-clock"]);
    assert_eq!(done.code, Some(code), "{}", done.stderr);
    for words in words {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    let after = bytes(&place.data());
    let changed: Vec<_> =
        after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)).map(|(p, _)| p).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "something was written: {changed:?}");
}

#[test]
fn a_newer_journal_is_refused() {
    let place = place();
    let newer = DataDir::COMMANDS.version + 1;
    relabel(&place.data(), "journal", newer);
    refuses(&place, 14, &[&format!("version {newer}"), &format!("version {}", newer - 1)]);
}

#[test]
fn a_newer_event_log_is_refused() {
    let place = place();
    let newer = DataDir::EVENTS.version + 1;
    relabel(&place.data(), "events", newer);
    refuses(&place, 16, &[&format!("version {newer}"), &format!("version {}", newer - 1)]);
}

/// A snapshot stands for the beginning of a journal that was retired; else a start does without.
#[test]
fn a_newer_snapshot_that_is_needed_is_refused() {
    let place = place();
    let snapshots = fs::read_dir(place.data().join("snapshots")).expect("listed");
    for path in snapshots.map(|entry| entry.expect("an entry").path()) {
        let mut bytes = fs::read(&path).expect("readable");
        bytes[VERSION_AT..VERSION_AT + 4].copy_from_slice(&(VERSION + 1).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..HEADER_CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        fs::write(&path, bytes).expect("writable");
    }
    fs::remove_file(place.data().join("journal/0000000001.seg")).expect("removed");
    refuses(&place, 22, &[&format!("version {}", VERSION + 1), &format!("version {VERSION}")]);
}

#[test]
fn a_newer_database_is_refused() {
    let place = place();
    let file = place.data().join("dojima.sqlite");
    let database = rusqlite::Connection::open(&file).expect("made");
    let newer = SCHEMA_VERSION + 1;
    let text = format!(
        "PRAGMA application_id = {}; PRAGMA user_version = {newer}; CREATE TABLE t (x);",
        APPLICATION_ID
    );
    database.execute_batch(&text).expect("written");
    database.close().expect("closed");
    refuses(&place, 17, &[&newer.to_string(), &SCHEMA_VERSION.to_string()]);
}
