//! The whole file.

use super::sections::{
    EngineSection, EventLogSection, ExchangeSection, GatewaySection, JournalSection, MarketDataSection,
    RetentionSection, RingsSection, SnapshotsSection, SqlSection, TimersSection, TlsSection,
};
use super::settings::FeesSection;
use super::users::LoginConfig;
use super::venue::{AccountConfig, AssetConfig, InstrumentConfig, ShardConfig};
use serde::{Deserialize, Serialize};

/// A whole configuration. `default.toml` says what each key means and in which unit.
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
    /// The second exchange, and its snapshots.
    #[serde(default)]
    pub snapshots: SnapshotsSection,
    /// What is kept of all that is written.
    #[serde(default)]
    pub retention: RetentionSection,
    #[serde(default)]
    pub gateway: GatewaySection,
    #[serde(default)]
    pub market_data: MarketDataSection,
    /// Order entry for those who are not on a private network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSection>,
    /// The matching core.
    #[serde(default)]
    pub exchange: ExchangeSection,
    #[serde(default)]
    pub sql: SqlSection,
    /// What happens by itself.
    #[serde(default)]
    pub timers: TimersSection,
    /// How accounts come to their fee tiers.
    #[serde(default)]
    pub fees: FeesSection,
    /// The parts of the venue that have instruments, wallets and a matcher of their own, in the order of shard ids; empty: there
    /// is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardConfig>,
    /// What accounts hold, in the order of asset ids.
    pub assets: Vec<AssetConfig>,
    /// What is traded, in the order of instrument ids.
    pub instruments: Vec<InstrumentConfig>,
    /// Who trades, in the order of account ids from 1 (account 0 takes the fees).
    pub accounts: Vec<AccountConfig>,
    /// Who may come in without an account: for market data and administration. Not journaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<LoginConfig>,
}
