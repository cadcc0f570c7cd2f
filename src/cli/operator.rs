//! `dojima operator`: sends an operator's request to the engine that runs on a data directory.

use super::args::DataArgs;
use super::print;
use crate::operator::{Order, Reply, ask};
use anyhow::bail;
use clap::Args;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `dojima operator`.
#[derive(Debug, Args)]
pub struct OperatorArgs {
    #[command(flatten)]
    engine: DataArgs,
    #[command(subcommand)]
    order: Order,
}

/// Sends the request and prints the sequence of the journaled command.
///
/// # Errors
/// When no engine runs there, or the engine refuses.
pub fn run(args: OperatorArgs) -> anyhow::Result<ExitCode> {
    let data = args.engine.existing_dir()?;
    match ask(data, args.order)? {
        Reply::Done { sequence, text } => {
            writeln!(print::stdout(), "done by command {sequence}: {text}")?;
            Ok(ExitCode::SUCCESS)
        }
        Reply::Refused { reason } => bail!("refused, and nothing was done: {reason}"),
        Reply::Unknown { sequence: Some(sequence), reason } => {
            bail!("taken as command {sequence}, but {reason}")
        }
        Reply::Unknown { sequence: None, reason } => bail!("taken, but not sequenced yet; {reason}"),
    }
}
