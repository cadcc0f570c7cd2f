//! The price at which a dated contract is settled.

use super::PriceRange;
use super::rounding::half_even_div;
use crate::domain::Price;

/// Half of the seconds of the last half hour: with fewer samples an operator states the price.
pub const SETTLEMENT_SAMPLES_MIN: u32 = 900;

/// Index samples of the last half hour, one a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettlementSamples {
    /// Their sum, price units.
    pub sum: u64,
    /// How many there are.
    pub samples: u32,
}

impl SettlementSamples {
    /// Takes an index price, price units.
    pub fn take(&mut self, index: u64) {
        self.sum += index;
        self.samples += 1;
    }

    /// Their mean in ticks, half-even in one division, inside the range; `None` for fewer than [`SETTLEMENT_SAMPLES_MIN`].
    pub fn price(&self, tick_units: u32, range: &PriceRange) -> Option<Price> {
        if self.samples < SETTLEMENT_SAMPLES_MIN {
            return None;
        }
        let over = i128::from(self.samples) * i128::from(tick_units.max(1));
        Some(range.nearest(half_even_div(i128::from(self.sum), over)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_the_mean_of_the_samples_that_are_there() {
        let range = PriceRange::new(1, 100_000, 10).expect("a range");
        let mut samples = SettlementSamples::default();
        (0..899).for_each(|_| samples.take(1_000));
        assert_eq!(samples.price(10, &range), None);
        samples.take(1_000);
        assert_eq!(samples.price(10, &range), Some(Price(100)));
        (0..900).for_each(|_| samples.take(1_010));
        // 100.5 ticks to the even one.
        assert_eq!(samples.price(10, &range), Some(Price(100)));
        (0..900).for_each(|_| samples.take(1_020));
        assert_eq!(samples.price(10, &range), Some(Price(101)));
    }
}
