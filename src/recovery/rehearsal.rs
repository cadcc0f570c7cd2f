//! A start that writes nothing and takes no lock: what [`recover`](super::recover) would find and do.

use super::event_log::EventLog;
use super::start::Start;
use super::{
    DataDir, Progress, RecoveryError, RecoveryReport, RecoverySettings, clock, opening_left, replay,
};
use crate::domain::Stamp;
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, beginning};
use std::sync::Arc;
use std::time::Instant;

/// What a start would come to.
#[derive(Debug)]
pub struct Rehearsed {
    /// What it would find and do.
    pub report: RecoveryReport,
    /// The stamp of its last command.
    pub last: Stamp,
    /// The number of the first event that its event log would have, archived ones counted; of the next one if it had none.
    pub first_event: u64,
    /// The clock contradicts the last stamp, so that it would be refused unless somebody accepts the clock.
    pub clock: Option<RecoveryError>,
}

/// Does everything that a recovery does, but for writing. Meant for a directory that no engine holds: beside one, parts of it are
/// read at different moments.
///
/// # Errors
/// As [`recover`](super::recover), but neither for the clock nor for anything that is written.
pub fn rehearse(
    data: &DataDir,
    settings: &RecoverySettings,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Rehearsed, RecoveryError> {
    let started = Instant::now();
    let start = Start::choose(data, settings)?;
    let clock = clock::check(settings.now, start.last_time(), super::ImplausibleClock::Refuse).err();
    let Start { mut state, snapshot, skipped, scanned, log } = start;
    let verdict = scanned.verdict().clone();
    let last = scanned.next_sequence() - 1;
    let total = last - state.last.sequence;
    scanned.check_content(&settings.journal)?;
    let (replayed, mut log) = log.unwritten().beside(|feed| {
        replay(&mut state, data.journal(), total, Some(last), &mut |record| feed.take(record), on_progress)
    })?;
    let opening = opening_left(&state, data.journal().dir(), settings)?;
    for (stamp, command) in &opening {
        state.apply(*stamp, command, &mut |record| log.take(record))?;
    }
    log.check_end(state.last_event, state.last)?;
    let report = RecoveryReport {
        verdict,
        snapshot,
        skipped,
        commands: replayed.commands,
        checkpoints: replayed.checkpoints,
        events: state.last_event,
        events_logged: log.appended,
        events_cut: log.last.saturating_sub(state.last_event),
        opening_commands: opening.len() as u64,
        elapsed: started.elapsed(),
    };
    let first_event = first_event(data.event_log(), &log);
    Ok(Rehearsed { report, last: state.last, first_event, clock })
}

/// Of a log that is begun anew, what was archived of the old one does not count: there is a gap between.
fn first_event(files: &Arc<dyn Storage>, log: &EventLog) -> u64 {
    let archived = beginning(&ArchivedStorage::new(Arc::clone(files))).ok().flatten();
    match archived {
        Some(archived) if !log.is_empty() => archived.sequence.min(log.first),
        _ => log.first,
    }
}
