//! The venue: assets, instruments and accounts as people write them, and the commands that open it.

use super::Config;
use super::error::{Problem, Problems};
use super::settings::{
    self, AccountLimitsConfig, FeeTierConfig, InstrumentLimitsConfig, ProtectionConfig, ScheduleConfig,
    SelfTradeConfig,
};
use super::users::{self, LoginConfig};
use super::validate::quoted;
use crate::domain::codec::{ENCODED_LEN_MAX, encode_command};
use crate::domain::decimal;
use crate::domain::{
    AccountId, Amount, AssetCode, AssetId, Command, FeeAsset, InstrumentId, ListInstrument, LoginId,
    LoginName, Phase, Quantity, RejectReason, Symbol, Transfer,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

const SCALE_MAX: u8 = Amount::SCALE_MAX;
const PRICE_DECIMALS_MAX: u8 = ListInstrument::PRICE_DECIMALS_MAX;

/// `[[assets]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetConfig {
    /// 1 to 8 characters.
    pub code: String,
    /// Balances are whole multiples of 10^-scale; 0 to 18.
    pub scale: u8,
    /// Whether deposits are taken.
    #[serde(default = "yes")]
    pub deposits: bool,
    /// Whether withdrawals are made.
    #[serde(default = "yes")]
    pub withdrawals: bool,
    /// Smallest deposit.
    #[serde(with = "super::exact", default)]
    pub min_deposit: Decimal,
    /// Smallest withdrawal.
    #[serde(with = "super::exact", default)]
    pub min_withdrawal: Decimal,
}

impl AssetConfig {
    /// An asset with nothing set.
    pub fn new(code: impl Into<String>, scale: u8) -> Self {
        let (min_deposit, min_withdrawal) = (Decimal::ZERO, Decimal::ZERO);
        Self { code: code.into(), scale, deposits: true, withdrawals: true, min_deposit, min_withdrawal }
    }
}

fn yes() -> bool {
    true
}

fn continuous() -> Phase {
    Phase::Continuous
}

/// `[[instruments]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentConfig {
    /// 1 to 8 characters.
    pub symbol: String,
    /// Code of the asset that is bought and sold.
    pub base: String,
    /// Code of the asset that it is paid in.
    pub quote: String,
    /// Decimals of a price on the wire; 0 to 9.
    pub price_decimals: u8,
    /// Prices are multiples of this, in quote per base.
    #[serde(with = "super::exact")]
    pub tick: Decimal,
    /// Quantities are multiples of this, in base.
    #[serde(with = "super::exact")]
    pub lot: Decimal,
    /// Smallest order, in base.
    #[serde(with = "super::exact")]
    pub min_quantity: Decimal,
    /// Largest order, in base; at most 2^32 - 1 lots.
    #[serde(with = "super::exact")]
    pub max_quantity: Decimal,
    /// Smallest price × quantity of a limit order, in quote.
    #[serde(with = "super::exact")]
    pub min_notional: Decimal,
    /// Fee of the resting side, parts per million of price × quantity; below 0 a rebate.
    #[serde(with = "super::exact")]
    pub maker_fee_ppm: Decimal,
    /// Fee of the incoming side, parts per million of price × quantity.
    #[serde(with = "super::exact")]
    pub taker_fee_ppm: Decimal,
    /// Out of what fees are taken.
    #[serde(with = "super::words::fee_asset", default)]
    pub fee_asset: FeeAsset,
    /// The phase that it starts in.
    #[serde(with = "super::words::phase", default = "continuous")]
    pub phase: Phase,
    /// What keeps its prices from running away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<ProtectionConfig>,
    /// Limits for every account in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<InstrumentLimitsConfig>,
    /// Fees of the tiers from 1 on; tiers that are not here have those of tier 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fee_tiers: Vec<FeeTierConfig>,
    /// Its hours; empty: it stays as it is put.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<ScheduleConfig>,
}

impl Default for InstrumentConfig {
    /// No names and no numbers, and nothing else set.
    fn default() -> Self {
        Self {
            symbol: String::new(),
            base: String::new(),
            quote: String::new(),
            price_decimals: 0,
            tick: Decimal::ZERO,
            lot: Decimal::ZERO,
            min_quantity: Decimal::ZERO,
            max_quantity: Decimal::ZERO,
            min_notional: Decimal::ZERO,
            maker_fee_ppm: Decimal::ZERO,
            taker_fee_ppm: Decimal::ZERO,
            fee_asset: FeeAsset::Quote,
            phase: Phase::Continuous,
            protection: None,
            limits: None,
            fee_tiers: Vec::new(),
            schedule: Vec::new(),
        }
    }
}

/// `[[accounts]]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// For people; not journaled.
    pub name: String,
    /// Opening balances by asset code.
    #[serde(with = "super::exact::by_name", default)]
    pub deposits: BTreeMap<String, Decimal>,
    /// Who may trade for the account.
    pub logins: Vec<LoginConfig>,
    /// Its row of the fee tables; `None`: by its volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_tier: Option<u8>,
    /// What is done when its orders meet; `None`: they trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_trade: Option<SelfTradeConfig>,
    /// Limits for it in every instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<AccountLimitsConfig>,
}

/// A login with its place in the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradingLogin {
    /// Its id, dense over all accounts in the order of the file.
    pub login: LoginId,
    /// The account that its orders are for.
    pub account: AccountId,
    /// As in the file.
    pub config: LoginConfig,
}

impl TradingLogin {
    /// The name as it is journaled; `None` for one that the configuration's checks refuse.
    pub(super) fn name(&self) -> Option<LoginName> {
        LoginName::new(&self.config.username.to_ascii_uppercase())
    }
}

pub(super) fn logins(config: &Config) -> Vec<TradingLogin> {
    let of_accounts = (1..)
        .zip(&config.accounts)
        .flat_map(|(account, accounts)| accounts.logins.iter().map(move |login| (AccountId(account), login)));
    let numbered = (0..).zip(of_accounts);
    numbered
        .map(|(login, (account, config))| TradingLogin {
            login: LoginId(login),
            account,
            config: config.clone(),
        })
        .collect()
}

/// The opening commands, and everything that is wrong with them. Where there are problems the commands are incomplete.
pub(super) fn resolve(config: &Config) -> (Vec<Command>, Vec<Problem>) {
    let mut problems = Problems::default();
    let p = &mut problems;
    let assets = Assets::resolve(&config.assets, p);
    let limits = Command::SetLimits { limits: config.exchange.limits() };
    let rules = Command::SetRules { edition: Command::RULES_LAST };
    let mut commands = vec![rules, limits, Command::OpenAccount { account: AccountId::FEES }];
    commands.extend(assets.commands());
    commands
        .extend((1..).zip(&config.accounts).map(|(id, _)| Command::OpenAccount { account: AccountId(id) }));
    check_accounts(&config.accounts, p);
    users::check(&config.accounts, &config.users, p);
    commands.extend(
        logins(config)
            .iter()
            .filter_map(|l| Some(Command::OpenLogin { login: l.login, account: l.account, name: l.name()? })),
    );
    let listed = instruments(&config.instruments, &assets, p);
    commands.extend(listed.iter().copied().map(Command::ListInstrument));
    commands.extend(deposits(&config.accounts, &assets, p).into_iter().map(Command::Deposit));
    commands.extend(settings::commands(config, &assets, &listed, p));
    // Not of the edition of the rules, which no file sets.
    commands.push(Command::Open { config_digest: digest(&commands[1..]) });
    (commands, problems.0)
}

/// First 8 bytes, little-endian, of the SHA-256 over the encoded commands one after another.
fn digest(commands: &[Command]) -> u64 {
    let mut hash = Sha256::new();
    let mut bytes = [0; ENCODED_LEN_MAX];
    for command in commands {
        let len = encode_command(command, &mut bytes).expect("ENCODED_LEN_MAX holds any command");
        hash.update(&bytes[..len]);
    }
    let hash: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes(hash.first_chunk().copied().expect("32 bytes have a first 8"))
}

/// The assets whose codes and scales are in order, in the order of their ids.
pub(super) struct Assets(Vec<Asset>);

#[derive(Clone, Copy)]
pub(super) struct Asset {
    pub(super) id: AssetId,
    code: AssetCode,
    pub(super) scale: u8,
}

impl Assets {
    fn resolve(configs: &[AssetConfig], p: &mut Problems) -> Self {
        if configs.is_empty() {
            p.add("assets", "[]", "at least two are needed: something to trade and something to pay with");
        }
        if configs.len() > usize::from(u16::MAX) {
            p.add("assets", format!("{} entries", configs.len()), "at most 65,535 are possible");
        }
        let mut assets: Vec<Asset> = Vec::new();
        for (id, config) in (0..=u16::MAX).zip(configs) {
            let key = |field: &str| format!("assets[{}].{field}", config.code);
            let Some(code) = AssetCode::new(&config.code) else {
                p.add(key("code"), quoted(&config.code), "must be 1 to 8 ASCII characters without spaces");
                continue;
            };
            if assets.iter().any(|asset| asset.code == code) {
                p.add(key("code"), quoted(&config.code), "stands here twice");
                continue;
            }
            if config.scale > SCALE_MAX {
                p.add(key("scale"), config.scale, format!("must be from 0 to {SCALE_MAX}"));
                continue;
            }
            assets.push(Asset { id: AssetId(id), code, scale: config.scale });
        }
        Self(assets)
    }

    fn commands(&self) -> impl Iterator<Item = Command> {
        self.0.iter().map(|a| Command::AddAsset { asset: a.id, code: a.code, scale: a.scale })
    }

    /// The asset with this code.
    pub(super) fn named(&self, code: &str) -> Option<Asset> {
        self.0.iter().find(|asset| asset.code.text() == code).copied()
    }

    pub(super) fn scale(&self, asset: AssetId) -> Option<u8> {
        self.0.iter().find(|known| known.id == asset).map(|known| known.scale)
    }

    pub(super) fn find(&self, key: String, code: &str, p: &mut Problems) -> Option<Asset> {
        let found = self.named(code);
        let known = || self.0.iter().map(|asset| asset.code.text()).collect::<Vec<_>>().join(", ");
        p.take(key, quoted(code), found.ok_or_else(|| format!("no such asset; there are {}", known())))
    }
}

fn instruments(configs: &[InstrumentConfig], assets: &Assets, p: &mut Problems) -> Vec<ListInstrument> {
    if configs.is_empty() {
        p.add("instruments", "[]", "at least one is needed");
    }
    let mut symbols = BTreeSet::new();
    let mut listed = Vec::new();
    for (id, config) in (0..).zip(configs) {
        if !symbols.insert(&config.symbol) {
            let key = format!("instruments[{}].symbol", config.symbol);
            p.add(key, quoted(&config.symbol), "stands here twice");
        }
        listed.extend(instrument(InstrumentId(id), config, assets, p));
    }
    listed
}

fn instrument(
    id: InstrumentId,
    config: &InstrumentConfig,
    assets: &Assets,
    p: &mut Problems,
) -> Option<ListInstrument> {
    let key = |field: &str| format!("instruments[{}].{field}", config.symbol);
    let symbol = Symbol::new(&config.symbol).ok_or("must be 1 to 8 ASCII characters without spaces");
    let symbol = p.take(key("symbol"), quoted(&config.symbol), symbol);
    if matches!(config.phase, Phase::Delisted | Phase::VolatilityAuction) {
        p.add(key("phase"), quoted(config.phase.word()), "is no phase that an instrument can start in");
    }
    let base = assets.find(key("base"), &config.base, p);
    let quote = assets.find(key("quote"), &config.quote, p);
    let tick_units = p.take(key("tick"), config.tick, tick_units(config));
    let maker_fee =
        p.take(key("maker_fee_ppm"), config.maker_fee_ppm, decimal::fee_rate(config.maker_fee_ppm));
    let taker_fee =
        p.take(key("taker_fee_ppm"), config.taker_fee_ppm, decimal::fee_rate(config.taker_fee_ppm));
    // Without the assets' scales nothing more can be said.
    let (symbol, base, quote, tick_units) = (symbol?, base?, quote?, tick_units?);
    if base.id == quote.id {
        p.add(key("quote"), quoted(&config.quote), "must be another asset than base");
    }
    let lot = p.take(key("lot"), config.lot, positive_amount(config.lot, base.scale))?;
    let min_notional = decimal::amount(config.min_notional, quote.scale);
    let min_notional = p.take(key("min_notional"), config.min_notional, min_notional);
    let (min_quantity, max_quantity) = quantities(config, lot, base.scale, p)?;
    // Where one of the last three is wrong that has been noted, and what stands for it is never used.
    let terms = ListInstrument {
        instrument: id,
        symbol,
        base: base.id,
        quote: quote.id,
        price_decimals: config.price_decimals,
        tick_units,
        lot,
        min_quantity,
        max_quantity,
        min_notional: min_notional.unwrap_or_default(),
        maker_fee: maker_fee.unwrap_or_default(),
        taker_fee: taker_fee.unwrap_or_default(),
        fee_asset: config.fee_asset,
        phase: config.phase,
    };
    let tick_value = terms.tick_value(base.scale, quote.scale).map_err(|reason| {
        let words = match reason {
            RejectReason::OutOfRange => "one tick on one lot is worth more than an amount can hold",
            other => other.text(),
        };
        format!(
            "{words}: tick {} × lot {}, {} has a scale of {}",
            config.tick, config.lot, config.quote, quote.scale
        )
    });
    p.take(key("tick"), config.tick, tick_value).map(|_| terms)
}

fn tick_units(config: &InstrumentConfig) -> Result<u32, String> {
    if config.price_decimals > PRICE_DECIMALS_MAX {
        let given = config.price_decimals;
        return Err(format!("price_decimals is {given}, but prices can have 0 to {PRICE_DECIMALS_MAX}"));
    }
    match settings::price_units(config.tick, config.price_decimals)? {
        0 => Err("must be above 0".to_owned()),
        units => Ok(units),
    }
}

fn positive_amount(value: Decimal, scale: u8) -> Result<Amount, String> {
    match decimal::amount(value, scale) {
        Ok(Amount(0)) => Err("must be above 0".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

fn quantities(
    config: &InstrumentConfig,
    lot: Amount,
    base_scale: u8,
    p: &mut Problems,
) -> Option<(Quantity, Quantity)> {
    let key = |field: &str| format!("instruments[{}].{field}", config.symbol);
    let min = decimal::quantity(config.min_quantity, lot, base_scale);
    let min = p.take(key("min_quantity"), config.min_quantity, min);
    let max = decimal::quantity(config.max_quantity, lot, base_scale);
    let max = p.take(key("max_quantity"), config.max_quantity, max);
    let (min, max) = (min?, max?);
    if min.0 == 0 {
        p.add(key("min_quantity"), config.min_quantity, "must be at least one lot");
    }
    if max.0 > u64::from(u32::MAX) {
        let reason = "is more than 2^32 - 1 lots, which the protocol's quantity field cannot carry";
        p.add(key("max_quantity"), config.max_quantity, reason);
    }
    if max < min {
        let reason = format!("is below min_quantity = {}", config.min_quantity);
        p.add(key("max_quantity"), config.max_quantity, reason);
    }
    Some((min, max))
}

fn check_accounts(accounts: &[AccountConfig], p: &mut Problems) {
    if accounts.is_empty() {
        p.add("accounts", "[]", "at least one is needed");
    }
    let mut names = BTreeSet::new();
    for account in accounts {
        let key = |field: &str| format!("accounts[{}].{field}", account.name);
        if account.name.trim().is_empty() {
            p.add(key("name"), quoted(&account.name), "must not be empty");
        }
        if !names.insert(&account.name) {
            p.add(key("name"), quoted(&account.name), "stands here twice");
        }
    }
}

/// Deposits in the order of accounts and, within one, of asset ids.
fn deposits(accounts: &[AccountConfig], assets: &Assets, p: &mut Problems) -> Vec<Transfer> {
    let mut transfers = Vec::new();
    let mut supply = BTreeMap::<AssetId, i128>::new();
    for (id, account) in (1..).zip(accounts) {
        let mut of_account = Vec::new();
        for (code, value) in &account.deposits {
            let key = format!("accounts[{}].deposits.{code}", account.name);
            let Some(asset) = assets.find(key.clone(), code, p) else { continue };
            let Some(amount) = p.take(&key, value, positive_amount(*value, asset.scale)) else { continue };
            let total = supply.entry(asset.id).or_default();
            *total += i128::from(amount.0);
            if *total > i128::from(i64::MAX) {
                let max = decimal::show_amount(Amount(i64::MAX), asset.scale);
                p.add(
                    key,
                    value,
                    format!("brings the deposits of {code} above {max}, the most that can exist"),
                );
            }
            of_account.push((asset.id, amount));
        }
        of_account.sort_unstable();
        transfers.extend((1..).zip(of_account).map(|(reference, (asset, amount))| Transfer {
            account: AccountId(id),
            asset,
            amount,
            reference,
        }));
    }
    transfers
}
