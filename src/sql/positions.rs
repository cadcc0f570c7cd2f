//! The cost of all positions in memory, for the sum of what an asset's owners have.

use crate::domain::{AccountId, AssetId, InstrumentId, PositionChanged, PositionLeg};
use std::collections::BTreeMap;

/// Which position.
pub(super) type Key = (AccountId, InstrumentId, PositionLeg);

/// What positions have cost less the money that is their own, minor units.
#[derive(Debug, Default)]
pub(super) struct Positions {
    of: BTreeMap<Key, i64>,
    /// By asset.
    sums: BTreeMap<AssetId, i64>,
}

impl Positions {
    /// Sets a position that is settled in this asset: its cost and its pot. `None`, and nothing changed, if a sum does
    /// not fit.
    pub(super) fn set(&mut self, key: Key, asset: AssetId, cost: i64, pot: i64) -> Option<()> {
        let net = cost.checked_sub(pot)?;
        let before = self.of.get(&key).copied().unwrap_or_default();
        let sum = self.sums.entry(asset).or_default();
        *sum = sum.checked_add(net.checked_sub(before)?)?;
        if net == 0 {
            self.of.remove(&key);
        } else {
            self.of.insert(key, net);
        }
        Some(())
    }

    /// Takes over a change.
    pub(super) fn change(&mut self, change: &PositionChanged, asset: AssetId) -> Option<()> {
        let key = (change.account, change.instrument, change.leg);
        self.set(key, asset, change.cost, change.pot)
    }

    /// Adds money to the pot of a position that is settled in this asset.
    pub(super) fn add_to_pot(&mut self, key: Key, asset: AssetId, amount: i64) -> Option<()> {
        let net = self.of.get(&key).copied().unwrap_or_default().checked_sub(amount)?;
        self.set(key, asset, net, 0)
    }

    /// What all positions of an asset have cost, less their pots.
    pub(super) fn cost(&self, asset: AssetId) -> i64 {
        self.sums.get(&asset).copied().unwrap_or_default()
    }
}
