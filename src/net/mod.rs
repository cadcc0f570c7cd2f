//! What all stages that serve clients over TCP share: non-blocking sockets, input buffers, the table of connections,
//! and the session layer on top ([`session`]). Nothing here depends on the content of messages.

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

/// A connection's number: its place in the table, and how many connections used that place before.
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
