//! The highest price to buy and the lowest to sell at.

use super::PriceRange;
use super::rounding::share;
use crate::domain::{Ppm, Price, Side};

/// How far from the index prices may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceBands {
    /// In the first ten minutes.
    pub early: Ppm,
    /// Around index and mean basis.
    pub premium: Ppm,
    /// Around the index, whatever the basis; not below `premium`.
    pub outer: Ppm,
}

/// Both limits, ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceLimits {
    /// The highest price to buy at.
    pub highest: Price,
    /// The lowest price to sell at.
    pub lowest: Price,
}

impl PriceLimits {
    /// Of the first ten minutes after a contract's first trading.
    pub fn early(bands: &PriceBands, range: &PriceRange, index: Price) -> Self {
        let (at, band) = (i128::from(index.0), share(index, bands.early));
        Self { highest: range.nearest(at + band), lowest: range.nearest(at - band) }
    }

    /// `basis`: the mean of the basis samples ([`super::Basis`]), or what stands for it without any.
    pub fn new(bands: &PriceBands, range: &PriceRange, index: Price, basis: i64) -> Self {
        let (at, basis) = (i128::from(index.0), i128::from(basis));
        let (inner, outer) = (share(index, bands.premium), share(index, bands.outer));
        let highest = at.max(at + inner + basis).min(at + outer);
        let lowest = at.min(at - inner + basis).max(at - outer);
        Self { highest: range.nearest(highest), lowest: range.nearest(lowest) }
    }

    /// Whether an order of this side may have this price.
    #[inline]
    pub fn allow(&self, side: Side, price: Price) -> bool {
        match side {
            Side::Buy => price <= self.highest,
            Side::Sell => price >= self.lowest,
        }
    }

    /// The worst price that an order of this side may have.
    #[inline]
    pub fn of_side(&self, side: Side) -> Price {
        match side {
            Side::Buy => self.highest,
            Side::Sell => self.lowest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: PriceBands = PriceBands { early: Ppm(20_000), premium: Ppm(20_000), outer: Ppm(50_000) };

    fn range() -> PriceRange {
        PriceRange::new(1, 100_000, 1).expect("a range")
    }

    #[test]
    fn limits_follow_the_basis_and_never_leave_the_outer_band() {
        let limits = |basis| {
            let PriceLimits { highest, lowest } = PriceLimits::new(&BANDS, &range(), Price(10_000), basis);
            (lowest.0, highest.0)
        };
        assert_eq!(limits(0), (9_800, 10_200));
        assert_eq!(limits(100), (9_900, 10_300));
        // Who buys may always pay the index, and who sells may always get it.
        assert_eq!(limits(-300), (9_500, 10_000));
        assert_eq!(limits(400), (10_000, 10_500));
        let early = PriceLimits::early(&BANDS, &range(), Price(10_000));
        assert_eq!((early.lowest, early.highest), (Price(9_800), Price(10_200)));
        let narrow = PriceRange::new(9_900, 10_100, 1).expect("a range");
        let PriceLimits { highest, lowest } = PriceLimits::new(&BANDS, &narrow, Price(10_000), 0);
        assert_eq!((lowest, highest), (Price(9_900), Price(10_100)));
    }

    #[test]
    fn each_side_has_one_limit() {
        let limits = PriceLimits::early(&BANDS, &range(), Price(10_000));
        assert!(limits.allow(Side::Buy, Price(10_200)) && !limits.allow(Side::Buy, Price(10_201)));
        assert!(limits.allow(Side::Buy, Price(1)) && limits.allow(Side::Sell, Price(20_000)));
        assert!(limits.allow(Side::Sell, Price(9_800)) && !limits.allow(Side::Sell, Price(9_799)));
        assert_eq!([limits.of_side(Side::Buy), limits.of_side(Side::Sell)], [limits.highest, limits.lowest]);
    }
}
