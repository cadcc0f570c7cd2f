//! Index in ticks, basis, mark price, settlement price.

use super::arbitrary::{of_bits, price, rate};
use super::config;
use crate::support::naive::contracts::exact::{half_even, small, whole};
use crate::support::naive::contracts::prices::{self, Inputs};
use dojima::domain::contracts::{
    Basis, ImpactPrices, MarkInputs, SETTLEMENT_SAMPLES_MIN, SettlementSamples, index_ticks, mark,
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
        (funding, basis, mid, rate(200_000)).prop_map(move |(funding, basis, mid, band)| Inputs {
            index,
            funding,
            basis,
            mid,
            band,
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
    }
}

fn mark_of(inputs: &Inputs) -> i64 {
    mark(&of_engine_inputs(inputs)).0
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn indices_in_ticks_agree(price in of_bits(31), tick_units in of_bits(32)) {
        let tick_units = u32::try_from(tick_units).expect("32 bits");
        prop_assert_eq!(index_ticks(price, tick_units).0, prices::index_ticks(price, tick_units));
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
        let [one, two] = others.map(|other| other.max(lowest.clone()).min(highest.clone()));
        for mark in [mark_of(&inputs), mark_of(&after)].map(whole) {
            prop_assert!(one.clone().min(two.clone()) <= mark && mark <= one.clone().max(two.clone()));
        }
    }

    #[test]
    fn a_mark_with_nothing_but_the_index_is_the_index(index in price(), band in rate(200_000)) {
        let inputs = Inputs { index, funding: None, basis: None, mid: None, band };
        prop_assert_eq!(mark_of(&inputs), index);
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_mean_basis_agrees(samples in prop::collection::vec((price(), price()), 0..70)) {
        let mut basis = Basis::default();
        let mut all = Vec::new();
        prop_assert_eq!(basis.mean(), None);
        for (mid, index) in samples {
            basis.take(Price(mid), Price(index));
            all.push(mid - index);
            prop_assert_eq!(basis.mean(), prices::mean_basis(&all));
        }
    }

    #[test]
    fn small_mean_bases_agree(samples in prop::collection::vec(1..=8_i64, 1..70)) {
        let mut basis = Basis::default();
        for (taken, &mid) in samples.iter().enumerate() {
            basis.take(Price(mid), Price(4));
            let all: Vec<i64> = samples[..=taken].iter().map(|mid| mid - 4).collect();
            prop_assert_eq!(basis.mean(), prices::mean_basis(&all));
        }
    }

    #[test]
    fn settlement_prices_agree(
        seed in prop::collection::vec(of_bits(31), 1..20),
        count in prop_oneof![895..=905_usize, 0..=1_800_usize],
        tick_units in prop_oneof![1..=10_u64, of_bits(31)],
    ) {
        let tick_units = u32::try_from(tick_units).expect("32 bits");
        let all: Vec<u64> = seed.iter().copied().cycle().take(count).collect();
        let mut samples = SettlementSamples::default();
        all.iter().for_each(|&index| samples.take(index));
        let price = prices::settlement_price(&all, tick_units);
        prop_assert_eq!(samples.price(tick_units), price.map(Price));
        prop_assert_eq!(price.is_some(), count >= 900);
        // Within what was sampled: nobody is settled at a price that the index never was at.
        if let Some(price) = price {
            let in_ticks = |index: Option<&u64>| index_ticks(*index.expect("900 at least"), tick_units).0;
            prop_assert!(in_ticks(all.iter().min()) <= price && price <= in_ticks(all.iter().max()));
        }
    }
}

#[test]
fn half_of_the_seconds_of_half_an_hour() {
    assert_eq!(SETTLEMENT_SAMPLES_MIN, 1_800 / 2);
}

/// Also below 0, and an index that is less than half a tick is one.
#[test]
fn a_tie_goes_to_the_even_tick() {
    let ticks = [(5, 10, 1), (15, 10, 2), (25, 10, 2), (26, 10, 3), (35, 10, 4), (0, 10, 1)];
    for (price, tick_units, expected) in ticks {
        assert_eq!(index_ticks(price, tick_units).0, expected, "{price}");
    }
    assert_eq!(small(&half_even(&(whole(-5) / whole(2)))), -2);
    assert_eq!(small(&half_even(&(whole(-7) / whole(2)))), -4);
}
