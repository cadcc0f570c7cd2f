//! Tools for the engine: load from a separate process, attackers, and inspection of journals.

mod hostile;
mod journal;
mod load;

use clap::{Parser, Subcommand};
use dojima::cli::print;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "dojima-tools", version, about, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a generated flow into an engine that runs elsewhere, and measure it
    Load(load::LoadArgs),
    /// Measure what a well-behaved client waits, alone and beside everybody who means ill
    Hostile(hostile::HostileArgs),
    /// The attackers of `hostile`, which starts them
    #[command(hide = true)]
    HostileAttackers(hostile::AttackArgs),
    /// Look into a journal or event log without changing it
    Journal(journal::JournalArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Load(args) => load::run(args),
        Command::Hostile(args) => hostile::run(args),
        Command::HostileAttackers(args) => hostile::attack(&args),
        Command::Journal(args) => return journal::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::note(format_args!("error: {}", print::with_causes(&error)));
            ExitCode::FAILURE
        }
    }
}
