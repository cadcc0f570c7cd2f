//! `dojima-tools journal summary`: counts the contents of a journal.

use super::entry::{Content, Entry};
use super::source::{Judgement, Listing, Progress, Source, SourceArgs, count, segment_name};
use super::time::rfc3339;
use clap::Args;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use dojima::cli::{print, replay, show};
use dojima::domain::Timestamp;
use dojima::replica::Snapshots;
use dojima_journal::layout::{END, LENGTH_AT, RECORD_HEADER_BYTES, SEAL, record_bytes};
use dojima_journal::{JournalError, Position};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `dojima-tools journal summary`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal summary data\n  \
    dojima-tools journal summary data --events\n  \
    dojima-tools journal summary /backup/2026-11-24/journal")]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    source: SourceArgs,
}

/// The counts of one segment, or of all.
#[derive(Clone, Debug, Default)]
struct Tally {
    records: u64,
    /// Used bytes from the start of the file.
    bytes: u64,
    first: u64,
    last: u64,
    first_time: Timestamp,
    last_time: Timestamp,
    seals: u64,
}

impl Tally {
    fn add(&mut self, entry: &Entry) {
        if self.records == 0 {
            (self.first, self.first_time) = (entry.sequence, entry.time);
        }
        self.records += 1;
        (self.last, self.last_time) = (entry.sequence, entry.time);
    }
}

/// The result of reading all readable records.
#[derive(Debug, Default)]
struct Found {
    segments: BTreeMap<u64, Tally>,
    all: Tally,
    kinds: BTreeMap<&'static str, u64>,
}

pub(super) fn run(args: &SummaryArgs) -> anyhow::Result<ExitCode> {
    let source = args.source.open()?;
    let listing = source.listing()?;
    // The scan comes first: the read that follows then has at least the records that the scan saw.
    let judgement = source.judge();
    let mut found = Found::default();
    let read = read(&source, &mut found);
    print(&source, &listing, &judgement, &found)?;
    read?;
    judgement.into_result()?;
    Ok(ExitCode::SUCCESS)
}

/// Reads all readable records.
fn read(source: &Source, found: &mut Found) -> anyhow::Result<()> {
    let progress = Progress::of(source)?;
    let mut reader = source.reader(1)?;
    // The position after the last record.
    let mut end: Option<Position> = None;
    let done = loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        };
        progress.at(&record);
        let entry = match source.decode(&record) {
            Ok(entry) => entry,
            Err(error) => break Err(error.into()),
        };
        let Position { segment, offset } = record.position();
        match end {
            // Between two records of a segment there are only seals.
            Some(end) if end.segment == segment => {
                let seals = (offset - end.offset) / RECORD_HEADER_BYTES as u64;
                found.segments.entry(segment).or_default().seals += seals;
            }
            Some(end) => close(source, found, end)?,
            None => {}
        }
        found.segments.entry(segment).or_default().add(&entry);
        found.all.add(&entry);
        *found.kinds.entry(entry.kind).or_default() += 1;
        end = Some(Position { segment, offset: offset + record_bytes(record.payload.len()) as u64 });
    };
    if let Some(end) = end {
        close(source, found, end)?;
    }
    let segments = || found.segments.values();
    found.all.seals = segments().map(|segment| segment.seals).sum();
    found.all.bytes = segments().map(|segment| segment.bytes).sum();
    progress.finish();
    done
}

/// Counts the markers after the last record of a segment: seals and the end marker.
fn close(source: &Source, found: &mut Found, end: Position) -> io::Result<()> {
    let file = source.files().open(&segment_name(end.segment))?;
    let tally = found.segments.entry(end.segment).or_default();
    let mut offset = end.offset;
    loop {
        let mut length = [0; 4];
        let read = file.read_at(&mut length, offset + LENGTH_AT as u64)?;
        match u32::from_le_bytes(length) {
            SEAL if read == length.len() => tally.seals += 1,
            END if read == length.len() => offset += RECORD_HEADER_BYTES as u64,
            _ => break,
        }
        if u32::from_le_bytes(length) == END {
            break;
        }
        offset += RECORD_HEADER_BYTES as u64;
    }
    tally.bytes = offset;
    Ok(())
}

fn print(source: &Source, listing: &Listing, judgement: &Judgement, found: &Found) -> io::Result<()> {
    let mut out = print::stdout();
    writeln!(out, "{}: {}\n", source.dir().display(), source.content)?;
    writeln!(out, "{}\n", segments_table(source, listing, found).trim_fmt())?;
    if !found.kinds.is_empty() {
        writeln!(out, "{}\n", kinds_table(source.content, found).trim_fmt())?;
    }
    let all = &found.all;
    let mut rows = Vec::new();
    let mut row = |name: &'static str, value: String| rows.push((name, value));
    row("records", count(all.records, source.content));
    if all.records > 0 {
        row("sequences", format!("{} to {}", show::thousands(all.first), show::thousands(all.last)));
        row("from", rfc3339(all.first_time));
        row("to", rfc3339(all.last_time));
        let span = Duration::from_nanos(all.last_time.0.saturating_sub(all.first_time.0));
        row("spans", format!("{}, {} on average", show::duration(span), show::rate(all.records, span)));
    }
    row("in use", show::bytes(all.bytes));
    if let Some(bytes) = all.bytes.checked_div(all.records) {
        row("a record", format!("{bytes} B on average"));
    }
    row("seals", format!("{}, one for every stop in good order", show::thousands(all.seals)));
    if let Ok(scanned) = &judgement.scanned {
        row("synced", format!("up to {} at least", show::thousands(scanned.watermark())));
        let mut epoch = 0;
        for segment in scanned.segments().iter().filter(|segment| segment.epoch > 0) {
            if segment.epoch != epoch {
                epoch = segment.epoch;
                row("epoch", format!("{epoch}, from {} on", segment_name(segment.number)));
            }
        }
    }
    row("verdict", verdict(judgement));
    if let Some(missing) = source.missing() {
        row("missing", missing);
    }
    for (name, bytes) in &listing.archived {
        row("archived", format!("{name}, {}", show::bytes(*bytes)));
    }
    match listing.snapshots.is_empty() {
        true => row("snapshots", "none beside it".to_owned()),
        false => {
            for snapshot in &listing.snapshots {
                row("snapshot", snapshot_words(source, snapshot));
            }
        }
    }
    show::rows(&mut out, 10, rows)?;
    out.flush()
}

fn snapshot_words(source: &Source, (name, position, bytes): &(String, u64, u64)) -> String {
    let words = format!("{name}, after command {}, {}", show::thousands(*position), show::bytes(*bytes));
    // Only the header is read; reading the whole snapshot is the task of a start from it.
    match Snapshots::new(source.snapshots_dir()).info(*position) {
        Ok(info) => format!("{words}, {} UTC, digest {}", show::time_of_day(info.time), info.digest),
        Err(error) => format!("{words}: {error}"),
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─')));
    table.set_header(header);
    table
}

fn segments_table(source: &Source, listing: &Listing, found: &Found) -> Table {
    let mut table = table(["segment", "records", "in use", "file", "first", "at (UTC)", "seals"]);
    for (number, bytes) in &listing.segments {
        let name = segment_name(*number);
        match found.segments.get(number) {
            Some(tally) => table.add_row(row(name, tally, show::bytes(*bytes))),
            None => {
                let what = if source.is_spare(*number) { "spare" } else { "not read" };
                table.add_row([name, what.to_owned(), String::new(), show::bytes(*bytes)])
            }
        };
    }
    if found.segments.len() > 1 {
        let files = listing.segments.iter().map(|(_, bytes)| bytes).sum();
        table.add_row(row("all".to_owned(), &found.all, show::bytes(files)));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        // With this padding 80 columns suffice for a thousand million records.
        column.set_padding((0, 1));
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// One row of the table. The date is in the rows below the table, and the end of a segment is the start of the next one.
fn row(name: String, tally: &Tally, file: String) -> [String; 7] {
    let number = show::thousands;
    [
        name,
        number(tally.records),
        show::bytes(tally.bytes),
        file,
        number(tally.first),
        show::time_of_day(tally.first_time),
        number(tally.seals),
    ]
}

fn kinds_table(content: Content, found: &Found) -> Table {
    let mut table = table([content.singular(), "count", "share"]);
    let mut kinds: Vec<_> = found.kinds.iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), **kind));
    for (kind, count) in kinds {
        let share = *count as f64 * 100.0 / found.all.records as f64;
        let share = Cell::new(format!("{share:.1} %")).set_alignment(CellAlignment::Right);
        let count = Cell::new(show::thousands(*count)).set_alignment(CellAlignment::Right);
        table.add_row([Cell::new(kind), count, share]);
    }
    table
}

fn verdict(judgement: &Judgement) -> String {
    match &judgement.scanned {
        Ok(_) if judgement.is_live => "an engine is writing to it".to_owned(),
        Ok(scanned) => replay::verdict(scanned.verdict()).replace("commands", "records"),
        Err(JournalError::Damaged { file, offset, sequence, why }) => {
            let due = match sequence {
                0 => String::new(),
                sequence => format!(", where sequence {sequence} is due"),
            };
            format!("DAMAGED at byte {offset} of {}{due}: {why}", file.display())
        }
        Err(error) => error.to_string(),
    }
}
