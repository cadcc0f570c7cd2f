//! Price limits of contracts, and the samples of the basis that they and the mark come from.

use super::contracts::exact::{fraction, half_even, small};
use super::contracts::prices::{Range, early_limits, impact_price, index_ticks, limits, middle};
use super::orders::Order;
use super::{Naive, SECOND};
use dojima::domain::{InstrumentId, Phase, Side};

/// How long the limits of the beginning hold.
const EARLY: u64 = 600 * SECOND;
/// Samples are kept for so many seconds.
const KEPT: u64 = 30;
/// Levels of a side that are looked at for its impact price.
const LEVELS: usize = 100;

impl Naive {
    pub(super) fn price_range(&self, instrument: InstrumentId) -> Option<Range> {
        let known = self.instrument(instrument);
        known.contract.terms.and_then(|terms| super::futures::range(&known.listing, &terms))
    }

    /// `I`
    pub(super) fn index_in_ticks(&self, instrument: InstrumentId) -> Option<i64> {
        let known = self.instrument(instrument);
        let price = self.indexes[usize::from(known.contract.index()?.0)].price()?;
        Some(index_ticks(price, known.listing.tick_units, self.price_range(instrument)?))
    }

    pub(super) fn is_stale(&self, instrument: InstrumentId) -> bool {
        self.stale_at(instrument, self.now)
    }

    /// The mean of the samples that are kept.
    pub(super) fn basis(&self, instrument: InstrumentId) -> Option<i64> {
        let samples = &self.instrument(instrument).contract.samples;
        let sum: i128 = samples.iter().map(|(_, basis)| i128::from(*basis)).sum();
        (!samples.is_empty()).then(|| small(&half_even(&fraction(sum, samples.len()))))
    }

    /// The sample of the last sampling tick.
    pub(super) fn last_basis(&self, instrument: InstrumentId) -> Option<i64> {
        let last = self.instrument(instrument).contract.samples.last();
        last.filter(|(second, _)| *second == self.last_sampled).map(|(_, basis)| *basis)
    }

    /// Lowest and highest.
    pub(super) fn price_limits(&self, instrument: InstrumentId) -> (i64, i64) {
        let known = self.instrument(instrument);
        let risk = known.contract.risk.expect("a contract that trades has it");
        let range = self.price_range(instrument).expect("a contract that trades has one");
        let index = self.index_in_ticks(instrument).expect("a contract that trades has one");
        if known.contract.began.is_none_or(|began| self.now < began + EARLY) {
            return early_limits(index, risk.first_band.0, range);
        }
        let basis = self.basis(instrument).unwrap_or(0);
        limits(index, risk.premium_band.0, risk.outer_band.0, basis, range)
    }

    /// Whether an order of that side may not trade at its limit.
    pub(super) fn is_outside(&self, instrument: InstrumentId, side: Side, price: i128) -> bool {
        let (lowest, highest) = self.price_limits(instrument);
        match side {
            Side::Buy => price > i128::from(highest),
            Side::Sell => price < i128::from(lowest),
        }
    }

    /// Whether a resting order of a contract is outside its limits.
    pub(super) fn rests_outside(&self, order: &Order) -> bool {
        self.is_contract(order.instrument) && self.is_outside(order.instrument, order.side, order.limit())
    }

    fn impact(&self, instrument: InstrumentId, side: Side, impact_lots: u32) -> Option<i64> {
        let mut displayed = self.in_trading_order(instrument, side);
        displayed.retain(|order| order.is_displayed());
        let levels = displayed.chunk_by(|one, next| one.limit() == next.limit()).take(LEVELS);
        let of_level = |level: &[&Order]| {
            let lots: i128 = level.iter().map(|order| order.shown()).sum();
            (level[0].limit() as i64, lots as u64)
        };
        impact_price(side, impact_lots, &levels.map(of_level).collect::<Vec<_>>())
    }

    /// Only what the last sampling tick and the seconds before it brought is kept.
    pub(super) fn drop_old_samples(&mut self, instrument: InstrumentId) {
        let second = self.last_sampled;
        let samples = &mut self.instrument_mut(instrument).contract.samples;
        samples.retain(|(taken, _)| taken + KEPT > second);
    }

    /// A sampling tick, with a fresh index: old samples go, and there is a new one if there is trading and two impact prices.
    pub(super) fn sample_basis(&mut self, instrument: InstrumentId) {
        let second = self.last_sampled;
        self.drop_old_samples(instrument);
        let known = self.instrument(instrument);
        let trades = known.listing.phase == Phase::Continuous;
        let Some(risk) = known.contract.risk.filter(|_| trades) else { return };
        let [bid, ask] = [Side::Buy, Side::Sell].map(|side| self.impact(instrument, side, risk.impact_lots));
        let index = self.index_in_ticks(instrument);
        if let (Some(bid), Some(ask), Some(index)) = (bid, ask, index) {
            let sample = (second, middle(bid, ask) - index);
            self.instrument_mut(instrument).contract.samples.push(sample);
            self.sample_premium(instrument, bid, ask, index);
        }
    }
}
