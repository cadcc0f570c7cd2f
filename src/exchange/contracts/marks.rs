//! Mark prices, set by the index and by the sampling tick (docs/FUTURES.md, "Mark price").

use super::super::sink::EventSink;
use super::super::state::Exchange;
use super::index::Index;
use crate::domain::contracts::{MarkInputs, mark};
use crate::domain::{AddIndex, AdminEvent, Event, IndexId, InstrumentId, Phase, Price, ShardId};

impl Exchange {
    /// Sets the marks of all contracts of an index, in the order of ids.
    pub(super) fn set_marks_of(&mut self, index: IndexId, events: &mut impl EventSink) {
        for at in 0..self.instruments.len() {
            let contract = self.instruments[at].contract.as_ref();
            if contract.is_some_and(|contract| contract.index() == Some(index) && !contract.mark_holds) {
                self.find_mark(InstrumentId(at as u32), events);
            }
        }
    }

    /// Sets the mark of a contract that a setting may have completed.
    pub(in crate::exchange) fn set_first_mark(
        &mut self,
        instrument: InstrumentId,
        events: &mut impl EventSink,
    ) {
        let contract = self.instruments[instrument.0 as usize].contract.as_ref();
        if contract.is_some_and(|contract| !contract.mark_holds) {
            self.find_mark(instrument, events);
        }
    }

    /// Whether a tick now is a sampling tick: the first one in its second.
    pub(in crate::exchange) fn is_sampling_tick(&self) -> bool {
        self.shared.now.seconds() > self.contracts.sampled
            && self.instruments.iter().any(|known| known.contract.is_some())
    }

    /// The sampling tick. Sets the marks of contracts with a fresh index.
    pub(in crate::exchange) fn sample(&mut self, events: &mut impl EventSink) {
        self.contracts.sampled = self.shared.now.seconds();
        for at in 0..self.instruments.len() {
            let now = self.shared.now;
            let known = &self.instruments[at];
            let Some(contract) = &known.contract else { continue };
            let index = contract.index().and_then(|index| self.known_index(index).ok());
            if index.is_none_or(|index| index.is_stale(now)) {
                continue;
            }
            if contract.mark_holds && known.listing.phase == Phase::Halted {
                continue;
            }
            let contract = self.instruments[at].contract.as_mut().expect("it is a contract");
            contract.mark_holds = false;
            self.find_mark(InstrumentId(at as u32), events);
        }
    }

    /// Computes the mark of a contract, if it is complete, and emits it if it changed.
    fn find_mark(&mut self, instrument: InstrumentId, events: &mut impl EventSink) {
        let known = &self.instruments[instrument.0 as usize];
        if known.listing.phase == Phase::Delisted {
            return;
        }
        let Some(contract) = known.contract.as_ref().filter(|contract| self.is_complete(contract)) else {
            return;
        };
        let Some(inputs) = self.mark_inputs(instrument) else { return };
        let price = mark(&inputs);
        if known.mark == Some(price) {
            return;
        }
        debug_assert!(!contract.mark_holds);
        let known = &mut self.instruments[instrument.0 as usize];
        known.mark = Some(price);
        if known.triggers.is_some() {
            self.shared.note_moved(instrument);
        }
        events.push(Event::Admin(AdminEvent::MarkSet { instrument, price }));
    }

    fn mark_inputs(&self, instrument: InstrumentId) -> Option<MarkInputs> {
        let known = &self.instruments[instrument.0 as usize];
        let contract = known.contract.as_ref()?;
        let range = contract.range(&known.listing)?;
        let quote = self.known_index(contract.index()?).ok()?.last?;
        Some(MarkInputs {
            index: range.index(quote.price, known.listing.tick_units),
            funding_left: (0, 1),
            basis: contract.basis.mean(self.contracts.sampled),
            mid: None,
            band: contract.risk?.mark_band,
            range,
        })
    }

    /// The shard of an index; the first one refuses unknown indexes.
    pub(in crate::exchange) fn shard_of(&self, index: IndexId) -> ShardId {
        self.known_index(index).map_or(ShardId::FIRST, |known| known.shard)
    }

    /// The indexes by id, with their present terms.
    pub fn indexes(&self) -> impl Iterator<Item = AddIndex> + '_ {
        let numbered = (0..).map(IndexId).zip(&self.contracts.indexes);
        numbered.map(|(index, known)| {
            let Index { symbol, price_decimals, shard, terms, .. } = *known;
            AddIndex { index, symbol, price_decimals, shard, terms }
        })
    }

    /// The last price of an index, price units; `None` if it does not exist or has no price here.
    pub fn index_price(&self, index: IndexId) -> Option<Price> {
        let quote = self.known_index(index).ok()?.last?;
        Some(Price(i64::from(quote.price)))
    }
}
