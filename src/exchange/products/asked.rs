//! The parameters and results of the functions of products.

use super::super::book::{Hot, Order};
use super::super::extras::Extra;
use crate::domain::{Amount, AssetId, FeeRate, OrderState, Price, Quantity, QuantityUnit, Side};

/// Maker and taker rate of one row of a fee table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Rates {
    pub(in crate::exchange) maker: FeeRate,
    pub(in crate::exchange) taker: FeeRate,
}

/// The properties of an order that determine its reserve.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Demand {
    pub(in crate::exchange) side: Side,
    /// Its limit, ticks; `None` for a market order.
    pub(in crate::exchange) limit: Option<Price>,
    pub(in crate::exchange) open: Quantity,
    pub(in crate::exchange) fee_carry: u32,
    /// How a market order that waits for its trigger is valued. It must have a value, so that waiting orders are not
    /// free.
    pub(in crate::exchange) counted: Option<Counted>,
}

/// The value of a market order whose trade price is not known yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) enum Counted {
    /// The amount of money that is its quantity.
    Amount(i64),
    /// Its lots at this price, price units.
    At(u64),
}

impl Demand {
    /// The demand of an order with this many open lots.
    #[inline]
    pub(in crate::exchange) fn of(order: &Order, extra: Option<&Extra>, open: Quantity) -> Self {
        let counted = match extra {
            Some(extra) if extra.state == OrderState::Dormant && order.limit.is_none() => {
                Some(match extra.instructions.unit {
                    QuantityUnit::QuoteAmount => Counted::Amount(extra.amount),
                    QuantityUnit::Lots => Counted::At(extra.reserve_units),
                })
            }
            _ => None,
        };
        Self { side: order.side, limit: order.limit, open, fee_carry: order.fee_carry, counted }
    }
}

/// What an order may still spend, if its limit and its reserve do not determine it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::exchange) struct Purse {
    /// The remaining amount of a quantity in money.
    pub(in crate::exchange) budget: Option<i64>,
    /// The remaining money of a market order: its reserve plus its account's available balance.
    pub(in crate::exchange) funds: Option<i64>,
}

impl Purse {
    /// Whether it must be checked before every trade.
    pub(in crate::exchange) fn is_limited(&self) -> bool {
        self.budget.is_some() || self.funds.is_some()
    }
}

/// Why an order cannot pay for as many lots as it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) enum Short {
    /// Its quantity in money is spent.
    Budget,
    /// The account's balance is used up.
    Funds,
}

/// The fee terms of one side: its rate, and the amount by which its earlier fees were rounded up.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct FeeTerms {
    pub(in crate::exchange) rate: FeeRate,
    pub(in crate::exchange) carry: u32,
}

/// One side of a fill.
#[derive(Debug)]
pub(in crate::exchange) struct Settling<'o> {
    /// Its order. Its reserve and its carry are changed.
    pub(in crate::exchange) order: &'o mut Hot,
    /// Its open lots after the fill, including hidden ones.
    pub(in crate::exchange) open: Quantity,
    pub(in crate::exchange) rate: FeeRate,
}

/// The result of a fill.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Settled {
    /// The fees of the resting and the incoming side.
    pub(in crate::exchange) fees: [Amount; 2],
    /// The amount that counts for the volume of both sides.
    pub(in crate::exchange) volume: (AssetId, Amount),
}
