//! The gateway's counters besides those of connections.

use crate::runtime::{Counter, Counters};

/// The gateway's counters.
pub struct Gauges {
    /// Order messages taken in.
    pub messages_in: Counter,
    /// Sequenced messages released, whether or not a client is connected to receive them.
    pub messages_out: Counter,
    /// Times that a connection had to wait because the inbound ring was full.
    pub inbound_full: Counter,
    /// Logins whose orders were cancelled because they had no connection.
    pub absent_cancels: Counter,
    /// Chunks of old messages sent from the event log.
    pub resend_chunks: Counter,
}

impl Gauges {
    pub fn new(counters: &Counters) -> Self {
        Self {
            messages_in: counters.register("gateway.messages_in", "messages"),
            messages_out: counters.register("gateway.messages_out", "messages"),
            inbound_full: counters.register("gateway.inbound_full", "times"),
            absent_cancels: counters.register("gateway.absent_cancels", "logins"),
            resend_chunks: counters.register("gateway.resend_chunks", "chunks"),
        }
    }
}
