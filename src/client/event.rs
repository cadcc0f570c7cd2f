//! The messages of a client's stream, in the types of the domain.

#![deny(clippy::wildcard_enum_match_arm)]

use super::explain::{CancelCode, RejectCode};
use super::position::{FundPayment, FundingPayment, PositionReport, PositionUpdate};
use crate::domain::{
    AccountId, Amount, AssetBalance, AssetId, ClOrdId, IndexId, IndexOutcome, LoginId, OrderId, OrderPrice,
    Quantity, ShardId, Side, Symbol, TimeInForce, Timestamp, TradeId, UserRef, Visibility, Wallet,
};
use crate::wire::ouch::tags::{self, Appendage};
use crate::wire::ouch::{MARKET_PRICE, OrderReplaced, Outbound, Setting, Told};

/// One message of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientMessage {
    /// Its number in the session, from 1.
    pub sequence: u64,
    /// When the exchange processed the cause of the message, nanoseconds since midnight UTC.
    pub since_midnight_ns: u64,
    /// For a drop copy: the original recipient. The order numbers are then that login's.
    pub copy_of: Option<CopyOf>,
    /// The content.
    pub event: ClientEvent,
}

/// The original recipient of a copied message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyOf {
    /// The login that the original was sent to.
    pub login: LoginId,
    /// That login's account.
    pub account: AccountId,
}

/// The content of a message. Prices are in price units (price × 10^`price_decimals` of the instrument), quantities in
/// lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The session began. This is the first message of every stream.
    SessionStarted,
    /// The session ended. This is the last message of its stream; the server then disconnects
    /// ([`super::ClientError::SessionEnded`]).
    SessionEnded,
    /// An order was accepted.
    Accepted(OrderTerms),
    /// An order was replaced by another one.
    Replaced {
        /// The number of the old order.
        orig_user_ref: UserRef,
        /// The new order; its quantity is the open lots.
        order: OrderTerms,
    },
    /// An order, or a change of one, was refused; its number is used up.
    Rejected {
        /// The number of the refused message.
        user_ref: UserRef,
        /// The reason.
        reason: RejectCode,
        /// The client's text.
        cl_ord_id: ClOrdId,
    },
    /// An order traded.
    Executed {
        /// The order.
        user_ref: UserRef,
        /// Traded lots.
        quantity: Quantity,
        /// The trade's price, price units.
        price: u64,
        /// The role of the order in the trade.
        liquidity: Liquidity,
        /// The trade's number, the same for both sides.
        trade: TradeId,
    },
    /// An order lost open quantity without a trade.
    Canceled {
        /// The order.
        user_ref: UserRef,
        /// By how many lots its quantity decreased.
        decrement: Quantity,
        /// The reason.
        reason: CancelCode,
    },
    /// An order lost open quantity because it would have traded with an order of the same owner.
    SelfTradePrevented {
        /// The order.
        user_ref: UserRef,
        /// By how many lots its quantity decreased.
        decrement: Quantity,
        /// Lots that would have traded.
        prevented: Quantity,
        /// The price of the prevented trade, price units.
        price: u64,
        /// Whether this was the incoming order.
        incoming: bool,
        /// Which of the two orders lost quantity.
        strategy: SelfMatchStrategy,
    },
    /// An order's quantity decreased; it kept its priority.
    Modified {
        /// The order.
        user_ref: UserRef,
        /// Its side.
        side: Side,
        /// The lots still open.
        open: Quantity,
    },
    /// A cancel or a change was refused; the order is unchanged.
    CancelRejected {
        /// The order.
        user_ref: UserRef,
    },
    /// A cancel will be carried out later. (This exchange never sends it.)
    CancelPending {
        /// The order.
        user_ref: UserRef,
    },
    /// A triggered order takes part in trading from now on.
    PriorityUpdated {
        /// The order.
        user_ref: UserRef,
        /// The exchange's number of it.
        order: OrderId,
        /// Market, or the limit in price units.
        price: OrderPrice,
        /// Whether it is displayed.
        visibility: Visibility,
    },
    /// An iceberg displays its next slice, last in the queue of its price.
    Refreshed {
        /// The order.
        user_ref: UserRef,
        /// Lots displayed now, if the message says so.
        displayed: Option<Quantity>,
        /// The slice's order number in market data, if the message says so.
        slice: Option<OrderId>,
    },
    /// A mass cancel was carried out. The cancels of the orders come before this message.
    MassCanceled {
        /// The number of the mass cancel.
        user_ref: UserRef,
        /// The instrument in the request; `None`: all.
        symbol: Option<Symbol>,
        /// The side in the request; `None`: both.
        side: Option<Side>,
    },
    /// Order entry of this login is off.
    OrderEntryDisabled {
        /// The number of the message that asked for it.
        user_ref: UserRef,
    },
    /// Order entry of this login is on.
    OrderEntryEnabled {
        /// The number of the message that asked for it.
        user_ref: UserRef,
    },
    /// The answer to an account query.
    AccountState {
        /// The smallest number that was not used yet.
        next_user_ref: UserRef,
        /// When the dead-man's switch cancels all orders; `None`: it is off.
        cancel_at: Option<Timestamp>,
        /// The account's balance of the asset in the query ([`super::Client::query_balance`]).
        balance: Option<AssetBalance>,
        /// What the account has in the shard of the query ([`super::Client::query_wallet`]).
        wallet: Option<(ShardId, Wallet)>,
    },
    /// The account has set something in a contract.
    SettingMade {
        /// The number of the message that asked for it.
        user_ref: UserRef,
        /// The contract.
        symbol: Symbol,
        /// What it has set.
        setting: Setting,
        /// What the pot of the position has then, minor units; 0 if no money was moved.
        pot: Amount,
        /// What the wallet has then, minor units, what orders hold included; 0 if no money was moved.
        wallet: Amount,
    },
    /// Money is on its way to the account's wallet in another shard.
    TransferSent {
        /// The number of the message that asked for it.
        user_ref: UserRef,
        /// The transfer.
        transfer: ClientTransfer,
        /// Its number, from 1 for each pair of shards.
        number: u64,
        /// What the account has left in the wallet that paid, minor units; what orders hold is included.
        wallet: Amount,
    },
    /// The answer to a price of an index ([`super::Client::send_index`]).
    IndexAnswered {
        /// The number of the message with the price.
        user_ref: UserRef,
        /// The index, by its place in the venue's configuration, from 0.
        index: IndexId,
        /// Price units.
        price: u64,
        /// When the price was made, as sent.
        source_time: Timestamp,
        /// Whether it is the price of the index now, or waits for a second one near it.
        outcome: IndexOutcome,
    },
    /// A position of the account, as asked for. The answer to the query follows.
    PositionState(PositionReport),
    /// A position of the account changed.
    PositionChanged(PositionUpdate),
    /// A position of the account was charged for a funding.
    FundingPaid(FundingPayment),
    /// The insurance fund brought a wallet or a pot of the account to 0.
    FundPaid(FundPayment),
    /// A trade was cancelled. (This exchange never sends it.)
    Broken {
        /// The order.
        user_ref: UserRef,
        /// The trade.
        trade: TradeId,
    },
}

/// A transfer of money of the login's account between the wallets of two shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientTransfer {
    /// The asset, by its place in the venue's configuration, from 0.
    pub asset: AssetId,
    /// Minor units, at least 1.
    pub amount: Amount,
    /// The shard whose wallet pays.
    pub from: ShardId,
    /// The shard whose wallet receives.
    pub to: ShardId,
    /// The client's number of the transfer, rising for each account and shard over deposits, withdrawals and transfers.
    pub reference: u64,
}

/// The terms of an order as accepted by the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// Lots.
    pub quantity: Quantity,
    /// The instrument.
    pub symbol: Symbol,
    /// Market, or the limit in price units.
    pub price: OrderPrice,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// Whether it is displayed.
    pub visibility: Visibility,
    /// `false`: it was accepted and cancelled at once. (This exchange never sends it.)
    pub live: bool,
    /// The client's text.
    pub cl_ord_id: ClOrdId,
    /// Its further instructions, as far as the message has them.
    pub told: Told,
}

/// The role of an order in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Liquidity {
    /// It rested in the book, displayed.
    Added,
    /// It rested in the book, hidden.
    AddedHidden,
    /// It was incoming and matched a resting order.
    Removed,
    /// It traded in the opening auction.
    OpeningAuction,
    /// It traded in the auction after a volatility interruption.
    VolatilityAuction,
    /// It traded in the closing auction.
    ClosingAuction,
    /// A flag that this exchange does not send.
    Other(u8),
}

impl Liquidity {
    fn of(flag: u8) -> Self {
        match flag {
            b'A' => Self::Added,
            b'J' => Self::AddedHidden,
            b'R' => Self::Removed,
            b'O' => Self::OpeningAuction,
            b'H' => Self::VolatilityAuction,
            b'C' => Self::ClosingAuction,
            flag => Self::Other(flag),
        }
    }

    /// A sentence about the role.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Added => "added liquidity",
            Self::AddedHidden => "added hidden liquidity",
            Self::Removed => "removed liquidity",
            Self::OpeningAuction => "traded in the opening auction",
            Self::VolatilityAuction => "traded in the auction after an interruption",
            Self::ClosingAuction => "traded in the closing auction",
            Self::Other(_) => "traded in a way that this exchange does not name",
        }
    }

    /// A few words about the role, for a table.
    pub fn brief(self) -> &'static str {
        match self {
            Self::Added => "maker",
            Self::AddedHidden => "maker, hidden",
            Self::Removed => "taker",
            Self::OpeningAuction => "opening auction",
            Self::VolatilityAuction => "volatility auction",
            Self::ClosingAuction => "closing auction",
            Self::Other(_) => "unknown",
        }
    }
}

/// Which order lost quantity in self-trade prevention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SelfMatchStrategy {
    /// The resting order was cancelled.
    CancelOldest,
    /// The incoming order was cancelled.
    CancelNewest,
    /// Both lost the quantity that would have traded.
    Decrement,
    /// A letter that this exchange does not send.
    Other(u8),
}

impl SelfMatchStrategy {
    fn of(letter: u8) -> Self {
        match letter.to_ascii_uppercase() {
            b'O' => Self::CancelOldest,
            b'W' => Self::CancelNewest,
            b'D' | b'Y' => Self::Decrement,
            _ => Self::Other(letter),
        }
    }
}

/// A message with field values that the protocol does not define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A code that the protocol does not define.
    #[error("the field {field} with the value {:?}", char::from(*.value))]
    Letter {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u8,
    },
    /// An appendage that cannot be split into tags, or a tag of the wrong length.
    #[error("optional tags that cannot be decoded")]
    Tags,
}

impl ClientMessage {
    /// Decodes the message with this number in the stream.
    ///
    /// # Errors
    /// [`EventError`] for values that the protocol does not define. Unknown tags are ignored.
    pub fn read(sequence: u64, message: &Outbound<'_>) -> Result<Self, EventError> {
        let (since_midnight_ns, tail, event) = match message {
            Outbound::System(m) => {
                let event = match m.code {
                    b'S' => ClientEvent::SessionStarted,
                    b'E' => ClientEvent::SessionEnded,
                    value => return Err(EventError::Letter { field: "EventCode", value }),
                };
                return Ok(Self { sequence, since_midnight_ns: m.timestamp, copy_of: None, event });
            }
            Outbound::Accepted(m, tail) => {
                let as_replaced = OrderReplaced {
                    timestamp: m.timestamp,
                    orig_user_ref: m.user_ref,
                    user_ref: m.user_ref,
                    side: m.side,
                    quantity: m.quantity,
                    symbol: m.symbol,
                    price: m.price,
                    time_in_force: m.time_in_force,
                    display: m.display,
                    order: m.order,
                    capacity: m.capacity,
                    iso: m.iso,
                    cross_type: m.cross_type,
                    state: m.state,
                    cl_ord_id: m.cl_ord_id,
                };
                (m.timestamp, tail, ClientEvent::Accepted(terms(&as_replaced, *tail)?))
            }
            Outbound::Replaced(m, tail) => {
                let order = terms(m, *tail)?;
                (m.timestamp, tail, ClientEvent::Replaced { orig_user_ref: m.orig_user_ref, order })
            }
            Outbound::Rejected(m, tail) => {
                let reason = RejectCode(m.reason);
                let event = ClientEvent::Rejected { user_ref: m.user_ref, reason, cl_ord_id: m.cl_ord_id };
                (m.timestamp, tail, event)
            }
            Outbound::Executed(m, tail) => {
                let event = ClientEvent::Executed {
                    user_ref: m.user_ref,
                    quantity: lots(m.quantity),
                    price: m.price,
                    liquidity: Liquidity::of(m.liquidity),
                    trade: m.trade,
                };
                (m.timestamp, tail, event)
            }
            Outbound::Canceled(m, tail) => {
                let event = ClientEvent::Canceled {
                    user_ref: m.user_ref,
                    decrement: lots(m.decrement),
                    reason: CancelCode(m.reason),
                };
                (m.timestamp, tail, event)
            }
            Outbound::SelfMatchCanceled(m, tail) => {
                let event = ClientEvent::SelfTradePrevented {
                    user_ref: m.user_ref,
                    decrement: lots(m.decrement),
                    prevented: lots(m.prevented),
                    price: m.price,
                    incoming: m.liquidity == b'R',
                    strategy: SelfMatchStrategy::of(m.strategy),
                };
                (m.timestamp, tail, event)
            }
            Outbound::Modified(m, tail) => {
                let (side, open) = (side(m.side)?, lots(m.quantity));
                (m.timestamp, tail, ClientEvent::Modified { user_ref: m.user_ref, side, open })
            }
            Outbound::CancelRejected(m, tail) => {
                (m.timestamp, tail, ClientEvent::CancelRejected { user_ref: m.user_ref })
            }
            Outbound::CancelPending(m, tail) => {
                (m.timestamp, tail, ClientEvent::CancelPending { user_ref: m.user_ref })
            }
            Outbound::PriorityUpdated(m, tail) => {
                let event = ClientEvent::PriorityUpdated {
                    user_ref: m.user_ref,
                    order: m.order,
                    price: price(m.price),
                    visibility: visibility(m.display),
                };
                (m.timestamp, tail, event)
            }
            Outbound::Restated(m, tail) => {
                let displayed = number(*tail, tags::DISPLAY_QUANTITY)?.map(lots);
                let slice = long(*tail, tags::SECONDARY_ORDER)?.map(OrderId);
                (m.timestamp, tail, ClientEvent::Refreshed { user_ref: m.user_ref, displayed, slice })
            }
            Outbound::MassCanceled(m, tail) => {
                let of_side = value::<1>(*tail, tags::SIDE)?.map(|[letter]| side(letter)).transpose()?;
                let symbol = (m.symbol != Symbol::default()).then_some(m.symbol);
                let event = ClientEvent::MassCanceled { user_ref: m.user_ref, symbol, side: of_side };
                (m.timestamp, tail, event)
            }
            Outbound::EntryDisabled(m, tail) => {
                (m.timestamp, tail, ClientEvent::OrderEntryDisabled { user_ref: m.user_ref })
            }
            Outbound::EntryEnabled(m, tail) => {
                (m.timestamp, tail, ClientEvent::OrderEntryEnabled { user_ref: m.user_ref })
            }
            Outbound::AccountState(m, tail) => {
                let cancel_at = long(*tail, tags::CANCEL_AT)?.map(Timestamp);
                let balance = value(*tail, tags::BALANCE_OF)?.map(balance_of);
                let wallet = value(*tail, tags::WALLET_OF)?.map(wallet_of);
                let next_user_ref = m.next_user_ref;
                let event = ClientEvent::AccountState { next_user_ref, cancel_at, balance, wallet };
                (m.timestamp, tail, event)
            }
            Outbound::TransferSent(m, tail) => {
                let (asset, amount, from, to, reference) = (m.asset, m.amount, m.from, m.to, m.reference);
                let transfer = ClientTransfer { asset, amount, from, to, reference };
                let (user_ref, number, wallet) = (m.user_ref, m.number, m.wallet);
                (m.timestamp, tail, ClientEvent::TransferSent { user_ref, transfer, number, wallet })
            }
            Outbound::PositionState(m, tail) => {
                (m.timestamp, tail, ClientEvent::PositionState(PositionReport::read(m).map_err(letter)?))
            }
            Outbound::PositionChanged(m, tail) => {
                (m.timestamp, tail, ClientEvent::PositionChanged(PositionUpdate::read(m).map_err(letter)?))
            }
            Outbound::FundingPaid(m, tail) => {
                (m.timestamp, tail, ClientEvent::FundingPaid(FundingPayment::read(m).map_err(letter)?))
            }
            Outbound::FundPaid(m, tail) => (m.timestamp, tail, ClientEvent::FundPaid(FundPayment::read(m))),
            Outbound::SettingMade(m, tail) => {
                let setting = Setting::read(m.kind, m.leg, m.value)
                    .ok_or(EventError::Letter { field: "Kind", value: m.kind })?;
                let (user_ref, symbol, pot, wallet) = (m.user_ref, m.symbol, m.pot, m.wallet);
                let event = ClientEvent::SettingMade { user_ref, symbol, setting, pot, wallet };
                (m.timestamp, tail, event)
            }
            Outbound::IndexAnswered(m, tail) => {
                let outcome = match m.state {
                    b'T' => IndexOutcome::Taken,
                    b'H' => IndexOutcome::Held,
                    value => return Err(EventError::Letter { field: "State", value }),
                };
                let (user_ref, index, price) = (m.user_ref, m.index, m.price);
                let source_time = Timestamp(m.source_time);
                let event = ClientEvent::IndexAnswered { user_ref, index, price, source_time, outcome };
                (m.timestamp, tail, event)
            }
            Outbound::Broken(m, tail) => {
                (m.timestamp, tail, ClientEvent::Broken { user_ref: m.user_ref, trade: m.trade })
            }
        };
        Ok(Self { sequence, since_midnight_ns, copy_of: copy_of(*tail)?, event })
    }
}

impl ClientEvent {
    /// The client's number of the order or request that the message is about, if any.
    pub fn user_ref(&self) -> Option<UserRef> {
        match self {
            Self::SessionStarted
            | Self::SessionEnded
            | Self::AccountState { .. }
            | Self::PositionState(_)
            | Self::PositionChanged(_)
            | Self::FundingPaid(_)
            | Self::FundPaid(_) => None,
            Self::Accepted(order) | Self::Replaced { order, .. } => Some(order.user_ref),
            Self::Rejected { user_ref, .. }
            | Self::Executed { user_ref, .. }
            | Self::Canceled { user_ref, .. }
            | Self::SelfTradePrevented { user_ref, .. }
            | Self::Modified { user_ref, .. }
            | Self::CancelRejected { user_ref }
            | Self::CancelPending { user_ref }
            | Self::PriorityUpdated { user_ref, .. }
            | Self::Refreshed { user_ref, .. }
            | Self::MassCanceled { user_ref, .. }
            | Self::OrderEntryDisabled { user_ref }
            | Self::OrderEntryEnabled { user_ref }
            | Self::TransferSent { user_ref, .. }
            | Self::SettingMade { user_ref, .. }
            | Self::IndexAnswered { user_ref, .. }
            | Self::Broken { user_ref, .. } => Some(*user_ref),
        }
    }

    /// A sentence about the reason, if the message has one.
    pub fn explain(&self) -> Option<&'static str> {
        match self {
            Self::Rejected { reason, .. } => Some(reason.explain()),
            Self::Canceled { reason, .. } => Some(reason.explain()),
            Self::SelfTradePrevented { .. } => Some(CancelCode(b'Q').explain()),
            Self::SessionStarted
            | Self::SessionEnded
            | Self::Accepted(_)
            | Self::Replaced { .. }
            | Self::Executed { .. }
            | Self::Modified { .. }
            | Self::CancelRejected { .. }
            | Self::CancelPending { .. }
            | Self::PriorityUpdated { .. }
            | Self::Refreshed { .. }
            | Self::MassCanceled { .. }
            | Self::OrderEntryDisabled { .. }
            | Self::OrderEntryEnabled { .. }
            | Self::AccountState { .. }
            | Self::TransferSent { .. }
            | Self::PositionState(_)
            | Self::PositionChanged(_)
            | Self::FundingPaid(_)
            | Self::FundPaid(_)
            | Self::SettingMade { .. }
            | Self::IndexAnswered { .. }
            | Self::Broken { .. } => None,
        }
    }
}

fn terms(m: &OrderReplaced, tail: Appendage<'_>) -> Result<OrderTerms, EventError> {
    let time_in_force = match m.time_in_force {
        b'3' => TimeInForce::ImmediateOrCancel,
        b'6' => TimeInForce::GoodTillTime,
        _ => TimeInForce::Day,
    };
    Ok(OrderTerms {
        user_ref: m.user_ref,
        order: m.order,
        side: side(m.side)?,
        quantity: lots(m.quantity),
        symbol: m.symbol,
        price: price(m.price),
        time_in_force,
        visibility: visibility(m.display),
        live: m.state != b'D',
        cl_ord_id: m.cl_ord_id,
        told: Told::read(tail).map_err(|_| EventError::Tags)?,
    })
}

fn copy_of(tail: Appendage<'_>) -> Result<Option<CopyOf>, EventError> {
    let (login, account) = (number(tail, tags::COPY_OF_LOGIN)?, number(tail, tags::COPY_OF_ACCOUNT)?);
    match (login, account) {
        (None, None) => Ok(None),
        (Some(login), Some(account)) => {
            Ok(Some(CopyOf { login: LoginId(login), account: AccountId(account) }))
        }
        _ => Err(EventError::Tags),
    }
}

fn side(letter: u8) -> Result<Side, EventError> {
    match letter {
        b'B' => Ok(Side::Buy),
        b'S' | b'T' | b'E' => Ok(Side::Sell),
        value => Err(EventError::Letter { field: "Side", value }),
    }
}

fn letter((field, value): (&'static str, u8)) -> EventError {
    EventError::Letter { field, value }
}

fn visibility(display: u8) -> Visibility {
    if display == b'N' { Visibility::Hidden } else { Visibility::Displayed }
}

fn price(units: u64) -> OrderPrice {
    let limit = || OrderPrice::Limit(i64::try_from(units).unwrap_or(i64::MAX));
    if units == MARKET_PRICE { OrderPrice::Market } else { limit() }
}

fn lots(field: u32) -> Quantity {
    Quantity(u64::from(field))
}

/// The value of a tag; `None` if the tag is absent.
fn value<const N: usize>(tail: Appendage<'_>, wanted: u8) -> Result<Option<[u8; N]>, EventError> {
    tail.find(wanted).map_err(|_| EventError::Tags)
}

fn balance_of(value: [u8; 18]) -> AssetBalance {
    let [a, b, amounts @ ..] = value;
    let (available, reserved) = amounts.split_at(8);
    let amount = |bytes: &[u8]| Amount(i64::from_be_bytes(bytes.try_into().expect("8 bytes")));
    AssetBalance {
        asset: AssetId(u16::from_be_bytes([a, b])),
        available: amount(available),
        reserved: amount(reserved),
    }
}

fn wallet_of(value: [u8; 27]) -> (ShardId, Wallet) {
    let [shard, rest @ ..] = value;
    let (balance, withdrawable) = rest.split_at(18);
    let balance = balance_of(balance.try_into().expect("18 bytes"));
    let withdrawable = Amount(i64::from_be_bytes(withdrawable.try_into().expect("8 bytes")));
    (ShardId(shard), Wallet { balance, withdrawable })
}

fn number(tail: Appendage<'_>, wanted: u8) -> Result<Option<u32>, EventError> {
    Ok(value(tail, wanted)?.map(u32::from_be_bytes))
}

fn long(tail: Appendage<'_>, wanted: u8) -> Result<Option<u64>, EventError> {
    Ok(value(tail, wanted)?.map(u64::from_be_bytes))
}
