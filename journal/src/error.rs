//! Errors of the journal, grouped by what the caller or operator has to do.

use crate::content::Content;
use crate::passing::{Told, is_passing};
use std::io;
use std::path::{Path, PathBuf};

/// The action named in the error of a failed sync. Such an error is never transient.
const SYNC: &str = "sync";

/// Why a journal cannot be opened, read or prepared.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Acknowledged bytes, or the structure around them, do not verify. Nothing was changed.
    #[error("{}: acknowledged data damaged at byte {offset}{}: {why}", file.display(), due(*sequence))]
    Damaged {
        /// The file with the damage, or the file that is missing.
        file: PathBuf,
        /// Offset of the first byte of the record or field that does not verify.
        offset: u64,
        /// The sequence that was expected at this offset; 0 if unknown.
        sequence: u64,
        /// What does not verify.
        why: String,
    },
    /// The file was written in another version of the format (or its version field is damaged).
    #[error("{}: journal format version {found} at byte {offset}, but this build reads version {supported}", file.display())]
    UnknownVersion {
        /// The file.
        file: PathBuf,
        /// Offset of the version field.
        offset: u64,
        /// The version in the file.
        found: u32,
        /// The version that this build reads.
        supported: u32,
    },
    /// The content (kind and version of payloads) is not the one that was asked for, or differs from the rest of the
    /// journal. Nothing was changed.
    #[error("{}: holds {found}, but {expected} is expected", file.display())]
    OtherContent {
        /// The first file that differs.
        file: PathBuf,
        /// The content in its header.
        found: Content,
        /// The content that was asked for, or that of the segments before.
        expected: Content,
    },
    /// A segment's epoch is below that of the segment before it, in the files or in the options of a new writer.
    /// Nothing was changed.
    #[error("{}: epoch {found} after a segment of epoch {previous}: epochs never go back", file.display())]
    EarlierEpoch {
        /// The file of the segment; if a writer asked for an epoch that is too low, the last segment's file.
        file: PathBuf,
        /// The segment's epoch, or the one that was asked for.
        found: u64,
        /// The epoch of the segment before.
        previous: u64,
    },
    /// Another process (or another writer of this one) has the journal open for writing.
    #[error("journal {} is in use by another engine{}", dir.display(), holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The journal's directory.
        dir: PathBuf,
        /// The id of the process that holds the lock, if it could be read.
        holder: Option<u32>,
    },
    /// The journal was written to between the scan and the lock.
    #[error("journal {} changed after it was scanned; scan it again", dir.display())]
    Changed {
        /// The journal's directory.
        dir: PathBuf,
    },
    /// A reader asked for records older than the oldest segment.
    #[error("journal {} starts at sequence {first}; sequence {asked} is gone", dir.display())]
    Gone {
        /// The journal's directory.
        dir: PathBuf,
        /// The sequence of the oldest record available.
        first: u64,
        /// The sequence that was asked for.
        asked: u64,
    },
    /// The options contradict the limits of the format.
    #[error("journal options: {0}")]
    Options(String),
    /// The operating system reported an error.
    #[error("{}: cannot {action}: {}", path.display(), Told(source))]
    Io {
        /// The action that failed.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// The part of the message that names the expected sequence; empty if it is unknown.
fn due(sequence: u64) -> String {
    if sequence == 0 { String::new() } else { format!(" (sequence {sequence})") }
}

impl JournalError {
    /// Whether the error is transient: nothing was done, and the same call can succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Io { action, source, .. } if *action != SYNC && is_passing(source))
    }

    /// Whether a sync failed: written data may be lost, and a second sync would not report it.
    #[must_use]
    pub fn is_failed_sync(&self) -> bool {
        matches!(self, Self::Io { action, .. } if *action == SYNC)
    }

    /// Adapter for `map_err`: names the path of a file that was not synced.
    pub(crate) fn not_synced(path: &Path) -> impl FnOnce(NotSynced) -> Self {
        move |why| {
            let (action, source) = match why {
                NotSynced::Unopened(source) => ("open", source),
                NotSynced::Failed(source) => (SYNC, source),
            };
            Self::Io { action, path: path.to_owned(), source }
        }
    }

    /// Adapter for `map_err`: names the action and the path of an I/O error.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// Why a record was not appended. The journal is unchanged in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The segment is full and no spare one is ready; try again later.
    #[error("no segment is ready: try again later")]
    NoSpace,
    /// Appended records could not be written. Every later call returns [`AppendError::Poisoned`].
    #[error("{}: cannot write: {why}", file.display())]
    Unwritten {
        /// The file that was being written.
        file: PathBuf,
        /// The operating system's answer.
        why: String,
    },
    /// The payload is too large for any segment.
    #[error("a payload of {bytes} bytes does not fit: the limit is {max}")]
    TooLarge {
        /// Bytes asked for.
        bytes: usize,
        /// Largest payload in bytes.
        max: usize,
    },
    /// Sequences are dense, and this sequence is not the next one.
    #[error("sequence {got} appended where {expected} is next")]
    OutOfOrder {
        /// The next sequence.
        expected: u64,
        /// The sequence given.
        got: u64,
    },
    /// A sync failed earlier. The writer accepts nothing any more.
    #[error("the journal failed to sync earlier and accepts nothing any more")]
    Poisoned,
}

/// Why the journal could not be made durable. A failed sync is never retried: the kernel may have dropped the pages.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The operating system failed to sync. Every later call returns [`SyncError::Poisoned`].
    #[error("{}: cannot sync: {source}", file.display())]
    Failed {
        /// The file that was being synced.
        file: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file could not be opened because of a transient error. Nothing was done, and the next call can succeed.
    #[error("{}: cannot open to sync: {}", file.display(), Told(source))]
    Later {
        /// The file that is to be synced.
        file: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A sync failed earlier.
    #[error("the journal failed to sync earlier and accepts nothing any more")]
    Poisoned,
}

/// Why a file was not synced.
#[derive(Debug)]
pub enum NotSynced {
    /// The file could not be opened, and nothing was done.
    Unopened(io::Error),
    /// The sync failed. It must not be retried: what was not written may be lost.
    Failed(io::Error),
}

impl From<NotSynced> for io::Error {
    fn from(why: NotSynced) -> Self {
        match why {
            NotSynced::Unopened(error) | NotSynced::Failed(error) => error,
        }
    }
}
