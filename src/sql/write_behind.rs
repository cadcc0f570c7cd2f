//! Starts the write-back of the database's files while they are written, so that SQLite's own syncs have little to do.
//!
//! A checkpoint writes 64 MiB into the page cache and then syncs them. The journal's next sync would wait behind this
//! burst for 20 ms and more, because a disk completes the writes it has accepted. So a thread requests the write-back
//! of present data every millisecond while the writer writes. The disk then never has much more than a millisecond of
//! work queued.

use crate::runtime::{Next, Priority, SideThread};
use dojima_journal::passing::retry;
use dojima_journal::storage::WriteAt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The interval of the requests.
const BEAT: Duration = Duration::from_millis(1);

/// The thread. It must end after the connection. It has the database file open, and closing any descriptor of that file
/// releases all of the process's locks on it, including those of SQLite.
pub(super) struct WriteBehind {
    is_writing: Arc<AtomicBool>,
    thread: SideThread,
}

impl WriteBehind {
    /// For the database at this path and its write-ahead log.
    pub(super) fn begin(database: &Path, wal_path: PathBuf) -> io::Result<Self> {
        let database = retry(|| File::open(database))?;
        let is_writing = Arc::new(AtomicBool::new(false));
        let (writes, mut wal) = (Arc::clone(&is_writing), None);
        let thread = SideThread::begin("sql-write-behind", Priority::Idle, move || {
            if !writes.load(Ordering::Acquire) {
                return Next::Sleep;
            }
            // The log is created by the first transaction and exists as long as the connection.
            wal = wal.take().or_else(|| File::open(&wal_path).ok());
            for file in wal.iter().chain([&database]) {
                file.start_write_back(0..i64::MAX as u64);
            }
            Next::SleepFor(BEAT)
        })?;
        Ok(Self { is_writing, thread })
    }

    /// Tells the thread whether data is being written.
    pub(super) fn set_writing(&self, is_writing: bool) {
        self.is_writing.store(is_writing, Ordering::Release);
        if is_writing {
            self.thread.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::{Database, suffixed};
    use super::super::people::People;
    use super::*;
    use rusqlite::{Connection, OpenFlags};

    #[test]
    fn the_locks_of_the_connection_stay_while_files_are_written_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("it is there").join("dojima.db");
        let mut database = Database::open(&path, &People::default()).expect("made");
        database.write_behind();
        let locks = || std::fs::read_to_string("/proc/locks").expect("the system tells");
        let inode = format!(":{} ", std::os::unix::fs::MetadataExt::ino(&path.metadata().expect("there")));
        let own = format!(" {} ", std::process::id());
        let is_locked = || locks().lines().any(|line| line.contains(&inode) && line.contains(&own));
        let descriptors = || {
            let open = std::fs::read_dir("/proc/self/fd").expect("the system tells").flatten();
            let names = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
            names.filter(|name| *name == suffixed(&path, "-wal")).count()
        };
        database
            .writing(|| {
                let done = database.run("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('a', 'b')");
                // SQLite has one descriptor of the log, and the thread gets another one when it has started. Waits for
                // some intervals.
                while descriptors() < 2 {
                    std::thread::yield_now();
                }
                std::thread::park_timeout(20 * BEAT);
                done
            })
            .expect("run");
        assert!(is_locked(), "a connection in this mode has a lock on the file as long as it lives");
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let rows = |path| -> i64 {
            let other = Connection::open_with_flags(path, read_only).expect("open");
            other.query_row("SELECT count(*) FROM meta WHERE key = 'a'", [], |row| row.get(0)).expect("read")
        };
        database.run("COMMIT").expect("committed");
        assert_eq!(rows(&path), 1);
        drop(database);
        assert!(!is_locked());
    }

    #[test]
    fn the_thread_ends_with_the_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut database =
            Database::open(&folder.path().join("dojima.db"), &People::default()).expect("made");
        database.write_behind();
        let is_writing = Arc::clone(&database.write_behind.as_ref().expect("begun").is_writing);
        database.writing(|| assert!(is_writing.load(Ordering::Acquire)));
        assert!(!is_writing.load(Ordering::Acquire), "only while something is written");
        drop(database);
        assert_eq!(Arc::strong_count(&is_writing), 1, "it has ended");
    }
}
