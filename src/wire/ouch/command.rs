//! What a client's message asks of the exchange.
//!
//! A message that could be read always becomes a command, also when nothing here can accept it: its refusal then
//! comes from the exchange, through the journal, like every other answer.

use super::tags::{self, Appendage, Tag};
use super::{CancelOrder, EnterOrder, Inbound, MARKET_PRICE, MassCancelOrders, ModifyOrder, ReplaceOrder};
use crate::domain::{
    Amend, Cancel, CancelFilter, ClOrdId, Command, Echo, Enter, Instructions, InstrumentId, Listings,
    LoginId, MassCancel, OrderPrice, PostOnly, Quantity, RefuseEnter, RefuseReplace, RejectReason, Replace,
    Side, Symbol, TimeInForce, UserRef, Visibility,
};

/// The command that a message asks for.
///
/// Refused here is what the exchange has no words for, checked in the order of [`RejectReason`]; prices, quantities
/// and money are the exchange's to judge. A cancel or a change of quantity that cannot be meant for an order here (tags
/// that cannot be read, a UserRefIdx other than 0) becomes one of number 0, which is never live, and so is ignored like
/// any cancel of an order that is not there.
#[inline]
pub fn to_command(login: LoginId, message: &Inbound<'_>, listings: &Listings) -> Command {
    match message {
        Inbound::Enter(order, tail) => match read_enter(order, *tail, listings) {
            Ok((instrument, side, time_in_force, asked)) => Command::Enter(Enter {
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
                    firm: asked.firm,
                },
                instructions: asked.instructions(),
            }),
            Err(reason) => Command::RefuseEnter(RefuseEnter {
                login,
                user_ref: order.user_ref,
                reason,
                cl_ord_id: order.cl_ord_id,
            }),
        },
        Inbound::Replace(order, tail) => match read_replace(order, *tail) {
            Ok((time_in_force, asked)) => Command::Replace(Replace {
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
                instructions: asked.instructions(),
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
        Inbound::Modify(order, tail) => Command::Amend(modify(login, order, *tail)),
        Inbound::MassCancel(asked, tail) => mass_cancel(login, asked, *tail, listings),
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
    if order.cross_type != b'N' {
        return Err(RejectReason::CrossTypeNotSupported);
    }
    let visibility = visibility(order.display)?;
    check_iso(order.iso)?;
    if !matches!(order.capacity, b'A' | b'P' | b'R' | b'O') {
        return Err(RejectReason::InvalidCapacity);
    }
    let asked = read_tags(tail, MessageKind::Enter, visibility)?;
    let instrument = listings.find(order.symbol).ok_or(RejectReason::UnknownSymbol)?;
    Ok((instrument, side, time_in_force, asked))
}

fn read_replace(order: &ReplaceOrder, tail: Appendage<'_>) -> Result<(TimeInForce, Asked), RejectReason> {
    let time_in_force = time_in_force(order.time_in_force)?;
    let visibility = visibility(order.display)?;
    check_iso(order.iso)?;
    Ok((time_in_force, read_tags(tail, MessageKind::Replace, visibility)?))
}

fn cancel(login: LoginId, order: &CancelOrder, tail: Appendage<'_>) -> Cancel {
    let ours = tail.tags().all(|tag| matches!(tag, Ok(Tag { tag: tags::USER_REF_IDX, value: [0] })));
    let user_ref = if ours { order.user_ref } else { UserRef(0) };
    Cancel { login, user_ref, quantity: Quantity(u64::from(order.quantity)) }
}

/// Only a quantity changes: the sides that Modify can change between are those of short sales.
fn modify(login: LoginId, order: &ModifyOrder, tail: Appendage<'_>) -> Amend {
    let stated = |tag: Tag<'_>| {
        matches!(
            (tag.tag, tag.value),
            (tags::USER_REF_IDX, [0]) | (tags::SHARES_LOCATED, [_]) | (tags::LOCATE_BROKER, [_, _, _, _])
        )
    };
    let ours = matches!(order.side, b'B' | b'S') && tail.tags().all(|tag| tag.is_ok_and(stated));
    let user_ref = if ours { order.user_ref } else { UserRef(0) };
    Amend { login, user_ref, price: None, quantity: Quantity(u64::from(order.quantity)) }
}

/// One that asks for what cannot be told apart here is refused, and not carried out in part: its sender would believe
/// that nothing is open any more.
fn mass_cancel(
    login: LoginId,
    asked: &MassCancelOrders,
    tail: Appendage<'_>,
    listings: &Listings,
) -> Command {
    let user_ref = asked.user_ref;
    match read_mass_cancel(asked, tail, listings) {
        Ok(filter) => Command::MassCancel(MassCancel { login: Some(login), user_ref, filter }),
        Err(reason) => {
            Command::RefuseEnter(RefuseEnter { login, user_ref, reason, cl_ord_id: ClOrdId::default() })
        }
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
    if units == MARKET_PRICE { OrderPrice::Market } else { OrderPrice::Limit(units) }
}

fn time_in_force(byte: u8) -> Result<TimeInForce, RejectReason> {
    match byte {
        b'0' => Ok(TimeInForce::Day),
        b'3' => Ok(TimeInForce::ImmediateOrCancel),
        b'6' => Ok(TimeInForce::GoodTillTime),
        _ => Err(RejectReason::TimeInForceNotSupported),
    }
}

/// Attributable orders are shown like any other: no feed here names anybody.
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageKind {
    Enter,
    Replace,
}

/// What an order asks for beyond its fixed fields.
struct Asked {
    firm: [u8; 4],
    instructions: Instructions,
}

impl Asked {
    /// A plain order carries none, which keeps its command short.
    #[inline]
    fn instructions(&self) -> Option<Instructions> {
        (self.instructions != Instructions::default()).then_some(self.instructions)
    }
}

/// Reads the tags of an order.
fn read_tags(tail: Appendage<'_>, kind: MessageKind, visibility: Visibility) -> Result<Asked, RejectReason> {
    let mut asked =
        Asked { firm: [0; 4], instructions: Instructions { visibility, ..Instructions::default() } };
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
        match judge(tag, value, kind, &mut asked) {
            Judgement::Fine => {}
            Judgement::Malformed => malformed = true,
            Judgement::NotSupported => return Err(RejectReason::TagNotSupported),
        }
    }
    if malformed { Err(RejectReason::MalformedTag) } else { Ok(asked) }
}

enum Judgement {
    Fine,
    Malformed,
    NotSupported,
}

/// A tag that is served is taken up; any other is fine when its value asks for nothing (docs/PROTOCOL.md lists which
/// values do).
fn judge(tag: u8, value: &[u8], kind: MessageKind, asked: &mut Asked) -> Judgement {
    let instructions = &mut asked.instructions;
    let asks_nothing = match (tag, value) {
        (tags::FIRM, value) => match (kind, value.try_into()) {
            (MessageKind::Replace, _) => false,
            (MessageKind::Enter, Ok(firm)) => {
                asked.firm = firm;
                true
            }
            (MessageKind::Enter, Err(_)) => return Judgement::Malformed,
        },
        (tags::MIN_QTY, &[a, b, c, d]) => {
            instructions.min_quantity = u32::from_be_bytes([a, b, c, d]);
            true
        }
        (tags::MAX_FLOOR, &[a, b, c, d]) => {
            instructions.display_quantity = u32::from_be_bytes([a, b, c, d]);
            true
        }
        (tags::EXPIRE_TIME, &[a, b, c, d]) => {
            instructions.expire_s = u32::from_be_bytes([a, b, c, d]);
            true
        }
        (tags::POST_ONLY, b"P") => {
            instructions.post_only = PostOnly::Reject;
            true
        }
        (tags::PEG_OFFSET | tags::DISCRETION_PEG_OFFSET | tags::RANDOM_RESERVES, [a, b, c, d]) => {
            [a, b, c, d] == [&0; 4]
        }
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
