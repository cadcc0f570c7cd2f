//! What can go wrong with the database, and who can mend it.

use rusqlite::ErrorCode;
use std::path::PathBuf;

/// The database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It was written by a newer program.
    #[error(
        "{}: schema version {found}, but this program knows versions up to {known}; use the newer program, or move \
         the file away: it is then built again from the event log", path.display()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// It was written by an older program, with other tables.
    #[error(
        "{}: schema version {found}, this program writes version {known}; the next start builds it again from the \
         event log", path.display()
    )]
    OlderSchema {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version that this program writes.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{}: not a database of this program (application id {found:#x})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The application id in it.
        found: i64,
    },
    /// A value in a table is none that the program writes.
    #[error("{}: {what}", path.display())]
    Content {
        /// The database.
        path: PathBuf,
        /// Which value, where.
        what: String,
    },
    /// A database that was to be read is not there.
    #[error("{}: there is no such database", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file could not be moved aside.
    #[error("{}: cannot move the database aside: {source}", path.display())]
    SetAside {
        /// The database.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl SqlError {
    /// Whether trying again later can help: somebody else holds the database, or the disk is full or out of reach.
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
            Self::SetAside { .. } => true,
            Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::Foreign { .. }
            | Self::Content { .. }
            | Self::Missing { .. } => false,
        }
    }

    /// Whether the file is damaged, so that only building it again helps.
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
