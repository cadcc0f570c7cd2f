//! The write-ahead log of the database: moved into the database, made small again, and synced by itself while a reader
//! keeps it from being moved.
//!
//! Whoever reads holds the log up: what was written after the beginning of a transaction stays in it until that
//! transaction ends. So anybody who may read can make it grow. It must never stop the writer, and never what waits for
//! the database to be on the disk.

use super::database::{BUSY_WAIT, Database};
use super::error::SqlError;
use dojima_journal::passing::retry;
use dojima_journal::storage::NotSynced;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The log may keep this size when all of it was moved, bytes: to write over it is cheaper than to make it longer. It is
/// above what is there when it is moved by itself, 64 MiB, and a batch of a writer that is behind (about 30 MiB).
pub const WAL_KEPT_BYTES: u64 = 128 << 20;

/// Pages of 4 KiB in the log that make a commit move it: 64 MiB. Each time both files are synced, and a page that was written
/// again meanwhile is moved once.
pub(super) const MOVED_PAGES: u32 = 16_384;

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Everything that was committed is in the database file, and synced.
    All,
    /// A reader holds some of it up.
    Part,
}

impl Database {
    /// The size of the write-ahead log, bytes; 0 without one.
    pub(crate) fn wal_bytes(&self) -> u64 {
        fs::metadata(self.beside("-wal")).map_or(0, |found| found.len())
    }

    /// Moves what the write-ahead log has into the database, which syncs both; a log that has become large is cut to
    /// nothing if nobody reads. Waits for nobody.
    pub(crate) fn checkpoint(&self) -> Result<Moved, SqlError> {
        let mode = if self.wal_bytes() > WAL_KEPT_BYTES { "TRUNCATE" } else { "PASSIVE" };
        // To cut the log it would wait for those who read.
        self.connection.busy_timeout(Duration::ZERO).map_err(self.error())?;
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let moved = self.writing(|| {
            self.connection.query_row(&pragma, [], |row| {
                // The first column says whether something could not be had: the cut, too, which changes nothing of what was
                // moved. When nothing was looked at, the numbers are -1.
                let (in_log, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(if in_log >= 0 && in_log == moved { Moved::All } else { Moved::Part })
            })
        });
        self.connection.busy_timeout(BUSY_WAIT).map_err(self.error())?;
        moved.map_err(self.error())
    }

    /// Syncs the write-ahead log as it is, and the folder for its name: from then on no loss of power takes what was
    /// committed before.
    ///
    /// # Errors
    /// [`NotSynced::Failed`]: after that, nothing that this says can be believed, for the system may have given up what it could
    /// not write. [`NotSynced::Unopened`]: nothing was done.
    pub(crate) fn sync_wal(&self) -> Result<(), NotSynced> {
        // SQLite has its locks on the other two files, so closing this one takes none away.
        let wal = self.beside("-wal");
        let open = |path: &Path| retry(|| File::open(path)).map_err(NotSynced::Unopened);
        open(&wal)?.sync_data().map_err(NotSynced::Failed)?;
        let folder = wal.parent().filter(|folder| !folder.as_os_str().is_empty());
        open(folder.unwrap_or(Path::new(".")))?.sync_all().map_err(NotSynced::Failed)
    }

    /// The processes that read, as far as the system tells: those with a lock of a reader on the index of the log.
    pub(crate) fn readers(&self) -> Vec<u32> {
        let index: PathBuf = self.beside("-shm");
        match (fs::metadata(index), fs::read_to_string("/proc/locks")) {
            (Ok(index), Ok(locks)) => readers(&locks, index.ino()),
            _ => Vec::new(),
        }
    }
}

/// The bytes of the index that readers lock while a transaction lasts (SQLite's format of the WAL index: five marks).
const READ_MARKS: std::ops::RangeInclusive<u64> = 123..=127;

/// The processes that `/proc/locks` has with a reader's lock on the file of this inode.
fn readers(locks: &str, inode: u64) -> Vec<u32> {
    let own = std::process::id();
    let holder = |line: &str| -> Option<u32> {
        // 1: POSIX  ADVISORY  READ 1234 08:01:5678 124 124
        let mut words = line.split_ascii_whitespace().skip(3);
        let (kind, process, file, from) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let is_mark = READ_MARKS.contains(&from.parse().ok()?);
        let is_file = file.rsplit(':').next()?.parse() == Ok(inode);
        // A process that cannot be seen from here has a number of 0 or below.
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
