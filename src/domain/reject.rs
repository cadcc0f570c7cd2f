//! Reasons for refusing or ignoring a message. Clients and operators branch on them, so each has a name and a number.
//!
//! The journal, the event log and snapshots store the number. A number is used for one reason only and is never reused.
//! Neither the number nor the order of declaration gives the order of the checks; [`RejectReason::CHECKED`] does.

use super::numbered::numbered;
use serde::Serialize;
use std::fmt;

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $number:literal => $variant:ident: $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number of the reason in the formats.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The reason in words for a person.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The reason's name, as used in the SQL tables.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }
        }

        numbered!($name { $($number => $variant,)* });

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.text())
            }
        }
    };
}

reasons!(
    /// Why a command was refused.
    RejectReason {
        // Found by the gateway.
        /// Side is none of B, S, T, E.
        0 => InvalidSide: "the side is not B or S",
        /// Side T or E.
        1 => ShortSaleNotAllowed: "short sales are not possible on a spot market",
        /// TimeInForce has a value that is not supported.
        2 => TimeInForceNotSupported: "this time in force is not supported",
        /// CrossType is not N.
        3 => CrossTypeNotSupported: "only continuous trading (cross type N) is supported",
        /// CustomerType or CrossType is R (retail).
        4 => RetailNotAllowed: "there is no retail programme",
        /// Display is none of Y, A or N, or it is a hidden order and these are not supported.
        5 => DisplayNotSupported: "this display instruction is not supported",
        /// ISO is not N.
        6 => IsoNotAllowed: "inter-market sweeps are not supported",
        /// Capacity is none of A, P, R, O.
        7 => InvalidCapacity: "the capacity is not A, P, R or O",
        /// A tag asks for something that is not supported.
        8 => TagNotSupported: "an optional tag asks for something that is not supported",
        /// The price is pegged or discretionary.
        9 => PeggingNotAllowed: "pegged and discretionary prices are not supported",
        /// The order asks for routing.
        10 => RoutingNotAllowed: "orders are not routed to other venues",
        /// The appendage (the optional tags) cannot be read.
        11 => MalformedTag: "the optional tags cannot be read",
        /// No instrument has this symbol.
        12 => UnknownSymbol: "no instrument has this symbol",
        // Found by the sequencer and the gateway.
        /// The journal is short of space; cancels still work.
        13 => JournalSpaceLow: "the journal is short of disk space: only cancels are taken",
        /// The login sent more messages than its rate allows.
        14 => MessageRateExceeded: "the login has sent more messages than it may",
        // Found by the exchange.
        /// The login has disabled its order entry.
        15 => OrderEntryDisabled: "order entry of this login is disabled",
        /// A live order of an earlier session has this number, or an order of another shard may have it.
        16 => UserRefInUse: "a live order of an earlier session has this number, or one of another shard may have it",
        /// The instrument does not exist.
        17 => UnknownInstrument: "the instrument does not exist",
        /// The instrument was delisted.
        18 => InstrumentDelisted: "the instrument was delisted",
        /// The order was sequenced after the client's time limit (max time to book).
        19 => TooLate: "the order came later than its own limit of time",
        /// The venue's kill switch is on.
        20 => VenueKilled: "the venue's kill switch is on",
        /// The account's kill switch is on.
        21 => AccountKilled: "the account's kill switch is on",
        /// The instrument is closed.
        22 => InstrumentClosed: "the instrument is closed",
        /// The instrument is halted.
        23 => InstrumentHalted: "the instrument is halted",
        /// The instrument accepts only cancels.
        24 => CancelOnly: "the instrument takes only cancels",
        /// Orders gather for an auction; only limit orders that may rest, and stops, are accepted.
        25 => NotInAuction: "while orders gather for an auction only limit orders that may rest are taken",
        /// The account sent the most orders allowed in this second, or its orders searched the book in vain as much as
        /// allowed.
        26 => OrderRateExceeded: "the account has sent as many orders, or looked in vain at as much, in this second as it may",
        /// A linked order can only be cancelled whole; it cannot be changed or replaced.
        27 => OrderIsLinked: "an order that is linked to another is only cancelled whole",
        /// Instructions that exclude one another, or that this order cannot have.
        28 => InvalidInstructions: "the instructions exclude one another",
        /// The trigger's price is zero, out of the protocol's range, or off the tick.
        29 => InvalidTrigger: "the trigger price is zero, out of range or off the tick",
        /// A good-till-time order's time is missing or has passed.
        30 => InvalidExpireTime: "the expire time is missing or has passed",
        /// The price is zero, below zero, or at or above [`Listing::PRICE_END`](super::Listing::PRICE_END) price units.
        31 => InvalidPrice: "the price is zero or out of the protocol's range",
        /// The price is not a multiple of the tick.
        32 => PriceOffTick: "the price is not a multiple of the tick",
        /// The price is outside the instrument's price range.
        33 => PriceOutOfLimits: "the price is outside the instrument's price range",
        /// The quantity is zero.
        34 => InvalidQuantity: "the quantity is zero",
        /// The quantity is below the instrument's minimum.
        35 => QuantityBelowMinimum: "the quantity is below the instrument's minimum",
        /// The quantity is above the instrument's maximum or a limit.
        36 => QuantityAboveMaximum: "the quantity is above the instrument's maximum",
        /// The minimum quantity is above the quantity.
        37 => InvalidMinQuantity: "the minimum quantity is above the quantity",
        /// The display quantity is above the quantity, or below the instrument's minimum.
        38 => InvalidDisplayQuantity: "the display quantity is above the quantity or below the instrument's minimum",
        /// Price × quantity is below the instrument's minimum.
        39 => NotionalBelowMinimum: "price × quantity is below the instrument's minimum",
        /// Price × quantity with its fee does not fit an amount.
        40 => NotionalTooLarge: "price × quantity is too large",
        /// Price × quantity is above a limit.
        41 => NotionalAboveMaximum: "price × quantity is above the limit",
        /// A quantity in money finds no order on the other side.
        42 => NothingToTradeWith: "there is nothing to trade with",
        /// A quantity in money is smaller than the price of one lot at the best price.
        43 => AmountTooSmall: "the amount does not reach for one lot",
        /// A reduce-only order would increase the position.
        44 => NotReducing: "the order would not reduce the position",
        /// The account's position plus its open orders would exceed the limit.
        45 => PositionAboveLimit: "the account's position would be above its limit",
        /// The account has the most open orders allowed.
        46 => OpenOrdersAboveLimit: "the account has as many open orders as it may",
        /// The order to link to is not live, of another kind, or linked already.
        47 => LinkNotPossible: "the order that it is to be linked to is not live, of another kind, or linked already",
        /// A post-only order would trade on entry.
        48 => PostOnlyWouldTrade: "the order must only rest, and would trade",
        /// The account's available balance does not cover the order.
        49 => InsufficientFunds: "the account's available balance is too small",
        /// The exchange holds the most open orders it is configured for.
        50 => TooManyOrders: "the exchange holds as many open orders as it is configured for",
        /// The instrument holds the most orders waiting for a trigger that it can.
        51 => TooManyTriggers: "the instrument holds as many orders that wait for a trigger as it can",
        /// The amend changes nothing that can be changed, or orders of this kind cannot be amended.
        52 => AmendNotPossible: "the order cannot be amended like this",
        // Administrative commands.
        /// No order with this number is open.
        53 => UnknownOrder: "no order with this number is open",
        /// The id is not the next free one.
        54 => IdNotNext: "the id is not the next free one",
        /// The code or symbol is already used.
        55 => DuplicateName: "another one has this code or symbol",
        /// The asset does not exist.
        56 => UnknownAsset: "the asset does not exist",
        /// The account does not exist.
        57 => UnknownAccount: "the account does not exist",
        /// The login does not exist.
        58 => UnknownLogin: "the login does not exist",
        /// A number is out of its documented range.
        59 => OutOfRange: "a number is out of its range",
        /// One tick on one lot is not a whole number of quote minor units.
        60 => TickLotNotWhole: "tick × lot is not a whole number of the quote asset's minor units",
        /// The asset's total deposits would exceed the range of an amount.
        61 => SupplyTooLarge: "the asset's total deposits would pass 2^63 - 1 minor units",
        /// The transfer's reference is not above the account's last.
        62 => DuplicateReference: "a transfer with this reference or a later one was already made",
        /// Deposits of the asset are off.
        63 => DepositsOff: "deposits of this asset are off",
        /// Withdrawals of the asset are off.
        64 => WithdrawalsOff: "withdrawals of this asset are off",
        /// The amount is below the asset's minimum.
        65 => TransferBelowMinimum: "the amount is below the asset's minimum",
        /// At the new scale an amount of the asset would not be exact, or would not fit.
        66 => ScaleNotPossible: "an amount would not be exact, or not fit, at the new scale",
        /// An instrument cannot be put into this phase, or it is already in it.
        67 => InvalidPhase: "the instrument cannot be put into this phase",
        /// The sum of the two fees is negative.
        68 => RebateAboveFee: "the two fees together are below zero",
        /// The configured instruments and accounts are already open.
        69 => AlreadyOpen: "the exchange is already open",
        /// The login already gets copies of this account.
        70 => AlreadyCopied: "the login gets copies of this account already",
        /// The epoch is not above the last one: another node became leader since, or this node already leads.
        71 => EpochNotAbove: "the epoch is not above the last one",
        /// The shard does not exist.
        72 => UnknownShard: "the shard does not exist",
        /// Shards must be opened before anything else.
        73 => ShardsComeFirst: "shards are opened before assets, accounts and logins",
        /// All shards together would have to decide this, which is not possible.
        74 => OneShardOnly: "this cannot be changed on a venue with several shards",
        /// The edition of the rules in which the venue was opened does not have this.
        75 => NotInThisEdition: "the venue was opened with an earlier edition of the rules, which does not have this",
        /// The account, or the pair of shards, has the most transfers on their way that it may.
        76 => TooManyTransfers: "as many transfers are on their way as may be",
        /// The index does not exist.
        77 => UnknownIndex: "the index does not exist",
        /// The source time of an index price is not above the last one, is ahead of the command, or is too old.
        78 => StaleIndex: "the source time of the price is not above the last one, ahead of now, or too old",
        /// The shard has the most contracts, or the index the most contracts that follow it.
        79 => TooManyContracts: "the shard or the index has as many contracts as it may",
        /// The shard has spot instruments, and this is a contract, or the reverse.
        80 => OtherProductsInShard: "a shard has contracts or spot instruments, not both",
        /// The contract lacks its terms, its risk parameters, its table of tiers, or a price of its index.
        81 => ContractIncomplete: "the contract lacks terms, risk, tiers or a price of its index",
        /// Orders of the contract are open.
        82 => OrdersOpen: "orders of the contract are open",
        /// There are positions.
        83 => PositionsOpen: "there are positions in the contract",
        /// The index of the contract is stale, and the order would put more lots at risk.
        84 => IndexStale: "the index of the contract is stale: only orders that put no more at risk are taken",
        /// The account's margin does not suffice for the order.
        85 => InsufficientMargin: "the account's margin is too small",
        /// The price is outside the contract's price limits.
        86 => PriceOutsideLimits: "the price is outside the contract's price limits",
        /// The open interest is at its limit or above.
        87 => OpenInterestLimit: "the open interest of the contract is at its limit",
        /// The account has positions or orders in the most contracts.
        88 => TooManyPositions: "the account has positions or orders in as many contracts as it may",
        /// The account's leverage is above that of the tier.
        89 => LeverageAboveTier: "the account's leverage is above that of the tier of this position",
        /// The contract expired and waits for its settlement.
        90 => ContractExpired: "the contract expired",
        /// There is no position with money of its own there.
        91 => NoPosition: "the account has no such position with a margin of its own",
        /// The effect of the order is not one of the account's position mode.
        92 => WrongPositionSide: "the effect of the order does not fit the account's position mode",
        /// The insurance fund of the asset is below 0: nothing leaves the shard.
        93 => FundBelowZero: "the insurance fund of the asset is below zero: nothing may be withdrawn",
        /// The shard of the instrument is behind; cancels still work.
        94 => ShardBusy: "the shard of the instrument is behind: only cancels are taken",
        /// The login may not send prices of this index.
        95 => IndexNotAllowed: "this login may not send prices of the index",
    }
);

reasons!(
    /// Reasons for ignoring a message: the protocol has no answer for it (PROTOCOL.md §2.8), but the event log records
    /// it.
    IgnoreReason {
        /// The client's number is not above the login's last: a retransmission.
        0 => Retransmission: "the client's number was used before",
        /// The order is not live: filled, cancelled, replaced, or it never existed.
        1 => OrderNotLive: "the order is not live",
        /// A partial cancel that does not decrease the total.
        2 => NothingToCancel: "the new total is not below the present one",
        /// The login does not exist.
        3 => UnknownLogin: "the login does not exist",
        /// It was sent in a session that is not the login's present one.
        4 => OtherSession: "it was sent in another session than the login's present one",
    }
);

impl RejectReason {
    /// All reasons for which an order, or a change of one, is refused, in the order of the checks (docs/RULES.md,
    /// "Checks"); the first check that fails determines the answer. A reason that several checks share is listed where
    /// a plain limit order first meets it.
    pub const CHECKED: &'static [Self] = &[
        // The gateway: the login's message rate, then the content of the message.
        Self::MessageRateExceeded,
        Self::InvalidSide,
        Self::ShortSaleNotAllowed,
        Self::TimeInForceNotSupported,
        Self::CrossTypeNotSupported,
        Self::RetailNotAllowed,
        Self::DisplayNotSupported,
        Self::IsoNotAllowed,
        Self::InvalidCapacity,
        Self::TagNotSupported,
        Self::PeggingNotAllowed,
        Self::RoutingNotAllowed,
        Self::MalformedTag,
        Self::UnknownSymbol,
        // The sequencer.
        Self::JournalSpaceLow,
        Self::ShardBusy,
        // The exchange: the login, the instrument and switches.
        Self::OrderEntryDisabled,
        Self::UserRefInUse,
        Self::UnknownInstrument,
        Self::InstrumentDelisted,
        Self::ContractExpired,
        Self::TooLate,
        Self::VenueKilled,
        Self::AccountKilled,
        Self::InstrumentClosed,
        Self::InstrumentHalted,
        Self::CancelOnly,
        Self::NotInAuction,
        // Rates, and orders that cannot be changed.
        Self::OrderRateExceeded,
        Self::OrderIsLinked,
        Self::AmendNotPossible,
        // The terms of the order.
        Self::InvalidInstructions,
        Self::InvalidTrigger,
        Self::InvalidExpireTime,
        Self::InvalidPrice,
        Self::PriceOffTick,
        Self::PriceOutOfLimits,
        Self::InvalidQuantity,
        Self::QuantityBelowMinimum,
        Self::QuantityAboveMaximum,
        Self::InvalidMinQuantity,
        Self::InvalidDisplayQuantity,
        Self::NotionalTooLarge,
        Self::NotionalBelowMinimum,
        Self::NotionalAboveMaximum,
        Self::NothingToTradeWith,
        Self::AmountTooSmall,
        // The account's position, orders, and money.
        Self::WrongPositionSide,
        Self::NotReducing,
        Self::OpenOrdersAboveLimit,
        Self::TooManyPositions,
        Self::LeverageAboveTier,
        Self::PositionAboveLimit,
        Self::OpenInterestLimit,
        Self::LinkNotPossible,
        Self::PostOnlyWouldTrade,
        Self::PriceOutsideLimits,
        Self::InsufficientFunds,
        Self::IndexStale,
        Self::InsufficientMargin,
        // The capacity of the exchange.
        Self::TooManyOrders,
        Self::TooManyTriggers,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_has_one_place() {
        for (place, reason) in RejectReason::CHECKED.iter().enumerate() {
            assert!(!RejectReason::CHECKED[..place].contains(reason), "{reason:?}");
        }
    }
}
