//! SQL: the event log as tables that a back office can query while the engine runs.
//!
//! The SQL writer (`src/stages/sql_writer.rs`) gathers events into batches and writes each batch in one transaction
//! with its watermark, the number of the last event. So after any crash every event is in the tables exactly once. The
//! database is derived data. If it is deleted, it is rebuilt from event 1, as long as the log still has that event. If
//! it is ahead of the event log or contradicts it, it is moved aside and rebuilt. docs/SQL.md describes the tables for
//! their readers.
//!
//! In reading order: `schema` (the file), `migrations` (files of older programs), `people` (names), `rows`, `asked` and
//! `mirror` and `contract_money` (events to rows, in memory), `write`, `contracts` and `fundings` (rows to tables), `wal`
//! (the write-ahead log), `write_behind` (write-back of both files), `load` (tables to memory), `session` (all of these
//! with one event log), `rehearsal` (whether a session could start), and for readers: [`reader`] and [`check`].

mod asked;
mod balances;
pub mod check;
mod clearing;
mod contract_money;
mod contracts;
pub(crate) mod database;
mod error;
mod fundings;
mod funds;
mod insert;
mod load;
mod migrations;
mod mirror;
mod people;
mod positions;
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
