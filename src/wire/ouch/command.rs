//! Converts a client's message to a command.
//!
//! A message that was decoded always becomes a command, even if it must be refused. The refusal then comes from the
//! exchange and is journaled, like every other answer.

use super::instructions::{Asked, MessageKind, read_tags};
use super::tags::{self, Appendage, Tag};
use super::{
    CancelOrder, ContractSetting, Echoed, EnterOrder, Inbound, IndexPrice, MARKET_PRICE, MassCancelOrders,
    ModifyOrder, ReplaceOrder, Setting, TransferMoney,
};
use crate::domain::{
    AccountId, AssetId, Cancel, CancelFilter, ClOrdId, Command, Echo, Enter, InstrumentId, Listings, LoginId,
    MassCancel, Modify, MoveMargin, OrderCommand, OrderPrice, OwnerCommand, Quantity, QueryAccount,
    QueryWallet, Question, RefuseEnter, RefuseReplace, RejectReason, Replace, SendIndex, SetLeverage,
    SetMarginMode, SetOrderEntry, Setter, ShardId, Side, Switch, Symbol, TimeInForce, Timestamp, TransferOut,
    UserRef, Visibility,
};

/// The login and session of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The login.
    pub login: LoginId,
    /// The number of the login's session; the first one is 0.
    pub session: u32,
    /// The account of the login.
    pub account: AccountId,
}

/// The command for a message, in the session of its connection.
///
/// Only requests that a command cannot express are refused here, checked in the order of [`RejectReason`]; the exchange
/// checks prices, quantities and money. A cancel or a change of quantity that cannot refer to an order here (tags that
/// cannot be decoded, a UserRefIdx other than 0) becomes one of number 0. That number is never live, so it is ignored
/// like any cancel of an unknown order.
#[inline]
pub fn to_command(from: LoggedIn, message: &Inbound<'_>, listings: &Listings) -> Command {
    let LoggedIn { login, session, .. } = from;
    match message {
        Inbound::Enter(order, tail) => match read_enter(order, *tail, listings) {
            Ok((instrument, side, time_in_force, asked)) => Command::Order(OrderCommand::Enter(Enter {
                login,
                session,
                user_ref: order.user_ref,
                instrument,
                side,
                time_in_force,
                price: price(order.price),
                quantity: asked.quantity,
                echo: Echoed {
                    time_in_force: order.time_in_force,
                    display: order.display,
                    capacity: order.capacity,
                    cross_type: order.cross_type,
                    firm: asked.firm,
                }
                .carried(order.cl_ord_id),
                instructions: asked.instructions(),
            })),
            Err(reason) => Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
                login,
                session,
                user_ref: order.user_ref,
                reason,
                cl_ord_id: order.cl_ord_id,
            })),
        },
        Inbound::Replace(order, tail) => match read_replace(order, *tail) {
            Ok((time_in_force, asked)) => Command::Order(OrderCommand::Replace(Replace {
                login,
                session,
                orig_user_ref: order.orig_user_ref,
                user_ref: order.user_ref,
                time_in_force,
                price: price(order.price),
                quantity: asked.quantity,
                echo: Echo {
                    cl_ord_id: order.cl_ord_id,
                    of_message: [order.time_in_force, order.display],
                    ..Echo::default()
                },
                instructions: asked.instructions(),
            })),
            Err(reason) => Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                login,
                session,
                orig_user_ref: order.orig_user_ref,
                user_ref: order.user_ref,
                reason,
                cl_ord_id: order.cl_ord_id,
            })),
        },
        Inbound::Cancel(order, tail) => Command::Order(OrderCommand::Cancel(cancel(from, order, *tail))),
        Inbound::Modify(order, tail) => Command::Order(OrderCommand::Modify(modify(from, order, *tail))),
        Inbound::MassCancel(asked, tail) => mass_cancel(from, asked, *tail, listings),
        Inbound::DisableEntry(asked, tail) => {
            order_entry(from, asked.user_ref, asked.firm, Switch::Off, *tail)
        }
        Inbound::EnableEntry(asked, tail) => order_entry(from, asked.user_ref, asked.firm, Switch::On, *tail),
        Inbound::Transfer(asked, tail) => transfer(from, asked, *tail),
        Inbound::Setting(asked, tail) => setting(from, asked, *tail, listings),
        Inbound::IndexPrice(asked, tail) => index_price(from, asked, *tail),
        Inbound::AccountQuery(_, tail) => Command::Order(query(from, *tail, listings)),
    }
}

fn read_enter(
    order: &EnterOrder,
    tail: Appendage<'_>,
    listings: &Listings,
) -> Result<(InstrumentId, Side, TimeInForce, Asked), RejectReason> {
    let side = match order.side {
        b'B' => Side::Buy,
        b'S' => Side::Sell,
        b'T' | b'E' => return Err(RejectReason::ShortSaleNotAllowed),
        _ => return Err(RejectReason::InvalidSide),
    };
    let time_in_force = time_in_force(order.time_in_force)?;
    match order.cross_type {
        b'N' => {}
        b'R' => return Err(RejectReason::RetailNotAllowed),
        _ => return Err(RejectReason::CrossTypeNotSupported),
    }
    let visibility = visibility(order.display)?;
    check_iso(order.iso)?;
    if !matches!(order.capacity, b'A' | b'P' | b'R' | b'O') {
        return Err(RejectReason::InvalidCapacity);
    }
    let asked = read_tags(tail, MessageKind::Enter, visibility, order.quantity)?;
    let instrument = listings.find(order.symbol).ok_or(RejectReason::UnknownSymbol)?;
    Ok((instrument, side, time_in_force, asked))
}

fn read_replace(order: &ReplaceOrder, tail: Appendage<'_>) -> Result<(TimeInForce, Asked), RejectReason> {
    let time_in_force = time_in_force(order.time_in_force)?;
    let visibility = visibility(order.display)?;
    check_iso(order.iso)?;
    Ok((time_in_force, read_tags(tail, MessageKind::Replace, visibility, order.quantity)?))
}

fn cancel(from: LoggedIn, order: &CancelOrder, tail: Appendage<'_>) -> Cancel {
    let ours = tail.tags().all(|tag| matches!(tag, Ok(Tag { tag: tags::USER_REF_IDX, value: [0] })));
    let user_ref = if ours { order.user_ref } else { UserRef(0) };
    let LoggedIn { login, session, .. } = from;
    Cancel { login, session, user_ref, quantity: Quantity(u64::from(order.quantity)) }
}

/// Only the quantity changes: the side changes that Modify allows are those between kinds of short sales.
fn modify(from: LoggedIn, order: &ModifyOrder, tail: Appendage<'_>) -> Modify {
    let stated = |tag: Tag<'_>| {
        matches!(
            (tag.tag, tag.value),
            (tags::USER_REF_IDX, [0]) | (tags::SHARES_LOCATED, [_]) | (tags::LOCATE_BROKER, [_, _, _, _])
        )
    };
    let side = match order.side {
        b'B' => Some(Side::Buy),
        b'S' => Some(Side::Sell),
        _ => None,
    };
    let ours = side.is_some() && tail.tags().all(|tag| tag.is_ok_and(stated));
    let user_ref = if ours { order.user_ref } else { UserRef(0) };
    let (side, quantity) = (side.unwrap_or_default(), Quantity(u64::from(order.quantity)));
    Modify { login: from.login, session: from.session, user_ref, side, quantity }
}

/// A message with tags that cannot refer to this login is refused. Otherwise its sender would believe that it took
/// effect.
fn order_entry(
    LoggedIn { login, session, .. }: LoggedIn,
    user_ref: UserRef,
    firm: [u8; 4],
    switch: Switch,
    tail: Appendage<'_>,
) -> Command {
    match refused_tag(tail) {
        None => Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
            login,
            session,
            user_ref,
            firm,
            switch,
        })),
        Some(reason) => Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
            login,
            session,
            user_ref,
            reason,
            cl_ord_id: ClOrdId::default(),
        })),
    }
}

/// The reason for refusing a message that takes no tags; `None` if its tags ask for nothing.
fn refused_tag(tail: Appendage<'_>) -> Option<RejectReason> {
    tail.tags().find_map(|tag| match tag {
        Ok(Tag { tag: tags::USER_REF_IDX, value: [0] }) => None,
        Ok(Tag { tag: tags::USER_REF_IDX, value }) if value.len() != 1 => Some(RejectReason::MalformedTag),
        Ok(_) => Some(RejectReason::TagNotSupported),
        Err(_) => Some(RejectReason::MalformedTag),
    })
}

/// A transfer with tags that cannot refer to this login is refused.
fn transfer(from: LoggedIn, asked: &TransferMoney, tail: Appendage<'_>) -> Command {
    let LoggedIn { login, session, account } = from;
    let TransferMoney { user_ref, asset, amount, from, to, reference } = *asked;
    Command::Order(match refused_tag(tail) {
        None => OrderCommand::TransferOut(TransferOut {
            login: Some(login),
            session,
            user_ref,
            account,
            asset,
            amount,
            from,
            to,
            reference,
        }),
        Some(reason) => {
            let cl_ord_id = ClOrdId::default();
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
    })
}

/// What an account sets in a contract. What says nothing that could be set is refused.
fn setting(from: LoggedIn, asked: &ContractSetting, tail: Appendage<'_>, listings: &Listings) -> Command {
    let LoggedIn { login, session, account } = from;
    let ContractSetting { user_ref, kind, symbol, leg, value } = *asked;
    let instrument = listings.find(symbol).ok_or(RejectReason::UnknownSymbol);
    let found = Setting::read(kind, leg, value).ok_or(RejectReason::OutOfRange);
    let tags = refused_tag(tail).map_or(Ok(()), Err);
    match tags.and_then(|()| Ok((instrument?, found?))) {
        Ok((instrument, found)) => {
            let by = Setter { login: Some(login), session, user_ref, account };
            Command::Owner(match found {
                Setting::MarginMode(mode) => {
                    OwnerCommand::SetMarginMode(SetMarginMode { by, instrument, mode })
                }
                Setting::Leverage(leverage) => {
                    OwnerCommand::SetLeverage(SetLeverage { by, instrument, leverage })
                }
                Setting::Margin { leg, amount } => {
                    OwnerCommand::MoveMargin(MoveMargin { by, instrument, leg, amount })
                }
            })
        }
        Err(reason) => {
            let cl_ord_id = ClOrdId::default();
            let refuse = RefuseEnter { login, session, user_ref, reason, cl_ord_id };
            Command::Order(OrderCommand::RefuseEnter(refuse))
        }
    }
}

/// A price with tags that cannot refer to this login is refused. A price that does not fit the engine's becomes one that
/// the exchange refuses.
fn index_price(from: LoggedIn, asked: &IndexPrice, tail: Appendage<'_>) -> Command {
    let LoggedIn { login, session, .. } = from;
    let IndexPrice { user_ref, index, price, source_time } = *asked;
    Command::Order(match refused_tag(tail) {
        None => OrderCommand::SendIndex(SendIndex {
            login,
            session,
            user_ref,
            index,
            price: u32::try_from(price).unwrap_or(u32::MAX),
            source_time: Timestamp(source_time),
        }),
        Some(reason) => {
            let cl_ord_id = ClOrdId::default();
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
    })
}

/// A query with tags that cannot be decoded, or that asks for two things, requests only the next number. The request to the
/// dead-man's switch then has no effect, and nothing else is returned; the client sees both from the answer. So it is with
/// the position in an instrument that does not exist.
fn query(from: LoggedIn, tail: Appendage<'_>, listings: &Listings) -> OrderCommand {
    let LoggedIn { login, session, .. } = from;
    let nothing = QueryAccount { login, session, ..QueryAccount::default() };
    read_query(nothing, tail, listings).unwrap_or(OrderCommand::QueryAccount(nothing))
}

fn read_query(nothing: QueryAccount, tail: Appendage<'_>, listings: &Listings) -> Option<OrderCommand> {
    let (mut query, mut wallet) = (nothing, None);
    for tag in tail.tags() {
        match tag.ok()? {
            Tag { tag: tags::USER_REF_IDX, value: [0] } => {}
            Tag { tag: tags::CANCEL_AFTER, value: &[a, b, c, d] } if query.cancel_after_ms.is_none() => {
                query.cancel_after_ms = Some(u32::from_be_bytes([a, b, c, d]));
            }
            Tag { tag: tags::BALANCE, value: &[a, b] } if query.asks == Question::Nothing => {
                query.asks = Question::Balance(AssetId(u16::from_be_bytes([a, b])));
            }
            Tag { tag: tags::POSITION, value } if query.asks == Question::Nothing => {
                query.asks = Question::Position(listings.find(Symbol(value.try_into().ok()?))?);
            }
            Tag { tag: tags::WALLET, value: &[shard, a, b] } if wallet.is_none() => {
                wallet = Some((ShardId(shard), AssetId(u16::from_be_bytes([a, b]))));
            }
            _ => return None,
        }
    }
    match wallet {
        None => Some(OrderCommand::QueryAccount(query)),
        Some((shard, asset)) if query == nothing => {
            let QueryAccount { login, session, .. } = query;
            Some(OrderCommand::QueryWallet(QueryWallet { login, session, shard, asset }))
        }
        Some(_) => None,
    }
}

/// A mass cancel with a selection that is not supported here is refused instead of executed in part. Otherwise its
/// sender would believe that no orders are open any more.
fn mass_cancel(
    LoggedIn { login, session, .. }: LoggedIn,
    asked: &MassCancelOrders,
    tail: Appendage<'_>,
    listings: &Listings,
) -> Command {
    let user_ref = asked.user_ref;
    match read_mass_cancel(asked, tail, listings) {
        Ok(filter) => Command::Order(OrderCommand::MassCancel(MassCancel {
            login: Some(login),
            session,
            user_ref,
            filter,
        })),
        Err(reason) => Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
            login,
            session,
            user_ref,
            reason,
            cl_ord_id: ClOrdId::default(),
        })),
    }
}

fn read_mass_cancel(
    asked: &MassCancelOrders,
    tail: Appendage<'_>,
    listings: &Listings,
) -> Result<CancelFilter, RejectReason> {
    let mut side = None;
    for tag in tail.tags() {
        let Tag { tag, value } = tag.map_err(|_| RejectReason::MalformedTag)?;
        match (tag, value) {
            (tags::SIDE, b"B") => side = Some(Side::Buy),
            (tags::SIDE, b"S") => side = Some(Side::Sell),
            (tags::GROUP_ID, [0, 0]) | (tags::USER_REF_IDX, [0]) => {}
            _ => return Err(RejectReason::TagNotSupported),
        }
    }
    if !matches!(&asked.firm, b"    " | [0, 0, 0, 0]) {
        return Err(RejectReason::TagNotSupported);
    }
    let instrument = match asked.symbol == Symbol::default() {
        true => None,
        false => Some(listings.find(asked.symbol).ok_or(RejectReason::UnknownSymbol)?),
    };
    Ok(CancelFilter { login: None, account: None, instrument, side })
}

#[inline]
fn price(units: u64) -> OrderPrice {
    // Prices above the engine's range are invalid anyway.
    let limit = || OrderPrice::Limit(i64::try_from(units).unwrap_or(i64::MAX));
    if units == MARKET_PRICE { OrderPrice::Market } else { limit() }
}

fn time_in_force(byte: u8) -> Result<TimeInForce, RejectReason> {
    match byte {
        b'0' => Ok(TimeInForce::Day),
        b'3' => Ok(TimeInForce::ImmediateOrCancel),
        b'6' => Ok(TimeInForce::GoodTillTime),
        _ => Err(RejectReason::TimeInForceNotSupported),
    }
}

/// Attributable orders are displayed like any other: no feed here names participants.
fn visibility(byte: u8) -> Result<Visibility, RejectReason> {
    match byte {
        b'Y' | b'A' => Ok(Visibility::Displayed),
        b'N' => Ok(Visibility::Hidden),
        _ => Err(RejectReason::DisplayNotSupported),
    }
}

fn check_iso(byte: u8) -> Result<(), RejectReason> {
    if byte == b'N' { Ok(()) } else { Err(RejectReason::IsoNotAllowed) }
}
