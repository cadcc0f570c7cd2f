//! Trades, assembled from the messages to both sides.

use super::actions::{OrderIndex, SessionIndex};
use crate::domain::{TradeId, UserRef};
use std::collections::BTreeMap;

/// The side of a trade that a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liquidity {
    /// The resting order.
    Added,
    /// The incoming order.
    Removed,
}

/// An Order Executed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fill {
    pub trade: TradeId,
    /// The order that traded.
    pub order: OrderIndex,
    pub user_ref: UserRef,
    /// The session whose stream has the message.
    pub session: SessionIndex,
    /// In price units.
    pub price: u64,
    /// Lots.
    pub quantity: u32,
    /// The side of the trade.
    pub liquidity: Liquidity,
}

/// Both sides of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    pub trade: TradeId,
    /// The resting order.
    pub maker: OrderIndex,
    /// The incoming order.
    pub taker: OrderIndex,
    /// In price units.
    pub price: u64,
    /// Lots.
    pub quantity: u32,
}

/// The trades, by number, for which both sides' messages exist and agree; and the number of the other messages.
pub fn trades(fills: &[Fill]) -> (Vec<Trade>, usize) {
    let mut sides = BTreeMap::<TradeId, [Option<&Fill>; 2]>::new();
    let mut twice = 0;
    for fill in fills {
        let side = &mut sides.entry(fill.trade).or_default()[fill.liquidity as usize];
        twice += usize::from(side.replace(fill).is_some());
    }
    let mut whole = Vec::with_capacity(sides.len());
    for (trade, both) in sides {
        let [Some(maker), Some(taker)] = both else { continue };
        if (maker.price, maker.quantity) == (taker.price, taker.quantity) {
            let (price, quantity) = (maker.price, maker.quantity);
            whole.push(Trade { trade, maker: maker.order, taker: taker.order, price, quantity });
        }
    }
    let left = fills.len() - 2 * whole.len();
    debug_assert!(left >= twice, "a message that came twice is left over");
    (whole, left)
}
