//! Impact prices, and the mark price.

use super::PriceRange;
use super::rounding::{ceil_div, floor_div, half_even_div, share};
use crate::domain::{Ppm, Price, Side};

/// Seconds whose basis samples are kept, at most one of each.
const BASIS_SECONDS: u64 = 30;

/// Displayed lots at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Ticks.
    pub price: Price,
    /// Displayed lots, 1 or more.
    pub lots: u64,
}

/// The average price of the first `lots` lots of these levels, which come best first: bids (`side` is buy) rounded down to a tick, asks
/// up. `None` if they do not have so many. Whoever asks passes 100 levels at most.
pub fn impact_price(side: Side, lots: u32, levels: impl IntoIterator<Item = Level>) -> Option<Price> {
    let (mut left, mut ticks) = (u64::from(lots), 0_i128);
    for level in levels {
        let taken = left.min(level.lots);
        ticks += i128::from(taken) * i128::from(level.price.0);
        left -= taken;
        if left == 0 {
            break;
        }
    }
    let over = i128::from(lots);
    (left == 0 && lots > 0).then_some(())?;
    let average = match side {
        Side::Buy => floor_div(ticks, over),
        Side::Sell => ceil_div(ticks, over),
    };
    i64::try_from(average).ok().map(Price)
}

/// Both impact prices of a book, where both are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImpactPrices {
    /// Of bids, ticks.
    pub bid: Price,
    /// Of asks, ticks.
    pub ask: Price,
}

impl ImpactPrices {
    /// Half-even.
    pub fn mid(&self) -> Price {
        let sum = i128::from(self.bid.0) + i128::from(self.ask.0);
        Price(i64::try_from(half_even_div(sum, 2)).expect("between two prices"))
    }
}

/// The basis samples of the last 30 seconds: impact mid less index, of the sampling ticks that had both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// By second modulo 30: the second of a sample plus 1, or 0, and the sample.
    samples: [(u64, i64); BASIS_SECONDS as usize],
}

impl Basis {
    /// Takes the sample of a second, which is above that of the last one.
    pub fn take(&mut self, second: u64, mid: Price, index: Price) {
        self.samples[(second % BASIS_SECONDS) as usize] = (second + 1, mid.0 - index.0);
    }

    /// The samples of the 30 seconds that end with this one, with their seconds; the oldest one first.
    pub fn samples(&self, second: u64) -> impl Iterator<Item = (u64, i64)> + '_ {
        let first = (second + 1).saturating_sub(BASIS_SECONDS);
        (first..=second).filter_map(|at| {
            let (taken, sample) = self.samples[(at % BASIS_SECONDS) as usize];
            (taken == at + 1).then_some((at, sample))
        })
    }

    /// Puts back a sample that [`Self::samples`] gave.
    pub fn put(&mut self, second: u64, sample: i64) {
        self.samples[(second % BASIS_SECONDS) as usize] = (second + 1, sample);
    }

    /// The mean of the samples of the 30 seconds that end with this one, that of the last sampling tick; half-even. `None` without any.
    pub fn mean(&self, second: u64) -> Option<i64> {
        let kept = self.samples.iter().filter(|(taken, _)| *taken + BASIS_SECONDS > second + 1 && *taken > 0);
        let (count, sum) =
            kept.fold((0, 0), |(count, sum), (_, sample)| (count + 1, sum + i128::from(*sample)));
        (count > 0).then(|| i64::try_from(half_even_div(sum, count)).expect("a mean"))
    }
}

/// What a mark is computed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkInputs {
    /// In ticks.
    pub index: Price,
    /// Of a perpetual: what its last funding rate has left of its interval, ppb: `rate × seconds left / interval`, as a fraction. 0 over 1 for a
    /// dated contract.
    pub funding_left: (i64, i64),
    /// [`Basis::mean`].
    pub basis: Option<i64>,
    /// The index with the sample of the last sampling tick, if that took one.
    pub mid: Option<Price>,
    /// How far it may be from the index.
    pub band: Ppm,
    /// The contract's.
    pub range: PriceRange,
}

/// The mark price: the median of index with funding, index with basis, and impact mid, within a band around the index. (docs/FUTURES.md,
/// "Mark price")
pub fn mark(inputs: &MarkInputs) -> Price {
    let index = i128::from(inputs.index.0);
    let (rate, over) = inputs.funding_left;
    let with_funding =
        index + half_even_div(index * i128::from(rate), 1_000_000_000 * i128::from(over.max(1)));
    let with_basis = inputs.basis.map_or(with_funding, |basis| index + i128::from(basis));
    let between = match inputs.mid {
        Some(mid) => median([with_funding, with_basis, i128::from(mid.0)]),
        None => half_even_div(with_funding + with_basis, 2),
    };
    let band = share(inputs.index, inputs.band);
    inputs.range.nearest(between.clamp(index - band, index + band))
}

fn median(mut of: [i128; 3]) -> i128 {
    of.sort_unstable();
    of[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(of: &[(i64, u64)]) -> Vec<Level> {
        of.iter().map(|(price, lots)| Level { price: Price(*price), lots: *lots }).collect()
    }

    fn quiet() -> MarkInputs {
        let range = PriceRange::new(1, 1_000_000, 1).expect("a range");
        MarkInputs {
            index: Price(10_000),
            funding_left: (0, 1),
            basis: None,
            mid: None,
            band: Ppm(5_000),
            range,
        }
    }

    #[test]
    fn an_impact_price_is_the_average_over_the_first_lots() {
        let bids = levels(&[(100, 3), (99, 4), (98, 9)]);
        let bid = |lots| impact_price(Side::Buy, lots, bids.clone());
        assert_eq!([bid(3), bid(4), bid(10)], [Some(Price(100)), Some(Price(99)), Some(Price(99))]);
        assert_eq!([bid(16), bid(17), bid(0)], [Some(Price(98)), None, None]);
        let asks = levels(&[(101, 3), (103, 4), (104, 9)]);
        assert_eq!(impact_price(Side::Sell, 10, asks), Some(Price(103)));
    }

    #[test]
    fn the_mark_is_the_median_within_its_band() {
        let at = |mid, basis, rate| {
            mark(&MarkInputs { mid: Some(Price(mid)), basis, funding_left: (rate, 1), ..quiet() }).0
        };
        assert_eq!(at(12_000, Some(2_000), 0), 10_050);
        assert_eq!(at(8_000, Some(-2_000), 0), 9_950);
        // However far one of them is, the two others hold it.
        assert_eq!(at(15_000, Some(3), 0), 10_003);
        assert_eq!(at(5_000, Some(3), 0), 10_000);
        assert_eq!(at(10_020, Some(10), 1_000_000), 10_010);
        assert_eq!(at(10_020, None, 1_000_000), 10_010);
        assert_eq!(mark(&quiet()), Price(10_000));
        assert_eq!(mark(&MarkInputs { basis: Some(5), ..quiet() }), Price(10_002));
        let narrow = PriceRange::new(1, 9_990, 1).expect("a range");
        assert_eq!(mark(&MarkInputs { range: narrow, ..quiet() }), Price(9_990));
    }

    #[test]
    fn the_basis_is_the_mean_of_the_last_thirty_seconds() {
        let mut basis = Basis::default();
        assert_eq!(basis.mean(0), None);
        basis.take(1_000, Price(103), Price(100));
        assert_eq!(basis.mean(1_000), Some(3));
        basis.take(1_001, Price(100), Price(100));
        // 1.5 to the even one.
        assert_eq!(basis.mean(1_001), Some(2));
        // The first one is kept for 30 seconds, the second one for one more.
        assert_eq!([basis.mean(1_029), basis.mean(1_030), basis.mean(1_031)], [Some(2), Some(0), None]);
        (2_000..2_040).for_each(|second| basis.take(second, Price(90), Price(100)));
        assert_eq!(basis.mean(2_039), Some(-10));
    }
}
