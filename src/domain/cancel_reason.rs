//! Why orders lose open quantity without a trade.

use super::numbered::numbered;
use super::{InstrumentId, Price, Quantity, RejectReason, SelfTrade};
use bincode::{Decode, Encode};
use serde::Serialize;

/// Why an order lost open quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CancelReason {
    /// The client asked for the cancel.
    UserRequested,
    /// The remainder of an order that does not rest.
    ImmediateOrCancel,
    /// The remainder of a market buy that the account's available balance does not cover.
    FundsExhausted,
    /// A replace of the order had unacceptable details (PROTOCOL.md §2.8).
    InvalidReplace(RejectReason),
    /// Fewer lots than the order's minimum quantity could trade at once.
    MinimumQuantity,
    /// The remaining amount of a quantity in money is smaller than the cost of the next lot.
    AmountSpent,
    /// The next trade of a market order would be too far from the best price.
    MarketCollar,
    /// The next trade would cross a price band.
    PriceBand,
    /// The order would have traded with an order of the same owner.
    SelfTradePrevented(SelfTradePrevented),
    /// The order that it is linked to traded, was triggered or is no longer open.
    LinkedOrder,
    /// It reached its expire time, or its trading day ended.
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
    /// Its trigger price was reached, but the order could not be matched then, for this reason.
    TriggerRefused(RejectReason),
    /// The login's connection was lost (cancel on disconnect).
    Disconnected,
    /// The login did not renew its dead-man's switch in time.
    DeadMansSwitch,
    /// The order reached the limit of work per order ([`super::VenueLimits::orders_touched_max`]).
    WorkLimit,
    /// A trade of the order would have needed more margin than its account has.
    InsufficientMargin,
    /// The order is outside the contract's price limits.
    PriceOutsideLimits,
    /// A trade of the order would have raised the open interest above its limit.
    OpenInterestLimit,
    /// The reduce-only order had more lots than there are to close.
    ReduceOnlyResized,
    /// The index of the contract is stale, and a trade would have put more lots at risk.
    IndexStale,
    /// The contract expired or was closed out.
    ContractExpired,
    /// The account has less than nothing and no position that stands behind it.
    AccountBelowZero,
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
    20 => InsufficientMargin,
    21 => PriceOutsideLimits,
    22 => OpenInterestLimit,
    23 => ReduceOnlyResized,
    24 => IndexStale,
    25 => ContractExpired,
    26 => AccountBelowZero,
});

/// The trade that was prevented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SelfTradePrevented {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The resting order's price, ticks.
    pub price: Price,
    /// The quantity that would have traded, lots.
    pub quantity: Quantity,
    /// The self-trade prevention mode that was applied.
    pub mode: SelfTrade,
    /// Whether the cancelled order was the incoming one.
    pub incoming: bool,
}
