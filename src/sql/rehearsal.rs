//! Checks whether a start could continue with the database, without opening it for writing.

use super::error::SqlError;
use super::reader::SqlReader;
use super::schema::begins_like_ours;
use std::path::Path;

/// The result of a start with the database at `path`, if the event log in `log` has the events from `first` to `last`.
///
/// # Errors
/// [`SqlError`] for a database that must be left as it is, and for one that needs events which are gone. Both end a
/// start.
pub fn rehearse(path: &Path, log: &Path, first: u64, last: u64) -> Result<(), SqlError> {
    let Some(has) = last_event(path, last)? else { return Ok(()) };
    if first > has + 1 {
        let (path, log) = (path.to_owned(), log.to_owned());
        return Err(SqlError::EventsGone { path, log, asked: has.max(1), first });
    }
    Ok(())
}

/// Checks that the database at `path` was not written by a newer program, as far as this is visible without writing.
///
/// # Errors
/// [`SqlError::NewerSchema`]. Other errors are found when the file is opened for writing: a power loss may leave a file
/// that is still empty and does not identify its program.
pub fn check_not_newer(path: &Path) -> Result<(), SqlError> {
    match last_event(path, u64::MAX) {
        Err(error @ SqlError::NewerSchema { .. }) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The last event in the database, and 0 if it will be rebuilt from the first event; `None` while the database is
/// unavailable, for which a start does not wait.
fn last_event(path: &Path, last: u64) -> Result<Option<u64>, SqlError> {
    if std::fs::metadata(path).map_or(true, |found| found.len() == 0) {
        return Ok(Some(0));
    }
    match SqlReader::open_at_rest(path).and_then(|sql| sql.watermark()) {
        // A database that is ahead of the log is set aside.
        Ok(watermark) => Ok(Some(if watermark.event > last { 0 } else { watermark.event })),
        Err(error) if error.is_damage() && !begins_like_ours(path) => {
            Err(SqlError::NotOurs { path: path.to_owned() })
        }
        Err(error) if error.is_damage() => Ok(Some(0)),
        Err(SqlError::Missing { .. } | SqlError::OlderSchema { .. }) => Ok(Some(0)),
        Err(error) if error.is_passing() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// The state that a power loss may leave: the file exists, and its first transaction is missing.
    #[test]
    fn a_database_in_which_nothing_is_yet_does_not_end_a_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dojima.sqlite");
        let made = Connection::open(&path).expect("opened");
        made.execute_batch("PRAGMA journal_mode = WAL; VACUUM").expect("made");
        drop(made);
        assert_ne!(std::fs::metadata(&path).expect("it is there").len(), 0);
        rehearse(&path, folder.path(), 1, 10).expect("it is built from the first event on");
        assert!(matches!(SqlReader::open_at_rest(&path), Err(SqlError::Missing { .. })));
        // The database would be rebuilt from the events that exist.
        assert!(matches!(rehearse(&path, folder.path(), 5, 10), Err(SqlError::EventsGone { .. })));
    }
}
