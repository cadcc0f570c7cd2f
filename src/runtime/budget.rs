//! How much of something may be done in a time.

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
    pub fn free_at(self, paid: u64, now: u64) -> u64 {
        paid.saturating_sub((self.burst - 1) * self.spacing).max(now)
    }

    /// When what was done until now is paid for, ns, once so many more are done.
    pub fn pay(self, paid: u64, count: u64, now: u64) -> u64 {
        paid.max(now).saturating_add(count.saturating_mul(self.spacing))
    }
}

/// What is left of one rate.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    rate: Rate,
    paid: u64,
}

impl Budget {
    pub fn new(rate: Rate) -> Self {
        Self { rate, paid: 0 }
    }

    /// Whether there is something left.
    pub fn is_left(&self, now: u64) -> bool {
        self.rate.free_at(self.paid, now) == now
    }

    /// How many are left.
    pub fn left(&self, now: u64) -> u64 {
        self.rate.burst.saturating_sub(self.paid.saturating_sub(now).div_ceil(self.rate.spacing))
    }

    /// Takes one.
    pub fn spend(&mut self, now: u64) {
        self.spend_many(1, now);
    }

    /// Takes so many, more than are left too: those are paid for before there is another one.
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
