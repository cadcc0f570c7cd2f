//! Premium samples, funding rates, and what legs pay and get.

use super::arbitrary::{any_sign, listed, listed_to, price};
use super::{config, of_engine};
use crate::support::naive::contracts::exact::{absolute, ppb, whole};
use crate::support::naive::contracts::funding;
use dojima::domain::contracts::{Funding, FundingRate, FundingTerms, ImpactPrices, Leg, Premium};
use dojima::domain::{Amount, Ppm, Price};
use proptest::prelude::*;

fn terms() -> impl Strategy<Value = FundingTerms> {
    let interval = prop::sample::select(vec![3_600_u32, 5_400, 7_200, 14_400, 28_800, 43_200, 86_400]);
    let interest = prop_oneof![Just(100_000), -1_000_000..=1_000_000_i32];
    (interval, interest, super::arbitrary::rate(999_999)).prop_map(
        |(interval_s, interest_ppb, maintenance)| FundingTerms {
            interval_s,
            interest_ppb,
            maintenance: Ppm(maintenance.max(1)),
        },
    )
}

/// Sums of samples of every size: of a few ppb and of many times the index.
fn premium() -> impl Strategy<Value = Premium> {
    let samples = prop_oneof![1 => Just(0), 4 => 1..=10_u32, 10 => 1..=90_000_u32];
    let mean = prop_oneof![4 => any_sign(22), 1 => any_sign(61)];
    (samples, mean, any::<i64>()).prop_map(|(samples, mean, rest)| {
        let rest = i128::from(rest) % i128::from(samples.max(1));
        let sum = if samples == 0 { 0 } else { i128::from(mean) * i128::from(samples) + rest };
        Premium { sum, samples }
    })
}

fn rate() -> impl Strategy<Value = i64> {
    prop_oneof![any_sign(29), -750_000_000_i64..=750_000_000]
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn samples_agree(prices in prop::collection::vec((price(), price(), price()), 1..8), near in any::<bool>()) {
        let mut premium = Premium::default();
        let mut sum = 0;
        for (index, bid, ask) in &prices {
            // A book that could be: near the index, the bid not above the ask; and any numbers.
            let (bid, ask) = if near { ((index + bid % 9 - 4).max(1), (index + bid % 9 - 4).max(1) + ask % 5) } else { (*bid, *ask) };
            premium.take(&ImpactPrices { bid: Price(bid), ask: Price(ask) }, Price(*index));
            sum += i128::from(funding::sample(bid, ask, *index));
            prop_assert_eq!(premium.sum, sum);
        }
        prop_assert_eq!(premium.samples as usize, prices.len());
        prop_assert_eq!(whole(premium.mean()), funding::mean(sum, premium.samples));
    }

    #[test]
    fn rates_agree(premium in premium(), terms in terms()) {
        let Premium { sum, samples } = premium;
        let FundingTerms { interval_s, interest_ppb, maintenance } = terms;
        prop_assert_eq!(whole(premium.mean()), funding::mean(sum, samples));
        let rate = premium.rate(&terms).0;
        prop_assert_eq!(rate, funding::rate(sum, samples, interval_s, interest_ppb, maintenance.0));
        prop_assert!(whole(rate.abs()) <= funding::cap(maintenance.0));
        prop_assert!(samples > 0 || rate == 0);
    }

    #[test]
    fn payments_agree(listed in listed(), lots in any_sign(33), cost in any_sign(63), mark in price(), rate in rate()) {
        let moment = Funding { rate: FundingRate(rate), mark: Price(mark) };
        let engine = moment.payment(&of_engine(&listed), &Leg { lots, cost });
        let payment = funding::payment(&listed, i128::from(lots), rate, mark);
        prop_assert_eq!(engine, payment.map(Amount));
        let Some(payment) = payment else { return Ok(()) };
        // Longs pay when the rate is above 0; the payer's is rounded up and the receiver's down.
        let exact = absolute(listed.value(i128::from(lots), mark) * ppb(rate));
        let pays = lots.signum() * rate.signum() > 0;
        let exact = if pays { -exact } else { exact };
        prop_assert!(whole(payment) <= exact && exact < whole(payment) + whole(1));
    }

    /// What payers pay and receivers do not get is there, and is less than a unit for each leg.
    #[test]
    fn payments_of_all_legs_leave_a_rest(
        listed in listed_to(20),
        legs in prop::collection::vec(any_sign(31), 1..12),
        mark in price(),
        rate in rate(),
    ) {
        let moment = Funding { rate: FundingRate(rate), mark: Price(mark) };
        let engine = of_engine(&listed);
        let last = -legs.iter().sum::<i64>();
        let payment = |&lots: &i64| moment.payment(&engine, &Leg { lots, cost: 0 });
        let payments: Option<Vec<_>> = legs.iter().chain([&last]).map(payment).collect();
        let Some(payments) = payments else { return Ok(()) };
        let all: i128 = payments.iter().map(|payment| i128::from(payment.0)).sum();
        prop_assert!(all <= 0 && all > -i128::try_from(payments.len()).expect("few"), "{}", all);
    }
}
