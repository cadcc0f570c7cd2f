//! The only source of time. Durations and time of day have separate types and traits, so they cannot be confused.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01 00:00:00 UTC, without leap seconds. The range ends in the year 2554.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub u64);

/// Nanoseconds since an arbitrary moment. Only differences are meaningful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonotonicNanos(pub u64);

/// A clock for durations. It never stops, goes back or is set. All durations come from here.
pub trait Clock: Send {
    /// The elapsed time; never less than the previous result.
    fn now(&mut self) -> MonotonicNanos;
}

/// A clock for the time of day. It may be wrong: it can be set at any moment, forwards and back. It is used only for
/// stamps and for actions at a time of day.
pub trait WallClock: Send {
    /// The date and time of day.
    fn time(&mut self) -> UnixNanos;
}

/// Creates the clocks of the agents.
pub trait Clocks {
    /// A clock for durations. All clocks made here have the same origin.
    fn monotonic(&self) -> Box<dyn Clock>;
    /// A clock for stamps.
    fn wall(&self) -> Box<dyn WallClock>;
}

/// The system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClocks {
    origin: Instant,
}

impl SystemClocks {
    /// Clocks whose origin is now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClocks {
    fn default() -> Self {
        Self::new()
    }
}

impl Clocks for SystemClocks {
    fn monotonic(&self) -> Box<dyn Clock> {
        Box::new(*self)
    }

    fn wall(&self) -> Box<dyn WallClock> {
        Box::new(*self)
    }
}

impl Clock for SystemClocks {
    fn now(&mut self) -> MonotonicNanos {
        MonotonicNanos(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

impl WallClock for SystemClocks {
    fn time(&mut self) -> UnixNanos {
        // Times before 1970 read as 0, which every start on a journal rejects.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Clocks that move only on request, shared by all clones. For simulations and tests.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Hands>);

#[derive(Debug, Default)]
struct Hands {
    elapsed: AtomicU64,
    /// Wall clock minus monotonic clock, in nanoseconds.
    ahead: AtomicI64,
}

impl ManualClock {
    /// Clocks that both show `start`.
    pub fn new(start: UnixNanos) -> Self {
        Self(Arc::new(Hands { elapsed: AtomicU64::new(start.0), ahead: AtomicI64::new(0) }))
    }

    /// Moves every clone forward to `time`. A time in the past has no effect.
    pub fn set(&self, time: UnixNanos) {
        self.0.elapsed.fetch_max(time.0, Ordering::AcqRel);
    }

    /// Moves both clocks of every clone forward by `nanos`.
    pub fn advance(&self, nanos: u64) {
        self.0.elapsed.fetch_add(nanos, Ordering::AcqRel);
    }

    /// Moves only the wall clock by `nanos`, forwards or back, as when it is set.
    pub fn step_wall(&self, nanos: i64) {
        self.0.ahead.fetch_add(nanos, Ordering::AcqRel);
    }
}

impl Clocks for ManualClock {
    fn monotonic(&self) -> Box<dyn Clock> {
        Box::new(self.clone())
    }

    fn wall(&self) -> Box<dyn WallClock> {
        Box::new(self.clone())
    }
}

impl Clock for ManualClock {
    fn now(&mut self) -> MonotonicNanos {
        MonotonicNanos(self.0.elapsed.load(Ordering::Acquire))
    }
}

impl WallClock for ManualClock {
    fn time(&mut self) -> UnixNanos {
        UnixNanos(self.now().0.saturating_add_signed(self.0.ahead.load(Ordering::Acquire)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clocks_tell_how_much_time_has_passed_and_what_time_it_is() {
        let clocks = SystemClocks::new();
        let (mut one, mut other) = (clocks.monotonic(), clocks.monotonic());
        let first = one.now();
        assert!(other.now() >= first, "of one origin");
        assert!(one.now() >= first);
        let time = clocks.wall().time().0;
        assert!(time > 1_700_000_000 * 1_000_000_000, "in nanoseconds, and after 2023");
    }

    #[test]
    fn clones_of_a_manual_clock_show_the_same_time() {
        let hand = ManualClock::new(UnixNanos(5));
        let mut shown = hand.clone();
        assert_eq!((shown.now(), shown.time()), (MonotonicNanos(5), UnixNanos(5)));
        hand.advance(10);
        assert_eq!((shown.now(), shown.time()), (MonotonicNanos(15), UnixNanos(15)));
        hand.set(UnixNanos(12));
        assert_eq!(shown.now(), MonotonicNanos(15), "time does not go back");
        hand.set(UnixNanos(20));
        hand.step_wall(-15);
        assert_eq!((shown.now(), shown.time()), (MonotonicNanos(20), UnixNanos(5)), "the wall clock may");
        hand.step_wall(100);
        assert_eq!((shown.now(), shown.time()), (MonotonicNanos(20), UnixNanos(105)));
    }
}
