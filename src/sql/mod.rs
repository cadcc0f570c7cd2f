//! SQL: the event log as tables that a back office can query while the engine runs.
//!
//! The SQL writer (`src/stages/sql_writer.rs`) gathers events into batches and writes each in one transaction together with its watermark, the
//! number of the last event: whatever is killed whenever, every event is in the tables exactly once. The database is
//! derived data: deleted, it is built again from event 1, as long as the log still has that; found ahead of the event log, or contradicting it, it is moved
//! aside and built again. docs/SQL.md describes the tables to their readers.
//!
//! In reading order: `schema` (the file), `migrations` (files of older programs), `people` (names), `rows`, `asked` and `mirror` (events to rows, in memory), `write` (rows to tables), `wal` (the
//! write-ahead log), `write_behind` (both files on their way to the disk), `load` (tables to memory), `session` (all of these on one event log), `rehearsal` (whether that would begin), and
//! the other side: [`reader`] and [`check`].

mod asked;
mod balances;
pub mod check;
pub(crate) mod database;
mod error;
mod insert;
mod load;
mod migrations;
mod mirror;
mod people;
pub mod reader;
mod rehearsal;
mod rows;
mod schema;
pub(crate) mod session;
pub(crate) mod wal;
mod write;
mod write_behind;

pub use error::SqlError;
pub use migrations::SCHEMA_VERSION;
pub use mirror::Contradiction;
pub use people::People;
pub use rehearsal::{check_not_newer, rehearse};
pub use rows::{BalanceRow, OrderStatus, TradeRow, TradeSide, Watermark};
pub use wal::WAL_KEPT_BYTES;
