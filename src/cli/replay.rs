//! `dojima replay`: prints the state that the journal leads to.

use super::args::DataArgs;
use super::replay_bar::ReplayBar;
use super::{outlook, print, show};
use crate::domain::EventRecord;
use crate::engine::StartError;
use crate::recovery::{self, DataDir, Missing, Progress, RecoveryError};
use crate::replica::{Snapshots, State};
use anyhow::bail;
use clap::Args;
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, FoundBeside, Scanned, Verdict, scan_beside};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `dojima replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    source: DataArgs,
    /// Stop after this command; its sequence counts from 1
    #[arg(long, value_name = "SEQUENCE")]
    until: Option<u64>,
}

/// Rebuilds the exchange and prints its state. Writes nothing; an engine may be running at the same time.
///
/// # Errors
/// When the journal is damaged, has content that this version cannot read, or does not exist.
pub fn run(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let data = DataDir::new(args.source.existing_dir()?);
    let journal = scan(&data)?;
    if journal.scanned.records() == 0 {
        bail!("no commands in {}", data.journal().dir().display());
    }
    let replayed = replay(&data, &journal.scanned, args.until, &mut |_| Ok(()))?;
    let state = &replayed.state;
    let audit = state.shards.audit();
    let after = match replayed.from {
        0 => String::new(),
        from => format!(" after the snapshot of command {}", show::thousands(from)),
    };
    let rows = [
        ("journal", format!("{}, {}", data.journal().dir().display(), end(&journal))),
        ("commands", show::thousands(state.last.sequence)),
        ("events", show::thousands(state.last_event)),
        ("trades", show::thousands(state.shards.trades())),
        ("open orders", show::thousands(state.shards.open_orders() as u64)),
        ("last command", format!("{} UTC", show::time_of_day(state.last.time))),
        (
            "replayed",
            format!(
                "{}{after} in {}",
                show::count(replayed.commands, "command"),
                show::duration(replayed.elapsed)
            ),
        ),
        ("rate", format!("{} commands", show::rate(replayed.commands, replayed.elapsed))),
        (
            "checkpoints",
            match replayed.checkpoints {
                0 => "none on the way to compare".to_owned(),
                held => format!("{} on the way, all hold", show::thousands(held)),
            },
        ),
        ("invariants", audit.as_ref().map_or_else(ToString::to_string, |()| "all hold".to_owned())),
        ("digest", state.shards.digest().to_string()),
    ];
    let missing = Missing::before(data.journal())?;
    let missing = missing.map(|missing| ("missing", outlook::missing(&missing, "command")));
    let mut out = print::stdout();
    show::rows(&mut out, 13, rows.into_iter().chain(missing))?;
    Ok(if audit.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Scans the journal, with or without a running engine, and checks that its commands have this build's version.
///
/// # Errors
/// When the journal is damaged or has another version.
pub(super) fn scan(data: &DataDir) -> anyhow::Result<FoundBeside> {
    let found = scan_beside(&journal(data))?;
    data.check_version(&found.scanned).map_err(StartError::from)?;
    Ok(found)
}

/// The journal including its archived segments.
fn journal(data: &DataDir) -> Arc<dyn Storage> {
    Arc::new(ArchivedStorage::new(Arc::clone(data.journal())))
}

/// The result of a replay.
pub(super) struct Replayed {
    /// The final state.
    pub(super) state: State,
    /// The command after which the replay started: 0, or if the journal's beginning was deleted, the position of a snapshot.
    pub(super) from: u64,
    /// The number of replayed commands.
    pub(super) commands: u64,
    /// The duration of the replay.
    pub(super) elapsed: Duration,
    /// The number of checkpoints on the way that match.
    pub(super) checkpoints: u64,
}

/// Replays and shows every event to the caller, with a progress bar if stderr is a terminal.
pub(super) fn replay(
    data: &DataDir,
    scanned: &Scanned,
    until: Option<u64>,
    on_event: &mut impl FnMut(&EventRecord) -> Result<(), RecoveryError>,
) -> anyhow::Result<Replayed> {
    let last = scanned.next_sequence() - 1;
    let mut state = start(data, scanned)?;
    let from = state.last.sequence;
    // A running engine appends during the replay: stop where the scan stopped.
    let end = until.unwrap_or(last).min(last);
    if end < from {
        bail!("the journal starts after a snapshot of command {from}; the state after command {end} is gone");
    }
    let bar = ReplayBar::new();
    let started = Instant::now();
    let on_progress = &mut |progress: Progress| bar.show(progress);
    let done = recovery::replay(&mut state, &journal(data), end - from, Some(end), on_event, on_progress);
    let elapsed = started.elapsed();
    let done = done?;
    Ok(Replayed { state, from, commands: done.commands, elapsed, checkpoints: done.checkpoints })
}

/// The state before the first command; if the first commands were deleted, the oldest snapshot that includes them.
fn start(data: &DataDir, scanned: &Scanned) -> anyhow::Result<State> {
    let first = scanned.first_sequence();
    if first == 1 {
        return Ok(State::empty());
    }
    let snapshots = Snapshots::new(Arc::clone(data.snapshots()));
    let mut why = String::new();
    for position in snapshots.positions()?.into_iter().rev().filter(|position| position + 1 >= first) {
        match snapshots.load(position) {
            Ok((state, _)) => return Ok(state),
            Err(error) => why = format!(": {error}"),
        }
    }
    bail!("the journal starts at command {first}, and no snapshot reaches it{why}")
}

/// How the journal ended, in words. A journal that an engine is writing has no end.
pub(super) fn end(journal: &FoundBeside) -> String {
    if journal.is_live { "an engine is writing to it".to_owned() } else { verdict(journal.scanned.verdict()) }
}

/// How the journal ended, in words.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Empty => "empty".to_owned(),
        Verdict::Clean => "stopped in good order".to_owned(),
        Verdict::Unsealed => "not closed: still running, or killed".to_owned(),
        Verdict::TornTail { file, offset, bytes, records_lost_at_least } => format!(
            "ends in {} of unacknowledged commands that cannot all be read (at least {} lost, {} from byte {offset})",
            show::bytes(*bytes),
            show::thousands(*records_lost_at_least),
            file.display(),
        ),
    }
}
