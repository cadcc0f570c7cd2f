//! A trial start that writes nothing and takes no lock. It shows what [`recover`](super::recover) would find and do.

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

/// The result of a trial start.
#[derive(Debug)]
pub struct Rehearsed {
    /// What the start would find and do.
    pub report: RecoveryReport,
    /// The stamp of its last command.
    pub last: Stamp,
    /// The number of the first event that its event log would have, including archived ones; the next number if it had
    /// none.
    pub first_event: u64,
    /// Set if the clock contradicts the last stamp, so that the start would be refused unless the operator accepts the
    /// clock.
    pub clock: Option<RecoveryError>,
}

/// Does everything that a recovery does except writing. Meant for a directory that no engine holds; beside a running
/// engine, parts of the directory are read at different moments.
///
/// # Errors
/// As [`recover`](super::recover), except errors about the clock and about writing.
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

/// If the log is restarted, the archived part of the old log does not count, because there is a gap between them.
fn first_event(files: &Arc<dyn Storage>, log: &EventLog) -> u64 {
    let archived = beginning(&ArchivedStorage::new(Arc::clone(files))).ok().flatten();
    match archived {
        Some(archived) if !log.is_empty() => archived.sequence.min(log.first),
        _ => log.first,
    }
}
