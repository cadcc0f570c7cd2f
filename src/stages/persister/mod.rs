//! The persister: what has happened, on disk, for those who come later.
//!
//! Two halves that meet in the event log. The [`archiver`] takes released events from the ring and appends them to the
//! log; it knows where each message is there. The [`sql`] writer, on a thread of its own,
//! reads the log and fills the database that a back office queries. The database may stall, fill its disk or be deleted:
//! the log holds the backlog, and no ring ever waits for SQL.

pub mod archiver;
mod locator;
pub mod sql;
