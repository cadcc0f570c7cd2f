//! Whether a start could go on with the database, without opening it for writing.

use super::error::SqlError;
use super::reader::SqlReader;
use super::schema::begins_like_ours;
use std::path::Path;

/// What a start says of the database at `path`, where the event log in `log` would have the events from `first` to `last`.
///
/// # Errors
/// [`SqlError`] for a database that is left as it is, and for one that needs events which are gone: both end a start.
pub fn rehearse(path: &Path, log: &Path, first: u64, last: u64) -> Result<(), SqlError> {
    let Some(has) = last_event(path, last)? else { return Ok(()) };
    if first > has + 1 {
        let (path, log) = (path.to_owned(), log.to_owned());
        return Err(SqlError::EventsGone { path, log, asked: has.max(1), first });
    }
    Ok(())
}

/// Whether the database at `path` is of a newer program, as far as that can be seen without writing.
///
/// # Errors
/// [`SqlError::NewerSchema`]. What else is wrong with the file is for whoever opens it to write: a loss of power may leave one
/// in which nothing is yet, not even whose it is.
pub fn check_not_newer(path: &Path) -> Result<(), SqlError> {
    match last_event(path, u64::MAX) {
        Err(error @ SqlError::NewerSchema { .. }) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The last event in the database, and 0 for one that is built from the first event on; `None` while it cannot be had, for which
/// a start does not wait.
fn last_event(path: &Path, last: u64) -> Result<Option<u64>, SqlError> {
    if std::fs::metadata(path).map_or(true, |found| found.len() == 0) {
        return Ok(Some(0));
    }
    match SqlReader::open_at_rest(path).and_then(|sql| sql.watermark()) {
        // One that is ahead of the log is set aside.
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

    /// As a loss of power may leave it: the file is made, and its first transaction never came.
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
        // From events that are there.
        assert!(matches!(rehearse(&path, folder.path(), 5, 10), Err(SqlError::EventsGone { .. })));
    }
}
