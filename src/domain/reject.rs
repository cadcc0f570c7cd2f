//! Why something was refused or ignored. Clients and operators branch on these, so each has a name.

use bincode::{Decode, Encode};
use serde::Serialize;
use std::fmt;

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The reason in words for a person.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The reason's name, as it stands in the SQL tables.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.text())
            }
        }
    };
}

reasons!(
    /// Why a command was refused. For orders, the checks run in the order of this list.
    RejectReason {
        // What the gateway finds.
        /// Side is none of B, S, T, E.
        InvalidSide => "the side is not B or S",
        /// Side T or E.
        ShortSaleNotAllowed => "short sales are not possible on a spot market",
        /// TimeInForce is none that is served here.
        TimeInForceNotSupported => "this time in force is not supported",
        /// CrossType is not N.
        CrossTypeNotSupported => "only continuous trading (cross type N) is supported",
        /// The gateway: CustomerType or CrossType R.
        RetailNotAllowed => "there is no retail programme",
        /// Display is none of Y, A or N, or hidden, which is not served here.
        DisplayNotSupported => "this display instruction is not supported",
        /// ISO is not N.
        IsoNotAllowed => "inter-market sweeps are not supported",
        /// Capacity is none of A, P, R, O.
        InvalidCapacity => "the capacity is not A, P, R or O",
        /// A tag asks for something that is not served here.
        TagNotSupported => "an optional tag asks for something that is not supported",
        /// The gateway: a pegged or discretionary price.
        PeggingNotAllowed => "pegged and discretionary prices are not supported",
        /// The gateway: Route.
        RoutingNotAllowed => "orders are not routed to other venues",
        /// The appendage cannot be read.
        MalformedTag => "the optional tags cannot be read",
        /// No instrument has this symbol.
        UnknownSymbol => "no instrument has this symbol",
        // What the sequencer and the gateway find.
        /// The journal is short of space; cancels still work.
        JournalSpaceLow => "the journal is short of disk space: only cancels are taken",
        /// The gateway: the login sends more messages than it may.
        MessageRateExceeded => "the login has sent more messages than it may",
        // What the exchange finds.
        /// The login has disabled its order entry.
        OrderEntryDisabled => "order entry of this login is disabled",
        /// A live order of an earlier session has the number.
        UserRefInUse => "a live order of an earlier session has this number",
        /// The instrument does not exist.
        UnknownInstrument => "the instrument does not exist",
        /// The instrument was delisted.
        InstrumentDelisted => "the instrument was delisted",
        /// Sequenced later than the client's limit (max time to book).
        TooLate => "the order came later than its own limit of time",
        /// The venue's kill switch is on.
        VenueKilled => "the venue's kill switch is on",
        /// The account's kill switch is on.
        AccountKilled => "the account's kill switch is on",
        /// The instrument is closed.
        InstrumentClosed => "the instrument is closed",
        /// The instrument is halted.
        InstrumentHalted => "the instrument is halted",
        /// The instrument takes only cancels.
        CancelOnly => "the instrument takes only cancels",
        /// Orders gather for an auction; only limit orders that rest, and stops, are taken.
        NotInAuction => "while orders gather for an auction only limit orders that may rest are taken",
        /// The account has sent as many orders in this second as it may, or what it sent has looked in vain at as much as it may.
        OrderRateExceeded => "the account has sent as many orders, or looked in vain at as much, in this second as it may",
        /// A linked order is only cancelled whole; it is not changed or replaced.
        OrderIsLinked => "an order that is linked to another is only cancelled whole",
        /// Instructions that exclude one another, or one that this order cannot have.
        InvalidInstructions => "the instructions exclude one another",
        /// The trigger's price is zero, out of the protocol's range, or off the tick.
        InvalidTrigger => "the trigger price is zero, out of range or off the tick",
        /// A good-till-time order's time is missing or has passed.
        InvalidExpireTime => "the expire time is missing or has passed",
        /// The price is zero, or at or above the protocol's end (0x7FFFFFFF price units).
        InvalidPrice => "the price is zero or out of the protocol's range",
        /// The price is no multiple of the tick.
        PriceOffTick => "the price is not a multiple of the tick",
        /// The price is outside the instrument's price range.
        PriceOutOfLimits => "the price is outside the instrument's price range",
        /// The quantity is zero.
        InvalidQuantity => "the quantity is zero",
        /// The quantity is below the instrument's minimum.
        QuantityBelowMinimum => "the quantity is below the instrument's minimum",
        /// The quantity is above the instrument's maximum or a limit.
        QuantityAboveMaximum => "the quantity is above the instrument's maximum",
        /// The minimum quantity is above the quantity.
        InvalidMinQuantity => "the minimum quantity is above the quantity",
        /// The display quantity is above the quantity, or below the instrument's minimum.
        InvalidDisplayQuantity => "the display quantity is above the quantity or below the instrument's minimum",
        /// Price × quantity is below the instrument's minimum.
        NotionalBelowMinimum => "price × quantity is below the instrument's minimum",
        /// Price × quantity with its fee does not fit an amount.
        NotionalTooLarge => "price × quantity is too large",
        /// Price × quantity is above a limit.
        NotionalAboveMaximum => "price × quantity is above the limit",
        /// A quantity in money finds nothing on the other side.
        NothingToTradeWith => "there is nothing to trade with",
        /// A quantity in money does not reach for one lot at the best price.
        AmountTooSmall => "the amount does not reach for one lot",
        /// A reduce-only order would make the position larger.
        NotReducing => "the order would not reduce the position",
        /// The account would hold and have on order more than the limit.
        PositionAboveLimit => "the account's position would be above its limit",
        /// The account has as many open orders as it may.
        OpenOrdersAboveLimit => "the account has as many open orders as it may",
        /// The order that it is to be linked to is not live, not alike, or linked already.
        LinkNotPossible => "the order that it is to be linked to is not live, of another kind, or linked already",
        /// The order must not trade when it is entered, and would.
        PostOnlyWouldTrade => "the order must only rest, and would trade",
        /// The account's available balance does not cover the order.
        InsufficientFunds => "the account's available balance is too small",
        /// The book holds as many orders as it was configured for.
        TooManyOrders => "the exchange holds as many open orders as it is configured for",
        /// The instrument holds as many orders that wait for a trigger as it can.
        TooManyTriggers => "the instrument holds as many orders that wait for a trigger as it can",
        /// An amend that would change nothing that can be changed, or an order of this kind is not amended.
        AmendNotPossible => "the order cannot be amended like this",
        // Administrative commands.
        /// No order with this number is open.
        UnknownOrder => "no order with this number is open",
        /// The id is not the next free one.
        IdNotNext => "the id is not the next free one",
        /// Another has this code or symbol.
        DuplicateName => "another one has this code or symbol",
        /// The asset does not exist.
        UnknownAsset => "the asset does not exist",
        /// The account does not exist.
        UnknownAccount => "the account does not exist",
        /// The login does not exist.
        UnknownLogin => "the login does not exist",
        /// A number is out of its documented range.
        OutOfRange => "a number is out of its range",
        /// One tick on one lot is not a whole number of quote minor units.
        TickLotNotWhole => "tick × lot is not a whole number of the quote asset's minor units",
        /// More of the asset than an amount can hold.
        SupplyTooLarge => "the asset's total deposits would pass 2^63 - 1 minor units",
        /// The transfer's reference is not above the account's last.
        DuplicateReference => "a transfer with this reference or a later one was already made",
        /// Deposits of the asset are off.
        DepositsOff => "deposits of this asset are off",
        /// Withdrawals of the asset are off.
        WithdrawalsOff => "withdrawals of this asset are off",
        /// The amount is below the asset's minimum.
        TransferBelowMinimum => "the amount is below the asset's minimum",
        /// An amount of the asset would not be exact, or not fit, at the new scale.
        ScaleNotPossible => "an amount would not be exact, or not fit, at the new scale",
        /// The phase is not one that an instrument can be put into, or it is in it already.
        InvalidPhase => "the instrument cannot be put into this phase",
        /// The venue would pay more in rebates than it takes in fees.
        RebateAboveFee => "the two fees together are below zero",
        /// The configured instruments and accounts are already open.
        AlreadyOpen => "the exchange is already open",
        /// The login is sent copies of this account already.
        AlreadyCopied => "the login gets copies of this account already",
    }
);

reasons!(
    /// Why a message was ignored: the protocol gives it no answer (PROTOCOL.md §2.8), but the event log says so.
    IgnoreReason {
        /// The client's number is not above the login's last: a retransmission.
        Retransmission => "the client's number was used before",
        /// The order is not live: filled, cancelled, replaced, or never there.
        OrderNotLive => "the order is not live",
        /// A partial cancel that does not lower the total.
        NothingToCancel => "the new total is not below the present one",
        /// The login does not exist.
        UnknownLogin => "the login does not exist",
        /// It was sent in a session of the login that has ended, or that never was.
        OtherSession => "it was sent in another session than the login's present one",
    }
);
