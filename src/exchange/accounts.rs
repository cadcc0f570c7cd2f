//! What the exchange knows of an account beyond its money.

use crate::domain::{
    AccountId, Amount, FeeTier, GroupId, LoginId, OrderLimits, Owner, SelfTradePrevention, Switch, Timestamp,
    VolumeTiers,
};

/// Orders counted in one second of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) second: u32,
    pub(super) count: u32,
}

impl Rate {
    /// Whether `max` orders have come in this second already; 0: any number may come.
    pub(super) fn is_full(self, now: Timestamp, max: u32) -> bool {
        max > 0 && self.second == now.seconds() as u32 && self.count >= max
    }

    /// Counts one more.
    pub(super) fn count(&mut self, now: Timestamp) {
        let second = now.seconds() as u32;
        if self.second != second {
            *self = Self { second, count: 0 };
        }
        self.count = self.count.saturating_add(1);
    }
}

/// Limits of an account, and what is counted for them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AccountLimits {
    pub(super) limits: OrderLimits,
    pub(super) rate: Rate,
}

/// One account.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// The reference of the last deposit or withdrawal.
    pub(super) last_transfer: u64,
    /// What is done about trades with itself, for orders that do not say.
    pub(super) self_trade: SelfTradePrevention,
    /// Its group; 0: none.
    pub(super) group: GroupId,
    /// Its logins, by their ids.
    pub(super) logins: Vec<LoginId>,
    /// Open orders in all instruments.
    pub(super) open_orders: u32,
    /// Those of them that wait for a trigger.
    pub(super) waiting_orders: u32,
    /// The row of the fee tables.
    pub(super) tier: FeeTier,
    /// The row that it was put on, if it was.
    pub(super) assigned: Option<FeeTier>,
    /// On: no new orders.
    pub(super) killed: Switch,
    /// Limits, if it has any.
    pub(super) limits: Option<Box<AccountLimits>>,
}

impl Account {
    /// How many of something it may have: what its own limits say, else the venue's share for an account.
    pub(super) fn share(&self, of: impl Fn(&OrderLimits) -> u32, of_venue: u32) -> u32 {
        self.limits.as_ref().map(|own| of(&own.limits)).filter(|own| *own > 0).unwrap_or(of_venue)
    }

    /// Whether an order of `other` counts as one of its own.
    pub(super) fn owns_like(&self, other: &Self, owner: Owner) -> bool {
        owner == Owner::Group && self.group != GroupId(0) && self.group == other.group
    }
}

/// Days that a volume counts.
pub(super) const VOLUME_DAYS: usize = 30;

/// What accounts have traded, day by day, for the tiers that follow from it.
#[derive(Clone, Debug)]
pub(super) struct Volumes {
    pub(super) tiers: VolumeTiers,
    /// The UTC day, counted from 1970, that `today` is for.
    pub(super) day: u64,
    /// By account.
    pub(super) traded: Vec<Traded>,
}

/// One account's volume, minor units of the volume asset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traded {
    /// So far today.
    pub(super) today: u64,
    /// Of the days before, by day modulo [`VOLUME_DAYS`].
    days: [u64; VOLUME_DAYS],
}

impl Traded {
    /// The volume of the days before today.
    pub(super) fn total(&self) -> u64 {
        self.days.iter().fold(0, |sum: u64, day| sum.saturating_add(*day))
    }

    /// As it was written down.
    pub(super) fn restored(today: u64, days: [u64; VOLUME_DAYS]) -> Self {
        Self { today, days }
    }

    /// Each of the days before, oldest slot first, as the state's digest sees them.
    pub(super) fn days(&self) -> &[u64] {
        &self.days
    }

    /// Takes today's volume to the days before, and leaves out days that are too old.
    fn roll(&mut self, from: u64, to: u64) {
        self.days[(from % VOLUME_DAYS as u64) as usize] = std::mem::take(&mut self.today);
        // The days in between had no trade; the slot of the new day itself is the oldest that counted.
        for day in from + 1..to.min(from + 1 + VOLUME_DAYS as u64) {
            self.days[(day % VOLUME_DAYS as u64) as usize] = 0;
        }
    }
}

impl Volumes {
    pub(super) fn new(tiers: VolumeTiers, day: u64, accounts: usize) -> Self {
        Self { tiers, day, traded: vec![Traded::default(); accounts] }
    }

    /// Adds a trade's notional to today's volume.
    pub(super) fn add(&mut self, account: AccountId, notional: Amount) {
        let traded = &mut self.traded[account.0 as usize];
        traded.today = traded.today.saturating_add(notional.0.unsigned_abs());
    }

    /// Starts another day.
    pub(super) fn roll(&mut self, day: u64) {
        let from = self.day;
        self.traded.iter_mut().for_each(|traded| traded.roll(from, day));
        self.day = day;
    }

    /// Counts the asset at another scale.
    pub(super) fn convert(&mut self, about: impl Fn(u64) -> u64) {
        for traded in &mut self.traded {
            traded.today = about(traded.today);
            traded.days.iter_mut().for_each(|day| *day = about(*day));
        }
        // A row that is not to be reached stays so.
        let reachable = self.tiers.volume_min.iter_mut().filter(|min| **min != Amount(i64::MAX));
        reachable
            .for_each(|min| *min = Amount(i64::try_from(about(min.0.unsigned_abs())).unwrap_or(i64::MAX)));
    }

    /// The row that an account's volume reaches.
    pub(super) fn tier(&self, account: AccountId) -> FeeTier {
        let total = self.traded[account.0 as usize].total();
        let reached = self
            .tiers
            .volume_min
            .iter()
            .rposition(|min| *min != Amount(i64::MAX) && min.0.unsigned_abs() <= total);
        FeeTier(reached.unwrap_or_default() as u8)
    }
}
