//! Why a snapshot cannot be saved or loaded.

use dojima_journal::passing::Told;
use std::io;
use std::path::PathBuf;

/// Why a snapshot cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The operating system reported an error.
    #[error("cannot {action} {}: {}", path.display(), Told(source))]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// The file differs from what was written.
    #[error(
        "snapshot {} is damaged at byte {offset}: {why}; an older snapshot, or the whole journal, gives the same state",
        file.display()
    )]
    Damaged {
        file: PathBuf,
        /// The offset of the first wrong header field, chunk or record.
        offset: u64,
        why: String,
    },
    /// The file was written in another version of the format.
    #[error(
        "snapshot {} has format version {found}, but this build reads version {supported}; start the dojima that wrote \
         it, or move the snapshot away: an older one, or the whole journal, gives the same state", file.display()
    )]
    UnknownVersion {
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
}
