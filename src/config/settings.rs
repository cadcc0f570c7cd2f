//! Optional settings of instruments, accounts and assets: fee tiers, protection, limits, schedules. All are off unless the
//! file sets them, and settings that are off are not journaled.

use super::exact;
use crate::domain::{Owner, Phase, SelfTrade};
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// `[fees]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeesSection {
    /// Code of the asset in which volume is counted; empty: volume does not change an account's tier.
    pub volume_asset: String,
    /// The least 30-day volume of each tier, from tier 0 on; ascending, and 0 for tier 0.
    #[serde(with = "exact::list")]
    pub volume_min: Vec<Decimal>,
}

/// `[[instruments.fee_tiers]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeTierConfig {
    /// 1 to 7; tier 0 is the instrument's own fees.
    pub tier: u8,
    /// As [`super::InstrumentConfig::maker_fee_ppm`].
    #[serde(with = "exact")]
    pub maker_fee_ppm: Decimal,
    /// As [`super::InstrumentConfig::taker_fee_ppm`].
    #[serde(with = "exact")]
    pub taker_fee_ppm: Decimal,
}

/// `[instruments.protection]`; 0: not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProtectionConfig {
    /// Lowest limit price, in quote per base.
    #[serde(with = "exact")]
    pub price_min: Decimal,
    /// Highest limit price.
    #[serde(with = "exact")]
    pub price_max: Decimal,
    /// Reference price of the static band until an auction sets it.
    #[serde(with = "exact")]
    pub reference: Decimal,
    /// Largest distance of a trade price from the reference, parts per million.
    pub static_band_ppm: u32,
    /// Largest distance of a trade price from the last trade price, parts per million.
    pub dynamic_band_ppm: u32,
    /// Duration of the auction that starts when a trade would cross a band, s.
    pub interruption_s: u32,
    /// Largest distance from the best price at which a market order may trade, parts per million.
    pub market_collar_ppm: u32,
}

/// `[instruments.limits]`; 0: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstrumentLimitsConfig {
    /// Largest order, in the instrument's asset of `lot`.
    #[serde(with = "exact")]
    pub quantity_max: Decimal,
    /// Largest value of a limit order, price × quantity, in quote, of an inverse contract in base.
    #[serde(with = "exact")]
    pub notional_max: Decimal,
    /// The most open orders of an account.
    pub open_orders_max: u32,
    /// The most new orders and replaces of an account per second.
    pub orders_per_second_max: u32,
    /// The most that an account may hold plus have on order, in the instrument's asset of `lot`.
    #[serde(with = "exact")]
    pub position_max: Decimal,
}

/// `[accounts.limits]`; 0: no limit, except where a field says otherwise. The limits hold in every instrument, so
/// quantities are lots and amounts are minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountLimitsConfig {
    /// Largest order, lots.
    pub quantity_max_lots: u64,
    /// Largest price × quantity of a limit order, minor units of its quote asset.
    pub notional_max_minor_units: i64,
    /// The most open orders in all instruments together; 0: the venue's `account_orders_max`.
    pub open_orders_max: u32,
    /// The most orders waiting for a trigger in all instruments together; 0: the venue's `account_triggers_max`.
    pub triggers_max: u32,
    /// The most new orders and replaces per second in all instruments together.
    pub orders_per_second_max: u32,
    /// The most that it may hold plus have on order of an instrument's base asset, lots.
    pub position_max_lots: u64,
}

/// An account's `self_trade`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTradeConfig {
    /// The action when its own orders meet.
    #[serde(with = "super::words::self_trade")]
    pub mode: SelfTrade,
    /// Which orders count as its own.
    #[serde(with = "super::words::owner", default)]
    pub owner: Owner,
    /// Its owner group; 0: none.
    #[serde(default)]
    pub group: u32,
}

/// Opening balances in the wallet of one shard, by asset code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WalletConfig(#[serde(with = "exact::by_name")] pub BTreeMap<String, Decimal>);

/// `[[instruments.schedule]]`: sets the instrument to this phase at this time of day. Not journaled: the engine follows the
/// schedule of its current file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// UTC.
    pub time: TimeOfDay,
    #[serde(with = "super::words::phase")]
    pub phase: Phase,
    /// The days on which it applies; empty: every day.
    #[serde(default)]
    pub days: Vec<Day>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Seconds since midnight UTC, below 86,400; in the file `"HH:MM:SS"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub u32);

impl TimeOfDay {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|part| {
            let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            if is_plain { part.parse::<u32>().ok() } else { None }
        });
        let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
        let is_time = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
        is_time.then_some(Self(hours * 3_600 + minutes * 60 + seconds))
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(second) = self;
        serializer.collect_str(&format_args!(
            "{:02}:{:02}:{:02}",
            second / 3_600,
            second / 60 % 60,
            second % 60
        ))
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            D::Error::custom(format!(
                "{text:?} is no time of day: expected \"HH:MM:SS\", 00:00:00 to 23:59:59"
            ))
        };
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl ScheduleConfig {
    /// The days as bits; bit 0 is Monday.
    pub(crate) fn day_bits(&self) -> u8 {
        match self.days.as_slice() {
            [] => 0b111_1111,
            days => days.iter().fold(0, |bits, day| bits | 1 << *day as u8),
        }
    }

    pub(super) fn shares_a_day(&self, other: &Self) -> bool {
        self.day_bits() & other.day_bits() != 0
    }
}
