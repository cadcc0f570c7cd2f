//! What recovery needs to know.

use super::clock::ImplausibleClock;
use crate::domain::{Command, Timestamp};
use dojima_journal::Options;
use std::path::PathBuf;

/// What recovery needs to know.
#[derive(Clone, Debug)]
pub struct RecoverySettings {
    /// How the journal is written.
    pub journal: Options,
    /// How the event log is written.
    pub event_log: Options,
    /// What a first start journals before anything else.
    pub opening: Vec<Command>,
    /// The time of the start, by the wall clock: that of those commands.
    pub now: Timestamp,
    /// What becomes of a start at a time that contradicts the last stamp in the journal.
    pub implausible_clock: ImplausibleClock,
    /// What else says which commands were durable.
    pub proofs: Vec<Proof>,
}

/// Something that is only made of commands that are on the disk: the journal must reach as far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub path: PathBuf,
    /// The last command that it is made of; 0: none.
    pub sequence: u64,
}
