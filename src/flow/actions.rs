//! The actions of traders in a flow.

use crate::domain::{InstrumentId, OrderPrice, Side, TimeInForce};

/// An order of a flow, as an index into [`super::Flow::order_names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderIndex(pub u32);

/// A session of a flow, as an index into all logins of the venue's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionIndex(pub u16);

/// One action of a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowAction {
    /// Time on the flow's own clock, ns; never before that of the previous action.
    pub at_ns: u64,
    pub order: OrderIndex,
    /// The session that sends it; the same for all actions of an order.
    pub session: SessionIndex,
    pub instrument: InstrumentId,
    pub kind: ActionKind,
}

/// The kind of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Enters the order.
    New {
        side: Side,
        price: OrderPrice,
        /// Lots.
        quantity: u32,
        /// What happens to an unfilled remainder.
        time_in_force: TimeInForce,
    },
    /// Reduces the order.
    Reduce {
        /// Lots.
        by: u32,
    },
    /// Cancels the rest of the order.
    Cancel,
    /// Changes price and total quantity.
    Replace {
        price: OrderPrice,
        /// The new total including executed lots, lots.
        total: u32,
    },
}
