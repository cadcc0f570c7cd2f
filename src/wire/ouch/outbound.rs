//! Messages to clients (OUCH 5.0 §2.2 in docs/PROTOCOL.md). All are defined, including those that this exchange never
//! sends.

use super::layout::{Tail, message, read_tail, write_message};
use super::{Appendage, OuchError};
use crate::domain::{Amount, AssetId, ClOrdId, IndexId, OrderId, ShardId, Symbol, TradeId, UserRef};

message! {
    /// `S`, System Event.
    SystemEvent b'S' 10 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// S start of day, E end of day.
        code: u8 = 9,
    }
}

message! {
    /// `A`, Order Accepted.
    OrderAccepted b'A' 62 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// As sent by the client.
        side: u8 = 13,
        /// Lots.
        quantity: u32 = 14,
        symbol: Symbol = 18,
        /// Limit in price units, or [`super::MARKET_PRICE`].
        price: u64 = 26,
        /// As sent by the client.
        time_in_force: u8 = 34,
        /// As sent by the client.
        display: u8 = 35,
        /// The exchange's number of the order.
        order: OrderId = 36,
        /// As sent by the client.
        capacity: u8 = 44,
        /// As sent by the client.
        iso: u8 = 45,
        /// As sent by the client.
        cross_type: u8 = 46,
        /// L live, D dead: nothing follows.
        state: u8 = 47,
        /// As sent by the client.
        cl_ord_id: ClOrdId = 48,
    }
}

message! {
    /// `U`, Order Replaced.
    OrderReplaced b'U' 66 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the replaced order.
        orig_user_ref: UserRef = 9,
        /// The client's number of the new order.
        user_ref: UserRef = 13,
        /// Side of the original order.
        side: u8 = 17,
        /// Open lots, not the total of the chain.
        quantity: u32 = 18,
        symbol: Symbol = 22,
        /// Limit in price units, or [`super::MARKET_PRICE`].
        price: u64 = 30,
        /// As sent by the client.
        time_in_force: u8 = 38,
        /// As sent by the client.
        display: u8 = 39,
        /// The exchange's number of the new order.
        order: OrderId = 40,
        /// Capacity of the original order.
        capacity: u8 = 48,
        /// As sent by the client.
        iso: u8 = 49,
        /// Cross type of the original order.
        cross_type: u8 = 50,
        /// L live, D dead: nothing follows.
        state: u8 = 51,
        /// As sent by the client.
        cl_ord_id: ClOrdId = 52,
    }
}

message! {
    /// `C`, Order Canceled: an order lost open quantity without a trade.
    OrderCanceled b'C' 18 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// Lots by which the order becomes smaller.
        decrement: u32 = 13,
        /// The reason; see [`super::event::cancel_code`].
        reason: u8 = 17,
    }
}

message! {
    /// `D`, AIQ (self-match) Canceled: an order lost open quantity because it would have traded with its own owner.
    SelfMatchCanceled b'D' 32 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// Lots by which the order becomes smaller.
        decrement: u32 = 13,
        /// The reason, always Q.
        reason: u8 = 17,
        /// Lots that would have traded.
        prevented: u32 = 18,
        /// The price of the prevented trade, in price units.
        price: u64 = 22,
        /// A: the order was resting, R: it was incoming.
        liquidity: u8 = 30,
        /// O: the resting order is cancelled; W: the incoming order is cancelled; D: both lose the quantity that would
        /// have traded.
        strategy: u8 = 31,
    }
}

message! {
    /// `E`, Order Executed: one side of a trade.
    OrderExecuted b'E' 34 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// Lots.
        quantity: u32 = 13,
        /// In price units.
        price: u64 = 17,
        /// A: added liquidity (the order was resting); J: the same for a hidden order; R: removed liquidity; O, C and
        /// H: in an auction.
        liquidity: u8 = 25,
        /// The trade's number, the same for both sides.
        trade: TradeId = 26,
    }
}

message! {
    /// `B`, Broken Trade: a trade is cancelled. Never sent: trades here are final.
    BrokenTrade b'B' 36 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        trade: TradeId = 13,
        /// E erroneous, C consent, S supervisory, X external.
        reason: u8 = 21,
        /// ClOrdID of the order.
        cl_ord_id: ClOrdId = 22,
    }
}

message! {
    /// `J`, Rejected: a new order was refused.
    OrderRejected b'J' 29 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order. The refusal uses it up.
        user_ref: UserRef = 9,
        /// The reason; see [`super::event::reject_code`].
        reason: u16 = 13,
        /// As sent by the client.
        cl_ord_id: ClOrdId = 15,
    }
}

message! {
    /// `M`, Order Modified: the quantity was reduced without loss of priority.
    OrderModified b'M' 18 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// Side of the order.
        side: u8 = 13,
        /// Open lots.
        quantity: u32 = 14,
    }
}

message! {
    /// `P`, Cancel Pending: a cancel will be executed later. Never sent: cancels here are executed at once or refused.
    CancelPending b'P' 13 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
    }
}

message! {
    /// `T`, Order Priority Update: the order has a new place in the queue.
    OrderPriorityUpdate b'T' 30 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// Limit in price units, or [`super::MARKET_PRICE`].
        price: u64 = 13,
        /// Y: displayed, N: hidden.
        display: u8 = 21,
        /// The exchange's new number of the order.
        order: OrderId = 22,
    }
}

message! {
    /// `I`, Cancel Reject: a cancel or a change was refused; the order is unchanged.
    CancelRejected b'I' 13 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
    }
}

message! {
    /// `R`, Order Restated.
    OrderRestated b'R' 14 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the order.
        user_ref: UserRef = 9,
        /// R: the next slice is displayed.
        reason: u8 = 13,
    }
}

message! {
    /// `X`, Mass Cancel Response. It follows the messages of the single cancels.
    MassCancelResponse b'X' 25 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the mass cancel.
        user_ref: UserRef = 9,
        /// Spaces.
        firm: [u8; 4] = 13,
        /// The instrument; spaces for all.
        symbol: Symbol = 17,
    }
}

message! {
    /// `G`, Disable Order Entry Response.
    EntryDisabled b'G' 17 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the message that is answered.
        user_ref: UserRef = 9,
        /// As sent by the client.
        firm: [u8; 4] = 13,
    }
}

message! {
    /// `K`, Enable Order Entry Response.
    EntryEnabled b'K' 17 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the message that is answered.
        user_ref: UserRef = 9,
        /// As sent by the client.
        firm: [u8; 4] = 13,
    }
}

message! {
    /// `Q`, Account Query Response.
    AccountQueryResponse b'Q' 13 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The smallest number that the login has not used.
        next_user_ref: UserRef = 9,
    }
}

message! {
    /// `W`, Transfer Sent, a private message: the answer to a Transfer Out.
    MoneySent b'W' 49 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the message that is answered.
        user_ref: UserRef = 9,
        asset: AssetId = 13,
        /// Minor units.
        amount: Amount = 15,
        /// The shard whose wallet paid.
        from: ShardId = 23,
        /// The shard whose wallet receives.
        to: ShardId = 24,
        /// The number of the transfer, from 1 for each pair of shards.
        number: u64 = 25,
        /// As sent by the client.
        reference: u64 = 33,
        /// What the account has left in the wallet that paid, minor units; what orders hold is included.
        wallet: Amount = 41,
    }
}

message! {
    /// `Y`, Position State, a private message: a position that an Account Query asked for. It comes before the answer.
    PositionStated b'Y' 91 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The contract.
        symbol: Symbol = 9,
        /// N: the only position; L and S: the long and the short one (hedge mode).
        leg: u8 = 17,
        /// The leverage in force; 0: the contract has no mark or tiers yet.
        leverage: u8 = 18,
        /// Above 0: long.
        lots: i64 = 19,
        /// Their cost, with its sign, minor units of the settlement asset.
        cost: i64 = 27,
        /// The average entry price, price units; 0: there is none.
        entry: u64 = 35,
        /// Its own money; 0 in cross mode.
        pot: i64 = 43,
        /// The mark, price units; 0: there is none yet.
        mark: u64 = 51,
        /// The profit at the mark, not realised.
        profit: i64 = 59,
        /// The equity of its margin account.
        equity: i64 = 67,
        /// The maintenance margin of all positions of its margin account.
        maintenance: i64 = 75,
        /// The liquidation price, price units; 0: there is none.
        liquidation: u64 = 83,
    }
}

message! {
    /// `H`, Position Changed, a private message to all logins of the account.
    PositionMoved b'H' 75 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The contract.
        symbol: Symbol = 9,
        /// N: the only position; L and S: the long and the short one (hedge mode).
        leg: u8 = 17,
        /// T trade, S settled, O offset, C closed out, D deleveraged.
        cause: u8 = 18,
        /// The trade; 0: there was none.
        trade: TradeId = 19,
        /// Lots now; above 0: long.
        lots: i64 = 27,
        /// Their cost now, with its sign, minor units of the settlement asset.
        cost: i64 = 35,
        /// The average entry price, price units; 0: there is none.
        entry: u64 = 43,
        /// The profit that the change realised; below 0: a loss.
        realised: i64 = 51,
        /// Its own money now; 0 in cross mode.
        pot: i64 = 59,
        /// The wallet now, fee included; what orders hold is in it.
        wallet: i64 = 67,
    }
}

message! {
    /// `F`, Funding Paid, a private message to all logins of the account.
    FundingCharged b'F' 46 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The contract.
        symbol: Symbol = 9,
        /// N: the only position; L and S: the long and the short one (hedge mode).
        leg: u8 = 17,
        /// The number of the funding, from 1 for each contract.
        number: u32 = 18,
        /// Minor units of the settlement asset; above 0: received.
        amount: i64 = 22,
        /// Its own money now; 0 in cross mode.
        pot: i64 = 30,
        /// The wallet now; what orders hold is in it.
        wallet: i64 = 38,
    }
}

message! {
    /// `V`, Fund Paid, a private message to all logins of the account: the insurance fund brought a wallet or a pot to 0.
    LackCovered b'V' 28 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The contract of the pot; spaces: it was the wallet.
        symbol: Symbol = 9,
        /// The asset.
        asset: AssetId = 17,
        /// The shard of the wallet.
        shard: ShardId = 19,
        /// Minor units, above 0.
        amount: Amount = 20,
    }
}

message! {
    /// `L`, Setting Made, a private message: the answer to a Contract Setting.
    SettingMade b'L' 47 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the message that is answered.
        user_ref: UserRef = 9,
        /// What is set; see [`super::Setting`], as for leg and value.
        kind: u8 = 13,
        symbol: Symbol = 14,
        /// Which position.
        leg: u8 = 22,
        value: Amount = 23,
        /// What the pot has then, minor units; 0 if no money was moved.
        pot: Amount = 31,
        /// What the wallet has then, minor units, what orders hold included; 0 if no money was moved.
        wallet: Amount = 39,
    }
}

message! {
    /// `N`, Index Price Answer, a private message: the answer to an Index Price.
    IndexPriceAnswer b'N' 32 {
        /// Nanoseconds since midnight UTC.
        timestamp: u64 = 1,
        /// The client's number of the message that is answered.
        user_ref: UserRef = 9,
        index: IndexId = 13,
        /// Price units.
        price: u64 = 15,
        /// As sent by the client.
        source_time: u64 = 23,
        /// T: it was taken; H: it is held.
        state: u8 = 31,
    }
}

/// A message to a client, with its optional tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// The start or end of the day.
    System(SystemEvent),
    /// An order was accepted.
    Accepted(OrderAccepted, Appendage<'a>),
    /// An order was replaced.
    Replaced(OrderReplaced, Appendage<'a>),
    /// An order lost open quantity.
    Canceled(OrderCanceled, Appendage<'a>),
    /// An order lost open quantity because it would have traded with its own owner.
    SelfMatchCanceled(SelfMatchCanceled, Appendage<'a>),
    /// An order traded.
    Executed(OrderExecuted, Appendage<'a>),
    /// A trade was cancelled.
    Broken(BrokenTrade, Appendage<'a>),
    /// An order was refused.
    Rejected(OrderRejected, Appendage<'a>),
    /// An order's quantity was reduced.
    Modified(OrderModified, Appendage<'a>),
    /// A cancel will be executed later.
    CancelPending(CancelPending, Appendage<'a>),
    /// A cancel or a change was refused.
    CancelRejected(CancelRejected, Appendage<'a>),
    /// An order has a new place in the queue.
    PriorityUpdated(OrderPriorityUpdate, Appendage<'a>),
    /// An order displays its next slice.
    Restated(OrderRestated, Appendage<'a>),
    /// A mass cancel was executed.
    MassCanceled(MassCancelResponse, Appendage<'a>),
    /// Order entry is disabled.
    EntryDisabled(EntryDisabled, Appendage<'a>),
    /// Order entry is enabled.
    EntryEnabled(EntryEnabled, Appendage<'a>),
    /// The next unused number.
    AccountState(AccountQueryResponse, Appendage<'a>),
    /// Money is on its way to another shard.
    TransferSent(MoneySent, Appendage<'a>),
    /// A position that was asked for.
    PositionState(PositionStated, Appendage<'a>),
    /// A position changed.
    PositionChanged(PositionMoved, Appendage<'a>),
    /// A position was charged for a funding.
    FundingPaid(FundingCharged, Appendage<'a>),
    /// The insurance fund paid for the account.
    FundPaid(LackCovered, Appendage<'a>),
    /// The account has set something in a contract.
    SettingMade(SettingMade, Appendage<'a>),
    /// A price of an index was taken or is held.
    IndexAnswered(IndexPriceAnswer, Appendage<'a>),
}

impl<'a> Outbound<'a> {
    /// Decodes a whole message: the payload of a Sequenced Data packet.
    ///
    /// # Errors
    /// [`OuchError`]. Tags are not checked.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, OuchError> {
        let kind = *bytes.first().ok_or(OuchError::Empty)?;
        let length = OuchError::Length { kind, length: bytes.len() };
        macro_rules! with_tail {
            ($variant:ident, $message:ident, $tail:ident) => {{
                let (fixed, rest) = bytes.split_first_chunk().ok_or(length)?;
                let tail = read_tail(rest, Tail::$tail).ok_or(length)?;
                Ok(Self::$variant($message::read(fixed), Appendage(tail)))
            }};
        }
        match kind {
            SystemEvent::KIND => {
                bytes.try_into().map(|fixed| Self::System(SystemEvent::read(fixed))).map_err(|_| length)
            }
            OrderAccepted::KIND => with_tail!(Accepted, OrderAccepted, Mandatory),
            OrderReplaced::KIND => with_tail!(Replaced, OrderReplaced, Mandatory),
            OrderCanceled::KIND => with_tail!(Canceled, OrderCanceled, Optional),
            OrderExecuted::KIND => with_tail!(Executed, OrderExecuted, Mandatory),
            OrderRejected::KIND => with_tail!(Rejected, OrderRejected, Optional),
            OrderModified::KIND => with_tail!(Modified, OrderModified, Optional),
            CancelRejected::KIND => with_tail!(CancelRejected, CancelRejected, Optional),
            OrderRestated::KIND => with_tail!(Restated, OrderRestated, Mandatory),
            MassCancelResponse::KIND => with_tail!(MassCanceled, MassCancelResponse, Mandatory),
            SelfMatchCanceled::KIND => with_tail!(SelfMatchCanceled, SelfMatchCanceled, Optional),
            BrokenTrade::KIND => with_tail!(Broken, BrokenTrade, Optional),
            CancelPending::KIND => with_tail!(CancelPending, CancelPending, Optional),
            OrderPriorityUpdate::KIND => with_tail!(PriorityUpdated, OrderPriorityUpdate, Optional),
            EntryDisabled::KIND => with_tail!(EntryDisabled, EntryDisabled, Mandatory),
            EntryEnabled::KIND => with_tail!(EntryEnabled, EntryEnabled, Mandatory),
            AccountQueryResponse::KIND => with_tail!(AccountState, AccountQueryResponse, Optional),
            MoneySent::KIND => with_tail!(TransferSent, MoneySent, Optional),
            PositionStated::KIND => with_tail!(PositionState, PositionStated, Optional),
            PositionMoved::KIND => with_tail!(PositionChanged, PositionMoved, Optional),
            FundingCharged::KIND => with_tail!(FundingPaid, FundingCharged, Optional),
            LackCovered::KIND => with_tail!(FundPaid, LackCovered, Optional),
            SettingMade::KIND => with_tail!(SettingMade, SettingMade, Optional),
            IndexPriceAnswer::KIND => with_tail!(IndexAnswered, IndexPriceAnswer, Optional),
            _ => Err(OuchError::UnknownKind { kind }),
        }
    }

    /// Writes the message to the start of `out` and returns its length; `None` if it does not fit.
    #[inline]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        match self {
            Self::System(m) => write_message(out, &[], Tail::Optional, |b| m.write(b)),
            Self::Accepted(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::Replaced(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::Canceled(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::Executed(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::Rejected(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::Modified(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::CancelRejected(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::Restated(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::MassCanceled(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::SelfMatchCanceled(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::Broken(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::CancelPending(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::PriorityUpdated(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::EntryDisabled(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::EntryEnabled(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::AccountState(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::TransferSent(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::PositionState(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::PositionChanged(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::FundingPaid(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::FundPaid(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::SettingMade(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::IndexAnswered(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
        }
    }
}
