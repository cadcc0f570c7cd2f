//! The database's write-ahead log (WAL): moved into the database, truncated, and synced separately while a reader
//! prevents the move.
//!
//! Every open read transaction delays the WAL: data written after the transaction began stays in the WAL until it ends.
//! So any reader can make the WAL grow. A reader must never stop the writer, nor delay the agents that wait for the
//! database to be on disk.

use super::database::{BUSY_WAIT, Database};
use super::error::SqlError;
use dojima_journal::NotSynced;
use dojima_journal::passing::retry;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The WAL may keep this size after all of it was moved, bytes: overwriting it is cheaper than extending it. The size
/// is above the size at which it is moved automatically, 64 MiB, plus a batch of a writer that is behind (about 30
/// MiB).
pub const WAL_KEPT_BYTES: u64 = 128 << 20;

/// The WAL size in pages of 4 KiB at which a commit moves it: 64 MiB. Each move syncs both files, and a page that was
/// written several times is moved once.
pub(super) const MOVED_PAGES: u32 = 16_384;

/// The result of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Everything committed is in the database file, and synced.
    All,
    /// A reader prevented a part of the move.
    Part,
}

impl Database {
    /// The size of the WAL, bytes; 0 if there is none.
    pub(crate) fn wal_bytes(&self) -> u64 {
        fs::metadata(self.beside("-wal")).map_or(0, |found| found.len())
    }

    /// Moves the WAL into the database, which syncs both. A large WAL is truncated if there is no reader. Does not wait
    /// for readers.
    pub(crate) fn checkpoint(&self) -> Result<Moved, SqlError> {
        let mode = if self.wal_bytes() > WAL_KEPT_BYTES { "TRUNCATE" } else { "PASSIVE" };
        // With a timeout, truncating would wait for readers.
        self.connection.busy_timeout(Duration::ZERO).map_err(self.error())?;
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let moved = self.writing(|| {
            self.connection.query_row(&pragma, [], |row| {
                // The first column says whether something was busy, including the truncation, which does not affect
                // what was moved. If nothing was examined, the numbers are -1.
                let (in_log, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(if in_log >= 0 && in_log == moved { Moved::All } else { Moved::Part })
            })
        });
        self.connection.busy_timeout(BUSY_WAIT).map_err(self.error())?;
        moved.map_err(self.error())
    }

    /// Syncs the WAL as it is, and the directory for its name. Everything committed before then survives a power loss.
    ///
    /// # Errors
    /// [`NotSynced::Failed`]: later results of this function prove nothing, because the system may have dropped
    /// unwritten pages. [`NotSynced::Unopened`]: nothing was done.
    pub(crate) fn sync_wal(&self) -> Result<(), NotSynced> {
        // SQLite holds its locks on the other two files, so closing this one releases none of them.
        let wal = self.beside("-wal");
        let open = |path: &Path| retry(|| File::open(path)).map_err(NotSynced::Unopened);
        open(&wal)?.sync_data().map_err(NotSynced::Failed)?;
        let folder = wal.parent().filter(|folder| !folder.as_os_str().is_empty());
        open(folder.unwrap_or(Path::new(".")))?.sync_all().map_err(NotSynced::Failed)
    }

    /// The ids of reading processes, as far as visible: those with a reader's lock on the WAL index.
    pub(crate) fn readers(&self) -> Vec<u32> {
        let index: PathBuf = self.beside("-shm");
        match (fs::metadata(index), fs::read_to_string("/proc/locks")) {
            (Ok(index), Ok(locks)) => readers(&locks, index.ino()),
            _ => Vec::new(),
        }
    }
}

/// The bytes of the WAL index that readers lock during a transaction (SQLite's format: five read marks).
const READ_MARKS: std::ops::RangeInclusive<u64> = 123..=127;

/// The processes that have a reader's lock on the file with this inode, according to `/proc/locks`.
fn readers(locks: &str, inode: u64) -> Vec<u32> {
    let own = std::process::id();
    let holder = |line: &str| -> Option<u32> {
        // 1: POSIX  ADVISORY  READ 1234 08:01:5678 124 124
        let mut words = line.split_ascii_whitespace().skip(3);
        let (kind, process, file, from) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let is_mark = READ_MARKS.contains(&from.parse().ok()?);
        let is_file = file.rsplit(':').next()?.parse() == Ok(inode);
        // A process in another namespace has a number of 0 or below.
        let process: u32 = process.parse().ok().filter(|process| *process > 0 && *process != own)?;
        (kind == "READ" && is_mark && is_file).then_some(process)
    };
    let mut found: Vec<u32> = locks.lines().filter_map(holder).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_those_with_a_mark_of_the_index() {
        let locks = "1: POSIX  ADVISORY  READ 41 08:01:77 124 124\n\
                     2: POSIX  ADVISORY  READ 42 08:01:77 128 128\n\
                     3: POSIX  ADVISORY  WRITE 43 08:01:77 125 125\n\
                     4: POSIX  ADVISORY  READ 44 08:01:78 124 124\n\
                     5: POSIX  ADVISORY  READ 40 08:01:77 127 127\n\
                     6: POSIX  ADVISORY  READ 41 08:01:77 123 123\n\
                     7: POSIX  ADVISORY  READ -1 08:01:77 123 123\n\
                     8: -> FLOCK\n";
        assert_eq!(readers(locks, 77), [40, 41]);
        assert!(readers("", 77).is_empty());
    }
}
