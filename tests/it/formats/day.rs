//! A day of a release: a data directory that it has written, which every later build reads and replays to the same digest and
//! the same events. `golden/VERSION-day` never changes after that release.

use super::growth::{UNRELEASED, golden, of_releases};
use super::{copy_of, recovered, write_data_directory};
use crate::support::commands::Commands;
use dojima::config::Config;
use dojima::domain::{Command, VenueCommand};
use std::fs;

/// Seed of the day's orders, and how many there are.
const SEED: u64 = 20_261_130;
const ORDERS: usize = 600;
/// Between two commands, ns.
const STEP: u64 = 40_000_000_000;

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
    let opening = Config::spot().opening_commands().expect("a valid venue");
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
    let commands = commands();
    let folder = golden().join(format!("{UNRELEASED}-day"));
    write_data_directory(&folder, &commands, STEP, STEP, commands.len() / 2);
}
