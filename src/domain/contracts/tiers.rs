//! Tiers of margin by notional.

use super::rounding::share_up;
use crate::domain::{Amount, Ppm};
use std::fmt;

/// The most rows of a table.
pub const TIERS_MAX: usize = 10;

/// A row: what holds from a notional on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tier {
    /// The smallest notional, minor units of the settlement asset; 0 in the first row.
    pub floor: Amount,
    /// Initial margin.
    pub initial: Ppm,
    /// Maintenance margin.
    pub maintenance: Ppm,
}

/// What is wrong with a table, and in which row, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierFault {
    /// None, or more than [`TIERS_MAX`].
    Rows(usize),
    /// The first floor is not 0, or a later one is not above the one before.
    Floor(usize),
    /// A rate is not above that of the row before.
    NotRising(usize),
    /// Not `0 < maintenance < initial ≤ 100 %`.
    Rates(usize),
    /// The amount that is taken off the maintenance margin is no whole number, or too large.
    Amount(usize),
    /// The fees of a liquidation are not below the first maintenance rate, so closing a part could not heal.
    Costs,
}

impl fmt::Display for TierFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows} tiers; give 1 to {TIERS_MAX}"),
            Self::Floor(0) => f.write_str("the floor of tier 0 is 0"),
            Self::Floor(row) => write!(f, "the floor of tier {row} is not above that of the tier before"),
            Self::NotRising(row) => write!(f, "a rate of tier {row} is not above that of the tier before"),
            Self::Rates(row) => write!(
                f,
                "tier {row}: the maintenance rate is above 0 and below the initial rate, which is at most 1,000,000"
            ),
            Self::Amount(row) => write!(
                f,
                "tier {row}: floor × (its maintenance rate less that of the tier before) / 1,000,000 is no whole amount"
            ),
            Self::Costs => f.write_str(
                "liquidation fee and taker fee together are not below the maintenance rate of tier 0",
            ),
        }
    }
}

/// Leverage, 1 to 125.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leverage(u8);

impl Leverage {
    /// The highest.
    pub const MAX: u8 = 125;

    /// `None` outside 1 to [`Self::MAX`].
    pub fn new(leverage: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&leverage).then_some(Self(leverage))
    }

    /// How many times.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// The share that a leverage leaves to be put up, parts per million, rounded up. There is no leverage of 0.
const INITIAL_OF_LEVERAGE: [u32; 1 + Leverage::MAX as usize] = {
    let mut shares = [Ppm::ONE; 1 + Leverage::MAX as usize];
    let mut leverage = 1;
    while leverage < shares.len() {
        shares[leverage] = Ppm::ONE.div_ceil(leverage as u32);
        leverage += 1;
    }
    shares
};

/// A table of tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    rows: [Row; TIERS_MAX],
    count: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    tier: Tier,
    /// The highest leverage that its initial rate allows.
    leverage_max: u8,
    /// What is taken off, so that the maintenance margin is continuous.
    amount: i64,
}

impl Tiers {
    /// `costs`: the fee of a liquidation and the highest taker fee together.
    ///
    /// # Errors
    /// [`TierFault`]: the first that is found.
    pub fn new(tiers: &[Tier], costs: Ppm) -> Result<Self, TierFault> {
        if tiers.is_empty() || tiers.len() > TIERS_MAX {
            return Err(TierFault::Rows(tiers.len()));
        }
        let mut rows = [Row::default(); TIERS_MAX];
        for (at, &tier) in tiers.iter().enumerate() {
            let Tier { floor, initial, maintenance } = tier;
            if maintenance.0 == 0 || maintenance >= initial || initial.0 > Ppm::ONE {
                return Err(TierFault::Rates(at));
            }
            let mut amount = 0;
            match at.checked_sub(1).map(|before| rows[before]) {
                None if floor.0 != 0 => return Err(TierFault::Floor(at)),
                None => {}
                Some(Row { tier: before, amount: before_amount, .. }) => {
                    if floor <= before.floor {
                        return Err(TierFault::Floor(at));
                    }
                    if initial <= before.initial || maintenance <= before.maintenance {
                        return Err(TierFault::NotRising(at));
                    }
                    let rise = i128::from(floor.0) * i128::from(maintenance.0 - before.maintenance.0);
                    let one = i128::from(Ppm::ONE);
                    let whole = i128::from(before_amount) + rise / one;
                    amount = match i64::try_from(whole) {
                        Ok(amount) if rise % one == 0 => amount,
                        Ok(_) | Err(_) => return Err(TierFault::Amount(at)),
                    };
                }
            }
            let leverage_max = u8::try_from(Ppm::ONE / initial.0).unwrap_or(Leverage::MAX);
            rows[at] = Row { tier, leverage_max: leverage_max.clamp(1, Leverage::MAX), amount };
        }
        if costs >= rows[0].tier.maintenance {
            return Err(TierFault::Costs);
        }
        Ok(Self { rows, count: u8::try_from(tiers.len()).expect("few rows") })
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Tier> + '_ {
        self.rows[..usize::from(self.count)].iter().map(|row| row.tier)
    }

    /// What is taken off the maintenance margin in each row.
    pub fn amounts(&self) -> impl ExactSizeIterator<Item = Amount> + '_ {
        self.rows[..usize::from(self.count)].iter().map(|row| Amount(row.amount))
    }

    /// The number of the row of a notional.
    #[inline]
    pub fn tier_of(&self, notional: Amount) -> usize {
        let rows = &self.rows[..usize::from(self.count)];
        rows.iter().rposition(|row| row.tier.floor <= notional).unwrap_or(0)
    }

    /// Maintenance margin of a notional of 0 or more.
    #[inline]
    pub fn maintenance(&self, notional: Amount) -> Amount {
        let Row { tier, amount, .. } = self.rows[self.tier_of(notional)];
        Amount(of(notional, tier.maintenance.0) - amount)
    }

    /// Initial margin of a notional of 0 or more.
    #[inline]
    pub fn initial(&self, notional: Amount, leverage: Leverage) -> Amount {
        self.initial_and_above(notional, leverage).0
    }

    /// Initial margin of a notional of 0 or more, and whether this leverage is above the highest that it may have.
    #[inline]
    pub fn initial_and_above(&self, notional: Amount, leverage: Leverage) -> (Amount, bool) {
        let Row { tier, leverage_max, .. } = &self.rows[self.tier_of(notional)];
        let rate = tier.initial.0.max(INITIAL_OF_LEVERAGE[usize::from(leverage.0)]);
        (Amount(of(notional, rate)), leverage.0 > *leverage_max)
    }

    /// The highest leverage that a notional may have, at least 1.
    pub fn leverage_max(&self, notional: Amount) -> Leverage {
        Leverage(self.rows[self.tier_of(notional)].leverage_max)
    }
}

/// A share of a notional, rounded up: no more than the notional.
#[inline]
fn of(notional: Amount, rate: u32) -> i64 {
    let share = share_up(notional.0.unsigned_abs(), rate).expect("a rate is no more than the whole");
    i64::try_from(share).expect("a share is no more than the whole")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Ppm = Ppm(0);

    /// BTCUSDT as Binance had it in 2021, in whole dollars.
    fn bitcoin() -> Tiers {
        let rows = [
            (0, 8_000, 4_000),
            (50_000, 10_000, 5_000),
            (250_000, 20_000, 10_000),
            (1_000_000, 50_000, 25_000),
            (10_000_000, 100_000, 50_000),
            (20_000_000, 200_000, 100_000),
            (50_000_000, 250_000, 125_000),
            (100_000_000, 333_333, 150_000),
            (200_000_000, 500_000, 250_000),
            (300_000_000, 1_000_000, 500_000),
        ];
        let tiers = rows.map(|(floor, initial, maintenance)| Tier {
            floor: Amount(floor),
            initial: Ppm(initial),
            maintenance: Ppm(maintenance),
        });
        Tiers::new(&tiers, NONE).expect("a table")
    }

    #[test]
    fn tier_amounts() {
        let amounts: Vec<i64> = bitcoin().amounts().map(|amount| amount.0).collect();
        let published =
            [0, 50, 1_300, 16_300, 266_300, 1_266_300, 2_516_300, 5_016_300, 25_016_300, 100_016_300];
        assert_eq!(amounts, published);
        assert_eq!(bitcoin().maintenance(Amount(6_500_000)), Amount(146_200));
        // From both sides of a floor.
        assert_eq!(bitcoin().maintenance(Amount(1_000_000)), Amount(8_700));
        assert_eq!(bitcoin().maintenance(Amount(999_999)), Amount(8_700));
        assert_eq!(bitcoin().maintenance(Amount(0)), Amount(0));
    }

    #[test]
    fn initial_margin_is_that_of_the_tier_or_of_the_leverage() {
        let (low, high) = (Leverage::new(20).expect("in range"), Leverage::new(125).expect("in range"));
        assert_eq!(bitcoin().initial(Amount(10_000), low), Amount(500));
        assert_eq!(bitcoin().initial(Amount(10_000), high), Amount(80));
        assert_eq!(bitcoin().initial(Amount(2_000_000), high), Amount(100_000));
        assert_eq!(bitcoin().initial(Amount(1), high), Amount(1));
        let most = |notional| bitcoin().leverage_max(Amount(notional)).get();
        assert_eq!([most(0), most(60_000), most(1_000_000), most(400_000_000)], [125, 100, 20, 1]);
        assert_eq!((Leverage::new(0), Leverage::new(126)), (None, None));
        // A third is put up as a third, rounded up.
        assert_eq!(bitcoin().initial(Amount(30_000), Leverage::new(3).expect("in range")), Amount(10_001));
    }

    #[test]
    fn a_table_that_cannot_be_says_what_and_where() {
        let row = |floor, initial, maintenance| Tier {
            floor: Amount(floor),
            initial: Ppm(initial),
            maintenance: Ppm(maintenance),
        };
        let fault = |rows: &[Tier]| Tiers::new(rows, NONE).expect_err("a fault");
        assert_eq!(fault(&[]), TierFault::Rows(0));
        assert_eq!(fault(&[row(0, 2, 1); 11]), TierFault::Rows(11));
        assert_eq!(fault(&[row(1, 2, 1)]), TierFault::Floor(0));
        assert_eq!(fault(&[row(0, 20_000, 10_000), row(0, 30_000, 20_000)]), TierFault::Floor(1));
        assert_eq!(fault(&[row(0, 20_000, 10_000), row(9, 20_000, 15_000)]), TierFault::NotRising(1));
        assert_eq!(fault(&[row(0, 20_000, 10_000), row(9, 30_000, 10_000)]), TierFault::NotRising(1));
        for rates in [row(0, 2, 2), row(0, 2, 0), row(0, 1_000_001, 5)] {
            assert_eq!(fault(&[rates]), TierFault::Rates(0));
        }
        assert_eq!(fault(&[row(0, 20_000, 10_000), row(150, 30_000, 15_000)]), TierFault::Amount(1));
        assert!(Tiers::new(&[row(0, 20_000, 10_000), row(200, 30_000, 15_000)], NONE).is_ok());
        assert_eq!(Tiers::new(&[row(0, 20_000, 10_000)], Ppm(10_000)), Err(TierFault::Costs));
        assert!(TierFault::Amount(3).to_string().starts_with("tier 3: "));
    }
}
