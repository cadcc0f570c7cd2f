//! All limits and settings of the process, and the venue that a first start opens.
//!
//! A configuration is a TOML file. The built-in one is `default.toml` beside this file; it documents each key. An unknown
//! key is an error, and so is a number off its grid; every error names the key and the value. The venue (assets, accounts,
//! instruments) becomes commands that are journaled at the first start. After that the journal is authoritative, and
//! [`Config::compare`] reports where the file differs from it.

mod compare;
mod contracts;
mod error;
mod exact;
mod file;
mod opening;
mod place;
mod sections;
mod settings;
mod users;
mod validate;
mod venue;
mod words;

pub use compare::Difference;
pub use contracts::{
    ContractConfig, ContractRiskConfig, Expiry, IndexConfig, InsuranceFundConfig, MarginTierConfig,
};
pub use error::{ConfigError, Problem};
pub use file::Config;
pub use sections::{
    Durability, EngineSection, EventLogSection, ExchangeSection, GatewaySection, InlineSync, JournalSection,
    JournalWrite, MarketDataSection, OldSegments, RetentionSection, RingsSection, SnapshotsSection,
    SqlSection, TimersSection, TlsSection,
};
pub use settings::{
    AccountLimitsConfig, Day, FeeTierConfig, FeesSection, InstrumentLimitsConfig, ProtectionConfig,
    ScheduleConfig, SelfTradeConfig, TimeOfDay, WalletConfig,
};
pub use users::{LoginConfig, LoginLimitsConfig, Network, UserRole};
pub use venue::{AccountConfig, AssetConfig, InstrumentConfig, ShardConfig, TradingLogin};

use crate::domain::{Command, VenueCommand};
use std::path::Path;

/// The built-in configuration as text, with its comments.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

impl Config {
    /// The built-in configuration: a shard with spot BTC-USDT and ETH-USDT, one with contracts, and four accounts with
    /// balances for trials.
    ///
    /// # Panics
    /// Never: a test reads the embedded file.
    pub fn embedded_default() -> Self {
        Self::from_toml(DEFAULT_TOML, "the built-in configuration").expect("default.toml is tested")
    }

    /// The spot part of the built-in configuration: one shard with BTC-USDT and ETH-USDT. For flows and measurements of
    /// spot, to which contracts have nothing to add.
    pub fn spot() -> Self {
        let mut config = Self::embedded_default();
        config.shards.clear();
        config.indexes.clear();
        config.insurance_fund = InsuranceFundConfig::default();
        config.instruments.retain(|instrument| !instrument.product.is_contract());
        config.accounts.iter_mut().for_each(|account| account.deposits_in.clear());
        config
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, has an unknown key, or a value that is out of bounds. The message names
    /// the file, and the line or the key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { origin: origin.clone(), source })?;
        Self::from_toml(&text, &origin)
    }

    /// Reads and checks the text of a file; `origin` names it in errors.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::parse(origin, text, &error))?;
        config.validate().map_err(|error| error.in_file(origin))?;
        Ok(config)
    }

    /// The configuration as the text of a file that [`Config::load`] reads back.
    ///
    /// # Errors
    /// When a value has no TOML form, such as an integer above `i64::MAX`.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// Checks every value against its bounds and against the others.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with every problem that there is, each with its key, value and reason.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = validate::limits(self);
        problems.append(&mut opening::resolve(self).1);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::invalid(problems)) }
    }

    /// The commands that a first start journals before any other: fee account, assets, accounts, logins, instruments,
    /// deposits, other settings, indexes and what contracts have. The last one is [`VenueCommand::Open`] with the digest of the commands before it. The same
    /// configuration always gives the same commands.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when the configuration was changed after it was checked and its venue is now invalid.
    pub fn opening_commands(&self) -> Result<Vec<Command>, ConfigError> {
        match opening::resolve(self) {
            (commands, problems) if problems.is_empty() => Ok(commands),
            (_, problems) => Err(ConfigError::invalid(problems)),
        }
    }

    /// Every login with its id and account, as the opening commands number them.
    pub fn logins(&self) -> Vec<TradingLogin> {
        venue::logins(&self.accounts)
    }

    /// The logins of the journaled opening commands that the file still has, by name. Ids and accounts come from the
    /// journal, whatever the order in the file, so no login ever trades with another account's money. A login that was added
    /// to the file later is not in the journal and cannot trade.
    pub fn logins_known_to(&self, journaled: &[Command]) -> Vec<TradingLogin> {
        let configured = self.logins();
        let known = journaled.iter().filter_map(|command| {
            let Command::Venue(VenueCommand::OpenLogin { login, account, name }) = *command else {
                return None;
            };
            let same = configured.iter().find(|configured| configured.name() == Some(name))?;
            Some(TradingLogin { login, account, ..same.clone() })
        });
        known.collect()
    }

    /// The differences between this configuration's venue and the venue that the journal was opened with. `journaled` are
    /// the journal's first commands up to [`VenueCommand::Open`]; later commands are ignored. Nothing is applied.
    pub fn compare(&self, journaled: &[Command]) -> Vec<Difference> {
        compare::differences(self, journaled)
    }
}
