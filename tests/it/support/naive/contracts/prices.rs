//! Index in ticks, impact prices, basis, mark, price limits, settlement price.

use super::exact::{Exact, down, fraction, half_even, ppb, ppm, small, up, whole};
use super::value::Listed;
use dojima::domain::Side;

const BASIS_SAMPLES: usize = 30;
const SETTLEMENT_SAMPLES: usize = 900;

pub fn index_ticks(price: u64, tick_units: u32) -> i64 {
    small(&half_even(&fraction(price, tick_units)).max(whole(1)))
}

/// Levels are price and lots, best first. What a whole level is worth is rounded down: the page does not say so, but 100 fractions
/// have no sum in 128 bits.
pub fn impact_price(listed: &Listed, side: Side, notional: i64, levels: &[(i64, u64)]) -> Option<i64> {
    impact(listed, side, notional, levels, down)
}

/// The same without that rounding.
pub fn exact_impact_price(listed: &Listed, side: Side, notional: i64, levels: &[(i64, u64)]) -> Option<i64> {
    impact(listed, side, notional, levels, Exact::clone)
}

fn impact(
    listed: &Listed,
    side: Side,
    notional: i64,
    levels: &[(i64, u64)],
    of_level: fn(&Exact) -> Exact,
) -> Option<i64> {
    let mut missing = whole(notional);
    let (mut lots, mut paid) = (whole(0), whole(0));
    for &(price, displayed) in levels {
        let needed = up(&(&missing / listed.size(1, price)));
        let taken = needed.clone().min(whole(displayed));
        lots += &taken;
        paid += &taken * whole(price);
        if taken == needed {
            let average = paid / lots;
            return Some(small(&match side {
                Side::Buy => down(&average),
                Side::Sell => up(&average),
            }));
        }
        missing -= of_level(&(listed.size(1, price) * taken));
    }
    None
}

/// Half of bid and ask.
pub fn middle(bid: i64, ask: i64) -> i64 {
    small(&half_even(&((whole(bid) + whole(ask)) / whole(2))))
}

/// The mean of the last samples, of all that there were.
pub fn mean_basis(samples: &[i64]) -> Option<i64> {
    let last = &samples[samples.len().saturating_sub(BASIS_SAMPLES)..];
    if last.is_empty() {
        return None;
    }
    let sum = last.iter().fold(whole(0), |sum, &sample| sum + whole(sample));
    Some(small(&half_even(&(sum / whole(last.len())))))
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
        small(&self.middle().max(lowest).min(highest))
    }
}

fn share(index: i64, parts: u32) -> Exact {
    down(&(whole(index) * ppm(parts)))
}

/// Lowest and highest of the first ten minutes.
pub fn early_limits(index: i64, early: u32) -> (i64, i64) {
    let width = share(index, early);
    (small(&(whole(index) - &width).max(whole(1))), small(&(whole(index) + &width)))
}

/// Lowest and highest afterwards.
pub fn limits(index: i64, premium: u32, outer: u32, basis: i64) -> (i64, i64) {
    let (near, far) = (share(index, premium), share(index, outer));
    let (index, basis) = (whole(index), whole(basis));
    let highest = index.clone().max(&index + &near + &basis).min(&index + &far);
    let lowest = index.clone().min(&index - &near + &basis).max(&index - &far).max(whole(1));
    (small(&lowest), small(&highest))
}

/// Samples are in price units.
pub fn settlement_price(samples: &[u64], tick_units: u32) -> Option<i64> {
    if samples.len() < SETTLEMENT_SAMPLES {
        return None;
    }
    let sum = samples.iter().fold(whole(0), |sum, &sample| sum + whole(sample));
    let mean = sum / whole(samples.len());
    Some(small(&half_even(&(mean / whole(tick_units))).max(whole(1))))
}
