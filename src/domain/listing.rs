//! An instrument's terms, and the table of them that every reader of events keeps.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{
    AdminEvent, Amount, AssetId, Event, EventRecord, FeeAsset, FeeRate, FeeTier, InstrumentId, MarketEvent,
    OrderEvent, OrderPrice, Phase, Price, Quantity, RejectReason, Side, Symbol, VenueEvent,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// An instrument's terms, as they are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Listing {
    /// Its id.
    pub instrument: InstrumentId,
    /// Its symbol.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base: AssetId,
    /// What it is paid in.
    pub quote: AssetId,
    /// p: price units are 10^-p of one whole quote asset per one whole base asset.
    pub price_decimals: u8,
    /// One tick in price units.
    pub tick_units: u32,
    /// One lot in minor units of the base asset.
    pub lot: Amount,
    /// The notional of one tick on one lot, in minor units of the quote asset: a whole number by the rule of
    /// listing, so that notionals are exact.
    pub tick_value: Amount,
    /// Smallest order, lots.
    pub min_quantity: Quantity,
    /// Largest order, lots.
    pub max_quantity: Quantity,
    /// Smallest limit order, price × quantity, in minor units of the quote asset.
    pub min_notional: Amount,
    /// Fee of the resting side, row 0 of the fee table.
    pub maker_fee: FeeRate,
    /// Fee of the incoming side, row 0 of the fee table.
    pub taker_fee: FeeRate,
    /// Out of what fees are taken.
    pub fee_asset: FeeAsset,
    /// What it does at present.
    pub phase: Phase,
}

impl Listing {
    /// A limit in price units as a price in ticks.
    ///
    /// # Errors
    /// [`RejectReason::InvalidPrice`] for zero or out of the protocol's range, [`RejectReason::PriceOffTick`]
    /// for one between two ticks.
    pub fn price_from_units(&self, units: u64) -> Result<Price, RejectReason> {
        if units == 0 || units >= OrderPrice::LIMIT_END {
            return Err(RejectReason::InvalidPrice);
        }
        // Both fit 32 bits here, and a 32-bit division is much cheaper than a 64-bit one on older cores.
        let (units, tick) = (units as u32, self.tick_units);
        if !units.is_multiple_of(tick) {
            return Err(RejectReason::PriceOffTick);
        }
        Ok(Price(i64::from(units / tick)))
    }

    /// A price in price units, as the wire carries it.
    pub fn price_units(&self, price: Price) -> u64 {
        price.0.unsigned_abs() * u64::from(self.tick_units)
    }

    /// What an order of this side gives and holds in reserve: quote for a buy, base for a sell.
    pub fn given_by(&self, side: Side) -> AssetId {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }

    /// Price × quantity in minor units of the quote asset; `None` when it does not fit an amount.
    pub fn notional(&self, price: Price, quantity: Quantity) -> Option<Amount> {
        let per_lot = price.0.checked_mul(self.tick_value.0)?;
        let lots = i64::try_from(quantity.0).ok()?;
        per_lot.checked_mul(lots).map(Amount)
    }

    /// The same at a price in price units, of whatever tick it is a multiple: rounded up where it is of none; `None` when it does
    /// not fit an amount.
    pub fn notional_at_units(&self, units: u64, quantity: Quantity) -> Option<Amount> {
        let per_lot = i128::from(units) * i128::from(self.tick_value.0);
        let whole = per_lot.checked_mul(i128::from(quantity.0))?;
        let ticks = i128::from(self.tick_units);
        i64::try_from((whole + ticks - 1) / ticks).ok().map(Amount)
    }

    /// What a side pays its fee in.
    pub fn fee_paid_in(&self, side: Side) -> AssetId {
        match (self.fee_asset, side) {
            (FeeAsset::Received, Side::Buy) => self.base,
            (FeeAsset::Received | FeeAsset::Quote, _) => self.quote,
        }
    }

    /// A quantity in minor units of the base asset; `None` when it does not fit an amount.
    pub fn base_amount(&self, quantity: Quantity) -> Option<Amount> {
        i64::try_from(quantity.0).ok()?.checked_mul(self.lot.0).map(Amount)
    }
}

/// All listings by id, as told by the events: what a reader of events needs to make sense of them.
#[derive(Clone, Debug, Default)]
pub struct Listings {
    by_id: Vec<Listing>,
    /// Sorted by symbol.
    by_symbol: Vec<(Symbol, InstrumentId)>,
    /// Terms that were changed, each with the number of the event that changed them, in that order.
    past: Vec<(u64, Listing)>,
}

impl Listings {
    /// Takes up what the event says of listings; other events are passed over.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Admin(AdminEvent::InstrumentListed(listing)) => self.insert(*listing),
            Event::Admin(AdminEvent::TermsSet(listing)) => {
                if let Some(known) = self.by_id.get_mut(listing.instrument.0 as usize) {
                    *known = *listing;
                }
            }
            Event::Market(MarketEvent::PhaseSet { instrument, phase }) => {
                if let Some(listing) = self.by_id.get_mut(instrument.0 as usize) {
                    listing.phase = *phase;
                }
            }
            Event::Admin(AdminEvent::FeesSet(fees)) if fees.tier == FeeTier(0) => {
                if let Some(listing) = self.by_id.get_mut(fees.instrument.0 as usize) {
                    (listing.maker_fee, listing.taker_fee) = (fees.maker, fees.taker);
                }
            }
            Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::Refused { .. }
                | AdminEvent::MarkSet { .. }
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. },
            )
            | Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::LoginOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::SessionEnded { .. }
                | VenueEvent::SessionStarted { .. }
                | VenueEvent::SessionRolled { .. }
                | VenueEvent::AccountCopied { .. },
            )
            | Event::Order(
                OrderEvent::Accepted(_)
                | OrderEvent::Rejected(_)
                | OrderEvent::Replaced(_)
                | OrderEvent::Canceled(_)
                | OrderEvent::Executed(_)
                | OrderEvent::Ignored(_)
                | OrderEvent::ChangeRejected(_)
                | OrderEvent::Amended(_)
                | OrderEvent::Armed(_)
                | OrderEvent::Triggered(_)
                | OrderEvent::Restated(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::PriorityUpdated(_),
            )
            | Event::Market(MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_)) => {}
        }
    }

    /// As [`Self::apply`], and remembers the terms that the event changes, so that what was said under them can be said
    /// again ([`Self::at`]).
    pub fn note(&mut self, record: &EventRecord) {
        if let Event::Admin(AdminEvent::TermsSet(listing)) = &record.event
            && let Some(known) = self.get(listing.instrument)
        {
            self.past.push((record.number, *known));
        }
        self.apply(&record.event);
    }

    fn insert(&mut self, listing: Listing) {
        debug_assert_eq!(listing.instrument.0 as usize, self.by_id.len(), "instrument ids are dense");
        match self.by_symbol.binary_search_by_key(&listing.symbol, |(symbol, _)| *symbol) {
            // The symbol of a delisted instrument may be listed again: it then means the new one.
            Ok(at) => self.by_symbol[at].1 = listing.instrument,
            Err(at) => self.by_symbol.insert(at, (listing.symbol, listing.instrument)),
        }
        self.by_id.push(listing);
    }

    /// The listing with this id.
    pub fn get(&self, instrument: InstrumentId) -> Option<&Listing> {
        self.by_id.get(instrument.0 as usize)
    }

    /// The listing with this id as it was when the event of this number was told. (Fees and phase may be later ones.)
    #[inline]
    pub fn at(&self, instrument: InstrumentId, event: u64) -> Option<&Listing> {
        let then = self.past.iter().find(|(changed, past)| *changed > event && past.instrument == instrument);
        then.map(|(_, past)| past).or_else(|| self.get(instrument))
    }

    /// The instrument with this symbol.
    pub fn find(&self, symbol: Symbol) -> Option<InstrumentId> {
        let at = self.by_symbol.binary_search_by_key(&symbol, |(symbol, _)| *symbol).ok()?;
        Some(self.by_symbol[at].1)
    }

    /// All listings in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Listing> {
        self.by_id.iter()
    }

    /// Terms that were changed, each with the number of the event that changed them, in that order.
    pub fn past(&self) -> &[(u64, Listing)] {
        &self.past
    }

    /// The table that was written down as [`Self::iter`] and [`Self::past`]. `None` when ids are not dense or the past is
    /// not in order.
    pub fn restored(by_id: Vec<Listing>, past: Vec<(u64, Listing)>) -> Option<Self> {
        let dense = (0..).zip(&by_id).all(|(id, listing)| listing.instrument == InstrumentId(id));
        let known = past.iter().all(|(_, listing)| (listing.instrument.0 as usize) < by_id.len());
        if !dense || !known || !past.is_sorted_by_key(|(event, _)| *event) {
            return None;
        }
        let mut restored = Self { past, ..Self::default() };
        by_id.into_iter().for_each(|listing| restored.insert(listing));
        Some(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_terms_are_known_as_they_were() {
        let with_tick = |tick_units| Listing { tick_units, ..Listing::default() };
        let mut listings = Listings::default();
        let told = [
            (1, Event::Admin(AdminEvent::InstrumentListed(with_tick(5)))),
            (7, Event::Admin(AdminEvent::TermsSet(with_tick(10)))),
            (9, Event::Admin(AdminEvent::TermsSet(with_tick(20)))),
        ];
        told.into_iter().for_each(|(number, event)| {
            listings.note(&EventRecord { number, event, ..EventRecord::default() });
        });
        let tick_at = |event| listings.at(InstrumentId(0), event).map(|listing| listing.tick_units);
        assert_eq!([1, 6, 7, 8, 9, 100].map(tick_at), [5, 5, 10, 10, 20, 20].map(Some));
        assert_eq!(listings.at(InstrumentId(1), 1), None);
    }

    #[test]
    fn a_symbol_means_the_instrument_that_had_it_last() {
        let mut listings = Listings::default();
        for id in 0..2 {
            let listing = Listing { instrument: InstrumentId(id), ..Listing::default() };
            listings.apply(&Event::Admin(AdminEvent::InstrumentListed(listing)));
        }
        assert_eq!(listings.find(Symbol::default()), Some(InstrumentId(1)));
    }
}
