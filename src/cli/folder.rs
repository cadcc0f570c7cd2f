//! Classifies a path from the command line, and suggests the right path if the command needs another one.

use crate::recovery::DataDir;
use dojima_journal::storage::{FileStorage, Storage};
use dojima_journal::{ArchivedStorage, Reader};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The kind of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The path does not exist.
    Nothing,
    /// The path cannot be read.
    Closed,
    /// A file, or anything else that is not a directory.
    File,
    /// The data directory of an engine, complete or incomplete.
    Data,
    /// A directory inside a data directory, or a copy of one.
    Part(Part),
    /// An empty directory.
    Empty,
    /// A directory with other contents.
    Other,
}

/// A directory inside a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Segments of commands.
    Journal,
    /// Segments of events.
    EventLog,
    /// Segments of ITCH messages, or checkpoints of the feed.
    MarketData,
    /// Snapshots.
    Snapshots,
    /// Segments whose content is unknown.
    Segments,
}

impl Part {
    const NAMED: [(Self, &'static str); 4] = [
        (Self::Journal, "journal"),
        (Self::EventLog, "events"),
        (Self::MarketData, "market-data"),
        (Self::Snapshots, "snapshots"),
    ];

    /// Its name in a data directory.
    fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find_map(|(part, name)| (*part == self).then_some(*name))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal => "a journal",
            Self::EventLog => "an event log",
            Self::MarketData => "a log of market data",
            Self::Snapshots => "a directory of snapshots",
            Self::Segments => "a directory of segments that do not say what they hold",
        })
    }
}

/// A path and its kind.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The kind of the path.
    pub kind: Kind,
    /// The system's error, if the path could not be read.
    error: Option<io::Error>,
}

impl Folder {
    /// Examines the path.
    pub fn at(path: &Path) -> Self {
        let (kind, error) = match (std::fs::metadata(path), std::fs::read_dir(path)) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => (Kind::Nothing, Some(error)),
            (Err(error), _) => (Kind::Closed, Some(error)),
            (Ok(found), _) if !found.is_dir() => (Kind::File, None),
            // Its directories may be readable although it cannot be listed itself.
            (Ok(_), _) if is_data(path) => (Kind::Data, None),
            (Ok(_), Err(error)) => (Kind::Closed, Some(error)),
            (Ok(_), Ok(mut entries)) => match part(path) {
                Some(part) => (Kind::Part(part), None),
                None if entries.next().is_none() => (Kind::Empty, None),
                None => (Kind::Other, None),
            },
        };
        Self { path: path.to_owned(), kind, error }
    }

    /// An error with the message `why` and the system's error, if there is one.
    pub fn error(self, why: String) -> anyhow::Error {
        match self.error {
            Some(error) => anyhow::Error::new(error).context(why),
            None => anyhow::Error::msg(why),
        }
    }

    /// The data directory that contains it; `None` if it is elsewhere, such as a copy.
    pub fn data_dir(&self) -> Option<PathBuf> {
        let whole = || self.path.canonicalize().ok();
        let parent = match self.path.file_name() {
            // A relative path such as `data/journal` keeps its form in messages. `.` does not contain its parent, so it is
            // made absolute.
            Some(_) => self.path.parent().map(Path::to_owned),
            None => whole()?.parent().map(Path::to_owned),
        }?;
        let parent = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent };
        match self.kind {
            _ if is_data(&parent) => Some(parent),
            Kind::File => Self::at(&parent).data_dir(),
            _ => None,
        }
    }

    /// The only data directory directly inside it, for a user who named the parent directory.
    pub fn data_dir_inside(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(&self.path).ok()?;
        let mut found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_data(path));
        found.next().filter(|_| found.next().is_none())
    }

    /// Why the path is not a data directory, with a better path if there is one; `None` if it is one.
    pub fn no_data_dir(&self) -> Option<String> {
        let path = self.path.display();
        let inside = || match self.data_dir_inside() {
            Some(data) => format!("; {} is one", data.display()),
            None => "; a data directory has journal/ in it, and `dojima serve` makes one".to_owned(),
        };
        match self.kind {
            Kind::Data => None,
            Kind::Nothing => {
                Some(format!("no data directory {path} (--data names one, and `dojima serve` makes one)"))
            }
            Kind::Closed => Some(format!("cannot look into {path}")),
            Kind::Empty => Some(format!("no data directory: {path} is empty{}", inside())),
            Kind::Other => {
                Some(format!("no data directory: {path} has nothing of an engine in it{}", inside()))
            }
            Kind::File | Kind::Part(_) => self.of_a_data_dir(),
        }
    }

    /// Why no engine may create a data directory here: the path is a file, or belongs to a data directory. Otherwise `None`.
    pub fn of_a_data_dir(&self) -> Option<String> {
        let path = self.path.display();
        let what = match self.kind {
            Kind::Nothing | Kind::Closed | Kind::Data | Kind::Empty | Kind::Other => return None,
            Kind::File => format!("{path} is a file, and no data directory"),
            Kind::Part(part) => format!("{path} is {part}, and no data directory by itself"),
        };
        let instead = match (self.data_dir(), self.kind) {
            (Some(data), _) => format!(": it belongs to {0}, so say --data {0}", data.display()),
            (None, Kind::Part(part)) => match part.name() {
                Some("journal") => ": make a directory, and put it there as journal/".to_owned(),
                Some(name) => format!(": make a directory, and put it there as {name}/, with its journal/"),
                None => String::new(),
            },
            (None, _) => String::new(),
        };
        Some(what + &instead)
    }

    /// Why the path has neither a journal nor an event log, with a better path if there is one.
    pub fn no_log(&self) -> String {
        let path = self.path.display();
        let data = self.data_dir();
        if self.kind == Kind::Closed {
            return format!("cannot look into {path}");
        }
        let beside = data.as_ref().map(|data| format!("; the journal is {}", data.join("journal").display()));
        let beside = beside.unwrap_or_default();
        match self.kind {
            Kind::Nothing | Kind::Closed => {
                format!("no directory {path} (a data directory, a journal or an event log is meant)")
            }
            Kind::File => {
                let lies_in = self.path.parent().map(Self::at).and_then(|parent| match parent.kind {
                    Kind::Data | Kind::Part(Part::Journal | Part::EventLog | Part::Segments) => {
                        Some(parent.path)
                    }
                    _ => data,
                });
                match lies_in {
                    Some(dir) => {
                        format!("{path} is a file, no directory: name {}, in which it lies", dir.display())
                    }
                    None => format!("{path} is a file, no directory"),
                }
            }
            Kind::Empty => format!(
                "no journal in {path}: it is empty. A data directory (journal/ is in it), a journal or an event log is meant"
            ),
            Kind::Part(Part::MarketData) => {
                let place = data.unwrap_or_else(|| PathBuf::from("DIR"));
                let place = place.display();
                format!(
                    "no journal in {path}: it is a log of market data. `dojima itch --data {place} --out FILE` writes that for \
                     ITCH parsers, and `dojima verify --data {place}` checks it{beside}"
                )
            }
            Kind::Part(Part::Snapshots) => format!(
                "no journal in {path}: it is a directory of snapshots, which `summary` of the journal lists{beside}"
            ),
            Kind::Data => format!("no journal in {path}: of a data directory it has other parts only"),
            Kind::Part(Part::Journal | Part::EventLog | Part::Segments) | Kind::Other => {
                let instead = match self.data_dir_inside() {
                    Some(data) => format!("; is {} meant, which is a data directory?", data.display()),
                    None => beside,
                };
                format!(
                    "no journal in {path}: it has no segment (0000000001.seg, …), and is no data directory (journal/ is in \
                     one){instead}"
                )
            }
        }
    }
}

/// Whether it contains a directory with the name of a data directory's part.
fn is_data(path: &Path) -> bool {
    Part::NAMED.iter().any(|(_, name)| path.join(name).is_dir())
}

/// Which part of a data directory it is: according to its segment headers, otherwise its files and its name.
fn part(path: &Path) -> Option<Part> {
    let files: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::new(FileStorage::new(path))));
    let listed = files.files().ok()?;
    let has = |suffix: &str| listed.iter().any(|(name, _)| name.ends_with(suffix));
    if !has(".seg") {
        return has(".snap").then_some(Part::Snapshots);
    }
    let said = Reader::open_segment_of(files, u64::MAX).ok().and_then(|reader| reader.content());
    let by_tag = [
        (DataDir::COMMANDS, Part::Journal),
        (DataDir::EVENTS, Part::EventLog),
        (DataDir::MESSAGES, Part::MarketData),
    ];
    let said = said.and_then(|said| by_tag.iter().find(|(tag, _)| tag.kind == said.kind));
    // No segment can be read, or the segments have a version without a content kind.
    let by_name =
        || Part::NAMED.into_iter().find(|(_, name)| path.file_name().is_some_and(|own| own == *name));
    Some(said.map(|(_, part)| *part).or(by_name().map(|(part, _)| part)).unwrap_or(Part::Segments))
}
