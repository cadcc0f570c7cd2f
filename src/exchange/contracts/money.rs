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
        if self.has_stale_position(account, asset) {
            return 0;
        }
        let due = self.funding_due(account, asset);
        self.shared.positions.margin(account, asset).withdrawable(i128::from(free.0) + due)
    }

    /// Whether the account has lots in a contract of the asset whose index is stale.
    fn has_stale_position(&mut self, account: AccountId, asset: AssetId) -> bool {
        let now = self.shared.now;
        let instruments = &self.instruments;
        let by_ordinal = &self.contracts.by_ordinal;
        self.shared.positions.holdings_of(account, asset).any(|holding| {
            let id = by_ordinal[usize::from(holding.contract().0)];
            let contract = instruments[id.0 as usize].contract.as_ref();
            holding.has_lots() && contract.is_some_and(|contract| contract.is_stale(now))
        })
    }
}
