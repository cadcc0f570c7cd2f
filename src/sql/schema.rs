//! The database file: made, opened, recognised, moved aside.

use super::error::SqlError;
use super::migrations;
use super::people::People;
use super::wal::{MOVED_PAGES, WAL_KEPT_BYTES};
use super::write_behind::WriteBehind;
use dojima_journal::passing::retry;
use dojima_journal::storage::private_file;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The newest schema that this program knows, and the one that it makes.
pub const SCHEMA_VERSION: i64 = 8;

/// Marks the file as ours (`PRAGMA application_id`): "Doji".
const APPLICATION_ID: i64 = 0x446F_6A69;

const SCHEMA: &str = include_str!("schema.sql");

/// How long one statement waits for a lock that somebody else holds; after that the batch is tried again later.
pub(super) const BUSY_WAIT: Duration = Duration::from_millis(50);

/// Statements that are kept prepared.
const STATEMENTS_KEPT: usize = 64;

/// A connection that knows its file's name, for errors, and which files had its names when it was opened.
pub(crate) struct Database {
    pub(super) connection: Connection,
    path: PathBuf,
    pub(super) people: People,
    file: Option<FileIdentity>,
    /// Of the write-ahead log and its index, as they were last while the file was in place.
    beside: [Option<FileIdentity>; 2],
    /// After the connection: see there.
    pub(super) write_behind: Option<WriteBehind>,
}

/// What the names of the files beside a database end in.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The URI by which SQLite opens a file as one that nobody changes; `None` for a name that is not UTF-8.
fn immutable(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let name = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Some(format!("file:{name}?immutable=1"))
}

/// Device and inode: what a file is whatever its name.
type FileIdentity = (u64, u64);

fn identity(path: &Path) -> Option<FileIdentity> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Whether the file of this name is another one, or none. One that cannot be asked for the moment is in place.
fn is_another(path: &Path, own: FileIdentity) -> bool {
    match std::fs::metadata(path) {
        Ok(found) => (found.dev(), found.ino()) != own,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

impl Database {
    /// Opens the database for writing, as [`Self::open_ours`] does, and gives its accounts and logins these names. A file that
    /// is damaged and does not begin like a database of this program is somebody else's: it must not be moved.
    pub(super) fn open(path: &Path, people: &People) -> Result<Self, SqlError> {
        let mut database = match Self::open_ours(path) {
            Err(error) if error.is_damage() && !begins_like_ours(path) => {
                return Err(SqlError::NotOurs { path: path.to_owned() });
            }
            opened => opened?,
        };
        people.rename(&database.connection).map_err(database.error())?;
        database.people = people.clone();
        Ok(database)
    }

    /// Opens the database for writing. It is made first if it is not there, and brought up to the present schema if it
    /// is of an older one from which there is a way.
    fn open_ours(path: &Path) -> Result<Self, SqlError> {
        // SQLite gives the files beside it the same mode. If this fails, opening the file says so better.
        let _ = retry(|| private_file().open(path));
        let mut database =
            Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        database.file = identity(path);
        let is_new = database.is_empty()?;
        // Before anything is changed: the file may belong to somebody else.
        let version = if is_new { SCHEMA_VERSION } else { database.recognise()? };
        if !migrations::reach(version) {
            return Err(database.older(version));
        }
        // NORMAL may lose the last transactions to a power cut, never the file: the tables then simply resume from an
        // older watermark. Foreign keys are declared for readers; the writer needs no check of its own inserts.
        database.run(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;
             PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = {MOVED_PAGES}; PRAGMA temp_store = MEMORY;
             PRAGMA journal_size_limit = {WAL_KEPT_BYTES};",
        ))?;
        if is_new {
            database.make_schema()?;
        } else {
            migrations::run(&database, version)?;
        }
        Ok(database)
    }

    /// Opens the database for reading only.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, SqlError> {
        if !path.exists() {
            return Err(SqlError::Missing { path: path.to_owned() });
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?.of_this_schema()
    }

    /// Opens a database that nobody writes for reading only. SQLite would make files beside it even to read it, so it is told that
    /// the file never changes: nothing is written, and nobody needs leave to write there. That passes over the write-ahead log, so
    /// one that has something in it, as after a kill, is opened as by [`Self::open_to_read`].
    ///
    /// # Errors
    /// As [`Self::open_to_read`], and [`SqlError::NotAtRest`] where such a log cannot be read without writing.
    pub(super) fn open_at_rest(path: &Path) -> Result<Self, SqlError> {
        let log = std::fs::metadata(suffixed(path, "-wal"));
        let is_in_file = match &log {
            Ok(log) => log.len() == 0,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        match immutable(path).filter(|_| is_in_file && path.exists()) {
            Some(uri) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                let mut database = Self::connect(Path::new(&uri), flags)?;
                database.path = path.to_owned();
                database.of_this_schema()
            }
            None => match Self::open_to_read(path) {
                Err(refused) if refused.is_refused() && log.is_ok() => {
                    Err(SqlError::NotAtRest { path: path.to_owned() })
                }
                opened => opened,
            },
        }
    }

    fn of_this_schema(self) -> Result<Self, SqlError> {
        match self.recognise()? {
            SCHEMA_VERSION => Ok(self),
            older => Err(self.older(older)),
        }
    }

    /// Whether the file that was opened still has its name. One that was deleted or replaced goes on taking what is
    /// written, and nobody will ever read it.
    pub(crate) fn is_in_place(&mut self) -> bool {
        let in_place = !self.file.is_some_and(|own| is_another(&self.path, own));
        if in_place {
            self.note_files_beside();
        }
        in_place
    }

    /// Takes the files that are beside the database now for its own.
    pub(super) fn note_files_beside(&mut self) {
        self.beside = BESIDE.map(|suffix| identity(&suffixed(&self.path, suffix)));
    }

    /// Closes a database whose file is not in place any more, and removes the files beside it that are its own: SQLite
    /// leaves them there then, and would take them for those of whatever has the name next, such as a backup.
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

    /// A value in a table that the program never writes.
    pub(super) fn content(&self, what: String) -> SqlError {
        SqlError::Content { path: self.path.clone(), what }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file beside the database whose name ends in `suffix`.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        suffixed(&self.path, suffix)
    }

    pub(super) fn run(&self, sql: &str) -> Result<(), SqlError> {
        self.connection.execute_batch(sql).map_err(self.error())
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, SqlError> {
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

    fn is_empty(&self) -> Result<bool, SqlError> {
        let objects = "SELECT count(*) FROM sqlite_schema";
        let count: i64 = self.connection.query_row(objects, [], |row| row.get(0)).map_err(self.error())?;
        Ok(count == 0 && self.pragma("user_version")? == 0)
    }

    /// Makes the tables, all of them in one transaction.
    fn make_schema(&self) -> Result<(), SqlError> {
        self.transact(&format!(
            "{SCHEMA}
             INSERT INTO meta VALUES ('schema_version', '{SCHEMA_VERSION}'), ('program', 'dojima {}');
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};",
            env!("CARGO_PKG_VERSION"),
        ))
    }

    /// Runs all of these statements in one transaction, or none of them.
    pub(super) fn transact(&self, sql: &str) -> Result<(), SqlError> {
        let done = self.run(&format!("BEGIN IMMEDIATE; {sql} COMMIT;"));
        if done.is_err() && !self.connection.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        done
    }

    fn older(&self, found: i64) -> SqlError {
        SqlError::OlderSchema { path: self.path.clone(), found, known: SCHEMA_VERSION }
    }

    /// Sees that the file is a database of this program, and not of a newer one. Returns its schema version.
    fn recognise(&self) -> Result<i64, SqlError> {
        let (id, found) = (self.pragma("application_id")?, self.pragma("user_version")?);
        if id != APPLICATION_ID {
            return Err(SqlError::Foreign { path: self.path.clone(), found: id });
        }
        if found > SCHEMA_VERSION {
            return Err(SqlError::NewerSchema { path: self.path.clone(), found, known: SCHEMA_VERSION });
        }
        Ok(found)
    }
}

/// Whether a file has the header of a database, with the mark of this program in it, however damaged the rest is.
pub(super) fn begins_like_ours(path: &Path) -> bool {
    /// The header of SQLite's file format: what it begins with, and where the application id is (u32, big-endian).
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const APPLICATION_ID_AT: usize = 68;
    let mut header = [0; APPLICATION_ID_AT + 4];
    let read = retry(|| File::open(path)).and_then(|mut file| file.read_exact(&mut header));
    let id = i64::from(u32::from_be_bytes([header[68], header[69], header[70], header[71]]));
    read.is_ok() && header.starts_with(MAGIC) && id == APPLICATION_ID
}

/// Renames the database, with the files that belong to it, to `NAME.LABEL-N` for the first N that is free, and returns
/// that name. No connection to it may be open.
pub(crate) fn set_aside(path: &Path, label: &str) -> Result<PathBuf, SqlError> {
    let mut number = 1;
    let aside = loop {
        let candidate = suffixed(path, &format!(".{label}-{number}"));
        if !candidate.exists() {
            break candidate;
        }
        number += 1;
    };
    // The write-ahead log goes first: without the file that it belongs to it would be taken for the next one's.
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
    fn a_newer_schema_and_a_foreign_file_are_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dojima.db");
        let next = SCHEMA_VERSION + 1;
        Database::open(&path, &People::default())
            .expect("made")
            .run(&format!("PRAGMA user_version = {next}"))
            .expect("set");
        let Err(newer) = Database::open(&path, &People::default()) else {
            panic!("version {next} was opened")
        };
        let SqlError::NewerSchema { found, known, .. } = newer else { panic!("{newer}") };
        assert_eq!((found, known), (next, SCHEMA_VERSION));
        assert!(!newer.is_passing());
        let other = folder.path().join("other.db");
        Connection::open(&other).expect("open").execute_batch("CREATE TABLE t (x)").expect("made");
        let Err(foreign) = Database::open(&other, &People::default()) else {
            panic!("a foreign file was opened")
        };
        assert!(matches!(foreign, SqlError::Foreign { found: 0, .. }), "{foreign}");
    }

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
