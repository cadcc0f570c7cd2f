//! The highest price to buy and the lowest to sell at.

use super::arbitrary::{any_sign, price, rate};
use super::config;
use crate::support::naive::contracts::prices;
use dojima::domain::contracts::{PriceBands, PriceLimits};
use dojima::domain::{Ppm, Price, Side};
use proptest::prelude::*;

fn bands() -> impl Strategy<Value = PriceBands> {
    (rate(500_000), rate(500_000), rate(500_000)).prop_map(|(early, one, other)| PriceBands {
        early: Ppm(early),
        premium: Ppm(one.min(other)),
        outer: Ppm(one.max(other)),
    })
}

fn ends(limits: PriceLimits) -> (i64, i64) {
    (limits.lowest.0, limits.highest.0)
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn price_limits_agree(bands in bands(), index in price(), far in any_sign(31), near in -50..=50_i64, is_near in any::<bool>()) {
        let basis = if is_near { near } else { far };
        let PriceBands { early, premium, outer } = bands;
        let (first, later) = (PriceLimits::early(&bands, Price(index)), PriceLimits::new(&bands, Price(index), basis));
        prop_assert_eq!(ends(first), prices::early_limits(index, early.0));
        prop_assert_eq!(ends(later), prices::limits(index, premium.0, outer.0, basis));
        for limits in [first, later] {
            prop_assert!(limits.allow(Side::Buy, Price(index)), "a buy at the index");
            prop_assert!(limits.allow(Side::Sell, Price(index)), "a sell at the index");
            prop_assert!(limits.lowest.0 >= 1 && limits.lowest.0 <= index && limits.highest.0 >= index);
        }
    }

    #[test]
    fn an_order_may_have_the_limit_and_nothing_beyond(bands in bands(), index in price(), basis in any_sign(31), price in price()) {
        let limits = PriceLimits::new(&bands, Price(index), basis);
        prop_assert_eq!(limits.of_side(Side::Buy), limits.highest);
        prop_assert_eq!(limits.of_side(Side::Sell), limits.lowest);
        let (highest, lowest) = (limits.highest.0, limits.lowest.0);
        for price in [price, highest - 1, highest, highest + 1, lowest - 1, lowest, lowest + 1] {
            prop_assert_eq!(limits.allow(Side::Buy, Price(price)), price <= highest);
            prop_assert_eq!(limits.allow(Side::Sell, Price(price)), price >= lowest);
        }
    }

    /// A basis that rises lets both rise.
    #[test]
    fn limits_follow_the_basis(bands in bands(), index in price(), basis in any_sign(31), more in any_sign(31)) {
        let (low, high) = (basis.min(basis + more), basis.max(basis + more));
        let (low, high) = (PriceLimits::new(&bands, Price(index), low), PriceLimits::new(&bands, Price(index), high));
        prop_assert!(low.highest <= high.highest && low.lowest <= high.lowest);
    }
}
