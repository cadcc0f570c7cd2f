//! What an operator sets while the exchange runs. docs/RULES.md says what each does.

use super::numbered::{numbered, numbered_enum};
use super::{AccountId, Amount, AssetId, FeeRate, FeeTier, GroupId, InstrumentId, LoginId, Ppm, Quantity};
use super::{SelfTradePrevention, Side};
use bincode::{Decode, Encode};
use serde::Serialize;
use std::ops::RangeInclusive;

numbered_enum! {
    /// What an instrument does at present.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Phase {
        /// No new orders, no replaces; cancels work. Entering it ends the day: day orders expire.
        #[default]
        Closed = 0,
        /// Orders gather without matching.
        PreOpen = 1,
        /// Orders gather for the opening; indicative price and volume are published.
        OpeningAuction = 2,
        /// Orders match as they come.
        Continuous = 3,
        /// A price band was crossed: orders gather until the interruption ends.
        VolatilityAuction = 4,
        /// Orders gather for the close.
        ClosingAuction = 5,
        /// Nothing is taken, not even cancels.
        Halted = 6,
        /// Only cancels are taken.
        CancelOnly = 7,
        /// Gone for good; its orders are cancelled.
        Delisted = 8,
    }
}

impl Phase {
    /// Whether orders gather without matching.
    pub fn gathers(self) -> bool {
        matches!(self, Self::PreOpen | Self::OpeningAuction | Self::VolatilityAuction | Self::ClosingAuction)
    }

    /// Whether indicative prices are published.
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
    /// Out of what an instrument's fees are taken.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum FeeAsset {
        /// Both sides pay in the quote asset: a buyer on top of the price, a seller out of the proceeds.
        #[default]
        Quote = 0,
        /// Each side pays out of what it receives: a buyer in base, a seller in quote.
        Received = 1,
    }
}

/// The fee rates of one row of an instrument's fee table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetFees {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which row.
    pub tier: FeeTier,
    /// Of the resting side. With the taker's it must not be below zero: the venue never pays more than it takes.
    pub maker: FeeRate,
    /// Of the incoming side, and of both sides of an auction.
    pub taker: FeeRate,
}

/// The terms of an instrument that can change while it is listed. Orders that no longer fit are cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetTerms {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// One tick in price units. Orders off the new tick are cancelled.
    pub tick_units: u32,
    /// One lot in minor units of the base asset. If it changes, all orders of the instrument are cancelled.
    pub lot: Amount,
    /// Smallest order, lots. Orders that rest stay.
    pub min_quantity: Quantity,
    /// Largest order, lots. Orders that rest stay.
    pub max_quantity: Quantity,
    /// Smallest limit order, price × quantity. Orders that rest stay.
    pub min_notional: Amount,
}

/// What keeps an instrument's prices from running away. Everything 0: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Protection {
    /// Lowest limit price taken, price units. 0: none.
    pub price_min: u32,
    /// Highest limit price taken, price units. 0: none.
    pub price_max: u32,
    /// Reference of the static band until the next auction sets it, price units. 0: as it is.
    pub reference: u32,
    /// How far from the reference trades may be. 0: any distance.
    pub static_band: Ppm,
    /// How far from the last trade a next order may trade. 0: any distance.
    pub dynamic_band: Ppm,
    /// How long trading gathers when a band is crossed, seconds. 0: it goes on, and what is left of the order that would
    /// cross is cancelled.
    pub interruption_s: u32,
    /// How far from the best price a market order may trade. 0: any distance.
    pub market_collar: Ppm,
}

/// What the exchange as a whole holds at most, and what holds for every account that has no limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct VenueLimits {
    /// Open orders, all instruments together: 1 to [`Self::ORDERS_MAX`].
    pub orders_max: u32,
    /// What one order may touch when it is matched, 2 or more for each order that it meets, and what one part of a command
    /// touches (docs/RULES.md, "Parts"); ten times as much is what an account may look at in vain in a second ("Work in vain"): within [`VenueLimits::ORDERS_TOUCHED`].
    pub orders_touched_max: u32,
    /// Open orders of an account for which no own limit is set, at least 1.
    pub account_orders_max: u32,
    /// Orders of an account that wait for a trigger, where no own limit is set, at least 1.
    pub account_triggers_max: u32,
}

impl VenueLimits {
    /// The most open orders that an exchange can be set to hold.
    pub const ORDERS_MAX: u32 = 100_000_000;

    /// What [`VenueLimits::orders_touched_max`] may be.
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
    /// Limits for a venue of a few accounts, each of which may have all its orders and all its triggers.
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

/// Limits on orders. 0: none, but for those of which it is said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct OrderLimits {
    /// Largest quantity of an order, lots.
    pub quantity_max: Quantity,
    /// Largest price × quantity of a limit order, minor units of its quote asset.
    pub notional_max: Amount,
    /// Most open orders of an account. 0 of an account: the venue's [`VenueLimits::account_orders_max`].
    pub open_orders_max: u32,
    /// Most orders of an account that wait for a trigger, over all instruments; of nothing but an account. 0: the venue's
    /// [`VenueLimits::account_triggers_max`].
    pub triggers_max: u32,
    /// Most new orders and replaces of an account in one second of the clock.
    pub orders_per_second_max: u32,
    /// Most of the base asset, in lots, that an account may hold and have on order.
    pub position_max: Quantity,
}

/// For whom limits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitScope {
    /// Every account, in this instrument; its limit of triggers must be 0.
    Instrument(InstrumentId),
    /// This account: open orders, those that wait, and their rate over all instruments, the others in each.
    Account(AccountId),
    /// This login: quantity, notional and open orders over all instruments; the other limits are not a login's and must
    /// be 0.
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
    /// Everybody.
    Venue,
}

numbered!(KillScope {
    0 => Account(it),
    1 => Venue,
});

/// The settings of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AssetSettings {
    /// Which asset.
    pub asset: AssetId,
    /// Minor units are 10^-scale. If it changes, all orders of the instruments that trade the asset are cancelled and all
    /// amounts of it are converted; refused if one would not be exact or not fit.
    pub scale: u8,
    /// Whether deposits are taken.
    pub deposits: Switch,
    /// Whether withdrawals are made.
    pub withdrawals: Switch,
    /// Smallest deposit, minor units of the new scale.
    pub min_deposit: Amount,
    /// Smallest withdrawal, minor units of the new scale.
    pub min_withdrawal: Amount,
}

/// An account's self-trade prevention. Its orders may ask for more, not for less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AccountSelfTrade {
    /// Which account.
    pub account: AccountId,
    /// What is done.
    pub prevention: SelfTradePrevention,
    /// The account's group; 0: none.
    pub group: GroupId,
}

/// How accounts come to their fee tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct VolumeTiers {
    /// Trades that are paid in this asset count.
    pub asset: AssetId,
    /// The 30-day volume from which a row of the fee tables holds, minor units, ascending; the first is 0. A row that is
    /// not to be reached has `i64::MAX`.
    pub volume_min: [Amount; FeeTier::COUNT],
}

impl Default for VolumeTiers {
    fn default() -> Self {
        let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
        volume_min[0] = Amount(0);
        Self { asset: AssetId(0), volume_min }
    }
}

/// Which orders a mass cancel takes: those that fit everything that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct CancelFilter {
    /// Orders of this login.
    pub login: Option<LoginId>,
    /// Orders of this account.
    pub account: Option<AccountId>,
    /// Orders of this instrument.
    pub instrument: Option<InstrumentId>,
    /// Orders of this side.
    pub side: Option<Side>,
}
