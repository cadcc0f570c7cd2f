//! Why a match ends.

use crate::domain::{CancelReason, SelfTradePrevented};

/// Why a match came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchEnd {
    /// The order is filled, or nothing on the other side is within its limit.
    NothingCrosses,
    /// The account's money does not reach for one more lot (market buys only).
    OutOfFunds,
    /// What is left of a quantity in money does not pay for one more lot.
    AmountSpent,
    /// The next trade would be outside a price band.
    Band,
    /// The next trade would be too far from the best price.
    Collar,
    /// The next trade would be with the order's own owner: this one.
    SelfTrade(SelfTradePrevented),
    /// The order has touched as much as one order may, or its account has made icebergs come again as often as it may.
    WorkLimit,
}

impl MatchEnd {
    /// Why the rest of an order is cancelled that does not rest.
    pub(super) fn cancel_reason(self) -> CancelReason {
        match self {
            Self::NothingCrosses => CancelReason::ImmediateOrCancel,
            Self::OutOfFunds => CancelReason::FundsExhausted,
            Self::AmountSpent => CancelReason::AmountSpent,
            Self::Band => CancelReason::PriceBand,
            Self::Collar => CancelReason::MarketCollar,
            Self::SelfTrade(not_made) => CancelReason::SelfTradePrevented(not_made),
            Self::WorkLimit => CancelReason::WorkLimit,
        }
    }
}
