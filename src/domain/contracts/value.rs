//! What lots of a contract are worth.

use super::Leg;
use super::rounding::{ceil_div, fitting, floor_div, half_even_div};
use crate::domain::{Amount, Price, Side};

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

    /// |val(lots, price)| as a trade books it, once for both sides: whole for a linear contract, half-even for an inverse one.
    #[inline]
    pub fn of_trade(&self, lots: u64, price: Price) -> Option<Amount> {
        let (value, over) = self.fraction(lots, price);
        fitting(half_even_div(value, over)).map(Amount)
    }

    /// |val(lots, price)|, rounded up: what margin and fees are taken of.
    #[inline]
    pub fn notional(&self, lots: u64, price: Price) -> Option<Amount> {
        let (value, over) = self.fraction(lots, price);
        fitting(ceil_div(value, over)).map(Amount)
    }

    /// What a trade of this value adds to the cost of who buys or sells: `val` with its sign.
    #[inline]
    pub fn signed(&self, side: Side, value: Amount) -> i64 {
        match (self.settlement, side) {
            (Settlement::Linear, Side::Buy) | (Settlement::Inverse, Side::Sell) => value.0,
            (Settlement::Linear, Side::Sell) | (Settlement::Inverse, Side::Buy) => -value.0,
        }
    }

    /// What a leg would gain if it were closed at this price, rounded down.
    #[inline]
    pub fn profit(&self, leg: &Leg, mark: Price) -> Option<Amount> {
        let (value, over) = self.fraction(leg.lots.unsigned_abs(), mark);
        let is_above_zero = (leg.lots > 0) == (self.settlement == Settlement::Linear);
        let signed = if is_above_zero { value } else { -value };
        fitting(floor_div(signed, over) - i128::from(leg.cost)).map(Amount)
    }

    /// The price at which a leg came into being on average, ticks, half-even. `None` for one that is flat. It is shown and never
    /// computed with.
    pub fn average_entry(&self, leg: &Leg) -> Option<Price> {
        let (lots, cost) = (i128::from(leg.lots.unsigned_abs()), i128::from(leg.cost.unsigned_abs()));
        let unit = i128::from(self.unit);
        let (over, under) = match self.settlement {
            Settlement::Linear => (cost, lots * unit),
            Settlement::Inverse => (lots * unit, cost),
        };
        (under > 0).then(|| fitting(half_even_div(over, under))).flatten().map(Price)
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
    fn the_average_of_an_inverse_leg_is_harmonic() {
        let unit = Amount(100_000_000 * 2);
        let dollars = ContractValue::new(Settlement::Inverse, unit).expect("a value");
        let mut leg = Leg::default();
        for price in [20_000, 30_000] {
            let value = dollars.of_trade(50, Price(price)).expect("fits");
            leg.book(&dollars, Side::Buy, 50, value);
        }
        assert_eq!(dollars.average_entry(&leg), Some(Price(24_000)));
        assert_eq!(dollars.average_entry(&Leg::default()), None);
    }

    #[test]
    fn profit_is_rounded_down_on_both_sides() {
        let value = coins().of_trade(1, Price(60_000)).expect("fits");
        for (side, lots) in [(Side::Buy, 1), (Side::Sell, -1)] {
            let leg = Leg { lots, cost: coins().signed(side, value) };
            let profit = coins().profit(&leg, Price(60_000)).expect("fits");
            // Exactly a third of a unit is between the value that was booked and the value now.
            assert_eq!(profit.0, if lots > 0 { -1 } else { 0 }, "{side:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_nothing() {
        let dear = ContractValue::new(Settlement::Linear, Amount(i64::MAX)).expect("a value");
        assert_eq!(dear.of_trade(2, Price(1)), None);
        assert_eq!(dear.notional(u64::from(u32::MAX), Price(1 << 31)), None);
        assert_eq!(ContractValue::new(Settlement::Linear, Amount(0)), None);
    }
}
