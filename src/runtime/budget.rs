//! Rate limits.

/// A burst of this size, then one event per spacing: the generic cell rate algorithm.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Events that may happen at once.
    pub burst: u64,
    /// Time between events in the long run, in nanoseconds.
    pub spacing: u64,
}

impl Rate {
    /// The earliest time of the next event in nanoseconds, if the events so far are paid for at time `paid`.
    pub fn free_at(self, paid: u64, now: u64) -> u64 {
        paid.saturating_sub((self.burst - 1) * self.spacing).max(now)
    }

    /// The time in nanoseconds at which the events so far and `count` more are paid for.
    pub fn pay(self, paid: u64, count: u64, now: u64) -> u64 {
        paid.max(now).saturating_add(count.saturating_mul(self.spacing))
    }
}

/// The state of one rate limit.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    rate: Rate,
    paid: u64,
}

impl Budget {
    pub fn new(rate: Rate) -> Self {
        Self { rate, paid: 0 }
    }

    /// Whether an event may happen now.
    pub fn is_left(&self, now: u64) -> bool {
        self.rate.free_at(self.paid, now) == now
    }

    /// The number of events that may happen now.
    pub fn left(&self, now: u64) -> u64 {
        self.rate.burst.saturating_sub(self.paid.saturating_sub(now).div_ceil(self.rate.spacing))
    }

    /// Counts one event.
    pub fn spend(&mut self, now: u64) {
        self.spend_many(1, now);
    }

    /// Counts this many events, also more than are left. The excess delays the next event.
    pub fn spend_many(&mut self, count: u64, now: u64) {
        self.paid = self.rate.pay(self.paid, count, now);
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
    fn what_is_taken_too_much_is_paid_for_first() {
        let mut budget = Budget::new(RATE);
        assert_eq!(budget.left(100), 3);
        budget.spend_many(5, 100);
        let left: Vec<u64> = (100..=160).step_by(10).map(|now| budget.left(now)).collect();
        assert_eq!(left, [0, 0, 0, 1, 2, 3, 3]);
        for now in 100..=160 {
            assert_eq!(budget.is_left(now), budget.left(now) > 0, "{now}");
        }
    }
}
