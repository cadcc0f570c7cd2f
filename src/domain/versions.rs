//! The version of each file format, and the oldest version that can still be read: that of 0.1.0. CONTRIBUTING.md
//! describes how a format changes.

/// Commands (`codec`), in the segments of the journal.
pub const COMMANDS: u16 = 6;
/// The oldest commands that can still be replayed.
pub const COMMANDS_OLDEST: u16 = 5;
/// Events (`codec`), in the segments of the event log.
pub const EVENTS: u16 = 6;
/// The oldest events that can still be read.
pub const EVENTS_OLDEST: u16 = 5;
/// Records of the market-data log (`stages::feed`).
pub const MARKET_DATA: u16 = 2;
/// The oldest records of that log that can still be read.
pub const MARKET_DATA_OLDEST: u16 = 2;
/// Snapshot files (`replica::snapshot`).
pub const SNAPSHOTS: u32 = 7;
/// Tables of the SQL database (`sql`).
pub const SQL_SCHEMA: i64 = 10;
