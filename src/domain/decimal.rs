//! Conversion between the decimal numbers that people use and the engine's integers.
//!
//! Used only at the edges: configuration, command line, reports. A number without an exact integer is an error; nothing
//! is rounded.

use super::{Amount, FeeRate, Listing, OrderPrice, Ppm, Quantity};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// A decimal number that has no exact integer here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The amount has more decimals than the asset.
    #[error("{value} has more decimals than the asset's scale of {scale}")]
    OffScale {
        /// The number given.
        value: Decimal,
        /// Decimals of the asset.
        scale: u32,
    },
    /// The quantity is not a whole number of lots.
    #[error("quantity {value} is not a whole number of lots of {lot}")]
    OffLotGrid {
        /// The number given.
        value: Decimal,
        /// One lot.
        lot: Decimal,
    },
    /// The price has more decimals than the instrument's price units.
    #[error("price {value} has more than {decimals} decimals")]
    OffPriceUnits {
        /// The number given.
        value: Decimal,
        /// Decimals of a price unit.
        decimals: u32,
    },
    /// The number is negative or too large.
    #[error("{value} is out of range (0 to {max})")]
    OutOfRange {
        /// The number given.
        value: Decimal,
        /// The largest possible.
        max: Decimal,
    },
}

/// Converts an amount of an asset to minor units of 10^-scale.
///
/// # Errors
/// [`DecimalError::OffScale`], [`DecimalError::OutOfRange`].
pub fn amount(value: Decimal, scale: u8) -> Result<Amount, DecimalError> {
    whole(value, u32::from(scale), i64::MAX)?
        .map(Amount)
        .ok_or(DecimalError::OffScale { value, scale: u32::from(scale) })
}

/// Converts minor units of 10^-scale to a decimal number.
pub fn show_amount(amount: Amount, scale: u8) -> Decimal {
    Decimal::new(amount.0, u32::from(scale)).normalize()
}

/// Converts a share in parts per million (not percent).
///
/// # Errors
/// [`DecimalError::OutOfRange`] for a fraction of a ppm, a negative number or more than 100 %.
pub fn ppm(value: Decimal) -> Result<Ppm, DecimalError> {
    let range = DecimalError::OutOfRange { value, max: Decimal::from(Ppm::ONE) };
    if !value.is_integer() {
        return Err(range);
    }
    value.to_u32().filter(|v| *v <= Ppm::ONE).map(Ppm).ok_or(range)
}

/// Converts a fee rate in parts per million; negative: a rebate.
///
/// # Errors
/// [`DecimalError::OutOfRange`] for a fraction of a ppm, or outside -100 % to 100 %.
pub fn fee_rate(value: Decimal) -> Result<FeeRate, DecimalError> {
    let range = DecimalError::OutOfRange { value, max: Decimal::from(FeeRate::ONE) };
    if !value.is_integer() {
        return Err(range);
    }
    value.to_i32().filter(|v| v.abs() <= FeeRate::ONE).map(FeeRate).ok_or(range)
}

/// Converts a price to price units of the listing: price × 10^p. The exchange checks whether it is on the tick and in
/// the protocol's range.
///
/// # Errors
/// [`DecimalError::OffPriceUnits`], [`DecimalError::OutOfRange`].
pub fn price_units(value: Decimal, price_decimals: u8) -> Result<OrderPrice, DecimalError> {
    let decimals = u32::from(price_decimals);
    let units = whole(value, decimals, i64::MAX)?.ok_or(DecimalError::OffPriceUnits { value, decimals })?;
    Ok(OrderPrice::Limit(units))
}

/// Converts a price in ticks to a decimal number.
pub fn show_price(listing: &Listing, price: super::Price) -> Decimal {
    let units = Decimal::from(listing.price_units(price));
    (units / ten_to(u32::from(listing.price_decimals))).normalize()
}

/// Converts a quantity of the base asset to lots.
///
/// # Errors
/// [`DecimalError::OffLotGrid`], [`DecimalError::OutOfRange`].
pub fn quantity(value: Decimal, lot: Amount, base_scale: u8) -> Result<Quantity, DecimalError> {
    let off_grid = || DecimalError::OffLotGrid { value, lot: show_amount(lot, base_scale) };
    let minor = whole(value, u32::from(base_scale), i64::MAX)?.ok_or_else(off_grid)?;
    if minor % lot.0 != 0 {
        return Err(off_grid());
    }
    Ok(Quantity((minor / lot.0).unsigned_abs()))
}

/// Converts lots to a decimal quantity of the base asset.
pub fn show_quantity(quantity: Quantity, lot: Amount, base_scale: u8) -> Decimal {
    (Decimal::from(quantity.0) * Decimal::new(lot.0, u32::from(base_scale))).normalize()
}

/// `value` × 10^decimals if it is whole, otherwise `None`.
fn whole(value: Decimal, decimals: u32, max: i64) -> Result<Option<i64>, DecimalError> {
    let out_of_range = || DecimalError::OutOfRange { value, max: Decimal::new(max, decimals) };
    let scaled = value.checked_mul(ten_to(decimals)).ok_or_else(out_of_range)?;
    if !scaled.is_integer() {
        return Ok(None);
    }
    scaled.to_i64().filter(|v| *v >= 0).map(Some).ok_or_else(out_of_range)
}

fn ten_to(decimals: u32) -> Decimal {
    Decimal::from(10_u64.pow(decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn amounts_are_exact_or_refused() {
        assert_eq!(amount(dec("1.5"), 8), Ok(Amount(150_000_000)));
        assert_eq!(
            amount(dec("0.000000001"), 8),
            Err(DecimalError::OffScale { value: dec("0.000000001"), scale: 8 })
        );
        assert!(matches!(amount(dec("-1"), 8), Err(DecimalError::OutOfRange { .. })));
        assert!(matches!(amount(dec("92233720369"), 8), Err(DecimalError::OutOfRange { .. })));
        assert_eq!(show_amount(Amount(150_000_000), 8), dec("1.5"));
    }

    #[test]
    fn quantities_lie_on_the_lot_grid() {
        let lot = Amount(1_000);
        assert_eq!(quantity(dec("1.5"), lot, 8), Ok(Quantity(150_000)));
        let off = DecimalError::OffLotGrid { value: dec("0.000015"), lot: dec("0.00001") };
        assert_eq!(quantity(dec("0.000015"), lot, 8), Err(off));
        assert_eq!(show_quantity(Quantity(150_000), lot, 8), dec("1.5"));
    }

    #[test]
    fn prices_are_whole_price_units() {
        assert_eq!(price_units(dec("78318.25"), 2), Ok(OrderPrice::Limit(7_831_825)));
        assert!(matches!(price_units(dec("0.001"), 2), Err(DecimalError::OffPriceUnits { .. })));
        assert_eq!(ppm(dec("1000")), Ok(Ppm(1000)));
        assert!(ppm(dec("0.5")).is_err());
        assert!(ppm(dec("1000001")).is_err());
    }
}
