//! The table of all listings. Every reader of events keeps one.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{AdminEvent, Event, EventRecord, FeeTier, InstrumentId, Listing, MarketEvent, Symbol};

/// All listings by id, built from the events. Readers need them to interpret events.
#[derive(Clone, Debug, Default)]
pub struct Listings {
    by_id: Vec<Listing>,
    /// Sorted by symbol.
    by_symbol: Vec<(Symbol, InstrumentId)>,
    /// Earlier terms of changed listings, each with the number of the event that changed them, in event order.
    past: Vec<(u64, Listing)>,
}

impl Listings {
    /// Applies an event about listings; ignores other events.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Admin(event) => self.apply_admin(event),
            Event::Market(MarketEvent::PhaseSet { instrument, phase }) => {
                if let Some(listing) = self.by_id.get_mut(instrument.0 as usize) {
                    listing.phase = *phase;
                }
            }
            Event::Market(MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_))
            | Event::Venue(_)
            | Event::Contract(_)
            | Event::Order(_) => {}
        }
    }

    fn apply_admin(&mut self, event: &AdminEvent) {
        match event {
            AdminEvent::InstrumentListed(listing) => self.insert(*listing),
            AdminEvent::TermsSet(listing) => {
                if let Some(known) = self.by_id.get_mut(listing.instrument.0 as usize) {
                    *known = *listing;
                }
            }
            AdminEvent::FeesSet(fees) if fees.tier == FeeTier(0) => {
                if let Some(listing) = self.by_id.get_mut(fees.instrument.0 as usize) {
                    (listing.maker_fee, listing.taker_fee) = (fees.maker, fees.taker);
                }
            }
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
            | AdminEvent::Killed { .. }
            | AdminEvent::TransferReceived(_)
            | AdminEvent::TransferDone(_) => {}
        }
    }

    /// As [`Self::apply`], but also keeps the terms that the event changes, so that older events can be interpreted
    /// ([`Self::at`]).
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
            // The symbol of a delisted instrument may be listed again; it then refers to the new instrument.
            Ok(at) => self.by_symbol[at].1 = listing.instrument,
            Err(at) => self.by_symbol.insert(at, (listing.symbol, listing.instrument)),
        }
        self.by_id.push(listing);
    }

    /// The listing with this id.
    pub fn get(&self, instrument: InstrumentId) -> Option<&Listing> {
        self.by_id.get(instrument.0 as usize)
    }

    /// The listing with this id as it was at the event of this number. (Fees and phase may be later ones.)
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

    /// Earlier terms of changed listings, each with the number of the event that changed them, in event order.
    pub fn past(&self) -> &[(u64, Listing)] {
        &self.past
    }

    /// Rebuilds the table from saved [`Self::iter`] and [`Self::past`]. `None` if ids are not dense or the past is out
    /// of order.
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
