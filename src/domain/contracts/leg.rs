//! A position: signed lots and what they have cost.

use super::rounding::{fitting, floor_div, half_even_div};
use super::{ContractValue, Settlement};
use crate::domain::{Amount, Price, Side};

/// The position of an account in a contract; in hedge mode there are two. (docs/FUTURES.md, "Positions")
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// Above 0: long.
    pub lots: i64,
    /// The values of the fills that made it, with their signs, less the parts of those that were closed; minor units of the settlement
    /// asset. 0 when flat.
    pub cost: i64,
}

/// What a fill did to a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Profit that is realised: the wallet's, or the pot's.
    pub realised: i64,
    /// Lots that were closed.
    pub closed: u64,
    /// Lots that were opened.
    pub opened: u64,
}

impl Leg {
    /// Books a fill of these lots and this value (that of [`ContractValue::of_trade`]): closes first and opens with the rest.
    ///
    /// # Panics
    /// If lots or cost do not fit 64 bits: orders that could lead there are refused when they are entered.
    pub fn book(&mut self, contract: &ContractValue, side: Side, lots: u64, value: Amount) -> Booked {
        let direction = if side == Side::Buy { 1 } else { -1 };
        let held = self.lots.unsigned_abs();
        let is_against = self.lots != 0 && (self.lots > 0) != (side == Side::Buy);
        let closed = if is_against { held.min(lots) } else { 0 };
        let opened = lots - closed;
        let of_closed = match opened {
            0 => value,
            _ => share(value.0, closed, lots),
        };
        let mut realised = 0;
        if closed > 0 {
            let part = if closed == held { self.cost } else { share(self.cost, closed, held).0 };
            realised = -contract.signed(side, of_closed) - part;
            self.cost -= part;
            self.lots += direction * signed(closed);
        }
        if opened > 0 {
            let of_opened = Amount(value.0 - of_closed.0);
            self.cost = self.cost.checked_add(contract.signed(side, of_opened)).expect("a cost fits");
            self.lots = self.lots.checked_add(direction * signed(opened)).expect("lots fit");
        }
        Booked { realised, closed, opened }
    }

    /// What it would gain if it were closed at this price, rounded down; `None` if that does not fit an amount.
    #[inline]
    pub fn profit(&self, contract: &ContractValue, mark: Price) -> Option<Amount> {
        let is_above_zero = (self.lots > 0) == (contract.settlement() == Settlement::Linear);
        if let Some((value, over)) = contract.short_fraction(self.lots.unsigned_abs(), mark) {
            // Down: below 0 that is away from 0.
            let down = if over == 1 {
                value
            } else if is_above_zero {
                value / over
            } else {
                value.div_ceil(over)
            };
            // Near the bounds the long way may still have a result that fits.
            if let Ok(value) = i64::try_from(down)
                && let Some(profit) = (if is_above_zero { value } else { -value }).checked_sub(self.cost)
            {
                return Some(Amount(profit));
            }
        }
        let (value, over) = contract.fraction(self.lots.unsigned_abs(), mark);
        let signed = if is_above_zero { value } else { -value };
        fitting(floor_div(signed, over) - i128::from(self.cost)).map(Amount)
    }

    /// The price at which it came into being on average, ticks, half-even; `None` when it is flat. It is shown and never computed
    /// with.
    pub fn average_entry(&self, contract: &ContractValue) -> Option<Price> {
        let (lots, cost) = (i128::from(self.lots.unsigned_abs()), i128::from(self.cost.unsigned_abs()));
        let unit = i128::from(contract.unit());
        let (over, under) = match contract.settlement() {
            Settlement::Linear => (cost, lots * unit),
            Settlement::Inverse => (lots * unit, cost),
        };
        (under > 0).then(|| fitting(half_even_div(over, under))).flatten().map(Price)
    }
}

/// `amount × part / whole`, towards 0.
fn share(amount: i64, part: u64, whole: u64) -> Amount {
    let share = i128::from(amount) * i128::from(part) / i128::from(whole);
    Amount(i64::try_from(share).expect("a part is no more than the whole"))
}

fn signed(lots: u64) -> i64 {
    i64::try_from(lots).expect("lots fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> ContractValue {
        ContractValue::new(Settlement::Linear, Amount(1)).expect("a value")
    }

    /// 100 USD a contract in coins of 10^-8, ticks of .5 USD.
    fn coins() -> ContractValue {
        ContractValue::new(Settlement::Inverse, Amount(20_000_000_000)).expect("a value")
    }

    fn fill(leg: &mut Leg, side: Side, lots: u64, value: i64) -> Booked {
        leg.book(&one(), side, lots, Amount(value))
    }

    /// Both sides of a path; the other side has every number negated.
    #[test]
    fn profit_of_a_path() {
        use Side::{Buy, Sell};
        let (mut leg, mut other) = (Leg::default(), Leg::default());
        let mut step = |side: Side, lots: u64, price: i64| {
            let value = i64::try_from(lots).expect("few") * price;
            let booked = fill(&mut leg, side, lots, value);
            let against = fill(&mut other, side.opposite(), lots, value);
            assert_eq!(against.realised, -booked.realised);
            assert_eq!((other.lots, other.cost), (-leg.lots, -leg.cost));
            (booked.realised, leg.profit(&one(), Price(price)).expect("fits").0)
        };
        assert_eq!(step(Buy, 50, 1_000), (0, 0));
        assert_eq!(step(Sell, 5, 1_005), (25, 225));
        assert_eq!(step(Sell, 5, 995), (-25, -200));
        assert_eq!(step(Sell, 2, 1_009), (18, 342));
        assert_eq!(step(Sell, 38, 1_009), (342, 0));
        assert_eq!(step(Sell, 5, 1_003), (0, 0));
    }

    #[test]
    fn part_of_the_cost() {
        let mut leg = Leg { lots: 10, cost: 10 };
        assert_eq!(fill(&mut leg, Side::Sell, 1, 5), Booked { realised: 4, closed: 1, opened: 0 });
        assert_eq!(leg, Leg { lots: 9, cost: 9 });
        let mut leg = Leg { lots: 10, cost: 10 };
        assert_eq!(fill(&mut leg, Side::Sell, 11, 22), Booked { realised: 10, closed: 10, opened: 1 });
        assert_eq!(leg, Leg { lots: -1, cost: -2 });
        let mut leg = Leg { lots: 10, cost: 10 };
        assert_eq!(fill(&mut leg, Side::Sell, 11, 10), Booked { realised: -1, closed: 10, opened: 1 });
        assert_eq!(leg, Leg { lots: -1, cost: -1 });
        let mut leg = Leg { lots: 10, cost: 100 };
        assert_eq!(fill(&mut leg, Side::Sell, 1, 5).realised, -5);
    }

    #[test]
    fn turn_over() {
        let mut leg = Leg::default();
        fill(&mut leg, Side::Buy, 50, 50 * 99_000);
        let booked = fill(&mut leg, Side::Sell, 60, 60 * 110_000);
        assert_eq!(booked, Booked { realised: 550_000, closed: 50, opened: 10 });
        assert_eq!(leg, Leg { lots: -10, cost: -1_100_000 });
    }

    /// A leg that came to nothing has no cost, and what was realised is what came in less what went out.
    #[test]
    fn nothing_is_left_of_a_leg_that_is_closed() {
        let coins = coins();
        let mut leg = Leg::default();
        let (mut realised, mut values) = (0, 0);
        for (side, lots, price) in [
            (Side::Buy, 7, 60_001),
            (Side::Buy, 4, 59_998),
            (Side::Sell, 3, 60_123),
            (Side::Sell, 5, 59_001),
            (Side::Sell, 3, 61_777),
        ] {
            let value = coins.of_trade(lots, Price(price)).expect("fits");
            values += coins.signed(side, value);
            realised += leg.book(&coins, side, lots, value).realised;
        }
        assert_eq!((leg, realised), (Leg::default(), -values));
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
        assert_eq!(leg.average_entry(&dollars), Some(Price(24_000)));
        assert_eq!(Leg::default().average_entry(&dollars), None);
    }

    #[test]
    fn profit_is_rounded_down_on_both_sides() {
        let value = coins().of_trade(1, Price(60_000)).expect("fits");
        for (side, lots) in [(Side::Buy, 1), (Side::Sell, -1)] {
            let leg = Leg { lots, cost: coins().signed(side, value) };
            let profit = leg.profit(&coins(), Price(60_000)).expect("fits");
            // Exactly a third of a unit is between the value that was booked and the value now.
            assert_eq!(profit.0, if lots > 0 { -1 } else { 0 }, "{side:?}");
        }
    }
}
