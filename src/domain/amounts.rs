//! Prices, quantities, money and rates. All are integers; nothing here rounds silently.

use super::numbered::numbered;
use bincode::{Decode, Encode};
use serde::Serialize;
use std::fmt;

/// A price in ticks of its instrument; at least 1 for spot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Price(pub i64);

/// A quantity in lots of its instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Quantity(pub u64);

/// An amount of an asset in minor units (10^-scale of the asset).
///
/// At most `i64::MAX` minor units of one asset can ever be deposited: the exchange refuses a deposit that would exceed
/// this. So sums over accounts cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Amount(pub i64);

impl Amount {
    /// The most decimals of an asset. With more, one whole unit of the asset would not fit an [`Amount`].
    pub const SCALE_MAX: u8 = 18;
}

/// A share in parts per million. (1,000 = 0.1 %.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct Ppm(pub u32);

impl Ppm {
    /// One whole: 100 %.
    pub const ONE: u32 = 1_000_000;
}

/// A fee rate in parts per million of the amount it is taken from, -1,000,000 to 1,000,000. Negative: a rebate, paid by
/// the fee account. (1,000 = 0.1 %.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct FeeRate(pub i32);

impl FeeRate {
    /// One whole: 100 %.
    pub const ONE: i32 = 1_000_000;
}

/// The price as the client sent it, before the exchange has converted it to ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderPrice {
    /// Takes any price that the book offers. Never rests.
    Market,
    /// The worst acceptable price, in price units: price × 10^p of the instrument (see [`super::Listing`]). The product
    /// decides whether it may be zero or negative.
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
