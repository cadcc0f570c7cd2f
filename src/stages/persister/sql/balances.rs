//! Every balance in memory, and which of them the batch has changed.

use super::rows::BalanceRow;
use crate::domain::{AccountId, Amount, AssetId};

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    total: i64,
    reserved: i64,
    changed: bool,
}

/// All balances by asset and account. A balance exists from the first time that it is touched.
#[derive(Debug, Default)]
pub(super) struct Balances {
    columns: Vec<Vec<Cell>>,
    changed: Vec<(AccountId, AssetId)>,
}

impl Balances {
    /// Takes up a balance that the table already has.
    pub(super) fn load(&mut self, row: BalanceRow) {
        let cell = self.cell(row.account, row.asset);
        (cell.total, cell.reserved) = (row.total.0, row.reserved.0);
    }

    /// Changes what an account holds and what of it is reserved. `None`, and nothing changed, when that would not fit.
    pub(super) fn add(
        &mut self,
        account: AccountId,
        asset: AssetId,
        total: i64,
        reserved: i64,
    ) -> Option<()> {
        let cell = self.cell(account, asset);
        let total = cell.total.checked_add(total)?;
        let reserved = cell.reserved.checked_add(reserved)?;
        let first_change = !cell.changed;
        *cell = Cell { total, reserved, changed: true };
        if first_change {
            self.changed.push((account, asset));
        }
        Some(())
    }

    /// The rows that the batch has changed, in the order of the table's key.
    pub(super) fn changed(&mut self) -> impl Iterator<Item = BalanceRow> + '_ {
        self.changed.sort_unstable();
        self.changed.iter().map(|(account, asset)| {
            let cell = self.columns[usize::from(asset.0)][account.0 as usize];
            let (total, reserved) = (Amount(cell.total), Amount(cell.reserved));
            BalanceRow { account: *account, asset: *asset, total, reserved }
        })
    }

    /// The changes are in the table.
    pub(super) fn settle(&mut self) {
        for (account, asset) in self.changed.drain(..) {
            self.columns[usize::from(asset.0)][account.0 as usize].changed = false;
        }
    }

    fn cell(&mut self, account: AccountId, asset: AssetId) -> &mut Cell {
        let (row, column) = (account.0 as usize, usize::from(asset.0));
        if column >= self.columns.len() {
            self.columns.resize_with(column + 1, Vec::new);
        }
        let cells = &mut self.columns[column];
        if row >= cells.len() {
            cells.resize(row + 1, Cell::default());
        }
        &mut cells[row]
    }
}
