//! A day of a release: a data directory that it has written, which every later build reads and replays to the same digest and
//! the same events. `golden/VERSION-day` never changes after that release.

use super::growth::{UNRELEASED, golden, of_releases};
use super::{options, recovered, writer};
use crate::support::commands::Commands;
use dojima::config::Config;
use dojima::domain::{Command, EventRecord, Stamp, Timestamp, VenueCommand, codec};
use dojima::recovery::DataDir;
use dojima::replica::{Snapshots, State};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Seed of the day's orders, and how many there are.
const SEED: u64 = 20_261_130;
const ORDERS: usize = 600;
/// Between two commands, ns.
const STEP: u64 = 40_000_000_000;

/// A copy of a golden directory that may be written to.
pub fn copy_of(golden: &Path) -> TempDir {
    let copy = TempDir::new().expect("a temporary directory");
    for part in ["journal", "events", "snapshots"] {
        fs::create_dir(copy.path().join(part)).expect("made");
        for entry in fs::read_dir(golden.join(part)).expect("the golden directory is there") {
            let from = entry.expect("an entry").path();
            fs::copy(&from, copy.path().join(part).join(from.file_name().expect("a name"))).expect("copied");
        }
    }
    copy
}

#[test]
fn a_day_of_a_release_is_read_and_comes_to_its_digest() {
    for day in of_releases("-day") {
        let expected = fs::read_to_string(day.join("digest.txt")).expect("the digest is there");
        let name = day.display();
        for from_snapshot in [true, false] {
            let place = copy_of(&day);
            if !from_snapshot {
                fs::remove_dir_all(place.path().join("snapshots")).expect("removed");
            }
            let found = recovered(place.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(found.report.snapshot.is_some(), from_snapshot, "{name}");
            assert_eq!(
                (found.report.events_logged, found.report.events_cut),
                (0, 0),
                "{name}: the same events"
            );
            assert_eq!(found.state.shards.digest().to_string(), expected.trim_end(), "{name}");
            assert_eq!(found.state.shards.audit(), Ok(()), "{name}");
        }
    }
}

/// What the venue is opened with, orders of four clients, a session's end, and a leader.
fn commands() -> Vec<Command> {
    let opening = Config::embedded_default().opening_commands().expect("a valid venue");
    let mut orders = Commands::new(SEED);
    let mut day: Vec<Command> = opening;
    day.extend(orders.by_ref().take(ORDERS / 2));
    day.push(Command::Venue(VenueCommand::Lead { epoch: 1, node: 1 }));
    day.extend(orders.take(ORDERS / 2));
    day.push(Command::Venue(VenueCommand::RollSession { session: 1 }));
    day
}

#[test]
#[ignore = "writes the day of the release that is not out yet"]
fn writes_the_golden_day_of_the_release() {
    let folder = golden().join(format!("{UNRELEASED}-day"));
    let _ = fs::remove_dir_all(&folder);
    let data = DataDir::new(&folder);
    let mut journal = writer(&data, "journal", DataDir::COMMANDS);
    let mut log = writer(&data, "events", DataDir::EVENTS);
    assert_eq!(options(DataDir::COMMANDS).segment_bytes, 32 * 1024);
    let mut state = State::empty();
    let commands = commands();
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for (at, command) in commands.iter().enumerate() {
        let stamp = Stamp { sequence: at as u64 + 1, time: Timestamp(STEP * (at as u64 + 1)) };
        let len = codec::encode_command(command, &mut payload).expect("fits");
        journal.append(stamp.sequence, stamp.time.0, &payload[..len]).expect("appended");
        let mut events: Vec<EventRecord> = Vec::new();
        let applied: Result<(), ()> = state.apply(stamp, command, &mut |event| {
            events.push(*event);
            Ok(())
        });
        applied.expect("events are taken");
        for event in events {
            let len = codec::encode_event(&event, &mut payload).expect("fits");
            log.append(event.number, event.time.0, &payload[..len]).expect("appended");
        }
        if at == commands.len() / 2 {
            let snapshots = Snapshots::new(Arc::clone(data.snapshots()));
            snapshots.save(&state, state.shards.digest()).expect("saved");
        }
    }
    journal.seal().expect("sealed");
    log.seal().expect("sealed");
    for part in ["journal", "events"] {
        fs::remove_file(folder.join(part).join("lock")).expect("removed");
    }
    fs::write(folder.join("digest.txt"), format!("{}\n", state.shards.digest())).expect("written");
}
