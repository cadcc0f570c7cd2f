//! Mark prices of contracts.

use super::contracts::prices::{Inputs, index_ticks};
use super::{Naive, SECOND, ticks};
use dojima::domain::{AdminEvent, Event, InstrumentId, Phase, Price, RejectReason};

type Done = Result<(), RejectReason>;

impl Naive {
    /// The mark of a contract follows its index, if it is complete and no operator has said what it is.
    pub(super) fn move_mark(&mut self, instrument: InstrumentId) {
        if !self.is_complete(instrument) || self.instrument(instrument).contract.mark_stands {
            return;
        }
        let known = self.instrument(instrument);
        let (Some(terms), Some(risk)) = (known.contract.terms, known.contract.risk) else { return };
        let tick = known.listing.tick_units;
        let range = super::futures::range(&known.listing, &terms).expect("it was asked about");
        let price = self.indexes[usize::from(terms.index.0)].price().expect("it is complete");
        // Without a book there are no samples, and no funding before the first one.
        let inputs = Inputs {
            index: index_ticks(price, tick, range),
            funding: None,
            basis: None,
            mid: None,
            band: risk.mark_band.0,
            range,
        };
        let mark = i128::from(inputs.mark());
        if known.mark != Some(mark) {
            self.instrument_mut(instrument).mark = Some(mark);
            let price = ticks(mark);
            self.events.push(Event::Admin(AdminEvent::MarkSet { instrument, price }));
        }
    }

    /// The first tick of a second moves the marks of all contracts whose index is fresh.
    pub(super) fn sample(&mut self) {
        let second = self.now / SECOND;
        if second <= self.last_sampled || !self.has_contracts() {
            return;
        }
        self.last_sampled = second;
        for id in self.contracts() {
            let known = self.instrument(id);
            let index = known.contract.index().map(|index| &self.indexes[usize::from(index.0)]);
            if index.is_none_or(|index| index.is_stale(self.now)) {
                continue;
            }
            if known.listing.phase != Phase::Halted {
                self.instrument_mut(id).contract.mark_stands = false;
            }
            self.move_mark(id);
        }
    }

    /// An operator says what the mark of a contract is.
    pub(super) fn may_set_mark(&self, instrument: InstrumentId, price: Price) -> Done {
        let known = self.instrument(instrument);
        if known.listing.phase != Phase::Halted {
            return Err(RejectReason::InvalidPhase);
        }
        let terms = known.contract.terms.expect("only what is complete is halted");
        let range = super::futures::range(&known.listing, &terms).expect("it was asked about");
        let inside = (range.lowest..=range.highest).contains(&price.0);
        if inside { Ok(()) } else { Err(RejectReason::OutOfRange) }
    }
}
