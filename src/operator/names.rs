//! The names and decimals that operators use, and what they mean to the engine.

#![deny(clippy::wildcard_enum_match_arm)]

use super::transfer::TransferOrder;
use crate::domain::decimal;
use crate::domain::{
    AccountId, AddIndex, Amount, AssetCode, AssetId, ContractEvent, Event, IndexId, InstrumentId, Listing,
    LoginId, OrderPrice, ShardId, TransferOut,
};
use rust_decimal::Decimal;
use std::str::FromStr;

/// The names that orders can use.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The logins that can trade, by username.
    pub logins: Vec<(String, LoginId)>,
    /// The SoupBinTCP id of session 0.
    pub session: [u8; 10],
    /// The accounts with names.
    pub accounts: Vec<(String, AccountId)>,
    /// The assets by id, with their scales.
    pub assets: Vec<(AssetCode, u8)>,
    /// The instruments by id.
    pub instruments: Vec<Listing>,
    /// The indexes by id.
    pub indexes: Vec<AddIndex>,
    /// The shards that have names.
    pub shards: Vec<(String, ShardId)>,
}

impl Names {
    /// Adds the names that an event tells of.
    pub(super) fn learn(&mut self, event: &Event) {
        match event {
            Event::Contract(ContractEvent::IndexAdded(index)) => self.indexes.push(*index),
            Event::Contract(_) | Event::Order(_) | Event::Venue(_) | Event::Admin(_) | Event::Market(_) => {}
        }
    }

    /// The account with this name, or with this number.
    pub(super) fn account(&self, name: &str) -> Result<AccountId, String> {
        let named = self.accounts.iter().find(|(known, _)| known == name).map(|(_, account)| *account);
        let numbered = || name.parse().ok().map(AccountId);
        let known = self.accounts.iter().map(|(known, _)| known.clone());
        named.or_else(numbered).ok_or_else(|| unknown("account", name, known))
    }

    /// The command of a transfer between shards.
    pub(super) fn transfer(&self, order: &TransferOrder) -> Result<TransferOut, String> {
        let TransferOrder { account, asset, amount, from, to, reference } = order;
        let (asset, scale) = self.asset(asset)?;
        let whole = Decimal::from_str_exact(amount).map_err(|_| format!("{amount:?} is not a number"))?;
        let amount = decimal::amount(whole, scale).map_err(|why| format!("{amount} {why}"))?;
        Ok(TransferOut {
            account: self.account(account)?,
            asset,
            amount,
            from: self.shard(from)?,
            to: self.shard(to)?,
            reference: *reference,
            ..TransferOut::default()
        })
    }

    /// The login with this username; otherwise the text is read as the number of a login.
    pub(super) fn login(&self, name: &str) -> Result<LoginId, String> {
        let named = self.logins.iter().find(|(username, _)| username.eq_ignore_ascii_case(name));
        match (named, name.parse()) {
            (Some((_, login)), _) => Ok(*login),
            (None, Ok(number)) => Ok(LoginId(number)),
            (None, Err(_)) => Err(format!(
                "no login is named {name:?}; the configuration of the engine has their usernames"
            )),
        }
    }

    /// The index with this symbol, or with this number.
    pub(super) fn index(&self, name: &str) -> Result<&AddIndex, String> {
        let named = self.indexes.iter().find(|index| index.symbol.text() == name);
        let numbered = || self.indexes.get(name.parse::<usize>().ok()?);
        let known = self.indexes.iter().map(|index| index.symbol.text());
        named.or_else(numbered).ok_or_else(|| unknown("index", name, known))
    }

    /// The index with this id, as text.
    pub(super) fn index_name(&self, index: IndexId) -> String {
        let found = self.indexes.get(usize::from(index.0));
        found.map_or_else(|| format!("index {index}"), |found| format!("index {}", found.symbol))
    }

    /// The instrument with this symbol, the last one of those that had it, or with this number.
    pub(super) fn instrument(&self, name: &str) -> Result<&Listing, String> {
        let named = self.instruments.iter().rfind(|listing| listing.symbol.text() == name);
        let numbered = || self.instruments.get(name.parse::<usize>().ok()?);
        let known = self.instruments.iter().map(|listing| listing.symbol.text());
        named.or_else(numbered).ok_or_else(|| unknown("instrument", name, known))
    }

    /// The symbol of an instrument, or its number.
    pub(super) fn symbol(&self, instrument: InstrumentId) -> String {
        let found = self.instruments.get(instrument.0 as usize);
        found.map_or_else(|| format!("instrument {instrument}"), |listing| listing.symbol.text())
    }

    /// The asset that a contract is settled in.
    pub(super) fn settled_in(&self, instrument: InstrumentId) -> Option<AssetId> {
        self.instruments.get(instrument.0 as usize).map(Listing::settled_in)
    }

    /// The asset with this code, and its scale.
    pub(super) fn asset(&self, code: &str) -> Result<(AssetId, u8), String> {
        let found = (0..).map(AssetId).zip(&self.assets).find(|(_, (known, _))| known.text() == code);
        let found = found.map(|(id, (_, scale))| (id, *scale));
        found.ok_or_else(|| unknown("asset", code, self.assets.iter().map(|(known, _)| known.text())))
    }

    /// The scale of an asset.
    pub(super) fn scale(&self, asset: AssetId) -> Result<u8, String> {
        let found = self.assets.get(usize::from(asset.0));
        found.map(|(_, scale)| *scale).ok_or_else(|| format!("asset {asset} does not exist"))
    }

    /// An amount with the code of its asset.
    pub(super) fn shown(&self, amount: Amount, asset: AssetId) -> String {
        match self.assets.get(usize::from(asset.0)) {
            Some((code, scale)) => format!("{} {code}", decimal::show_amount(amount, *scale)),
            None => format!("{amount} minor units of asset {asset}"),
        }
    }

    /// The shard with this name, or with this number.
    pub(super) fn shard(&self, name: &str) -> Result<ShardId, String> {
        let named = self.shards.iter().find(|(known, _)| known == name).map(|(_, shard)| *shard);
        let numbered = || name.parse().ok().filter(|shard| usize::from(*shard) < ShardId::COUNT).map(ShardId);
        let known = self.shards.iter().map(|(known, _)| known.clone());
        named.or_else(numbered).ok_or_else(|| unknown("shard", name, known))
    }
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    match known.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => format!("no {what} is {name:?}; there is none"),
        known => format!("no {what} is {name:?}; there are {known}"),
    }
}

/// A decimal number; `what` names it in the error.
fn number(what: &str, text: &str) -> Result<Decimal, String> {
    Decimal::from_str(text).map_err(|_| format!("{what} {text:?} is no decimal number of at most 28 digits"))
}

/// A price in price units.
pub(super) fn price(what: &str, text: &str, decimals: u8) -> Result<u32, String> {
    let price = decimal::price_units(number(what, text)?, decimals);
    match price.map_err(|error| format!("{what}: {error}"))? {
        OrderPrice::Limit(units) if (1..Listing::PRICE_END as i64).contains(&units) => {
            u32::try_from(units).map_err(|error| error.to_string())
        }
        OrderPrice::Limit(_) | OrderPrice::Market => {
            let most = Decimal::new(Listing::PRICE_END as i64 - 1, u32::from(decimals));
            Err(format!("{what} {text}: prices are above 0 and at most {most}"))
        }
    }
}

/// An amount in minor units.
pub(super) fn amount(what: &str, text: &str, scale: u8) -> Result<Amount, String> {
    decimal::amount(number(what, text)?, scale).map_err(|error| format!("{what}: {error}"))
}
