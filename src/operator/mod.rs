//! What an operator asks of a running engine, over a Unix socket in its data directory.
//!
//! ```text
//!  dojima operator ─▶ operator.sock ─▶ server (a thread) ─▶ desk ─▶ inbound ring ─▶ sequencer ─▶ …
//!                                                             ▲
//!                                                             └── event log: what came of it
//! ```
//!
//! All that can be asked for is in [`Order`]; it becomes a command like any other, so it is journaled, replayed and in the
//! event log, and its answer is what the event log says. The socket is the directory's owner's alone. Nothing here runs on
//! a thread that orders pass through, and none of those ever waits for it.

mod client;
mod desk;
mod order;
mod server;

pub use client::{AskError, ask};
pub use desk::{Desk, DeskPorts};
pub use order::{Names, Order, Reply, VERSION};
pub use server::{OperatorServer, SOCKET_FILE};
