//! `dojima-tools journal records`: prints records, one per line.

use super::lines::{self, Show};
use super::selection::{FilterArgs, Selected, Selection};
use super::source::{Progress, Source, SourceArgs};
use anyhow::bail;
use clap::Args;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

/// Arguments of `dojima-tools journal records`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal records data --count 20\n  \
    dojima-tools journal records data --login ALPHA --kind enter,cancel --since 09:30\n  \
    dojima-tools journal records data --events --kind executed --instrument BTC-USDT --position\n\n\
    A cancel or replace names its order by the client's number only; its account and instrument are those that the \
    records before it gave that number.")]
pub(super) struct RecordsArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// At most so many
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    /// Say in which segment and at which byte each record stands
    #[arg(long)]
    position: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(super) fn run(args: &RecordsArgs) -> anyhow::Result<ExitCode> {
    let source = args.source.open()?;
    let mut selection = Selection::new(&source, &args.filter)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let show = if args.position { Show::Position } else { Show::Content };
    // If the records are printed on the terminal, a bar would be mixed with them.
    let progress = if io::stdout().is_terminal() { Progress::hidden() } else { Progress::of(&source)? };
    let done = each(&source, &mut selection, args.count, &progress, &mut |selected, selection| {
        let line = lines::line(&selected.entry, &selected.concerns, selection.names(), show);
        Ok(writeln!(out, "{line}")?)
    });
    progress.finish();
    // Readable records are printed even if later ones are damaged.
    out.flush()?;
    done?;
    Ok(ExitCode::SUCCESS)
}

/// Calls `on` with every selected record, at most `count` times.
///
/// # Errors
/// Those of `on`; a record that cannot be decoded; damage at the end of the readable part, if it was reached; a name in the
/// filters that no record has.
pub(super) fn each(
    source: &Source,
    selection: &mut Selection<'_>,
    count: Option<u64>,
    progress: &Progress,
    on: &mut dyn FnMut(&Selected, &Selection<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // An engine may append faster than records are printed. If the end cannot be read, that is found and told below.
    let last = source.last().ok().flatten().map_or(u64::MAX, |(sequence, _)| sequence);
    let mut reader = source.reader(1)?;
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(record) = reader.next()? else {
            source.check_end(0)?;
            break;
        };
        progress.at(&record);
        if record.sequence > last || selection.is_past(&record) {
            break;
        }
        if let Some(selected) = selection.take(&record)? {
            on(&selected, selection)?;
            left -= 1;
        }
    }
    match selection.unknown_name() {
        Some(unknown) => bail!(unknown),
        None => Ok(()),
    }
}
