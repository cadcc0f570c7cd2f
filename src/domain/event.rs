//! Events: everything that the exchange says has happened.
//!
//! Clients, the event log and SQL are told nothing that is not an event, and every event comes from one
//! journaled command, so all of it can be told again, bit for bit, after a crash.

use super::{
    AccountId, Amount, AssetCode, AssetId, ClOrdId, Echo, IgnoreReason, InstrumentId, Listing, LoginId,
    OrderId, Price, Quantity, RejectReason, Side, TimeInForce, Timestamp, TradeId, Trading, Transfer,
    UserRef,
};
use bincode::{Decode, Encode};

/// An event with its place: what stands in the event ring and in the event log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode)]
pub struct EventRecord {
    /// The event's own number, dense from 1 over the life of the exchange. The watermarks of the event log
    /// and of SQL are such numbers.
    pub number: u64,
    /// The sequence of the command that caused it: the gate holds this against the durable cursor.
    pub sequence: u64,
    /// That command's time.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub enum Event {
    /// An asset exists.
    AssetAdded {
        /// Its id.
        asset: AssetId,
        /// Its code.
        code: AssetCode,
        /// Minor units are 10^-scale.
        scale: u8,
    },
    /// An account exists.
    AccountOpened {
        /// Its id.
        account: AccountId,
    },
    /// A login exists. To its stream this is the start of the day (OUCH System Event `S`).
    LoginOpened {
        /// Its id.
        login: LoginId,
        /// The account that its orders are for.
        account: AccountId,
    },
    /// An instrument is listed.
    InstrumentListed(Listing),
    /// Trading of an instrument went on or off.
    TradingSet {
        /// Which instrument.
        instrument: InstrumentId,
        /// On or off.
        trading: Trading,
    },
    /// Money arrived.
    Deposited(Transfer),
    /// Money left.
    Withdrawn(Transfer),
    /// The configured assets, accounts and instruments are all there.
    Opened {
        /// Digest of the configuration they came from.
        config_digest: u64,
    },
    /// An administrative command was refused and changed nothing.
    Refused {
        /// Why.
        reason: RejectReason,
    },
    /// An order was accepted. Its trades, if it matches at once, follow.
    Accepted(Accepted),
    /// An order was refused; its number is consumed.
    Rejected(Rejected),
    /// An order was replaced. Its trades, if it matches at once, follow.
    Replaced(Replaced),
    /// An order lost some or all of its open quantity without a trade.
    Canceled(Canceled),
    /// Two orders traded.
    Executed(Executed),
    /// A message had no effect and has no answer.
    Ignored(Ignored),
    /// What the exchange as a whole holds at most was set.
    LimitsSet {
        /// Open orders, all instruments together.
        orders_max: u32,
    },
}

impl Default for Event {
    fn default() -> Self {
        Self::Opened { config_digest: 0 }
    }
}

impl Event {
    /// The logins whose streams carry this event, in the order of their messages; a trade of a login with itself
    /// gives two messages. The resting side of a trade is told first.
    pub fn recipients(&self) -> [Option<LoginId>; 2] {
        match self {
            Self::LoginOpened { login, .. } => [Some(*login), None],
            Self::Accepted(e) => [Some(e.login), None],
            Self::Rejected(e) => [Some(e.login), None],
            Self::Replaced(e) => [Some(e.login), None],
            Self::Canceled(e) => [Some(e.login), None],
            Self::Executed(e) => [Some(e.maker_login), Some(e.taker_login)],
            Self::AssetAdded { .. }
            | Self::AccountOpened { .. }
            | Self::InstrumentListed(_)
            | Self::TradingSet { .. }
            | Self::Deposited(_)
            | Self::Withdrawn(_)
            | Self::Opened { .. }
            | Self::Refused { .. }
            | Self::LimitsSet { .. }
            | Self::Ignored(_) => [None, None],
        }
    }
}

/// An order was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Accepted {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// The limit in ticks; `None` for a market order.
    pub price: Option<Price>,
    /// How many lots.
    pub quantity: Quantity,
    /// What is now reserved for it: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// What the client sent along.
    pub echo: Echo,
}

/// An order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Rejected {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// What the client sent along.
    pub cl_ord_id: ClOrdId,
}

/// An order was replaced: the old one is gone, the new one stands, with new priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Replaced {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of the old order.
    pub orig_user_ref: UserRef,
    /// The exchange's number of the old order.
    pub orig_order: OrderId,
    /// The client's number of the new order.
    pub user_ref: UserRef,
    /// The exchange's number of the new order.
    pub order: OrderId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// The limit in ticks; `None` for a market order.
    pub price: Option<Price>,
    /// Open lots of the new order before it matches (OUCH: the open quantity, not the chain's total).
    pub quantity: Quantity,
    /// What is now reserved for it: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// What the client sent along.
    pub echo: Echo,
}

/// An order lost open quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Canceled {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// By how many lots it became smaller.
    pub decrement: Quantity,
    /// How many lots are still open; 0 when the order is gone.
    pub open: Quantity,
    /// What is still reserved for it.
    pub reserved: Amount,
    /// Why.
    pub reason: CancelReason,
}

/// Why an order lost open quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CancelReason {
    /// The client asked for it.
    UserRequested,
    /// The remainder of an order that does not rest.
    ImmediateOrCancel,
    /// The remainder of a market buy that the account's money does not reach for.
    FundsExhausted,
    /// A replace of it had details that cannot be accepted (PROTOCOL.md §2.8).
    InvalidReplace(RejectReason),
}

/// A trade. Money moved: base from seller to buyer, price × quantity of quote from buyer to seller, and a fee
/// in quote from each side to the fee account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Executed {
    /// The trade's number.
    pub trade: TradeId,
    /// What was traded.
    pub instrument: InstrumentId,
    /// The side of the incoming order.
    pub taker_side: Side,
    /// The resting order's price, ticks.
    pub price: Price,
    /// How many lots.
    pub quantity: Quantity,
    /// The resting order's login.
    pub maker_login: LoginId,
    /// The resting order's number with its client.
    pub maker_user_ref: UserRef,
    /// The resting order.
    pub maker_order: OrderId,
    /// What the resting side paid, minor units of quote.
    pub maker_fee: Amount,
    /// What is still reserved for the resting order.
    pub maker_reserved: Amount,
    /// The incoming order's login.
    pub taker_login: LoginId,
    /// The incoming order's number with its client.
    pub taker_user_ref: UserRef,
    /// The incoming order.
    pub taker_order: OrderId,
    /// What the incoming side paid, minor units of quote.
    pub taker_fee: Amount,
    /// What is still reserved for the incoming order.
    pub taker_reserved: Amount,
}

/// A message that had no effect and has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ignored {
    /// Who sent it.
    pub login: LoginId,
    /// The client's number in it.
    pub user_ref: UserRef,
    /// Why.
    pub reason: IgnoreReason,
}

/// Ring slots and the event log are sized by this: an event must fit two cache lines.
const _: () = assert!(size_of::<EventRecord>() <= 128);
const _: () = assert!(size_of::<super::Command>() <= 96);
