//! Settings that an operator can change while the exchange runs. docs/RULES.md describes each.

use super::numbered::{numbered, numbered_enum};
use super::{AccountId, Amount, AssetId, FeeRate, FeeTier, GroupId, InstrumentId, LoginId, Ppm, Quantity};
use super::{SelfTradePrevention, Side};
use bincode::{Decode, Encode};
use serde::Serialize;
use std::ops::RangeInclusive;

numbered_enum! {
    /// The trading phase of an instrument.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Phase {
        /// No new orders and no replaces; cancels work. When this phase begins, the day ends and day orders expire.
        #[default]
        Closed = 0,
        /// Orders gather without matching.
        PreOpen = 1,
        /// Orders gather for the opening auction; indicative price and volume are published.
        OpeningAuction = 2,
        /// Orders match as they come.
        Continuous = 3,
        /// A price band was crossed. Orders gather until the interruption ends.
        VolatilityAuction = 4,
        /// Orders gather for the closing auction.
        ClosingAuction = 5,
        /// Nothing is accepted, not even cancels.
        Halted = 6,
        /// Only cancels are accepted.
        CancelOnly = 7,
        /// Removed for good; its orders are cancelled.
        Delisted = 8,
    }
}

impl Phase {
    /// Whether orders gather without matching.
    pub fn gathers(self) -> bool {
        matches!(self, Self::PreOpen | Self::OpeningAuction | Self::VolatilityAuction | Self::ClosingAuction)
    }

    /// Whether the phase publishes indicative prices.
    pub fn is_auction(self) -> bool {
        self.gathers() && self != Self::PreOpen
    }
}

numbered_enum! {
    /// On or off.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Switch {
        /// Off.
        #[default]
        Off = 0,
        /// On.
        On = 1,
    }
}

numbered_enum! {
    /// The asset in which an instrument's fees are taken.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum FeeAsset {
        /// Both sides pay in the quote asset: a buyer in addition to the price, a seller from the proceeds.
        #[default]
        Quote = 0,
        /// Each side pays from what it receives: a buyer in base, a seller in quote.
        Received = 1,
    }
}

/// The fee rates of one row of an instrument's fee table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetFees {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The row.
    pub tier: FeeTier,
    /// Rate of the resting side. The sum of both rates must not be negative: the venue never pays more than it takes.
    pub maker: FeeRate,
    /// Rate of the incoming side, and of both sides of an auction trade.
    pub taker: FeeRate,
}

/// The terms of an instrument that can change while it is listed. Orders that no longer fit are cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetTerms {
    /// The instrument.
    pub instrument: InstrumentId,
    /// One tick in price units. Orders off the new tick are cancelled.
    pub tick_units: u32,
    /// One lot in minor units of the base asset. If it changes, all orders of the instrument are cancelled.
    pub lot: Amount,
    /// Smallest order, lots. Resting orders stay.
    pub min_quantity: Quantity,
    /// Largest order, lots. Resting orders stay.
    pub max_quantity: Quantity,
    /// Smallest limit order, price × quantity, in minor units of the quote asset. Resting orders stay.
    pub min_notional: Amount,
}

/// Price limits, bands and collar of an instrument. 0 turns each of them off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Protection {
    /// Lowest limit price accepted, price units. 0: none.
    pub price_min: u32,
    /// Highest limit price accepted, price units. 0: none.
    pub price_max: u32,
    /// Reference price of the static band until the next auction sets it, price units. 0: keep the present one.
    pub reference: u32,
    /// The largest distance of trades from the reference price. 0: no limit.
    pub static_band: Ppm,
    /// The largest distance between the last trade and the trades of the next order. 0: no limit.
    pub dynamic_band: Ppm,
    /// How long orders gather after a band was crossed, seconds. 0: no interruption; the remainder of the order that
    /// would cross the band is cancelled.
    pub interruption_s: u32,
    /// The largest distance between the best price and the trades of a market order. 0: no limit.
    pub market_collar: Ppm,
}

/// Venue-wide limits, and the default limits of accounts without own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct VenueLimits {
    /// Open orders over all instruments: 1 to [`Self::ORDERS_MAX`].
    pub orders_max: u32,
    /// The most work per order when it is matched, and per part of a command (docs/RULES.md, "Parts"). Each order that
    /// it meets counts 2 or more. Ten times this limit is the work per second that an account may cause in vain ("Work
    /// in vain"). Within [`VenueLimits::ORDERS_TOUCHED`].
    pub orders_touched_max: u32,
    /// Open orders of an account without its own limit, at least 1.
    pub account_orders_max: u32,
    /// Orders waiting for a trigger of an account without its own limit, at least 1.
    pub account_triggers_max: u32,
}

impl VenueLimits {
    /// The largest possible [`VenueLimits::orders_max`].
    pub const ORDERS_MAX: u32 = 100_000_000;

    /// The range of [`VenueLimits::orders_touched_max`].
    pub const ORDERS_TOUCHED: RangeInclusive<u32> = 16..=1_000_000;

    /// Whether every limit is in its range.
    pub fn in_range(&self) -> bool {
        let Self { orders_max, orders_touched_max, account_orders_max, account_triggers_max } = *self;
        (1..=Self::ORDERS_MAX).contains(&orders_max)
            && Self::ORDERS_TOUCHED.contains(&orders_touched_max)
            && account_orders_max > 0
            && account_triggers_max > 0
    }
}

impl VenueLimits {
    /// Limits for a venue with few accounts: each account may use all orders and all triggers.
    pub fn of_few_accounts(orders_max: u32) -> Self {
        Self {
            orders_max,
            account_orders_max: orders_max,
            account_triggers_max: orders_max,
            ..Self::default()
        }
    }
}

impl Default for VenueLimits {
    fn default() -> Self {
        Self {
            orders_max: 1 << 20,
            orders_touched_max: 5_000,
            account_orders_max: 5_000,
            account_triggers_max: 1_000,
        }
    }
}

/// Limits on orders. 0 means no limit, unless the field says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderLimits {
    /// Largest quantity of an order, lots.
    pub quantity_max: Quantity,
    /// Largest price × quantity of a limit order, minor units of its quote asset.
    pub notional_max: Amount,
    /// Most open orders of an account. In an account's own limits, 0 means the venue's
    /// [`VenueLimits::account_orders_max`].
    pub open_orders_max: u32,
    /// Most orders of an account that wait for a trigger, over all instruments; only for accounts. 0: the venue's
    /// [`VenueLimits::account_triggers_max`].
    pub triggers_max: u32,
    /// Most new orders and replaces of an account in one clock second.
    pub orders_per_second_max: u32,
    /// The most lots of the base asset that an account may hold plus have on order.
    pub position_max: Quantity,
}

/// What order limits apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitScope {
    /// Every account, in this instrument; `triggers_max` must be 0.
    Instrument(InstrumentId),
    /// This account: open orders, waiting orders and rate over all instruments, the other limits per instrument.
    Account(AccountId),
    /// This login: quantity, notional and open orders over all instruments; the other limits do not apply and must be
    /// 0.
    Login(LoginId),
}

numbered!(LimitScope {
    0 => Instrument(it),
    1 => Account(it),
    2 => Login(it),
});

/// What a kill switch stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillScope {
    /// One account.
    Account(AccountId),
    /// All accounts.
    Venue,
}

numbered!(KillScope {
    0 => Account(it),
    1 => Venue,
});

/// The settings of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AssetSettings {
    /// The asset.
    pub asset: AssetId,
    /// Minor units are 10^-scale. If it changes, all orders of the instruments that trade the asset are cancelled and
    /// all amounts of it are converted. Refused if an amount would not be exact or would not fit.
    pub scale: u8,
    /// Whether deposits are accepted.
    pub deposits: Switch,
    /// Whether withdrawals are accepted.
    pub withdrawals: Switch,
    /// Smallest deposit, minor units of the new scale.
    pub min_deposit: Amount,
    /// Smallest withdrawal, minor units of the new scale.
    pub min_withdrawal: Amount,
}

/// An account's self-trade prevention. Its orders may ask for stricter prevention, not for less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AccountSelfTrade {
    /// The account.
    pub account: AccountId,
    /// The prevention.
    pub prevention: SelfTradePrevention,
    /// The account's group; 0: none.
    pub group: GroupId,
}

/// How an account's volume determines its fee tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct VolumeTiers {
    /// The quote asset whose trades count.
    pub asset: AssetId,
    /// The 30-day volume from which each row of the fee tables applies, minor units, ascending; the first is 0.
    /// `i64::MAX` makes a row unreachable.
    pub volume_min: [Amount; FeeTier::COUNT],
}

impl Default for VolumeTiers {
    fn default() -> Self {
        let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
        volume_min[0] = Amount(0);
        Self { asset: AssetId(0), volume_min }
    }
}

/// Selects the orders of a mass cancel: those that match all given fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct CancelFilter {
    /// Only orders of this login.
    pub login: Option<LoginId>,
    /// Only orders of this account.
    pub account: Option<AccountId>,
    /// Only orders of this instrument.
    pub instrument: Option<InstrumentId>,
    /// Only orders of this side.
    pub side: Option<Side>,
}
