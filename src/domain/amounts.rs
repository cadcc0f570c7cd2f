//! Prices, quantities, money and rates. All are integers; nothing here ever rounds silently.

use super::numbered::numbered;
use bincode::{Decode, Encode};
use serde::Serialize;
use std::fmt;

/// A price in ticks of its instrument, at least 1 for spot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Price(pub i64);

/// A quantity in lots of its instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Quantity(pub u64);

/// An amount of an asset in minor units (10^-scale of the asset).
///
/// No more than `i64::MAX` minor units of one asset can ever be deposited (the exchange refuses the deposit
/// that would pass it), so sums over accounts cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Amount(pub i64);

impl Amount {
    /// The most decimals of an asset: with more, not even one whole one would fit.
    pub const SCALE_MAX: u8 = 18;
}

/// A share in parts per million. (1,000 = 0.1 %.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Ppm(pub u32);

impl Ppm {
    /// One whole: 100 %.
    pub const ONE: u32 = 1_000_000;
}

/// A fee rate in parts per million of what it is taken from, -1,000,000 to 1,000,000. Negative: a rebate, paid by the fee
/// account. (1,000 = 0.1 %.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct FeeRate(pub i32);

impl FeeRate {
    /// One whole: 100 %.
    pub const ONE: i32 = 1_000_000;
}

/// The price as the client stated it, before the exchange has held it against the instrument's tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderPrice {
    /// Whatever the book offers. Never rests.
    Market,
    /// No worse than this, in price units: price × 10^p of the instrument (see [`super::Listing`]). Whether it may be zero or
    /// less is for the product to say.
    #[serde(untagged)]
    Limit(i64),
}

numbered!(OrderPrice {
    0 => Market,
    1 => Limit(it),
});

impl Default for OrderPrice {
    fn default() -> Self {
        Self::Limit(0)
    }
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
shown!(Price, Quantity, Amount, Ppm, FeeRate);
