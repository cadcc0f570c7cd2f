//! The order book of one instrument: price-time priority, nothing else. It knows no money and no clients.

mod levels;
mod order;

pub use levels::LevelView;
pub use order::{Handle, Order, OrderSlab};

use crate::domain::{Price, Quantity, Side};
use levels::Levels;

/// Both sides of one instrument's book. The orders themselves live in the slab that every method is handed.
#[derive(Debug)]
pub struct Book {
    bids: Levels,
    asks: Levels,
}

impl Default for Book {
    fn default() -> Self {
        Self { bids: Levels::new(Side::Buy), asks: Levels::new(Side::Sell) }
    }
}

impl Book {
    fn side(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// The best price of a side, and the order that trades first there.
    pub fn best(&self, side: Side) -> Option<(Price, Handle)> {
        self.side(side).best()
    }

    /// Puts the order last in the queue of its price.
    pub fn push_back(&mut self, orders: &mut OrderSlab, handle: Handle) {
        self.side_mut(orders.get(handle).side).push_back(orders, handle);
    }

    /// Takes the order out of its queue. It stays in the slab.
    pub fn unlink(&mut self, orders: &mut OrderSlab, handle: Handle) {
        self.side_mut(orders.get(handle).side).unlink(orders, handle);
    }

    /// Lowers an order's open quantity; it keeps its place. `by` is below what is open.
    pub fn reduce(&mut self, orders: &mut OrderSlab, handle: Handle, by: Quantity) {
        self.side_mut(orders.get(handle).side).reduce(orders, handle, by);
    }

    /// The levels of a side from best to worst.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.side(side).iter()
    }

    /// The orders of a side in the order in which they would trade.
    pub fn orders<'a>(
        &'a self,
        side: Side,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = (Handle, &'a Order)> + 'a {
        self.side(side).orders(orders)
    }
}
