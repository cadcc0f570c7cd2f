//! Fundings, computed from what they are made of a second time.

use super::fraction::Fraction;
use crate::domain::{
    AccountId, Amount, FundingNumber, FundingPaid, FundingSet, InstrumentId, Listing, PositionLeg, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Sampling ticks in eight hours, for which interest is stated.
const TICKS_OF_EIGHT_HOURS: i128 = 28_800;
/// How far the rate of eight hours may be from the premium, parts per 10^9.
const FROM_PREMIUM_MAX: i128 = 500_000;
/// A rate is at most three quarters of the first maintenance rate: parts per 10^9 of each millionth.
const OF_MAINTENANCE: i128 = 750;

/// What a funding is computed of beside its samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Interest of eight hours, parts per 10^9.
    pub(super) interest: i128,
    /// The first maintenance rate, millionths.
    pub(super) maintenance: i128,
    /// Seconds between two fundings.
    pub(super) interval_s: i128,
}

/// A funding that is not closed.
#[derive(Debug)]
struct Open {
    number: FundingNumber,
    rate: i128,
    /// Price units.
    mark: i128,
    /// Those that are not charged yet.
    left: BTreeSet<(AccountId, PositionLeg)>,
    charged: u32,
    /// What payers paid and receivers did not get so far.
    held: i128,
}

/// The fundings of all contracts.
#[derive(Debug, Default)]
pub(super) struct Fundings {
    /// The number of the last one, and from when on the next one is counted.
    last: BTreeMap<InstrumentId, (FundingNumber, Timestamp)>,
    open: BTreeMap<InstrumentId, Open>,
    /// Marks in price units, as ticks of the present terms.
    marks: BTreeMap<InstrumentId, i128>,
}

impl Fundings {
    /// Notes a new mark in price units.
    pub(super) fn mark(&mut self, instrument: InstrumentId, price_units: i128) {
        self.marks.insert(instrument, price_units);
    }

    /// Notes new terms. The mark is counted in new ticks, rounded down.
    pub(super) fn terms(&mut self, listing: &Listing) {
        if let Some(mark) = self.marks.get_mut(&listing.instrument) {
            *mark -= *mark % i128::from(listing.tick_units);
        }
    }

    /// Notes that a contract has new times of funding.
    pub(super) fn timed(&mut self, instrument: InstrumentId, time: Timestamp) {
        self.last.entry(instrument).or_default().1 = time;
    }

    /// Holds a rate against its premium, and notes whom it charges: all positions, by account and leg.
    pub(super) fn set(
        &mut self,
        set: &FundingSet,
        time: Timestamp,
        (listing, terms): (&Listing, Option<Terms>),
        legs: impl Iterator<Item = ((AccountId, PositionLeg), i128)>,
    ) -> Result<(), String> {
        let FundingSet { instrument, number, rate_ppb, samples, premium_ppb, mark, open_interest } = *set;
        let name = format!("funding {} of instrument {instrument}", number.0);
        let terms = terms.ok_or_else(|| format!("{name}: it is no complete perpetual"))?;
        let (before, since) = self.last.get(&instrument).copied().unwrap_or_default();
        if number.0 != before.0 + 1 {
            return Err(format!("{name} comes after number {}", before.0));
        }
        if self.open.contains_key(&instrument) {
            return Err(format!("{name} comes before number {} is closed", before.0));
        }
        let count = |time: Timestamp| i128::from(time.seconds()) / terms.interval_s;
        if count(time) == count(since) {
            return Err(format!("{name} comes before its time"));
        }
        let rate = rate(samples.into(), premium_ppb.into(), &terms);
        if rate != i128::from(rate_ppb) || (samples == 0 && premium_ppb != 0) {
            return Err(format!(
                "{name}: its rate is {rate}, not {rate_ppb} (a premium of {premium_ppb} over {samples} samples)"
            ));
        }
        let mark = i128::from(mark.0) * i128::from(listing.tick_units);
        let known = self.marks.get(&instrument).copied();
        if known != Some(mark) {
            return Err(format!("{name}: its mark is {known:?}, not {mark} (price units)"));
        }
        let legs: Vec<_> = legs.filter(|(_, lots)| *lots != 0).collect();
        let long: i128 = legs.iter().map(|(_, lots)| lots.max(&0)).sum();
        if long != i128::from(open_interest.0) {
            return Err(format!("{name}: {long} lots are open, not {open_interest}"));
        }
        self.last.insert(instrument, (number, time));
        if rate != 0 && !legs.is_empty() {
            let left = legs.into_iter().map(|(leg, _)| leg).collect();
            self.open.insert(instrument, Open { number, rate, mark, left, charged: 0, held: 0 });
        }
        Ok(())
    }

    /// Whether a position has still to be charged.
    pub(super) fn is_due(&self, instrument: InstrumentId, account: AccountId, leg: PositionLeg) -> bool {
        self.open.get(&instrument).is_some_and(|open| open.left.contains(&(account, leg)))
    }

    /// Whether a funding of the contract is not closed.
    pub(super) fn is_open(&self, instrument: InstrumentId) -> bool {
        self.open.contains_key(&instrument)
    }

    /// Holds what a position of these lots paid or got against the rate. Returns whether it was the last one.
    pub(super) fn paid(
        &mut self,
        paid: &FundingPaid,
        (listing, scales): (&Listing, [u32; 2]),
        lots: i128,
    ) -> Result<bool, String> {
        let FundingPaid { account, instrument, leg, number, amount, .. } = *paid;
        let name = format!("account {account} in instrument {instrument}, funding {}", number.0);
        let open = self.open.get_mut(&instrument).filter(|open| open.number == number);
        let open = open.ok_or_else(|| format!("{name}: it is not open"))?;
        if !open.left.remove(&(account, leg)) {
            return Err(format!("{name}: it has nothing to be charged for, or was charged"));
        }
        let worth = Fraction::worth(listing, scales, open.mark, lots)?.abs();
        let part = worth.parts_per_billion(open.rate.abs())?;
        let pays = (lots > 0) == (open.rate > 0);
        let due = if pays { -part.up() } else { part.down() };
        if due != i128::from(amount.0) {
            return Err(format!("{name}: {lots} lots are due {due}, not {amount}"));
        }
        (open.charged, open.held) = (open.charged + 1, open.held - due);
        Ok(open.left.is_empty())
    }

    /// Every position was charged.
    pub(super) fn close(
        &mut self,
        instrument: InstrumentId,
        told: (FundingNumber, u32, Amount),
    ) -> Result<(), String> {
        let (number, legs, remainder) = told;
        let name = format!("funding {} of instrument {instrument}", number.0);
        let open = self.open.remove(&instrument).filter(|open| open.number == number);
        let open = open.ok_or_else(|| format!("{name} is closed, and was not open"))?;
        if !open.left.is_empty() {
            return Err(format!("{name} is closed, and {} positions are not charged", open.left.len()));
        }
        if (open.charged, open.held) != (legs, remainder.0.into()) {
            let Open { charged, held, .. } = open;
            return Err(format!(
                "{name}: {charged} positions leave {held}, not {legs} positions {remainder}"
            ));
        }
        Ok(())
    }
}

/// The rate of a funding, parts per 10^9, of the mean of its samples.
fn rate(samples: i128, premium: i128, terms: &Terms) -> i128 {
    let of_eight_hours = premium + (terms.interest - premium).clamp(-FROM_PREMIUM_MAX, FROM_PREMIUM_MAX);
    let scaled = Fraction::new(of_eight_hours * samples, TICKS_OF_EIGHT_HOURS).half_even();
    let most = terms.maintenance * OF_MAINTENANCE;
    scaled.clamp(-most, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked numbers of docs/FUTURES.md, and what is clamped.
    #[test]
    fn a_rate_is_that_of_the_page() {
        let rate = |samples, premium, interest, maintenance| {
            rate(samples, premium, &Terms { interest, maintenance, interval_s: 3_600 })
        };
        assert_eq!(rate(28_800, 600_000, 100_000, 5_000), 100_000);
        assert_eq!(rate(28_800, 2_000_000, 100_000, 5_000), 1_500_000);
        assert_eq!(rate(28_800, -2_000_000, 100_000, 5_000), -1_500_000);
        assert_eq!(rate(3_600, 1_000_000, 1_000_000, 5_000), 125_000);
        assert_eq!(rate(1_800, 1_000_000, 1_000_000, 5_000), 62_500);
        assert_eq!(rate(28_800, 90_000_000, 0, 5_000), 3_750_000);
        assert_eq!(rate(28_800, -90_000_000, 0, 5_000), -3_750_000);
        assert_eq!(rate(0, 0, 100_000, 5_000), 0);
    }
}
