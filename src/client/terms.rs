//! What a person's prices and quantities are on the wire, and back. OUCH carries neither tick, lot nor decimals, so a client
//! takes them from the venue's configuration.

use crate::config::{Config, InstrumentConfig};
use crate::domain::decimal::{self, DecimalError};
use crate::domain::{Amount, OrderPrice, Quantity, Symbol};
use rust_decimal::Decimal;

/// How the numbers of one instrument are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its symbol.
    pub symbol: Symbol,
    /// Price fields carry price × 10^this.
    pub price_decimals: u8,
    /// One lot, minor units of the base asset.
    pub lot: Amount,
    /// Minor units of the base asset are 10^-this.
    pub base_scale: u8,
    /// Code of the asset that is bought and sold.
    pub base: String,
    /// Code of the asset that it is paid in.
    pub quote: String,
    /// Minor units of the quote asset are 10^-this.
    pub quote_scale: u8,
}

/// The instruments of a venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermsTable(Vec<Terms>);

impl TermsTable {
    /// Those of a configuration. An instrument whose numbers make no sense, which the configuration's own check refuses, is
    /// left out.
    pub fn of(config: &Config) -> Self {
        let scale =
            |code: &str| config.assets.iter().find(|asset| asset.code == code).map(|asset| asset.scale);
        let terms = |instrument: &InstrumentConfig| {
            let base_scale = scale(&instrument.base)?;
            Some(Terms {
                symbol: Symbol::new(&instrument.symbol)?,
                price_decimals: instrument.price_decimals,
                lot: decimal::amount(instrument.lot, base_scale).ok().filter(|lot| lot.0 > 0)?,
                base_scale,
                base: instrument.base.clone(),
                quote: instrument.quote.clone(),
                quote_scale: scale(&instrument.quote)?,
            })
        };
        Self(config.instruments.iter().filter_map(terms).collect())
    }

    /// The instrument with this symbol.
    pub fn find(&self, symbol: Symbol) -> Option<&Terms> {
        self.0.iter().find(|terms| terms.symbol == symbol)
    }

    /// All of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Terms> {
        self.0.iter()
    }
}

impl Terms {
    /// A limit for the wire.
    ///
    /// # Errors
    /// [`DecimalError`] for more decimals than prices here have, or a number that is too large.
    pub fn price_units(&self, price: Decimal) -> Result<u64, DecimalError> {
        match decimal::price_units(price, self.price_decimals)? {
            OrderPrice::Limit(units) => Ok(units),
            OrderPrice::Market => Ok(OrderPrice::LIMIT_END),
        }
    }

    /// A quantity of the base asset as lots.
    ///
    /// # Errors
    /// [`DecimalError`] for a quantity between two lots, or one that no order's field can carry.
    pub fn lots(&self, quantity: Decimal) -> Result<u32, DecimalError> {
        let lots = decimal::quantity(quantity, self.lot, self.base_scale)?;
        let max = self.quantity(u32::MAX);
        u32::try_from(lots.0).map_err(|_| DecimalError::OutOfRange { value: quantity, max })
    }

    /// A price of the wire for people; `None`: a market order.
    pub fn price(&self, units: u64) -> Option<Decimal> {
        let decimals = u32::from(self.price_decimals);
        let limit = (units < OrderPrice::LIMIT_END).then(|| i64::try_from(units).ok()).flatten()?;
        Some(Decimal::new(limit, decimals).normalize())
    }

    /// Lots of the wire as a quantity of the base asset.
    pub fn quantity(&self, lots: u32) -> Decimal {
        decimal::show_quantity(Quantity(u64::from(lots)), self.lot, self.base_scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_to_the_wire_and_back() {
        let table = TermsTable::of(&Config::embedded_default());
        let symbol = Symbol::new("BTC-USDT").expect("a symbol");
        let terms = table.find(symbol).expect("it is listed");
        assert_eq!((terms.base.as_str(), terms.quote.as_str()), ("BTC", "USDT"));
        let number = |text: &str| Decimal::from_str_exact(text).expect("a number");
        assert_eq!(terms.price_units(number("65000.01")), Ok(6_500_001));
        assert_eq!(terms.lots(number("0.5")), Ok(50_000));
        assert_eq!(
            (terms.price(6_500_001), terms.quantity(50_000)),
            (Some(number("65000.01")), number("0.5"))
        );
        assert_eq!(terms.price(OrderPrice::LIMIT_END), None, "a market order");
        assert!(terms.price_units(number("1.001")).is_err());
        assert!(terms.lots(number("0.000001")).is_err());
        assert!(terms.lots(number("50000")).is_err(), "5 billion lots");
        assert_eq!(table.find(Symbol::new("NONE").expect("a symbol")), None);
    }
}
