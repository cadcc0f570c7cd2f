//! Creates, opens and identifies the database file.

use super::database::{Database, identity, suffixed};
use super::error::SqlError;
use super::migrations::{self, CONTRACTS, SCHEMA_VERSION};
use super::people::People;
use super::wal::{MOVED_PAGES, WAL_KEPT_BYTES};
use dojima_journal::passing::retry;
use dojima_journal::storage::private_file;
use rusqlite::OpenFlags;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Identifies the file as this program's (`PRAGMA application_id`): "Doji".
const APPLICATION_ID: i64 = 0x446F_6A69;

const SCHEMA: &str = include_str!("schema.sql");

/// The URI that makes SQLite open a file as immutable; `None` for a name that is not UTF-8.
fn immutable(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let name = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Some(format!("file:{name}?immutable=1"))
}

impl Database {
    /// Opens the database for writing, as [`Self::open_ours`], and sets the names of its accounts and logins. A damaged
    /// file that does not begin like a database of this program belongs to another one and must not be moved.
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

    /// Opens the database for writing. It is created if it does not exist, and upgraded to the present schema if it has
    /// an older one that can be upgraded.
    fn open_ours(path: &Path) -> Result<Self, SqlError> {
        // SQLite gives the files beside it the same mode. If this fails, opening the file reports a better error.
        let _ = retry(|| private_file().open(path));
        let mut database =
            Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        database.file = identity(path);
        let is_new = database.is_empty()?;
        // Before anything is changed, because the file may belong to another program.
        let version = if is_new { SCHEMA_VERSION } else { database.recognise()? };
        if !migrations::reach(version) {
            return Err(database.older(version));
        }
        // With NORMAL a power cut may lose the last transactions, never the file; the tables then continue from an
        // older watermark. Foreign keys are declared for readers; the writer does not need them checked.
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

    /// Opens a database that no process is writing, for reading only. SQLite would create files beside it even to read
    /// it, so it is opened as immutable: nothing is written, and no write access is needed. This mode ignores the
    /// write-ahead log, so if that is not empty, as after a kill, the database is opened as by [`Self::open_to_read`].
    ///
    /// # Errors
    /// As [`Self::open_to_read`], and [`SqlError::NotAtRest`] if such a log cannot be read without writing.
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
        // A power loss may leave an empty file.
        if self.is_empty()? {
            return Err(SqlError::Missing { path: self.path });
        }
        match self.recognise()? {
            SCHEMA_VERSION => Ok(self),
            older => Err(self.older(older)),
        }
    }

    fn is_empty(&self) -> Result<bool, SqlError> {
        let objects = "SELECT count(*) FROM sqlite_schema";
        let count: i64 = self.connection.query_row(objects, [], |row| row.get(0)).map_err(self.error())?;
        Ok(count == 0 && self.pragma("user_version")? == 0)
    }

    /// Creates the tables, all in one transaction.
    fn make_schema(&self) -> Result<(), SqlError> {
        self.transact(&format!(
            "{SCHEMA}{CONTRACTS}
             INSERT INTO meta VALUES ('schema_version', '{SCHEMA_VERSION}'), ('program', 'dojima {}');
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};",
            env!("CARGO_PKG_VERSION"),
        ))
    }

    fn older(&self, found: i64) -> SqlError {
        SqlError::OlderSchema { path: self.path.clone(), found, known: SCHEMA_VERSION }
    }

    /// Checks that the file is a database of this program and not of a newer version. Returns its schema version.
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

/// Whether a file has the header of a database with this program's id, however damaged the rest is.
pub(super) fn begins_like_ours(path: &Path) -> bool {
    /// The header of SQLite's file format: its first bytes, and the offset of the application id (u32, big-endian).
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const APPLICATION_ID_AT: usize = 68;
    let mut header = [0; APPLICATION_ID_AT + 4];
    let read = retry(|| File::open(path)).and_then(|mut file| file.read_exact(&mut header));
    let id = i64::from(u32::from_be_bytes([header[68], header[69], header[70], header[71]]));
    read.is_ok() && header.starts_with(MAGIC) && id == APPLICATION_ID
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

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
}
