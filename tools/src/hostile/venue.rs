//! The engine under attack.

use super::forces::Forces;
use anyhow::Context;
use dojima::config::{AccountConfig, Config, LoginConfig};
use dojima::domain::{LoginName, Password};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::runtime::descriptors;
use dojima::stages::authenticator;
use dojima::wire::soup;
use std::net::SocketAddr;
use tempfile::TempDir;

/// The measured client, the user that logs in at intervals, and the hostile client.
pub(super) const GOOD: &str = "GOOD";
pub(super) const KNOWN: &str = "KNOWN";
pub(super) const HOSTILE: &str = "BAD";

const PASSWORD: &str = "DEMO";

/// The instrument that all of them trade.
pub(super) const SYMBOL: &str = "BTC-USDT";

/// File descriptors of the process in addition to those of the engine's connections.
const DESCRIPTORS_BESIDE: u64 = 512;

/// An engine on a temporary directory, which is removed with it.
pub(super) struct HostileEngine {
    engine: Engine,
    address: SocketAddr,
    _data: TempDir,
}

impl HostileEngine {
    pub(super) fn start(forces: Forces) -> anyhow::Result<Self> {
        let config = config()?;
        descriptors::provide(u64::from(forces.strangers) + DESCRIPTORS_BESIDE)?;
        let data = tempfile::tempdir().context("no directory for the engine's data")?;
        let launch = Launch {
            order_entry: OrderEntry::Listen,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress: &mut |_| {},
        };
        let engine = Engine::start(&config, data.path(), launch).context("the engine does not start")?;
        let address = engine.order_entry.context("the engine does not listen")?;
        Ok(Self { engine, address, _data: data })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.engine.stop().context("the engine ended by itself")?;
        Ok(())
    }
}

/// The built-in configuration with these logins, hashed passwords, and free ports.
fn config() -> anyhow::Result<Config> {
    let mut config = Config::spot();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    (config.gateway.listen, config.market_data.listen, config.market_data.glimpse_listen) =
        (free, free, free);
    let hash = authenticator::hash(&password()?)?;
    let deposits = config.accounts[0].deposits.clone();
    let account = |name: &str| AccountConfig {
        name: name.to_lowercase(),
        deposits: deposits.clone(),
        logins: vec![LoginConfig {
            username: name.to_owned(),
            password_hash: Some(hash.clone()),
            ..LoginConfig::default()
        }],
        ..AccountConfig::default()
    };
    config.accounts = [GOOD, KNOWN, HOSTILE].map(account).to_vec();
    Ok(config)
}

pub(super) fn username(name: &str) -> anyhow::Result<LoginName> {
    soup::username(name).context("a name has 1 to 6 letters and digits")
}

pub(super) fn password() -> anyhow::Result<Password> {
    soup::password(PASSWORD).context("a password has 1 to 10 letters and digits")
}
