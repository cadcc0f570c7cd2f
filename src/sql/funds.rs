//! All insurance funds in memory, for the sum of what an asset's owners have.

use crate::domain::{Amount, AssetId, ShardId};
use std::collections::BTreeMap;

/// The funds by asset and shard, minor units.
#[derive(Debug, Default)]
pub(super) struct Funds(BTreeMap<(AssetId, ShardId), i64>);

impl Funds {
    /// Adds a fund that is already in the table.
    pub(super) fn load(&mut self, asset: AssetId, shard: ShardId, amount: Amount) {
        self.0.insert((asset, shard), amount.0);
    }

    /// Adds a change to a fund, minor units. `None`, and nothing changed, if the fund does not come to `told`.
    pub(super) fn change(&mut self, asset: AssetId, shard: ShardId, change: i64, told: Amount) -> Option<()> {
        let known = self.0.entry((asset, shard)).or_default();
        let after = known.checked_add(change).filter(|after| *after == told.0)?;
        *known = after;
        Some(())
    }

    /// Converts the funds of an asset to another scale. `None` if one would not be exact or would not fit; the funds are
    /// then unusable.
    pub(super) fn rescale(&mut self, asset: AssetId, before: u8, after: u8) -> Option<()> {
        let power = 10_i64.checked_pow(u32::from(before.abs_diff(after)))?;
        for amount in self.0.iter_mut().filter(|((of, _), _)| *of == asset).map(|(_, amount)| amount) {
            *amount = match after >= before {
                true => amount.checked_mul(power)?,
                false => (*amount % power == 0).then_some(*amount / power)?,
            };
        }
        Some(())
    }

    /// The sum of the funds of an asset.
    pub(super) fn sum(&self, asset: AssetId) -> i64 {
        self.0.iter().filter(|((of, _), _)| *of == asset).map(|(_, amount)| amount).sum()
    }
}
