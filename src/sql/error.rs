//! Errors of the database, with what the operator can do.

use dojima_journal::passing::Told;
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// The database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// A newer program wrote it.
    #[error(
        "{}: schema version {found}, but this program knows versions up to {known}; use the newer program, or move \
         the file away: it is then built again from the event log", path.display()
    )]
    NewerSchema {
        path: PathBuf,
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// An older program wrote it, with other tables.
    #[error(
        "{}: schema version {found}, this program writes version {known}; the next start of the engine brings it up to \
         that, or builds it again from the event log", path.display()
    )]
    OlderSchema {
        path: PathBuf,
        found: i64,
        /// The version that this program writes.
        known: i64,
    },
    /// The file is a database of another application.
    #[error("{}: not a database of this program (application id {found:#x})", path.display())]
    Foreign {
        path: PathBuf,
        /// The application id in it.
        found: i64,
    },
    /// The file is not a database, or is so damaged that nothing identifies it as this program's.
    #[error(
        "{}: not a database of this program, and left as it is; name another file in sql.path, or move this one away: the \
         database is then built from the event log", path.display()
    )]
    NotOurs { path: PathBuf },
    /// A value in a table that the program never writes.
    #[error("{}: {what}", path.display())]
    Content {
        path: PathBuf,
        /// The value and its place.
        what: String,
    },
    /// Events that the database lacks are no longer in the event log.
    #[error(
        "{}: needs event {asked} and all later ones, but the event log in {} begins with event {first}; restore a backup \
         of the database that has event {} or a later one, or put the retired segments of the event log, or their \
         archives, back in place", path.display(), log.display(), first.saturating_sub(1)
    )]
    EventsGone {
        path: PathBuf,
        /// The directory of the event log.
        log: PathBuf,
        /// The first event that the database needs.
        asked: u64,
        /// The first event in the log.
        first: u64,
    },
    /// The database cannot be read by a user without write access to its directory.
    #[error(
        "{0}: cannot be read by a user who may not write its directory, for {0}-wal has what is not in it yet, as after a kill; \
         start and stop an engine, or ask as a user who may write there", path.display()
    )]
    NotAtRest { path: PathBuf },
    /// The database to be read does not exist, or is empty.
    #[error("{}: there is no database, or nothing in it yet", path.display())]
    Missing {
        /// Its path.
        path: PathBuf,
    },
    /// The file could not be moved aside.
    #[error("{}: cannot move the database aside: {}", path.display(), Told(source))]
    SetAside { path: PathBuf, source: std::io::Error },
    /// SQLite reported an error.
    #[error("{}: {source}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
}

impl SqlError {
    /// Whether a later attempt can succeed: the database is locked, the disk is full or unreachable, or an operator has
    /// to restore something.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Database { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::DiskFull
                        | ErrorCode::CannotOpen
                        | ErrorCode::ReadOnly
                        | ErrorCode::PermissionDenied
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::FileLockingProtocolFailed
                        | ErrorCode::OutOfMemory
                        | ErrorCode::OperationInterrupted
                )
            ),
            Self::SetAside { .. } | Self::EventsGone { .. } | Self::NotAtRest { .. } => true,
            Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::Foreign { .. }
            | Self::NotOurs { .. }
            | Self::Content { .. }
            | Self::Missing { .. } => false,
        }
    }

    /// Whether this program must not write the file. A start is refused; a running engine trades on without SQL until
    /// the file is moved away.
    pub(crate) fn is_of_others(&self) -> bool {
        matches!(self, Self::NewerSchema { .. } | Self::Foreign { .. } | Self::NotOurs { .. })
    }

    /// Whether the cause is an error of the system that SQLite does not report.
    pub(crate) fn hides_the_system(&self) -> bool {
        matches!(self, Self::Database { source, .. } if matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory)
        ))
    }

    /// Whether the system denied this user access to the file or the files beside it.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Database { source, .. } if matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
        ))
    }

    /// Whether the connection is read-only for good.
    pub(super) fn is_read_only(&self) -> bool {
        matches!(self, Self::Database { source, .. } if source.sqlite_error_code() == Some(ErrorCode::ReadOnly))
    }

    /// Whether the file is damaged, so that only rebuilding it helps.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Database { source, .. } => {
                matches!(
                    source.sqlite_error_code(),
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                )
            }
            Self::Content { .. } => true,
            _ => false,
        }
    }
}
