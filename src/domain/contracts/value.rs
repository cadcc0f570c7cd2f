//! What lots of a contract are worth.

use super::rounding::{ceil_div, fitting, half_even_div};
use crate::domain::{Amount, Listing, Price, Side};

/// In what a contract is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// In its quote asset: value rises with the price.
    Linear,
    /// In its base asset: the value of a lot is a constant over the price.
    Inverse,
}

/// The value of a contract's lots in minor units of its settlement asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractValue {
    settlement: Settlement,
    unit: i64,
}

impl ContractValue {
    /// `unit`: linear, what one tick is worth on one lot; inverse, what one lot is worth at a price of one tick. `None` unless it is
    /// 1 or more.
    pub fn new(settlement: Settlement, unit: Amount) -> Option<Self> {
        (unit.0 >= 1).then_some(Self { settlement, unit: unit.0 })
    }

    /// That of a listed contract. `None` unless a tick on a lot has a value.
    #[inline]
    pub fn of(listing: &Listing) -> Option<Self> {
        let settlement = if listing.product.is_inverse() { Settlement::Inverse } else { Settlement::Linear };
        Self::new(settlement, listing.tick_value)
    }

    /// In what it is settled.
    pub fn settlement(&self) -> Settlement {
        self.settlement
    }

    /// |val(lots, price)| as a fraction. Prices are 1 or more.
    #[inline]
    pub(super) fn fraction(&self, lots: u64, price: Price) -> (i128, i128) {
        let lots = i128::from(lots);
        match self.settlement {
            Settlement::Linear => (lots * i128::from(price.0) * i128::from(self.unit), 1),
            Settlement::Inverse => (lots * i128::from(self.unit), i128::from(price.0)),
        }
    }

    /// The same where both fit 64 bits, which they do but for numbers near the bounds.
    #[inline]
    pub(super) fn short_fraction(&self, lots: u64, price: Price) -> Option<(u64, u64)> {
        let (unit, price) = (self.unit as u64, price.0 as u64);
        match self.settlement {
            Settlement::Linear => Some((lots.checked_mul(price)?.checked_mul(unit)?, 1)),
            Settlement::Inverse => Some((lots.checked_mul(unit)?, price)),
        }
    }

    /// |val(lots, price)| as a trade books it, once for both sides: whole for a linear contract, half-even for an inverse one.
    #[inline]
    pub fn of_trade(&self, lots: u64, price: Price) -> Option<Amount> {
        if let Some((value, 1)) = self.short_fraction(lots, price) {
            return i64::try_from(value).ok().map(Amount);
        }
        let (value, over) = self.fraction(lots, price);
        fitting(half_even_div(value, over)).map(Amount)
    }

    /// |val(lots, price)|, rounded up: what margin and fees are taken of.
    #[inline]
    pub fn notional(&self, lots: u64, price: Price) -> Option<Amount> {
        if let Some((value, over)) = self.short_fraction(lots, price) {
            let value = if over == 1 { value } else { value.div_ceil(over) };
            return i64::try_from(value).ok().map(Amount);
        }
        let (value, over) = self.fraction(lots, price);
        fitting(ceil_div(value, over)).map(Amount)
    }

    /// The same, but above |val(lots, price)| also where the value of an inverse contract is whole.
    pub(crate) fn notional_above(&self, lots: u64, price: Price) -> Option<Amount> {
        match self.settlement {
            Settlement::Linear => self.notional(lots, price),
            Settlement::Inverse => {
                let (value, over) = self.fraction(lots, price);
                fitting(value / over + 1).map(Amount)
            }
        }
    }

    /// What a trade of this value adds to the cost of who buys or sells: `val` with its sign.
    #[inline]
    pub fn signed(&self, side: Side, value: Amount) -> i64 {
        match (self.settlement, side) {
            (Settlement::Linear, Side::Buy) | (Settlement::Inverse, Side::Sell) => value.0,
            (Settlement::Linear, Side::Sell) | (Settlement::Inverse, Side::Buy) => -value.0,
        }
    }

    /// What one tick on one lot, or one lot at one tick, is worth.
    #[inline]
    pub(super) fn unit(&self) -> i64 {
        self.unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 USD a contract in coins of 10^-8, ticks of .5 USD.
    fn coins() -> ContractValue {
        ContractValue::new(Settlement::Inverse, Amount(100 * 100_000_000 * 2)).expect("a value")
    }

    #[test]
    fn an_inverse_contract_is_worth_its_dollars_over_the_price() {
        assert_eq!(coins().of_trade(150, Price(1_500)), Some(Amount(20_0000_0000)));
        assert_eq!(coins().of_trade(150, Price(1_600)), Some(Amount(18_7500_0000)));
        assert_eq!(coins().of_trade(600, Price(100_000)), Some(Amount(1_2000_0000)));
        // 33.3... is down, 66.6... up; the notional is always up.
        assert_eq!(coins().of_trade(1, Price(60_000)), Some(Amount(333_333)));
        assert_eq!(coins().notional(1, Price(60_000)), Some(Amount(333_334)));
    }

    #[test]
    fn what_does_not_fit_is_nothing() {
        let dear = ContractValue::new(Settlement::Linear, Amount(i64::MAX)).expect("a value");
        assert_eq!(dear.of_trade(2, Price(1)), None);
        assert_eq!(dear.notional(u64::from(u32::MAX), Price(1 << 31)), None);
        assert_eq!(ContractValue::new(Settlement::Linear, Amount(0)), None);
    }
}
