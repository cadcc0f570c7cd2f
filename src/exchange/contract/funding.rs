//! The funding of a perpetual (docs/FUTURES.md, "Funding").

use crate::domain::contracts::{Funding, Premium};
use crate::domain::{AccountId, FundingNumber};

/// The last funding, and the samples of the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Fundings {
    /// The number of the last one; 0: there was none.
    pub(in crate::exchange) number: FundingNumber,
    /// Rate and mark of the last one.
    pub(in crate::exchange) last: Option<Funding>,
    /// The second of the next one; 0: there is none.
    pub(in crate::exchange) next: u64,
    /// The samples since the last one.
    pub(in crate::exchange) premium: Premium,
    /// Whether legs may still have to be charged for the last one.
    pub(in crate::exchange) charging: Option<Charging>,
}

/// How far the charging of a funding has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Charging {
    /// Legs that are not charged. Derived from the positions.
    pub(in crate::exchange) left: u32,
    /// Legs that are.
    pub(in crate::exchange) charged: u32,
    /// All legs of earlier accounts are charged.
    pub(in crate::exchange) next: AccountId,
}

impl Fundings {
    /// Sets the time of the next one: the first multiple of the interval after this second.
    pub(in crate::exchange) fn set_next(&mut self, now_s: u64, interval_s: u32) {
        let interval = u64::from(interval_s);
        self.next = now_s.checked_div(interval).map_or(0, |passed| (passed + 1) * interval);
    }

    /// Whether the next one is due, and may be: every leg is charged for the last one.
    pub(in crate::exchange) fn is_due(&self, now_s: u64) -> bool {
        self.next != 0 && now_s >= self.next && self.charging.is_none()
    }

    /// Counts a leg that was charged. Returns whether it was the last one.
    pub(in crate::exchange) fn count_charged(&mut self) -> bool {
        let charging = self.charging.as_mut().expect("legs are charged while a funding is open");
        charging.left -= 1;
        charging.charged += 1;
        charging.left == 0
    }

    /// What the last rate has left of its interval, parts per 10^9, as a fraction; 0 before the first.
    pub(in crate::exchange) fn left(&self, now_s: u64, interval_s: u32) -> (i64, i64) {
        match self.last {
            Some(last) if interval_s > 0 => {
                let left = self.next.saturating_sub(now_s) as i64;
                (last.rate.0 * left, i64::from(interval_s))
            }
            _ => (0, 1),
        }
    }
}
