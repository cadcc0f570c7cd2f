//! Delays of refusals after earlier failures.

use crate::runtime::Bounded;
use std::hash::Hash;

/// The delay after a first failure, ns. It doubles with every further failure, up to the longest delay.
const FIRST_NS: u64 = 100_000_000;
const LONGEST_NS: u64 = 8_000_000_000;

/// A failure is forgotten if no other follows for this long, ns.
const MEMORY_NS: u64 = 600_000_000_000;

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    last: u64,
}

/// The failures per `K`. If there are more than [`crate::runtime::bounded::ENTRIES_MAX`], the oldest are dropped.
#[derive(Debug)]
pub struct Delays<K>(Bounded<K, Entry>);

impl<K> Default for Delays<K> {
    fn default() -> Self {
        Self(Bounded::default())
    }
}

impl<K: Hash + Eq> Delays<K> {
    /// Counts a failure at `now`; returns how long to delay its answer, ns.
    pub fn failed(&mut self, key: K, now: u64) -> u64 {
        let entry = self.0.entry(key, Entry { failures: 0, last: now }, |entry| entry.last);
        if now.saturating_sub(entry.last) > MEMORY_NS {
            entry.failures = 0;
        }
        let delay = FIRST_NS.saturating_mul(1 << entry.failures.min(20)).min(LONGEST_NS);
        *entry = Entry { failures: entry.failures.saturating_add(1), last: now };
        delay
    }

    /// Forgets the failures of this key.
    pub fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_are_forgotten() {
        let mut delays = Delays::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..9 {
            let delay = delays.failed(1, now);
            waits.push(delay / 100_000_000);
            now += delay;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 80, 80]);
        assert_eq!(delays.failed(2, now), FIRST_NS, "others are counted by themselves");
        assert_eq!(delays.failed(1, now + MEMORY_NS + 1), FIRST_NS);
        delays.failed(1, now);
        delays.forget(&1);
        assert_eq!(delays.failed(1, now), FIRST_NS);
    }
}
