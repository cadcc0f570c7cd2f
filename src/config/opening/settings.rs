//! The commands for optional settings of instruments, accounts and assets.

use super::assets::{Asset, Assets};
use super::prices::price_units;
use crate::config::error::{Problems, quoted};
use crate::config::file::Config;
use crate::config::settings::{FeesSection, ScheduleConfig, SelfTradeConfig};
use crate::config::users::LoginLimitsConfig;
use crate::config::venue::{AccountConfig, AssetConfig, InstrumentConfig};
use crate::domain::decimal;
use crate::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amount, AssetSettings, Command, FeeAsset, FeeRate, FeeTier,
    GroupId, LimitScope, ListInstrument, LoginId, OrderLimits, Owner, Phase, Ppm, Protection, Quantity,
    SelfTradePrevention, SetFees, Switch, VenueCommand, VolumeTiers,
};
use rust_decimal::Decimal;

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
                    Some((of, _)) => {
                        commands.push(Command::Venue(VenueCommand::CopyAccount { login: id, account: of }))
                    }
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
    Command::Admin(AdminCommand::SetOrderLimits { scope: LimitScope::Login(login), limits })
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
    (!plain).then_some(Command::Admin(AdminCommand::SetAsset(AssetSettings {
        asset: asset.id,
        scale: asset.scale,
        deposits: switch(config.deposits),
        withdrawals: switch(config.withdrawals),
        min_deposit,
        min_withdrawal,
    })))
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
        commands.push(Command::Admin(AdminCommand::SetFees(SetFees { instrument, tier, maker, taker })));
    }
    check_rebates(config, lowest_maker, lowest_taker, p);
}

/// Checks that the venue never pays more in a trade than it receives of the same asset. `maker` and `taker` are the lowest
/// fees of all tiers.
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
    (protection != Protection::default())
        .then_some(Command::Admin(AdminCommand::SetProtection { instrument, protection }))
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
    let lots_scale = terms.product.lots_of(base_scale, quote_scale);
    let mut lots = |field, value| {
        p.take(key(field), value, decimal::quantity(value, terms.lot, lots_scale)).unwrap_or_default()
    };
    let quantity_max = lots("quantity_max", limits.quantity_max);
    let position_max = lots("position_max", limits.position_max);
    let notional_max =
        decimal::amount(limits.notional_max, terms.product.settled_in(base_scale, quote_scale));
    let limits = OrderLimits {
        quantity_max,
        notional_max: p.take(key("notional_max"), limits.notional_max, notional_max).unwrap_or_default(),
        open_orders_max: limits.open_orders_max,
        orders_per_second_max: limits.orders_per_second_max,
        position_max,
        ..OrderLimits::default()
    };
    let scope = LimitScope::Instrument(terms.instrument);
    (limits != OrderLimits::default())
        .then_some(Command::Admin(AdminCommand::SetOrderLimits { scope, limits }))
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
    Some(Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: asset.id, volume_min })))
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
            commands.push(Command::Admin(AdminCommand::SetOrderLimits {
                scope: LimitScope::Account(account),
                limits,
            }));
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
            commands.push(Command::Admin(AdminCommand::SetSelfTrade(set)));
        }
    }
    if let Some(tier) = config.fee_tier {
        if usize::from(tier) >= FeeTier::COUNT {
            p.add(key("fee_tier"), tier, format!("must be from 0 to {}", FeeTier::COUNT - 1));
        }
        commands.push(Command::Admin(AdminCommand::AssignTier { account, tier: Some(FeeTier(tier)) }));
    }
}
