//! Mark prices of contracts.

use super::contracts::prices::Inputs;
use super::{Naive, SECOND, ticks};
use dojima::domain::{AdminEvent, Event, InstrumentId, Phase, Price, RejectReason};

type Done = Result<(), RejectReason>;

impl Naive {
    /// The mark of a contract follows its index, if it is complete and no operator has said what it is.
    pub(super) fn move_mark(&mut self, instrument: InstrumentId) {
        if !self.is_complete(instrument) {
            return;
        }
        if self.instrument(instrument).contract.mark_stands {
            // The index may be another all the same.
            return self.follow(instrument);
        }
        let known = self.instrument(instrument);
        let index = self.index_in_ticks(instrument).expect("it is complete");
        let inputs = Inputs {
            index,
            funding: self.running_funding(instrument),
            basis: self.basis(instrument),
            mid: self.last_basis(instrument).map(|basis| index + basis),
            band: known.contract.risk.expect("it is complete").mark_band.0,
            range: self.price_range(instrument).expect("it was asked about"),
        };
        let mark = i128::from(inputs.mark());
        if known.mark != Some(mark) {
            self.instrument_mut(instrument).mark = Some(mark);
            let price = ticks(mark);
            self.events.push(Event::Admin(AdminEvent::MarkSet { instrument, price }));
        }
        // Whether the mark is another or not, the index may be.
        self.follow(instrument);
    }

    /// The first tick of a second takes samples of all contracts whose index is fresh, and then moves their marks.
    pub(super) fn sample(&mut self) {
        let second = self.now / SECOND;
        if second <= self.last_sampled || !self.has_contracts() {
            return;
        }
        self.last_sampled = second;
        let mut fresh = self.contracts();
        fresh.retain(|id| !self.is_stale(*id));
        for id in &fresh {
            self.sample_basis(*id);
            self.sample_settlement(*id);
        }
        for id in fresh {
            if self.phase(id) != Phase::Halted {
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
