//! Division of integers, with the rounding in its name. Divisors are above 0.

use crate::domain::{Ppm, Price};

/// Down, also below 0.
#[inline]
pub(super) fn floor_div(dividend: i128, divisor: i128) -> i128 {
    dividend.div_euclid(divisor)
}

/// Up, also below 0.
#[inline]
pub(super) fn ceil_div(dividend: i128, divisor: i128) -> i128 {
    -(-dividend).div_euclid(divisor)
}

/// To the nearest whole number, a tie to the even one.
#[inline]
pub(super) fn half_even_div(dividend: i128, divisor: i128) -> i128 {
    let (down, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    // `rest` is less than the divisor, so this does not overflow where the divisor is below 2^126.
    match (2 * rest).cmp(&divisor) {
        std::cmp::Ordering::Less => down,
        std::cmp::Ordering::Greater => down + 1,
        std::cmp::Ordering::Equal => down + (down & 1),
    }
}

/// `amount × rate / 10^6`, rounded up, without a division of 128 bits. `None` if it does not fit.
#[inline]
pub(super) fn share_up(amount: u64, rate: u32) -> Option<u64> {
    let one = u64::from(Ppm::ONE);
    let (whole, rest) = (amount / one, amount % one);
    whole.checked_mul(u64::from(rate))?.checked_add((rest * u64::from(rate)).div_ceil(one))
}

/// A share of a price of 0 or more, ticks, rounded down.
pub(super) fn share(price: Price, of: Ppm) -> i128 {
    i128::from(price.0) * i128::from(of.0) / i128::from(Ppm::ONE)
}

/// As an amount of money.
#[inline]
pub(super) fn fitting(value: i128) -> Option<i64> {
    i64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rounds_as_it_says() {
        let all = |n| (floor_div(n, 4), ceil_div(n, 4), half_even_div(n, 4));
        assert_eq!(all(5), (1, 2, 1));
        assert_eq!(all(6), (1, 2, 2));
        assert_eq!(all(7), (1, 2, 2));
        assert_eq!(all(10), (2, 3, 2));
        assert_eq!(all(-5), (-2, -1, -1));
        assert_eq!(all(-6), (-2, -1, -2));
        assert_eq!(all(-10), (-3, -2, -2));
        assert_eq!(all(8), (2, 2, 2));
        assert_eq!(all(0), (0, 0, 0));
    }

    #[test]
    fn a_share_is_that_of_the_long_division() {
        let amounts = [0, 1, 999_999, 1_000_000, 1_000_001, 123_456_789_012, 1 << 54, u64::MAX / 7, u64::MAX];
        for (amount, rate) in
            amounts.into_iter().flat_map(|amount| [0, 1, 20_001, 1_000_000].map(|rate| (amount, rate)))
        {
            let exact = ceil_div(i128::from(amount) * i128::from(rate), 1_000_000);
            assert_eq!(share_up(amount, rate).map(i128::from), Some(exact), "{amount} at {rate}");
        }
        assert_eq!(share_up(u64::MAX, u32::MAX), None);
    }
}
