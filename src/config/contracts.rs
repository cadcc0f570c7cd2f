//! What the configuration file says of contracts: indexes, terms, risk, margin tiers, insurance funds.

use super::exact;
use super::settings::WalletConfig;
use crate::domain::{DeleverageMode, utc};
use rust_decimal::Decimal;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// `[[indexes]]`: a price from outside that contracts follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexConfig {
    /// 1 to 8 characters.
    pub symbol: String,
    /// Decimals of its prices, those of its contracts; 0 to 9.
    pub price_decimals: u8,
    /// Name of the shard of its contracts; `None`: the first shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// It is stale when its last price is this old, ms; 1,000 to 600,000.
    pub stale_after_ms: u32,
    /// How long no position is closed out after it was stale, s; 0 to 3,600.
    #[serde(default)]
    pub grace_s: u32,
    /// A price that is farther from the last one waits for a second one near it, parts per million; 0: off, else 1,000 to
    /// 1,000,000.
    #[serde(default)]
    pub jump_ppm: u32,
    /// A price that the engine sends by itself, again and again, so that the index is never stale; `None`: prices come from
    /// outside. Not journaled.
    #[serde(with = "exact::optional", default, skip_serializing_if = "Option::is_none")]
    pub fixed_price: Option<Decimal>,
}

/// `[instruments.contract]`: what a contract refers to, and the prices that it can have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractConfig {
    /// Symbol of its index.
    pub index: String,
    /// When it ends.
    #[serde(default)]
    pub expiry: Expiry,
    /// Seconds between two fundings of a perpetual; 0 for a dated contract.
    #[serde(default)]
    pub funding_interval_s: u32,
    /// Lowest price, in quote per base.
    #[serde(with = "exact")]
    pub price_min: Decimal,
    /// Highest price.
    #[serde(with = "exact")]
    pub price_max: Decimal,
}

/// `[instruments.risk]`: the risk parameters of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRiskConfig {
    /// Interest of eight hours, parts per 10^9: -1,000,000 to 1,000,000; 0 for a dated contract.
    #[serde(default)]
    pub interest_ppb: i32,
    /// Lots over which impact prices are averaged, at least 1.
    pub impact_lots: u32,
    /// How far the mark may be from the index, parts per million: 1,000 to 200,000.
    pub mark_band_ppm: u32,
    /// How far prices may be from the index in the first ten minutes, parts per million: 1,000 to 500,000.
    pub first_band_ppm: u32,
    /// How far prices may be from index and basis, parts per million: 1,000 to `outer_band_ppm`.
    pub premium_band_ppm: u32,
    /// How far prices may be from the index, parts per million: 1,000 to 500,000.
    pub outer_band_ppm: u32,
    /// The fee of a liquidation, parts per million: 0 to 50,000.
    pub liquidation_fee_ppm: u32,
    /// How far from the mark a liquidation may trade, parts per million: 1,000 to 100,000.
    pub collar_ppm: u32,
    /// The ticks after which the rest of a liquidation is deleveraged, 0 to 3,600.
    pub adl_after: u16,
    /// How lots are shared among those that are deleveraged.
    #[serde(with = "super::words::adl_mode", default)]
    pub adl_mode: DeleverageMode,
    /// The most lots of an account's position and orders.
    pub position_limit_lots: u32,
    /// The most lots of all long positions together, at least `position_limit_lots`.
    pub open_interest_limit_lots: u32,
}

/// `[[instruments.margin_tiers]]`: what holds from a notional on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginTierConfig {
    /// The smallest notional, in the asset that the contract is settled in; 0 in the first row.
    #[serde(with = "exact")]
    pub floor: Decimal,
    /// Initial margin, parts per million; at most 1,000,000.
    pub initial_ppm: u32,
    /// Maintenance margin, parts per million; above 0 and below `initial_ppm`.
    pub maintenance_ppm: u32,
}

/// `[insurance_fund]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InsuranceFundConfig {
    /// What the funds of the first shard begin with, by asset code.
    #[serde(with = "exact::by_name", skip_serializing_if = "BTreeMap::is_empty")]
    pub deposits: BTreeMap<String, Decimal>,
    /// What the funds of other shards begin with, by shard name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deposits_in: BTreeMap<String, WalletConfig>,
}

impl InsuranceFundConfig {
    pub(super) fn is_empty(&self) -> bool {
        self.deposits.is_empty() && self.deposits_in.is_empty()
    }
}

/// When a contract ends: seconds since the Unix epoch, 0: never. In the file 0, or RFC 3339 in UTC to the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry(pub u32);

impl Expiry {
    fn parse(text: &str) -> Result<Self, String> {
        match utc::parse(text) {
            _ if text == "0" => Ok(Self(0)),
            Some(seconds) if seconds > 0 => Ok(Self(seconds)),
            _ => Err(format!(
                "{text:?} is no time of a contract's end: expected 0, or UTC to the second such as \
                 \"2027-03-26T08:00:00Z\""
            )),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { f.write_str(&utc::show(self.0)) }
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 { serializer.serialize_u8(0) } else { serializer.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpiryVisitor)
    }
}

struct ExpiryVisitor;

impl Visitor<'_> for ExpiryVisitor {
    type Value = Expiry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0, or a time in quotes such as \"2027-03-26T08:00:00Z\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Expiry, E> {
        Expiry::parse(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Expiry, E> {
        Expiry::parse(&value.to_string()).map_err(E::custom)
    }
}
