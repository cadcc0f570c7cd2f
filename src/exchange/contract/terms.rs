//! A contract: its index, its prices, its risk, and what follows from them (docs/FUTURES.md, "Contracts").

use super::super::positions::{Ordinal, Position};
use super::funding::Fundings;
use super::index::Index;
use super::tiers::{self, Coming};
use crate::domain::contracts::{
    Basis, ContractValue, Premium, PriceBands, PriceLimits, PriceRange, Settlement, SettlementSamples, Tiers,
};
use crate::domain::{
    Amount, IndexId, Listing, Phase, Ppm, Price, RejectReason, SetContract, SetContractRisk, Timestamp,
};

/// The most that the lots of all long positions may be worth at the worst price, minor units.
const OPEN_VALUE_MAX: i128 = 1 << 54;

/// For so long before its expiry a contract samples its index, seconds.
const LAST_S: u64 = 1_800;
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
    /// The positions that have lots. Derived from the positions.
    pub(in crate::exchange) legs: u32,
    pub(in crate::exchange) fundings: Fundings,
    /// Money between those who pay and those who receive, minor units: of a funding that is charged, of a settlement.
    pub(in crate::exchange) clearing: i64,
    /// The index in the half hour before the expiry.
    pub(in crate::exchange) settlement: SettlementSamples,
    /// Whether it expired and waits for an operator's price.
    pub(in crate::exchange) expired: bool,
    /// When the index becomes stale, ns. Derived from the index; 0: it has no price.
    pub(in crate::exchange) stale_from: u64,
    /// The second in which it was first in continuous trading.
    pub(in crate::exchange) opened: Option<u64>,
    /// The last price of its index, ticks. Derived from the index.
    pub(in crate::exchange) index_price: Option<Price>,
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
            legs: 0,
            fundings: Fundings::default(),
            clearing: 0,
            settlement: SettlementSamples::default(),
            expired: false,
            stale_from: 0,
            opened: None,
            index_price: None,
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

    /// Computes anew what follows from a price of the index: the price limits.
    pub(in crate::exchange) fn find_limits(&mut self, listing: &Listing, index: Price) {
        self.index_price = Some(index);
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
        self.legs = self.legs + u32::from(after != 0) - u32::from(before != 0);
    }

    /// Whether a position is to be charged for the last funding.
    pub(in crate::exchange) fn owes(&self, position: &Position) -> bool {
        let is_open = self.fundings.charging.is_some();
        is_open && position.charged < self.fundings.number && position.leg.lots != 0
    }

    /// What a position is charged for the last funding, minor units; below 0: it pays. `None`: it is not to be charged.
    pub(in crate::exchange) fn due(&self, position: &Position) -> Option<Amount> {
        let last = self.fundings.last.filter(|_| self.owes(position))?;
        Some(last.payment(&self.value, &position.leg).expect("lots have limits"))
    }

    /// When it expires, ns; `None`: never, or it did.
    pub(in crate::exchange) fn expires_at(&self) -> Option<u64> {
        let expiry = self.terms.map_or(0, |terms| terms.expiry);
        (expiry != 0 && !self.expired).then(|| u64::from(expiry) * Timestamp::SECOND)
    }

    /// Whether this second is in the half hour before it expires.
    pub(in crate::exchange) fn is_in_last_half_hour(&self, second: u64) -> bool {
        let expiry = u64::from(self.terms.map_or(0, |terms| terms.expiry));
        (expiry.saturating_sub(LAST_S)..expiry).contains(&second)
    }

    /// Seconds between two fundings; 0: there are none.
    pub(in crate::exchange) fn funding_interval_s(&self) -> u32 {
        self.terms.map_or(0, |terms| terms.funding_interval_s)
    }

    /// It has these terms from now on: all samples are gone.
    pub(in crate::exchange) fn with_terms(&self, terms: &SetContract, now_s: u64) -> Self {
        let mut new = Self { terms: Some(*terms), ..self.clone() };
        new.drop_samples();
        new.fundings.set_next(now_s, terms.funding_interval_s);
        new
    }

    fn drop_samples(&mut self) {
        self.basis = Basis::default();
        self.fundings.premium = Premium::default();
        self.settlement = SettlementSamples::default();
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
        if range.contains(price) { Ok(()) } else { Err(RejectReason::OutOfRange) }
    }

    /// Its terms of another listing, with another tick or lot: all samples are gone.
    pub(in crate::exchange) fn changed(&self, listing: &Listing) -> Self {
        let value = ContractValue::of(listing).expect("a listing has a value of a tick");
        let mut changed = Self { value, ..self.clone() };
        changed.drop_samples();
        changed
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
