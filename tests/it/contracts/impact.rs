//! Impact prices over levels of every shape.

use super::arbitrary::{of_bits, price, side};
use super::config;
use crate::support::naive::contracts::prices;
use dojima::domain::contracts::{Level, impact_price};
use dojima::domain::{Price, Side};
use proptest::prelude::*;

/// Best first: bids fall, asks rise.
fn levels(side: Side) -> impl Strategy<Value = Vec<(i64, u64)>> {
    let step = prop_oneof![3 => 1..=5_i64, 1 => of_bits(20).prop_map(|step| step.cast_signed())];
    let lots = prop_oneof![2 => 1..=20_u64, 2 => of_bits(20), 1 => of_bits(32)];
    let best = prop_oneof![1 => 1..=300_i64, 2 => price()];
    (best, prop::collection::vec((step, lots), 0..=8)).prop_map(move |(best, steps)| {
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

/// Mostly as many lots as there are, or fewer.
fn lots(levels: &[(i64, u64)]) -> impl Strategy<Value = u32> + use<> {
    let all = u32::try_from(levels.iter().map(|(_, lots)| lots).sum::<u64>()).unwrap_or(u32::MAX).max(1);
    let near = (-2..=2_i64).prop_map(move |off| {
        u32::try_from((i64::from(all) + off).clamp(1, i64::from(u32::MAX))).expect("32 bits")
    });
    prop_oneof![6 => 1..=all, 1 => near, 1 => 1..=u32::MAX]
}

fn book() -> impl Strategy<Value = (Side, Vec<(i64, u64)>, u32)> {
    side().prop_flat_map(|side| (Just(side), levels(side))).prop_flat_map(|(side, levels)| {
        let lots = lots(&levels);
        (Just(side), Just(levels), lots)
    })
}

fn of_levels(side: Side, lots: u32, levels: &[(i64, u64)]) -> Option<i64> {
    let levels = levels.iter().map(|&(price, lots)| Level { price: Price(price), lots });
    impact_price(side, lots, levels).map(|price| price.0)
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn impact_prices_agree((side, levels, lots) in book()) {
        prop_assert_eq!(of_levels(side, lots, &levels), prices::impact_price(side, lots, &levels));
    }

    /// It is there if the lots are, between the best level and the last one, and no better for more.
    #[test]
    fn an_impact_price_is_within_its_levels((side, levels, lots) in book(), more in of_bits(31)) {
        let there: u64 = levels.iter().map(|(_, lots)| lots).sum();
        let price = of_levels(side, lots, &levels);
        prop_assert_eq!(price.is_some(), u64::from(lots) <= there);
        let Some(price) = price else { return Ok(()) };
        let (best, last) = (levels[0].0, levels[levels.len() - 1].0);
        prop_assert!((best.min(last)..=best.max(last)).contains(&price));
        let more = lots.saturating_add(u32::try_from(more).expect("31 bits"));
        if let Some(worse) = of_levels(side, more, &levels) {
            let is_no_better = if side == Side::Buy { worse <= price } else { worse >= price };
            prop_assert!(is_no_better, "{} for more than {}", worse, price);
        }
    }
}

#[test]
fn impact() {
    let (bids, asks) = ([(100, 3), (99, 4), (98, 9)], [(101, 3), (103, 4), (104, 9)]);
    assert_eq!(of_levels(Side::Buy, 10, &bids), Some(99));
    assert_eq!(of_levels(Side::Sell, 10, &asks), Some(103));
}
