//! What an order may ask for beyond side, price, quantity and time in force. docs/RULES.md says what each does.

use super::numbered::numbered_enum;
use super::{Timestamp, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

numbered_enum! {
    /// Buy or sell.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Side {
        /// Gives quote, takes base.
        #[default]
        Buy = 0,
        /// Gives base, takes quote.
        Sell = 1,
    }
}

impl Side {
    /// The side that this one trades against.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

numbered_enum! {
    /// What becomes of a remainder that does not match at once.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TimeInForce {
        /// It rests until it is cancelled.
        #[default]
        GoodTillCancel = 0,
        /// It is cancelled. (OUCH `3`.)
        ImmediateOrCancel = 1,
        /// It rests until the instrument is closed; for ever at a venue that is open round the clock. (OUCH `0`.)
        Day = 2,
        /// It rests until its time: [`Instructions::expire_s`]. (OUCH `6`.)
        GoodTillTime = 3,
    }
}

numbered_enum! {
    /// Whether the book shows an order.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Visibility {
        /// Everybody sees it, or its display quantity.
        #[default]
        Displayed = 0,
        /// Nobody sees it; at its price it trades after all displayed orders.
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
        /// It never does, and is refused if its price meets a displayed order.
        Reject = 1,
        /// It never does, and its price is moved to the best one that meets no displayed order.
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
        /// Minor units of the quote asset: trade for at most so much (market orders only).
        QuoteAmount = 1,
    }
}

numbered_enum! {
    /// Whether an order may make its account's position larger.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Effect {
        /// Any effect.
        #[default]
        Any = 0,
        /// It may only make the position smaller (reduce-only).
        ReduceOnly = 1,
    }
}

numbered_enum! {
    /// What happens when an incoming order meets a resting one of the same owner.
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
    /// Who counts as the same owner.
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

/// What is done about trades of an owner with itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
pub struct SelfTradePrevention {
    /// What happens.
    pub mode: SelfTrade,
    /// Between whom.
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
    }
}

numbered_enum! {
    /// How a trigger watches it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TriggerKind {
        /// Against the holder: a buy when the reference is at or above the price, a sell when at or below.
        #[default]
        Stop = 0,
        /// In the holder's favour: a buy when the reference is at or below the price, a sell when at or above.
        TakeProfit = 1,
        /// A stop that follows the reference at a fixed distance while it moves in the holder's favour.
        TrailingStop = 2,
    }
}

/// The condition that an order waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Trigger {
    /// How the reference is watched.
    pub kind: TriggerKind,
    /// What is watched.
    pub reference: TriggerReference,
    /// Price units: the price, or the distance of a trailing stop. 1 to [`super::Listing::PRICE_END`] - 1, on the tick.
    pub price: u32,
}

/// Everything that an order may ask for. The default asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Instructions {
    /// Least number of lots that must trade at once when the order is matched, else all of it is cancelled. 0: none. The
    /// whole quantity: fill or kill.
    pub min_quantity: u32,
    /// Lots shown at a time (iceberg). 0: all.
    pub display_quantity: u32,
    /// When a good-till-time order ends: below 86,400, seconds since midnight UTC of the day of entry (OUCH ExpireTime),
    /// else seconds since the Unix epoch.
    pub expire_s: u32,
    /// The live order of the same login that is cancelled when this one trades, and the other way round
    /// (one cancels the other). 0: none.
    pub oco: UserRef,
    /// The order is refused when it is sequenced later than this. 0: never.
    pub book_by: Timestamp,
    /// What the order waits for; `None`: it is live at once.
    pub trigger: Option<Trigger>,
    /// Whether it is shown.
    pub visibility: Visibility,
    /// Whether it may trade when it is entered.
    pub post_only: PostOnly,
    /// What the quantity counts.
    pub unit: QuantityUnit,
    /// Whether it may make the position larger.
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
    /// What an order asks for that asks for nothing.
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
