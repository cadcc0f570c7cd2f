//! Exact amounts, and how they are rounded.

use crate::domain::Listing;

const TOO_LARGE: &str = "an amount is too large to check";

/// A number of minor units that need not be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    above: i128,
    /// Above 0.
    below: i128,
}

impl Fraction {
    /// `above / below`, in lowest terms; `below` is above 0.
    pub(super) fn new(above: i128, below: i128) -> Self {
        let by = greatest_divisor(above.unsigned_abs(), below.unsigned_abs());
        let by = i128::try_from(by).unwrap_or(1).max(1);
        Self { above: above / by, below: below / by }
    }

    /// What these lots of a contract are worth at a price in price units, in minor units of the settlement asset, by the
    /// definitions: ticks to price units to whole quote, lots to whole base. Of an inverse contract with the other sign.
    pub(super) fn worth(
        listing: &Listing,
        [base, quote]: [u32; 2],
        price: i128,
        lots: i128,
    ) -> Result<Self, String> {
        let ten = |power: u32| 10_i128.pow(power);
        let decimals = ten(u32::from(listing.price_decimals));
        let amount = lots.checked_mul(listing.lot.0.into()).ok_or(TOO_LARGE)?;
        let times = |value: i128, by: i128| value.checked_mul(by).ok_or(TOO_LARGE);
        if listing.product.is_inverse() {
            let of_base = times(times(-amount, ten(base))?, decimals)?;
            Ok(Self::new(of_base, times(ten(quote), price)?))
        } else {
            let of_quote = times(times(amount, price)?, ten(quote))?;
            Ok(Self::new(of_quote, times(ten(base), decimals)?))
        }
    }

    pub(super) fn abs(self) -> Self {
        Self { above: self.above.abs(), ..self }
    }

    /// This many parts per 10^9 of it.
    pub(super) fn parts_per_billion(self, parts: i128) -> Result<Self, String> {
        let rate = Self::new(parts, 1_000_000_000);
        let above = self.above.checked_mul(rate.above).ok_or(TOO_LARGE)?;
        Ok(Self::new(above, self.below.checked_mul(rate.below).ok_or(TOO_LARGE)?))
    }

    pub(super) fn down(self) -> i128 {
        self.above.div_euclid(self.below)
    }

    pub(super) fn up(self) -> i128 {
        -(-self.above).div_euclid(self.below)
    }

    /// To the nearest whole number, and a tie to the even one.
    pub(super) fn half_even(self) -> i128 {
        let (down, rest) = (self.down(), self.above.rem_euclid(self.below));
        let is_up = rest > self.below - rest || (rest == self.below - rest && down % 2 != 0);
        down + i128::from(is_up)
    }
}

fn greatest_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_rounded_by_name() {
        for (above, below, down, up, half_even) in [
            (7, 2, 3, 4, 4),
            (5, 2, 2, 3, 2),
            (-5, 2, -3, -2, -2),
            (-7, 2, -4, -3, -4),
            (10, 3, 3, 4, 3),
            (-10, 3, -4, -3, -3),
            (-11, 3, -4, -3, -4),
            (6, 3, 2, 2, 2),
            (0, 9, 0, 0, 0),
        ] {
            let it = Fraction::new(above, below);
            assert_eq!((it.down(), it.up(), it.half_even()), (down, up, half_even), "{above} / {below}");
        }
        let part = Fraction::new(50_000, 3).parts_per_billion(125_000).expect("it fits");
        assert_eq!(part, Fraction::new(25, 12));
    }
}
