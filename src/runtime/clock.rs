//! Where time enters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01 00:00:00 UTC, leap seconds not counted. Lasts until the year 2554.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub u64);

/// A clock that never goes back: each reading is at least the one before.
pub trait Clock: Send {
    /// The time now.
    fn now(&mut self) -> UnixNanos;
}

/// The system's wall clock. When that is set back, this one stands still until the wall clock has caught up.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: UnixNanos,
}

impl SystemClock {
    /// A clock that has not been read yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn advance_to(&mut self, wall: UnixNanos) -> UnixNanos {
        self.last = self.last.max(wall);
        self.last
    }
}

impl Clock for SystemClock {
    fn now(&mut self) -> UnixNanos {
        // A system clock before 1970 reads as 0, and the exchange's time then stands still: wrong but safe.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.advance_to(UnixNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A clock that moves only when told, shared by all its clones. For simulations and tests.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: UnixNanos) -> Self {
        Self(Arc::new(AtomicU64::new(start.0)))
    }

    /// Moves every clone forward to `time`; a time in the past leaves the clock where it is.
    pub fn set(&self, time: UnixNanos) {
        self.0.fetch_max(time.0, Ordering::AcqRel);
    }

    /// Moves every clone forward by `nanos`.
    pub fn advance(&self, nanos: u64) {
        self.0.fetch_add(nanos, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&mut self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_does_not_follow_the_wall_clock_back() {
        let mut clock = SystemClock::new();
        assert_eq!(clock.advance_to(UnixNanos(100)), UnixNanos(100));
        assert_eq!(clock.advance_to(UnixNanos(40)), UnixNanos(100));
        assert_eq!(clock.advance_to(UnixNanos(101)), UnixNanos(101));
        let first = clock.now();
        assert!(first.0 > 1_700_000_000 * 1_000_000_000, "in nanoseconds, and after 2023");
        assert!(clock.now() >= first);
    }

    #[test]
    fn clones_of_a_manual_clock_show_the_same_time() {
        let hand = ManualClock::new(UnixNanos(5));
        let mut shown = hand.clone();
        assert_eq!(shown.now(), UnixNanos(5));
        hand.advance(10);
        assert_eq!(shown.now(), UnixNanos(15));
        hand.set(UnixNanos(12));
        assert_eq!(shown.now(), UnixNanos(15), "time does not go back");
        hand.set(UnixNanos(20));
        assert_eq!(shown.now(), UnixNanos(20));
    }
}
