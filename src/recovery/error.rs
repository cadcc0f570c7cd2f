//! Why an engine does not start.

use crate::domain::Timestamp;
use crate::exchange::Digest;
use crate::replica::SnapshotError;
use dojima_journal::{AppendError, JournalError, SyncError};
use std::path::PathBuf;
use std::time::Duration;

/// Why recovery stopped. Nothing was changed, except that a torn tail may have been cut.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The journal cannot be opened or read, or is not trustworthy.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The event log cannot be opened or read, or is not trustworthy. It can be moved away: the next start rebuilds it.
    #[error(
        "event log: {0}; if the journal is whole, move the event log away and start again: it will be rebuilt"
    )]
    EventLog(JournalError),
    /// Another version of this program wrote the journal. Nothing was changed.
    #[error(
        "{} holds commands of version {found}, but this build reads version {supported}; start the dojima that wrote them, or \
         begin with another data directory", dir.display()
    )]
    OtherVersion {
        dir: PathBuf,
        /// The version of its commands; 0 if not specified.
        found: u16,
        /// The version that this build reads and writes.
        supported: u16,
    },
    /// A record could not be appended.
    #[error(
        "appending to {} while recovering: {source}{}; make space there and start again", dir.display(),
        reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
    )]
    Append {
        dir: PathBuf,
        source: AppendError,
        /// The system's error about the space, if there is one.
        reason: Option<String>,
    },
    /// The opening commands could not be made durable.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A record verifies but is not a command or event of this version.
    #[error("{}: record {sequence} cannot be read ({source}); was it written by another version of dojima?", dir.display())]
    Decode { dir: PathBuf, sequence: u64, source: bincode::error::DecodeError },
    /// Sequences or numbers are not dense.
    #[error("{}: record {found} follows record {last}; the records between them are missing", dir.display())]
    Gap {
        dir: PathBuf,
        /// The last record before the gap.
        last: u64,
        /// The record after it.
        found: u64,
    },
    /// The event log contradicts a replay of the journal. Possible causes: it belongs to another journal, this program
    /// matches differently from the one that wrote it, or memory was corrupted, then or now.
    #[error(
        "command {sequence}: event {number} in {} is {logged}, and a replay of the journal gives {replayed}; if the journal \
         and this version are right, move the event log away and start again: it will be rebuilt", dir.display()
    )]
    EventLogDiverged {
        dir: PathBuf,
        /// The command whose event differs; 0 if the replay gives no such event.
        sequence: u64,
        /// The first event that differs.
        number: u64,
        /// The event in the log.
        logged: String,
        /// The event of the replay.
        replayed: String,
    },
    /// The digest of the state after a command differs from the recorded one.
    #[error(
        "the state after command {of} has digest {replayed} and had {recorded} when it was checked last; this version \
         matches otherwise, or memory was corrupted then or now; do not trade on it: start with the version that wrote the \
         journal, and keep the data directory"
    )]
    StateDiverged {
        of: u64,
        /// The digest in the checkpoint.
        recorded: Digest,
        /// The digest of the replay.
        replayed: Digest,
    },
    /// The snapshots cannot be listed.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    /// No snapshot can be used, and the journal does not start with the first command.
    #[error(
        "the journal in {} starts at command {first}, and no snapshot reaches it:{}; restore a snapshot or the archived \
         segments", dir.display(), list(failures)
    )]
    NoSnapshot {
        dir: PathBuf,
        first: u64,
        /// The error of each snapshot, newest first.
        failures: Vec<String>,
    },
    /// The journal ends before a snapshot, although a snapshot is only made when the journal up to it is on disk.
    #[error(
        "the journal in {} ends at command {last}, but {snapshot} was made at command {position}: acknowledged commands are \
         missing; restore the journal (or, to go on without them, move the snapshot away)", dir.display()
    )]
    JournalBehindSnapshot {
        dir: PathBuf,
        last: u64,
        snapshot: String,
        /// The snapshot's command.
        position: u64,
    },
    /// The journal ends before commands that other files prove to have been durable.
    #[error(
        "the journal in {} is damaged: it ends at command {last}, but {} has what came of command {sequence}, so acknowledged \
         commands are missing, as when the file was cut short; restore the journal (or, to go on without them, move that \
         away{}); nothing was changed", dir.display(), path.display(),
        if *is_event_log { ", or, if power was lost while durability was async, start once with --durability async" } else { "" }
    )]
    JournalCut {
        dir: PathBuf,
        last: u64,
        /// The file that proves it.
        path: PathBuf,
        /// The last command in that file.
        sequence: u64,
        /// Whether that file is the event log, which is a proof in sync mode only.
        is_event_log: bool,
    },
    /// Events are missing and cannot be reproduced, because the commands before them are gone.
    #[error(
        "the event log in {} ends at event {last}, and the oldest state to go on from ({from}) already had {needed} events: \
         those between cannot be made again; restore the event log, or move it away to go on without the old messages", dir.display()
    )]
    EventLogGap {
        dir: PathBuf,
        last: u64,
        from: String,
        /// The number of the last event before it.
        needed: u64,
    },
    /// An earlier first start stopped half way, and the configuration changed since.
    #[error(
        "{} holds the first {journaled} opening commands of another configuration; start once with that configuration, \
         or remove the data directory (no order was ever taken in it)", dir.display()
    )]
    OpeningChanged {
        dir: PathBuf,
        /// The number of commands in the journal.
        journaled: u64,
    },
    /// The wall clock is more than [`BEHIND_MAX`](super::BEHIND_MAX) behind the last stamp, or more than
    /// [`AHEAD_MAX`](super::AHEAD_MAX) ahead of it. Nothing was changed.
    #[error(
        "{}; set the clock, or start with --accept-clock if it is right or nothing was done for that long",
        contradiction(*now, *last)
    )]
    ImplausibleClock {
        /// The time of the start.
        now: Timestamp,
        /// The stamp of the last command in the journal.
        last: Timestamp,
    },
    /// The exchange refuses a command of the configuration.
    #[error("opening command {number} was refused: {reason}")]
    OpeningRefused {
        /// Its position among the opening commands, from 1.
        number: u64,
        reason: crate::domain::RejectReason,
    },
}

/// One failure per line, or a text that there is none.
fn list(failures: &[String]) -> String {
    if failures.is_empty() {
        return " there is none".to_owned();
    }
    failures.iter().map(|failure| format!("\n  {failure}")).collect()
}

/// The difference between the two times and both of them, in words.
pub(super) fn contradiction(now: Timestamp, last: Timestamp) -> String {
    let (difference, side) =
        if now < last { (last.0 - now.0, "behind") } else { (now.0 - last.0, "ahead of") };
    let difference = Duration::from_millis(difference / 1_000_000);
    let shown = |time: Timestamp| {
        humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + Duration::from_nanos(time.0))
    };
    format!(
        "the clock says {} and is {} {side} the last command in the journal, which was stamped at {}",
        shown(now),
        humantime::format_duration(difference),
        shown(last)
    )
}
