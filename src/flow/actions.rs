//! What traders do, one action after the other.

use crate::domain::{InstrumentId, OrderPrice, Side, TimeInForce};

/// An order of a flow: its place in [`super::Flow::order_names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderIndex(pub u32);

/// A session of a flow: its place among all logins of the venue's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionIndex(pub u16);

/// One thing that a trader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowAction {
    /// When, nanoseconds on the flow's own clock; never less than the action before.
    pub at_ns: u64,
    pub order: OrderIndex,
    /// Through which session: the same for all actions of an order.
    pub session: SessionIndex,
    pub instrument: InstrumentId,
    pub kind: ActionKind,
}

/// What a trader does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Enters it.
    New {
        side: Side,
        price: OrderPrice,
        /// Lots.
        quantity: u32,
        /// What becomes of a remainder.
        time_in_force: TimeInForce,
    },
    /// Takes some of it back.
    Reduce {
        /// Lots.
        by: u32,
    },
    /// Takes all of it back that is left.
    Cancel,
    /// Gives it another price and total.
    Replace {
        price: OrderPrice,
        /// The new total, lots, with what has executed.
        total: u32,
    },
}
