//! The pure core: by text scripts, against the naive exchange, and counting its allocations.

mod allocations;
mod auctions;
pub mod digests;
mod extremes;
mod golden;
pub mod hostile;
mod in_vain;
mod precedence;
pub mod properties;
mod scripts;
pub mod shards;

use dojima::domain::{Command, Event, Stamp};
use dojima::exchange::Exchange;

/// Applies one command at the beginning of all time and returns what came of it.
fn apply(exchange: &mut Exchange, command: &Command) -> Vec<Event> {
    apply_at(exchange, Stamp::default(), command)
}

/// Applies one command and returns what came of it.
fn apply_at(exchange: &mut Exchange, stamp: Stamp, command: &Command) -> Vec<Event> {
    let mut events = Vec::new();
    exchange.apply(stamp, command, &mut events);
    events
}
