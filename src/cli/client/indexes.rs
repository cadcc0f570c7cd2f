//! The indexes of the configuration, for logins that send their prices.

use crate::config::Config;
use crate::domain::{IndexId, IndexOutcome, OrderPrice, Symbol, UserRef, decimal};
use anyhow::{Context, bail};
use rust_decimal::Decimal;

/// Symbol and price decimals of every index, in the order of the venue's configuration, which determines the ids.
pub struct Indexes(Vec<(String, u8)>);

impl Indexes {
    /// The indexes of a configuration.
    pub fn of(config: &Config) -> Self {
        Self(config.indexes.iter().map(|index| (index.symbol.clone(), index.price_decimals)).collect())
    }

    /// The index with this symbol, and the price in its price units.
    pub fn price(&self, symbol: Symbol, price: Decimal) -> anyhow::Result<(IndexId, u64)> {
        let symbol = symbol.text();
        let known = self.0.iter().position(|(known, _)| known.eq_ignore_ascii_case(&symbol));
        let at = known.with_context(|| format!("no index {symbol} in the configuration"))?;
        let decimals = self.0[at].1;
        match decimal::price_units(price, decimals) {
            Ok(OrderPrice::Limit(units)) if units > 0 => Ok((IndexId(at as u16), units.unsigned_abs())),
            Ok(_) => bail!("{price} is no price of {symbol}: it must be above 0"),
            Err(error) => bail!("{price} is no price of {symbol}: {error}"),
        }
    }

    /// What the user is told about a price that was not refused.
    pub fn answered(&self, user_ref: UserRef, index: IndexId, price: u64, outcome: IndexOutcome) -> String {
        let (symbol, price) = match self.0.get(usize::from(index.0)) {
            Some((symbol, decimals)) => (symbol.clone(), shown(price, *decimals)),
            None => (format!("number {index}"), format!("{price} price units")),
        };
        match outcome {
            IndexOutcome::Taken => format!("#{user_ref}: index {symbol} is {price}"),
            IndexOutcome::Held => format!(
                "#{user_ref}: {price} is far from the last price of index {symbol}; it waits for a second one near it"
            ),
        }
    }
}

fn shown(price: u64, decimals: u8) -> String {
    let price = i64::try_from(price).ok().and_then(|units| Decimal::try_new(units, u32::from(decimals)).ok());
    price.map_or_else(|| "?".to_owned(), |price| price.normalize().to_string())
}
