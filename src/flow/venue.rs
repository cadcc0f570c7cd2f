//! The venue that a flow needs, as a configuration for an engine.

use crate::client::Credentials;
use crate::config::{AccountConfig, AssetConfig, Config, InstrumentConfig, LoginConfig};
use crate::domain::Symbol;
use crate::wire::soup;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The password of every login that a flow creates.
const PASSWORD: &str = "DEMO";

/// Assets, instruments and accounts.
#[derive(Clone, Debug)]
pub struct Venue {
    /// The assets that accounts hold.
    pub assets: Vec<AssetConfig>,
    /// The instruments; the flow's [`crate::domain::InstrumentId`]s are indexes into this list.
    pub instruments: Vec<InstrumentConfig>,
    /// The trading accounts; the flow's sessions are indexes into all their logins.
    pub accounts: Vec<AccountConfig>,
    /// The deposits of all accounts together, by asset code.
    pub deposits: BTreeMap<String, Decimal>,
}

impl Venue {
    /// Creates one account with one login per session, each with an equal share of the deposits.
    pub(super) fn open_accounts(&mut self, sessions: u16) {
        let share = |total: &Decimal| (total / Decimal::from(sessions)).trunc();
        let deposits = self.deposits.iter().map(|(code, total)| (code.clone(), share(total)));
        let deposits: BTreeMap<_, _> = deposits.collect();
        let account = |number| AccountConfig {
            name: format!("trader {number}"),
            deposits: deposits.clone(),
            logins: vec![LoginConfig::new(format!("FLOW{number}"), PASSWORD)],
            ..AccountConfig::default()
        };
        self.accounts = (1..=sessions).map(account).collect();
    }

    /// A configuration with this venue, of one shard; everything else has the built-in values.
    pub fn config(&self) -> Config {
        let mut config = Config::spot();
        config.assets.clone_from(&self.assets);
        config.instruments.clone_from(&self.instruments);
        config.accounts.clone_from(&self.accounts);
        // No message limit: a flow is played as fast as the engine accepts it.
        config.gateway.messages_per_second = 0;
        config
    }

    /// The sessions' logins, in the order of their [`super::SessionIndex`].
    pub fn credentials(&self) -> Vec<Credentials> {
        let logins = self.accounts.iter().flat_map(|account| &account.logins);
        let credentials = |login: &LoginConfig| {
            Some(Credentials {
                username: soup::username(&login.username)?,
                password: soup::password(login.password.as_deref()?)?,
                heartbeat_timeout_ms: None,
            })
        };
        logins.map(|login| credentials(login).expect("checked with the configuration")).collect()
    }

    /// The symbols, in the order of their instrument ids.
    pub fn symbols(&self) -> Vec<Symbol> {
        let symbols = self.instruments.iter().map(|instrument| Symbol::new(&instrument.symbol));
        symbols.map(|symbol| symbol.expect("checked with the configuration")).collect()
    }
}

/// A stock: quantities in whole shares, prices on a grid of 0.01.
pub(super) fn stock(symbol: &str, currency: &str, price_decimals: u8) -> Venue {
    let decimal = |units: u32| Decimal::from(units);
    let plenty = Decimal::from(1_000_000_000_000_i64);
    Venue {
        assets: vec![AssetConfig::new(symbol, 0), AssetConfig::new(currency, 2)],
        instruments: vec![InstrumentConfig {
            symbol: symbol.to_owned(),
            base: symbol.to_owned(),
            quote: currency.to_owned(),
            price_decimals,
            tick: Decimal::new(1, 2),
            lot: decimal(1),
            min_quantity: decimal(1),
            max_quantity: decimal(u32::MAX),
            min_notional: decimal(0),
            maker_fee_ppm: decimal(100),
            taker_fee_ppm: decimal(300),
            ..InstrumentConfig::default()
        }],
        accounts: Vec::new(),
        deposits: BTreeMap::from([(symbol.to_owned(), plenty), (currency.to_owned(), plenty)]),
    }
}
