//! The orders of an instrument that wait for their triggers, by their numbers. They are in no queue of a price, and joined by
//! what would join them there.

use super::slab::{Handle, NONE, OrderSlab};

/// The first and the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Waiting {
    first: u32,
    last: u32,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl Waiting {
    /// The order with the lowest number.
    pub(in crate::exchange) fn first(&self) -> Option<Handle> {
        Handle::of(self.first)
    }

    /// The order that waits and has the next higher number.
    pub(in crate::exchange) fn after(&self, orders: &OrderSlab, at: Handle) -> Option<Handle> {
        Handle::of(orders.hot(at).next)
    }

    /// Puts an order, whose number is the highest, at the end.
    pub(in crate::exchange) fn push(&mut self, orders: &mut OrderSlab, at: Handle) {
        let prev = std::mem::replace(&mut self.last, at.0);
        let order = orders.get_mut(at);
        (order.prev, order.next) = (prev, NONE);
        match Handle::of(prev) {
            Some(prev) => orders.get_mut(prev).next = at.0,
            None => self.first = at.0,
        }
    }

    /// Takes an order out. It is still in the slab.
    pub(in crate::exchange) fn remove(&mut self, orders: &mut OrderSlab, at: Handle) {
        let (prev, next) = (orders.hot(at).prev, orders.hot(at).next);
        match Handle::of(prev) {
            Some(prev) => orders.get_mut(prev).next = next,
            None => self.first = next,
        }
        match Handle::of(next) {
            Some(next) => orders.get_mut(next).prev = prev,
            None => self.last = prev,
        }
    }
}
