//! The version of each format of which files are kept, and the oldest one that is still read: that of 0.1.0. How a format grows
//! is in CONTRIBUTING.md.

/// Of commands (`codec`), in the segments of the journal.
pub const COMMANDS: u16 = 5;
/// Of commands that are still replayed.
pub const COMMANDS_OLDEST: u16 = 5;
/// Of events (`codec`), in the segments of the event log.
pub const EVENTS: u16 = 5;
/// Of events that are still read.
pub const EVENTS_OLDEST: u16 = 5;
/// Of the records of the log of market data (`stages::feed`).
pub const MARKET_DATA: u16 = 2;
/// Of records of that log that are still read.
pub const MARKET_DATA_OLDEST: u16 = 2;
/// Of snapshot files (`replica::snapshot`).
pub const SNAPSHOTS: u32 = 6;
/// Of the tables of the SQL database (`sql`).
pub const SQL_SCHEMA: i64 = 9;
