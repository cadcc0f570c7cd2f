//! What every stage that serves clients over TCP has: sockets that never wait, a buffer for what came in, the table
//! of connections, and on top of them the session layer ([`session`]). Nothing here knows what clients and stages tell each
//! other.

pub mod auth;
mod inbox;
mod origin;
mod ready_set;
pub mod session;
mod slab;
mod sockets;
pub mod tls;

pub use inbox::{INBOX_LEN, Inbox};
pub use origin::origin;
pub use ready_set::ReadySet;
pub use slab::Slab;
pub use sockets::{HANDED_MAX, Readiness, Ready, SideDoor, Socket, Sockets, TcpSockets, listen};

/// A connection's number: its place among the connections, and how many were in that place before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId(pub u64);

impl ConnectionId {
    pub(super) fn new(place: usize, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | place as u64)
    }

    pub fn place(self) -> usize {
        self.0 as u32 as usize
    }

    pub(super) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
