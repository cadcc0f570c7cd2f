//! What a client's message asks of the exchange.
//!
//! A message that could be read always becomes a command, also when nothing here can accept it: its refusal then
//! comes from the exchange, through the journal, like every other answer.

use super::tags::{self, Appendage, Tag};
use super::{CancelOrder, EnterOrder, Inbound, MARKET_PRICE, ReplaceOrder};
use crate::domain::{
    Cancel, Command, Echo, Enter, InstrumentId, Listings, LoginId, OrderPrice, Quantity, RefuseEnter,
    RefuseReplace, RejectReason, Replace, Side, TimeInForce, UserRef,
};

/// The command that a message asks for.
///
/// Refused here is what the exchange has no words for, checked in the order of [`RejectReason`]; prices, quantities
/// and money are the exchange's to judge. A cancel that cannot be meant for an order here (tags that cannot be read, a
/// UserRefIdx other than 0) becomes a cancel of number 0, which is never live, and so is ignored like any cancel of an
/// order that is not there.
#[inline]
pub fn to_command(login: LoginId, message: &Inbound<'_>, listings: &Listings) -> Command {
    match message {
        Inbound::Enter(order, tail) => match read_enter(order, *tail, listings) {
            Ok((instrument, side, time_in_force, firm)) => Command::Enter(Enter {
                login,
                user_ref: order.user_ref,
                instrument,
                side,
                time_in_force,
                price: price(order.price),
                quantity: Quantity(u64::from(order.quantity)),
                echo: Echo {
                    cl_ord_id: order.cl_ord_id,
                    time_in_force: order.time_in_force,
                    display: order.display,
                    capacity: order.capacity,
                    iso: order.iso,
                    cross_type: order.cross_type,
                    firm,
                },
                instructions: None,
            }),
            Err(reason) => Command::RefuseEnter(RefuseEnter {
                login,
                user_ref: order.user_ref,
                reason,
                cl_ord_id: order.cl_ord_id,
            }),
        },
        Inbound::Replace(order, tail) => match read_replace(order, *tail) {
            Ok(time_in_force) => Command::Replace(Replace {
                login,
                orig_user_ref: order.orig_user_ref,
                user_ref: order.user_ref,
                time_in_force,
                price: price(order.price),
                quantity: Quantity(u64::from(order.quantity)),
                echo: Echo {
                    cl_ord_id: order.cl_ord_id,
                    time_in_force: order.time_in_force,
                    display: order.display,
                    iso: order.iso,
                    ..Echo::default()
                },
                instructions: None,
            }),
            Err(reason) => Command::RefuseReplace(RefuseReplace {
                login,
                orig_user_ref: order.orig_user_ref,
                user_ref: order.user_ref,
                reason,
                cl_ord_id: order.cl_ord_id,
            }),
        },
        Inbound::Cancel(order, tail) => Command::Cancel(cancel(login, order, *tail)),
    }
}

fn read_enter(
    order: &EnterOrder,
    tail: Appendage<'_>,
    listings: &Listings,
) -> Result<(InstrumentId, Side, TimeInForce, [u8; 4]), RejectReason> {
    let side = match order.side {
        b'B' => Side::Buy,
        b'S' => Side::Sell,
        b'T' | b'E' => return Err(RejectReason::ShortSaleNotAllowed),
        _ => return Err(RejectReason::InvalidSide),
    };
    let time_in_force = time_in_force(order.time_in_force)?;
    if order.cross_type != b'N' {
        return Err(RejectReason::CrossTypeNotSupported);
    }
    check_display(order.display)?;
    check_iso(order.iso)?;
    if !matches!(order.capacity, b'A' | b'P' | b'R' | b'O') {
        return Err(RejectReason::InvalidCapacity);
    }
    let firm = read_tags(tail, MessageKind::Enter)?;
    let instrument = listings.find(order.symbol).ok_or(RejectReason::UnknownSymbol)?;
    Ok((instrument, side, time_in_force, firm))
}

fn read_replace(order: &ReplaceOrder, tail: Appendage<'_>) -> Result<TimeInForce, RejectReason> {
    let time_in_force = time_in_force(order.time_in_force)?;
    check_display(order.display)?;
    check_iso(order.iso)?;
    read_tags(tail, MessageKind::Replace)?;
    Ok(time_in_force)
}

fn cancel(login: LoginId, order: &CancelOrder, tail: Appendage<'_>) -> Cancel {
    let ours = tail.tags().all(|tag| matches!(tag, Ok(Tag { tag: tags::USER_REF_IDX, value: [0] })));
    let user_ref = if ours { order.user_ref } else { UserRef(0) };
    Cancel { login, user_ref, quantity: Quantity(u64::from(order.quantity)) }
}

#[inline]
fn price(units: u64) -> OrderPrice {
    if units == MARKET_PRICE { OrderPrice::Market } else { OrderPrice::Limit(units) }
}

fn time_in_force(byte: u8) -> Result<TimeInForce, RejectReason> {
    match byte {
        b'0' => Ok(TimeInForce::GoodTillCancel),
        b'3' => Ok(TimeInForce::ImmediateOrCancel),
        _ => Err(RejectReason::TimeInForceNotSupported),
    }
}

/// Attributable orders are shown like any other: no feed here names anybody.
fn check_display(byte: u8) -> Result<(), RejectReason> {
    if matches!(byte, b'Y' | b'A') { Ok(()) } else { Err(RejectReason::DisplayNotSupported) }
}

fn check_iso(byte: u8) -> Result<(), RejectReason> {
    if byte == b'N' { Ok(()) } else { Err(RejectReason::IsoNotAllowed) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageKind {
    Enter,
    Replace,
}

/// Reads the tags of an order and returns its firm, zeros when none is named.
fn read_tags(tail: Appendage<'_>, kind: MessageKind) -> Result<[u8; 4], RejectReason> {
    let mut firm = [0; 4];
    let mut seen = [0_u64; 4];
    let mut malformed = false;
    for tag in tail.tags() {
        // What cannot be read is reported only when nothing that can be is refused: that comes first in the order of
        // reasons.
        let Ok(Tag { tag, value }) = tag else {
            malformed = true;
            break;
        };
        let (word, bit) = (usize::from(tag / 64), 1_u64 << (tag % 64));
        malformed |= seen[word] & bit != 0;
        seen[word] |= bit;
        match judge(tag, value, kind) {
            Judgement::Fine => {}
            Judgement::Firm(name) => firm = name,
            Judgement::Malformed => malformed = true,
            Judgement::NotSupported => return Err(RejectReason::TagNotSupported),
        }
    }
    if malformed { Err(RejectReason::MalformedTag) } else { Ok(firm) }
}

enum Judgement {
    Fine,
    Firm([u8; 4]),
    Malformed,
    NotSupported,
}

/// A tag is fine when its value asks for nothing (docs/PROTOCOL.md lists which values do).
fn judge(tag: u8, value: &[u8], kind: MessageKind) -> Judgement {
    let asks_nothing = match (tag, value) {
        (tags::FIRM, value) => {
            return match (kind, value.try_into()) {
                (MessageKind::Replace, _) => Judgement::NotSupported,
                (MessageKind::Enter, Ok(firm)) => Judgement::Firm(firm),
                (MessageKind::Enter, Err(_)) => Judgement::Malformed,
            };
        }
        (
            tags::MIN_QTY
            | tags::MAX_FLOOR
            | tags::PEG_OFFSET
            | tags::DISCRETION_PEG_OFFSET
            | tags::RANDOM_RESERVES
            | tags::EXPIRE_TIME,
            [a, b, c, d],
        ) => [a, b, c, d] == [&0; 4],
        (tags::DISCRETION_PRICE, value) if value.len() == 8 => value == [0; 8],
        (tags::PRICE_TYPE | tags::DISCRETION_PRICE_TYPE, [value]) => *value == b'L',
        (tags::POST_ONLY, [value]) => *value == b'N',
        (tags::CUSTOMER_TYPE | tags::TRADE_NOW, [value]) => matches!(value, b'N' | b' '),
        (tags::HANDLE_INST, [value]) => *value == b' ',
        (tags::ROUTE, value) if value.len() == 4 => value == b"    ",
        (tags::GROUP_ID, [a, b]) => [a, b] == [&0; 2],
        // These state a fact about the sale of borrowed shares and ask for nothing.
        (tags::SHARES_LOCATED, [value]) => matches!(value, b'Y' | b'N' | b' '),
        (tags::LOCATE_BROKER, value) if value.len() == 4 => true,
        (tags::USER_REF_IDX, [value]) => *value == 0,
        (
            tags::MIN_QTY..=tags::PEG_OFFSET
            | tags::DISCRETION_PRICE..=tags::HANDLE_INST
            | tags::GROUP_ID..=tags::LOCATE_BROKER
            | tags::USER_REF_IDX,
            _,
        ) => return Judgement::Malformed,
        _ => false,
    };
    if asks_nothing { Judgement::Fine } else { Judgement::NotSupported }
}
