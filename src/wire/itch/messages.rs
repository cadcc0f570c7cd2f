//! The messages (ITCH 5.0 in docs/PROTOCOL.md §3). A compile-time check ensures that the fields of each are contiguous
//! from the type byte to the end.

use super::error::ItchError;
use crate::domain::{OrderId, Symbol};
use crate::wire::layout::{Nanos48, message};

/// Declares the messages with their common header, and the enum of all messages.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $name:ident $kind:literal $len:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty = $at:literal,)* }
    )*) => {
        $(message! {
            $(#[$doc])*
            $name $kind $len {
                /// The instrument's number in this feed; 0 if the message concerns no instrument.
                locate: u16 = 1,
                /// A number for the sender's use; 0 here.
                tracking: u16 = 3,
                /// Nanoseconds since midnight UTC.
                timestamp: Nanos48 = 5,
                $($(#[$field_doc])* $field: $ty = $at,)*
            }
        })*

        /// Any message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for Message {
            fn from(message: $name) -> Self {
                Self::$name(message)
            }
        })*

        impl Message {
            /// All message types with their lengths in bytes.
            pub const KINDS: &[(u8, usize)] = &[$(($kind, $len),)*];

            /// Decodes a whole message.
            ///
            /// # Errors
            /// [`ItchError`].
            #[inline]
            pub fn decode(bytes: &[u8]) -> Result<Self, ItchError> {
                let Some(kind) = bytes.first().copied() else { return Err(ItchError::Empty) };
                match kind {
                    $($kind => match <&[u8; $len]>::try_from(bytes) {
                        Ok(whole) => Ok(Self::$name($name::read(whole))),
                        Err(_) => Err(ItchError::Length { kind, length: bytes.len(), expected: $len }),
                    },)*
                    kind => Err(ItchError::UnknownKind { kind }),
                }
            }

            /// Writes the message to the start of `out` and returns its length; `None` if it does not fit.
            #[inline]
            pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
                match self {
                    $(Self::$name(message) => {
                        message.write(out.first_chunk_mut::<$len>()?);
                        Some($len)
                    })*
                }
            }

            /// The type byte.
            pub fn kind(&self) -> u8 {
                match self { $(Self::$name(_) => $kind,)* }
            }

            /// The instrument's number in the feed; 0 if the message concerns no instrument.
            pub fn locate(&self) -> u16 {
                match self { $(Self::$name(message) => message.locate,)* }
            }

            /// Nanoseconds since midnight UTC.
            pub fn timestamp_ns(&self) -> u64 {
                match self { $(Self::$name(message) => message.timestamp.get(),)* }
            }
        }
    };
}

messages! {
    /// `S`, System Event.
    SystemEvent b'S' 12 {
        /// See [`super::event_code`].
        code: u8 = 11,
    }
    /// `R`, Stock Directory.
    StockDirectory b'R' 39 {
        stock: Symbol = 11,
        /// Space: not available.
        market_category: u8 = 19,
        /// Space: not available.
        financial_status: u8 = 20,
        /// Lots of a round lot.
        round_lot_size: u32 = 21,
        /// Y or N.
        round_lots_only: u8 = 25,
        /// The class of the security.
        issue_class: u8 = 26,
        /// Z: not applicable.
        issue_sub_type: [u8; 2] = 27,
        /// P: live; T: test.
        authenticity: u8 = 29,
        /// Space: not available.
        short_sale_threshold: u8 = 30,
        /// Space: not available.
        ipo_flag: u8 = 31,
        /// Space: not applicable.
        luld_tier: u8 = 32,
        /// Space: not applicable.
        etp_flag: u8 = 33,
        /// 0: not applicable.
        etp_leverage: u32 = 34,
        /// Y or N.
        inverse: u8 = 38,
    }
    /// `H`, Stock Trading Action.
    TradingAction b'H' 25 {
        stock: Symbol = 11,
        /// H halted, P paused, Q quotation only, T trading.
        state: u8 = 19,
        /// Unused.
        reserved: u8 = 20,
        /// A reason code, or spaces.
        reason: [u8; 4] = 21,
    }
    /// `Y`, Reg SHO Restriction.
    RegSho b'Y' 20 {
        stock: Symbol = 11,
        /// 0, 1 or 2.
        action: u8 = 19,
    }
    /// `L`, Market Participant Position.
    ParticipantPosition b'L' 26 {
        /// The participant.
        mpid: [u8; 4] = 11,
        stock: Symbol = 15,
        /// Y or N.
        primary: u8 = 23,
        /// The market maker mode of the participant.
        mode: u8 = 24,
        /// The market participant state.
        state: u8 = 25,
    }
    /// `V`, Market-Wide Circuit Breaker decline levels, with 8 decimals.
    MwcbLevels b'V' 35 {
        /// First level.
        level_1: u64 = 11,
        /// Second level.
        level_2: u64 = 19,
        /// Third level.
        level_3: u64 = 27,
    }
    /// `W`, Market-Wide Circuit Breaker status.
    MwcbStatus b'W' 12 {
        /// 1, 2 or 3.
        breached: u8 = 11,
    }
    /// `K`, IPO Quoting Period Update.
    IpoQuoting b'K' 28 {
        stock: Symbol = 11,
        /// Seconds since midnight.
        release_time_s: u32 = 19,
        /// A or C.
        release_qualifier: u8 = 23,
        /// The price of the offering, in price units.
        price: u32 = 24,
    }
    /// `J`, Limit Up / Limit Down Auction Collar.
    LuldCollar b'J' 35 {
        stock: Symbol = 11,
        /// Reference price.
        reference: u32 = 19,
        /// Upper price.
        upper: u32 = 23,
        /// Lower price.
        lower: u32 = 27,
        /// The number of extensions.
        extension: u32 = 31,
    }
    /// `h`, Operational Halt.
    OperationalHalt b'h' 21 {
        stock: Symbol = 11,
        /// Q, B or X.
        market: u8 = 19,
        /// H halted, T trading.
        action: u8 = 20,
    }
    /// `A`, Add Order: a new order in the book, behind the others at its price.
    AddOrder b'A' 36 {
        /// The public number of the order.
        order: OrderId = 11,
        /// B or S.
        side: u8 = 19,
        /// Displayed lots.
        shares: u32 = 20,
        stock: Symbol = 24,
        /// Price units.
        price: u32 = 32,
    }
    /// `F`, Add Order with an attribution.
    AddOrderAttributed b'F' 40 {
        /// The public number of the order.
        order: OrderId = 11,
        /// B or S.
        side: u8 = 19,
        /// Displayed lots.
        shares: u32 = 20,
        stock: Symbol = 24,
        /// Price units.
        price: u32 = 32,
        /// The market participant of the order.
        attribution: [u8; 4] = 36,
    }
    /// `E`, Order Executed, at the order's own price.
    OrderExecuted b'E' 31 {
        order: OrderId = 11,
        /// Lots by which the order becomes smaller.
        shares: u32 = 19,
        match_number: u64 = 23,
    }
    /// `C`, Order Executed With Price.
    OrderExecutedWithPrice b'C' 36 {
        order: OrderId = 11,
        /// Lots by which the order becomes smaller.
        shares: u32 = 19,
        match_number: u64 = 23,
        /// N: another message, such as a Cross Trade, reports the same volume, so it must not be counted twice.
        printable: u8 = 31,
        /// Price units.
        price: u32 = 32,
    }
    /// `X`, Order Cancel: a partial cancel.
    OrderCancel b'X' 23 {
        order: OrderId = 11,
        /// Lots by which the order becomes smaller.
        shares: u32 = 19,
    }
    /// `D`, Order Delete.
    OrderDelete b'D' 19 {
        order: OrderId = 11,
    }
    /// `U`, Order Replace: instrument and side are those of the old order.
    OrderReplace b'U' 35 {
        /// The order that is replaced.
        old_order: OrderId = 11,
        /// The new order, which gets a new place in the queue.
        order: OrderId = 19,
        /// Displayed lots.
        shares: u32 = 27,
        /// Price units.
        price: u32 = 31,
    }
    /// `P`, Trade of an order that was not displayed.
    Trade b'P' 44 {
        /// 0.
        order: OrderId = 11,
        /// Side of the resting order, B or S.
        side: u8 = 19,
        /// Lots.
        shares: u32 = 20,
        stock: Symbol = 24,
        /// Price units.
        price: u32 = 32,
        match_number: u64 = 36,
    }
    /// `Q`, Cross Trade: the result of an auction.
    CrossTrade b'Q' 40 {
        /// Lots that traded; 0 if nothing traded.
        shares: u64 = 11,
        stock: Symbol = 19,
        /// Price units.
        price: u32 = 27,
        /// The number of the match.
        match_number: u64 = 31,
        /// O opening, C closing, H after a halt or pause.
        cross_type: u8 = 39,
    }
    /// `B`, Broken Trade.
    BrokenTrade b'B' 19 {
        match_number: u64 = 11,
    }
    /// `I`, Net Order Imbalance Indicator.
    Imbalance b'I' 50 {
        /// Lots that would trade.
        paired: u64 = 11,
        /// Lots without a counterpart.
        imbalance: u64 = 19,
        /// The side of the imbalance: B, S, N none, O not enough orders.
        direction: u8 = 27,
        stock: Symbol = 28,
        /// Price units; 0: none.
        far_price: u32 = 36,
        /// Price units; 0: none.
        near_price: u32 = 40,
        /// Price units; 0: none.
        reference_price: u32 = 44,
        /// O opening, C closing, H after a halt or pause.
        cross_type: u8 = 48,
        /// The deviation of the near price from the reference price. L: less than 1 %; space: not known.
        price_variation: u8 = 49,
    }
    /// `N`, Retail Price Improvement Indicator.
    RetailInterest b'N' 20 {
        stock: Symbol = 11,
        /// B, S, A or N.
        interest: u8 = 19,
    }
    /// `O`, Direct Listing with Capital Raise price discovery.
    DirectListing b'O' 48 {
        stock: Symbol = 11,
        /// Y or N.
        open_eligible: u8 = 19,
        /// Minimum allowable price.
        minimum: u32 = 20,
        /// Maximum allowable price.
        maximum: u32 = 24,
        /// Near execution price.
        near_price: u32 = 28,
        /// The time of the near execution price, in nanoseconds since midnight.
        near_time: u64 = 32,
        /// Lower price range collar.
        lower_range: u32 = 40,
        /// Upper price range collar.
        upper_range: u32 = 44,
    }
}
