//! Decimals and lots of a venue's instruments, from its configuration.

use crate::client::units::{Units, UnitsTable};
use crate::config::{Config, InstrumentConfig};
use crate::domain::{Symbol, decimal};

/// The instruments of a configuration, in its order. An instrument with invalid numbers, which the configuration's check
/// refuses, is left out.
pub(super) fn units_of(config: &Config) -> UnitsTable {
    let scale = |code: &str| config.assets.iter().find(|asset| asset.code == code).map(|asset| asset.scale);
    let units_of = |instrument: &InstrumentConfig| {
        let (base_scale, quote_scale) = (scale(&instrument.base)?, scale(&instrument.quote)?);
        let lots_scale = instrument.product.lots_of(base_scale, quote_scale);
        Some(Units {
            symbol: Symbol::new(&instrument.symbol)?,
            price_decimals: instrument.price_decimals,
            lot: decimal::amount(instrument.lot, lots_scale).ok().filter(|lot| lot.0 > 0)?,
            base_scale,
            base: instrument.base.clone(),
            quote: instrument.quote.clone(),
            quote_scale,
            product: instrument.product,
        })
    };
    config.instruments.iter().filter_map(units_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    #[test]
    fn the_built_in_venue_has_its_units() {
        let table = units_of(&Config::embedded_default());
        let units = table.find(Symbol::new("BTC-USDT").expect("a symbol")).expect("it is listed");
        assert_eq!((units.base.as_str(), units.quote.as_str()), ("BTC", "USDT"));
        assert_eq!(units.price_units(Decimal::new(6_500_001, 2)), Ok(6_500_001));
        assert_eq!(units.lots(Decimal::new(5, 1)), Ok(50_000));
    }
}
