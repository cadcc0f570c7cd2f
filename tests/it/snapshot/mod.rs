//! Snapshots: what comes back from one is the state that went in, and nothing else ever comes back.

mod contracts;
mod damage;
pub mod file;
mod golden;
mod hostile;
mod layout;
mod memory;
mod properties;
mod transfers;

use crate::support::venue;
use dojima::domain::{Command, EventRecord, Stamp, Timestamp, VenueCommand};
use dojima::replica::{SnapshotError, Snapshots, State};
use dojima_journal::MemoryStorage;
use std::convert::Infallible;
use std::sync::Arc;

/// Applies the next command at this time.
fn apply(state: &mut State, time: Timestamp, command: &Command) -> Vec<EventRecord> {
    let mut events = Vec::new();
    let stamp = Stamp { sequence: state.last.sequence + 1, time };
    let applied = state.apply(stamp, command, &mut |event| {
        events.push(*event);
        Ok::<_, Infallible>(())
    });
    applied.expect("nothing can fail");
    events
}

/// A state that was given these commands, all at the beginning of time.
fn state_of(orders_max: u32, commands: &[Command]) -> State {
    let mut state = State::empty();
    apply(
        &mut state,
        Timestamp(0),
        &Command::Venue(VenueCommand::SetLimits { limits: venue::limits(orders_max) }),
    );
    commands.iter().for_each(|command| drop(apply(&mut state, Timestamp(0), command)));
    state
}

fn name(position: u64) -> String {
    format!("{position:020}.snap")
}

/// The state's snapshot as bytes.
fn saved(state: &State) -> Vec<u8> {
    let files = MemoryStorage::new();
    let info =
        Snapshots::new(Arc::new(files.clone())).save(state, state.shards.digest()).expect("there is room");
    let bytes = files.bytes(&name(state.last.sequence)).expect("it was written");
    assert_eq!(info.bytes, bytes.len() as u64);
    bytes
}

/// What is loaded from these bytes as the snapshot of a position.
fn loaded(bytes: &[u8], position: u64) -> Result<State, SnapshotError> {
    let files = MemoryStorage::new();
    files.put(&name(position), bytes.to_vec());
    Snapshots::new(Arc::new(files)).load(position).map(|(state, _)| state)
}
