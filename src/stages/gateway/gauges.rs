//! What the gateway counts.

use super::ending::EndingKind;
use crate::runtime::{Counter, Counters};

/// The gateway's counters.
pub struct Gauges {
    /// Open connections now.
    pub connections: Counter,
    /// Connections closed at once because there were too many.
    pub turned_away: Counter,
    /// Accepted logins.
    pub logins: Counter,
    /// Refused logins.
    pub logins_refused: Counter,
    /// Turns that connections were given because they may have had input.
    pub input_turns: Counter,
    /// Order messages taken in.
    pub messages_in: Counter,
    /// Sequenced messages released, whether or not anybody is there to receive them.
    pub messages_out: Counter,
    /// Bytes read from sockets.
    pub bytes_in: Counter,
    /// Bytes written to sockets.
    pub bytes_out: Counter,
    /// Times that a connection had to wait because the inbound ring was full.
    pub inbound_full: Counter,
    /// Connections closed because they did not receive fast enough.
    pub slow_disconnects: Counter,
    /// Connections closed because of what they sent.
    pub bad_frames: Counter,
    /// Logins whose orders were cancelled because they were without a connection.
    pub absent_cancels: Counter,
    /// Chunks of old messages sent from the event log.
    pub resend_chunks: Counter,
}

impl Gauges {
    /// Registers them all.
    pub fn new(counters: &Counters) -> Self {
        Self {
            connections: counters.register("gateway.connections", "connections"),
            turned_away: counters.register("gateway.turned_away", "connections"),
            logins: counters.register("gateway.logins", "logins"),
            logins_refused: counters.register("gateway.logins_refused", "logins"),
            input_turns: counters.register("gateway.input_turns", "turns"),
            messages_in: counters.register("gateway.messages_in", "messages"),
            messages_out: counters.register("gateway.messages_out", "messages"),
            bytes_in: counters.register("gateway.bytes_in", "bytes"),
            bytes_out: counters.register("gateway.bytes_out", "bytes"),
            inbound_full: counters.register("gateway.inbound_full", "times"),
            slow_disconnects: counters.register("gateway.slow_disconnects", "connections"),
            bad_frames: counters.register("gateway.bad_frames", "connections"),
            absent_cancels: counters.register("gateway.absent_cancels", "logins"),
            resend_chunks: counters.register("gateway.resend_chunks", "chunks"),
        }
    }

    /// Counts a closed connection.
    pub fn count_ending(&self, kind: EndingKind) {
        match kind {
            EndingKind::BadFrame => self.bad_frames.add(1),
            EndingKind::Slow => self.slow_disconnects.add(1),
            EndingKind::Ordinary | EndingKind::Failure => {}
        }
    }
}
