//! Price range, index in ticks, basis, mark price, settlement price.

use super::arbitrary::{of_bits, price, range_around, rate};
use super::config;
use crate::support::naive::contracts::exact::{half_even, small, whole};
use crate::support::naive::contracts::prices::{self, Inputs, Range};
use dojima::domain::contracts::{
    Basis, ImpactPrices, MarkInputs, PriceRange, SETTLEMENT_SAMPLES_MIN, SettlementSamples, mark,
};
use dojima::domain::{Ppm, Price};
use proptest::prelude::*;

fn funding() -> impl Strategy<Value = (i64, u32, u32)> {
    let interval = prop::sample::select(vec![3_600_u32, 7_200, 28_800, 86_400]);
    (-750_000_000_i64..=750_000_000, interval, any::<prop::sample::Index>()).prop_map(
        |(rate, interval, left)| {
            (rate, u32::try_from(left.index(interval as usize + 1)).expect("32 bits"), interval)
        },
    )
}

/// Near the index, or anywhere.
fn around(index: i64) -> impl Strategy<Value = i64> {
    let near = (index / 100).max(4);
    prop_oneof![(-near..=near).prop_map(move |off| (index + off).max(1)), price()]
}

fn inputs() -> impl Strategy<Value = Inputs> {
    price().prop_flat_map(|index| {
        let funding = prop::option::weighted(0.8, funding());
        let basis = prop::option::weighted(0.8, around(index).prop_map(move |price| price - index));
        let mid = prop::option::weighted(0.8, around(index));
        let of_contract = (rate(200_000), range_around(index));
        (funding, basis, mid, of_contract).prop_map(move |(funding, basis, mid, (band, range))| Inputs {
            index,
            funding,
            basis,
            mid,
            band,
            range,
        })
    })
}

fn of_engine_inputs(inputs: &Inputs) -> MarkInputs {
    let fraction = inputs.funding.map(|(rate, left, interval)| (rate * i64::from(left), i64::from(interval)));
    MarkInputs {
        index: Price(inputs.index),
        funding_left: fraction.unwrap_or((0, 1)),
        basis: inputs.basis,
        mid: inputs.mid.map(Price),
        band: Ppm(inputs.band),
        range: of_range(inputs.range),
    }
}

/// With ticks of one price unit.
pub fn of_range(range: Range) -> PriceRange {
    let [lowest, highest] = [range.lowest, range.highest].map(|price| u32::try_from(price).expect("32 bits"));
    PriceRange::new(lowest, highest, 1).expect("a range")
}

fn mark_of(inputs: &Inputs) -> i64 {
    mark(&of_engine_inputs(inputs)).0
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn ranges_and_indices_in_ticks_agree(ends in (of_bits(31), of_bits(31)), tick_units in of_bits(31), price in of_bits(31)) {
        let [one, other, tick_units, price] =
            [ends.0, ends.1, tick_units, price].map(|number| u32::try_from(number).expect("31 bits"));
        let range = PriceRange::new(one, other, tick_units);
        let naive = Range::between(one, other, tick_units);
        prop_assert_eq!(range.map(|range| (range.lowest().0, range.highest().0)), naive.map(|r| (r.lowest, r.highest)));
        if let (Some(range), Some(naive)) = (range, naive) {
            prop_assert_eq!(range.index(price, tick_units).0, prices::index_ticks(price, tick_units, naive));
        }
    }

    #[test]
    fn middles_agree(bid in price(), ask in price()) {
        let engine = ImpactPrices { bid: Price(bid), ask: Price(ask) };
        prop_assert_eq!(engine.mid().0, prices::middle(bid, ask));
    }

    #[test]
    fn marks_agree(inputs in inputs()) {
        prop_assert_eq!(mark_of(&inputs), inputs.mark());
    }

    #[test]
    fn a_mark_is_in_its_band_and_the_median_when_that_is(inputs in inputs()) {
        let inputs = Inputs { range: Range { lowest: 1, highest: i64::from(u32::MAX) }, ..inputs };
        let (lowest, highest) = inputs.band();
        let mark = whole(mark_of(&inputs));
        prop_assert!(lowest <= mark && mark <= highest && mark >= whole(1));
        let middle = inputs.middle();
        if lowest <= middle && middle <= highest {
            prop_assert_eq!(mark, middle);
        } else {
            prop_assert!(mark == lowest || mark == highest);
        }
    }

    /// Whoever moves one of the three as far as they like moves the mark between the two others.
    #[test]
    fn no_single_input_moves_the_mark_beyond_the_others(inputs in inputs(), moved in 0..3_u8, to in (funding(), price(), price())) {
        let inputs = Inputs {
            basis: Some(inputs.basis.unwrap_or(0)),
            mid: Some(inputs.mid.unwrap_or(inputs.index)),
            ..inputs
        };
        let mid = whole(inputs.mid.expect("just set"));
        let (after, others) = match moved {
            0 => (Inputs { funding: Some(to.0), ..inputs }, [inputs.with_basis(), mid]),
            1 => (Inputs { basis: Some(to.1 - inputs.index), ..inputs }, [inputs.with_funding(), mid]),
            _ => (Inputs { mid: Some(to.2), ..inputs }, [inputs.with_funding(), inputs.with_basis()]),
        };
        let (lowest, highest) = inputs.band();
        let range = inputs.range;
        let [one, two] = others.map(|other| whole(range.clamp(&other.max(lowest.clone()).min(highest.clone()))));
        for mark in [mark_of(&inputs), mark_of(&after)].map(whole) {
            prop_assert!(one.clone().min(two.clone()) <= mark && mark <= one.clone().max(two.clone()));
        }
    }

    #[test]
    fn a_mark_with_nothing_but_the_index_is_the_index(inputs in inputs()) {
        let Inputs { index, .. } = inputs;
        let inputs = Inputs { funding: None, basis: None, mid: None, ..inputs };
        prop_assert_eq!(mark_of(&inputs), index);
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_mean_basis_agrees(
        begin in prop_oneof![0..3_u64, of_bits(34)],
        steps in prop::collection::vec((prop_oneof![5 => Just(1), 2 => 1..=4_u64, 1 => 25..=35_u64], any::<bool>(), price(), price()), 0..70),
        are_small in any::<bool>(),
    ) {
        let (mut basis, mut all, mut second) = (Basis::default(), Vec::new(), begin);
        prop_assert_eq!(basis.mean(second), None);
        for (step, is_taken, mid, index) in steps {
            let (mid, index) = if are_small { (mid % 9, 4) } else { (mid, index) };
            second += step;
            // A sampling tick may take no sample; those that were taken grow old.
            if is_taken {
                basis.take(second, Price(mid), Price(index));
                all.push((second, mid - index));
            }
            prop_assert_eq!(basis.mean(second), prices::mean_basis(&all, second));
        }
    }

    #[test]
    fn settlement_prices_agree(
        seed in prop::collection::vec(of_bits(31), 1..20),
        count in prop_oneof![895..=905_usize, 0..=1_800_usize],
        tick_units in prop_oneof![1..=10_u64, of_bits(31)],
        range in price().prop_flat_map(range_around),
    ) {
        let tick_units = u32::try_from(tick_units).expect("32 bits");
        let engine = of_range(range);
        let all: Vec<u64> = seed.iter().copied().cycle().take(count).collect();
        let mut samples = SettlementSamples::default();
        all.iter().for_each(|&index| samples.take(index));
        let price = prices::settlement_price(&all, tick_units, range);
        prop_assert_eq!(samples.price(tick_units, &engine), price.map(Price));
        prop_assert_eq!(price.is_some(), count >= 900);
        // Within what was sampled: nobody is settled at a price that the index never was at.
        if let Some(price) = price {
            let in_ticks = |index: Option<&u64>| {
                let index = u32::try_from(*index.expect("900 at least")).expect("31 bits");
                prices::index_ticks(index, tick_units, range)
            };
            prop_assert!(in_ticks(all.iter().min()) <= price && price <= in_ticks(all.iter().max()));
        }
    }
}

#[test]
fn half_of_the_seconds_of_half_an_hour() {
    assert_eq!(SETTLEMENT_SAMPLES_MIN, 1_800 / 2);
}

/// Also below 0.
#[test]
fn a_tie_goes_to_the_even_tick() {
    let range = PriceRange::new(1, 1_000, 10).expect("a range");
    for (price, expected) in [(5, 1), (15, 2), (25, 2), (26, 3), (35, 4), (0, 1)] {
        assert_eq!(range.index(price, 10).0, expected, "{price}");
    }
    assert_eq!(small(&half_even(&(whole(-5) / whole(2)))), -2);
    assert_eq!(small(&half_even(&(whole(-7) / whole(2)))), -4);
}
