//! Indexes whose price the configuration fixes.

use crate::domain::{Command, ContractCommand, IndexId, SetIndex, Timestamp};
use crate::runtime::UnixNanos;
use std::time::Duration;

/// The longest time between two prices.
const INTERVAL_MAX: Duration = Duration::from_secs(1);

/// How many prices come while one is fresh, at least.
const WHILE_FRESH: u32 = 4;

/// An index with a fixed price, which is sent again and again so that it stays fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedIndex {
    pub index: IndexId,
    /// Price units.
    pub price: u32,
    /// The time between two prices.
    pub interval: Duration,
}

impl FixedIndex {
    /// The price, once a second, or more often if prices are stale sooner than 4 s after they are made.
    pub fn new(index: IndexId, price: u32, stale_after: Duration) -> Self {
        Self { index, price, interval: INTERVAL_MAX.min(stale_after / WHILE_FRESH) }
    }

    /// The command, with the present time as that of the price.
    pub(super) fn command(&self, now: UnixNanos) -> Command {
        let Self { index, price, .. } = *self;
        Command::Contract(ContractCommand::SetIndex(SetIndex { index, price, source_time: Timestamp(now.0) }))
    }

    /// The next multiple of the interval.
    pub(super) fn after(&self, now: UnixNanos) -> u64 {
        next_multiple(now, u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX).max(1))
    }
}

/// The first multiple of the interval after this time, ns since 1970.
pub(super) fn next_multiple(now: UnixNanos, interval_ns: u64) -> u64 {
    (now.0 / interval_ns).saturating_add(1).saturating_mul(interval_ns)
}
