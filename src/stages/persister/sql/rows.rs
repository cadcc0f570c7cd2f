//! The rows of the busy tables as the writer holds them in memory between two batches.

use crate::domain::{
    AccountId, Amount, AssetId, CancelReason, ClOrdId, Echo, EventRecord, InstrumentId, LoginId, OrderId,
    Price, Quantity, RejectReason, Side, TimeInForce, Timestamp, TradeId, UserRef,
};

/// What became of an order; the discriminants are the column `orders.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderStatus {
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
}

impl OrderStatus {
    /// Every status, at the index that is its number in the table.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Filled,
        Self::Canceled,
        Self::Replaced,
        Self::RemainderCanceled,
        Self::OutOfFunds,
        Self::RefusedReplace,
    ];

    /// The status of an order whose last open lot went for this reason.
    pub(super) fn after_cancel(reason: CancelReason) -> Self {
        match reason {
            CancelReason::UserRequested => Self::Canceled,
            CancelReason::ImmediateOrCancel => Self::RemainderCanceled,
            CancelReason::FundsExhausted => Self::OutOfFunds,
            CancelReason::InvalidReplace(_) => Self::RefusedReplace,
            _ => Self::Canceled,
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
    pub(super) price: Option<Price>,
    pub(super) quantity: Quantity,
    pub(super) executed: Quantity,
    pub(super) open: Quantity,
    pub(super) reserved: Amount,
    pub(super) status: OrderStatus,
    pub(super) refusal: Option<RejectReason>,
    pub(super) replaces: Option<OrderId>,
    pub(super) replaced_by: Option<OrderId>,
    pub(super) cl_ord_id: ClOrdId,
    pub(super) entered: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) stored: Stored,
    /// Whether the row is among the batch's changed ones.
    pub(super) changed: bool,
}

/// What an accepted order and one that takes another's place have in common.
pub(super) struct Terms {
    pub(super) order: OrderId,
    pub(super) login: LoginId,
    pub(super) user_ref: UserRef,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) time_in_force: TimeInForce,
    pub(super) price: Option<Price>,
    pub(super) quantity: Quantity,
    pub(super) reserved: Amount,
    pub(super) echo: Echo,
    pub(super) replaces: Option<OrderId>,
}

impl OrderRow {
    pub(super) fn new(terms: &Terms, account: AccountId, time: Timestamp) -> Self {
        Self {
            order: terms.order,
            login: terms.login,
            account,
            user_ref: terms.user_ref,
            instrument: terms.instrument,
            side: terms.side,
            time_in_force: terms.time_in_force,
            price: terms.price,
            quantity: terms.quantity,
            executed: Quantity(0),
            open: terms.quantity,
            reserved: terms.reserved,
            status: OrderStatus::Open,
            refusal: None,
            replaces: terms.replaces,
            replaced_by: None,
            cl_ord_id: terms.echo.cl_ord_id,
            entered: time,
            updated: time,
            stored: Stored::No,
            changed: false,
        }
    }
}

/// A row of `trades`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// The trade's number.
    pub trade: TradeId,
    /// The event that told of it.
    pub event: u64,
    /// When.
    pub time: Timestamp,
    /// What was traded.
    pub instrument: InstrumentId,
    /// The side of the incoming order.
    pub taker_side: Side,
    /// In ticks.
    pub price: Price,
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
    /// Its order.
    pub order: OrderId,
    /// The account that the order was for.
    pub account: AccountId,
    /// What it paid, minor units of quote.
    pub fee: Amount,
}

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
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub asset: AssetId,
    /// All of it, minor units.
    pub total: Amount,
    /// The part that open orders hold, minor units.
    pub reserved: Amount,
}
