//! Why orders lose open quantity without a trade.

use super::numbered::numbered;
use super::{InstrumentId, Price, Quantity, RejectReason, SelfTrade};
use bincode::{Decode, Encode};
use serde::Serialize;

/// Why an order lost open quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CancelReason {
    /// The client asked for it.
    UserRequested,
    /// The remainder of an order that does not rest.
    ImmediateOrCancel,
    /// The remainder of a market buy that the account's money does not reach for.
    FundsExhausted,
    /// A replace of it had details that cannot be accepted (PROTOCOL.md §2.8).
    InvalidReplace(RejectReason),
    /// Fewer lots than its minimum could trade at once.
    MinimumQuantity,
    /// The next lot would cost more than what is left of a quantity in money.
    AmountSpent,
    /// The next trade of a market order would be too far from the best price.
    MarketCollar,
    /// The next trade would cross a price band.
    PriceBand,
    /// It would have traded with its own owner.
    SelfTradePrevented(SelfTradePrevented),
    /// The order that it is linked to traded, was triggered or is gone.
    LinkedOrder,
    /// Its time has come, or its day has ended.
    Expired,
    /// It does not fit the instrument's new terms.
    TermsChanged,
    /// The instrument was delisted.
    Delisted,
    /// A kill switch was turned on.
    Killed,
    /// An operator or the client cancelled it together with others.
    MassCancel,
    /// An operator cancelled it.
    Operator,
    /// Its trigger came, and this says why it could not be matched then.
    TriggerRefused(RejectReason),
    /// The login's connection is gone (cancel on disconnect).
    Disconnected,
    /// The login's dead-man's switch was not held.
    DeadMansSwitch,
    /// The order has touched as much as one order may.
    WorkLimit,
}

numbered!(CancelReason {
    0 => UserRequested,
    1 => ImmediateOrCancel,
    2 => FundsExhausted,
    3 => InvalidReplace(it),
    4 => MinimumQuantity,
    5 => AmountSpent,
    6 => MarketCollar,
    7 => PriceBand,
    8 => SelfTradePrevented(it),
    9 => LinkedOrder,
    10 => Expired,
    11 => TermsChanged,
    12 => Delisted,
    13 => Killed,
    14 => MassCancel,
    15 => Operator,
    16 => TriggerRefused(it),
    17 => Disconnected,
    18 => DeadMansSwitch,
    19 => WorkLimit,
});

/// The trade that was not made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SelfTradePrevented {
    /// What would have been traded.
    pub instrument: InstrumentId,
    /// The resting order's price, ticks.
    pub price: Price,
    /// How many lots would have traded.
    pub quantity: Quantity,
    /// What was done.
    pub mode: SelfTrade,
    /// Whether this is the order that was on its way in.
    pub incoming: bool,
}
