//! The configuration file as a whole.

use super::contracts::{IndexConfig, InsuranceFundConfig};
use super::sections::{
    EngineSection, EventLogSection, ExchangeSection, GatewaySection, JournalSection, MarketDataSection,
    RetentionSection, RingsSection, SnapshotsSection, SqlSection, TimersSection, TlsSection,
};
use super::settings::FeesSection;
use super::users::LoginConfig;
use super::venue::{AccountConfig, AssetConfig, InstrumentConfig, ShardConfig};
use serde::{Deserialize, Serialize};

/// A complete configuration. `default.toml` documents each key and its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Threads.
    #[serde(default)]
    pub engine: EngineSection,
    #[serde(default)]
    pub rings: RingsSection,
    /// The journal of commands.
    #[serde(default)]
    pub journal: JournalSection,
    #[serde(default)]
    pub event_log: EventLogSection,
    /// The second exchange and its snapshots.
    #[serde(default)]
    pub snapshots: SnapshotsSection,
    /// How long written data is kept.
    #[serde(default)]
    pub retention: RetentionSection,
    #[serde(default)]
    pub gateway: GatewaySection,
    #[serde(default)]
    pub market_data: MarketDataSection,
    /// Encrypted order entry, for clients that are not on a private network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSection>,
    /// The matching core.
    #[serde(default)]
    pub exchange: ExchangeSection,
    #[serde(default)]
    pub sql: SqlSection,
    /// Actions at intervals.
    #[serde(default)]
    pub timers: TimersSection,
    /// How volume determines the fee tiers of accounts.
    #[serde(default)]
    pub fees: FeesSection,
    /// The shards: parts of the venue with their own instruments, wallets and matcher, in the order of shard ids. Empty:
    /// there is one shard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardConfig>,
    /// The assets that accounts hold, in the order of asset ids.
    pub assets: Vec<AssetConfig>,
    /// Prices from outside that contracts follow, in the order of index ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexConfig>,
    /// The instruments, in the order of instrument ids.
    pub instruments: Vec<InstrumentConfig>,
    /// The trading accounts, in the order of account ids from 1 (account 0 receives the fees).
    pub accounts: Vec<AccountConfig>,
    /// What the insurance funds begin with.
    #[serde(default, skip_serializing_if = "InsuranceFundConfig::is_empty")]
    pub insurance_fund: InsuranceFundConfig,
    /// Users without an account, for market data and administration. Not journaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<LoginConfig>,
}
