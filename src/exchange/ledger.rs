//! Who has how much: available and reserved, per account and asset, in minor units.
//!
//! The ledger only moves money; it never makes any. Deposits and withdrawals change an asset's supply by the same
//! amount, and the supply is kept below 2^63, so no sum over accounts can overflow.

use crate::domain::{AccountId, Amount, AssetId};

/// What an account holds of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Free for orders and withdrawals.
    pub available: Amount,
    /// Held for open orders.
    pub reserved: Amount,
}

/// One asset's column: its supply and a balance for every account.
#[derive(Clone, Debug, Default)]
struct Column {
    supply: Amount,
    balances: Vec<Balance>,
}

/// All balances.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    columns: Vec<Column>,
    accounts: usize,
}

impl Ledger {
    /// One more asset; every account holds none of it.
    pub(super) fn add_asset(&mut self) {
        let balances = vec![Balance::default(); self.accounts];
        self.columns.push(Column { supply: Amount(0), balances });
    }

    /// One more account; it holds nothing.
    pub(super) fn add_account(&mut self) {
        self.accounts += 1;
        for column in &mut self.columns {
            column.balances.push(Balance::default());
        }
    }

    /// As many accounts, before there is an asset.
    pub(super) fn with_accounts(accounts: usize) -> Self {
        Self { columns: Vec::new(), accounts }
    }

    /// One more asset with its supply and what every account holds of it.
    pub(super) fn restore_asset(&mut self, supply: Amount, balances: Vec<Balance>) {
        assert_eq!(balances.len(), self.accounts, "a balance for every account");
        self.columns.push(Column { supply, balances });
    }

    /// What an account holds.
    pub(super) fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        self.columns[asset.0 as usize].balances[account.0 as usize]
    }

    /// Deposits less withdrawals of an asset.
    pub(super) fn supply(&self, asset: AssetId) -> Amount {
        self.columns[asset.0 as usize].supply
    }

    /// All balances of an asset in the order of accounts.
    pub(super) fn balances(&self, asset: AssetId) -> &[Balance] {
        &self.columns[asset.0 as usize].balances
    }

    fn of(&mut self, account: AccountId, asset: AssetId) -> &mut Balance {
        &mut self.columns[asset.0 as usize].balances[account.0 as usize]
    }

    /// Brings money in from outside. `false`, and nothing done, when the supply would not fit.
    pub(super) fn deposit(&mut self, account: AccountId, asset: AssetId, amount: Amount) -> bool {
        let column = &mut self.columns[asset.0 as usize];
        let Some(supply) = column.supply.0.checked_add(amount.0) else { return false };
        column.supply.0 = supply;
        column.balances[account.0 as usize].available.0 += amount.0;
        true
    }

    /// Sends money out. `false`, and nothing done, when the account has not that much available.
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

    /// Counts all amounts of an asset anew. Nothing is reserved of it.
    pub(super) fn convert(&mut self, asset: AssetId, exact: impl Fn(Amount) -> Amount) {
        let column = &mut self.columns[asset.0 as usize];
        column.supply = exact(column.supply);
        for balance in &mut column.balances {
            assert_eq!(balance.reserved, Amount(0), "orders of the asset are cancelled before");
            balance.available = exact(balance.available);
        }
    }

    /// Adds to what is available: the other side of a [`Self::spend`].
    ///
    /// # Panics
    /// If the amount is below 0.
    pub(super) fn credit(&mut self, account: AccountId, asset: AssetId, amount: Amount) {
        assert!(amount.0 >= 0, "what is received is not paid");
        self.of(account, asset).available.0 += amount.0;
    }

    /// Changes what an order has reserved from `before` to `after`, out of or back to what is available. The caller has
    /// seen that it is available.
    pub(super) fn reserve(&mut self, account: AccountId, asset: AssetId, before: Amount, after: Amount) {
        self.spend(account, asset, before, after, Amount(0));
    }

    /// Pays `amount` out of what an order has reserved; `after` stays reserved and the rest becomes available. Where
    /// the reserve falls short (a market buy has none) the available balance pays.
    ///
    /// # Panics
    /// If the account has not so much.
    pub(super) fn spend(
        &mut self,
        account: AccountId,
        asset: AssetId,
        before: Amount,
        after: Amount,
        amount: Amount,
    ) {
        let balance = self.of(account, asset);
        balance.reserved.0 += after.0 - before.0;
        balance.available.0 += before.0 - after.0 - amount.0;
        assert!(balance.reserved.0 >= 0 && balance.available.0 >= 0, "money is checked before it is moved");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_ten() -> Ledger {
        let mut ledger = Ledger::with_accounts(1);
        ledger.add_asset();
        assert!(ledger.deposit(AccountId(0), AssetId(0), Amount(10)));
        ledger
    }

    #[test]
    #[should_panic(expected = "money is checked before it is moved")]
    fn nobody_spends_more_than_there_is() {
        with_ten().spend(AccountId(0), AssetId(0), Amount(0), Amount(4), Amount(7));
    }

    #[test]
    #[should_panic(expected = "money is checked before it is moved")]
    fn nothing_is_released_that_was_not_reserved() {
        with_ten().reserve(AccountId(0), AssetId(0), Amount(1), Amount(0));
    }

    #[test]
    #[should_panic(expected = "what is received is not paid")]
    fn nobody_is_credited_less_than_nothing() {
        with_ten().credit(AccountId(0), AssetId(0), Amount(-1));
    }
}
