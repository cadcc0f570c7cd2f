//! Commands that say what a contract is: its index, its prices, its risk (docs/FUTURES.md, "Contracts").

use super::super::contract::Contract;
use super::super::instrument::Instrument;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::{
    ContractEvent, Event, FeeRate, Listing, Phase, Ppm, RejectReason, SetContract, SetContractRisk, SetFees,
};

/// The most contracts of an index.
const OF_INDEX_MAX: usize = 16;
impl Instrument {
    /// Whether it is a contract that expired.
    pub(in crate::exchange) fn has_expired(&self) -> bool {
        self.contract.as_ref().is_some_and(|contract| contract.expired)
    }

    /// Whether any account has a position in it.
    pub(in crate::exchange) fn has_positions(&self) -> bool {
        self.contract.as_ref().is_some_and(|contract| contract.open_interest > 0)
    }

    /// The highest taker rate of the fee table, at least 0.
    pub(in crate::exchange) fn highest_taker_fee(&self) -> Ppm {
        let highest = self.fees.iter().map(|row| row.taker.0).max().expect("a table has rows");
        Ppm(highest.max(0).unsigned_abs())
    }
}

impl Exchange {
    pub(super) fn set_contract(
        &mut self,
        set: &SetContract,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        let now = self.shared.now;
        let listing = self.known_contract(set.instrument)?.listing;
        let known = &self.instruments[set.instrument.0 as usize];
        if known.has_expired() {
            return Err(RejectReason::ContractExpired);
        }
        let has_orders = known.first_order(&self.shared, None).is_some();
        let index = self.known_index(set.index)?;
        let is_past = set.expiry != 0 && u64::from(set.expiry) <= now.seconds();
        if is_past || !index.admits(set, &listing) {
            return Err(RejectReason::OutOfRange);
        }
        if listing.phase != Phase::Closed {
            return Err(RejectReason::InvalidPhase);
        }
        if known.has_positions() {
            return Err(RejectReason::PositionsOpen);
        }
        if has_orders {
            return Err(RejectReason::OrdersOpen);
        }
        let follows = |other: &&Instrument| {
            let contract = other.contract.as_ref();
            other.listing.instrument != set.instrument
                && other.listing.phase != Phase::Delisted
                && contract.and_then(|contract| contract.index()) == Some(set.index)
        };
        let others = self.instruments.iter().filter(follows).count();
        let contract = self.instruments[set.instrument.0 as usize].contract.as_mut();
        let contract = contract.expect("it is a contract");
        let new = contract.with_terms(set, now.seconds());
        new.check(&listing)?;
        if others >= OF_INDEX_MAX {
            return Err(RejectReason::TooManyContracts);
        }
        **contract = new;
        self.shared.due.next = self.shared.due.next.min(contract.expires_at().unwrap_or(u64::MAX));
        events.push(Event::Contract(ContractEvent::ContractSet(*set)));
        self.set_first_mark(set.instrument, events);
        Ok(())
    }

    pub(super) fn set_contract_risk(
        &mut self,
        set: &SetContractRisk,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        let known = self.known_contract(set.instrument)?;
        let (listing, highest_taker_fee) = (known.listing, known.highest_taker_fee());
        if !set.in_range(listing.product.is_perpetual()) {
            return Err(RejectReason::OutOfRange);
        }
        let contract = known.contract.as_mut().expect("it is a contract");
        let new = Contract { risk: Some(*set), ..(**contract).clone() };
        new.check_costs(new.costs(highest_taker_fee))?;
        new.check(&listing)?;
        let was_complete = contract.risk.is_some();
        **contract = new;
        events.push(Event::Contract(ContractEvent::ContractRiskSet(*set)));
        if was_complete {
            self.find_limits(set.instrument);
        } else {
            self.set_first_mark(set.instrument, events);
        }
        Ok(())
    }

    /// Checks the phase of a contract. An incomplete one stays closed.
    pub(in crate::exchange) fn check_contract_phase(
        &self,
        instrument: &Instrument,
        phase: Phase,
    ) -> Result<(), RejectReason> {
        let Some(contract) = &instrument.contract else { return Ok(()) };
        if phase != Phase::Closed && !self.is_complete(contract) {
            return Err(RejectReason::ContractIncomplete);
        }
        let uncrosses =
            phase == Phase::Continuous || (phase == Phase::Closed && instrument.listing.phase.gathers());
        if uncrosses && contract.is_stale(self.shared.now) {
            return Err(RejectReason::IndexStale);
        }
        Ok(())
    }

    /// The contract with another listing: another tick, lot or minimum. `None` for an instrument that is no contract of
    /// this shard, or if neither tick nor lot change.
    pub(in crate::exchange) fn contract_of_terms(
        &self,
        new: &Listing,
    ) -> Result<Option<Box<Contract>>, RejectReason> {
        let known = &self.instruments[new.instrument.0 as usize];
        let is_same = (new.tick_units, new.lot) == (known.listing.tick_units, known.listing.lot);
        let Some(contract) = known.contract.as_ref().filter(|_| !is_same) else { return Ok(None) };
        if known.has_positions() {
            return Err(RejectReason::PositionsOpen);
        }
        let changed = contract.changed(new);
        changed.check(new)?;
        Ok(Some(Box::new(changed)))
    }

    /// Checks a row of a contract's fee table against its tiers.
    pub(in crate::exchange) fn check_contract_fees(&self, fees: &SetFees) -> Result<(), RejectReason> {
        let known = &self.instruments[fees.instrument.0 as usize];
        let Some(contract) = &known.contract else { return Ok(()) };
        let rows = known.fees.iter().enumerate();
        let others = rows.filter(|(row, _)| *row != usize::from(fees.tier.0)).map(|(_, rates)| rates.taker);
        let highest = others.chain([fees.taker, FeeRate(0)]).max().expect("there is one");
        contract.check_costs(contract.costs(Ppm(highest.0.unsigned_abs())))
    }

    /// Whether it has terms, risk, tiers, and a price of its index.
    pub(super) fn is_complete(&self, contract: &Contract) -> bool {
        let index = contract.index().and_then(|index| self.known_index(index).ok());
        let has_price = index.is_some_and(|index| index.last.is_some());
        has_price && contract.risk.is_some() && contract.tiers.is_some()
    }
}
