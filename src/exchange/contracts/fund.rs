//! The insurance funds of a shard (docs/FUTURES.md, "Insurance fund").

use super::super::contract::Fund;
use super::super::state::Exchange;
use crate::domain::{
    Amount, ContractEvent, DepositFund, FundCause, FundChanged, Listing, Phase, RejectReason,
};

impl Exchange {
    pub(super) fn deposit_fund(&mut self, deposit: &DepositFund) -> Result<ContractEvent, RejectReason> {
        let DepositFund { asset, shard, amount, reference } = *deposit;
        self.known_asset(asset)?;
        if !self.venue.has(shard) {
            return Err(RejectReason::UnknownShard);
        }
        if amount.0 < 1 || !self.settles_in(|listing| listing.shard == shard && listing.settled_in() == asset)
        {
            return Err(RejectReason::OutOfRange);
        }
        let known = self.contracts.funds.get(&asset).copied().unwrap_or_default();
        if reference <= known.last_reference {
            return Err(RejectReason::DuplicateReference);
        }
        if !self.shared.ledger.supply_more(asset, amount) {
            return Err(RejectReason::SupplyTooLarge);
        }
        let fund = Fund { amount: Amount(known.amount.0 + amount.0), last_reference: reference };
        self.contracts.funds.insert(asset, fund);
        Ok(ContractEvent::FundChanged(FundChanged {
            asset,
            shard,
            cause: FundCause::Deposit,
            instrument: None,
            amount,
            fund: fund.amount,
            reference,
        }))
    }

    /// Whether a contract that is not delisted has these terms.
    fn settles_in(&self, has: impl Fn(&Listing) -> bool) -> bool {
        let listings = self.instruments.iter().map(|known| &known.listing);
        let mut contracts = listings.filter(|listing| listing.product.is_contract());
        contracts.any(|listing| listing.phase != Phase::Delisted && has(listing))
    }
}
