//! Why a match ends.

use crate::domain::{CancelReason, SelfTradePrevented};

/// Why a match came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchEnd {
    /// The order is filled, or no order on the other side is within its limit.
    NothingCrosses,
    /// The account's available balance does not cover another lot (market buys only).
    OutOfFunds,
    /// The remaining amount of a quantity in money does not pay for another lot.
    AmountSpent,
    /// The next trade would be outside a price band.
    Band,
    /// The next trade would be too far from the best price.
    Collar,
    /// The next trade would be with an order of the same owner; this is the trade.
    SelfTrade(SelfTradePrevented),
    /// The price limit of a market order of a contract.
    PriceLimit,
    /// The account's margin does not suffice for the next trade.
    Margin,
    /// The next trade would raise the open interest above its limit.
    OpenInterest,
    /// The next trade would put more lots at risk while the index is stale.
    IndexStale,
    /// The order reached its limit of work, or its account the limit of iceberg refreshes.
    WorkLimit,
}

impl MatchEnd {
    /// The reason for cancelling the remainder of an order that does not rest.
    pub(super) fn cancel_reason(self) -> CancelReason {
        match self {
            Self::NothingCrosses => CancelReason::ImmediateOrCancel,
            Self::OutOfFunds => CancelReason::FundsExhausted,
            Self::AmountSpent => CancelReason::AmountSpent,
            Self::Band => CancelReason::PriceBand,
            Self::Collar => CancelReason::MarketCollar,
            Self::SelfTrade(not_made) => CancelReason::SelfTradePrevented(not_made),
            Self::WorkLimit => CancelReason::WorkLimit,
            Self::PriceLimit => CancelReason::PriceOutsideLimits,
            Self::Margin => CancelReason::InsufficientMargin,
            Self::OpenInterest => CancelReason::OpenInterestLimit,
            Self::IndexStale => CancelReason::IndexStale,
        }
    }
}
