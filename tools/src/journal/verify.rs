//! `dojima-tools journal verify`: checks every byte and every record.

use super::damage::{self, Finding};
use super::entry::{Content, Entry, Undecodable, Value};
use super::exit::FOUND;
use super::source::{Progress, Source, SourceArgs, count};
use super::time::rfc3339;
use clap::Args;
use dojima::cli::outlook::Outlook;
use dojima::cli::{print, replay, show};
use dojima::config::Config;
use dojima::domain::Timestamp;
use dojima_journal::{JournalError, Verdict, layout};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `dojima-tools journal verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal verify data\n  \
    dojima-tools journal verify data --events\n  \
    dojima-tools journal verify /backup/2026-11-24/journal && echo good\n\n\
    Exit codes: 0 all of it is good, 1 something is damaged, missing, or cut off at the end, or an engine would not start on it, \
    2 it could not be read. Whether the events are those of the commands is what `dojima verify` checks.")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The configuration of the engine, which decides what a start does; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Old segments were deleted or archived elsewhere (retention.segments): a snapshot may stand for them
    #[arg(long)]
    retired: bool,
}

/// A problem and its remedy.
struct Problem {
    /// The position: file, byte, sequence.
    place: Option<Place>,
    outcome: Outcome,
    what: String,
    operator: String,
}

impl Problem {
    /// Adjusts the advice: a torn tail is not harmless if an engine would refuse to start on it.
    fn held_against(self, outlook: Option<&Outlook>) -> Self {
        match (self.outcome, outlook) {
            (Outcome::TornTail, Some(Outlook::Refused(_))) => {
                let operator = "what the engine says: something beside it proves that the journal was longer. Put the file back from \
                                elsewhere, best from what this is a copy of";
                Self { operator: operator.to_owned(), ..self }
            }
            _ => self,
        }
    }
}

/// The severity of a problem.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// An acknowledged record cannot be read.
    Damaged,
    /// Bytes at the end cannot be read; no record shows that they were acknowledged.
    TornTail,
    /// The beginning is missing.
    Incomplete,
    /// Everything can be read, but no engine starts on it.
    Refused,
}

impl Outcome {
    fn text(self) -> &'static str {
        match self {
            Self::Damaged => "DAMAGED",
            Self::TornTail => "TORN TAIL",
            Self::Incomplete => "INCOMPLETE",
            Self::Refused => "START REFUSED",
        }
    }
}

struct Place {
    file: PathBuf,
    offset: u64,
    sequence: u64,
    /// The damaged byte, if it is known.
    finding: Option<Finding>,
}

/// The records that could be read.
#[derive(Default)]
struct Read {
    records: u64,
    first: u64,
    last: u64,
    first_time: Timestamp,
    last_time: Timestamp,
    last_command: u64,
}

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let source = args.source.open()?;
    let config = match &args.config {
        Some(file) => Config::load(file)?,
        None => Config::embedded_default(),
    };
    let judgement = source.judge();
    let mut read = Read::default();
    let in_records = read_all(&source, &mut read)?;
    let (in_bytes, ends) = match judgement.scanned {
        Err(error) => (Some(of_error(&source, error)?), String::new()),
        Ok(_) if judgement.is_live => (None, "an engine is writing to it".to_owned()),
        Ok(scanned) => {
            (torn(&source, scanned.verdict(), scanned.next_sequence())?, replay::verdict(scanned.verdict()))
        }
    };
    let outlook = source.as_data_dir().map(|data| match judgement.is_live {
        true => Outlook::NotTried("an engine is writing to it".to_owned()),
        false => Outlook::of(&config, &data),
    });
    let missing = source.missing();
    let problem = in_records
        .or(in_bytes)
        .map(|problem| problem.held_against(outlook.as_ref()))
        .or_else(|| missing.clone().filter(|_| !args.retired).map(|missing| incomplete(&source, &missing)))
        .or_else(|| refused(outlook.as_ref()));
    let found = Found { read, ends, missing, retired: args.retired, outlook, problem };
    found.print(&source)?;
    Ok(found.problem.map_or(ExitCode::SUCCESS, |_| ExitCode::from(FOUND)))
}

/// The result of all checks.
struct Found {
    read: Read,
    ends: String,
    missing: Option<String>,
    /// Missing old segments are allowed.
    retired: bool,
    /// `None` for a separate event log, on which no engine starts.
    outlook: Option<Outlook>,
    problem: Option<Problem>,
}

fn incomplete(source: &Source, missing: &str) -> Problem {
    let operator = match source.content {
        Content::Commands => {
            "put the segments, or their archives, back from elsewhere. If they were deleted on purpose (retention.segments), say so \
             with --retired: then snapshots and event log belong to the backup"
        }
        Content::Events => {
            "put the segments, or their archives, back from elsewhere; or, if the journal is complete, move the event log away: the \
             next start makes it again. If they were deleted on purpose (retention.segments), say so with --retired"
        }
    };
    Problem {
        place: None,
        outcome: Outcome::Incomplete,
        what: format!("it begins too late: {missing} are neither in a segment nor in an archive here"),
        operator: operator.to_owned(),
    }
}

/// A problem if the journal is valid, but an engine would not start on the directory.
fn refused(outlook: Option<&Outlook>) -> Option<Problem> {
    let Some(Outlook::Refused(_)) = outlook else { return None };
    let what = "all of it can be read, but an engine would not start on what lies there".to_owned();
    let operator = "what the engine says; docs/OPERATIONS.md has a table of what may be missing".to_owned();
    Some(Problem { place: None, outcome: Outcome::Refused, what, operator })
}

/// Decodes every record and compares it with the one before.
fn read_all(source: &Source, read: &mut Read) -> anyhow::Result<Option<Problem>> {
    // Where not even the first segment opens, the scan says why.
    let Ok(mut reader) = source.reader(1) else { return Ok(None) };
    let progress = Progress::of(source)?;
    let mut problem = None;
    while let Ok(Some(record)) = reader.next() {
        progress.at(&record);
        problem = match source.decode(&record) {
            Err(error) => Some(undecodable(source, &error)),
            Ok(entry) => read.contradiction(&entry).map(|what| contradiction(source, &entry, what)),
        };
        if problem.is_some() {
            break;
        }
    }
    progress.finish();
    Ok(problem)
}

impl Read {
    /// Describes how the entry contradicts earlier records. If it does not, adds it.
    fn contradiction(&mut self, entry: &Entry) -> Option<String> {
        if self.records > 0 && entry.sequence != self.last + 1 {
            return Some(format!("sequence {} follows {}", entry.sequence, self.last));
        }
        if entry.time < self.last_time {
            let (time, last) = (rfc3339(entry.time), rfc3339(self.last_time));
            return Some(format!("its time, {time}, is before that of the record before it, {last}"));
        }
        if let Value::Event(event) = &entry.value {
            if event.number != entry.sequence {
                return Some(format!(
                    "it holds event {} where event {} is due",
                    event.number, entry.sequence
                ));
            }
            if event.sequence < self.last_command {
                let last = self.last_command;
                return Some(format!(
                    "it came of command {}, the one before it of command {last}",
                    event.sequence
                ));
            }
            if event.time != entry.time {
                return Some("the time of the event is not that of its record".to_owned());
            }
            self.last_command = event.sequence;
        }
        if self.records == 0 {
            (self.first, self.first_time) = (entry.sequence, entry.time);
        }
        self.records += 1;
        (self.last, self.last_time) = (entry.sequence, entry.time);
        None
    }
}

fn undecodable(source: &Source, error: &Undecodable) -> Problem {
    let payload = error.position.offset + layout::RECORD_HEADER_BYTES as u64;
    let place = Place { file: error.file.clone(), offset: payload, sequence: error.sequence, finding: None };
    let damaged = damaged(source, format!("the record {}", error.why()));
    let operator = "start the version of dojima that wrote it, if it is newer than this one; else as for any damage: \
                    docs/OPERATIONS.md, \"A start that refuses\"";
    Problem { place: Some(place), operator: operator.to_owned(), ..damaged }
}

fn contradiction(source: &Source, entry: &Entry, what: String) -> Problem {
    let (file, offset) = (source.segment_path(entry.position.segment), entry.position.offset);
    let place = Place { file, offset, sequence: entry.sequence, finding: None };
    let what = format!("the record verifies, but contradicts the one before: {what}");
    Problem { place: Some(place), ..damaged(source, what) }
}

fn of_error(source: &Source, error: JournalError) -> anyhow::Result<Problem> {
    let (file, offset, sequence) = match &error {
        JournalError::Damaged { file, offset, sequence, .. } => (file, *offset, *sequence),
        JournalError::UnknownVersion { file, offset, .. } => (file, *offset, 0),
        JournalError::OtherContent { file, .. } => (file, layout::CONTENT_KIND_AT as u64, 0),
        JournalError::EarlierEpoch { file, .. } => (file, layout::EPOCH_AT as u64, 0),
        JournalError::Io { path, source, .. } if source.kind() == io::ErrorKind::InvalidData => (path, 0, 0),
        _ => return Err(error.into()),
    };
    let what = match &error {
        JournalError::Damaged { why, .. } => why.clone(),
        JournalError::UnknownVersion { found, supported, .. } => {
            format!("the file says format version {found}, but this build reads version {supported}")
        }
        other => other.to_string(),
    };
    let looks_inside = matches!(error, JournalError::Damaged { .. } | JournalError::UnknownVersion { .. });
    // A missing segment has no bytes to examine.
    let finding = match readable_name(source, file).filter(|_| looks_inside) {
        Some(name) => Some(damage::find(source.files().as_ref(), &name, offset, sequence)?),
        None => None,
    };
    let place = Place { file: file.clone(), offset, sequence, finding };
    Ok(Problem { place: Some(place), ..damaged(source, what) })
}

/// A problem with acknowledged records.
fn damaged(source: &Source, what: String) -> Problem {
    let operator = match source.content {
        Content::Commands => {
            "keep this directory as it is; put a copy of the named file from a backup or another disk in its place, \
             and verify again. Commands that no copy has are lost: docs/OPERATIONS.md, \"A start that refuses\""
        }
        Content::Events => {
            "if the journal verifies, move the event log away and start the engine: it is built again from the journal"
        }
    };
    Problem { place: None, outcome: Outcome::Damaged, what, operator: operator.to_owned() }
}

fn torn(source: &Source, verdict: &Verdict, next: u64) -> anyhow::Result<Option<Problem>> {
    let Verdict::TornTail { file, offset, bytes, records_lost_at_least } = verdict else { return Ok(None) };
    let name = file_name(file).unwrap_or_default();
    let finding = damage::find(source.files().as_ref(), &name, *offset, next)?;
    let lost = match records_lost_at_least {
        0 => String::new(),
        lost => format!(" ({} at least)", show::count(*lost, "record")),
    };
    let what = format!(
        "the journal ends in {} that cannot be read{lost}, and nothing in it says that they had been acknowledged",
        show::bytes(*bytes)
    );
    let operator = match (source.content, finding) {
        (Content::Events, _) => "nothing: the journal has everything",
        // After a crash a file still has its full length.
        (Content::Commands, Finding::EndOfFile { .. }) => {
            "a file shorter than it was made is the trace of a copy that was cut short, not of a crash: compare it with the \
             file that it was copied from before an engine starts on it"
        }
        (Content::Commands, _) => {
            "nothing, if the engine ran with durability = sync: nobody was told of these commands. Keep a copy of the file \
             first if you want to know what they were"
        }
    };
    let place = Place { file: file.clone(), offset: *offset, sequence: next, finding: Some(finding) };
    let (outcome, operator) = (Outcome::TornTail, operator.to_owned());
    Ok(Some(Problem { place: Some(place), outcome, what, operator }))
}

/// The name of a file that can be opened, in the directory or in its archive.
fn readable_name(source: &Source, path: &Path) -> Option<String> {
    file_name(path).filter(|name| source.files().open(name).is_ok())
}

fn file_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

impl Found {
    fn print(&self, source: &Source) -> anyhow::Result<()> {
        let mut out = print::stdout();
        show::rows(&mut out, 10, self.rows(source))?;
        let Some(problem) = &self.problem else { return Ok(out.flush()?) };
        let Some(place) = &problem.place else {
            out.flush()?;
            print::note(format_args!("error: {}: {}", source.dir().display(), problem.what));
            return Ok(());
        };
        let name = readable_name(source, &place.file);
        let marked = place.finding.map_or(place.offset, Finding::offset);
        if let Some(name) = &name {
            write!(out, "\n{}", damage::dump(source.files().as_ref(), name, marked)?)?;
        }
        out.flush()?;
        let file = place.file.display();
        match name {
            None => print::note(format_args!("error: {file} is missing or cannot be opened")),
            Some(_) if problem.outcome == Outcome::TornTail => {
                print::note(format_args!("error: {file} ends in what cannot be read, from byte {marked} on"));
            }
            Some(_) => print::note(format_args!("error: {file} is damaged at byte {marked}")),
        }
        Ok(())
    }

    fn rows(&self, source: &Source) -> Vec<(&'static str, String)> {
        let read = &self.read;
        let mut rows = vec![("verified", format!("{} ({})", source.dir().display(), source.content))];
        if read.records > 0 {
            let range = format!("{} to {}", show::thousands(read.first), show::thousands(read.last));
            rows.push(("readable", format!("{}, {range}", count(read.records, source.content))));
            rows.push(("times", format!("{} to {}", rfc3339(read.first_time), rfc3339(read.last_time))));
        } else {
            rows.push(("readable", "nothing".to_owned()));
        }
        let problem = self.problem.as_ref();
        match problem.map(|problem| (problem, &problem.place)) {
            None => {
                let checks = "every checksum, every record decoded, sequences dense, times in order";
                rows.push(("checks", checks.to_owned()));
                rows.push(("ends", self.ends.clone()));
                rows.push(("result", "good".to_owned()));
            }
            Some((problem, place)) => {
                rows.push(("result", problem.outcome.text().to_owned()));
                if let Some(place) = place {
                    rows.push(("file", place.file.display().to_string()));
                    rows.push(("byte", place.offset.to_string()));
                    if place.sequence > 0 {
                        rows.push(("sequence", format!("{} is due there", place.sequence)));
                    }
                }
                rows.push(("what", problem.what.clone()));
                if let Some(finding) = place.as_ref().and_then(|place| place.finding) {
                    rows.push(("cause", finding.text()));
                }
            }
        }
        if let Some(missing) = &self.missing {
            rows.push(("missing", missing.clone()));
        }
        rows.extend(source.missing_beside().into_iter().map(|missing| ("beside", missing)));
        rows.push(("engine", self.engine()));
        rows.push(("backup", self.backup(source)));
        if let Some(problem) = problem {
            rows.push(("you", problem.operator.clone()));
        }
        rows
    }

    /// What an engine would do with the directory.
    fn engine(&self) -> String {
        let Some(outlook) = &self.outlook else {
            return "starts on a journal; where there is one, it cuts what is wrong after the last seal of an event log and makes \
                    it again, and refuses to start (exit code 16) on damage before that"
                .to_owned();
        };
        outlook.words()
    }

    /// Whether a copy of the directory is complete.
    fn backup(&self, source: &Source) -> String {
        let noun = source.content.singular();
        let damaged = self.problem.as_ref().filter(|problem| problem.place.is_some());
        let is_damaged = damaged.is_some_and(|problem| problem.outcome == Outcome::Damaged);
        let cut_short = self.outlook.as_ref().and_then(Outlook::cut_short);
        if let Some(words) = cut_short.filter(|_| source.content == Content::Commands && !is_damaged) {
            return words;
        }
        match (damaged, &self.missing) {
            (Some(problem), _) if problem.outcome == Outcome::Damaged => {
                format!("not complete: not every {noun} can be read")
            }
            (Some(_), None) => {
                format!(
                    "complete up to {noun} {}; what came after it cannot be read",
                    show::thousands(self.read.last)
                )
            }
            (None, None) if self.read.records == 0 => "empty".to_owned(),
            (None, None) => format!("complete: every {noun} from the first one on"),
            (_, Some(missing)) => match (source.content, &self.outlook) {
                (Content::Commands, Some(Outlook::Starts(_))) if self.retired => {
                    format!("complete with snapshots and event log, which stand for {missing}")
                }
                (Content::Commands, Some(Outlook::Starts(_))) => format!(
                    "not complete by itself: {missing} are missing. With snapshots and event log an engine can start, but not be \
                     checked from the first command on"
                ),
                (Content::Commands, _) => format!("not complete: {missing} are missing"),
                (Content::Events, _) => {
                    format!(
                        "not complete: {missing} are missing; a journal that is complete gives them again"
                    )
                }
            },
        }
    }
}
