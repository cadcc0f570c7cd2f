//! Rate limits per key.

use super::Rate;
use super::bounded::Bounded;
use std::hash::Hash;

/// A rate limit for each `K`.
#[derive(Debug)]
pub struct Pace<K> {
    rate: Rate,
    wait_max: u64,
    paid: Bounded<K, u64>,
}

impl<K: Hash + Eq> Pace<K> {
    /// Without events so far. An event that would have to wait longer than `wait_max` nanoseconds is refused.
    pub fn new(rate: Rate, wait_max: u64) -> Self {
        Self { rate, wait_max, paid: Bounded::default() }
    }

    /// Reserves an event of this key; returns its time in nanoseconds, at or after `now`. `None`, without a
    /// reservation, if it would have to wait too long.
    pub fn book(&mut self, key: K, now: u64) -> Option<u64> {
        let paid = self.paid.entry(key, now, |paid| *paid);
        let at = self.rate.free_at(*paid, now);
        if at - now > self.wait_max {
            return None;
        }
        *paid = self.rate.pay(*paid, 1, now);
        Some(at)
    }

    /// Whether an event of this key may happen immediately.
    pub fn is_free(&self, key: &K, now: u64) -> bool {
        self.paid.get(key).is_none_or(|paid| self.rate.free_at(*paid, now) == now)
    }

    /// Counts this many events of this key that have happened.
    pub fn charge(&mut self, key: K, count: u64, now: u64) {
        let paid = self.paid.entry(key, now, |paid| *paid);
        *paid = self.rate.pay(*paid, count, now);
    }

    /// The number of known keys.
    pub fn len(&self) -> usize {
        self.paid.len()
    }

    /// Whether no keys are known.
    pub fn is_empty(&self) -> bool {
        self.paid.is_empty()
    }

    /// Forgets the events of this key.
    pub fn forget(&mut self, key: &K) {
        self.paid.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, spacing: 10 };

    #[test]
    fn a_pace_says_when_and_turns_down_what_is_too_late() {
        let mut pace = Pace::new(RATE, 20);
        let booked: Vec<Option<u64>> = (0..6).map(|_| pace.book('a', 100)).collect();
        assert_eq!(booked, [Some(100), Some(100), Some(100), Some(110), Some(120), None]);
        assert_eq!(pace.book('b', 100), Some(100), "others have their own");
        assert_eq!([110, 120, 130].map(|now| pace.is_free(&'a', now)), [false, false, true]);
        assert!(pace.is_free(&'c', 111));
        assert_eq!(pace.book('a', 111), Some(130));
        pace.charge('b', 5, 111);
        assert_eq!(pace.book('b', 111), None, "it has to wait for longer than it may");
        pace.forget(&'a');
        assert_eq!(pace.book('a', 111), Some(111));
    }
}
