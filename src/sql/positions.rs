//! All positions in memory, for the sum of what an asset's owners have.

use crate::domain::{AccountId, AssetId, InstrumentId, PositionChanged, PositionLeg};
use std::collections::BTreeMap;

/// Which position.
pub(super) type Key = (AccountId, InstrumentId, PositionLeg);

/// A position: its lots, what they have cost and its own money, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) lots: i64,
    pub(super) cost: i64,
    pub(super) pot: i64,
}

/// All positions that are not empty.
#[derive(Debug, Default)]
pub(super) struct Positions {
    of: BTreeMap<Key, Held>,
    /// What they have cost less their own money, by asset.
    sums: BTreeMap<AssetId, i64>,
}

impl Positions {
    /// Sets a position that is settled in this asset. `None`, and nothing changed, if a sum does not fit.
    pub(super) fn set(&mut self, key: Key, asset: AssetId, held: Held) -> Option<()> {
        let before = self.get(&key);
        let less = before.cost.checked_sub(before.pot)?;
        let sum = self.sums.entry(asset).or_default();
        *sum = sum.checked_add(held.cost.checked_sub(held.pot)?.checked_sub(less)?)?;
        if held == Held::default() {
            self.of.remove(&key);
        } else {
            self.of.insert(key, held);
        }
        Some(())
    }

    /// A position; an empty one if there is none.
    pub(super) fn get(&self, key: &Key) -> Held {
        self.of.get(key).copied().unwrap_or_default()
    }

    /// Takes over a change. Returns what the position had cost.
    pub(super) fn change(&mut self, change: &PositionChanged, asset: AssetId) -> Option<i64> {
        let key = (change.account, change.instrument, change.leg);
        let before = self.get(&key).cost;
        let PositionChanged { lots, cost, pot, .. } = *change;
        self.set(key, asset, Held { lots, cost, pot })?;
        Some(before)
    }

    /// The first position of an account in a contract, long before short, without lots and with this much less than nothing.
    pub(super) fn lacking(&self, account: AccountId, instrument: InstrumentId, amount: i64) -> Option<Key> {
        let lacks = Held { pot: amount.checked_neg()?, ..Held::default() };
        let keys = PositionLeg::ALL.iter().map(|leg| (account, instrument, *leg));
        keys.into_iter().find(|key| self.get(key) == lacks)
    }

    /// What all positions of an asset have cost, less their pots.
    pub(super) fn cost(&self, asset: AssetId) -> i64 {
        self.sums.get(&asset).copied().unwrap_or_default()
    }
}
