//! OUCH codes in words, as this exchange uses them (docs/PROTOCOL.md §2.5 to §2.7). If several reasons share a code,
//! the sentence names all of them; the event log and its table `rejections` have the exact reason.

use std::fmt;

/// The Reason field of Rejected: why an order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RejectCode(pub u16);

/// The Reason field of Order Canceled: why an order lost open quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CancelCode(pub u8);

impl RejectCode {
    /// A sentence about the code.
    pub fn explain(self) -> &'static str {
        match self.0 {
            0x01 => "There is nothing on the other side of the book to trade with.",
            0x02 => {
                "No orders are taken at present: the instrument is closed, its shard is far behind, the venue has been stopped, or its \
                 disk is nearly full."
            }
            0x03 => "This display instruction is not supported: use Y, A or N.",
            0x04 => {
                "The display quantity is above the order's quantity, or below the instrument's smallest order."
            }
            0x06 => "The price is outside the range that the instrument trades in.",
            0x07 => "The instrument is halted, or takes only cancels.",
            0x08 => "Inter-market sweep orders are not supported: ISO must be N.",
            0x09 => "The side is neither B (buy) nor S (sell).",
            0x0A => "The order's optional tags cannot be read.",
            0x0C => {
                "The account has been stopped, order entry of this login is switched off, or it may not send prices of this index."
            }
            0x0D => "The minimum quantity is above the order's quantity.",
            0x11 => "Pegged and discretionary prices are not supported.",
            0x12 => "The order must only rest in the book, but would trade at once.",
            0x13 => {
                "The quantity is zero or too small: below the smallest order or the smallest value, or too little money for one lot."
            }
            0x14 => {
                "This cross type is not supported, or orders gather for an auction, in which only limit orders that may rest are taken."
            }
            0x15 => {
                "The order cannot be changed like this: one that is linked to another is only cancelled whole."
            }
            0x16 => "Orders are not routed to other venues.",
            0x17 => "There is no instrument with this symbol, or it is no longer listed.",
            0x1A => "There is no retail programme.",
            0x1D => "The price or the trigger price is zero, too high, or not a multiple of the tick.",
            0x20 => {
                "The account's available money is too small for the order, or its position would be above its limit."
            }
            0x29 => "More messages or orders were sent in this second than are allowed.",
            0x2B => "Short sales are not possible on a spot market.",
            0x30 => "Price times quantity is above the limit.",
            0x31 => "The quantity is above the largest order that is allowed.",
            0x0F => {
                "Refused for a reason that the protocol has no code for: a time in force, a capacity or a tag that is not \
                 supported, instructions that exclude one another, a time that has passed, a limit on open orders, an order to be \
                 linked to that is not there, nothing to reduce, an effect that does not fit the position mode, or positions or \
                 orders that a setting must not meet."
            }
            _ => "Refused for a reason that this exchange does not give.",
        }
    }
}

impl CancelCode {
    /// A sentence about the code.
    pub fn explain(self) -> &'static str {
        match self.0 {
            b'U' => "It was cancelled as requested.",
            b'I' => {
                "What was left could not trade at once, or less than its minimum could, and it was not to wait."
            }
            b'K' => "Its next trade would have been too far from the market's price.",
            b'Q' => "It would have traded with an order of its own owner.",
            b'T' => "Its time has come, its day has ended, or the dead-man's switch was not held in time.",
            b'S' => {
                "The exchange cancelled it: an operator, a kill switch, new terms of the instrument, or a lost connection."
            }
            b'E' => "The instrument is no longer listed.",
            b'Z' => {
                "It could not go on: the money ran out, a change of it was not acceptable, the order that it was linked to \
                 traded or is gone, it could not be matched when its trigger came, or it has touched as much as one order may."
            }
            _ => "It was cancelled for a reason that this exchange does not give.",
        }
    }
}

impl CancelCode {
    /// A few words about the code, for a table or in brackets.
    pub fn brief(self) -> &'static str {
        match self.0 {
            b'U' => "as requested",
            b'I' => "nothing more to match",
            b'K' => "market price too far away",
            b'Q' => "own order on the other side",
            b'T' => "its time is over",
            b'S' => "by the exchange",
            b'E' => "no longer listed",
            b'Z' => "could not go on",
            _ => "for a reason without a name",
        }
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {:#04x})", self.explain(), self.0)
    }
}

impl fmt::Display for CancelCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {:?})", self.explain(), char::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CancelReason, RejectReason, SelfTradePrevented};
    use crate::wire::ouch::event::{cancel_code, reject_code};

    #[test]
    fn every_code_that_is_sent_has_a_sentence_of_its_own() {
        let unknown = RejectCode(0xFFFF).explain();
        for reason in RejectReason::ALL {
            assert_ne!(RejectCode(reject_code(*reason)).explain(), unknown, "{reason:?}");
        }
        let unknown = CancelCode(0);
        for reason in [
            CancelReason::UserRequested,
            CancelReason::ImmediateOrCancel,
            CancelReason::FundsExhausted,
            CancelReason::MarketCollar,
            CancelReason::SelfTradePrevented(SelfTradePrevented::default()),
            CancelReason::Expired,
            CancelReason::Delisted,
            CancelReason::Killed,
            CancelReason::WorkLimit,
        ] {
            let code = CancelCode(cancel_code(reason));
            assert_ne!(code.explain(), unknown.explain(), "{reason:?}");
            assert_ne!(code.brief(), unknown.brief(), "{reason:?}");
        }
    }
}
