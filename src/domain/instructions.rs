//! What an order can specify beyond side, price, quantity and time in force. docs/RULES.md describes each instruction.

use super::numbered::numbered_enum;
use super::{Timestamp, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

numbered_enum! {
    /// Buy or sell.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Side {
        /// Pays quote, receives base.
        #[default]
        Buy = 0,
        /// Pays base, receives quote.
        Sell = 1,
    }
}

impl Side {
    /// The opposite side.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

numbered_enum! {
    /// What happens to a remainder that does not match at once.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TimeInForce {
        /// It rests until it is cancelled.
        #[default]
        GoodTillCancel = 0,
        /// It is cancelled. (OUCH `3`.)
        ImmediateOrCancel = 1,
        /// It rests until the instrument is closed; at a venue that never closes, for ever. (OUCH `0`.)
        Day = 2,
        /// It rests until its expire time: [`Instructions::expire_s`]. (OUCH `6`.)
        GoodTillTime = 3,
    }
}

numbered_enum! {
    /// Whether market data shows an order.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Visibility {
        /// It shows the order, or its display quantity.
        #[default]
        Displayed = 0,
        /// It does not show the order. At its price it trades after all displayed orders.
        Hidden = 1,
    }
}

numbered_enum! {
    /// Whether an order may trade when it is entered.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum PostOnly {
        /// It may.
        #[default]
        No = 0,
        /// It never trades on entry. It is refused if its price would match a displayed order.
        Reject = 1,
        /// It never trades on entry. Its price is moved to the best one that matches no displayed order.
        Slide = 2,
    }
}

numbered_enum! {
    /// Whether `quantity` counts lots or money.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum QuantityUnit {
        /// Lots of the instrument.
        #[default]
        Lots = 0,
        /// Minor units of the quote asset: trades for at most this amount (market orders only).
        QuoteAmount = 1,
    }
}

numbered_enum! {
    /// What an order may do to its account's position (docs/FUTURES.md, "Reduce-only").
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Effect {
        /// Any effect; in contracts of one-way mode.
        #[default]
        Any = 0,
        /// It may only decrease the position (reduce-only).
        ReduceOnly = 1,
        /// In hedge mode: a buy opens the long position, a sell the short one.
        Open = 2,
        /// It may only decrease the position, by all the lots that there are when it is matched.
        ClosePosition = 3,
    }
}

impl Effect {
    /// Whether such an order may only decrease a position.
    pub fn reduces(self) -> bool {
        matches!(self, Self::ReduceOnly | Self::ClosePosition)
    }
}

numbered_enum! {
    /// What happens when an incoming order meets a resting order of the same owner.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum SelfTrade {
        /// They trade.
        #[default]
        Allow = 0,
        /// The incoming order's remainder is cancelled.
        CancelNewest = 1,
        /// The resting order is cancelled, and the incoming one goes on.
        CancelOldest = 2,
        /// Both are cancelled.
        CancelBoth = 3,
        /// Both lose the smaller of the two open quantities.
        DecrementBoth = 4,
    }
}

numbered_enum! {
    /// Which accounts count as the same owner.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Owner {
        /// The same account.
        #[default]
        Account = 0,
        /// The same account, or accounts of the same group.
        Group = 1,
    }
}

/// How self-trades are prevented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
pub struct SelfTradePrevention {
    /// What happens to the two orders.
    pub mode: SelfTrade,
    /// Which accounts count as one owner.
    pub owner: Owner,
}

numbered_enum! {
    /// The price that a trigger watches.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TriggerReference {
        /// The instrument's last trade.
        #[default]
        LastTrade = 0,
        /// The instrument's mark price ([`super::AdminCommand::SetMark`]).
        MarkPrice = 1,
        /// The index of the contract, in its ticks. Spot has none.
        IndexPrice = 2,
    }
}

numbered_enum! {
    /// How a trigger compares the watched price.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TriggerKind {
        /// Against the holder: a buy triggers at or above the price, a sell at or below.
        #[default]
        Stop = 0,
        /// In the holder's favour: a buy triggers at or below the price, a sell at or above.
        TakeProfit = 1,
        /// A stop that follows the reference at a fixed distance while it moves in the holder's favour.
        TrailingStop = 2,
    }
}

/// The condition that an order waits for before it becomes live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Trigger {
    /// How the price is compared.
    pub kind: TriggerKind,
    /// Which price is watched.
    pub reference: TriggerReference,
    /// Price units: the price, or the distance of a trailing stop. 1 to [`super::Listing::PRICE_END`] - 1, on the tick.
    pub price: u32,
}

/// All optional instructions of an order. The default has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Instructions {
    /// The least number of lots that must trade at once when the order is matched; otherwise all of it is cancelled. 0:
    /// no minimum. Equal to the quantity: fill or kill.
    pub min_quantity: u32,
    /// Lots displayed at a time (iceberg). 0: all.
    pub display_quantity: u32,
    /// When a good-till-time order expires. Below 86,400: seconds since midnight UTC of the day of entry (OUCH
    /// ExpireTime). Otherwise: seconds since the Unix epoch.
    pub expire_s: u32,
    /// The linked live order of the same login: when one of the two trades, the other is cancelled (one cancels the
    /// other). 0: none.
    pub oco: UserRef,
    /// The order is refused if it is sequenced after this time. 0: no limit.
    pub book_by: Timestamp,
    /// The trigger it waits for; `None`: it is live at once.
    pub trigger: Option<Trigger>,
    /// Whether it is displayed.
    pub visibility: Visibility,
    /// Whether it may trade when it is entered.
    pub post_only: PostOnly,
    /// What the quantity counts.
    pub unit: QuantityUnit,
    /// Whether it may increase the position.
    pub effect: Effect,
    /// Self-trade prevention; `None`: the account's.
    pub self_trade: Option<SelfTradePrevention>,
}

impl Default for Instructions {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Instructions {
    /// Instructions of an order that has none.
    pub const NOTHING: Self = Self {
        min_quantity: 0,
        display_quantity: 0,
        expire_s: 0,
        oco: UserRef(0),
        book_by: Timestamp(0),
        trigger: None,
        visibility: Visibility::Displayed,
        post_only: PostOnly::No,
        unit: QuantityUnit::Lots,
        effect: Effect::Any,
        self_trade: None,
    };
}
