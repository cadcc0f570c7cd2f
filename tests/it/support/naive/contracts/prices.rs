//! Price range, index in ticks, impact prices, basis, mark, price limits, settlement price.

use super::exact::{Exact, down, fraction, half_even, ppb, ppm, small, up, whole};
use dojima::domain::Side;

/// Samples of the basis are kept for so many seconds.
const BASIS_SECONDS: u64 = 30;
const SETTLEMENT_SAMPLES: usize = 900;

/// Lowest and highest price of a contract, ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub lowest: i64,
    pub highest: i64,
}

impl Range {
    /// The ticks between two prices in price units; `None` if that are not two at least, or the lower price is 0.
    pub fn between(price_min: u32, price_max: u32, tick_units: u32) -> Option<Self> {
        let lowest = small(&up(&fraction(price_min, tick_units)));
        let highest = small(&down(&fraction(price_max, tick_units)));
        (price_min > 0 && lowest < highest).then_some(Self { lowest, highest })
    }

    pub fn clamp(&self, price: &Exact) -> i64 {
        small(&price.clone().max(whole(self.lowest)).min(whole(self.highest)))
    }
}

pub fn index_ticks(price: u32, tick_units: u32, range: Range) -> i64 {
    range.clamp(&half_even(&fraction(price, tick_units)))
}

/// Levels are price and lots, best first.
pub fn impact_price(side: Side, impact_lots: u32, levels: &[(i64, u64)]) -> Option<i64> {
    let (mut missing, mut paid) = (whole(impact_lots), whole(0));
    for &(price, displayed) in levels {
        let taken = missing.clone().min(whole(displayed));
        paid += &taken * whole(price);
        missing -= taken;
    }
    if missing > whole(0) {
        return None;
    }
    let average = paid / whole(impact_lots);
    Some(small(&match side {
        Side::Buy => down(&average),
        Side::Sell => up(&average),
    }))
}

/// Half of bid and ask.
pub fn middle(bid: i64, ask: i64) -> i64 {
    small(&half_even(&((whole(bid) + whole(ask)) / whole(2))))
}

/// The mean of the samples of the 30 seconds that end with `second`; samples are a second and the basis.
pub fn mean_basis(samples: &[(u64, i64)], second: u64) -> Option<i64> {
    let kept: Vec<i64> = samples
        .iter()
        .filter(|(taken, _)| (1..=BASIS_SECONDS).any(|ago| taken + ago == second + 1))
        .map(|(_, basis)| *basis)
        .collect();
    if kept.is_empty() {
        return None;
    }
    let sum = kept.iter().fold(whole(0), |sum, &sample| sum + whole(sample));
    Some(small(&half_even(&(sum / whole(kept.len())))))
}

/// What a mark comes from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    pub index: i64,
    /// Rate in ppb, seconds left, interval: of a perpetual.
    pub funding: Option<(i64, u32, u32)>,
    pub basis: Option<i64>,
    pub mid: Option<i64>,
    pub band: u32,
    pub range: Range,
}

impl Inputs {
    pub fn with_funding(&self) -> Exact {
        let Some((rate, left, interval)) = self.funding else {
            return whole(self.index);
        };
        let premium = whole(self.index) * ppb(rate) * fraction(left, interval);
        whole(self.index) + half_even(&premium)
    }

    pub fn with_basis(&self) -> Exact {
        self.basis.map_or_else(|| self.with_funding(), |basis| whole(self.index) + whole(basis))
    }

    /// Before the band.
    pub fn middle(&self) -> Exact {
        let (first, second) = (self.with_funding(), self.with_basis());
        let Some(mid) = self.mid else {
            return half_even(&((first + second) / whole(2)));
        };
        let mut three = [first, second, whole(mid)];
        three.sort();
        let [_, median, _] = three;
        median
    }

    /// The lowest and the highest that the mark may be.
    pub fn band(&self) -> (Exact, Exact) {
        let width = down(&(whole(self.index) * ppm(self.band)));
        (whole(self.index) - &width, whole(self.index) + &width)
    }

    pub fn mark(&self) -> i64 {
        let (lowest, highest) = self.band();
        self.range.clamp(&self.middle().max(lowest).min(highest))
    }
}

fn share(index: i64, parts: u32) -> Exact {
    down(&(whole(index) * ppm(parts)))
}

/// Lowest and highest of the first ten minutes.
pub fn early_limits(index: i64, early: u32, range: Range) -> (i64, i64) {
    let width = share(index, early);
    (range.clamp(&(whole(index) - &width)), range.clamp(&(whole(index) + &width)))
}

/// Lowest and highest afterwards.
pub fn limits(index: i64, premium: u32, outer: u32, basis: i64, range: Range) -> (i64, i64) {
    let (near, far) = (share(index, premium), share(index, outer));
    let (index, basis) = (whole(index), whole(basis));
    let highest = index.clone().max(&index + &near + &basis).min(&index + &far);
    let lowest = index.clone().min(&index - &near + &basis).max(&index - &far);
    (range.clamp(&lowest), range.clamp(&highest))
}

/// Samples are in price units.
pub fn settlement_price(samples: &[u64], tick_units: u32, range: Range) -> Option<i64> {
    if samples.len() < SETTLEMENT_SAMPLES {
        return None;
    }
    let sum = samples.iter().fold(whole(0), |sum, &sample| sum + whole(sample));
    Some(range.clamp(&half_even(&(sum / (whole(samples.len()) * whole(tick_units))))))
}
