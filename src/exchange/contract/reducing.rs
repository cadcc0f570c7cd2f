//! The resting reduce-only orders of contracts.

use super::super::book::Handle;
use super::super::positions::At;
use crate::domain::OrderId;
use std::collections::BTreeMap;

/// The resting reduce-only orders by account and contract, each by number.
#[derive(Clone, Debug, Default)]
pub(in crate::exchange) struct Reducing {
    of: BTreeMap<At, Vec<(OrderId, Handle)>>,
}

impl Reducing {
    /// Adds an order that rests.
    pub(in crate::exchange) fn add(&mut self, at: At, order: OrderId, handle: Handle) {
        let orders = self.of.entry(at).or_default();
        let place = orders.partition_point(|(other, _)| *other < order);
        orders.insert(place, (order, handle));
    }

    /// Removes an order; nothing if it is not there.
    pub(in crate::exchange) fn remove(&mut self, at: At, order: OrderId) {
        let Some(orders) = self.of.get_mut(&at) else { return };
        orders.retain(|(other, _)| *other != order);
        if orders.is_empty() {
            self.of.remove(&at);
        }
    }

    /// The orders of an account in a contract, by number.
    pub(in crate::exchange) fn of(&self, at: At) -> &[(OrderId, Handle)] {
        self.of.get(&at).map_or(&[], Vec::as_slice)
    }
}
