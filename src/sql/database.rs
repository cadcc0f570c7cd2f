//! An open database file: statements, errors that name the file, and the files beside it.

use super::error::SqlError;
use super::people::People;
use super::write_behind::WriteBehind;
use dojima_journal::passing::retry;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one statement waits for a lock; after that the batch is tried again later.
pub(super) const BUSY_WAIT: Duration = Duration::from_millis(50);

/// The size of the cache of prepared statements.
const STATEMENTS_KEPT: usize = 64;

/// A connection with its file's name, for errors, and the identity of its files when it was opened.
pub(crate) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) people: People,
    pub(super) file: Option<FileIdentity>,
    /// The identity of the write-ahead log and its index, when they were last seen in place.
    beside: [Option<FileIdentity>; 2],
    /// Declared after the connection, because it must be dropped after it; see [`WriteBehind`].
    pub(super) write_behind: Option<WriteBehind>,
}

/// Suffixes of the files beside a database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Device and inode: the identity of a file, whatever its name.
pub(super) type FileIdentity = (u64, u64);

pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Whether the file of this name is another file or missing. A file that temporarily cannot be queried counts as in
/// place.
fn is_another(path: &Path, own: FileIdentity) -> bool {
    match std::fs::metadata(path) {
        Ok(found) => (found.dev(), found.ino()) != own,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

impl Database {
    /// Whether the opened file still has its name. A deleted or replaced file still accepts writes, but nothing could
    /// ever read them.
    pub(crate) fn is_in_place(&mut self) -> bool {
        let in_place = !self.file.is_some_and(|own| is_another(&self.path, own));
        if in_place {
            self.note_files_beside();
        }
        in_place
    }

    /// Records the identity of the present files beside the database.
    pub(super) fn note_files_beside(&mut self) {
        self.beside = BESIDE.map(|suffix| identity(&suffixed(&self.path, suffix)));
    }

    /// Closes a database whose file is no longer in place, and removes its own files beside it. SQLite would leave
    /// them, and would later use them with another file of that name, such as a backup.
    pub(crate) fn abandon(self) {
        let Self { connection, path, beside, write_behind, .. } = self;
        drop(connection);
        drop(write_behind);
        for (suffix, own) in BESIDE.iter().zip(beside) {
            let name = suffixed(&path, suffix);
            if own.is_some()
                && identity(&name) == own
                && let Err(error) = std::fs::remove_file(&name)
            {
                tracing::warn!("{}: cannot be removed: {error}", name.display());
            }
        }
    }

    /// Adapter for `map_err`: names the file.
    pub(super) fn error(&self) -> impl Fn(rusqlite::Error) -> SqlError + use<> {
        let path = self.path.clone();
        move |source| SqlError::Database { path: path.clone(), source }
    }

    /// The error for a value in a table that the program never writes.
    pub(super) fn content(&self, what: String) -> SqlError {
        SqlError::Content { path: self.path.clone(), what }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file beside the database with this suffix.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        suffixed(&self.path, suffix)
    }

    pub(super) fn run(&self, sql: &str) -> Result<(), SqlError> {
        self.connection.execute_batch(sql).map_err(self.error())
    }

    pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Self, SqlError> {
        let named = |source| SqlError::Database { path: path.to_owned(), source };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(named)?;
        connection.busy_timeout(BUSY_WAIT).map_err(named)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(Self {
            connection,
            path: path.to_owned(),
            people: People::default(),
            file: None,
            beside: [None; 2],
            write_behind: None,
        })
    }

    pub(super) fn pragma(&self, name: &str) -> Result<i64, SqlError> {
        self.connection.pragma_query_value(None, name, |row| row.get(0)).map_err(self.error())
    }

    /// Runs these statements in one transaction: all or none.
    pub(super) fn transact(&self, sql: &str) -> Result<(), SqlError> {
        let done = self.run(&format!("BEGIN IMMEDIATE; {sql} COMMIT;"));
        if done.is_err() && !self.connection.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        done
    }

    /// Starts a thread that requests write-back while data is written. Without a thread or a descriptor, writing
    /// continues as before.
    pub(crate) fn write_behind(&mut self) {
        match WriteBehind::begin(self.path(), self.beside("-wal")) {
            Ok(write_behind) => self.write_behind = Some(write_behind),
            Err(error) => {
                tracing::warn!("{}: is not written behind: {error}", self.path().display());
            }
        }
    }

    /// Runs a function that writes much data.
    pub(super) fn writing<R>(&self, write: impl FnOnce() -> R) -> R {
        let say = |is_writing| self.write_behind.iter().for_each(|thread| thread.set_writing(is_writing));
        say(true);
        let result = write();
        say(false);
        result
    }
}

/// Renames the database and its files to `NAME.LABEL-N` with the first free N, and returns that name. No connection to
/// it may be open.
pub(crate) fn set_aside(path: &Path, label: &str) -> Result<PathBuf, SqlError> {
    let mut number = 1;
    let aside = loop {
        let candidate = suffixed(path, &format!(".{label}-{number}"));
        if !candidate.exists() {
            break candidate;
        }
        number += 1;
    };
    // The write-ahead log is renamed first: left behind, it would be used with the next database of that name.
    for suffix in ["-wal", "-shm", ""] {
        match retry(|| std::fs::rename(suffixed(path, suffix), suffixed(&aside, suffix))) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            moved => moved.map_err(|source| SqlError::SetAside { path: path.to_owned(), source })?,
        }
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_aside_keep_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dojima.db");
        for expected in ["dojima.db.ahead-1", "dojima.db.ahead-2"] {
            std::fs::write(&path, expected).expect("written");
            std::fs::write(folder.path().join("dojima.db-wal"), expected).expect("written");
            let aside = set_aside(&path, "ahead").expect("moved");
            assert_eq!(aside, folder.path().join(expected));
            assert_eq!(std::fs::read_to_string(&aside).expect("there"), expected);
            let wal = std::fs::read_to_string(folder.path().join(format!("{expected}-wal")));
            assert_eq!(wal.expect("there"), expected);
        }
        assert!(!path.exists());
    }
}
