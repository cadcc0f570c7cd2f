//! Mark prices, set by the index and by the sampling tick (docs/FUTURES.md, "Mark price").

use super::super::contract::Index;
use super::super::instrument::Instrument;
use super::super::positions::Quoted;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use super::super::task::Task;
use crate::domain::contracts::{ImpactPrices, Level, MarkInputs, impact_price, mark};
use crate::domain::{AddIndex, AdminEvent, Event, IndexId, InstrumentId, Phase, Price, ShardId, Side};

/// The levels of a side that an impact price is computed of.
const IMPACT_LEVELS: usize = 100;

impl Exchange {
    /// Sets the marks of all contracts of an index, in the order of ids.
    pub(super) fn set_marks_of(&mut self, index: IndexId, events: &mut impl EventSink) {
        for at in 0..self.instruments.len() {
            let contract = self.instruments[at].contract.as_ref();
            if contract.is_some_and(|contract| contract.index() == Some(index)) {
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
        if self.instruments[instrument.0 as usize].contract.is_some() {
            self.find_mark(instrument, events);
        }
    }

    /// The work of a tick for contracts: the samples of its second, the marks, and the fundings.
    pub(in crate::exchange) fn tick_contracts(&mut self) {
        if self.contracts.by_ordinal.is_empty() {
            return;
        }
        self.agenda.push(Task::Fund);
        // The first tick in a second is a sampling tick.
        if self.shared.now.seconds() > self.contracts.sampled {
            self.agenda.push(Task::Sample);
        }
    }

    /// The sampling tick. Sets the marks of contracts with a fresh index.
    pub(in crate::exchange) fn sample(&mut self, events: &mut impl EventSink) {
        self.contracts.sampled = self.shared.now.seconds();
        for at in 0..self.instruments.len() {
            let now = self.shared.now;
            let known = &self.instruments[at];
            let Some(contract) = &known.contract else { continue };
            let index = contract.index().and_then(|index| self.known_index(index).ok());
            let Some(index) = index.filter(|index| !index.is_stale(now)) else { continue };
            let price = index.last.map_or(0, |quote| quote.price);
            let holds = contract.mark_holds && known.listing.phase == Phase::Halted;
            let second = self.contracts.sampled;
            let taken = self.impact(InstrumentId(at as u32));
            let known = &mut self.instruments[at];
            let contract = known.contract.as_mut().expect("it is a contract");
            if let Some((prices, index)) = taken {
                contract.basis.take(second, prices.mid(), index);
                if known.listing.product.is_perpetual() {
                    contract.fundings.premium.take(&prices, index);
                }
            }
            if known.listing.phase != Phase::Delisted && contract.is_in_last_half_hour(second) {
                contract.settlement.take(u64::from(price));
            }
            contract.mark_holds = holds;
            self.find_mark(InstrumentId(at as u32), events);
        }
    }

    /// The impact prices, and the index in ticks: only in continuous trading, and if both impact prices are there.
    fn impact(&self, instrument: InstrumentId) -> Option<(ImpactPrices, Price)> {
        let known = &self.instruments[instrument.0 as usize];
        let contract = known.contract.as_ref().filter(|_| known.listing.phase == Phase::Continuous)?;
        let index = self.index_ticks(known)?;
        let lots = contract.risk?.impact_lots;
        let impact = |side| {
            let levels = known.book.shown_levels(side, &self.shared.orders).take(IMPACT_LEVELS);
            impact_price(side, lots, levels.map(|(price, lots)| Level { price, lots }))
        };
        let prices = ImpactPrices { bid: impact(Side::Buy)?, ask: impact(Side::Sell)? };
        Some((prices, index))
    }

    /// The last price of the contract's index, in ticks of the contract.
    fn index_ticks(&self, known: &Instrument) -> Option<Price> {
        let contract = known.contract.as_ref()?;
        let quote = self.known_index(contract.index()?).ok()?.last?;
        Some(contract.range(&known.listing)?.index(quote.price, known.listing.tick_units))
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
        let (holds, sampled) = (contract.mark_holds, self.contracts.sampled);
        let stale_from = self.stale_from(instrument);
        if self.shared.now.0 < stale_from {
            let contract = self.instruments[instrument.0 as usize].contract.as_mut();
            contract.expect("it is a contract").kept_to = sampled;
        }
        let known = &self.instruments[instrument.0 as usize];
        let Some(inputs) = self.mark_inputs(known) else { return };
        let price = if holds { known.mark.unwrap_or(inputs.index) } else { mark(&inputs) };
        let known = &mut self.instruments[instrument.0 as usize];
        let contract = known.contract.as_mut().expect("it is a contract");
        contract.stale_from = stale_from;
        contract.find_limits(&known.listing, inputs.index);
        let is_new = known.mark != Some(price);
        known.mark = Some(price);
        self.value_positions(instrument);
        // Orders may have waited for a fresh index, and not for another mark.
        if self.instruments[instrument.0 as usize].triggers.is_some() {
            self.shared.note_moved(instrument);
        }
        if is_new {
            events.push(Event::Admin(AdminEvent::MarkSet { instrument, price }));
        }
    }

    /// Computes the price limits of a contract after its risk parameters changed.
    pub(super) fn find_limits(&mut self, instrument: InstrumentId) {
        let at = instrument.0 as usize;
        let Some(index) = self.index_ticks(&self.instruments[at]) else { return };
        let known = &mut self.instruments[at];
        let contract = known.contract.as_mut().expect("it is a contract");
        contract.find_limits(&known.listing, index);
    }

    /// Computes what follows from index, basis and risk, as after a restart.
    pub(in crate::exchange) fn refresh(&mut self, instrument: InstrumentId) {
        let at = instrument.0 as usize;
        let index = self.instruments[at].contract.as_ref().and_then(|contract| contract.index());
        let Some(index) = index.and_then(|index| self.known_index(index).ok()) else { return };
        let stale_from = index.stale_from();
        let contract = self.instruments[at].contract.as_mut().expect("it is a contract");
        contract.stale_from = stale_from;
        self.shared.positions.set_stale_from(contract.ordinal, stale_from);
        self.find_limits(instrument);
    }

    /// When the index of a contract becomes stale, ns; 0: it has none with a price.
    fn stale_from(&self, instrument: InstrumentId) -> u64 {
        let contract = self.instruments[instrument.0 as usize].contract.as_ref();
        let index = contract.and_then(|contract| self.known_index(contract.index()?).ok());
        index.map_or(0, |index| index.stale_from())
    }

    /// Tells the positions by what they are valued.
    pub(in crate::exchange) fn value_positions(&mut self, instrument: InstrumentId) {
        let known = &self.instruments[instrument.0 as usize];
        let Some(contract) = &known.contract else { return };
        if let Some((mark, tiers)) = known.mark.zip(contract.tiers) {
            let asset = known.listing.settled_in();
            let stale_from = contract.stale_from;
            let quoted = Quoted::new((contract.value, asset), mark, tiers, stale_from);
            self.shared.positions.quote(contract.ordinal, quoted);
        }
    }

    fn mark_inputs(&self, known: &Instrument) -> Option<MarkInputs> {
        let contract = known.contract.as_ref()?;
        let index = self.index_ticks(known)?;
        let kept_to = contract.kept_to;
        // Under a stale index a sampling tick keeps the older samples, and takes none.
        let is_last = |(second, _): &(u64, i64)| *second == self.contracts.sampled;
        let last = contract.basis.samples(kept_to).last().filter(is_last);
        Some(MarkInputs {
            index,
            funding_left: contract.fundings.left(self.shared.now.seconds(), contract.funding_interval_s()),
            basis: contract.basis.mean(kept_to),
            mid: last.map(|(_, sample)| Price(index.0 + sample)),
            band: contract.risk?.mark_band,
            range: contract.range(&known.listing)?,
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
