//! All balances in memory, and which of them the batch has changed.

use super::rows::BalanceRow;
use crate::domain::{AccountId, Amount, AssetId, Posting, ShardId};

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    total: i64,
    reserved: i64,
    changed: bool,
}

/// All balances by shard, asset and account. A balance exists once it was changed.
#[derive(Debug, Default)]
pub(super) struct Balances {
    shards: Vec<Vec<Vec<Cell>>>,
    changed: Vec<(AccountId, AssetId, ShardId)>,
}

impl Balances {
    /// Adds a balance that is already in the table.
    pub(super) fn load(&mut self, row: BalanceRow) {
        let cell = self.cell((row.shard, row.account, row.asset));
        (cell.total, cell.reserved) = (row.total.0, row.reserved.0);
    }

    /// Adds a posting to its balance in a shard's wallet. `None`, and nothing changed, if the result does not fit.
    pub(super) fn add(&mut self, shard: ShardId, posting: &Posting) -> Option<()> {
        let Posting { account, asset, reserved, .. } = *posting;
        let cell = self.cell((shard, account, asset));
        let total = cell.total.checked_add(posting.total()?)?;
        let reserved = cell.reserved.checked_add(reserved)?;
        let first_change = !cell.changed;
        *cell = Cell { total, reserved, changed: true };
        if first_change {
            self.changed.push((account, asset, shard));
        }
        Some(())
    }

    /// Sets the total of an account in a shard.
    pub(super) fn set_total(&mut self, shard: ShardId, account: AccountId, asset: AssetId, total: i64) {
        let cell = self.cell((shard, account, asset));
        let first_change = !std::mem::replace(&mut cell.changed, true);
        cell.total = total;
        if first_change {
            self.changed.push((account, asset, shard));
        }
    }

    /// Converts all amounts of an asset to another scale. `None` if one would not be exact or would not fit; the
    /// balances are then unusable.
    pub(super) fn rescale(&mut self, asset: AssetId, before: u8, after: u8) -> Option<()> {
        let power = 10_i64.checked_pow(u32::from(before.abs_diff(after)))?;
        let convert = |value: i64| match after >= before {
            true => value.checked_mul(power),
            false => (value % power == 0).then_some(value / power),
        };
        for (shard, columns) in (0..).map(ShardId).zip(&mut self.shards) {
            let column = columns.get_mut(usize::from(asset.0)).map_or(&mut [][..], Vec::as_mut_slice);
            for (account, cell) in (0..).map(AccountId).zip(column) {
                if (cell.total, cell.reserved) == (0, 0) {
                    continue;
                }
                (cell.total, cell.reserved) = (convert(cell.total)?, convert(cell.reserved)?);
                if !std::mem::replace(&mut cell.changed, true) {
                    self.changed.push((account, asset, shard));
                }
            }
        }
        Some(())
    }

    /// The sum of all balances of an asset.
    pub(super) fn sum(&self, asset: AssetId) -> Amount {
        let columns = self.shards.iter().filter_map(|columns| columns.get(usize::from(asset.0)));
        Amount(columns.flatten().map(|cell| cell.total).sum())
    }

    /// The changed rows of the batch, in key order.
    pub(super) fn changed(&mut self) -> impl Iterator<Item = BalanceRow> + '_ {
        self.changed.sort_unstable();
        self.changed.iter().map(|(account, asset, shard)| {
            let cell = self.shards[usize::from(shard.0)][usize::from(asset.0)][account.0 as usize];
            let (total, reserved) = (Amount(cell.total), Amount(cell.reserved));
            BalanceRow { shard: *shard, account: *account, asset: *asset, total, reserved }
        })
    }

    /// Marks the changes as written.
    pub(super) fn settle(&mut self) {
        for (account, asset, shard) in self.changed.drain(..) {
            self.shards[usize::from(shard.0)][usize::from(asset.0)][account.0 as usize].changed = false;
        }
    }

    fn cell(&mut self, (shard, account, asset): (ShardId, AccountId, AssetId)) -> &mut Cell {
        let columns = at(&mut self.shards, usize::from(shard.0));
        let cells = at(columns, usize::from(asset.0));
        at(cells, account.0 as usize)
    }
}

/// The element at this index, added if it does not exist.
fn at<T: Default + Clone>(all: &mut Vec<T>, place: usize) -> &mut T {
    if place >= all.len() {
        all.resize(place + 1, T::default());
    }
    &mut all[place]
}

/// What is said of an amount that does not fit.
pub(super) fn overflow() -> String {
    "an amount is out of range".to_owned()
}
