//! What may leave a wallet of a shard with contracts (docs/FUTURES.md, "Orders and their margin").

use super::super::state::Exchange;
use crate::domain::{AccountId, AssetId};

impl Exchange {
    /// What an account may withdraw of an asset, minor units: in a shard with spot what is available. Positions count as
    /// if they were charged for the last funding.
    pub(in crate::exchange) fn withdrawable(&mut self, account: AccountId, asset: AssetId) -> i128 {
        let free = self.shared.ledger.balance(account, asset).available;
        if self.contracts.by_ordinal.is_empty() {
            return i128::from(free.0);
        }
        if self.shared.positions.has_stale(account, asset, self.shared.now) {
            return 0;
        }
        let due = self.funding_due(account, asset);
        self.shared.positions.margin(account, asset).withdrawable(i128::from(free.0) + due)
    }
}
