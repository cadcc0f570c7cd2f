//! The settings of a recovery.

use super::clock::ImplausibleClock;
use crate::domain::{Command, Timestamp};
use dojima_journal::Options;
use std::path::PathBuf;

/// The settings of a recovery.
#[derive(Clone, Debug)]
pub struct RecoverySettings {
    /// How the journal is written.
    pub journal: Options,
    /// How the event log is written.
    pub event_log: Options,
    /// The commands that a first start journals first.
    pub opening: Vec<Command>,
    /// The wall-clock time of the start, which stamps those commands.
    pub now: Timestamp,
    /// What happens if this time contradicts the last stamp in the journal.
    pub implausible_clock: ImplausibleClock,
    /// Other files that show which commands were durable.
    pub proofs: Vec<Proof>,
}

/// A file that only contains results of commands on disk: the journal must reach at least as far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub path: PathBuf,
    /// The last command whose results it contains; 0: none.
    pub sequence: u64,
}
