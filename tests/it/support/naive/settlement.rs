//! The end of a contract: its expiry, the price that it is settled at, and the close of every position.

use super::contracts::exact::{down, small};
use super::contracts::prices::settlement_price;
use super::positions::Place;
use super::{Naive, SECOND, amount};
use dojima::domain::{
    CancelReason, ContractEvent, Event, FundCause, InstrumentId, Phase, PositionCause, PositionChanged,
    Price, RejectReason, TradeId,
};

/// The samples of the last so many seconds count.
const SAMPLED_S: u64 = 1_800;

impl Naive {
    /// Whether a contract has expired without a price.
    pub fn awaits_price(&self, instrument: InstrumentId) -> bool {
        self.is_expired(instrument) && self.phase(instrument) != Phase::Delisted
    }

    /// Whether a contract has expired.
    pub(super) fn is_expired(&self, instrument: InstrumentId) -> bool {
        self.instrument(instrument).contract.expired
    }

    fn expires_at(&self, instrument: InstrumentId) -> Option<u64> {
        let terms = self.instrument(instrument).contract.terms;
        terms.map(|terms| u64::from(terms.expiry)).filter(|expiry| *expiry > 0)
    }

    /// Dated contracts whose time has come.
    pub(super) fn expire(&mut self) {
        for id in self.contracts() {
            let is_due = self.expires_at(id).is_some_and(|second| second * SECOND <= self.now);
            if !is_due || self.is_expired(id) {
                continue;
            }
            self.instrument_mut(id).contract.expired = true;
            self.clear(id, CancelReason::ContractExpired);
            if self.phase(id) != Phase::Closed {
                self.set_phase(id, Phase::Closed);
            }
            let range = self.price_range(id).expect("it has terms");
            let known = self.instrument(id);
            let samples = &known.contract.settlement;
            match settlement_price(samples, known.listing.tick_units, range) {
                Some(price) => self.settle_contract(id, Price(price)),
                None => {
                    let samples = samples.len() as u32;
                    let pending = ContractEvent::SettlementPending { instrument: id, samples };
                    self.events.push(Event::Contract(pending));
                }
            }
        }
    }

    /// A sampling tick with a fresh index in the last half hour takes the index for the settlement price.
    pub(super) fn sample_settlement(&mut self, instrument: InstrumentId) {
        let second = self.last_sampled;
        let Some(expiry) = self.expires_at(instrument) else { return };
        if second + SAMPLED_S < expiry || second >= expiry {
            return;
        }
        let index = self.instrument(instrument).contract.index().expect("it has terms");
        let price = self.indexes[usize::from(index.0)].price().expect("it is fresh");
        self.instrument_mut(instrument).contract.settlement.push(price.into());
    }

    pub(super) fn command_settlement(
        &mut self,
        instrument: InstrumentId,
        price: Price,
    ) -> Result<(), RejectReason> {
        let phase = self.listed(instrument)?.listing.phase;
        if !matches!(phase, Phase::Halted | Phase::Closed) {
            return Err(RejectReason::InvalidPhase);
        }
        let range = self.price_range(instrument);
        if range.is_none_or(|range| !(range.lowest..=range.highest).contains(&price.0)) {
            return Err(RejectReason::OutOfRange);
        }
        self.clear(instrument, CancelReason::ContractExpired);
        self.settle_contract(instrument, price);
        Ok(())
    }

    /// Everybody is charged, every position is closed, and the contract is no more.
    fn settle_contract(&mut self, instrument: InstrumentId, price: Price) {
        self.charge_everybody(instrument);
        let legs = self.legs.iter().filter(|((_, of, _), leg)| *of == instrument && leg.lots != 0);
        let places: Vec<Place> = legs.map(|(place, _)| *place).collect();
        for place in &places {
            self.settle_leg(*place, price);
        }
        let contract = &mut self.instrument_mut(instrument).contract;
        contract.settled = true;
        let remainder = amount(contract.clearing);
        let legs = places.len() as u32;
        let settled = ContractEvent::ContractSettled { instrument, price, legs, remainder };
        self.events.push(Event::Contract(settled));
        self.clear_to_fund(instrument, FundCause::Settlement);
        self.set_phase(instrument, Phase::Delisted);
    }

    fn settle_leg(&mut self, place: Place, price: Price) {
        let (account, instrument, _) = place;
        let leg = std::mem::take(self.legs.get_mut(&place).expect("it has lots"));
        let worth = i128::from(small(&down(&self.listed_as(instrument).value(leg.lots, price.0))));
        let realised = worth - leg.cost;
        let asset = self.settled_in(instrument);
        if self.is_isolated(account, instrument) {
            let pot = self.pot(place) + realised;
            self.pots.insert(place, pot.min(0));
            *self.held(account, asset) += pot.max(0);
        } else {
            *self.held(account, asset) += realised;
        }
        self.instrument_mut(instrument).contract.clearing -= worth;
        self.events.push(Event::Contract(ContractEvent::PositionChanged(PositionChanged {
            account,
            instrument,
            leg: place.2,
            cause: PositionCause::Settled,
            trade: TradeId(0),
            lots: 0,
            cost: 0,
            realised: amount(realised).0,
            pot: amount(self.pot(place)).0,
            wallet: amount(self.wallet(account, asset)).0,
        })));
    }
}
