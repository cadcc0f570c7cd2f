//! What products are asked with, and what they answer.

use super::super::book::{Hot, Order};
use super::super::extras::Extra;
use crate::domain::{Amount, AssetId, FeeRate, OrderState, Price, Quantity, QuantityUnit, Side};

/// Maker and taker rate of one row of a fee table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Rates {
    pub(in crate::exchange) maker: FeeRate,
    pub(in crate::exchange) taker: FeeRate,
}

/// What an order asks its reserve for.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Demand {
    pub(in crate::exchange) side: Side,
    /// Its limit, ticks; `None` for a market order.
    pub(in crate::exchange) limit: Option<Price>,
    pub(in crate::exchange) open: Quantity,
    pub(in crate::exchange) fee_carry: u32,
    /// What a market order that waits for its trigger is counted at, so that nobody can leave orders behind for nothing.
    pub(in crate::exchange) counted: Option<Counted>,
}

/// What a market order comes to while nobody knows at which price it will trade.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) enum Counted {
    /// An amount of money, for that is its quantity.
    Amount(i64),
    /// Its lots at this price, price units.
    At(u64),
}

impl Demand {
    /// That of an order of which so many lots are open.
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

/// What an order may still spend, where its limit and its reserve do not say it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::exchange) struct Purse {
    /// What a quantity in money has left.
    pub(in crate::exchange) budget: Option<i64>,
    /// What a market order has left, of its reserve and of what its account has available.
    pub(in crate::exchange) funds: Option<i64>,
}

impl Purse {
    /// Whether it is to be looked into before every trade.
    pub(in crate::exchange) fn is_limited(&self) -> bool {
        self.budget.is_some() || self.funds.is_some()
    }
}

/// Why an order cannot pay for as many lots as it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) enum Short {
    /// Its quantity in money is spent.
    Budget,
    /// Its account has no more.
    Funds,
}

/// What a side pays for its trades: the rate of its fee, and what its fees so far were rounded up by.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct FeeTerms {
    pub(in crate::exchange) rate: FeeRate,
    pub(in crate::exchange) carry: u32,
}

/// A side of a fill.
#[derive(Debug)]
pub(in crate::exchange) struct Settling<'o> {
    /// Its order. What it holds, and its carry, change.
    pub(in crate::exchange) order: &'o mut Hot,
    /// What is open of it after the fill, all its lots counted.
    pub(in crate::exchange) open: Quantity,
    pub(in crate::exchange) rate: FeeRate,
}

/// What a fill comes to.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Settled {
    /// What the resting and the incoming side pay.
    pub(in crate::exchange) fees: [Amount; 2],
    /// What it counts for the volume of both sides.
    pub(in crate::exchange) volume: (AssetId, Amount),
}
