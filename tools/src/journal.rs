//! `dojima-tools journal`: what a journal or an event log holds. Reads only, also while an engine writes.

use anyhow::Context;
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table};
use dojima::cli::{replay, show};
use dojima::domain::{Timestamp, codec};
use dojima_journal::{Reader, Record, Scanned};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Arguments of `dojima-tools journal`.
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// The journal's directory, such as data/journal or data/events
    dir: PathBuf,
    /// Print records, one a line, instead of the summary
    #[arg(long, value_enum, value_name = "KIND")]
    records: Option<Kind>,
    /// The first record to print
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1, requires = "records")]
    from: u64,
    /// How many records to print
    #[arg(long, value_name = "COUNT", default_value_t = u64::MAX, hide_default_value = true, requires = "records")]
    count: u64,
}

/// What the records are.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Commands: a journal
    Commands,
    /// Events: an event log
    Events,
    /// Bytes in hexadecimal
    Bytes,
}

/// Prints the summary or the records.
pub(crate) fn run(args: JournalArgs) -> anyhow::Result<()> {
    let meta = std::fs::metadata(&args.dir);
    meta.with_context(|| format!("no directory {}", args.dir.display()))?;
    match args.records {
        None => summary(&dojima_journal::scan(&args.dir)?),
        Some(kind) => match records(&args, kind) {
            // Whoever reads the output may stop early.
            Err(error) if error.downcast_ref().is_some_and(is_broken_pipe) => Ok(()),
            done => done,
        },
    }
}

fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

fn summary(scanned: &Scanned) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.set_header(["segment", "first sequence", "records", "bytes"]);
    for segment in scanned.segments() {
        let name = segment.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let numbers = [segment.base_sequence, segment.records, segment.bytes];
        table.add_row([vec![name], numbers.map(show::thousands).to_vec()].concat());
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let mut out = io::stdout().lock();
    if !scanned.segments().is_empty() {
        writeln!(out, "{table}")?;
    }
    writeln!(out, "records   {}", show::thousands(scanned.records()))?;
    writeln!(out, "next      {}", scanned.next_sequence())?;
    writeln!(out, "synced    {} at least", scanned.watermark())?;
    let last = Timestamp(scanned.last_time_ns());
    writeln!(out, "last      {} UTC", show::time_of_day(last))?;
    writeln!(out, "verdict   {}", replay::verdict(scanned.verdict()))?;
    Ok(())
}

fn records(args: &JournalArgs, kind: Kind) -> anyhow::Result<()> {
    let mut reader = Reader::open(&args.dir, args.from)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut left = args.count;
    while left > 0 {
        let Some(record) = reader.next()? else { break };
        write_record(&mut out, &record, kind)?;
        left -= 1;
    }
    out.flush()?;
    Ok(())
}

fn write_record(out: &mut impl Write, record: &Record<'_>, kind: Kind) -> anyhow::Result<()> {
    let Record { sequence, time_ns, payload, .. } = record;
    let unreadable = || format!("record {sequence} is none of the kind asked for, or of another version");
    let text = match kind {
        Kind::Commands => format!("{:?}", codec::decode_command(payload).with_context(unreadable)?),
        Kind::Events => format!("{:?}", codec::decode_event(payload).with_context(unreadable)?.event),
        Kind::Bytes => payload.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    writeln!(out, "{sequence} {} {text}", show::time_of_day(Timestamp(*time_ns)))?;
    Ok(())
}
