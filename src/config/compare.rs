//! Differences between a configuration and the venue that the journal was opened with.
//!
//! Both sides are converted to the same flat table of keys and values, in the notation of the file. So every difference
//! has the key that appears in the file.

#![deny(clippy::wildcard_enum_match_arm)]

mod contracts;
mod names;

use super::file::Config;
use super::opening;
use crate::domain::{
    AccountId, AddIndex, AdminCommand, AssetCode, AssetSettings, ClockCommand, Command, LimitScope,
    ListInstrument, LoginId, LoginName, OrderCommand, OrderLimits, Ppm, Protection, Quantity, ShardId,
    Switch, VenueCommand, VolumeTiers, decimal,
};
use contracts::Known;
use names::{asset, shard_name};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::fmt;

/// One key whose value in the file differs from the journal. The journal's value is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The full path of the key, such as `instruments[BTC-USDT].maker_fee_ppm`.
    pub key: String,
    /// The value in the file; `None` if the file has none.
    pub config: Option<String>,
    /// The value in the journal; `None` if the journal has none.
    pub journal: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, config, journal } = self;
        match (config, journal) {
            (Some(config), Some(journal)) => {
                write!(f, "{key}: config says {config}, the journal says {journal}; kept {journal}")
            }
            (Some(config), None) => {
                write!(f, "{key}: config says {config}, the journal does not have it; not added")
            }
            (None, Some(journal)) => {
                write!(f, "{key}: the journal says {journal}, config does not have it; kept {journal}")
            }
            (None, None) => write!(f, "{key}: neither config nor journal have it"),
        }
    }
}

pub(super) fn differences(config: &Config, journaled: &[Command]) -> Vec<Difference> {
    let ours = Terms::read(config, &opening::resolve(config).0);
    let theirs = Terms::read(config, journaled);
    let keys = ours.0.keys().chain(theirs.0.keys().filter(|key| !ours.0.contains_key(*key)));
    keys.filter(|key| ours.0.get(*key) != theirs.0.get(*key))
        .map(|key| Difference {
            key: key.clone(),
            config: ours.0.get(key).cloned(),
            journal: theirs.0.get(key).cloned(),
        })
        .collect()
}

/// Keys and values of the opening commands.
struct Terms(BTreeMap<String, String>);

impl Terms {
    /// Reads commands into a table. The journal has no account names; the names come from the file, by account id.
    fn read(config: &Config, commands: &[Command]) -> Self {
        let mut terms = BTreeMap::new();
        let mut assets: Vec<(AssetCode, u8)> = Vec::new();
        let mut listed: Vec<ListInstrument> = Vec::new();
        let mut logins: Vec<LoginName> = Vec::new();
        let mut shards: Vec<(ShardId, String)> = Vec::new();
        let mut indexes: Vec<AddIndex> = Vec::new();
        let symbol = |listed: &[ListInstrument], id: u32| {
            let found = listed.iter().find(|terms| terms.instrument.0 == id);
            found.map_or_else(|| format!("#{id}"), |terms| terms.symbol.text())
        };
        for command in commands {
            match command {
                Command::Admin(AdminCommand::AddAsset { asset, code, scale }) => {
                    terms.insert(format!("assets[{code}].scale"), scale.to_string());
                    terms.insert(format!("assets[{code}].position"), asset.to_string());
                    assets.push((*code, *scale));
                }
                Command::Venue(VenueCommand::OpenAccount { account }) => {
                    terms.insert(account_key(config, *account), "open".to_owned());
                }
                Command::Venue(VenueCommand::OpenLogin { account, name, .. }) => {
                    logins.push(*name);
                    terms.insert(format!("logins[{name}].account"), account.to_string());
                }
                Command::Admin(AdminCommand::ListInstrument(terms_of)) => {
                    add_instrument(&mut terms, &assets, shard_name(&shards, terms_of.shard), terms_of);
                    listed.push(*terms_of);
                }
                Command::Admin(AdminCommand::SetAsset(settings)) => {
                    add_asset_settings(&mut terms, &assets, settings)
                }
                Command::Admin(AdminCommand::SetFees(fees)) => {
                    let symbol = symbol(&listed, fees.instrument.0);
                    let key = format!("instruments[{symbol}].fee_tiers[{}]", fees.tier);
                    terms.insert(format!("{key}.maker_fee_ppm"), fees.maker.to_string());
                    terms.insert(format!("{key}.taker_fee_ppm"), fees.taker.to_string());
                }
                Command::Admin(AdminCommand::SetProtection { instrument, protection }) => {
                    let decimals = listed.iter().find(|terms| terms.instrument == *instrument);
                    let decimals = decimals.map_or(0, |terms| terms.price_decimals);
                    let key = format!("instruments[{}].protection", symbol(&listed, instrument.0));
                    add_protection(&mut terms, &key, decimals, protection);
                }
                Command::Admin(AdminCommand::SetOrderLimits {
                    scope: LimitScope::Instrument(instrument),
                    limits,
                }) => {
                    let key = format!("instruments[{}].limits", symbol(&listed, instrument.0));
                    let of = listed.iter().find(|terms| terms.instrument == *instrument);
                    add_limits(&mut terms, &key, &assets, of, limits);
                }
                Command::Admin(AdminCommand::SetOrderLimits {
                    scope: LimitScope::Account(account),
                    limits,
                }) => {
                    let key = format!("{}.limits", account_key(config, *account));
                    add_limits(&mut terms, &key, &assets, None, limits);
                    terms.insert(format!("{key}.triggers_max"), limits.triggers_max.to_string());
                }
                Command::Admin(AdminCommand::SetOrderLimits { scope: LimitScope::Login(login), limits }) => {
                    let key = format!("logins[{}].limits", login_name(&logins, *login));
                    let fields = [
                        ("quantity_max_lots", limits.quantity_max.to_string()),
                        ("notional_max_minor_units", limits.notional_max.to_string()),
                        ("open_orders_max", limits.open_orders_max.to_string()),
                    ];
                    terms.extend(fields.map(|(field, value)| (format!("{key}.{field}"), value)));
                }
                Command::Venue(VenueCommand::CopyAccount { login, account }) => {
                    let key = format!("logins[{}].copies", login_name(&logins, *login));
                    let name = account_name(config, *account);
                    terms.insert(format!("{key}[{name}]"), "copied".to_owned());
                }
                Command::Admin(AdminCommand::SetSelfTrade(set)) => {
                    let key = format!("{}.self_trade", account_key(config, set.account));
                    terms.insert(format!("{key}.mode"), set.prevention.mode.word().to_owned());
                    terms.insert(format!("{key}.owner"), set.prevention.owner.word().to_owned());
                    terms.insert(format!("{key}.group"), set.group.to_string());
                }
                Command::Admin(AdminCommand::AssignTier { account, tier: Some(tier) }) => {
                    terms.insert(format!("{}.fee_tier", account_key(config, *account)), tier.to_string());
                }
                Command::Admin(AdminCommand::SetVolumeTiers(tiers)) => {
                    add_volume_tiers(&mut terms, &assets, tiers)
                }
                Command::Admin(AdminCommand::Deposit(deposit)) => {
                    let (code, scale) = asset(&assets, deposit.asset);
                    let wallet = match deposit.shard {
                        ShardId::FIRST => "deposits".to_owned(),
                        shard => format!("deposits_in.{}", shard_name(&shards, shard)),
                    };
                    let key = format!("{}.{wallet}.{code}", account_key(config, deposit.account));
                    terms.insert(key, decimal::show_amount(deposit.amount, scale).to_string());
                }
                Command::Venue(VenueCommand::SetLimits { limits }) => {
                    let fields = [
                        ("orders_max", limits.orders_max),
                        ("orders_touched_max", limits.orders_touched_max),
                        ("account_orders_max", limits.account_orders_max),
                        ("account_triggers_max", limits.account_triggers_max),
                    ];
                    terms.extend(
                        fields.map(|(field, value)| (format!("exchange.{field}"), value.to_string())),
                    );
                }
                Command::Venue(VenueCommand::OpenShard { shard, name }) => {
                    terms.insert(format!("shards[{name}].position"), shard.to_string());
                    shards.push((*shard, name.text()));
                }
                Command::Contract(command) => {
                    let known = Known { assets: &assets, listed: &listed, shards: &shards };
                    contracts::add(&mut terms, &known, &mut indexes, command);
                }
                // The edition of the rules depends on when the venue was opened; the file does not set it.
                Command::Venue(VenueCommand::SetRules { .. }) => {}
                Command::Venue(VenueCommand::Open { .. }) => break,
                // A configuration produces none of these commands.
                Command::Admin(
                    AdminCommand::SetPhase { .. }
                    | AdminCommand::Withdraw(_)
                    | AdminCommand::SetMark { .. }
                    | AdminCommand::Delist { .. }
                    | AdminCommand::SetTerms(_)
                    | AdminCommand::AssignTier { .. }
                    | AdminCommand::Kill { .. }
                    | AdminCommand::TransferIn(_),
                )
                | Command::Order(
                    OrderCommand::Enter(_)
                    | OrderCommand::RefuseEnter(_)
                    | OrderCommand::Replace(_)
                    | OrderCommand::RefuseReplace(_)
                    | OrderCommand::Cancel(_)
                    | OrderCommand::Amend(_)
                    | OrderCommand::CancelOrder { .. }
                    | OrderCommand::MassCancel(_)
                    | OrderCommand::Modify(_)
                    | OrderCommand::QueryAccount(_)
                    | OrderCommand::SetOrderEntry(_)
                    | OrderCommand::NameOrder(_)
                    | OrderCommand::CancelLogin { .. }
                    | OrderCommand::TransferOut(_)
                    | OrderCommand::SendIndex(_)
                    | OrderCommand::QueryWallet(_),
                )
                | Command::Owner(_)
                | Command::Clock(ClockCommand::Tick)
                | Command::Venue(
                    VenueCommand::Checkpoint(_)
                    | VenueCommand::RollSession { .. }
                    | VenueCommand::ResetUserRef { .. }
                    | VenueCommand::Lead { .. },
                ) => {}
            }
        }
        Self(terms)
    }
}

fn add_instrument(
    terms: &mut BTreeMap<String, String>,
    assets: &[(AssetCode, u8)],
    shard: String,
    instrument: &ListInstrument,
) {
    let (base, base_scale) = asset(assets, instrument.base);
    let (quote, quote_scale) = asset(assets, instrument.quote);
    let lots_scale = instrument.product.lots_of(base_scale, quote_scale);
    let notional_scale = instrument.product.settled_in(base_scale, quote_scale);
    let lots = |quantity: Quantity| decimal::show_quantity(quantity, instrument.lot, lots_scale).to_string();
    let units = match Decimal::try_new(i64::from(instrument.tick_units), u32::from(instrument.price_decimals))
    {
        Ok(tick) => tick.normalize().to_string(),
        Err(_) => format!("{} price units", instrument.tick_units),
    };
    let fields = [
        ("position", instrument.instrument.to_string()),
        ("base", base),
        ("quote", quote),
        ("price_decimals", instrument.price_decimals.to_string()),
        ("tick", units),
        ("lot", decimal::show_amount(instrument.lot, lots_scale).to_string()),
        ("min_quantity", lots(instrument.min_quantity)),
        ("max_quantity", lots(instrument.max_quantity)),
        ("min_notional", decimal::show_amount(instrument.min_notional, notional_scale).to_string()),
        ("maker_fee_ppm", instrument.maker_fee.to_string()),
        ("taker_fee_ppm", instrument.taker_fee.to_string()),
        ("fee_asset", instrument.fee_asset.word().to_owned()),
        ("phase", instrument.phase.word().to_owned()),
        ("shard", shard),
        ("product", instrument.product.word().to_owned()),
    ];
    let key = |field| format!("instruments[{}].{field}", instrument.symbol);
    terms.extend(fields.map(|(field, value)| (key(field), value)));
}

fn add_asset_settings(
    terms: &mut BTreeMap<String, String>,
    assets: &[(AssetCode, u8)],
    settings: &AssetSettings,
) {
    let (code, scale) = asset(assets, settings.asset);
    let fields = [
        ("deposits", (settings.deposits == Switch::On).to_string()),
        ("withdrawals", (settings.withdrawals == Switch::On).to_string()),
        ("min_deposit", decimal::show_amount(settings.min_deposit, scale).to_string()),
        ("min_withdrawal", decimal::show_amount(settings.min_withdrawal, scale).to_string()),
    ];
    terms.extend(fields.map(|(field, value)| (format!("assets[{code}].{field}"), value)));
}

fn add_protection(
    terms: &mut BTreeMap<String, String>,
    key: &str,
    price_decimals: u8,
    protection: &Protection,
) {
    let price = |units: u32| {
        let price = Decimal::try_new(i64::from(units), u32::from(price_decimals));
        price.map_or_else(|_| format!("{units} price units"), |price| price.normalize().to_string())
    };
    let ppm = |Ppm(share): Ppm| share.to_string();
    let fields = [
        ("price_min", price(protection.price_min)),
        ("price_max", price(protection.price_max)),
        ("reference", price(protection.reference)),
        ("static_band_ppm", ppm(protection.static_band)),
        ("dynamic_band_ppm", ppm(protection.dynamic_band)),
        ("interruption_s", protection.interruption_s.to_string()),
        ("market_collar_ppm", ppm(protection.market_collar)),
    ];
    terms.extend(fields.map(|(field, value)| (format!("{key}.{field}"), value)));
}

/// Adds limits: those of an instrument in units of its assets, those of an account in lots and minor units.
fn add_limits(
    terms: &mut BTreeMap<String, String>,
    key: &str,
    assets: &[(AssetCode, u8)],
    of: Option<&ListInstrument>,
    limits: &OrderLimits,
) {
    let counts = [
        ("open_orders_max", limits.open_orders_max.to_string()),
        ("orders_per_second_max", limits.orders_per_second_max.to_string()),
    ];
    let sizes = match of {
        None => [
            ("quantity_max_lots", limits.quantity_max.to_string()),
            ("position_max_lots", limits.position_max.to_string()),
            ("notional_max_minor_units", limits.notional_max.to_string()),
        ],
        Some(listed) => {
            let (base_scale, quote_scale) = (asset(assets, listed.base).1, asset(assets, listed.quote).1);
            let lots_scale = listed.product.lots_of(base_scale, quote_scale);
            let notional_scale = listed.product.settled_in(base_scale, quote_scale);
            let lots =
                |quantity: Quantity| decimal::show_quantity(quantity, listed.lot, lots_scale).to_string();
            [
                ("quantity_max", lots(limits.quantity_max)),
                ("position_max", lots(limits.position_max)),
                ("notional_max", decimal::show_amount(limits.notional_max, notional_scale).to_string()),
            ]
        }
    };
    let fields = counts.into_iter().chain(sizes);
    terms.extend(fields.map(|(field, value)| (format!("{key}.{field}"), value)));
}

fn add_volume_tiers(terms: &mut BTreeMap<String, String>, assets: &[(AssetCode, u8)], tiers: &VolumeTiers) {
    let (code, scale) = asset(assets, tiers.asset);
    terms.insert("fees.volume_asset".to_owned(), code);
    let reached = tiers.volume_min.iter().enumerate().filter(|(_, least)| least.0 < i64::MAX);
    terms.extend(reached.map(|(tier, least)| {
        (format!("fees.volume_min[{tier}]"), decimal::show_amount(*least, scale).to_string())
    }));
}

fn login_name(logins: &[LoginName], login: LoginId) -> String {
    logins.get(login.0 as usize).map_or_else(|| format!("#{login}"), |name| name.to_string())
}

fn account_key(config: &Config, account: AccountId) -> String {
    format!("accounts[{}]", account_name(config, account))
}

fn account_name(config: &Config, account: AccountId) -> String {
    let place = (account.0 as usize).checked_sub(1);
    match place.map(|place| config.accounts.get(place)) {
        None => "fees".to_owned(),
        Some(Some(config)) => config.name.clone(),
        Some(None) => format!("#{account}"),
    }
}
