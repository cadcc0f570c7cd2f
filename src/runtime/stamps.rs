//! The time with which commands are stamped. It follows the wall clock, and never goes back, stops or jumps.
//!
//! A wall clock may be set at any moment, and jumps when a virtual machine resumes. Expiries, rate limits and
//! dead-man's switches use stamps. So stamps advance with the monotonic clock and are slewed towards the wall clock.

use super::injected_fault::{InjectedFault, is_injected};
use super::{Clock, Clocks, Counter, Counters, MonotonicNanos, UnixNanos, WallClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The divisor of the elapsed time that limits the correction of stamps: an error of 1 s takes 10 s to correct.
pub const SLEW_DIVISOR: u64 = 10;

/// The shortest time between two reads of the wall clock, in nanoseconds.
const LOOK_EVERY_NS: u64 = 1_000_000;

const MILLI_NS: u64 = 1_000_000;

/// The clock for stamps. The agent that stamps commands owns it and must read it continually.
pub struct StampClock {
    clock: Box<dyn Clock>,
    wall: Box<dyn WallClock>,
    /// Stamp minus monotonic clock, in nanoseconds. Only the owner writes it.
    offset: Arc<AtomicI64>,
    looked: MonotonicNanos,
    ahead_ms: Counter,
    behind_ms: Counter,
}

impl StampClock {
    /// The gauge of how far the wall clock is ahead of stamps, in milliseconds.
    pub const AHEAD_MS: &str = "stamps.clock_ahead_ms";
    /// The gauge of how far the wall clock is behind stamps, in milliseconds.
    pub const BEHIND_MS: &str = "stamps.clock_behind_ms";

    /// Starts at the wall clock's time, but not before `last`.
    pub fn new(clocks: &dyn Clocks, last: UnixNanos, counters: &Counters) -> Self {
        let (mut clock, mut wall) = (clocks.monotonic(), clocks.wall());
        let looked = clock.now();
        let offset = less(wall.time().max(last).0, looked.0);
        Self {
            clock,
            wall,
            offset: Arc::new(AtomicI64::new(offset)),
            looked,
            ahead_ms: counters.register(Self::AHEAD_MS, "ms"),
            behind_ms: counters.register(Self::BEHIND_MS, "ms"),
        }
    }

    /// The time for a stamp now; never less than the one before.
    pub fn now(&mut self) -> UnixNanos {
        let now = self.clock.now();
        if now.0.saturating_sub(self.looked.0) >= LOOK_EVERY_NS {
            self.follow(now);
        }
        stamp(now, &self.offset)
    }

    /// A reader of the same time for other agents; `clocks` must be those that this clock was made from.
    pub fn reader(&self, clocks: &dyn Clocks) -> StampReader {
        StampReader { clock: clocks.monotonic(), offset: Arc::clone(&self.offset) }
    }

    fn follow(&mut self, now: MonotonicNanos) {
        let most = i64::try_from(now.0.saturating_sub(self.looked.0) / SLEW_DIVISOR).unwrap_or(i64::MAX);
        self.looked = now;
        let apart = less(self.wall.time().0, stamp(now, &self.offset).0);
        let correction =
            if is_injected(InjectedFault::JumpWithTheClock) { apart } else { apart.clamp(-most, most) };
        let offset = self.offset.load(Ordering::Relaxed).saturating_add(correction);
        self.offset.store(offset, Ordering::Relaxed);
        let left = apart - correction;
        self.ahead_ms.set(left.max(0).unsigned_abs() / MILLI_NS);
        self.behind_ms.set(left.min(0).unsigned_abs() / MILLI_NS);
    }
}

/// Reads the time of stamps. For actions at a time of day, which must agree with the stamps.
pub struct StampReader {
    clock: Box<dyn Clock>,
    offset: Arc<AtomicI64>,
}

impl WallClock for StampReader {
    fn time(&mut self) -> UnixNanos {
        stamp(self.clock.now(), &self.offset)
    }
}

fn stamp(now: MonotonicNanos, offset: &AtomicI64) -> UnixNanos {
    UnixNanos(now.0.saturating_add_signed(offset.load(Ordering::Relaxed)))
}

/// The difference, saturated to the range of `i64`.
fn less(one: u64, other: u64) -> i64 {
    let difference = i128::from(one) - i128::from(other);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::ManualClock;

    const SECOND: u64 = 1_000_000_000;
    const BEGINNING: u64 = 1_800_000_000 * SECOND;

    struct Bench {
        hand: ManualClock,
        stamps: StampClock,
        reader: StampReader,
        counters: Counters,
    }

    impl Bench {
        fn new(last: u64) -> Self {
            let (hand, counters) = (ManualClock::new(UnixNanos(BEGINNING)), Counters::new());
            let stamps = StampClock::new(&hand, UnixNanos(last), &counters);
            let reader = stamps.reader(&hand);
            Self { hand, stamps, reader, counters }
        }

        /// Advances the time in steps of 10 ms; returns how far stamps advanced.
        fn pass(&mut self, seconds: u64) -> u64 {
            let before = self.stamps.now();
            for _ in 0..seconds * 100 {
                self.hand.advance(SECOND / 100);
                let now = self.stamps.now();
                assert_eq!(now, self.reader.time());
            }
            self.stamps.now().0 - before.0
        }

        /// The reported milliseconds that the wall clock is ahead and behind.
        fn apart_ms(&self) -> [u64; 2] {
            let readings = self.counters.snapshot();
            let value =
                |name| readings.iter().find(|reading| reading.name == name).map(|reading| reading.value);
            [StampClock::AHEAD_MS, StampClock::BEHIND_MS].map(|name| value(name).expect("a gauge"))
        }
    }

    #[test]
    fn stamps_are_the_time_of_a_clock_that_nobody_sets() {
        let mut bench = Bench::new(0);
        assert_eq!(bench.stamps.now(), UnixNanos(BEGINNING));
        assert_eq!(bench.pass(100), 100 * SECOND);
        assert_eq!(bench.apart_ms(), [0, 0]);
    }

    #[test]
    fn a_step_back_slows_stamps_down_until_the_clock_has_caught_up() {
        let mut bench = Bench::new(0);
        bench.hand.step_wall(-(SECOND as i64));
        assert_eq!(bench.stamps.now(), UnixNanos(BEGINNING), "not back");
        assert_eq!(bench.pass(4), 4 * SECOND - 4 * SECOND / 10);
        assert_eq!(bench.apart_ms(), [0, 600]);
        assert_eq!(bench.pass(6), 6 * SECOND - 6 * SECOND / 10);
        assert_eq!(bench.apart_ms(), [0, 0]);
        assert_eq!(bench.pass(5), 5 * SECOND);
        assert_eq!(bench.stamps.now(), bench.hand.time());
    }

    #[test]
    fn a_step_forward_is_followed_by_a_tenth_of_the_time_that_passes() {
        let mut bench = Bench::new(0);
        bench.hand.step_wall(86_400 * SECOND as i64);
        assert_eq!(bench.stamps.now(), UnixNanos(BEGINNING), "no jump");
        assert_eq!(bench.pass(10), 11 * SECOND);
        assert_eq!(bench.apart_ms(), [86_399_000, 0]);
        bench.hand.step_wall(-86_398 * SECOND as i64);
        assert_eq!(bench.pass(20), 21 * SECOND);
        assert_eq!(bench.stamps.now(), bench.hand.time());
    }

    #[test]
    fn stamps_go_on_from_the_last_one_and_do_not_stand_still() {
        let mut bench = Bench::new(BEGINNING + 3_600 * SECOND);
        assert_eq!(bench.stamps.now(), UnixNanos(BEGINNING + 3_600 * SECOND));
        assert_eq!(bench.pass(10), 9 * SECOND);
        assert_eq!(bench.apart_ms(), [0, 3_599_000]);
    }
}
