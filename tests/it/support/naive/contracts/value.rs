//! What lots are worth.

use super::exact::{Exact, absolute, down, fits, fraction, half_even, up, whole};
use dojima::domain::Side;
use dojima::domain::contracts::Settlement;

/// Kind and constant of a listing: `tv` of a linear one, `K` of an inverse one.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    pub settlement: Settlement,
    pub unit: i64,
}

impl Listed {
    /// `val(q, p)`, exactly.
    pub fn value(&self, lots: i128, price: i64) -> Exact {
        match self.settlement {
            Settlement::Linear => whole(lots) * whole(price) * whole(self.unit),
            Settlement::Inverse => -(whole(lots) * fraction(self.unit, price)),
        }
    }

    pub fn size(&self, lots: u64, price: i64) -> Exact {
        absolute(self.value(i128::from(lots), price))
    }

    /// The one integer that a trade is worth: whole if linear, else half-even.
    pub fn of_trade(&self, lots: u64, price: i64) -> Option<i64> {
        fits(&half_even(&self.size(lots, price)))
    }

    pub fn notional(&self, lots: u64, price: i64) -> Option<i64> {
        fits(&up(&self.size(lots, price)))
    }

    /// `+v` for a linear buy and an inverse sell, `−v` otherwise.
    pub fn signed(&self, side: Side, value: i64) -> i128 {
        match (self.settlement, side) {
            (Settlement::Linear, Side::Buy) | (Settlement::Inverse, Side::Sell) => i128::from(value),
            (Settlement::Linear, Side::Sell) | (Settlement::Inverse, Side::Buy) => -i128::from(value),
        }
    }

    /// Unrealised.
    pub fn profit(&self, lots: i128, cost: i128, mark: i64) -> Option<i64> {
        fits(&down(&(self.value(lots, mark) - whole(cost))))
    }

    /// `None` for a flat leg and where the page has no number: a cost of 0 has no inverse.
    pub fn average_entry(&self, lots: i128, cost: i128) -> Option<i64> {
        let lots = whole(lots.abs()) * whole(self.unit);
        let cost = whole(cost.abs());
        let (dividend, divisor) = match self.settlement {
            Settlement::Linear => (cost, lots),
            Settlement::Inverse => (lots, cost),
        };
        if divisor == whole(0) { None } else { fits(&half_even(&(dividend / divisor))) }
    }
}
