//! Fractions of whole numbers of any size, and the three ways to round them.

use num_bigint::BigInt;
use num_rational::BigRational;

pub type Exact = BigRational;

pub fn whole(number: impl Into<BigInt>) -> Exact {
    Exact::from_integer(number.into())
}

pub fn fraction(dividend: impl Into<BigInt>, divisor: impl Into<BigInt>) -> Exact {
    Exact::new(dividend.into(), divisor.into())
}

pub fn ppm(parts: impl Into<BigInt>) -> Exact {
    fraction(parts, 1_000_000)
}

pub fn ppb(parts: impl Into<BigInt>) -> Exact {
    fraction(parts, 1_000_000_000)
}

pub fn absolute(value: Exact) -> Exact {
    if value < whole(0) { -value } else { value }
}

/// `⌊x⌋`
pub fn down(value: &Exact) -> Exact {
    value.floor()
}

/// `⌈x⌉`
pub fn up(value: &Exact) -> Exact {
    value.ceil()
}

/// Towards 0.
pub fn towards_zero(value: &Exact) -> Exact {
    value.trunc()
}

/// To the nearest whole number, a tie to the even one.
pub fn half_even(value: &Exact) -> Exact {
    let below = down(value);
    let rest = value - &below;
    let half = fraction(1, 2);
    let odd = below.to_integer().bit(0);
    if rest > half || rest == half && odd { below + whole(1) } else { below }
}

/// A whole number as 64 bits have it, if they do.
pub fn fits(value: &Exact) -> Option<i64> {
    assert!(value.is_integer(), "{value} was not rounded");
    i64::try_from(value.to_integer()).ok()
}

/// A whole number that is known to fit.
pub fn small(value: &Exact) -> i64 {
    fits(value).expect("within 64 bits")
}
