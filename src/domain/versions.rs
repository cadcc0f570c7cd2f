//! The version of each format of which files are kept. Until 0.1.0 every change of a format is a new version of it; how a format
//! changes after that is in CONTRIBUTING.md.

/// Of commands (`codec`), in the segments of the journal.
pub const COMMANDS: u16 = 5;
/// Of events (`codec`), in the segments of the event log.
pub const EVENTS: u16 = 5;
/// Of the records of the log of market data (`stages::feed`).
pub const MARKET_DATA: u16 = 2;
/// Of snapshot files (`replica::snapshot`).
pub const SNAPSHOTS: u32 = 6;
/// Of the tables of the SQL database (`sql`).
pub const SQL_SCHEMA: i64 = 9;
