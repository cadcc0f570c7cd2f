//! The counters of a server.

use super::CloseKind;
use crate::runtime::{Counter, Counters};

/// A server's counters.
pub(super) struct Gauges {
    /// Connections open now.
    pub(super) connections: Counter,
    /// Connections closed immediately because there were too many.
    pub(super) turned_away: Counter,
    /// Accepted logins.
    pub(super) logins: Counter,
    pub(super) logins_refused: Counter,
    /// Turns given to connections because they may have had input.
    pub(super) input_turns: Counter,
    /// Bytes read from sockets.
    pub(super) bytes_in: Counter,
    /// Bytes written to sockets.
    pub(super) bytes_out: Counter,
    /// Connections closed because the client received too slowly.
    slow_disconnects: Counter,
    /// Connections closed because of invalid input.
    bad_frames: Counter,
}

impl Gauges {
    /// Registers the counters with this prefix.
    pub(super) fn new(prefix: &str, counters: &Counters) -> Self {
        let counter = |name: &str, unit| counters.register(format!("{prefix}{name}"), unit);
        Self {
            connections: counter("connections", "connections"),
            turned_away: counter("turned_away", "connections"),
            logins: counter("logins", "logins"),
            logins_refused: counter("logins_refused", "logins"),
            input_turns: counter("input_turns", "turns"),
            bytes_in: counter("bytes_in", "bytes"),
            bytes_out: counter("bytes_out", "bytes"),
            slow_disconnects: counter("slow_disconnects", "connections"),
            bad_frames: counter("bad_frames", "connections"),
        }
    }

    /// Counts a closed connection.
    pub(super) fn count_close(&self, kind: CloseKind) {
        match kind {
            CloseKind::BadFrame => self.bad_frames.add(1),
            CloseKind::Slow => self.slow_disconnects.add(1),
            CloseKind::Ordinary | CloseKind::Failure => {}
        }
    }
}
