//! Conversion of prices and amounts of the file to the engine's units.

use crate::domain::decimal::{self, DecimalError};
use crate::domain::{Amount, Listing, OrderPrice};
use rust_decimal::Decimal;

/// A price in price units, within the range of the protocol.
pub(super) fn price_units(value: Decimal, decimals: u8) -> Result<u32, String> {
    match decimal::price_units(value, decimals) {
        Ok(OrderPrice::Limit(units)) if (0..Listing::PRICE_END as i64).contains(&units) => {
            u32::try_from(units).map_err(|error| error.to_string())
        }
        Ok(_) => {
            Err("is larger than any price that the protocol can carry (2^31 - 1 price units)".to_owned())
        }
        Err(DecimalError::OffPriceUnits { decimals, .. }) => {
            Err(format!("has more decimals than price_decimals = {decimals}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The same for a price that must be above 0.
pub(super) fn positive_price(value: Decimal, decimals: u8) -> Result<u32, String> {
    match price_units(value, decimals)? {
        0 => Err("must be above 0".to_owned()),
        units => Ok(units),
    }
}

/// An amount in minor units; must be above 0.
pub(super) fn positive_amount(value: Decimal, scale: u8) -> Result<Amount, String> {
    match decimal::amount(value, scale) {
        Ok(Amount(0)) => Err("must be above 0".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}
