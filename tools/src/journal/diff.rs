//! `dojima-tools journal diff`: the first record in which two journals differ.

use super::concerns::Concerns;
use super::entry::{Entry, Value};
use super::exit::FOUND;
use super::lines::{Show, line, words};
use super::names::Names;
use super::source::{Progress, Source, count};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use dojima::cli::{print, show};
use dojima::domain::{EventRecord, Timestamp};
use dojima_journal::Reader;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `dojima-tools journal diff`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal diff data /backup/data\n  \
    dojima-tools journal diff data replayed --events --times ignore\n\n\
    Compared are content, time and length of each record; where they lie, and what was synced when, is not.\n\n\
    Exit codes: 0 the records are the same, 1 they differ or one journal has more, 2 it could not be done.")]
pub(super) struct DiffArgs {
    /// A journal, an event log, or a data directory (then its journal is meant)
    a: PathBuf,
    /// Another
    b: PathBuf,
    /// The event logs of data directories, not their journals
    #[arg(long)]
    events: bool,
    /// Whether records with different times differ
    #[arg(long, value_enum, default_value_t = Times::Compare)]
    times: Times,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Times {
    /// They do
    Compare,
    /// They do not
    Ignore,
}

/// One of the two journals.
struct Party {
    source: Source,
    reader: Reader,
    names: Names,
    /// The raw payload, for records that decode to the same value but have different bytes.
    bytes: Vec<u8>,
}

impl Party {
    fn open(path: &Path, events: bool) -> anyhow::Result<Self> {
        let source = Source::open(path, events)?;
        let (reader, names) = (source.reader(1)?, source.names());
        Ok(Self { source, reader, names, bytes: Vec::new() })
    }

    /// The next record from `from` on.
    fn next(&mut self, from: u64) -> anyhow::Result<Option<Entry>> {
        while let Some(record) = self.reader.next()? {
            let entry = self.source.decode(&record)?;
            self.names.note(&entry);
            if entry.sequence >= from {
                self.bytes.clear();
                self.bytes.extend_from_slice(record.payload);
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn line(&self, entry: &Entry) -> String {
        line(entry, &Concerns::of(entry, &self.names), &self.names, Show::Position)
    }

    fn words(&self, entry: &Entry) -> Vec<(String, String)> {
        words(entry, &Concerns::of(entry, &self.names), &self.names)
    }
}

pub(super) fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let mut a = Party::open(&args.a, args.events)?;
    let mut b = Party::open(&args.b, args.events)?;
    if a.source.content != b.source.content {
        bail!(
            "{} holds {} and {} {}: they cannot be compared",
            a.source.dir().display(),
            a.source.content,
            b.source.dir().display(),
            b.source.content
        );
    }
    let progress = Progress::of(&a.source)?;
    let (mut first, mut second) = (a.next(1)?, b.next(1)?);
    // One of the two may begin later if old segments were removed.
    let from = [&first, &second].iter().filter_map(|entry| Some(entry.as_ref()?.sequence)).max().unwrap_or(1);
    let skipped = |entry: &Option<Entry>| entry.as_ref().map_or(0, |entry| from - entry.sequence);
    let skipped = [skipped(&first), skipped(&second)];
    if skipped[0] > 0 {
        first = a.next(from)?;
    }
    if skipped[1] > 0 {
        second = b.next(from)?;
    }
    let mut equal = 0;
    while let (Some(one), Some(other)) = (&first, &second) {
        if !same(one, other, &a.bytes, &b.bytes, args.times) {
            break;
        }
        equal += 1;
        (first, second) = (a.next(from)?, b.next(from)?);
    }
    progress.finish();
    // A journal that ends early because of damage does not count as a prefix of the other.
    for (party, _) in [(&a, &first), (&b, &second)].iter().filter(|(_, entry)| entry.is_none()) {
        party.source.check_end(0).map_err(|error| {
            let (dir, same) = (party.source.dir().display(), count(equal, party.source.content));
            anyhow::anyhow!(
                "{dir} could only be compared as far as it can be read ({same}, all equal): {error}"
            )
        })?;
    }
    print(args, [&a, &b], [first.as_ref(), second.as_ref()], skipped, (from, equal))?;
    Ok(if first.is_none() && second.is_none() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn same(one: &Entry, other: &Entry, bytes: &[u8], other_bytes: &[u8], times: Times) -> bool {
    let content = |entry: &Entry| match (times, entry.value) {
        (Times::Ignore, Value::Event(record)) => Value::Event(EventRecord { time: Timestamp(0), ..record }),
        (_, value) => value,
    };
    if one.sequence != other.sequence || content(one) != content(other) {
        return false;
    }
    times == Times::Ignore || (one.time == other.time && bytes == other_bytes)
}

fn print(
    args: &DiffArgs,
    [a, b]: [&Party; 2],
    ends: [Option<&Entry>; 2],
    skipped: [u64; 2],
    (from, equal): (u64, u64),
) -> anyhow::Result<()> {
    let content = a.source.content;
    let mut out = print::stdout();
    writeln!(out, "a          {}", a.source.dir().display())?;
    writeln!(out, "b          {}", b.source.dir().display())?;
    for (name, other, skipped) in [("a", "b", skipped[0]), ("b", "a", skipped[1])] {
        if skipped > 0 {
            let skipped = count(skipped, content);
            writeln!(out, "not in {other}   the first {skipped} of {name}: {other} begins with {from}")?;
        }
    }
    writeln!(out, "the same   {}", count(equal, content))?;
    match ends {
        [None, None] => writeln!(
            out,
            "result     they are equal{}",
            if args.times == Times::Ignore { ", times apart" } else { "" }
        )?,
        [Some(one), Some(other)] => {
            writeln!(out, "result     they differ in record {}:", one.sequence)?;
            writeln!(out, "a  {}", a.line(one))?;
            writeln!(out, "b  {}", b.line(other))?;
            writeln!(out, "{}", difference(a, one, b, other).context("no difference was found")?)?;
        }
        [Some(more), None] => longer(&mut out, ("a", "b"), a, more, equal)?,
        [None, Some(more)] => longer(&mut out, ("b", "a"), b, more, equal)?,
    }
    Ok(out.flush()?)
}

fn longer(
    out: &mut impl Write,
    (long, short): (&str, &str),
    party: &Party,
    more: &Entry,
    equal: u64,
) -> io::Result<()> {
    let begins =
        if equal == 0 { "has nothing to compare".to_owned() } else { format!("is a prefix of {long}") };
    writeln!(out, "result     {short} {begins}; {long} goes on with")?;
    writeln!(out, "{long}  {}", party.line(more))
}

/// The fields that differ; if none does, the bytes.
fn difference(a: &Party, one: &Entry, b: &Party, other: &Entry) -> Option<String> {
    if one.kind != other.kind {
        return Some(format!("the kind     {} | {}", one.kind, other.kind));
    }
    let mut lines = Vec::new();
    if one.time != other.time {
        let (one, other) = (super::time::rfc3339(one.time), super::time::rfc3339(other.time));
        lines.push(format!("time         {one} | {other}"));
    }
    let (words, other_words) = (a.words(one), b.words(other));
    let value = |words: &[(String, String)], name: &str| {
        let found = words.iter().find(|(word, _)| word == name).map(|(_, value)| value.clone());
        found.unwrap_or_else(|| "(not there)".to_owned())
    };
    let names = words
        .iter()
        .chain(other_words.iter().filter(|(name, _)| !words.iter().any(|(word, _)| word == name)));
    for (name, _) in names {
        let (left, right) = (value(&words, name), value(&other_words, name));
        if left != right {
            lines.push(format!("{name:<12} {left} | {right}"));
        }
    }
    if a.bytes.len() != b.bytes.len() {
        let lengths = [&a.bytes, &b.bytes].map(|bytes| show::bytes(bytes.len() as u64));
        lines.push(format!("length       {} | {}", lengths[0], lengths[1]));
    }
    if lines.is_empty() {
        let at = a.bytes.iter().zip(&b.bytes).position(|(left, right)| left != right)?;
        lines.push(format!("byte {at}      {:02x} | {:02x}", a.bytes[at], b.bytes[at]));
    }
    Some(lines.join("\n"))
}
