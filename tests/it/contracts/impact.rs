//! Impact prices over levels of every shape.

use super::arbitrary::{listed, of_bits, price, side};
use super::{config, of_engine};
use crate::support::naive::contracts::prices;
use crate::support::naive::contracts::value::Listed;
use dojima::domain::contracts::{Level, Settlement, impact_price};
use dojima::domain::{Amount, Price, Side};
use proptest::prelude::*;

/// Best first: bids fall, asks rise.
fn levels(side: Side, most: usize) -> impl Strategy<Value = Vec<(i64, u64)>> {
    let step = prop_oneof![3 => 1..=5_i64, 1 => of_bits(20).prop_map(|step| step.cast_signed())];
    let lots = prop_oneof![2 => 1..=20_u64, 2 => of_bits(20), 1 => of_bits(32)];
    let best = prop_oneof![1 => 1..=300_i64, 2 => price()];
    (best, prop::collection::vec((step, lots), 1..=most)).prop_map(move |(best, steps)| {
        let mut price = best;
        let mut levels = Vec::new();
        for (step, lots) in steps {
            if !(1..1 << 31).contains(&price) {
                break;
            }
            levels.push((price, lots));
            price += if side == Side::Buy { -step } else { step };
        }
        levels
    })
}

/// A notional, mostly one that ends within the levels or just behind them.
fn notional(listed: Listed, levels: &[(i64, u64)]) -> impl Strategy<Value = i64> + use<> {
    let all = levels
        .iter()
        .map(|&(price, lots)| i128::from(listed.notional(lots, price).unwrap_or(i64::MAX)))
        .sum::<i128>();
    let all = i64::try_from(all).unwrap_or(i64::MAX);
    let within = any::<u64>()
        .prop_map(move |part| 1 + i64::try_from(part % all.unsigned_abs().max(1)).expect("63 bits"));
    let at_the_end = (-3..=3_i64).prop_map(move |off| all.saturating_add(off).max(1));
    prop_oneof![6 => within, 1 => at_the_end, 1 => of_bits(63).prop_map(u64::cast_signed)]
}

fn book(most: usize) -> impl Strategy<Value = (Listed, Side, Vec<(i64, u64)>, i64)> {
    (listed(), side())
        .prop_flat_map(move |(listed, side)| (Just(listed), Just(side), levels(side, most)))
        .prop_flat_map(|(listed, side, levels)| {
            let notional = notional(listed, &levels);
            (Just(listed), Just(side), Just(levels), notional)
        })
}

fn of_levels(listed: &Listed, side: Side, notional: i64, levels: &[(i64, u64)]) -> Option<i64> {
    let levels = levels.iter().map(|&(price, lots)| Level { price: Price(price), lots });
    impact_price(&of_engine(listed), side, Amount(notional), levels).map(|price| price.0)
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn impact_prices_agree((listed, side, levels, notional) in book(8)) {
        let engine = of_levels(&listed, side, notional, &levels);
        prop_assert_eq!(engine, prices::impact_price(&listed, side, notional, &levels));
    }

    /// It is between the best level and the last one, and no better for more.
    #[test]
    fn an_impact_price_is_within_its_levels((listed, side, levels, notional) in book(8), more in of_bits(40)) {
        let Some(price) = of_levels(&listed, side, notional, &levels) else { return Ok(()) };
        let (best, last) = (levels[0].0, levels[levels.len() - 1].0);
        prop_assert!((best.min(last)..=best.max(last)).contains(&price));
        let more = notional.saturating_add(more.cast_signed());
        if let Some(worse) = of_levels(&listed, side, more, &levels) {
            let is_no_better = if side == Side::Buy { worse <= price } else { worse >= price };
            prop_assert!(is_no_better, "{} for more than {}", worse, price);
        }
    }

    /// One level that has enough: its price, whatever the unit.
    #[test]
    fn one_level_is_its_price(listed in listed(), side in side(), price in price(), lots in super::arbitrary::some_lots()) {
        let Some(notional) = listed.of_trade(lots, price).filter(|&notional| notional > 0) else { return Ok(()) };
        // A half-even value may be half a unit more than the lots are worth: so many more are enough for any rounding.
        let more = lots + price.unsigned_abs();
        prop_assert_eq!(of_levels(&listed, side, notional, &[(price, more)]), Some(price));
        prop_assert_eq!(of_levels(&listed, side, notional, &[]), None);
    }

    /// What levels are worth is rounded down, less than a unit for each: the price is no better than the exact one, and no worse than
    /// the exact one of so much more. A linear contract has nothing to round.
    #[test]
    fn an_impact_price_is_as_near_as_a_unit_for_each_level((listed, side, levels, notional) in book(8)) {
        let engine = of_levels(&listed, side, notional, &levels);
        let exact = prices::exact_impact_price(&listed, side, notional, &levels);
        let of_more = notional.saturating_add(i64::try_from(levels.len()).expect("few"));
        let of_more = prices::exact_impact_price(&listed, side, of_more, &levels);
        if listed.settlement == Settlement::Linear {
            prop_assert_eq!(engine, exact);
        }
        // No price is behind all of them.
        let none = if side == Side::Buy { i64::MIN } else { i64::MAX };
        let [best, price, worst] = [exact, engine, of_more].map(|price| price.unwrap_or(none));
        prop_assert!((best.min(worst)..=best.max(worst)).contains(&price));
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn impact_prices_of_many_levels_agree((listed, side, levels, notional) in book(100)) {
        let engine = of_levels(&listed, side, notional, &levels);
        prop_assert_eq!(engine, prices::impact_price(&listed, side, notional, &levels));
    }
}
