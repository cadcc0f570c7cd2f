//! What a contract is: its index, its prices, its risk (docs/FUTURES.md, "Contracts").

use super::super::instrument::Instrument;
use super::super::positions::Ordinal;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use super::Index;
use super::tiers::{self, Coming};
use crate::domain::contracts::{
    Basis, ContractValue, PriceBands, PriceLimits, PriceRange, Settlement, Tiers,
};
use crate::domain::{
    ContractEvent, Event, FeeRate, IndexId, Listing, Phase, Ppm, Price, RejectReason, SetContract,
    SetContractRisk, SetFees, Timestamp,
};

/// The most contracts of an index.
const OF_INDEX_MAX: usize = 16;
/// The most that the lots of all long positions may be worth at the worst price, minor units.
const OPEN_VALUE_MAX: i128 = 1 << 54;

/// For so long after its first continuous trading a contract has its first price limits.
const EARLY_S: u64 = 600;
/// The limits of a contract without an index: no price is inside them.
const NO_PRICES: PriceLimits = PriceLimits { highest: Price(0), lowest: Price(i64::MAX) };

/// A contract, beside what every instrument has.
#[derive(Clone, Debug)]
pub(in crate::exchange) struct Contract {
    pub(in crate::exchange) value: ContractValue,
    /// What it refers to, once it was set.
    pub(in crate::exchange) terms: Option<SetContract>,
    pub(in crate::exchange) risk: Option<SetContractRisk>,
    pub(in crate::exchange) tiers: Option<Tiers>,
    /// The rows of the next table.
    pub(in crate::exchange) coming: Coming,
    /// Whether an operator set the mark, which holds until the contract is not halted any more.
    pub(in crate::exchange) mark_holds: bool,
    /// The samples of the basis.
    pub(in crate::exchange) basis: Basis,
    /// Samples of the 30 seconds that end with this one are kept: the last sampling tick while the index was fresh.
    pub(in crate::exchange) kept_to: u64,
    /// Its number among the contracts of the shard.
    pub(in crate::exchange) ordinal: Ordinal,
    /// The lots of all long positions. Derived from the positions.
    pub(in crate::exchange) open_interest: u64,
    /// When the index becomes stale, ns. Derived from the index; 0: it has no price.
    pub(in crate::exchange) stale_from: u64,
    /// The second in which it was first in continuous trading.
    pub(in crate::exchange) opened: Option<u64>,
    /// The price limits of the first ten minutes, and those after them. Derived from index and basis.
    pub(in crate::exchange) limits: [PriceLimits; 2],
}

impl Contract {
    pub(in crate::exchange) fn new(listing: &Listing, ordinal: Ordinal) -> Self {
        Self {
            value: ContractValue::of(listing).expect("a listing has a value of a tick"),
            terms: None,
            risk: None,
            tiers: None,
            coming: Coming::default(),
            mark_holds: false,
            basis: Basis::default(),
            kept_to: 0,
            ordinal,
            open_interest: 0,
            stale_from: 0,
            opened: None,
            limits: [NO_PRICES; 2],
        }
    }

    /// Whether its index has no price, or the last one is too old.
    pub(in crate::exchange) fn is_stale(&self, now: Timestamp) -> bool {
        now.0 >= self.stale_from
    }

    /// Its price limits at this time.
    pub(in crate::exchange) fn price_limits(&self, now: Timestamp) -> PriceLimits {
        let is_early = self.opened.is_none_or(|opened| now.seconds() < opened + EARLY_S);
        self.limits[usize::from(!is_early)]
    }

    /// Computes the price limits anew.
    pub(super) fn find_limits(&mut self, listing: &Listing, index: Price) {
        let Some((range, risk)) = self.range(listing).zip(self.risk) else { return };
        let bands = PriceBands { early: risk.first_band, premium: risk.premium_band, outer: risk.outer_band };
        let basis = self.basis.mean(self.kept_to).unwrap_or(0);
        self.limits =
            [PriceLimits::early(&bands, &range, index), PriceLimits::new(&bands, &range, index, basis)];
    }

    /// Counts the change of a position for the open interest.
    pub(in crate::exchange) fn count_open(&mut self, before: i64, after: i64) {
        let long = |lots: i64| lots.max(0).unsigned_abs();
        self.open_interest = self.open_interest - long(before) + long(after);
    }

    /// Its price range in the ticks of its listing.
    pub(in crate::exchange) fn range(&self, listing: &Listing) -> Option<PriceRange> {
        self.terms.and_then(|terms| range_of(&terms, listing))
    }

    pub(in crate::exchange) fn index(&self) -> Option<IndexId> {
        self.terms.map(|terms| terms.index)
    }

    /// The fees that closing a position may cost: of its liquidation, and of the trade.
    pub(in crate::exchange) fn costs(&self, highest_taker_fee: Ppm) -> Ppm {
        tiers::costs(self.risk.map_or(Ppm(0), |risk| risk.liquidation_fee), highest_taker_fee)
    }

    /// Checks that the maintenance rate of the first tier is above what closing a position costs.
    pub(in crate::exchange) fn check_costs(&self, costs: Ppm) -> Result<(), RejectReason> {
        let [table, coming] =
            [self.tiers.as_ref().and_then(|tiers| tiers.rows().next()), self.coming.rows().first().copied()];
        let mut rows = table.into_iter().chain(coming);
        if rows.any(|row| row.maintenance <= costs) { Err(RejectReason::OutOfRange) } else { Ok(()) }
    }

    /// Checks terms and risk against a listing: wholeness, range, bounds.
    pub(in crate::exchange) fn check(&self, listing: &Listing) -> Result<(), RejectReason> {
        let Some(terms) = &self.terms else { return Ok(()) };
        let range = range_of(terms, listing).ok_or(RejectReason::OutOfRange)?;
        let unit = i128::from(listing.tick_value.0);
        let of_lot = match self.value.settlement() {
            Settlement::Linear => i128::from(range.highest().0) * unit,
            Settlement::Inverse if listing.tick_value.0 < range.highest().0 => {
                return Err(RejectReason::TickLotNotWhole);
            }
            Settlement::Inverse => (unit + i128::from(range.lowest().0) - 1) / i128::from(range.lowest().0),
        };
        match &self.risk {
            Some(risk) if i128::from(risk.open_interest_limit) * of_lot > OPEN_VALUE_MAX => {
                Err(RejectReason::OutOfRange)
            }
            _ => Ok(()),
        }
    }

    /// Whether an operator may set the mark to this price.
    pub(in crate::exchange) fn may_be_marked(
        &self,
        listing: &Listing,
        price: Price,
    ) -> Result<(), RejectReason> {
        if listing.phase != Phase::Halted {
            return Err(RejectReason::InvalidPhase);
        }
        let range = self.range(listing).ok_or(RejectReason::ContractIncomplete)?;
        if (range.lowest()..=range.highest()).contains(&price) {
            Ok(())
        } else {
            Err(RejectReason::OutOfRange)
        }
    }

    /// Its terms of another listing, with another tick or lot: all samples are gone.
    pub(in crate::exchange) fn changed(&self, listing: &Listing) -> Self {
        Self {
            value: ContractValue::of(listing).expect("a listing has a value of a tick"),
            basis: Basis::default(),
            ..self.clone()
        }
    }
}

impl Index {
    /// Whether a contract with this listing may have these terms, which name this index.
    pub(in crate::exchange) fn admits(&self, set: &SetContract, listing: &Listing) -> bool {
        const DAY_S: u32 = 86_400;
        let fits = self.shard == listing.shard && self.price_decimals == listing.price_decimals;
        let funded = set.funding_interval_s >= 3_600 && DAY_S.is_multiple_of(set.funding_interval_s);
        let in_time = if listing.product.is_perpetual() {
            set.expiry == 0 && funded
        } else {
            set.expiry != 0 && set.expiry.is_multiple_of(60) && set.funding_interval_s == 0
        };
        let prices = set.price_min < set.price_max && u64::from(set.price_max) < Listing::PRICE_END;
        fits && in_time && prices && range_of(set, listing).is_some()
    }
}

fn range_of(terms: &SetContract, listing: &Listing) -> Option<PriceRange> {
    PriceRange::new(terms.price_min, terms.price_max, listing.tick_units)
}

impl Instrument {
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
        let new = Contract { terms: Some(*set), basis: Basis::default(), ..(**contract).clone() };
        new.check(&listing)?;
        if others >= OF_INDEX_MAX {
            return Err(RejectReason::TooManyContracts);
        }
        **contract = new;
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
        // Contracts that expire are not built yet.
        let takes_orders = phase == Phase::Continuous || phase.gathers();
        if takes_orders && !instrument.listing.product.is_perpetual() {
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
