//! The venue as the configuration file describes it: assets, instruments and accounts.

use super::contracts::{ContractConfig, ContractRiskConfig, MarginTierConfig};
use super::settings::{
    AccountLimitsConfig, FeeTierConfig, InstrumentLimitsConfig, ProtectionConfig, ScheduleConfig,
    SelfTradeConfig, WalletConfig,
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
    /// The core of its matcher's thread, in dedicated mode; `None`: as `engine.pin_cores` says. Not journaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<usize>,
}

/// `[[assets]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetConfig {
    /// 1 to 8 characters.
    pub code: String,
    /// Balances are whole multiples of 10^-scale; 0 to 18.
    pub scale: u8,
    /// Whether deposits are accepted.
    #[serde(default = "yes")]
    pub deposits: bool,
    /// Whether withdrawals are accepted.
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
    /// An asset that accepts deposits and withdrawals, without minimum amounts.
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
    /// Code of the asset that it is priced and paid in.
    pub quote: String,
    /// Decimals of a price on the wire; 0 to 9.
    pub price_decimals: u8,
    /// Prices are multiples of this, in quote per base.
    #[serde(with = "super::exact")]
    pub tick: Decimal,
    /// Quantities are multiples of this, in base, of an inverse contract in quote.
    #[serde(with = "super::exact")]
    pub lot: Decimal,
    /// Smallest order, in the asset of `lot`.
    #[serde(with = "super::exact")]
    pub min_quantity: Decimal,
    /// Largest order, in the asset of `lot`; at most 2^32 - 1 lots.
    #[serde(with = "super::exact")]
    pub max_quantity: Decimal,
    /// Smallest value of a limit order, price × quantity, in quote, of an inverse contract in base.
    #[serde(with = "super::exact")]
    pub min_notional: Decimal,
    /// Fee of the resting side, parts per million of price × quantity; below 0 a rebate.
    #[serde(with = "super::exact")]
    pub maker_fee_ppm: Decimal,
    /// Fee of the incoming side, parts per million of price × quantity.
    #[serde(with = "super::exact")]
    pub taker_fee_ppm: Decimal,
    /// The asset in which fees are charged.
    #[serde(with = "super::words::fee_asset", default)]
    pub fee_asset: FeeAsset,
    /// The phase at the start.
    #[serde(with = "super::words::phase", default = "continuous")]
    pub phase: Phase,
    /// Name of the shard that it trades in; `None`: the first shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The kind of contract.
    #[serde(with = "super::words::product", default)]
    pub product: Product,
    /// What a contract refers to; `None`: it is set later, and the contract stays closed until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractConfig>,
    /// The risk parameters of a contract; `None`: as `contract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<ContractRiskConfig>,
    /// The margin tiers of a contract; empty: as `contract`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margin_tiers: Vec<MarginTierConfig>,
    /// Price limits and bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<ProtectionConfig>,
    /// Limits of every account in this instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<InstrumentLimitsConfig>,
    /// Fees of the tiers from 1 on. A tier that is not listed has the fees of tier 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fee_tiers: Vec<FeeTierConfig>,
    /// Trading hours; empty: the phase changes only by command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<ScheduleConfig>,
}

impl Default for InstrumentConfig {
    /// Empty names, numbers of zero, and defaults for the other settings.
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
            contract: None,
            risk: None,
            margin_tiers: Vec::new(),
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
    /// A name for display; not journaled.
    pub name: String,
    /// Opening balances by asset code, in the wallet of the first shard.
    #[serde(with = "super::exact::by_name", default)]
    pub deposits: BTreeMap<String, Decimal>,
    /// Opening balances in the wallets of other shards, by shard name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deposits_in: BTreeMap<String, WalletConfig>,
    /// The logins that may trade for the account.
    pub logins: Vec<LoginConfig>,
    /// Its fee tier; `None`: by its volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_tier: Option<u8>,
    /// Self-trade prevention when its own orders meet; `None`: they trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_trade: Option<SelfTradeConfig>,
    /// Limits of the account in every instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<AccountLimitsConfig>,
}

/// A login with the ids that it has in the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradingLogin {
    /// Its id; ids are dense over all accounts in the order of the file.
    pub login: LoginId,
    /// The account that owns its orders.
    pub account: AccountId,
    /// The entry in the file.
    pub config: LoginConfig,
}

impl TradingLogin {
    /// The journaled form of the name; `None` if the configuration's checks would refuse it.
    pub(super) fn name(&self) -> Option<LoginName> {
        LoginName::new(&self.config.username.to_ascii_uppercase())
    }
}

/// The logins of all accounts, with ids in this order.
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
