//! What an order is, as it came in.

use super::numbered::numbered_enum;
use super::{
    Amount, Echo, Instructions, InstrumentId, OrderId, PostOnly, Price, Quantity, Side, TimeInForce, UserRef,
    Visibility,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// The terms of an order that was accepted, or that took another's place, before it matches. Readers of events that keep orders
/// begin with these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderTerms {
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// The limit in ticks; `None` for a market order.
    pub price: Option<Price>,
    /// Open lots. (Of a replace OUCH's quantity, too: what is open, not the chain's total.)
    pub quantity: Quantity,
    /// What is now reserved for it, in what it pays with: [`super::Listing::held_in`].
    pub reserved: Amount,
    /// What the client sent along.
    pub echo: Echo,
    /// Whether it is shown.
    pub visibility: Visibility,
    /// Lots shown at a time; 0: all.
    pub display_quantity: u32,
    /// Whether it had to rest. (A slid order's price is the one it was moved to.)
    pub post_only: PostOnly,
    /// When it ends, seconds since the Unix epoch; 0: it has no such time.
    pub expire_s: u32,
    /// Whether it is live or waits for its trigger.
    pub state: OrderState,
}

impl OrderTerms {
    /// What is told of an order's instructions; nothing else of it is said yet.
    #[inline]
    pub fn asked_for(asked: &Instructions) -> Self {
        let Instructions { visibility, display_quantity, post_only, .. } = *asked;
        Self { visibility, display_quantity, post_only, ..Self::default() }
    }
}

numbered_enum! {
    /// Whether an order takes part in trading.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum OrderState {
        /// It does.
        #[default]
        Live = 0,
        /// It waits for its trigger.
        Dormant = 1,
    }
}
