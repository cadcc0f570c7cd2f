//! Commands about indexes, prices from outside (docs/FUTURES.md, "Index").

use super::super::contract::Index;
use super::super::orders::refused;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::{
    AddIndex, ContractEvent, Event, IndexAnswered, IndexId, IndexOutcome, IndexTerms, InstrumentId,
    ListInstrument, OrderEvent, RejectReason, SendIndex, Sender, SetIndex, Timestamp,
};

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
    ) -> Result<IndexOutcome, RejectReason> {
        let now = self.shared.now;
        let event = self.known_index_mut(set.index)?.take(set, now)?;
        events.push(Event::Contract(event));
        if let ContractEvent::IndexSet(_) = event {
            self.set_marks_of(set.index, events);
            return Ok(IndexOutcome::Taken);
        }
        Ok(IndexOutcome::Held)
    }

    /// The same from a login, which gets an answer.
    pub(in crate::exchange) fn send_index(&mut self, sent: &SendIndex, events: &mut impl EventSink) {
        let SendIndex { login, session, user_ref, index, price, source_time } = *sent;
        if self.consume_user_ref(Sender { login, session, user_ref }, events).is_none() {
            return;
        }
        let answer = match self.set_index(&sent.price(), events) {
            Ok(outcome) => {
                let answer = IndexAnswered { login, user_ref, index, price, source_time, outcome };
                Event::Order(OrderEvent::IndexAnswered(answer))
            }
            Err(reason) => refused(Some(login), user_ref, reason),
        };
        events.push(answer);
    }

    /// Tells the contracts of an index when it becomes stale.
    fn note_freshness(&mut self, index: IndexId) {
        let stale_from = self.contracts.indexes[usize::from(index.0)].stale_from();
        for (at, known) in (0..).zip(&mut self.instruments) {
            let of_index = known.contract.as_mut().filter(|contract| contract.index() == Some(index));
            let Some(contract) = of_index else { continue };
            contract.stale_from = stale_from;
            self.shared.positions.set_stale_from(contract.ordinal, stale_from);
            // Orders may have waited for a fresh index.
            if known.triggers.is_some() {
                self.shared.note_moved(InstrumentId(at));
            }
        }
    }

    fn known_index_mut(&mut self, index: IndexId) -> Result<&mut Index, RejectReason> {
        self.contracts.indexes.get_mut(usize::from(index.0)).ok_or(RejectReason::UnknownIndex)
    }

    pub(in crate::exchange) fn known_index(&self, index: IndexId) -> Result<&Index, RejectReason> {
        self.contracts.indexes.get(usize::from(index.0)).ok_or(RejectReason::UnknownIndex)
    }
}
