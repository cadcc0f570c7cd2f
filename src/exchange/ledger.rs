//! Balances: available and reserved amounts per account and asset, in minor units.
//!
//! The ledger moves money and never creates any. Deposits and withdrawals change an asset's supply by the same amount.
//! The supply is below 2^63, so no sum over accounts can overflow. Money on its way to another shard is in no balance
//! and still in the supply (`transfers`).

use crate::domain::{AccountId, Amount, AssetId, Posting};

/// An account's balance of one asset, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Available for orders and withdrawals.
    pub available: Amount,
    /// Reserved for open orders.
    pub reserved: Amount,
}

/// One asset: its supply and a balance for every account.
#[derive(Clone, Debug, Default)]
struct Column {
    supply: Amount,
    /// The part of the supply that came from other shards; negative if more went to them.
    moved: i64,
    balances: Vec<Balance>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    columns: Vec<Column>,
    accounts: usize,
}

impl Ledger {
    /// Adds an asset; all balances are 0.
    pub(super) fn add_asset(&mut self) {
        let balances = vec![Balance::default(); self.accounts];
        self.columns.push(Column { supply: Amount(0), moved: 0, balances });
    }

    /// Adds an account; all its balances are 0.
    pub(super) fn add_account(&mut self) {
        self.accounts += 1;
        for column in &mut self.columns {
            column.balances.push(Balance::default());
        }
    }

    /// A ledger with this many accounts and no assets.
    pub(super) fn with_accounts(accounts: usize) -> Self {
        Self { columns: Vec::new(), accounts }
    }

    /// Adds an asset with its supply, the part of it that came from other shards, and the balances of all accounts.
    pub(super) fn restore_asset(&mut self, supply: Amount, moved: i64, balances: Vec<Balance>) {
        assert_eq!(balances.len(), self.accounts, "a balance for every account");
        self.columns.push(Column { supply, moved, balances });
    }

    /// What an account holds.
    pub(super) fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        self.columns[asset.0 as usize].balances[account.0 as usize]
    }

    /// Deposits minus withdrawals of an asset, and what came from other shards less what went to them.
    pub(super) fn supply(&self, asset: AssetId) -> Amount {
        self.columns[asset.0 as usize].supply
    }

    /// The part of the supply of an asset that came from other shards; negative if more went to them.
    pub(super) fn moved(&self, asset: AssetId) -> i64 {
        self.columns[asset.0 as usize].moved
    }

    /// All that an account holds of an asset.
    pub(super) fn wallet(&self, account: AccountId, asset: AssetId) -> Amount {
        let Balance { available, reserved } = self.balance(account, asset);
        Amount(available.0 + reserved.0)
    }

    /// All balances of an asset in account order.
    pub(super) fn balances(&self, asset: AssetId) -> &[Balance] {
        &self.columns[asset.0 as usize].balances
    }

    fn of(&mut self, account: AccountId, asset: AssetId) -> &mut Balance {
        &mut self.columns[asset.0 as usize].balances[account.0 as usize]
    }

    /// Adds a deposit. `false`, and nothing done, if the supply would not fit, or if deposits less withdrawals would come
    /// to more than `most`.
    pub(super) fn deposit(&mut self, account: AccountId, asset: AssetId, amount: Amount, most: i64) -> bool {
        let column = &mut self.columns[asset.0 as usize];
        let Some(supply) = column.supply.0.checked_add(amount.0) else { return false };
        if i128::from(supply) - i128::from(column.moved) > i128::from(most) {
            return false;
        }
        column.supply.0 = supply;
        column.balances[account.0 as usize].available.0 += amount.0;
        true
    }

    /// Adds money from outside that no account gets. `false`, and nothing done, if the supply would not fit, or deposits
    /// less withdrawals were above `most`.
    pub(super) fn supply_more(&mut self, asset: AssetId, amount: Amount, most: i64) -> bool {
        let column = &mut self.columns[asset.0 as usize];
        let Some(supply) = column.supply.0.checked_add(amount.0) else { return false };
        if i128::from(supply) - i128::from(column.moved) > i128::from(most) {
            return false;
        }
        column.supply.0 = supply;
        true
    }

    /// Removes a withdrawal. `false`, and nothing done, if the account's available balance is too small.
    pub(super) fn withdraw(&mut self, account: AccountId, asset: AssetId, amount: Amount) -> bool {
        let column = &mut self.columns[asset.0 as usize];
        let balance = &mut column.balances[account.0 as usize];
        if balance.available.0 < amount.0 {
            return false;
        }
        balance.available.0 -= amount.0;
        column.supply.0 -= amount.0;
        true
    }

    /// Takes an amount out of a wallet; it stays in the supply until it departs. `false`, and nothing done, if the
    /// account's available balance is too small.
    pub(super) fn send(&mut self, account: AccountId, asset: AssetId, amount: Amount) -> bool {
        let balance = self.of(account, asset);
        let is_there = balance.available.0 >= amount.0;
        if is_there {
            balance.available.0 -= amount.0;
        }
        is_there
    }

    /// An amount that was sent has arrived in another shard, and leaves the supply of this one.
    pub(super) fn depart(&mut self, asset: AssetId, amount: Amount) {
        let column = &mut self.columns[asset.0 as usize];
        column.supply.0 -= amount.0;
        column.moved -= amount.0;
    }

    /// An amount arrives from another shard.
    ///
    /// # Panics
    /// If the supply does not fit. The bound of deposits in each shard leaves room for all arrivals.
    pub(super) fn arrive(&mut self, account: AccountId, asset: AssetId, amount: Amount) {
        let column = &mut self.columns[asset.0 as usize];
        column.supply.0 = column.supply.0.checked_add(amount.0).expect("deposits are bounded");
        column.moved += amount.0;
        column.balances[account.0 as usize].available.0 += amount.0;
    }

    /// Converts all amounts of an asset. Nothing of it may be reserved or have moved between shards.
    pub(super) fn convert(&mut self, asset: AssetId, exact: impl Fn(Amount) -> Amount) {
        let column = &mut self.columns[asset.0 as usize];
        column.supply = exact(column.supply);
        for balance in &mut column.balances {
            assert_eq!(balance.reserved, Amount(0), "orders of the asset are cancelled before");
            balance.available = exact(balance.available);
        }
    }

    /// Moves `change` from the available to the reserved balance; back if negative.
    ///
    /// # Panics
    /// If the balance is too small.
    pub(super) fn reserve(&mut self, account: AccountId, asset: AssetId, change: i64) {
        self.apply(&Posting::reserve(account, asset, change));
    }

    /// Moves `change` from the available to the reserved balance of an account with contracts; back if negative. What is
    /// available may be below 0 then: profits of positions stand behind it.
    pub(super) fn hold(&mut self, account: AccountId, asset: AssetId, change: i64) {
        let balance = self.of(account, asset);
        balance.available.0 -= change;
        balance.reserved.0 += change;
        assert!(balance.reserved.0 >= 0, "nothing is released that was not held");
    }

    /// Changes what an account with contracts has available, which may be below 0 then.
    pub(super) fn pay(&mut self, account: AccountId, asset: AssetId, change: i64) {
        self.of(account, asset).available.0 += change;
    }

    /// Changes one account's balance. Another posting has the other side of the movement.
    ///
    /// # Panics
    /// If the balance is too small.
    #[inline]
    pub(super) fn apply(&mut self, posting: &Posting) {
        let balance = self.of(posting.account, posting.asset);
        balance.available.0 += posting.available;
        balance.reserved.0 += posting.reserved;
        assert!(balance.reserved.0 >= 0 && balance.available.0 >= 0, "money is checked before it is moved");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_ten() -> Ledger {
        let mut ledger = Ledger::with_accounts(1);
        ledger.add_asset();
        assert!(ledger.deposit(AccountId(0), AssetId(0), Amount(10), i64::MAX));
        ledger
    }

    #[test]
    #[should_panic(expected = "money is checked before it is moved")]
    fn nobody_spends_more_than_there_is() {
        let (available, reserved) = (-11, 4);
        with_ten().apply(&Posting { account: AccountId(0), asset: AssetId(0), available, reserved });
    }

    #[test]
    #[should_panic(expected = "money is checked before it is moved")]
    fn nothing_is_released_that_was_not_reserved() {
        with_ten().apply(&Posting::reserve(AccountId(0), AssetId(0), -1));
    }
}
