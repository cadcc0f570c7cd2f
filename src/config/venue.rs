//! The venue as people write it: assets, instruments and accounts.

use super::settings::{
    AccountLimitsConfig, FeeTierConfig, InstrumentLimitsConfig, ProtectionConfig, ScheduleConfig,
    SelfTradeConfig,
};
use super::users::LoginConfig;
use crate::domain::{AccountId, FeeAsset, LoginId, LoginName, Phase, Product};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[[shards]]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardConfig {
    /// 1 to 8 characters.
    pub name: String,
}

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
    /// The shard that it trades in; `None`: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// What kind of contract it is.
    #[serde(with = "super::words::product", default)]
    pub product: Product,
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
            shard: None,
            product: Product::Spot,
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
    /// Opening balances by asset code, in the wallet of the first shard.
    #[serde(with = "super::exact::by_name", default)]
    pub deposits: BTreeMap<String, Decimal>,
    /// Opening balances in the wallets of other shards, by the names of the shards.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deposits_in: BTreeMap<String, WalletConfig>,
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

/// Opening balances in the wallet of one shard, by asset code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WalletConfig(#[serde(with = "super::exact::by_name")] pub BTreeMap<String, Decimal>);

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

/// The logins of all accounts, numbered in their order.
pub(super) fn logins(accounts: &[AccountConfig]) -> Vec<TradingLogin> {
    let of_accounts = (1..)
        .zip(accounts)
        .flat_map(|(id, account)| account.logins.iter().map(move |login| (AccountId(id), login)));
    let numbered = (0..).zip(of_accounts);
    numbered
        .map(|(login, (account, config))| TradingLogin {
            login: LoginId(login),
            account,
            config: config.clone(),
        })
        .collect()
}
