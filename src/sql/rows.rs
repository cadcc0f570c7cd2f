//! The rows of the busy tables as the writer holds them in memory between two batches.

use super::asked::Asked;
use crate::domain::{
    AccountId, Amount, AssetId, CancelReason, ClOrdId, EventRecord, InstrumentId, LoginId, OrderId,
    OrderState, OrderTerms, Quantity, RejectReason, ShardId, Side, TimeInForce, Timestamp, TradeId,
    TradeKind, UserRef,
};

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What became of an order; the discriminants are the column `orders.status`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum OrderStatus { $($(#[$doc])* $name = $number,)* }

        impl OrderStatus {
            /// Every status, at the index that is its number in the table.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$name,)*];
        }
    };
}
statuses! {
    /// Some of it can still trade.
    Open = 0,
    /// All of it traded.
    Filled = 1,
    /// The client canceled what was open.
    Canceled = 2,
    /// Another order took its place.
    Replaced = 3,
    /// The remainder of an order that does not rest.
    RemainderCanceled = 4,
    /// The remainder of a market buy that the account's money did not reach for.
    OutOfFunds = 5,
    /// A replace of it was refused, which canceled it.
    RefusedReplace = 6,
    /// It waits for its trigger.
    Dormant = 7,
    /// Fewer lots than its minimum could trade at once.
    MinimumNotMet = 8,
    /// What was left of a quantity in money did not pay for one more lot.
    AmountSpent = 9,
    /// The next trade would have been too far from the best price.
    MarketCollar = 10,
    /// The next trade would have crossed a price band.
    PriceBand = 11,
    /// It would have traded with its own owner.
    SelfTrade = 12,
    /// The order that it was linked to traded, was triggered or went.
    LinkedOrder = 13,
    /// Its time came, or its day ended.
    Expired = 14,
    /// It did not fit the instrument's new terms.
    TermsChanged = 15,
    /// The instrument was delisted.
    Delisted = 16,
    /// A kill switch was turned on.
    Killed = 17,
    /// It was canceled together with others.
    MassCanceled = 18,
    /// An operator canceled it.
    Operator = 19,
    /// Its trigger came, and it could not be matched then.
    TriggerRefused = 20,
    /// Its login's connection was lost.
    ConnectionLost = 21,
    /// Its login's dead-man's switch was not held.
    DeadMansSwitch = 22,
    /// It had touched as much as one order may.
    WorkLimit = 23,
}

impl OrderStatus {
    /// The status of an order whose last open lot went for this reason.
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

/// Whether the table has a row of an order yet.
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
    /// A new order's row; `price`: its limit in price units.
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

    /// Whether it has nothing to say in the columns that few orders use.
    pub(super) fn is_plain(&self) -> bool {
        self.refusal.is_none() && self.cl_ord_id == ClOrdId::default() && self.asked == Asked::default()
    }
}

/// What is written for an event that is a row by itself, or changes one of the quiet tables.
#[derive(Clone, Debug)]
pub(super) enum Rare {
    /// It says all that there is to write.
    Event(EventRecord),
    /// It names prices in ticks: those of its instrument at that time, in price units.
    Priced(EventRecord, u64),
    /// The settings of an asset changed, and with them what all amounts of it count.
    Rescaled {
        record: EventRecord,
        before: u8,
        /// All that accounts hold of it, in the new minor units.
        supply: Amount,
    },
}

/// A row of `trades`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    pub trade: TradeId,
    /// The event that told of it.
    pub event: u64,
    pub time: Timestamp,
    pub instrument: InstrumentId,
    /// The side of the incoming order; in an auction the buy.
    pub taker_side: Side,
    /// How the orders met.
    pub kind: TradeKind,
    /// In price units.
    pub price: u64,
    /// In lots.
    pub quantity: Quantity,
    /// Price × quantity, minor units of quote.
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
    /// The account that the order was for.
    pub account: AccountId,
    /// What it paid, minor units of [`crate::domain::Listing::fee_paid_in`]; below 0 for a rebate.
    pub fee: Amount,
}

/// The memory of a batch for each event (docs/OPERATIONS.md): a trade, and the two orders that go with it.
const _: () = assert!(2 * size_of::<OrderRow>() + size_of::<TradeRow>() <= 430 && size_of::<Rare>() <= 430);

/// How far the tables have got: the last event in them, and what is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermark {
    /// The last event in the tables; 0 for none.
    pub event: u64,
    /// The sequence of the command that caused it.
    pub sequence: u64,
    /// That command's time. With the sequence it tells this event from another that once had the same number.
    pub time: Timestamp,
}

impl Watermark {
    /// The watermark after this event.
    pub(super) fn at(record: &EventRecord) -> Self {
        Self { event: record.number, sequence: record.sequence, time: record.time }
    }
}

/// What one account holds of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// In whose wallet.
    pub shard: ShardId,
    pub account: AccountId,
    pub asset: AssetId,
    /// All of it, minor units.
    pub total: Amount,
    /// The part that open orders hold, minor units.
    pub reserved: Amount,
}
