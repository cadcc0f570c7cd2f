//! What contracts do with money, added up a second time: trades, fundings, settlements, and what insurance funds pay.

#![deny(clippy::wildcard_enum_match_arm)]

use super::contracts::Contracts;
use super::expected::{Expected, meet};
use super::fundings::Fundings;
use super::legs::Legs;
use super::settlements::{Closed, Settlements};
use super::told::ToldRows;
use crate::domain::{
    AccountId, Amount, AssetCode, AssetId, ContractEvent, Event, EventRecord, FundCause, FundPaid,
    FundingPaid, FundingSet, InstrumentId, Listing, MarginMoved, PositionCause, PositionChanged, Price,
    ShardId, Timestamp,
};
use std::collections::BTreeMap;

/// What is known of instruments and assets.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) listings: &'a BTreeMap<u32, Listing>,
    pub(super) assets: &'a BTreeMap<AssetId, (AssetCode, u8)>,
}

impl Known<'_> {
    fn listing(&self, instrument: InstrumentId) -> Result<(Listing, [u32; 2]), String> {
        let found = self.listings.get(&instrument.0);
        let listing = *found.ok_or_else(|| format!("instrument {instrument} is not listed"))?;
        let scale = |asset: AssetId| {
            let found = self.assets.get(&asset).ok_or_else(|| format!("asset {asset} does not exist"))?;
            Ok::<_, String>(u32::from(found.1))
        };
        Ok((listing, [scale(listing.base)?, scale(listing.quote)?]))
    }
}

/// What a wallet gets by an event, and what the event says that it has then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) place: (AccountId, AssetId, ShardId),
    pub(super) amount: i128,
    pub(super) wallet: i128,
}

impl Moved {
    fn of(listing: &Listing, account: AccountId, amount: i128, wallet: i64) -> Option<Self> {
        let place = (account, listing.settled_in(), listing.shard);
        Some(Self { place, amount, wallet: wallet.into() })
    }
}

/// Contracts by their events.
#[derive(Debug, Default)]
pub(super) struct Futures {
    pub(super) contracts: Contracts,
    pub(super) legs: Legs,
    pub(super) told: ToldRows,
    fundings: Fundings,
    settlements: Settlements,
    expected: Option<Expected>,
}

impl Futures {
    /// Holds an event of any kind against what the one before it lets expect.
    pub(super) fn meet(&mut self, event: &Event) -> Result<(), String> {
        meet(self.expected.take(), event)
    }

    /// Notes a mark price in price units.
    pub(super) fn mark(&mut self, instrument: InstrumentId, price_units: i128, time: Timestamp) {
        self.fundings.mark(instrument, price_units);
        self.contracts.mark(instrument, price_units, time);
    }

    /// Notes the terms of an instrument.
    pub(super) fn terms(&mut self, listing: &Listing) {
        self.fundings.terms(listing);
    }

    /// Adds an event about contracts.
    pub(super) fn add(
        &mut self,
        record: &EventRecord,
        event: &ContractEvent,
        known: Known<'_>,
    ) -> Result<Option<Moved>, String> {
        self.contracts.add(record, event)?;
        let mut units = None;
        let moved = match event {
            ContractEvent::PositionChanged(change) => self.change_position(change, record.number, known)?,
            ContractEvent::FundingSet(set) => {
                units = Some(self.set_funding(set, record.time, known)?);
                None
            }
            ContractEvent::FundingPaid(paid) => self.pay_funding(paid, record.number, known)?,
            ContractEvent::FundingClosed { instrument, number, legs, remainder } => {
                let (listing, _) = known.listing(*instrument)?;
                self.fundings.close(*instrument, (*number, *legs, *remainder))?;
                self.leave_over(&listing, FundCause::Funding, *remainder);
                None
            }
            ContractEvent::SettlementPending { instrument, samples } => {
                let expiry = self.contracts.expiry_s(*instrument);
                self.settlements.wait(*instrument, *samples, expiry, record.time.seconds())?;
                self.contracts.wait(*instrument, *samples, record.number);
                None
            }
            ContractEvent::ContractSettled { instrument, price, legs, remainder } => {
                self.settle(*instrument, *price, (*legs, *remainder), (record, known))?;
                None
            }
            ContractEvent::FundPaid(paid) => self.pay_from_fund(paid, record.number)?,
            ContractEvent::MarginMoved(moved) => self.move_margin(moved, record.number, known)?,
            ContractEvent::ContractSet(set) => {
                self.fundings.timed(set.instrument, record.time);
                None
            }
            ContractEvent::IndexAdded(_)
            | ContractEvent::IndexTermsSet { .. }
            | ContractEvent::IndexSet(_)
            | ContractEvent::IndexHeld { .. }
            | ContractEvent::ContractRiskSet(_)
            | ContractEvent::MarginTierSet { .. }
            | ContractEvent::MarginTiersSet { .. }
            | ContractEvent::FundChanged(_)
            | ContractEvent::PositionModeSet(_)
            | ContractEvent::MarginModeSet(_)
            | ContractEvent::LeverageSet(_)
            | ContractEvent::InsuranceDeficit(_) => None,
        };
        self.told.add(record, event, units);
        Ok(moved)
    }

    fn change_position(
        &mut self,
        change: &PositionChanged,
        event: u64,
        known: Known<'_>,
    ) -> Result<Option<Moved>, String> {
        let PositionChanged { account, instrument, leg, wallet, .. } = *change;
        let (listing, _) = known.listing(instrument)?;
        if self.fundings.is_due(instrument, account, leg) {
            return Err(format!(
                "account {account} in instrument {instrument}: its position changed before it was charged"
            ));
        }
        let amount = if change.cause == PositionCause::Settled {
            let (before, amount) = self.legs.settle(change, event)?;
            let (lots, cost, realised) = (before.lots, before.cost, i128::from(change.realised));
            self.settlements.close(instrument, Closed { account, lots, cost, realised });
            self.contracts.clear(instrument, -realised - cost);
            amount
        } else {
            self.legs.change(change, event)?
        };
        self.contracts.position(change, event);
        Ok(Moved::of(&listing, account, amount, wallet))
    }

    /// Money into a pot, or out of it.
    fn move_margin(
        &mut self,
        moved: &MarginMoved,
        event: u64,
        known: Known<'_>,
    ) -> Result<Option<Moved>, String> {
        let (listing, _) = known.listing(moved.instrument)?;
        self.legs.move_margin(moved, event)?;
        self.contracts.pot(moved, event)?;
        Ok(Moved::of(&listing, moved.by.account, -i128::from(moved.amount.0), moved.wallet.0))
    }

    /// A new rate. Returns its mark in price units.
    fn set_funding(&mut self, set: &FundingSet, time: Timestamp, known: Known<'_>) -> Result<i128, String> {
        let (listing, _) = known.listing(set.instrument)?;
        let terms = self.contracts.funding_terms(set.instrument);
        self.fundings.set(set, time, (&listing, terms), self.legs.lots_of(set.instrument))?;
        Ok(i128::from(set.mark.0) * i128::from(listing.tick_units))
    }

    fn pay_funding(
        &mut self,
        paid: &FundingPaid,
        event: u64,
        known: Known<'_>,
    ) -> Result<Option<Moved>, String> {
        let FundingPaid { account, instrument, leg, amount, pot, wallet, .. } = *paid;
        let (listing, scales) = known.listing(instrument)?;
        let (lots, of_wallet) = self.legs.fund(paid, event)?;
        let is_last = self.fundings.paid(paid, (&listing, scales), lots)?;
        self.expected = is_last.then_some(Expected::FundingClosed(instrument));
        self.contracts.clear(instrument, -i128::from(amount.0));
        self.contracts.set_pot((account, instrument, leg), pot, event);
        Ok(Moved::of(&listing, account, of_wallet, wallet))
    }

    fn settle(
        &mut self,
        instrument: InstrumentId,
        price: Price,
        told: (u32, Amount),
        (record, known): (&EventRecord, Known<'_>),
    ) -> Result<(), String> {
        let (listing, scales) = known.listing(instrument)?;
        if self.fundings.is_open(instrument) {
            return Err(format!("instrument {instrument} is settled before its funding is closed"));
        }
        let open = self.legs.lots_of(instrument).filter(|(_, lots)| *lots != 0).count();
        if open > 0 {
            return Err(format!("instrument {instrument} is settled, and {open} positions are not closed"));
        }
        let range = self.contracts.prices(instrument);
        self.settlements.settle((&listing, scales), price, range, told)?;
        self.contracts.settle(&listing, price, told, record);
        self.leave_over(&listing, FundCause::Settlement, told.1);
        Ok(())
    }

    /// What clearing has left over goes to the fund.
    fn leave_over(&mut self, listing: &Listing, cause: FundCause, amount: Amount) {
        self.contracts.clear(listing.instrument, -i128::from(amount.0));
        let of = (listing.instrument, listing.settled_in(), listing.shard);
        self.expected = Expected::remainder(of, cause, amount);
    }

    fn pay_from_fund(&mut self, paid: &FundPaid, event: u64) -> Result<Option<Moved>, String> {
        let FundPaid { account, instrument, asset, shard, amount, fund } = *paid;
        let (pays, after) = (i128::from(amount.0), i128::from(fund.0));
        let before = self.contracts.pay_from_fund((asset, shard), pays);
        if pays < 1 || before - pays != after {
            return Err(format!(
                "the fund of asset {asset} in shard {shard} had {before}, and pays {amount}: {fund}"
            ));
        }
        let missing = pays - before.clamp(0, pays);
        let missing = Amount(i64::try_from(missing).map_err(|_| "a deficit that does not fit")?);
        self.expected = (missing.0 > 0).then_some(Expected::Deficit(FundPaid { amount: missing, ..*paid }));
        let Some(instrument) = instrument else {
            return Ok(Some(Moved { place: (account, asset, shard), amount: pays, wallet: 0 }));
        };
        let leg = self.legs.cover(account, instrument, pays, event)?;
        self.contracts.set_pot((account, instrument, leg), 0, event);
        Ok(None)
    }
}
