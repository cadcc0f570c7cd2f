//! Where a configuration differs from the venue that the journal was opened with.
//!
//! Both sides become the same flat table of key and value, in the words of the file, so every difference has the name
//! that a person finds in the file.

use super::{Config, venue};
use crate::domain::{AccountId, AssetCode, AssetId, Command, ListInstrument, Phase, Quantity, decimal};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::fmt;

/// One key whose value in the file is not the one in the journal. The journal's is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The whole path of the key, such as `instruments[BTC-USDT].maker_fee_ppm`.
    pub key: String,
    /// What the file says; `None` when it is not there.
    pub config: Option<String>,
    /// What the journal says; `None` when it is not there.
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
    let ours = Terms::read(config, &venue::resolve(config).0);
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

/// Key and value of everything that opening commands say.
struct Terms(BTreeMap<String, String>);

impl Terms {
    /// Accounts have no names in the journal; they take those that the file gives to their numbers.
    fn read(config: &Config, commands: &[Command]) -> Self {
        let mut terms = BTreeMap::new();
        let mut assets: Vec<(AssetCode, u8)> = Vec::new();
        for command in commands {
            match command {
                Command::AddAsset { asset, code, scale } => {
                    terms.insert(format!("assets[{code}].scale"), scale.to_string());
                    terms.insert(format!("assets[{code}].position"), asset.to_string());
                    assets.push((*code, *scale));
                }
                Command::OpenAccount { account } => {
                    terms.insert(account_key(config, *account), "open".to_owned());
                }
                Command::OpenLogin { account, name, .. } => {
                    terms.insert(format!("logins[{name}].account"), account.to_string());
                }
                Command::ListInstrument(terms_of) => add_instrument(&mut terms, &assets, terms_of),
                Command::Deposit(deposit) => {
                    let (code, scale) = asset(&assets, deposit.asset);
                    let key = format!("{}.deposits.{code}", account_key(config, deposit.account));
                    terms.insert(key, decimal::show_amount(deposit.amount, scale).to_string());
                }
                Command::SetLimits { orders_max } => {
                    terms.insert("exchange.orders_max".to_owned(), orders_max.to_string());
                }
                Command::Open { .. } => break,
                _ => {}
            }
        }
        Self(terms)
    }
}

fn add_instrument(
    terms: &mut BTreeMap<String, String>,
    assets: &[(AssetCode, u8)],
    instrument: &ListInstrument,
) {
    let (base, base_scale) = asset(assets, instrument.base);
    let (quote, quote_scale) = asset(assets, instrument.quote);
    let lots = |quantity: Quantity| decimal::show_quantity(quantity, instrument.lot, base_scale).to_string();
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
        ("lot", decimal::show_amount(instrument.lot, base_scale).to_string()),
        ("min_quantity", lots(instrument.min_quantity)),
        ("max_quantity", lots(instrument.max_quantity)),
        ("min_notional", decimal::show_amount(instrument.min_notional, quote_scale).to_string()),
        ("maker_fee_ppm", instrument.maker_fee.to_string()),
        ("taker_fee_ppm", instrument.taker_fee.to_string()),
        ("trading", (instrument.phase == Phase::Continuous).to_string()),
    ];
    let key = |field| format!("instruments[{}].{field}", instrument.symbol);
    terms.extend(fields.map(|(field, value)| (key(field), value)));
}

fn asset(assets: &[(AssetCode, u8)], id: AssetId) -> (String, u8) {
    assets.get(usize::from(id.0)).map_or_else(|| (format!("#{id}"), 0), |(code, scale)| (code.text(), *scale))
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
