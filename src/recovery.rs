//! Recovery: from the files of a data directory to an exchange that is ready to trade.
//!
//! Recovery replays the journal into a [`State`] through the same [`Exchange::apply`](crate::exchange::Exchange::apply)
//! that the engine uses, so state and events are reproduced bit for bit. Events that the event log lacks are appended
//! to it. SQL then catches up from the event log, starting at its own watermark. A replay starts from the newest usable
//! snapshot, or from the first command.
//!
//! Recovery must never start with a journal whose acknowledged part is damaged, an event log that contradicts the
//! journal, a venue that is only partly opened, or a clock that is evidently wrong.

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

/// A recovered engine: everything that the stages start from.
#[derive(Debug)]
pub struct Recovered {
    /// The exchange and the state derived from its events.
    pub state: State,
    /// The journal, after its last record.
    pub journal: Writer,
    /// The event log, after its last record.
    pub event_log: Writer,
    /// What recovery found and did.
    pub report: RecoveryReport,
    /// Locks the directory against other engines. Journal and event log have their own locks, but those are released
    /// before SQL has caught up.
    pub lock: LockGuard,
}

/// What recovery found and did.
#[derive(Clone, Debug)]
pub struct RecoveryReport {
    /// The verdict of the journal scan.
    pub verdict: Verdict,
    /// The snapshot from which the replay started; `None`: from the first command.
    pub snapshot: Option<SnapshotInfo>,
    /// Newer snapshots that could not be used, newest first.
    pub skipped: Vec<Skipped>,
    pub commands: u64,
    /// The number of replayed checkpoints that matched.
    pub checkpoints: u64,
    /// The number of the last event.
    pub events: u64,
    /// How many of these events the event log lacked.
    pub events_logged: u64,
    /// How many events the event log had beyond the journal; they were cut.
    pub events_cut: u64,
    /// How many opening commands this start journaled.
    pub opening_commands: u64,
    /// The time from the scan until the exchange was ready.
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
    // Before the scan: records that another engine is writing would look damaged.
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

/// Journals the opening commands that are not in the journal yet, makes them durable and applies them. If a first start
/// is killed half way, the next start finishes it.
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

/// The opening commands that are not in the journal yet, if the exchange accepts all of them.
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

/// Tries the opening on a separate exchange, so that no command is journaled that would be refused.
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
