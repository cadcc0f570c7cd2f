//! Converts decimal prices and quantities to and from wire units. OUCH carries neither tick, lot nor decimals, so a
//! client must get them elsewhere: from the operator of the venue or from its configuration.

use crate::domain::decimal::{self, DecimalError};
use crate::domain::{Amount, OrderPrice, Product, Quantity, Symbol};
use crate::wire::ouch::MARKET_PRICE;
use rust_decimal::Decimal;

/// The units of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// Its symbol.
    pub symbol: Symbol,
    /// Price fields carry price × 10^this.
    pub price_decimals: u8,
    /// One lot, minor units of [`Self::lots_of`].
    pub lot: Amount,
    /// Minor units of the base asset are 10^-this.
    pub base_scale: u8,
    /// Code of the base asset, which is bought and sold.
    pub base: String,
    /// Code of the quote asset, in which prices are.
    pub quote: String,
    /// Minor units of the quote asset are 10^-this.
    pub quote_scale: u8,
    /// The kind of contract. It determines which asset lots are amounts of.
    pub product: Product,
}

/// The instruments of a venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitsTable(Vec<Units>);

impl UnitsTable {
    /// The instrument with this symbol.
    pub fn find(&self, symbol: Symbol) -> Option<&Units> {
        self.0.iter().find(|units| units.symbol == symbol)
    }

    /// All of them, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Units> {
        self.0.iter()
    }
}

impl FromIterator<Units> for UnitsTable {
    fn from_iter<I: IntoIterator<Item = Units>>(units: I) -> Self {
        Self(units.into_iter().collect())
    }
}

impl Units {
    /// Converts a limit price to price units.
    ///
    /// # Errors
    /// [`DecimalError`] if it has more decimals than the instrument's prices, or is too large.
    pub fn price_units(&self, price: Decimal) -> Result<u64, DecimalError> {
        match decimal::price_units(price, self.price_decimals)? {
            // The wire has no sign.
            OrderPrice::Limit(units) => Ok(units.unsigned_abs()),
            OrderPrice::Market => Ok(MARKET_PRICE),
        }
    }

    /// Code of the asset that quantities are amounts of: base, of an inverse contract quote.
    pub fn lots_of(&self) -> &str {
        self.product.lots_of(&self.base, &self.quote)
    }

    fn lots_scale(&self) -> u8 {
        self.product.lots_of(self.base_scale, self.quote_scale)
    }

    /// Converts a quantity to lots.
    ///
    /// # Errors
    /// [`DecimalError`] if it is not a whole number of lots, or does not fit the field.
    pub fn lots(&self, quantity: Decimal) -> Result<u32, DecimalError> {
        let lots = decimal::quantity(quantity, self.lot, self.lots_scale())?;
        let max = self.quantity(u64::from(u32::MAX));
        u32::try_from(lots.0).map_err(|_| DecimalError::OutOfRange { value: quantity, max })
    }

    /// Converts price units to a decimal price; `None`: a market order.
    pub fn price(&self, units: u64) -> Option<Decimal> {
        let decimals = u32::from(self.price_decimals);
        let limit = (units < MARKET_PRICE).then(|| i64::try_from(units).ok()).flatten()?;
        Some(Decimal::new(limit, decimals).normalize())
    }

    /// The average price of `lots` lots whose price units × lots sum to `paid`, with two decimals more than the
    /// instrument's prices. `None` for no lots, or if the sum does not fit a decimal.
    pub fn average(&self, paid: u128, lots: u64) -> Option<Decimal> {
        let paid = Decimal::try_from_i128_with_scale(i128::try_from(paid).ok()?, 0).ok()?;
        let units = paid.checked_div(Decimal::from(lots))?;
        let decimals = u32::from(self.price_decimals);
        let price = units.checked_div(Decimal::from(10_u64.checked_pow(decimals)?))?;
        Some(price.round_dp(decimals + 2).normalize())
    }

    /// Converts lots to a decimal quantity.
    pub fn quantity(&self, lots: u64) -> Decimal {
        decimal::show_quantity(Quantity(lots), self.lot, self.lots_scale())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_to_the_wire_and_back() {
        let symbol = Symbol::new("BTC-USDT").expect("a symbol");
        let table = UnitsTable::from_iter([Units {
            symbol,
            price_decimals: 2,
            lot: Amount(1_000),
            base_scale: 8,
            base: "BTC".to_owned(),
            quote: "USDT".to_owned(),
            quote_scale: 6,
            product: Product::Spot,
        }]);
        let units = table.find(symbol).expect("it is listed");
        assert_eq!((units.base.as_str(), units.quote.as_str()), ("BTC", "USDT"));
        let number = |text: &str| Decimal::from_str_exact(text).expect("a number");
        assert_eq!(units.price_units(number("65000.01")), Ok(6_500_001));
        assert_eq!(units.lots(number("0.5")), Ok(50_000));
        assert_eq!(
            (units.price(6_500_001), units.quantity(50_000)),
            (Some(number("65000.01")), number("0.5"))
        );
        assert_eq!(units.price(MARKET_PRICE), None, "a market order");
        assert_eq!(units.average(13 * 6_500_000 + 3, 13), Some(number("65000.0023")));
        assert_eq!((units.average(1, 0), units.average(u128::MAX, 1)), (None, None));
        assert!(units.price_units(number("1.001")).is_err());
        assert!(units.lots(number("0.000001")).is_err());
        assert!(units.lots(number("50000")).is_err(), "5 billion lots");
        assert_eq!(table.find(Symbol::new("NONE").expect("a symbol")), None);
        assert_eq!(units.lots_of(), "BTC");

        // Of an inverse contract lots are amounts of quote: here of 10 dollars.
        let lot = Amount(10_000_000);
        let inverse = Units { product: Product::InversePerpetual, lot, ..units.clone() };
        assert_eq!((inverse.lots(number("250")), inverse.quantity(25)), (Ok(25), number("250")));
        assert_eq!(inverse.lots_of(), "USDT");
        assert!(inverse.lots(number("5")).is_err());
    }
}
