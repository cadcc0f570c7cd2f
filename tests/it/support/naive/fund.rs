//! Insurance funds: money of the venue, by asset.

use super::futures::is_inverse;
use super::{AMOUNT_MAX, Naive};
use dojima::domain::{ContractEvent, DepositFund, Event, FundCause, FundChanged, Listing, RejectReason};

impl Naive {
    /// What all accounts and the fund have of an asset, with what positions cost: deposits less withdrawals.
    pub(super) fn supply(&self, asset: dojima::domain::AssetId) -> i128 {
        let known = &self.assets[usize::from(asset.0)];
        known.held.iter().sum::<i128>() + known.fund - self.costs(asset)
    }

    pub(super) fn deposit_fund(&mut self, deposit: DepositFund) -> Result<(), RejectReason> {
        let DepositFund { asset, shard, amount, reference } = deposit;
        let known = self.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)?;
        if shard.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        let settles = |listing: &Listing| {
            let settled_in = if is_inverse(listing.product) { listing.base } else { listing.quote };
            listing.shard == shard && settled_in == asset
        };
        let settled = self.contracts().iter().any(|id| settles(self.listing(*id)));
        if amount.0 < 1 || !settled {
            return Err(RejectReason::OutOfRange);
        }
        if reference <= known.last_fund_reference {
            return Err(RejectReason::DuplicateReference);
        }
        let change = i128::from(amount.0);
        let supply = self.supply(asset) + self.in_flight_of(asset);
        if supply + change > AMOUNT_MAX || !self.may_deposit(asset, change) {
            return Err(RejectReason::SupplyTooLarge);
        }
        self.note_deposit(asset, change);
        let known = &mut self.assets[usize::from(asset.0)];
        known.fund += change;
        known.last_fund_reference = reference;
        let fund = super::amount(known.fund);
        self.events.push(Event::Contract(ContractEvent::FundChanged(FundChanged {
            asset,
            shard,
            cause: FundCause::Deposit,
            instrument: None,
            amount,
            fund,
            reference,
        })));
        Ok(())
    }
}
