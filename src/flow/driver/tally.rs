//! Counters and times of a driver.

use crate::flow::trades::Fill;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Instant;

/// Counters over all sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Actions of the flow that were sent. An action that was sent again counts once.
    pub sent: u64,
    /// Actions that are settled.
    pub settled: u64,
    /// Requests that were sent again after a disconnect.
    pub resent: u64,
    pub orders: u64,
    /// Order Accepted messages.
    pub accepted: u64,
    /// Order Replaced messages.
    pub replaced: u64,
    /// Order Canceled messages.
    pub canceled: u64,
    /// Rejected messages by reason code.
    pub rejected: BTreeMap<u16, u64>,
    /// Order Executed messages: two for every trade.
    pub executed: u64,
    /// Requests that the protocol does not answer because their order was no longer live.
    pub unanswered: u64,
}

/// The results that all lanes share.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) progress: Progress,
    pub(super) fills: Vec<Fill>,
    /// Latencies without those in `recent`.
    pub(super) latency: Histogram<u64>,
    pub(super) recent: Histogram<u64>,
}

/// The driver's clock, and its relation to the flow's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) started: Instant,
    /// An instant and the flow time that corresponds to it.
    pub(super) base: Option<(Instant, u64)>,
}

impl Clock {
    /// Nanoseconds since the start, never 0.
    pub(super) fn nanos(self, now: Instant) -> u64 {
        u64::try_from((now - self.started).as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}
