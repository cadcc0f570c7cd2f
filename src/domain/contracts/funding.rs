//! Funding of perpetuals: the premium, the rate, and what a leg pays.

use super::rounding::{ceil_div, floor_div, half_even_div};
use super::{ContractValue, ImpactPrices, Leg};
use crate::domain::{Amount, Ppm, Price};

/// Parts of a rate: 10^9 is one whole.
const WHOLE: i128 = 1_000_000_000;
/// The interest and the rate of eight hours differ from the premium by no more than this.
const CLAMP_PPB: i64 = 500_000;
/// Rates are stated for so long.
const EIGHT_HOURS_S: i128 = 28_800;

/// A funding rate, parts per 10^9 of the notional for one interval. Above 0: longs pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FundingRate(pub i64);

/// What a contract says of its funding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingTerms {
    /// Of eight hours, parts per 10^9.
    pub interest_ppb: i32,
    /// The maintenance rate of the first tier, of which three quarters are the cap.
    pub maintenance: Ppm,
}

/// The premium samples since the last funding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Premium {
    /// The sum of the samples, parts per 10^9.
    pub sum: i128,
    /// How many there are.
    pub samples: u32,
}

impl Premium {
    /// Takes a sample: how far the impact prices are outside the index.
    pub fn take(&mut self, prices: &ImpactPrices, index: Price) {
        let index = i128::from(index.0);
        let above = (i128::from(prices.bid.0) - index).max(0);
        let below = (index - i128::from(prices.ask.0)).max(0);
        self.sum += half_even_div((above - below) * WHOLE, index);
        self.samples += 1;
    }

    /// The mean, half-even; 0 without samples.
    pub fn mean(&self) -> i64 {
        match self.samples {
            0 => 0,
            samples => i64::try_from(half_even_div(self.sum, i128::from(samples))).unwrap_or(i64::MAX),
        }
    }

    /// The rate of the interval that ends: scaled to its length and to the part of it that had samples, then capped.
    pub fn rate(&self, terms: &FundingTerms) -> FundingRate {
        let mean = self.mean();
        let clamped = i64::from(terms.interest_ppb).saturating_sub(mean).clamp(-CLAMP_PPB, CLAMP_PPB);
        let of_eight_hours = i128::from(mean) + i128::from(clamped);
        // Its share of eight hours, and of that the part that was live: one sample is expected a second.
        let scaled = half_even_div(of_eight_hours * i128::from(self.samples), EIGHT_HOURS_S);
        let cap = i128::from(terms.maintenance.0) * 750;
        FundingRate(i64::try_from(scaled.clamp(-cap, cap)).expect("within the cap"))
    }
}

/// A funding: rate and mark of its moment, the same for all legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// The rate.
    pub rate: FundingRate,
    /// The mark price.
    pub mark: Price,
}

impl Funding {
    /// What a leg gets, below 0: what it pays. Payers pay the fraction that receivers do not get. `None` if it does not fit.
    pub fn payment(&self, contract: &ContractValue, leg: &Leg) -> Option<Amount> {
        let (value, over) = contract.fraction(leg.lots.unsigned_abs(), self.mark);
        let amount = value.checked_mul(i128::from(self.rate.0.unsigned_abs()))?;
        let over = over.checked_mul(WHOLE)?;
        let pays = (leg.lots > 0) == (self.rate.0 > 0);
        let payment = if pays { -ceil_div(amount, over) } else { floor_div(amount, over) };
        i64::try_from(payment).ok().map(Amount)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settlement;
    use super::*;

    /// Eight hours, an interest of .01 %, a cap of .75 %.
    const TERMS: FundingTerms = FundingTerms { interest_ppb: 100_000, maintenance: Ppm(10_000) };

    fn premium(mean: i64, samples: u32) -> Premium {
        Premium { sum: i128::from(mean) * i128::from(samples), samples }
    }

    #[test]
    fn funding_clamp() {
        let rate = |mean| premium(mean, 28_800).rate(&TERMS).0;
        assert_eq!(rate(600_000), 100_000);
        assert_eq!(rate(2_000_000), 1_500_000);
        assert_eq!(rate(-2_000_000), -1_500_000);
        assert_eq!(rate(0), 100_000);
    }

    #[test]
    fn funding_is_scaled_before_it_is_capped() {
        assert_eq!(premium(2_000_000, 14_400).rate(&TERMS), FundingRate(750_000));
        // One hour, and half of its samples.
        assert_eq!(premium(2_000_000, 3_600).rate(&TERMS), FundingRate(187_500));
        assert_eq!(premium(2_000_000, 1_800).rate(&TERMS), FundingRate(93_750));
        assert_eq!(premium(100_000_000, 28_800).rate(&TERMS), FundingRate(7_500_000));
        assert_eq!(premium(-100_000_000, 28_800).rate(&TERMS), FundingRate(-7_500_000));
        // The cap first would leave 375,000.
        assert_eq!(premium(100_500_000, 1_440).rate(&TERMS), FundingRate(5_000_000));
        assert_eq!(premium(0, 0).rate(&TERMS), FundingRate(0));
    }

    #[test]
    fn a_sample_is_how_far_the_book_is_outside_the_index() {
        let sample = |bid, ask| {
            let mut premium = Premium::default();
            premium.take(&ImpactPrices { bid: Price(bid), ask: Price(ask) }, Price(1_000));
            premium.mean()
        };
        assert_eq!(sample(990, 1_010), 0);
        assert_eq!(sample(1_002, 1_010), 2_000_000);
        assert_eq!(sample(990, 997), -3_000_000);
    }

    #[test]
    fn payers_pay_what_receivers_get_and_the_fraction_between() {
        let contract = ContractValue::new(Settlement::Linear, Amount(1)).expect("a value");
        let funding = Funding { rate: FundingRate(100_000), mark: Price(1_999) };
        let payment = |lots| funding.payment(&contract, &Leg { lots, cost: 0 }).expect("fits").0;
        // .01 % of 19,990 is 1.999.
        assert_eq!([payment(10), payment(-10), payment(0)], [-2, 1, 0]);
        let mirrored = Funding { rate: FundingRate(-100_000), ..funding };
        let payment = |lots| mirrored.payment(&contract, &Leg { lots, cost: 0 }).expect("fits").0;
        assert_eq!([payment(10), payment(-10)], [1, -2]);
        // 15,000 dollars at 750 are 20 coins, of which .25 % are .05.
        let coins = ContractValue::new(Settlement::Inverse, Amount(20_000_000_000)).expect("a value");
        let funding = Funding { rate: FundingRate(2_500_000), mark: Price(1_500) };
        assert_eq!(funding.payment(&coins, &Leg { lots: 150, cost: 0 }), Some(Amount(-5_000_000)));
    }
}
