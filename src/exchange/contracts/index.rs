//! Indexes: prices from outside (docs/FUTURES.md, "Index").

use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::{
    AddIndex, ContractEvent, Event, IndexId, IndexSet, IndexTerms, ListInstrument, Listing, Ppm,
    RejectReason, SetIndex, ShardId, Symbol, Timestamp,
};

/// How far the source time of a price may be ahead of the command, ns.
const AHEAD_MAX: u64 = Timestamp::SECOND;

/// A price of an index, and when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Quote {
    /// Price units.
    pub(in crate::exchange) price: u32,
    pub(in crate::exchange) source_time: Timestamp,
}

/// An index. In other shards than its own it never has a price.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Index {
    pub(in crate::exchange) symbol: Symbol,
    pub(in crate::exchange) price_decimals: u8,
    pub(in crate::exchange) shard: ShardId,
    pub(in crate::exchange) terms: IndexTerms,
    /// The last price that was taken.
    pub(in crate::exchange) last: Option<Quote>,
    /// A price that is too far from the last one and waits for a second one near it.
    pub(in crate::exchange) held: Option<Quote>,
    /// Until then no position of its contracts is closed out.
    pub(in crate::exchange) grace_until: Timestamp,
}

impl Index {
    /// Whether it has no price, or the last one is too old.
    pub(in crate::exchange) fn is_stale(&self, now: Timestamp) -> bool {
        self.last.is_none_or(|last| self.is_too_old(last.source_time, now))
    }

    /// When the last price becomes too old, ns; 0 without one.
    pub(in crate::exchange) fn stale_from(&self) -> u64 {
        let lasts = u64::from(self.terms.stale_after_ms) * 1_000_000;
        self.last.map_or(0, |last| last.source_time.0.saturating_add(lasts))
    }

    fn is_too_old(&self, source_time: Timestamp, now: Timestamp) -> bool {
        now.0.saturating_sub(source_time.0) >= u64::from(self.terms.stale_after_ms) * 1_000_000
    }

    /// Whether a price may follow a price. Without a limit of jumps all may.
    fn is_near(&self, from: u32, to: u32) -> bool {
        let distance = u64::from(from.abs_diff(to)) * u64::from(Ppm::ONE);
        self.terms.jump.0 == 0 || distance <= u64::from(self.terms.jump.0) * u64::from(from)
    }

    /// Checks a price, and takes or holds it.
    fn take(&mut self, set: &SetIndex, now: Timestamp) -> Result<ContractEvent, RejectReason> {
        let SetIndex { index, price, source_time } = *set;
        if price == 0 || u64::from(price) >= Listing::PRICE_END {
            return Err(RejectReason::InvalidPrice);
        }
        let before = self.last.into_iter().chain(self.held).map(|quote| quote.source_time).max();
        if before.is_some_and(|before| source_time <= before)
            || source_time.0 > now.0.saturating_add(AHEAD_MAX)
            || self.is_too_old(source_time, now)
        {
            return Err(RejectReason::StaleIndex);
        }
        let follows = |quote: Option<Quote>| quote.is_some_and(|quote| self.is_near(quote.price, price));
        if self.last.is_some() && !follows(self.last) && !follows(self.held) {
            self.held = Some(Quote { price, source_time });
            return Ok(ContractEvent::IndexHeld { index, price, source_time });
        }
        if self.is_stale(now) {
            let grace = u64::from(self.terms.grace_s) * Timestamp::SECOND;
            self.grace_until = Timestamp(now.0.saturating_add(grace));
        }
        (self.last, self.held) = (Some(Quote { price, source_time }), None);
        let grace_until = self.grace_until;
        Ok(ContractEvent::IndexSet(IndexSet { index, price, source_time, grace_until }))
    }
}

impl Exchange {
    pub(super) fn add_index(&mut self, add: &AddIndex) -> Result<ContractEvent, RejectReason> {
        let AddIndex { index, symbol, price_decimals, shard, terms } = *add;
        if usize::from(index.0) != self.contracts.indexes.len() || index.0 == u16::MAX {
            return Err(RejectReason::IdNotNext);
        }
        if self.contracts.indexes.iter().any(|known| known.symbol == symbol) {
            return Err(RejectReason::DuplicateName);
        }
        if !self.venue.has(shard) {
            return Err(RejectReason::UnknownShard);
        }
        if price_decimals > ListInstrument::PRICE_DECIMALS_MAX || !terms.in_range() {
            return Err(RejectReason::OutOfRange);
        }
        let (last, held, grace_until) = (None, None, Timestamp(0));
        self.contracts.indexes.push(Index { symbol, price_decimals, shard, terms, last, held, grace_until });
        Ok(ContractEvent::IndexAdded(*add))
    }

    pub(super) fn set_index_terms(
        &mut self,
        index: IndexId,
        terms: IndexTerms,
    ) -> Result<ContractEvent, RejectReason> {
        let known = self.known_index_mut(index)?;
        if !terms.in_range() {
            return Err(RejectReason::OutOfRange);
        }
        known.terms = terms;
        self.note_freshness(index);
        Ok(ContractEvent::IndexTermsSet { index, terms })
    }

    /// Takes a price and sets the marks of all contracts of the index.
    pub(super) fn set_index(
        &mut self,
        set: &SetIndex,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        let now = self.shared.now;
        let event = self.known_index_mut(set.index)?.take(set, now)?;
        events.push(Event::Contract(event));
        if let ContractEvent::IndexSet(_) = event {
            self.set_marks_of(set.index, events);
        }
        Ok(())
    }

    /// Tells the contracts of an index when it becomes stale.
    fn note_freshness(&mut self, index: IndexId) {
        let stale_from = self.contracts.indexes[usize::from(index.0)].stale_from();
        let contracts = self.instruments.iter_mut().filter_map(|known| known.contract.as_mut());
        for contract in contracts.filter(|contract| contract.index() == Some(index)) {
            contract.stale_from = stale_from;
        }
    }

    fn known_index_mut(&mut self, index: IndexId) -> Result<&mut Index, RejectReason> {
        self.contracts.indexes.get_mut(usize::from(index.0)).ok_or(RejectReason::UnknownIndex)
    }

    pub(in crate::exchange) fn known_index(&self, index: IndexId) -> Result<&Index, RejectReason> {
        self.contracts.indexes.get(usize::from(index.0)).ok_or(RejectReason::UnknownIndex)
    }
}
