//! The rows of the frequently changed tables, as the writer keeps them in memory between two batches.

use super::asked::Asked;
use crate::domain::{
    AccountId, Amount, AssetId, CancelReason, ClOrdId, EventRecord, InstrumentId, LoginId, OrderId,
    OrderState, OrderTerms, Quantity, RejectReason, ShardId, Side, TimeInForce, Timestamp, TradeId,
    TradeKind, UserRef,
};

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The status of an order. The discriminants are the values of the column `orders.status`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum OrderStatus { $($(#[$doc])* $name = $number,)* }

        impl OrderStatus {
            /// Every status, indexed by its number in the table.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$name,)*];
        }
    };
}
statuses! {
    /// Open lots can still trade.
    Open = 0,
    /// All of it traded.
    Filled = 1,
    /// The client cancelled the remainder.
    Canceled = 2,
    /// Another order took its place.
    Replaced = 3,
    /// The remainder of an order that does not rest.
    RemainderCanceled = 4,
    /// The remainder of a market buy that the account's balance did not cover.
    OutOfFunds = 5,
    /// A replace of the order was refused, which cancelled it.
    RefusedReplace = 6,
    /// It waits for its trigger.
    Dormant = 7,
    /// Fewer lots than its minimum quantity could trade at once.
    MinimumNotMet = 8,
    /// The remaining amount of a quantity in money did not pay for one more lot.
    AmountSpent = 9,
    /// The next trade would have been too far from the best price.
    MarketCollar = 10,
    /// The next trade would have crossed a price band.
    PriceBand = 11,
    /// It would have traded with an order of the same owner.
    SelfTrade = 12,
    /// The order that it was linked to traded, was triggered or was closed.
    LinkedOrder = 13,
    /// It reached its expire time, or its trading day ended.
    Expired = 14,
    /// It did not fit the instrument's new terms.
    TermsChanged = 15,
    /// The instrument was delisted.
    Delisted = 16,
    /// A kill switch was turned on.
    Killed = 17,
    /// It was cancelled together with others.
    MassCanceled = 18,
    /// An operator cancelled it.
    Operator = 19,
    /// It was triggered, but could not be matched then.
    TriggerRefused = 20,
    /// Its login's connection was lost.
    ConnectionLost = 21,
    /// Its login did not renew its dead-man's switch in time.
    DeadMansSwitch = 22,
    /// It reached the limit of work per order.
    WorkLimit = 23,
    /// A trade of it would have needed more margin than its account had.
    InsufficientMargin = 24,
    /// It was outside the contract's price limits.
    PriceOutsideLimits = 25,
    /// A trade of it would have raised the open interest above its limit.
    OpenInterestLimit = 26,
    /// It was reduce-only, and there was nothing left to close.
    NothingToReduce = 27,
    /// The index of the contract was stale.
    IndexStale = 28,
    /// The contract expired or was closed out.
    ContractExpired = 29,
    /// Its account had less than nothing, and no position.
    AccountBelowZero = 30,
}

impl OrderStatus {
    /// The status of an order whose last open lots were cancelled for this reason.
    pub(super) fn after_cancel(reason: CancelReason) -> Self {
        match reason {
            CancelReason::UserRequested => Self::Canceled,
            CancelReason::ImmediateOrCancel => Self::RemainderCanceled,
            CancelReason::FundsExhausted => Self::OutOfFunds,
            CancelReason::InvalidReplace(_) => Self::RefusedReplace,
            CancelReason::MinimumQuantity => Self::MinimumNotMet,
            CancelReason::AmountSpent => Self::AmountSpent,
            CancelReason::MarketCollar => Self::MarketCollar,
            CancelReason::PriceBand => Self::PriceBand,
            CancelReason::SelfTradePrevented(_) => Self::SelfTrade,
            CancelReason::LinkedOrder => Self::LinkedOrder,
            CancelReason::Expired => Self::Expired,
            CancelReason::TermsChanged => Self::TermsChanged,
            CancelReason::Delisted => Self::Delisted,
            CancelReason::Killed => Self::Killed,
            CancelReason::MassCancel => Self::MassCanceled,
            CancelReason::Operator => Self::Operator,
            CancelReason::TriggerRefused(_) => Self::TriggerRefused,
            CancelReason::Disconnected => Self::ConnectionLost,
            CancelReason::DeadMansSwitch => Self::DeadMansSwitch,
            CancelReason::WorkLimit => Self::WorkLimit,
            CancelReason::InsufficientMargin => Self::InsufficientMargin,
            CancelReason::PriceOutsideLimits => Self::PriceOutsideLimits,
            CancelReason::OpenInterestLimit => Self::OpenInterestLimit,
            CancelReason::ReduceOnlyResized => Self::NothingToReduce,
            CancelReason::IndexStale => Self::IndexStale,
            CancelReason::ContractExpired => Self::ContractExpired,
            CancelReason::AccountBelowZero => Self::AccountBelowZero,
        }
    }

    /// The status of an order that was just accepted.
    pub(super) fn of_new(state: OrderState) -> Self {
        match state {
            OrderState::Live => Self::Open,
            OrderState::Dormant => Self::Dormant,
        }
    }
}

/// Whether the table already has a row of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    No,
    Yes,
}

/// A row of `orders`.
#[derive(Clone, Debug)]
pub(super) struct OrderRow {
    pub(super) order: OrderId,
    pub(super) login: LoginId,
    pub(super) account: AccountId,
    pub(super) user_ref: UserRef,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) time_in_force: TimeInForce,
    /// Price units.
    pub(super) price: Option<u64>,
    pub(super) quantity: Quantity,
    pub(super) executed: Quantity,
    pub(super) open: Quantity,
    pub(super) reserved: Amount,
    pub(super) status: OrderStatus,
    pub(super) refusal: Option<RejectReason>,
    pub(super) replaces: Option<OrderId>,
    pub(super) replaced_by: Option<OrderId>,
    pub(super) cl_ord_id: ClOrdId,
    /// The event that accepted it.
    pub(super) event: u64,
    pub(super) asked: Asked,
    pub(super) entered: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) stored: Stored,
    /// Whether the row is among the batch's changed ones.
    pub(super) changed: bool,
}

impl OrderRow {
    /// A new order's row. `price` is its limit in price units.
    pub(super) fn new(
        owner: (LoginId, AccountId),
        terms: &OrderTerms,
        price: Option<u64>,
        replaces: Option<OrderId>,
        record: &EventRecord,
    ) -> Self {
        Self {
            order: terms.order,
            login: owner.0,
            account: owner.1,
            user_ref: terms.user_ref,
            instrument: terms.instrument,
            side: terms.side,
            time_in_force: terms.time_in_force,
            price,
            quantity: terms.quantity,
            executed: Quantity(0),
            open: terms.quantity,
            reserved: terms.reserved,
            status: OrderStatus::of_new(terms.state),
            refusal: None,
            replaces,
            replaced_by: None,
            cl_ord_id: terms.echo.cl_ord_id,
            event: record.number,
            asked: Asked::of(terms),
            entered: record.time,
            updated: record.time,
            stored: Stored::No,
            changed: false,
        }
    }

    /// Whether the rarely used columns have their defaults.
    pub(super) fn is_plain(&self) -> bool {
        self.refusal.is_none() && self.cl_ord_id == ClOrdId::default() && self.asked == Asked::default()
    }
}

/// An event that is a row by itself, or changes one of the rarely changed tables.
#[derive(Clone, Debug)]
pub(super) enum Rare {
    /// The event contains everything to write.
    Event(EventRecord),
    /// The event has a price in ticks; the number is the same price in price units.
    Priced(EventRecord, u64),
    /// The settings of an asset changed, including its scale, so all its amounts changed.
    Rescaled {
        record: EventRecord,
        before: u8,
        /// The sum of all balances, funds and clearing of the asset, less the cost of positions, in the new minor units.
        supply: Amount,
    },
}

/// A row of `trades`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    pub trade: TradeId,
    /// The event of the trade.
    pub event: u64,
    pub time: Timestamp,
    pub instrument: InstrumentId,
    /// The side of the incoming order; in an auction always buy.
    pub taker_side: Side,
    /// The kind of trading in which the orders met.
    pub kind: TradeKind,
    /// Price units.
    pub price: u64,
    /// Lots.
    pub quantity: Quantity,
    /// Price × quantity, minor units of the quote asset.
    pub notional: Amount,
    /// The resting side.
    pub maker: TradeSide,
    /// The incoming side.
    pub taker: TradeSide,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeSide {
    pub order: OrderId,
    /// The account of the order.
    pub account: AccountId,
    /// Its fee, minor units of [`crate::domain::Listing::fee_paid_in`]; negative for a rebate.
    pub fee: Amount,
}

/// The memory per event of a batch (docs/OPERATIONS.md): a trade and its two orders.
const _: () = assert!(2 * size_of::<OrderRow>() + size_of::<TradeRow>() <= 430 && size_of::<Rare>() <= 430);

/// The position of the tables: the last event in them and its command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermark {
    /// The last event in the tables; 0 if there is none.
    pub event: u64,
    /// The sequence of the command that caused it.
    pub sequence: u64,
    /// The time of that command. Together with the sequence it distinguishes this event from another one that once had
    /// the same number.
    pub time: Timestamp,
}

impl Watermark {
    /// The watermark after this event.
    pub(super) fn at(record: &EventRecord) -> Self {
        Self { event: record.number, sequence: record.sequence, time: record.time }
    }
}

/// An account's balance of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// The shard of the wallet.
    pub shard: ShardId,
    pub account: AccountId,
    pub asset: AssetId,
    /// The total, minor units.
    pub total: Amount,
    /// The part reserved by open orders, minor units.
    pub reserved: Amount,
}
