//! `dojima-tools journal`: inspects a journal or an event log. Each command has its own file. The other files decode records
//! (`entry`), find the parties of a record (`concerns`, `names`), print records for people (`lines`) and programs (`flat`,
//! `columns`), and find the damaged bytes in data that does not verify (`damage`).
//!
//! Nothing here writes to the journal or takes its lock, and only its bytes are used. So an engine may be running at the
//! same time. Exit codes: 0 success, 1 damage or a difference was found, 2 the command failed.

mod columns;
mod concerns;
mod damage;
mod diff;
mod entry;
mod exit;
mod export;
mod exported;
mod flat;
mod follow;
mod lines;
mod names;
mod records;
mod replay;
mod selection;
mod source;
mod summary;
mod time;
mod verify;

use clap::{Args, Subcommand};
use dojima::cli::print;
use dojima_journal::JournalError;
use entry::Undecodable;
use exit::{FAILED, FOUND};
use source::Torn;
use std::io;
use std::process::ExitCode;

/// Arguments of `dojima-tools journal`.
#[derive(Debug, Args)]
#[command(
    after_help = "DIR is a journal, an event log, or the data directory of an engine: then its journal is meant, \
                        or with --events its event log. Nothing is ever written to it, and an engine may be running.\n\n\
                        Exit codes: 0 all is well, 1 damage or a difference was found, 2 it could not be done."
)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count what is there: segments, records by kind, times, how it ends
    Summary(summary::SummaryArgs),
    /// Print records, one a line, all or those asked for
    Records(records::RecordsArgs),
    /// Check every byte and every record; name the byte that is damaged and what can be done
    Verify(verify::VerifyArgs),
    /// Find the first record in which two journals differ
    Diff(diff::DiffArgs),
    /// Print records as they are written, like tail -f
    Follow(follow::FollowArgs),
    /// Write records as CSV or as JSON lines
    Export(export::ExportArgs),
    /// Play the recorded commands into a new engine, as fast as they came or as fast as it can
    Replay(replay::ReplayArgs),
}

/// Runs the command; errors go to stderr.
pub(crate) fn run(args: JournalArgs) -> ExitCode {
    let done = match args.command {
        Command::Summary(args) => summary::run(&args),
        Command::Records(args) => records::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Follow(args) => follow::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Replay(args) => replay::run(&args),
    };
    done.unwrap_or_else(|error| {
        // The reader of the output may stop early.
        if is_broken_pipe(&error) {
            return ExitCode::SUCCESS;
        }
        print::note(format_args!("error: {}", print::with_causes(&error)));
        ExitCode::from(if is_damage(&error) { FOUND } else { FAILED })
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let of_csv = |error: &csv::Error| match error.kind() {
        csv::ErrorKind::Io(error) => error.kind() == io::ErrorKind::BrokenPipe,
        _ => false,
    };
    error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
        || error.downcast_ref().is_some_and(of_csv)
}

fn is_damage(error: &anyhow::Error) -> bool {
    let journal = error.downcast_ref::<JournalError>();
    let damaged = |error: &JournalError| match error {
        JournalError::Damaged { .. }
        | JournalError::UnknownVersion { .. }
        | JournalError::OtherContent { .. }
        | JournalError::EarlierEpoch { .. } => true,
        // An archived segment that cannot be decompressed.
        JournalError::Io { source, .. } => source.kind() == io::ErrorKind::InvalidData,
        _ => false,
    };
    journal.is_some_and(damaged)
        || error.downcast_ref::<Undecodable>().is_some()
        || error.downcast_ref::<Torn>().is_some()
}

/// One value of every command and event, shared with the tests of the encoding.
#[cfg(test)]
#[path = "../../../tests/it/codec/cases.rs"]
#[allow(unreachable_pub, reason = "written for another test")]
mod cases;
