//! Brings the database's files to the disk while they are written, so that SQLite's own syncs find little to do.
//!
//! A checkpoint writes 64 MiB into the page cache and then syncs them: a burst that the journal's next sync would stand behind,
//! 20 ms and more, for a disk takes what it was once given. Here a thread has the system begin with what is there, every
//! millisecond while the writer writes; so the disk has about a millisecond of work before it at any time.

use crate::runtime::{Next, Priority, SideThread};
use dojima_journal::passing::retry;
use dojima_journal::storage::WriteAt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the system is asked to begin.
const BEAT: Duration = Duration::from_millis(1);

/// The thread. It must end after the connection: while it lives it has the database file open, and to close any descriptor of that
/// takes the process's locks on it away, SQLite's with them.
pub(super) struct WriteBehind {
    is_writing: Arc<AtomicBool>,
    thread: SideThread,
}

impl WriteBehind {
    /// For the database of this path, and its write-ahead log.
    pub(super) fn begin(database: &Path, wal_path: PathBuf) -> io::Result<Self> {
        let database = retry(|| File::open(database))?;
        let is_writing = Arc::new(AtomicBool::new(false));
        let (writes, mut wal) = (Arc::clone(&is_writing), None);
        let thread = SideThread::begin("sql-write-behind", Priority::Idle, move || {
            if !writes.load(Ordering::Acquire) {
                return Next::Sleep;
            }
            // The log is made when the first transaction is written, and stays as long as the connection does.
            wal = wal.take().or_else(|| File::open(&wal_path).ok());
            for file in wal.iter().chain([&database]) {
                file.start_write_back(0..i64::MAX as u64);
            }
            Next::SleepFor(BEAT)
        })?;
        Ok(Self { is_writing, thread })
    }

    /// From now on until it is told otherwise there is something to write.
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
                // SQLite has one of the log, and the thread another when it has begun. Time for more of its beats.
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
