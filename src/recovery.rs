//! From the files of a data directory to a warm exchange.
//!
//! Recovery replays the journal into a [`State`] through the same [`Exchange::apply`](crate::exchange::Exchange::apply) that served it, so state and
//! events come out bit for bit as they were. Events that the event log lacks are appended to it on the way; SQL then
//! catches up from the event log by its own watermark. A replay starts from the newest snapshot that can be used, or from
//! the first command.
//!
//! What must never happen here: a start on a journal whose acknowledged part is damaged, an event log that says
//! something else than the journal, an opening of the venue that is half done, stamps of a clock that is evidently wrong.

mod clock;
mod data_dir;
mod error;
mod event_log;
mod missing;
mod rehearsal;
mod replay;
mod settings;
mod start;

pub use clock::{AHEAD_MAX, BEHIND_MAX, ImplausibleClock};
pub use data_dir::{DataDir, Presence};
pub use error::RecoveryError;
pub use missing::Missing;
pub use rehearsal::{Rehearsed, rehearse};
pub use replay::{Progress, Replayed, replay};
pub use settings::{Proof, RecoverySettings};
pub use start::Skipped;

use crate::domain::{AdminEvent, Command, Event, Stamp, codec};
use crate::replica::{SnapshotInfo, State};
use dojima_journal::storage::LockGuard;
use dojima_journal::{Verdict, Writer};
use event_log::{EventLog, append_patiently};
use start::Start;
use std::path::Path;
use std::time::{Duration, Instant};

/// A warm engine: everything that the stages start with.
#[derive(Debug)]
pub struct Recovered {
    /// The exchange and what surrounds it.
    pub state: State,
    /// The journal, after its last record.
    pub journal: Writer,
    /// The event log, after its last record.
    pub event_log: Writer,
    /// What was found and done.
    pub report: RecoveryReport,
    /// Keeps other engines out of the directory. Journal and event log have locks of their own, but those are given back
    /// before SQL has caught up.
    pub lock: LockGuard,
}

/// What recovery found and did.
#[derive(Clone, Debug)]
pub struct RecoveryReport {
    /// What the scan of the journal says.
    pub verdict: Verdict,
    /// The snapshot that the replay started from; `None`: it started from the first command.
    pub snapshot: Option<SnapshotInfo>,
    /// Newer snapshots that could not be used, newest first.
    pub skipped: Vec<Skipped>,
    pub commands: u64,
    /// Checkpoints among them that hold.
    pub checkpoints: u64,
    /// The last event.
    pub events: u64,
    /// Of those, events that the event log lacked.
    pub events_logged: u64,
    /// Events that the event log had beyond the journal, and that were cut.
    pub events_cut: u64,
    /// Opening commands that this start journaled.
    pub opening_commands: u64,
    /// From the scan to the warm exchange.
    pub elapsed: Duration,
}

/// Recovers a data directory, or opens a new one.
///
/// # Errors
/// See [`RecoveryError`]; a second engine on the same directory is [`dojima_journal::JournalError::Locked`].
pub fn recover(
    data: &DataDir,
    settings: &RecoverySettings,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Recovered, RecoveryError> {
    let started = Instant::now();
    // Before the scan: what another engine is just writing would look damaged.
    let lock = data.lock()?;
    let start = Start::choose(data, settings)?;
    // Before anything is changed.
    clock::check(settings.now, start.last_time(), settings.implausible_clock)?;
    let Start { mut state, snapshot, skipped, scanned, log } = start;
    let verdict = scanned.verdict().clone();
    let total = scanned.next_sequence() - 1 - state.last.sequence;
    let known = scanned.epoch().unwrap_or(0).max(state.shards.first().epoch());
    let mut journal = scanned.into_writer(settings.journal.with_epoch(known))?;
    let (replayed, mut log) = log.beside(|feed| {
        replay(&mut state, data.journal(), total, None, &mut |record| feed.take(record), on_progress)
    })?;
    journal.set_epoch(state.shards.first().epoch());
    let commands = replayed.commands;
    let opening_commands = open_venue(&mut state, &mut journal, data.journal().dir(), settings, &mut log)?;
    let events_cut = log.last.saturating_sub(state.last_event);
    let events_logged = log.appended;
    let event_log = log.into_writer(state.last_event, state.last)?;
    let report = RecoveryReport {
        verdict,
        snapshot,
        skipped,
        commands,
        checkpoints: replayed.checkpoints,
        events: state.last_event,
        events_logged,
        events_cut,
        opening_commands,
        elapsed: started.elapsed(),
    };
    Ok(Recovered { state, journal, event_log, report, lock })
}

/// Journals the opening commands that are not in the journal yet, makes them durable and applies them. A first start
/// that was killed half way is finished by the next.
fn open_venue(
    state: &mut State,
    journal: &mut Writer,
    dir: &Path,
    settings: &RecoverySettings,
    log: &mut EventLog,
) -> Result<u64, RecoveryError> {
    let commands = opening_left(state, dir, settings)?;
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for (stamp, command) in &commands {
        let len =
            codec::encode_command(command, &mut payload).expect("ENCODED_LEN_MAX bytes hold any command");
        append_patiently(journal, dir, stamp.sequence, stamp.time, &payload[..len])?;
    }
    if !commands.is_empty() {
        journal.sync()?;
    }
    for (stamp, command) in &commands {
        state.apply(*stamp, command, &mut |record| log.take(record))?;
    }
    Ok(commands.len() as u64)
}

/// The opening commands that are not in the journal yet, if the exchange takes all of them.
fn opening_left(
    state: &State,
    dir: &Path,
    settings: &RecoverySettings,
) -> Result<Vec<(Stamp, Command)>, RecoveryError> {
    if state.shards.config_digest().is_some() {
        return Ok(Vec::new());
    }
    let done = state.opening.len();
    if settings.opening.get(..done) != Some(&state.opening[..]) {
        return Err(RecoveryError::OpeningChanged { dir: dir.to_owned(), journaled: done as u64 });
    }
    let stamps = (done..settings.opening.len()).map(|at| {
        let time = settings.now.max(state.last.time);
        (Stamp { sequence: at as u64 + 1, time }, settings.opening[at])
    });
    let commands: Vec<(Stamp, Command)> = stamps.collect();
    check_opening(&commands, settings, done)?;
    Ok(commands)
}

/// Tries the opening on an exchange of its own, so that nothing that would be refused is ever journaled.
fn check_opening(
    commands: &[(Stamp, Command)],
    settings: &RecoverySettings,
    done: usize,
) -> Result<(), RecoveryError> {
    let mut trial = State::empty();
    let first = settings.opening[..done].iter().map(|command| (Stamp::default(), *command));
    for (number, (stamp, command)) in first.chain(commands.iter().copied()).enumerate() {
        let number = number as u64 + 1;
        trial.apply(stamp, &command, &mut |record| {
            if let Event::Admin(AdminEvent::Refused { reason }) = record.event {
                return Err(RecoveryError::OpeningRefused { number, reason });
            }
            Ok(())
        })?;
    }
    Ok(())
}
