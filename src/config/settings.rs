//! What instruments, accounts and assets may have beyond being there: fee tiers, protection, limits, schedules. All of it
//! is nothing unless the file says otherwise, and what is nothing is not journaled.

use super::Config;
use super::error::Problems;
use super::exact;
use super::users::LoginLimitsConfig;
use super::validate::quoted;
use super::venue::{AccountConfig, Asset, AssetConfig, Assets, InstrumentConfig};
use crate::domain::decimal::{self, DecimalError};
use crate::domain::{
    AccountId, AccountSelfTrade, Amount, AssetSettings, Command, FeeAsset, FeeRate, FeeTier, GroupId,
    LimitScope, ListInstrument, LoginId, OrderLimits, OrderPrice, Owner, Phase, Ppm, Protection, Quantity,
    SelfTrade, SelfTradePrevention, SetFees, Switch, VolumeTiers,
};
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[fees]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeesSection {
    /// Code of the asset whose trades count for the volume; empty: nobody comes to a tier by volume.
    pub volume_asset: String,
    /// The 30-day volume from which each tier holds, from tier 0 on, ascending, the first 0.
    #[serde(with = "exact::list")]
    pub volume_min: Vec<Decimal>,
}

/// `[[instruments.fee_tiers]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeTierConfig {
    /// 1 to 7; tier 0 is the instrument's own fees.
    pub tier: u8,
    /// As [`InstrumentConfig::maker_fee_ppm`].
    #[serde(with = "exact")]
    pub maker_fee_ppm: Decimal,
    /// As [`InstrumentConfig::taker_fee_ppm`].
    #[serde(with = "exact")]
    pub taker_fee_ppm: Decimal,
}

/// `[instruments.protection]`; 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProtectionConfig {
    /// Lowest limit price, in quote per base.
    #[serde(with = "exact")]
    pub price_min: Decimal,
    /// Highest limit price.
    #[serde(with = "exact")]
    pub price_max: Decimal,
    /// Reference of the static band until an auction sets it.
    #[serde(with = "exact")]
    pub reference: Decimal,
    /// How far from the reference trades may be.
    pub static_band_ppm: u32,
    /// How far from the last trade.
    pub dynamic_band_ppm: u32,
    /// How long orders gather when a band is crossed, s.
    pub interruption_s: u32,
    /// How far from the best price a market order may trade.
    pub market_collar_ppm: u32,
}

/// `[instruments.limits]`; 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstrumentLimitsConfig {
    /// Largest order, in base.
    #[serde(with = "exact")]
    pub quantity_max: Decimal,
    /// Largest price × quantity of a limit order, in quote.
    #[serde(with = "exact")]
    pub notional_max: Decimal,
    /// Open orders of an account.
    pub open_orders_max: u32,
    /// New orders and replaces of an account in a second.
    pub orders_per_second_max: u32,
    /// What an account may hold and have on order, in base.
    #[serde(with = "exact")]
    pub position_max: Decimal,
}

/// `[accounts.limits]`; 0 is none, but where it says otherwise. Quantities are lots and amounts minor units, since they hold in every instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountLimitsConfig {
    /// Largest order, lots.
    pub quantity_max_lots: u64,
    /// Largest price × quantity of a limit order, minor units of its quote asset.
    pub notional_max_minor_units: i64,
    /// Open orders, all instruments together; 0: the venue's `account_orders_max`.
    pub open_orders_max: u32,
    /// Orders that wait for a trigger, all instruments together; 0: the venue's `account_triggers_max`.
    pub triggers_max: u32,
    /// New orders and replaces in a second, all instruments together.
    pub orders_per_second_max: u32,
    /// What it may hold and have on order of an instrument's base asset, lots.
    pub position_max_lots: u64,
}

/// An account's `self_trade`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTradeConfig {
    /// What is done when its orders meet.
    #[serde(with = "super::words::self_trade")]
    pub mode: SelfTrade,
    /// Whose orders count as its own.
    #[serde(with = "super::words::owner", default)]
    pub owner: Owner,
    /// Its group; 0: none.
    #[serde(default)]
    pub group: u32,
}

/// `[[instruments.schedule]]`: from this time of day on the instrument is in this phase. Not journaled: the engine puts
/// instruments into phases as its present file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// UTC.
    pub time: TimeOfDay,
    /// The phase.
    #[serde(with = "super::words::phase")]
    pub phase: Phase,
    /// On which days; empty: every day.
    #[serde(default)]
    pub days: Vec<Day>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are their names")]
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

/// The commands that follow the listings and deposits, in the order of assets, instruments, tiers and accounts.
pub(super) fn commands(
    config: &Config,
    assets: &Assets,
    listed: &[ListInstrument],
    p: &mut Problems,
) -> Vec<Command> {
    let mut commands = Vec::new();
    for config in &config.assets {
        commands.extend(assets.named(&config.code).and_then(|asset| asset_settings(config, asset, p)));
    }
    for terms in listed {
        let Some(config) = config.instruments.get(terms.instrument.0 as usize) else { continue };
        fee_tiers(config, terms, &mut commands, p);
        commands.extend(protection(config, terms, p));
        commands.extend(instrument_limits(config, terms, assets, p));
    }
    config.instruments.iter().for_each(|config| check_schedule(config, p));
    commands.extend(volume_tiers(&config.fees, assets, p));
    for (id, account) in (1..).zip(&config.accounts) {
        account_settings(AccountId(id), account, &mut commands, p);
    }
    login_settings(config, &mut commands, p);
    commands
}

/// Limits and copies of the logins, in the order of their ids.
fn login_settings(config: &Config, commands: &mut Vec<Command>, p: &mut Problems) {
    let mut id = LoginId(0);
    for account in &config.accounts {
        for login in &account.logins {
            let list = format!("accounts[{}].logins[{}]", account.name, login.username);
            commands.extend(login.limits.as_ref().map(|limits| login_limits(id, limits, &list, p)));
            for (at, name) in login.copies.iter().enumerate() {
                let key = format!("{list}.copies");
                let found = (1..).map(AccountId).zip(&config.accounts).find(|(_, other)| other.name == *name);
                match found {
                    _ if login.copies[..at].contains(name) => p.add(key, quoted(name), "stands here twice"),
                    Some((of, _)) => commands.push(Command::CopyAccount { login: id, account: of }),
                    None => p.add(key, quoted(name), "no account has this name"),
                }
            }
            id.0 += 1;
        }
    }
}

fn login_limits(login: LoginId, limits: &LoginLimitsConfig, list: &str, p: &mut Problems) -> Command {
    let LoginLimitsConfig { quantity_max_lots, notional_max_minor_units, open_orders_max } = *limits;
    if notional_max_minor_units < 0 {
        let key = format!("{list}.limits.notional_max_minor_units");
        p.add(key, notional_max_minor_units, "must not be below 0");
    }
    let limits = OrderLimits {
        quantity_max: Quantity(quantity_max_lots),
        notional_max: Amount(notional_max_minor_units),
        open_orders_max,
        ..OrderLimits::default()
    };
    Command::SetOrderLimits { scope: LimitScope::Login(login), limits }
}

fn switch(on: bool) -> Switch {
    if on { Switch::On } else { Switch::Off }
}

fn asset_settings(config: &AssetConfig, asset: Asset, p: &mut Problems) -> Option<Command> {
    let key = |field: &str| format!("assets[{}].{field}", config.code);
    let mut amount =
        |field, value| p.take(key(field), value, decimal::amount(value, asset.scale)).unwrap_or_default();
    let min_deposit = amount("min_deposit", config.min_deposit);
    let min_withdrawal = amount("min_withdrawal", config.min_withdrawal);
    let plain = config.deposits && config.withdrawals && (min_deposit, min_withdrawal) == Default::default();
    (!plain).then_some(Command::SetAsset(AssetSettings {
        asset: asset.id,
        scale: asset.scale,
        deposits: switch(config.deposits),
        withdrawals: switch(config.withdrawals),
        min_deposit,
        min_withdrawal,
    }))
}

fn fee_tiers(
    config: &InstrumentConfig,
    terms: &ListInstrument,
    commands: &mut Vec<Command>,
    p: &mut Problems,
) {
    let (mut lowest_maker, mut lowest_taker) = (terms.maker_fee, terms.taker_fee);
    let mut seen = [false; FeeTier::COUNT];
    for row in &config.fee_tiers {
        let key = |field: &str| format!("instruments[{}].fee_tiers[{}].{field}", config.symbol, row.tier);
        let place = usize::from(row.tier);
        if place == 0 || place >= FeeTier::COUNT {
            let reason =
                format!("must be from 1 to {}; tier 0 is the instrument's own fees", FeeTier::COUNT - 1);
            p.add(key("tier"), row.tier, reason);
            continue;
        }
        if std::mem::replace(&mut seen[place], true) {
            p.add(key("tier"), row.tier, "stands here twice");
        }
        let (maker, taker) = (row.maker_fee_ppm, row.taker_fee_ppm);
        let maker = p.take(key("maker_fee_ppm"), maker, decimal::fee_rate(maker)).unwrap_or_default();
        let taker = p.take(key("taker_fee_ppm"), taker, decimal::fee_rate(taker)).unwrap_or_default();
        lowest_maker = lowest_maker.min(maker);
        lowest_taker = lowest_taker.min(taker);
        let (instrument, tier) = (terms.instrument, FeeTier(row.tier));
        commands.push(Command::SetFees(SetFees { instrument, tier, maker, taker }));
    }
    check_rebates(config, lowest_maker, lowest_taker, p);
}

/// The venue never pays more in a trade than it takes, of the same asset. The two are the lowest of all tiers.
fn check_rebates(config: &InstrumentConfig, maker: FeeRate, taker: FeeRate, p: &mut Problems) {
    let key = |field: &str| format!("instruments[{}].{field}", config.symbol);
    if maker.0 + taker.0 < 0 {
        let reason =
            format!("the lowest taker fee of all tiers is {taker}, and together they must not be below 0");
        p.add(key("maker_fee_ppm"), maker, reason);
    } else if config.fee_asset == FeeAsset::Received && maker.min(taker).0 < 0 {
        let reason = format!("a fee of {} is a rebate, which only fees in quote can pay", maker.min(taker));
        p.add(key("fee_asset"), quoted(config.fee_asset.word()), reason);
    }
}

fn protection(config: &InstrumentConfig, terms: &ListInstrument, p: &mut Problems) -> Option<Command> {
    let protection = config.protection.as_ref()?;
    let key = |field: &str| format!("instruments[{}].protection.{field}", config.symbol);
    let mut price = |field, value| {
        p.take(key(field), value, price_units(value, terms.price_decimals)).unwrap_or_default()
    };
    let price_min = price("price_min", protection.price_min);
    let price_max = price("price_max", protection.price_max);
    let reference = price("reference", protection.reference);
    if price_max != 0 && price_max < price_min {
        let reason = format!("is below price_min = {}", protection.price_min);
        p.add(key("price_max"), protection.price_max, reason);
    }
    let mut ppm = |field, value: u32| {
        if value > Ppm::ONE {
            p.add(key(field), value, format!("must be at most {}", Ppm::ONE));
        }
        Ppm(value)
    };
    let protection = Protection {
        price_min,
        price_max,
        reference,
        static_band: ppm("static_band_ppm", protection.static_band_ppm),
        dynamic_band: ppm("dynamic_band_ppm", protection.dynamic_band_ppm),
        interruption_s: protection.interruption_s,
        market_collar: ppm("market_collar_ppm", protection.market_collar_ppm),
    };
    let instrument = terms.instrument;
    (protection != Protection::default()).then_some(Command::SetProtection { instrument, protection })
}

/// Price units that the protocol can carry.
pub(super) fn price_units(value: Decimal, decimals: u8) -> Result<u32, String> {
    match decimal::price_units(value, decimals) {
        Ok(OrderPrice::Limit(units)) if units < OrderPrice::LIMIT_END => {
            u32::try_from(units).map_err(|error| error.to_string())
        }
        Ok(_) => {
            Err("is larger than any price that the protocol can carry (2^31 - 1 price units)".to_owned())
        }
        Err(DecimalError::OffPriceUnits { decimals, .. }) => {
            Err(format!("has more decimals than price_decimals = {decimals}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn instrument_limits(
    config: &InstrumentConfig,
    terms: &ListInstrument,
    assets: &Assets,
    p: &mut Problems,
) -> Option<Command> {
    let limits = config.limits.as_ref()?;
    let key = |field: &str| format!("instruments[{}].limits.{field}", config.symbol);
    let (base_scale, quote_scale) = (assets.scale(terms.base)?, assets.scale(terms.quote)?);
    let mut lots = |field, value| {
        p.take(key(field), value, decimal::quantity(value, terms.lot, base_scale)).unwrap_or_default()
    };
    let quantity_max = lots("quantity_max", limits.quantity_max);
    let position_max = lots("position_max", limits.position_max);
    let notional_max = decimal::amount(limits.notional_max, quote_scale);
    let limits = OrderLimits {
        quantity_max,
        notional_max: p.take(key("notional_max"), limits.notional_max, notional_max).unwrap_or_default(),
        open_orders_max: limits.open_orders_max,
        orders_per_second_max: limits.orders_per_second_max,
        position_max,
        ..OrderLimits::default()
    };
    let scope = LimitScope::Instrument(terms.instrument);
    (limits != OrderLimits::default()).then_some(Command::SetOrderLimits { scope, limits })
}

fn check_schedule(config: &InstrumentConfig, p: &mut Problems) {
    let key = |at: usize, field: &str| format!("instruments[{}].schedule[{at}].{field}", config.symbol);
    for (at, entry) in config.schedule.iter().enumerate() {
        if matches!(entry.phase, Phase::VolatilityAuction | Phase::Delisted) {
            p.add(key(at, "phase"), quoted(entry.phase.word()), "is no phase that a schedule can ask for");
        }
        let meets = |other: &&ScheduleConfig| other.time == entry.time && other.shares_a_day(entry);
        if config.schedule[..at].iter().any(|other| meets(&other)) {
            let time =
                toml::Value::try_from(entry.time).map_or_else(|_| String::new(), |time| time.to_string());
            p.add(key(at, "time"), time, "stands here twice on the same day");
        }
    }
}

impl ScheduleConfig {
    /// Bit 0 is Monday.
    pub(crate) fn day_bits(&self) -> u8 {
        match self.days.as_slice() {
            [] => 0b111_1111,
            days => days.iter().fold(0, |bits, day| bits | 1 << *day as u8),
        }
    }

    fn shares_a_day(&self, other: &Self) -> bool {
        self.day_bits() & other.day_bits() != 0
    }
}

fn volume_tiers(fees: &FeesSection, assets: &Assets, p: &mut Problems) -> Option<Command> {
    if fees.volume_asset.is_empty() {
        if !fees.volume_min.is_empty() {
            p.add("fees.volume_min", list(&fees.volume_min), "needs fees.volume_asset");
        }
        return None;
    }
    let asset = assets.find("fees.volume_asset".to_owned(), &fees.volume_asset, p)?;
    if !(1..=FeeTier::COUNT).contains(&fees.volume_min.len()) {
        let reason = format!("must have from 1 to {} entries, one for each tier from 0 on", FeeTier::COUNT);
        p.add("fees.volume_min", list(&fees.volume_min), reason);
        return None;
    }
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    for (place, (value, least)) in fees.volume_min.iter().zip(&mut volume_min).enumerate() {
        let key = format!("fees.volume_min[{place}]");
        *least = p.take(key, value, decimal::amount(*value, asset.scale))?;
    }
    if volume_min[0] != Amount(0) || !volume_min[..fees.volume_min.len()].is_sorted_by(|a, b| a < b) {
        p.add("fees.volume_min", list(&fees.volume_min), "must begin with 0 and ascend");
    }
    Some(Command::SetVolumeTiers(VolumeTiers { asset: asset.id, volume_min }))
}

fn list(values: &[Decimal]) -> String {
    format!("[{}]", values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn account_settings(
    account: AccountId,
    config: &AccountConfig,
    commands: &mut Vec<Command>,
    p: &mut Problems,
) {
    let key = |field: &str| format!("accounts[{}].{field}", config.name);
    if let Some(limits) = &config.limits {
        if limits.notional_max_minor_units < 0 {
            let reason = "must not be below 0";
            p.add(key("limits.notional_max_minor_units"), limits.notional_max_minor_units, reason);
        }
        let limits = OrderLimits {
            quantity_max: Quantity(limits.quantity_max_lots),
            notional_max: Amount(limits.notional_max_minor_units),
            open_orders_max: limits.open_orders_max,
            triggers_max: limits.triggers_max,
            orders_per_second_max: limits.orders_per_second_max,
            position_max: Quantity(limits.position_max_lots),
        };
        if limits != OrderLimits::default() {
            commands.push(Command::SetOrderLimits { scope: LimitScope::Account(account), limits });
        }
    }
    if let Some(self_trade) = &config.self_trade {
        let SelfTradeConfig { mode, owner, group } = *self_trade;
        if owner == Owner::Group && group == 0 {
            p.add(key("self_trade.owner"), quoted(owner.word()), "needs a group above 0");
        }
        let (prevention, group) = (SelfTradePrevention { mode, owner }, GroupId(group));
        let set = AccountSelfTrade { account, prevention, group };
        if set != (AccountSelfTrade { account, ..AccountSelfTrade::default() }) {
            commands.push(Command::SetSelfTrade(set));
        }
    }
    if let Some(tier) = config.fee_tier {
        if usize::from(tier) >= FeeTier::COUNT {
            p.add(key("fee_tier"), tier, format!("must be from 0 to {}", FeeTier::COUNT - 1));
        }
        commands.push(Command::AssignTier { account, tier: Some(FeeTier(tier)) });
    }
}
