//! What a contract is: its terms and risk, when it is complete, and what keeps its numbers within 64 bits.

use super::contracts::exact::{fraction, up, whole};
use super::contracts::prices::Range;
use super::funding::Funding;
use super::{Instrument, Naive, SECOND};
use dojima::domain::contracts::Tier;
use dojima::domain::{
    ContractEvent, Event, FeeAsset, IndexId, InstrumentId, Listing, Phase, Product, RejectReason,
    SetContract, SetContractRisk,
};

type Done = Result<(), RejectReason>;

/// Contracts of a shard, and contracts that follow an index; those that are delisted do not count.
const IN_SHARD_MAX: usize = 64;
const OF_INDEX_MAX: usize = 16;
/// What all long positions of a contract are worth together at the least favourable price.
const OPEN_VALUE_MAX: i128 = 1 << 54;

/// What a contract has beyond what every instrument has.
#[derive(Clone, Default)]
pub(super) struct Contract {
    pub terms: Option<SetContract>,
    pub risk: Option<SetContractRisk>,
    /// The table of tiers in force, and the rows of the next one that have come, of so many.
    pub tiers: Vec<Tier>,
    pub next_tiers: Vec<Tier>,
    pub next_rows: u8,
    /// Whether an operator has said what the mark is.
    pub mark_stands: bool,
    /// When continuous trading first began.
    pub began: Option<u64>,
    /// The basis by second, those that are kept.
    pub samples: Vec<(u64, i64)>,
    /// Since the last funding.
    pub premiums: Vec<i64>,
    /// The index in the last half hour of a dated contract, price units.
    pub settlement: Vec<u64>,
    /// The second of the next funding of a perpetual, and the last one.
    pub next_funding: Option<u64>,
    pub funding: Funding,
    /// What payers have paid and nobody has got yet; below 0: the other way round.
    pub clearing: i128,
    /// Whether it has expired, and whether it was settled.
    pub expired: bool,
    pub settled: bool,
}

impl Contract {
    pub fn index(&self) -> Option<IndexId> {
        self.terms.map(|terms| terms.index)
    }

    pub fn drop_samples(&mut self) {
        self.samples.clear();
        self.premiums.clear();
        self.settlement.clear();
    }
}

fn is_dated(product: Product) -> bool {
    matches!(product, Product::LinearDated | Product::InverseDated)
}

pub(super) fn is_inverse(product: Product) -> bool {
    matches!(product, Product::InversePerpetual | Product::InverseDated)
}

/// The prices that a contract can have under these terms of listing.
pub(super) fn range(listing: &Listing, terms: &SetContract) -> Option<Range> {
    Range::between(terms.price_min, terms.price_max, listing.tick_units)
}

/// What has to hold between the listing, the prices and the limits of a contract.
fn within_bounds(listing: &Listing, terms: &SetContract, risk: Option<&SetContractRisk>) -> Done {
    let range = range(listing, terms).ok_or(RejectReason::OutOfRange)?;
    let unit = listing.tick_value.0;
    let inverse = is_inverse(listing.product);
    if inverse && unit < range.highest {
        return Err(RejectReason::TickLotNotWhole);
    }
    let of_a_lot =
        if inverse { up(&fraction(unit, range.lowest)) } else { whole(range.highest) * whole(unit) };
    let lots = risk.map_or(0, |risk| risk.open_interest_limit);
    if whole(lots) * of_a_lot > whole(OPEN_VALUE_MAX) { Err(RejectReason::OutOfRange) } else { Ok(()) }
}

fn terms_in_range(terms: &SetContract, dated: bool, now: u64) -> bool {
    let interval = terms.funding_interval_s;
    let of_time = if dated {
        let expires = u128::from(terms.expiry) * u128::from(SECOND);
        terms.expiry.is_multiple_of(60) && expires > u128::from(now) && interval == 0
    } else {
        terms.expiry == 0 && (3_600..=86_400).contains(&interval) && 86_400 % interval == 0
    };
    of_time
        && terms.price_min >= 1
        && terms.price_min < terms.price_max
        && u64::from(terms.price_max) < Listing::PRICE_END
}

fn risk_in_range(risk: &SetContractRisk, dated: bool) -> bool {
    let SetContractRisk { interest_ppb, position_limit, open_interest_limit, .. } = *risk;
    let interest_is_good =
        if dated { interest_ppb == 0 } else { (-1_000_000..=1_000_000).contains(&interest_ppb) };
    let price_bands = [risk.first_band, risk.premium_band, risk.outer_band];
    interest_is_good
        && risk.impact_lots > 0
        && (1_000..=200_000).contains(&risk.mark_band.0)
        && price_bands.iter().all(|band| (1_000..=500_000).contains(&band.0))
        && risk.premium_band.0 <= risk.outer_band.0
        && risk.liquidation_fee.0 <= 50_000
        && (1_000..=100_000).contains(&risk.collar.0)
        && risk.adl_after <= 3_600
        && position_limit <= open_interest_limit
}

impl Naive {
    // What the tests ask.

    /// The contracts whose mark an operator set last.
    pub fn standing_marks(&self) -> Vec<InstrumentId> {
        let mut all = self.contracts();
        all.retain(|id| self.instrument(*id).contract.mark_stands);
        all
    }

    /// The index that a contract follows.
    pub fn index_of(&self, instrument: InstrumentId) -> Option<IndexId> {
        self.instrument(instrument).contract.index()
    }

    /// Whether a contract can have no higher, or no lower, price than this one, ticks.
    pub fn is_end_of_range(&self, instrument: InstrumentId, price: i64) -> bool {
        let known = self.instrument(instrument);
        let range = known.contract.terms.and_then(|terms| range(&known.listing, &terms));
        range.is_some_and(|range| price == range.lowest || price == range.highest)
    }

    /// The rows of a contract's table of tiers.
    pub fn tiers_of(&self, instrument: InstrumentId) -> usize {
        self.instrument(instrument).contract.tiers.len()
    }

    // What the other files ask.

    /// The contracts that are not delisted, in the order of their ids.
    pub(super) fn contracts(&self) -> Vec<InstrumentId> {
        let is_one = |known: &&Instrument| {
            known.listing.product != Product::Spot && known.listing.phase != Phase::Delisted
        };
        self.instruments.iter().filter(is_one).map(|known| known.listing.instrument).collect()
    }

    /// Whether a contract was ever listed.
    pub(super) fn has_contracts(&self) -> bool {
        self.instruments.iter().any(|known| known.listing.product != Product::Spot)
    }

    /// A contract that is still listed; spot is none.
    pub(super) fn listed_contract(&self, instrument: InstrumentId) -> Result<&Instrument, RejectReason> {
        let known = self.listed(instrument)?;
        if known.listing.product == Product::Spot { Err(RejectReason::OutOfRange) } else { Ok(known) }
    }

    /// Whether it takes room and a name. Of several shards the others do not know that a contract was settled.
    pub(super) fn counts_as_listed(&self, instrument: InstrumentId) -> bool {
        let known = self.instrument(instrument);
        known.listing.phase != Phase::Delisted || (known.contract.settled && self.shards > 1)
    }

    pub(super) fn is_complete(&self, instrument: InstrumentId) -> bool {
        let Contract { terms, risk, tiers, .. } = &self.instrument(instrument).contract;
        let has_price = |terms: &SetContract| self.indexes[usize::from(terms.index.0)].price().is_some();
        terms.as_ref().is_some_and(has_price) && risk.is_some() && !tiers.is_empty()
    }

    /// What is asked about a new listing beyond what is asked about spot.
    pub(super) fn may_list(&self, listing: &Listing) -> Done {
        let is_contract = |listing: &Listing| listing.product != Product::Spot;
        let is_good =
            listing.fee_asset == FeeAsset::Quote && listing.phase == Phase::Closed && self.edition >= 2;
        if is_contract(listing) && !is_good {
            return Err(RejectReason::OutOfRange);
        }
        let there = self.instruments.iter().map(|known| &known.listing);
        let there: Vec<_> = there.filter(|other| other.shard == listing.shard).collect();
        if there.iter().any(|other| is_contract(other) != is_contract(listing)) {
            return Err(RejectReason::OtherProductsInShard);
        }
        let live = there.iter().filter(|other| self.counts_as_listed(other.instrument)).count();
        if is_contract(listing) && live >= IN_SHARD_MAX {
            return Err(RejectReason::TooManyContracts);
        }
        Ok(())
    }

    /// Whether a contract may go from its phase to this one.
    pub(super) fn may_go_to(&self, instrument: InstrumentId, phase: Phase) -> Done {
        let listing = self.listing(instrument);
        if listing.product == Product::Spot {
            return Ok(());
        }
        if phase != Phase::Closed && !self.is_complete(instrument) {
            return Err(RejectReason::ContractIncomplete);
        }
        let uncrosses = phase == Phase::Continuous || (phase == Phase::Closed && listing.phase.gathers());
        if uncrosses && self.is_stale(instrument) { Err(RejectReason::IndexStale) } else { Ok(()) }
    }

    /// Whether a contract can have this listing in place of its own, which differs in tick or lot.
    pub(super) fn fits_terms(&self, after: &Listing) -> Done {
        let contract = &self.instrument(after.instrument).contract;
        match &contract.terms {
            Some(terms) => within_bounds(after, terms, contract.risk.as_ref()),
            None => Ok(()),
        }
    }

    pub(super) fn set_contract(&mut self, set: SetContract) -> Done {
        let SetContract { instrument, index, .. } = set;
        let known = self.listed_contract(instrument)?;
        let (listing, risk) = (known.listing, known.contract.risk);
        if known.contract.expired {
            return Err(RejectReason::ContractExpired);
        }
        let of_index = self.index(index)?.added;
        let fits = of_index.shard == listing.shard && of_index.price_decimals == listing.price_decimals;
        let in_range = terms_in_range(&set, is_dated(listing.product), self.now);
        if !fits || !in_range || range(&listing, &set).is_none() {
            return Err(RejectReason::OutOfRange);
        }
        if listing.phase != Phase::Closed {
            return Err(RejectReason::InvalidPhase);
        }
        self.no_legs(instrument)?;
        if self.orders.iter().any(|order| order.instrument == instrument) {
            return Err(RejectReason::OrdersOpen);
        }
        within_bounds(&listing, &set, risk.as_ref())?;
        let follows =
            |id: &InstrumentId| *id != instrument && self.instrument(*id).contract.index() == Some(index);
        if self.contracts().iter().filter(|id| follows(id)).count() >= OF_INDEX_MAX {
            return Err(RejectReason::TooManyContracts);
        }
        let next_funding = self.first_funding(set.funding_interval_s);
        let contract = &mut self.instrument_mut(instrument).contract;
        (contract.terms, contract.next_funding) = (Some(set), next_funding);
        contract.drop_samples();
        self.events.push(Event::Contract(ContractEvent::ContractSet(set)));
        self.move_mark(instrument);
        Ok(())
    }

    pub(super) fn set_contract_risk(&mut self, set: SetContractRisk) -> Done {
        let known = self.listed_contract(set.instrument)?;
        let contract = &known.contract;
        if !risk_in_range(&set, is_dated(known.listing.product))
            || !Self::costs_fit(contract, Self::highest_taker(&known.fees) + set.liquidation_fee.0)
        {
            return Err(RejectReason::OutOfRange);
        }
        if let Some(terms) = &contract.terms {
            within_bounds(&known.listing, terms, Some(&set))?;
        }
        let first = contract.risk.is_none();
        self.instrument_mut(set.instrument).contract.risk = Some(set);
        self.events.push(Event::Contract(ContractEvent::ContractRiskSet(set)));
        if first {
            self.move_mark(set.instrument);
        }
        Ok(())
    }
}
