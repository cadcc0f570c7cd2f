//! The source of the records: the files that a path on the command line names, the content of the records, and their end.

use super::entry::{Content, Entry, Undecodable, Value};
use super::names::Names;
use anyhow::{Context, bail};
use clap::Args;
use dojima::cli::folder::{Folder, Kind, Part};
use dojima::cli::{outlook, replay, show};
use dojima::domain::{Command, Event, Timestamp, VenueCommand, VenueEvent};
use dojima::recovery::{DataDir, Missing};
use dojima::replica::Snapshots;
use dojima_journal::layout::BASE_SEQUENCE_AT;
use dojima_journal::storage::{FileStorage, Storage};
use dojima_journal::{
    ArchivedStorage, FoundBeside, JournalError, MemoryStorage, Reader, Record, Scanned, Verdict,
    scan_beside_from,
};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Suffixes of segments, archived segments and snapshots.
const SEGMENT: &str = ".seg";
const ARCHIVED: &str = ".seg.zst";
const SNAPSHOT: &str = ".snap";

/// The most records at the beginning that are searched for the names of accounts and instruments.
const OPENING_MAX: usize = 1_000_000;

/// Which journal is meant.
#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// A journal, an event log, or a data directory (then its journal is meant)
    dir: PathBuf,
    /// The event log of a data directory, not its journal
    #[arg(long)]
    events: bool,
}

impl SourceArgs {
    pub(super) fn open(&self) -> anyhow::Result<Source> {
        Source::open(&self.dir, self.events)
    }
}

/// A journal or an event log, opened for reading.
#[derive(Debug)]
pub(super) struct Source {
    /// The files in the directory.
    raw: Arc<dyn Storage>,
    /// The files including archived segments.
    files: Arc<dyn Storage>,
    pub(super) content: Content,
}

/// The result of scanning a journal.
pub(super) struct Judgement {
    pub(super) scanned: Result<Scanned, JournalError>,
    /// An engine wrote to it during the scan, so its end has no meaning.
    pub(super) is_live: bool,
}

impl Judgement {
    /// # Errors
    /// [`JournalError::Damaged`], or [`Torn`] if no engine is writing to it.
    pub(super) fn into_result(self) -> anyhow::Result<Scanned> {
        let scanned = self.scanned?;
        match scanned.verdict() {
            verdict @ Verdict::TornTail { .. } if !self.is_live => {
                Err(Torn(replay::verdict(verdict).replace("commands", "records")).into())
            }
            _ => Ok(scanned),
        }
    }
}

/// A journal whose last bytes cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the journal {0}; the next start of the engine cuts that off")]
pub(super) struct Torn(String);

impl Source {
    /// Opens the journal that `path` names; with `events`, the event log of a data directory.
    ///
    /// # Errors
    /// When there is no journal.
    pub(super) fn open(path: &Path, events: bool) -> anyhow::Result<Self> {
        let folder = Folder::at(path);
        let dir = match (folder.kind, events) {
            (Kind::Data, true) => path.join("events"),
            (Kind::Data, false) => path.join("journal"),
            // Their content may be damaged; a later step describes this better.
            (Kind::Part(Part::Journal | Part::EventLog | Part::Segments), _) => path.to_owned(),
            (Kind::Nothing | Kind::Closed | Kind::File | Kind::Empty | Kind::Other | Kind::Part(_), _) => {
                let why = folder.no_log();
                return Err(folder.error(why));
            }
        };
        let raw: Arc<dyn Storage> = Arc::new(FileStorage::new(&dir));
        let files: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::clone(&raw)));
        let listed = files.files().with_context(|| format!("cannot list {}", dir.display()))?;
        if !listed.iter().any(|(name, _)| name.ends_with(SEGMENT)) {
            bail!(lacking(path, events));
        }
        let source = Self { raw, files, content: Content::Commands };
        let content = match (source.first_content(), dir.file_name()) {
            (Some(content), _) => content,
            // Nothing can be read, so only the name of the directory is known.
            (None, Some(name)) if name == "events" => Content::Events,
            (None, _) => Content::Commands,
        };
        if events && content == Content::Commands {
            let beside = folder.data_dir().map(|data| data.join("events")).filter(|events| events.is_dir());
            let instead = match beside {
                Some(events) => format!("the event log beside it is {}", events.display()),
                None => "leave --events out to read it".to_owned(),
            };
            bail!("{} is a journal, and no event log: {instead}", dir.display());
        }
        Ok(Self { content, ..source })
    }

    fn first_content(&self) -> Option<Content> {
        let mut reader = self.reader(1).ok()?;
        // Current journals have their content in the segment header.
        let tag = reader.content();
        if let Some(content) = tag.and_then(Content::of_tag) {
            return Some(content);
        }
        let record = reader.next().ok()??;
        Content::of(&record)
    }

    pub(super) fn dir(&self) -> &Path {
        self.files.dir()
    }

    pub(super) fn files(&self) -> &Arc<dyn Storage> {
        &self.files
    }

    /// The path of a segment.
    pub(super) fn segment_path(&self, number: u64) -> PathBuf {
        self.files.path(&segment_name(number))
    }

    /// A reader that starts at `from`, or at the oldest record if that is later.
    ///
    /// # Errors
    /// As [`Reader::open_storage`], but never [`JournalError::Gone`].
    pub(super) fn reader(&self, from: u64) -> Result<Reader, JournalError> {
        match Reader::open_storage(Arc::clone(&self.files), from) {
            Err(JournalError::Gone { first, .. }) => Reader::open_storage(Arc::clone(&self.files), first),
            opened => opened,
        }
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// When the record cannot be decoded.
    pub(super) fn decode(&self, record: &Record<'_>) -> Result<Entry, Undecodable> {
        self.content.decode(record, || self.segment_path(record.position().segment))
    }

    /// A reader of the segment in use and of `segments_before` segments before it, and the sequence of its first record.
    ///
    /// # Errors
    /// As [`Reader::open_storage`].
    pub(super) fn newest(&self, segments_before: usize) -> Result<(Reader, u64), JournalError> {
        let mut first = u64::MAX;
        for _ in 0..=segments_before {
            let before = if first == u64::MAX { first } else { first - 1 };
            match Reader::open_segment_of(Arc::clone(&self.files), before) {
                Ok(reader) => first = reader.next_in_segment().unwrap_or(1),
                Err(JournalError::Gone { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok((self.reader(first)?, first))
    }

    /// Sequence and time of the last record that can be read now; `None` without records. Reads only the last segment. An engine may
    /// append more while this and what follows is read.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub(super) fn last(&self) -> Result<Option<(u64, Timestamp)>, JournalError> {
        let mut last = None;
        let mut reader = Reader::open_segment_of(Arc::clone(&self.files), u64::MAX)?;
        while let Some(record) = reader.next()? {
            last = Some((record.sequence, Timestamp(record.time_ns)));
        }
        Ok(last)
    }

    /// The names known before the first record is read, usually none. But an event log does not have the names of logins, so
    /// they come from its journal. And if the first commands were removed, the names come from a snapshot.
    pub(super) fn names(&self) -> Names {
        let mut names = Names::default();
        let opening = match self.content {
            Content::Commands if self.begins_at_the_first() => return names,
            Content::Commands => self.opening_in_snapshot(),
            Content::Events => {
                let journal = self.dir().parent().map(|data| data.join("journal"));
                let journal = journal.filter(|dir| dir.is_dir()).and_then(|dir| Self::open(&dir, false).ok());
                match journal {
                    Some(journal) if journal.begins_at_the_first() => journal.opening(),
                    _ => self.opening_in_snapshot(),
                }
            }
        };
        opening.iter().for_each(|command| names.note_command(command));
        names
    }

    /// As [`Self::names`], for readers of only the newest records: includes the names in the first records.
    pub(super) fn names_at_end(&self) -> Names {
        let mut names = self.names();
        if !self.begins_at_the_first() {
            return names;
        }
        let Ok(mut reader) = self.reader(1) else { return names };
        for _ in 0..OPENING_MAX {
            let Ok(Some(record)) = reader.next() else { break };
            let Ok(entry) = self.decode(&record) else { break };
            names.note(&entry);
            match entry.value {
                Value::Command(Command::Venue(VenueCommand::Open { .. })) => break,
                Value::Event(record) if matches!(record.event, Event::Venue(VenueEvent::Opened { .. })) => {
                    break;
                }
                Value::Command(_) | Value::Event(_) => {}
            }
        }
        names
    }

    fn begins_at_the_first(&self) -> bool {
        !matches!(Reader::open_storage(Arc::clone(&self.files), 1), Err(JournalError::Gone { .. }))
    }

    /// The commands that opened the venue, as far as they can be read.
    fn opening(&self) -> Vec<Command> {
        let mut opening = Vec::new();
        let Ok(mut reader) = self.reader(1) else { return opening };
        while let Ok(Some(record)) = reader.next()
            && let Ok(Entry { value: Value::Command(command), .. }) = self.decode(&record)
            && opening.len() < OPENING_MAX
        {
            opening.push(command);
            if matches!(command, Command::Venue(VenueCommand::Open { .. })) {
                break;
            }
        }
        opening
    }

    /// The opening commands, from the newest readable snapshot.
    fn opening_in_snapshot(&self) -> Vec<Command> {
        let snapshots = Snapshots::new(self.snapshots_dir());
        let positions = snapshots.positions().unwrap_or_default();
        let loaded = positions.into_iter().find_map(|position| snapshots.load(position).ok());
        loaded.map(|(state, _)| state.opening).unwrap_or_default()
    }

    /// Scans the whole journal, with or without a running engine.
    pub(super) fn judge(&self) -> Judgement {
        self.judge_from(0)
    }

    fn judge_from(&self, sequence: u64) -> Judgement {
        match scan_beside_from(&self.files, sequence) {
            Ok(FoundBeside { scanned, is_live }) => Judgement { scanned: Ok(scanned), is_live },
            Err(error) => Judgement { scanned: Err(error), is_live: false },
        }
    }

    /// Checks, after a reader has read everything from `from` on, that it stopped at the end and not at damage.
    ///
    /// # Errors
    /// [`JournalError::Damaged`], or [`Torn`].
    pub(super) fn check_end(&self, from: u64) -> anyhow::Result<()> {
        self.judge_from(from).into_result().map(|_| ())
    }

    /// The files in its directory.
    pub(super) fn listing(&self) -> anyhow::Result<Listing> {
        let mut listing = Listing::default();
        let files = self.raw.files().with_context(|| format!("cannot list {}", self.dir().display()))?;
        for (name, bytes) in files {
            if let Some(number) = name.strip_suffix(SEGMENT).and_then(|number| number.parse().ok()) {
                listing.segments.push((number, bytes));
            } else if name.ends_with(ARCHIVED) {
                listing.archived.push((name, bytes));
            }
        }
        listing.segments.sort_unstable();
        listing.archived.sort_unstable();
        listing.snapshots = self.snapshots();
        Ok(listing)
    }

    /// Whether the segment is an unused spare.
    pub(super) fn is_spare(&self, number: u64) -> bool {
        let mut base = [u8::MAX; 8];
        let file = self.files.open(&segment_name(number));
        let read = file.and_then(|file| file.read_at(&mut base, BASE_SEQUENCE_AT as u64));
        read.is_ok_and(|read| read == base.len()) && base == [0; 8]
    }

    /// The data directory that this journal or event log belongs to; `None` if it is separate.
    pub(super) fn data_dir(&self) -> Option<DataDir> {
        let name = self.dir().file_name()?;
        let data = self.dir().parent()?;
        let beside = ["journal", "events", "snapshots"].into_iter().filter(|other| name != *other);
        let is_part = (name == "journal" || name == "events")
            && beside.into_iter().any(|other| data.join(other).is_dir());
        is_part.then(|| DataDir::new(data))
    }

    /// The data directory, or one with only this journal; `None` for a separate event log.
    pub(super) fn as_data_dir(&self) -> Option<DataDir> {
        let alone = || -> Arc<dyn Storage> { Arc::new(MemoryStorage::new()) };
        self.data_dir().or_else(|| match self.content {
            Content::Commands => {
                let folders = [alone(), Arc::clone(&self.raw), alone(), alone(), alone()];
                Some(DataDir::of(self.dir(), folders))
            }
            Content::Events => None,
        })
    }

    /// The records missing before its first record.
    pub(super) fn missing(&self) -> Option<String> {
        let missing = Missing::before(&self.raw).ok().flatten();
        missing.map(|missing| outlook::missing(&missing, self.content.singular()))
    }

    /// The records missing before the first record of the other log in its data directory.
    pub(super) fn missing_beside(&self) -> Vec<String> {
        let Some(data) = self.data_dir() else { return Vec::new() };
        let other = match self.content {
            Content::Commands => ("event log", data.event_log(), Content::Events.singular()),
            Content::Events => ("journal", data.journal(), Content::Commands.singular()),
        };
        let logs = [other, ("market data", data.market_data(), "message")];
        let missing = logs.into_iter().filter_map(|(log, files, noun)| {
            let missing = Missing::before(files).ok().flatten()?;
            Some(format!("{log}: {} are missing", outlook::missing(&missing, noun)))
        });
        missing.collect()
    }

    /// The snapshots of the data directory, located from its journal.
    pub(super) fn snapshots_dir(&self) -> Arc<dyn Storage> {
        let data = self.dir().parent().unwrap_or(Path::new(".."));
        Arc::new(FileStorage::new(&data.join("snapshots")))
    }

    /// Names, positions and sizes of the snapshots beside the journal.
    fn snapshots(&self) -> Vec<(String, u64, u64)> {
        let files = self.snapshots_dir().files().unwrap_or_default();
        let of = |(name, bytes): (String, u64)| {
            let position = name.strip_suffix(SNAPSHOT)?.parse().ok()?;
            Some((name, position, bytes))
        };
        let mut snapshots: Vec<_> = files.into_iter().filter_map(of).collect();
        snapshots.sort_unstable();
        snapshots
    }
}

/// Describes which log a data directory lacks, and what to do.
fn lacking(data: &Path, events: bool) -> String {
    let [journal, log] = ["journal", "events"].map(|name| data.join(name));
    let (journal, log) = (journal.display(), log.display());
    match events {
        true => format!(
            "no event log in {}: {log} has no segment (0000000001.seg, …). The next start of an engine makes it again from the \
             journal, if that is complete; leave --events out to read the journal",
            data.display()
        ),
        false => format!(
            "no journal in {}: {journal} has no segment (0000000001.seg, …). Without its journal no engine starts on what is left: \
             put it back from a backup; --events reads the event log",
            data.display()
        ),
    }
}

/// The files of a journal and the snapshots beside it, by number or name.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Number and size of every segment file, including spares.
    pub(super) segments: Vec<(u64, u64)>,
    /// Name and size of every archived segment.
    pub(super) archived: Vec<(String, u64)>,
    /// Name, position and size of every snapshot.
    pub(super) snapshots: Vec<(String, u64, u64)>,
}

/// The name of a segment's file.
pub(super) fn segment_name(number: u64) -> String {
    format!("{number:010}{SEGMENT}")
}

/// A bar on stderr that counts the bytes read; hidden if stderr is not a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// Number of each segment, and the total size of the segments before it.
    starts: Vec<(u64, u64)>,
}

/// Number of records between two updates of the bar.
const PROGRESS_EVERY: u64 = 1 << 14;

impl Progress {
    /// A bar over all segments in use.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub(super) fn of(source: &Source) -> anyhow::Result<Self> {
        let mut bytes = 0;
        let mut starts = Vec::new();
        for (number, length) in source.listing()?.segments {
            starts.push((number, bytes));
            bytes += if source.is_spare(number) { 0 } else { length };
        }
        let template = "reading {bar:30} {binary_bytes} of {binary_total_bytes}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("the template is fixed");
        let bar = ProgressBar::new(bytes).with_finish(ProgressFinish::AndClear);
        Ok(Self { bar: bar.with_style(style), starts })
    }

    /// A hidden bar.
    pub(super) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), starts: Vec::new() }
    }

    /// Updates the bar after a record was read.
    pub(super) fn at(&self, record: &Record<'_>) {
        if record.sequence.is_multiple_of(PROGRESS_EVERY) {
            let position = record.position();
            let start = self.starts.iter().find(|(number, _)| *number == position.segment);
            self.bar.set_position(start.map_or(0, |(_, bytes)| bytes + position.offset));
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A count with the noun of the content: `1 command`, `2,000 events`.
pub(super) fn count(value: u64, content: Content) -> String {
    show::count(value, content.singular())
}
