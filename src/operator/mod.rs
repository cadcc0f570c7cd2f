//! Requests of operators to a running engine, over a Unix socket in its data directory.
//!
//! ```text
//!  dojima operator ─▶ operator.sock ─▶ server (a thread) ─▶ desk ─▶ inbound ring ─▶ sequencer ─▶ …
//!                                                             ▲
//!                                                             └── event log: the result
//! ```
//!
//! [`Order`] lists all requests. A request becomes a command like any other, so it is journaled, replayed and appears
//! in the event log, and its answer is taken from the event log. Only the owner of the directory can use the socket.
//! This module runs on its own threads; the threads of the order path never wait for it.

mod client;
mod contracts;
mod desk;
mod names;
mod order;
mod owners;
mod server;
mod transfer;

pub use client::{AskError, ask};
pub use contracts::{
    ContractOrder, ContractRisk, ContractTerms, FundDeposit, IndexPrice, MarginTier, NewIndex, NewIndexTerms,
    StaleTerms,
};
pub use desk::{Desk, DeskPorts};
pub use names::Names;
pub use order::{Order, Reply, VERSION};
pub use owners::{MarginMove, NewLeverage, NewMarginMode, NewPositionMode, OwnerOrder};
pub use server::{OperatorServer, SOCKET_FILE};
pub use transfer::TransferOrder;
