//! How much of something may be done in a time.

use super::bounded::Bounded;
use std::hash::Hash;

/// So many at once, and then one in so long: the generic cell rate algorithm.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At once.
    pub burst: u64,
    /// Time from one to the next in the long run, ns.
    pub spacing: u64,
}

impl Rate {
    /// When the next one may be done, ns, if what is done until now is paid for at `paid`.
    fn free_at(self, paid: u64, now: u64) -> u64 {
        paid.saturating_sub((self.burst - 1) * self.spacing).max(now)
    }

    /// When what was done until now is paid for, ns, once another one is done.
    fn pay(self, paid: u64, now: u64) -> u64 {
        paid.max(now) + self.spacing
    }
}

/// What is left of one rate.
#[derive(Debug)]
pub struct Budget {
    rate: Rate,
    paid: u64,
}

impl Budget {
    /// All of it.
    pub fn new(rate: Rate) -> Self {
        Self { rate, paid: 0 }
    }

    /// Whether there is something left.
    pub fn is_left(&self, now: u64) -> bool {
        self.rate.free_at(self.paid, now) == now
    }

    /// Takes one.
    pub fn spend(&mut self, now: u64) {
        self.paid = self.rate.pay(self.paid, now);
    }
}

/// A rate for each `K`.
#[derive(Debug)]
pub struct Pace<K> {
    rate: Rate,
    wait_max: u64,
    paid: Bounded<K, u64>,
}

impl<K: Hash + Eq> Pace<K> {
    /// Nobody has done anything yet; whoever would have to wait for longer than `wait_max` ns is turned down.
    pub fn new(rate: Rate, wait_max: u64) -> Self {
        Self { rate, wait_max, paid: Bounded::default() }
    }

    /// Takes one of this key; when it may be done, ns, from `now` on. `None`, and nothing is taken, when that is too late.
    pub fn book(&mut self, key: K, now: u64) -> Option<u64> {
        let paid = self.paid.entry(key, now, |paid| *paid);
        let at = self.rate.free_at(*paid, now);
        if at - now > self.wait_max {
            return None;
        }
        *paid = self.rate.pay(*paid, now);
        Some(at)
    }

    /// Forgets what this key has taken.
    pub fn forget(&mut self, key: &K) {
        self.paid.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, spacing: 10 };

    #[test]
    fn a_budget_is_a_burst_and_then_a_rate() {
        let mut budget = Budget::new(RATE);
        let mut done = Vec::new();
        for now in 100..150 {
            while budget.is_left(now) {
                budget.spend(now);
                done.push(now);
            }
        }
        assert_eq!(done, [100, 100, 100, 110, 120, 130, 140]);
    }

    #[test]
    fn a_pace_says_when_and_turns_down_what_is_too_late() {
        let mut pace = Pace::new(RATE, 20);
        let booked: Vec<Option<u64>> = (0..6).map(|_| pace.book('a', 100)).collect();
        assert_eq!(booked, [Some(100), Some(100), Some(100), Some(110), Some(120), None]);
        assert_eq!(pace.book('b', 100), Some(100), "others have their own");
        assert_eq!(pace.book('a', 111), Some(130));
        pace.forget(&'a');
        assert_eq!(pace.book('a', 111), Some(111));
    }
}
