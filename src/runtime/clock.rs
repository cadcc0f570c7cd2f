//! Where time enters: how much has passed, and what time it is. Nobody who needs the one can be given the other by mistake.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01 00:00:00 UTC, leap seconds not counted. Lasts until the year 2554.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub u64);

/// Nanoseconds since a moment that means nothing. Only differences say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonotonicNanos(pub u64);

/// Says how much time has passed: never stops, goes back or is set. All durations come from here.
pub trait Clock: Send {
    /// At least what it said before.
    fn now(&mut self) -> MonotonicNanos;
}

/// Says what time it is, and may be wrong: somebody can set it at any moment, forwards and back. Only stamps come from here,
/// and what happens at a time of day.
pub trait WallClock: Send {
    /// The time of day and the date.
    fn time(&mut self) -> UnixNanos;
}

/// Makes a clock for each agent.
pub trait Clocks {
    /// One for durations. All that are made here count from the same moment.
    fn monotonic(&self) -> Box<dyn Clock>;
    /// One for stamps.
    fn wall(&self) -> Box<dyn WallClock>;
}

/// The system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClocks {
    origin: Instant,
}

impl SystemClocks {
    /// Clocks that count from now.
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
        // Before 1970 it reads as 0, which no start on a journal takes for right.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Clocks that move only when told, shared by all clones. For simulations and tests.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<Hands>);

#[derive(Debug, Default)]
struct Hands {
    elapsed: AtomicU64,
    /// The wall clock less the other.
    ahead: AtomicI64,
}

impl ManualClock {
    /// Both clocks show `start`.
    pub fn new(start: UnixNanos) -> Self {
        Self(Arc::new(Hands { elapsed: AtomicU64::new(start.0), ahead: AtomicI64::new(0) }))
    }

    /// Moves every clone forward to `time`; a time in the past leaves the clock where it is.
    pub fn set(&self, time: UnixNanos) {
        self.0.elapsed.fetch_max(time.0, Ordering::AcqRel);
    }

    /// Time passes: moves both clocks of every clone forward by `nanos`.
    pub fn advance(&self, nanos: u64) {
        self.0.elapsed.fetch_add(nanos, Ordering::AcqRel);
    }

    /// Somebody sets the wall clock: moves it alone by `nanos`, forwards or back.
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
