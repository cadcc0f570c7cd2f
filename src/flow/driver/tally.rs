//! What has happened so far, and when.

use crate::flow::trades::Fill;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Instant;

/// What has happened so far, over all sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Actions of the flow that were sent; each once, however often it was sent again.
    pub sent: u64,
    /// Of these, those that are settled.
    pub settled: u64,
    /// Requests that were sent again after a break.
    pub resent: u64,
    pub orders: u64,
    /// Order Accepted messages.
    pub accepted: u64,
    /// Order Replaced messages.
    pub replaced: u64,
    /// Order Canceled messages.
    pub canceled: u64,
    /// Rejected messages by their reason codes.
    pub rejected: BTreeMap<u16, u64>,
    /// Order Executed messages: two for every trade.
    pub executed: u64,
    /// Requests that the protocol gives no answer to, because their order was gone.
    pub unanswered: u64,
}

/// What the lanes write together.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) progress: Progress,
    pub(super) fills: Vec<Fill>,
    /// But for the recent ones.
    pub(super) latency: Histogram<u64>,
    pub(super) recent: Histogram<u64>,
}

/// When the flow's clock stood where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) started: Instant,
    /// Instant and flow time that belong together.
    pub(super) base: Option<(Instant, u64)>,
}

impl Clock {
    /// Nanoseconds since the start, never 0.
    pub(super) fn nanos(self, now: Instant) -> u64 {
        u64::try_from((now - self.started).as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}
