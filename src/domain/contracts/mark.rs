//! Index in ticks, impact prices, and the mark price.

use super::rounding::{ceil_div, floor_div, half_even_div};
use super::{ContractValue, Settlement};
use crate::domain::{Amount, Ppm, Price, Side};

/// Basis samples that are kept, one a second.
const BASIS_SAMPLES: usize = 30;

/// An index in ticks of a contract: its price over the tick, both in price units, half-even, at least 1.
pub fn index_ticks(index: u64, tick_units: u32) -> Price {
    let ticks = half_even_div(i128::from(index), i128::from(tick_units.max(1)));
    Price(i64::try_from(ticks).unwrap_or(i64::MAX).max(1))
}

/// Displayed lots at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Ticks.
    pub price: Price,
    /// Displayed lots, 1 or more.
    pub lots: u64,
}

/// What it costs on average to trade `notional` against these levels, which come best first: bids (`side` is buy) rounded
/// down to a tick, asks up. `None` if they do not have so much. Whoever asks passes 100 levels at most.
pub fn impact_price(
    contract: &ContractValue,
    side: Side,
    notional: Amount,
    levels: impl IntoIterator<Item = Level>,
) -> Option<Price> {
    let mut left = i128::from(notional.0);
    let (mut lots, mut ticks) = (0_i128, 0_i128);
    for Level { price, lots: there } in levels {
        // What is left is bought in whole lots.
        let (of_one, over) = contract.fraction(1, price);
        let wanted = match contract.settlement() {
            Settlement::Linear => ceil_div(left, of_one),
            Settlement::Inverse => ceil_div(left * over, of_one),
        };
        let taken = wanted.min(i128::from(there));
        lots += taken;
        ticks += taken * i128::from(price.0);
        if taken == wanted {
            let average = match side {
                Side::Buy => floor_div(ticks, lots),
                Side::Sell => ceil_div(ticks, lots),
            };
            return i64::try_from(average).ok().map(Price);
        }
        left -= floor_div(taken * of_one, over);
    }
    None
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

/// The last basis samples: impact mid less index, one for each sampling tick that had both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    samples: [i64; BASIS_SAMPLES],
    /// Samples that were ever taken.
    taken: u64,
}

impl Basis {
    /// Takes a sample; the oldest goes.
    pub fn take(&mut self, mid: Price, index: Price) {
        self.samples[(self.taken % BASIS_SAMPLES as u64) as usize] = mid.0 - index.0;
        self.taken += 1;
    }

    /// Half-even; `None` before the first sample.
    pub fn mean(&self) -> Option<i64> {
        let count = self.taken.min(BASIS_SAMPLES as u64);
        let sum: i128 = self.samples.iter().copied().map(i128::from).sum();
        (count > 0).then(|| i64::try_from(half_even_div(sum, i128::from(count))).expect("a mean"))
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
    /// [`ImpactPrices::mid`], where it is there.
    pub mid: Option<Price>,
    /// How far it may be from the index.
    pub band: Ppm,
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
    let band = index * i128::from(inputs.band.0) / i128::from(Ppm::ONE);
    let mark = between.clamp(index - band, index + band).max(1);
    Price(i64::try_from(mark).unwrap_or(i64::MAX))
}

fn median(mut of: [i128; 3]) -> i128 {
    of.sort_unstable();
    of[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear() -> ContractValue {
        ContractValue::new(Settlement::Linear, Amount(1)).expect("a value")
    }

    fn levels(of: &[(i64, u64)]) -> Vec<Level> {
        of.iter().map(|(price, lots)| Level { price: Price(*price), lots: *lots }).collect()
    }

    const QUIET: MarkInputs =
        MarkInputs { index: Price(10_000), funding_left: (0, 1), basis: None, mid: None, band: Ppm(5_000) };

    #[test]
    fn an_impact_price_is_the_average_over_the_levels_that_it_takes() {
        let asks = levels(&[(100, 10), (101, 10), (110, 100)]);
        let ask = |notional| impact_price(&linear(), Side::Sell, Amount(notional), asks.clone());
        assert_eq!(ask(1), Some(Price(100)));
        assert_eq!(ask(1_000), Some(Price(100)));
        // 10 at 100 and 1 at 101: up.
        assert_eq!(ask(1_001), Some(Price(101)));
        assert_eq!(ask(2_010 + 11_000), Some(Price(109)));
        assert_eq!(ask(2_010 + 11_001), None);
        let bids = levels(&[(100, 10), (99, 10)]);
        // 10 at 100 and 1 at 99: down.
        assert_eq!(impact_price(&linear(), Side::Buy, Amount(1_001), bids), Some(Price(99)));
        let coins = ContractValue::new(Settlement::Inverse, Amount(1_000)).expect("a value");
        // A lot is worth 10 at 100, and 5 at 200.
        let asks = levels(&[(100, 2), (200, 9)]);
        assert_eq!(impact_price(&coins, Side::Sell, Amount(25), asks), Some(Price(134)));
    }

    #[test]
    fn the_mark_is_the_median_within_its_band() {
        let at = |mid, basis, rate| {
            mark(&MarkInputs { mid: Some(Price(mid)), basis, funding_left: (rate, 1), ..QUIET }).0
        };
        assert_eq!(at(12_000, Some(2_000), 0), 10_050);
        assert_eq!(at(8_000, Some(-2_000), 0), 9_950);
        // However far one of them is, the two others hold it.
        assert_eq!(at(15_000, Some(3), 0), 10_003);
        assert_eq!(at(5_000, Some(3), 0), 10_000);
        assert_eq!(at(10_020, Some(10), 1_000_000), 10_010);
        assert_eq!(at(10_020, None, 1_000_000), 10_010);
        assert_eq!(mark(&QUIET), Price(10_000));
        assert_eq!(mark(&MarkInputs { basis: Some(5), ..QUIET }), Price(10_002));
        assert_eq!(mark(&MarkInputs { index: Price(1), ..QUIET }), Price(1));
    }

    #[test]
    fn the_basis_is_the_mean_of_the_last_thirty() {
        let mut basis = Basis::default();
        assert_eq!(basis.mean(), None);
        basis.take(Price(103), Price(100));
        assert_eq!(basis.mean(), Some(3));
        basis.take(Price(100), Price(100));
        // 1.5 to the even one.
        assert_eq!(basis.mean(), Some(2));
        (0..30).for_each(|_| basis.take(Price(90), Price(100)));
        assert_eq!(basis.mean(), Some(-10));
    }

    #[test]
    fn an_index_is_in_whole_ticks() {
        let ticks = |index, tick| index_ticks(index, tick).0;
        assert_eq!(
            [ticks(1_000, 10), ticks(1_005, 10), ticks(1_015, 10), ticks(1_016, 10)],
            [100, 100, 102, 102]
        );
        assert_eq!(ticks(1, 100), 1);
    }
}
