//! `dojima itch`: writes the market data log as a file for ITCH 5.0 parsers ("BinaryFILE": each message after its length,
//! u16 big-endian).

use super::args::DataArgs;
use super::{print, show};
use crate::recovery::DataDir;
use crate::stages::feed::{newest_checkpoint, read_log};
use crate::wire::itch::{Message, event_code};
use anyhow::{Context, bail};
use clap::Args;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `dojima itch`.
#[derive(Debug, Args)]
pub struct ItchArgs {
    #[command(flatten)]
    source: DataArgs,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which session, from 0; the last one if left out
    #[arg(long, value_name = "N")]
    session: Option<usize>,
}

/// Writes the messages of a session to a file. The engine may be running.
///
/// # Errors
/// When there is no market data, or the file cannot be written.
pub fn run(args: ItchArgs) -> anyhow::Result<ExitCode> {
    let data = DataDir::new(args.source.existing_dir()?);
    let messages = export(&data, &args.out, args.session)?;
    let mut out = print::stdout();
    writeln!(out, "{} messages written to {}", show::thousands(messages), args.out.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the messages of a session (`None`: the last one in the log) to a file and returns their number.
///
/// # Errors
/// When the session is not in the log, or the file cannot be written.
pub fn export(data: &DataDir, file: &Path, session: Option<usize>) -> anyhow::Result<u64> {
    let dir = data.market_data().dir().display();
    let mut first_messages = Vec::new();
    read_log(data.market_data(), 1, &mut |number, _, bytes| {
        if let Ok(Message::SystemEvent(event)) = Message::decode(bytes)
            && event.code == event_code::START_OF_MESSAGES
        {
            first_messages.push(number);
        }
        Ok(())
    })?;
    // The log may no longer have the earlier sessions, so sessions are counted back from the number in a checkpoint.
    let (messages, present) = newest_checkpoint(data.market_data()).unwrap_or_default();
    let begun = first_messages.iter().filter(|first| **first <= messages.max(1)).count();
    let number_of = |at: usize| (present as usize + 1 + at).saturating_sub(begun.max(1));
    let Some(last) = first_messages.len().checked_sub(1) else { bail!("no market data in {dir}") };
    let wanted = session.unwrap_or_else(|| number_of(last));
    let Some(at) = (0..=last).find(|at| number_of(*at) == wanted) else {
        bail!(
            "{dir} has the sessions {} to {} whole, and not session {wanted}",
            number_of(0),
            number_of(last)
        );
    };
    let first = first_messages[at];
    let end = first_messages.get(at + 1).copied().unwrap_or(u64::MAX);
    let failed = || format!("cannot write {}", file.display());
    let mut out = BufWriter::new(File::create(file).with_context(failed)?);
    let mut written = 0;
    read_log(data.market_data(), first, &mut |number, _, bytes| {
        if number < end {
            out.write_all(&(bytes.len() as u16).to_be_bytes())?;
            out.write_all(bytes)?;
            written += 1;
        }
        Ok(())
    })
    .with_context(failed)?;
    out.flush().with_context(failed)?;
    Ok(written)
}
