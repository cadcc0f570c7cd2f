//! Per-account state other than money.

use crate::domain::{
    AccountId, Amount, FeeTier, GroupId, LoginId, OrderLimits, Owner, SelfTradePrevention, Switch, Timestamp,
    VolumeTiers,
};

/// A count of orders in one second of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) second: u32,
    pub(super) count: u32,
}

impl Rate {
    /// Whether `max` orders have come in this second; 0: no limit.
    pub(super) fn is_full(self, now: Timestamp, max: u32) -> bool {
        max > 0 && self.second == now.seconds() as u32 && self.count >= max
    }

    /// Counts one order.
    pub(super) fn count(&mut self, now: Timestamp) {
        self.add(now, 1);
    }

    /// Counts `more` orders. 0 leaves the second unchanged.
    pub(super) fn add(&mut self, now: Timestamp, more: u32) {
        if more == 0 {
            return;
        }
        let second = now.seconds() as u32;
        if self.second != second {
            *self = Self { second, count: 0 };
        }
        self.count = self.count.saturating_add(more);
    }

    /// Takes back orders that were counted in this command.
    pub(super) fn take_back(&mut self, counted: u32) {
        self.count -= counted.min(self.count);
        if self.count == 0 {
            *self = Self::default();
        }
    }
}

/// The limits of an account, and their counters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AccountLimits {
    pub(super) limits: OrderLimits,
    pub(super) rate: Rate,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// The reference of the last deposit, withdrawal or transfer to another shard.
    pub(super) last_transfer: u64,
    /// Transfers to other shards that have not arrived.
    pub(super) in_flight: u8,
    /// The minimum self-trade prevention of its orders.
    pub(super) self_trade: SelfTradePrevention,
    /// Its group; 0: none.
    pub(super) group: GroupId,
    /// Its logins, by id.
    pub(super) logins: Vec<LoginId>,
    /// Open orders in all instruments.
    pub(super) open_orders: u32,
    /// How many of them wait for a trigger.
    pub(super) waiting_orders: u32,
    /// The row of the fee tables.
    pub(super) tier: FeeTier,
    /// The row that an operator assigned, if any.
    pub(super) assigned: Option<FeeTier>,
    /// On: new orders are refused.
    pub(super) killed: Switch,
    /// Its own limits, if it has any.
    pub(super) limits: Option<Box<AccountLimits>>,
}

impl Account {
    /// A limit of the account: from its own limits, otherwise the venue's default.
    pub(super) fn share(&self, of: impl Fn(&OrderLimits) -> u32, of_venue: u32) -> u32 {
        self.limits.as_ref().map(|own| of(&own.limits)).filter(|own| *own > 0).unwrap_or(of_venue)
    }

    /// Whether an order of `other` counts as its own.
    pub(super) fn owns_like(&self, other: &Self, owner: Owner) -> bool {
        owner == Owner::Group && self.group != GroupId(0) && self.group == other.group
    }
}

/// The number of days over which volume counts.
pub(super) const VOLUME_DAYS: usize = 30;

/// The daily volumes of accounts, for the volume tiers.
#[derive(Clone, Debug)]
pub(super) struct Volumes {
    pub(super) tiers: VolumeTiers,
    /// Today as a UTC day, counted from 1970.
    pub(super) day: u64,
    /// By account, each as of the last day on which it was used.
    traded: Vec<Traded>,
}

/// One account's volume, minor units of the volume asset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traded {
    /// Volume of the day `day`.
    pub(super) today: u64,
    /// Volumes of the earlier days, indexed by day modulo [`VOLUME_DAYS`].
    days: [u64; VOLUME_DAYS],
    /// The UTC day of `today`; may be before [`Volumes::day`].
    day: u64,
}

impl Traded {
    /// The volume of the earlier days.
    fn total(&self) -> u64 {
        self.days.iter().fold(0, |sum: u64, day| sum.saturating_add(*day))
    }

    /// The volumes of the earlier days in slot order, for the state's digest.
    pub(super) fn days(&self) -> &[u64] {
        &self.days
    }

    /// Moves the volume of a past day to the earlier days, and drops days that are too old.
    fn roll(&mut self, to: u64) {
        let from = std::mem::replace(&mut self.day, to);
        if from >= to {
            return;
        }
        self.days[(from % VOLUME_DAYS as u64) as usize] = std::mem::take(&mut self.today);
        // The days in between had no trades; the slot of the new day itself has the oldest day that counted.
        for day in from + 1..to.min(from + 1 + VOLUME_DAYS as u64) {
            self.days[(day % VOLUME_DAYS as u64) as usize] = 0;
        }
    }
}

impl Volumes {
    pub(super) fn new(tiers: VolumeTiers, day: u64, accounts: usize) -> Self {
        Self { tiers, day, traded: vec![Traded { day, ..Traded::default() }; accounts] }
    }

    /// Adds an account without volume.
    pub(super) fn add_account(&mut self) {
        self.traded.push(Traded { day: self.day, ..Traded::default() });
    }

    /// Adds an account with saved volumes.
    pub(super) fn restore_account(&mut self, today: u64, days: [u64; VOLUME_DAYS]) {
        self.traded.push(Traded { today, days, day: self.day });
    }

    /// The volume of each account, as of today.
    pub(super) fn traded(&self) -> impl ExactSizeIterator<Item = Traded> + '_ {
        self.traded.iter().map(|traded| {
            let mut traded = *traded;
            traded.roll(self.day);
            traded
        })
    }

    /// Adds a trade's volume to today's.
    pub(super) fn add(&mut self, account: AccountId, amount: Amount) {
        let traded = &mut self.traded[account.0 as usize];
        traded.roll(self.day);
        traded.today = traded.today.saturating_add(amount.0.unsigned_abs());
    }

    /// Converts the amounts when the asset's scale changes.
    pub(super) fn convert(&mut self, about: impl Fn(u64) -> u64) {
        for traded in &mut self.traded {
            traded.today = about(traded.today);
            traded.days.iter_mut().for_each(|day| *day = about(*day));
        }
        // A row that cannot be reached stays that way.
        let reachable = self.tiers.volume_min.iter_mut().filter(|min| **min != Amount(i64::MAX));
        reachable
            .for_each(|min| *min = Amount(i64::try_from(about(min.0.unsigned_abs())).unwrap_or(i64::MAX)));
    }

    /// The row that an account's volume reaches.
    pub(super) fn tier(&mut self, account: AccountId) -> FeeTier {
        let traded = &mut self.traded[account.0 as usize];
        traded.roll(self.day);
        let total = traded.total();
        let reached = self
            .tiers
            .volume_min
            .iter()
            .rposition(|min| *min != Amount(i64::MAX) && min.0.unsigned_abs() <= total);
        FeeTier(reached.expect("the first row needs nothing") as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Only trades of the 30 days before today count, however long the account was not used.
    #[test]
    fn an_account_that_was_not_looked_at_counts_the_same_days() {
        const ACCOUNTS: u32 = 3;
        let mut volumes = Volumes::new(VolumeTiers::default(), 0, ACCOUNTS as usize);
        let mut days = vec![BTreeMap::new(); ACCOUNTS as usize];
        let mut random = 5_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (what, account, by) = (random >> 61, (random >> 40) as u32 % ACCOUNTS, (random >> 50) % 64);
            match what {
                0 => volumes.day += by,
                1..3 => volumes.day += 1,
                _ => {
                    volumes.add(AccountId(account), Amount(by as i64));
                    *days[account as usize].entry(volumes.day).or_insert(0) += by;
                }
            }
            let today = volumes.day;
            for (traded, days) in volumes.traded().zip(&days) {
                let counted: u64 =
                    days.range(today.saturating_sub(30)..today).map(|(_, volume)| volume).sum();
                assert_eq!((traded.total(), traded.today), (counted, days.get(&today).copied().unwrap_or(0)));
            }
        }
    }
}
