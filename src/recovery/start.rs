//! Where a replay starts: at the newest usable snapshot or at the first command.

use super::data_dir::DataDir;
use super::error::RecoveryError;
use super::event_log::EventLog;
use super::settings::{Proof, RecoverySettings};
use crate::domain::Timestamp;
use crate::replica::{SnapshotInfo, Snapshots, State};
use dojima_journal::{Durability, Scanned, scan_storage, scan_storage_from};
use std::sync::Arc;

/// A snapshot that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The sequence of its command.
    pub position: u64,
    pub why: String,
}

/// Everything that a replay starts from.
pub(super) struct Start {
    pub(super) state: State,
    pub(super) snapshot: Option<SnapshotInfo>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) scanned: Scanned,
    pub(super) log: EventLog,
}

impl Start {
    /// The time of the last stamp. If the journal has no command after the snapshot, this is the snapshot's time.
    pub(super) fn last_time(&self) -> Timestamp {
        self.state.last.time.max(Timestamp(self.scanned.last_time_ns()))
    }

    /// A snapshot is usable if it can be read, the journal continues after it, and the event log reaches its last
    /// event: earlier events could not be reproduced.
    pub(super) fn choose(data: &DataDir, settings: &RecoverySettings) -> Result<Self, RecoveryError> {
        let snapshots = Snapshots::new(Arc::clone(data.snapshots()));
        let (found, mut skipped) = look(&snapshots)?;
        // Events before the oldest possible start are not read.
        let oldest = found.last().map_or(0, |info| info.last_event);
        // Usually the newest snapshot is used, so its part of the journal is scanned while the event log is.
        let newest = found.first().map_or(0, |info| info.position);
        let (log, newest_scanned) = std::thread::scope(|scope| {
            let scan = scope.spawn(|| journal_after(data, &found, newest));
            let log = EventLog::open(Arc::clone(data.event_log()), settings.event_log, oldest);
            (log, scan.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        // Then the event log also has another version, and its own errors do not matter.
        if let Err(error @ RecoveryError::OtherVersion { .. }) = newest_scanned {
            return Err(error);
        }
        // Before anything is written: check that neither log is taken for the other, or for one of another build.
        if let Ok(scanned) = &newest_scanned {
            scanned.check_content(&settings.journal)?;
        }
        let mut log = log?;
        if let Ok(scanned) = &newest_scanned {
            check_whole(data, settings, scanned.next_sequence() - 1, &log)?;
        }
        let mut newest_scanned = Some(newest_scanned);
        let mut journal_after = |position| match newest_scanned.take() {
            Some(scanned) if position == newest => scanned,
            _ => journal_after(data, &found, position),
        };
        for info in &found {
            let position = info.position;
            if info.last_event > log.last {
                let why = format!("the event log ends at event {}, before its {}", log.last, info.last_event);
                skipped.push(Skipped { position, why });
                continue;
            }
            match load(&snapshots, position) {
                Ok((state, info)) => {
                    let scanned = journal_after(position)?;
                    if scanned.first_sequence() > position + 1 {
                        return Err(no_snapshot(data, &scanned, &skipped));
                    }
                    return Ok(Self { state, snapshot: Some(info), skipped, scanned, log });
                }
                Err(why) => skipped.push(Skipped { position, why }),
            }
        }
        let whole = journal_after(0)?;
        if whole.first_sequence() == 1 {
            return Ok(Self { state: State::empty(), snapshot: None, skipped, scanned: whole, log });
        }
        // The commands that would extend the event log are gone. A log that was moved away is restarted.
        for info in &found {
            if !log.is_empty() && info.last_event > log.last {
                return Err(gap(data, log.last, info));
            }
            if let Ok((state, info)) = load(&snapshots, info.position) {
                let scanned = journal_after(info.position)?;
                if scanned.first_sequence() > info.position + 1 {
                    continue;
                }
                log.start_after(info.last_event);
                skipped.retain(|skipped| skipped.position != info.position);
                return Ok(Self { state, snapshot: Some(info), skipped, scanned, log });
            }
        }
        Err(no_snapshot(data, &whole, &skipped))
    }
}

/// The readable snapshots, newest first, and the unreadable ones.
fn look(snapshots: &Snapshots) -> Result<(Vec<SnapshotInfo>, Vec<Skipped>), RecoveryError> {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for position in snapshots.positions()? {
        match snapshots.info(position) {
            Ok(info) => found.push(info),
            Err(error) => skipped.push(Skipped { position, why: error.to_string() }),
        }
    }
    Ok((found, skipped))
}

/// The error for an event log that ends before the last event of the snapshot that the start would need.
fn gap(data: &DataDir, last: u64, info: &SnapshotInfo) -> RecoveryError {
    RecoveryError::EventLogGap {
        dir: data.event_log().dir().to_owned(),
        last,
        from: format!("the snapshot of command {}", info.position),
        needed: info.last_event,
    }
}

/// Loads a snapshot and checks that the state has the recorded digest; the checksums cover only the bytes.
fn load(snapshots: &Snapshots, position: u64) -> Result<(State, SnapshotInfo), String> {
    let (state, info) = snapshots.load(position).map_err(|error| error.to_string())?;
    let digest = state.shards.digest();
    if digest == info.digest {
        return Ok((state, info));
    }
    Err(format!(
        "{}: the state in it has digest {digest}, and had {} when it was saved",
        Snapshots::file_name(position),
        info.digest
    ))
}

/// Scans the journal from the command after `position`. It must reach every snapshot, because a snapshot is only made
/// when the commands up to it are on disk.
fn journal_after(data: &DataDir, found: &[SnapshotInfo], position: u64) -> Result<Scanned, RecoveryError> {
    let journal = Arc::clone(data.journal());
    let scanned = match position {
        0 => scan_storage(journal)?,
        position => scan_storage_from(journal, position + 1)?,
    };
    data.check_version(&scanned)?;
    let last = scanned.next_sequence() - 1;
    match found.first().filter(|newest| newest.position > last) {
        Some(newest) => Err(RecoveryError::JournalBehindSnapshot {
            dir: data.journal().dir().to_owned(),
            last,
            snapshot: Snapshots::file_name(newest.position),
            position: newest.position,
        }),
        None => Ok(scanned),
    }
}

/// Checks that the journal, which ends at command `last`, has all commands known to have been durable. In sync mode an
/// event is only logged when its command is on disk.
fn check_whole(
    data: &DataDir,
    settings: &RecoverySettings,
    last: u64,
    log: &EventLog,
) -> Result<(), RecoveryError> {
    let cut = |proof: &Proof, is_event_log| RecoveryError::JournalCut {
        dir: data.journal().dir().to_owned(),
        last,
        path: proof.path.clone(),
        sequence: proof.sequence,
        is_event_log,
    };
    if let Some(proof) = settings.proofs.iter().find(|proof| proof.sequence > last) {
        return Err(cut(proof, false));
    }
    if settings.journal.durability == Durability::Sync
        && let Some(sequence) = log.last_sequence()?.filter(|sequence| *sequence > last)
    {
        return Err(cut(&Proof { path: data.event_log().dir().to_owned(), sequence }, true));
    }
    Ok(())
}

fn no_snapshot(data: &DataDir, scanned: &Scanned, skipped: &[Skipped]) -> RecoveryError {
    RecoveryError::NoSnapshot {
        dir: data.journal().dir().to_owned(),
        first: scanned.first_sequence(),
        failures: skipped.iter().map(|s| format!("command {}: {}", s.position, s.why)).collect(),
    }
}
