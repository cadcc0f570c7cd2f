//! The command line. Each command has its own file; this one dispatches and turns errors into exit codes.
//!
//! Exit codes: 0 success, 1 an error or a failed check, 2 wrong usage, 10 and above a [`Fatal`] with its own code for
//! each reason (see the table there).

mod args;
pub mod client;
pub mod demo;
pub mod folder;
pub mod hash_password;
pub mod itch;
pub mod market;
pub mod operator;
pub mod outlook;
mod password;
pub mod print;
pub mod replay;
mod replay_bar;
pub mod serve;
pub mod show;
pub mod snapshot;
mod units;
pub mod verify;

use crate::engine::StartError;
use crate::runtime::{Fatal, log};
use anyhow::Error;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "dojima", version, about, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine until Ctrl-C
    Serve(serve::ServeArgs),
    /// Play an order flow into an engine, kill it half way, and check that nothing was lost
    Demo(demo::DemoArgs),
    /// Trade from a terminal: orders, trades, and refusals in words
    Client(client::ClientArgs),
    /// Rebuild the exchange from the journal and print what it comes to
    Replay(replay::ReplayArgs),
    /// Write the state to a file, so that the next start is short
    Snapshot(snapshot::SnapshotArgs),
    /// Show the market in the terminal, from the feed of a running engine
    Market(market::MarketArgs),
    /// Write the market data to a file that any ITCH 5.0 parser reads
    Itch(itch::ItchArgs),
    /// Check that journal, event log, market data and SQL agree
    Verify(verify::VerifyArgs),
    /// Ask something of a running engine, as its operator
    Operator(operator::OperatorArgs),
    /// Read a password from stdin and print its hash, for password_hash in the configuration
    HashPassword,
}

/// Parses the process's arguments, runs the command and returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.command);
    let done = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Client(args) => client::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Snapshot(args) => snapshot::run(args),
        Command::Market(args) => market::run(args),
        Command::Itch(args) => itch::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Operator(args) => operator::run(args),
        Command::HashPassword => hash_password::run(),
    };
    let code = done.unwrap_or_else(|error| {
        log::line(&format!("error: {}", print::with_causes(&error)));
        exit_code(&error)
    });
    log::flush();
    code
}

fn exit_code(error: &Error) -> ExitCode {
    let start = error.downcast_ref::<StartError>().map(StartError::exit_code);
    let fatal = || error.downcast_ref::<Fatal>().map(Fatal::exit_code);
    ExitCode::from(start.or_else(fatal).unwrap_or(1))
}

/// Logs go to stderr, so that stdout has only the command's output.
fn start_logging(command: &Command) {
    let level = if matches!(command, Command::Serve(_)) { "info" } else { "warn" };
    log::start(level);
}
