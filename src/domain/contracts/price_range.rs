//! The prices that a contract may have at all.

use super::rounding::{ceil_div, floor_div, half_even_div};
use crate::domain::Price;

/// Lowest and highest price of a contract, ticks: limit prices, index, mark and settlement are inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRange {
    lowest: Price,
    highest: Price,
}

impl PriceRange {
    /// Of a range in price units: the ticks that are inside it. `None` unless `1 ≤ price_min`, and at least two ticks are inside.
    pub fn new(price_min: u32, price_max: u32, tick_units: u32) -> Option<Self> {
        let tick = i128::from(tick_units.max(1));
        let lowest = ceil_div(i128::from(price_min), tick);
        let highest = floor_div(i128::from(price_max), tick);
        let price = |ticks| i64::try_from(ticks).map(Price).ok();
        (price_min >= 1 && lowest < highest).then_some(())?;
        Some(Self { lowest: price(lowest)?, highest: price(highest)? })
    }

    /// The lowest price, at least 1.
    pub fn lowest(&self) -> Price {
        self.lowest
    }

    /// The highest price.
    pub fn highest(&self) -> Price {
        self.highest
    }

    /// Whether a price is in it.
    pub fn contains(&self, price: Price) -> bool {
        (self.lowest..=self.highest).contains(&price)
    }

    /// The price in the range that is nearest to these ticks.
    pub(super) fn nearest(&self, ticks: i128) -> Price {
        let inside = ticks.clamp(i128::from(self.lowest.0), i128::from(self.highest.0));
        Price(i64::try_from(inside).expect("between two prices"))
    }

    /// An index in ticks: its price over the tick, both in price units, half-even.
    pub fn index(&self, index: u32, tick_units: u32) -> Price {
        self.nearest(half_even_div(i128::from(index), i128::from(tick_units.max(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_ticks_that_are_inside_it() {
        let range = PriceRange::new(15, 99, 10).expect("a range");
        assert_eq!((range.lowest(), range.highest()), (Price(2), Price(9)));
        assert_eq!(PriceRange::new(0, 99, 10), None);
        assert_eq!(PriceRange::new(11, 29, 10), None, "one tick");
        assert_eq!(PriceRange::new(50, 40, 10), None);
        assert_eq!(PriceRange::new(1, 2, 0), PriceRange::new(1, 2, 1));
    }

    #[test]
    fn an_index_is_in_whole_ticks_of_the_range() {
        let range = PriceRange::new(1_000, 2_000, 10).expect("a range");
        let ticks = |index| range.index(index, 10).0;
        assert_eq!([ticks(1_005), ticks(1_015), ticks(1_016)], [100, 102, 102]);
        assert_eq!([ticks(1), ticks(u32::MAX)], [100, 200]);
    }
}
