//! The money of contracts in memory: positions, what contracts hold for their owners, insurance funds.

#![deny(clippy::wildcard_enum_match_arm)]

use super::balances::{Balances, overflow};
use super::clearing::Clearing;
use super::funds::Funds;
use super::positions::{Held, Positions};
use crate::domain::{
    Amount, AssetId, ContractEvent, FundChanged, FundPaid, FundingPaid, InstrumentId, Listing, Listings,
    MarginMoved, PositionCause, PositionChanged, Posting, Price, ShardId,
};

/// All money of contracts that is in no balance.
#[derive(Debug, Default)]
pub(super) struct ContractMoney {
    pub(super) funds: Funds,
    pub(super) positions: Positions,
    pub(super) clearing: Clearing,
}

/// The price in ticks that is written with an event, and of which contract.
pub(super) fn price_of(event: &ContractEvent) -> Option<(InstrumentId, Price)> {
    match event {
        ContractEvent::FundingSet(set) => Some((set.instrument, set.mark)),
        ContractEvent::ContractSettled { instrument, price, .. } => Some((*instrument, *price)),
        ContractEvent::IndexAdded(_)
        | ContractEvent::IndexTermsSet { .. }
        | ContractEvent::IndexSet(_)
        | ContractEvent::IndexHeld { .. }
        | ContractEvent::ContractSet(_)
        | ContractEvent::ContractRiskSet(_)
        | ContractEvent::MarginTierSet { .. }
        | ContractEvent::MarginTiersSet { .. }
        | ContractEvent::FundChanged(_)
        | ContractEvent::PositionChanged(_)
        | ContractEvent::FundingPaid(_)
        | ContractEvent::FundingClosed { .. }
        | ContractEvent::SettlementPending { .. }
        | ContractEvent::FundPaid(_)
        | ContractEvent::PositionModeSet(_)
        | ContractEvent::MarginModeSet(_)
        | ContractEvent::LeverageSet(_)
        | ContractEvent::MarginMoved(_)
        | ContractEvent::InsuranceDeficit(_) => None,
    }
}

impl ContractMoney {
    /// What there is of an asset beside balances, less what positions have cost. `None` if it does not fit.
    pub(super) fn sum(&self, asset: AssetId) -> Option<i64> {
        let held = self.funds.sum(asset).checked_add(self.clearing.sum(asset))?;
        held.checked_sub(self.positions.cost(asset))
    }

    /// Moves the money of an event.
    pub(super) fn take_up(
        &mut self,
        event: &ContractEvent,
        listings: &Listings,
        balances: &mut Balances,
    ) -> Result<(), String> {
        match event {
            ContractEvent::FundChanged(change) => {
                let FundChanged { asset, shard, amount, fund, .. } = *change;
                self.change_fund((asset, shard), amount.0, fund)
            }
            ContractEvent::PositionChanged(change) => {
                self.change_position(listing(listings, change.instrument)?, change, balances)
            }
            ContractEvent::FundingPaid(paid) => {
                self.pay_funding(listing(listings, paid.instrument)?, paid, balances)
            }
            ContractEvent::FundingClosed { instrument, remainder, .. }
            | ContractEvent::ContractSettled { instrument, remainder, .. } => {
                self.clear(listing(listings, *instrument)?, remainder.0.checked_neg())
            }
            ContractEvent::FundPaid(paid) => self.pay_from_fund(paid, balances),
            ContractEvent::MarginMoved(moved) => {
                self.move_margin(listing(listings, moved.instrument)?, moved, balances)
            }
            ContractEvent::IndexAdded(_)
            | ContractEvent::IndexTermsSet { .. }
            | ContractEvent::IndexSet(_)
            | ContractEvent::IndexHeld { .. }
            | ContractEvent::ContractSet(_)
            | ContractEvent::ContractRiskSet(_)
            | ContractEvent::MarginTierSet { .. }
            | ContractEvent::MarginTiersSet { .. }
            | ContractEvent::FundingSet(_)
            | ContractEvent::SettlementPending { .. }
            | ContractEvent::PositionModeSet(_)
            | ContractEvent::MarginModeSet(_)
            | ContractEvent::LeverageSet(_)
            | ContractEvent::InsuranceDeficit(_) => Ok(()),
        }
    }

    fn change_position(
        &mut self,
        listing: &Listing,
        change: &PositionChanged,
        balances: &mut Balances,
    ) -> Result<(), String> {
        let asset = listing.settled_in();
        let cost = self.positions.change(change, asset).ok_or_else(overflow)?;
        balances.set_total(listing.shard, change.account, asset, change.wallet);
        match change.cause {
            // Its owner is paid what it is worth: what it has cost, and the profit.
            PositionCause::Settled => {
                self.clear(listing, change.realised.checked_add(cost).and_then(i64::checked_neg))
            }
            PositionCause::Trade
            | PositionCause::Offset
            | PositionCause::CloseOut
            | PositionCause::Deleveraged => Ok(()),
        }
    }

    fn pay_funding(
        &mut self,
        listing: &Listing,
        paid: &FundingPaid,
        balances: &mut Balances,
    ) -> Result<(), String> {
        let FundingPaid { account, instrument, leg, amount, pot, wallet, .. } = *paid;
        let key = (account, instrument, leg);
        let held = Held { pot, ..self.positions.get(&key) };
        self.positions.set(key, listing.settled_in(), held).ok_or_else(overflow)?;
        balances.set_total(listing.shard, account, listing.settled_in(), wallet);
        self.clear(listing, amount.0.checked_neg())
    }

    fn move_margin(
        &mut self,
        listing: &Listing,
        moved: &MarginMoved,
        balances: &mut Balances,
    ) -> Result<(), String> {
        let (account, asset) = (moved.by.account, listing.settled_in());
        let key = (account, moved.instrument, moved.leg);
        let held = Held { pot: moved.pot.0, ..self.positions.get(&key) };
        self.positions.set(key, asset, held).ok_or_else(overflow)?;
        balances.set_total(listing.shard, account, asset, moved.wallet.0);
        Ok(())
    }

    /// Adds to what a contract's clearing has; `None` is an amount that does not fit.
    fn clear(&mut self, listing: &Listing, amount: Option<i64>) -> Result<(), String> {
        let added =
            amount.and_then(|amount| self.clearing.add(listing.instrument, listing.settled_in(), amount));
        added.ok_or_else(overflow)
    }

    fn pay_from_fund(&mut self, paid: &FundPaid, balances: &mut Balances) -> Result<(), String> {
        let FundPaid { account, instrument, asset, shard, amount, fund } = *paid;
        self.change_fund((asset, shard), amount.0.checked_neg().ok_or_else(overflow)?, fund)?;
        let Some(instrument) = instrument else {
            return balances.add(shard, &Posting::transfer(account, asset, amount.0)).ok_or_else(overflow);
        };
        let lacking = self.positions.lacking(account, instrument, amount.0);
        let key = lacking.ok_or_else(|| format!("no position of account {account} lacks {amount}"))?;
        self.positions.set(key, asset, Held::default()).ok_or_else(overflow)
    }

    fn change_fund(
        &mut self,
        (asset, shard): (AssetId, ShardId),
        change: i64,
        fund: Amount,
    ) -> Result<(), String> {
        let wrong = || format!("the fund of asset {asset} in shard {shard} does not come to {fund}");
        self.funds.change(asset, shard, change, fund).ok_or_else(wrong)
    }
}

fn listing(listings: &Listings, instrument: InstrumentId) -> Result<&Listing, String> {
    listings.get(instrument).ok_or_else(|| format!("instrument {instrument} is not listed"))
}
