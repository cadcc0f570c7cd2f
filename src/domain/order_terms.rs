//! The terms of an order when it is accepted.

use super::numbered::numbered_enum;
use super::{
    Amount, Echo, Instructions, InstrumentId, OrderId, PostOnly, Price, Quantity, Side, TimeInForce, UserRef,
    Visibility,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// The terms of an order that was accepted or that replaced another one, before it matches. Readers of events that
/// track orders start from these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderTerms {
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// The limit in ticks; `None` for a market order.
    pub price: Option<Price>,
    /// Open lots. (For a replace this is also OUCH's quantity: the open lots, not the chain's total.)
    pub quantity: Quantity,
    /// The amount now reserved for it, in the asset [`super::Listing::held_in`].
    pub reserved: Amount,
    /// Returned from the client's message.
    pub echo: Echo,
    /// Whether it is displayed.
    pub visibility: Visibility,
    /// Lots displayed at a time; 0: all.
    pub display_quantity: u32,
    /// Its post-only instruction. (If its price was slid, `price` is the new one.)
    pub post_only: PostOnly,
    /// Its expire time, seconds since the Unix epoch; 0: none.
    pub expire_s: u32,
    /// Whether it is live or waits for its trigger.
    pub state: OrderState,
}

impl OrderTerms {
    /// Terms with the values from these instructions; all other fields have defaults.
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
        /// It takes part.
        #[default]
        Live = 0,
        /// It waits for its trigger.
        Dormant = 1,
    }
}
