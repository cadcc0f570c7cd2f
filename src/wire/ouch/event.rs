//! What an event tells a client: a pure function of the event, so that a stream told again is the same to the byte.

use super::MARKET_PRICE;
use super::outbound::{
    OrderAccepted, OrderCanceled, OrderExecuted, OrderRejected, OrderReplaced, Outbound, SystemEvent,
};
use super::tags::{Appendage, firm_tag};
use crate::domain::{
    CancelReason, Event, EventRecord, Executed, Listing, Listings, LoginId, Price, Quantity, RejectReason,
    Side,
};
use crate::wire::soup;

/// The longest message that is ever sent, bytes: Order Replaced with a Firm tag.
pub const MESSAGE_LEN_MAX: usize = OrderReplaced::LEN + 2 + 6;

/// The longest Sequenced Data packet that is ever sent, bytes.
pub const SEQUENCED_LEN_MAX: usize = soup::HEADER_LEN + MESSAGE_LEN_MAX;

/// For which of its recipients an event is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The only one.
    Only,
    /// The resting side of a trade.
    Maker,
    /// The incoming side of a trade.
    Taker,
}

impl Recipient {
    /// Those of an event, in the order of their messages: [`Event::recipients`] with their parts in it.
    #[inline]
    pub fn all(event: &Event) -> impl Iterator<Item = (LoginId, Self)> + use<> {
        let parts = match event {
            Event::Executed(_) => [Self::Maker, Self::Taker],
            _ => [Self::Only, Self::Only],
        };
        event.recipients().into_iter().zip(parts).filter_map(|(login, part)| Some((login?, part)))
    }
}

/// Writes the OUCH message that tells this recipient of the event to the front of `out` and returns its length.
/// [`MESSAGE_LEN_MAX`] bytes always suffice.
///
/// `None` when there is no such message: the event has no such recipient, its instrument is not among the listings, or
/// `out` is too short.
#[inline]
pub fn encode_event(
    record: &EventRecord,
    recipient: Recipient,
    listings: &Listings,
    out: &mut [u8],
) -> Option<usize> {
    let timestamp = record.time.since_midnight_ns();
    match (&record.event, recipient) {
        (Event::Executed(e), Recipient::Maker | Recipient::Taker) => {
            let listing = listings.get(e.instrument)?;
            Outbound::Executed(executed(e, recipient, timestamp, listing), Appendage::default()).encode(out)
        }
        (Event::Accepted(e), Recipient::Only) => {
            let listing = listings.get(e.instrument)?;
            let message = OrderAccepted {
                timestamp,
                user_ref: e.user_ref,
                side: side(e.side),
                quantity: lots(e.quantity),
                symbol: listing.symbol,
                price: units(listing, e.price),
                time_in_force: e.echo.time_in_force,
                display: e.echo.display,
                order: e.order,
                capacity: e.echo.capacity,
                iso: e.echo.iso,
                cross_type: e.echo.cross_type,
                state: b'L',
                cl_ord_id: e.echo.cl_ord_id,
            };
            with_firm(e.echo.firm, |tail| Outbound::Accepted(message, tail).encode(out))
        }
        (Event::Replaced(e), Recipient::Only) => {
            let listing = listings.get(e.instrument)?;
            let message = OrderReplaced {
                timestamp,
                orig_user_ref: e.orig_user_ref,
                user_ref: e.user_ref,
                side: side(e.side),
                quantity: lots(e.quantity),
                symbol: listing.symbol,
                price: units(listing, e.price),
                time_in_force: e.echo.time_in_force,
                display: e.echo.display,
                order: e.order,
                capacity: e.echo.capacity,
                iso: e.echo.iso,
                cross_type: e.echo.cross_type,
                state: b'L',
                cl_ord_id: e.echo.cl_ord_id,
            };
            with_firm(e.echo.firm, |tail| Outbound::Replaced(message, tail).encode(out))
        }
        (Event::Canceled(e), Recipient::Only) => {
            let message = OrderCanceled {
                timestamp,
                user_ref: e.user_ref,
                decrement: lots(e.decrement),
                reason: cancel_code(e.reason),
            };
            Outbound::Canceled(message, Appendage::default()).encode(out)
        }
        (Event::Rejected(e), Recipient::Only) => {
            let message = OrderRejected {
                timestamp,
                user_ref: e.user_ref,
                reason: reject_code(e.reason),
                cl_ord_id: e.cl_ord_id,
            };
            Outbound::Rejected(message, Appendage::default()).encode(out)
        }
        (Event::LoginOpened { .. }, Recipient::Only) => {
            Outbound::System(SystemEvent { timestamp, code: b'S' }).encode(out)
        }
        _ => None,
    }
}

/// The same message as a whole Sequenced Data packet. [`SEQUENCED_LEN_MAX`] bytes always suffice.
#[inline]
pub fn encode_sequenced(
    record: &EventRecord,
    recipient: Recipient,
    listings: &Listings,
    out: &mut [u8],
) -> Option<usize> {
    let (head, rest) = out.split_first_chunk_mut()?;
    let len = encode_event(record, recipient, listings, rest)?;
    *head = soup::header(soup::kind::SEQUENCED, len)?;
    Some(soup::HEADER_LEN + len)
}

#[inline]
fn executed(e: &Executed, recipient: Recipient, timestamp: u64, listing: &Listing) -> OrderExecuted {
    let (user_ref, liquidity) = match recipient {
        Recipient::Taker => (e.taker_user_ref, b'R'),
        Recipient::Maker | Recipient::Only => (e.maker_user_ref, b'A'),
    };
    OrderExecuted {
        timestamp,
        user_ref,
        quantity: lots(e.quantity),
        price: listing.price_units(e.price),
        liquidity,
        trade: e.trade,
    }
}

#[inline]
fn with_firm<T>(firm: [u8; 4], encode: impl FnOnce(Appendage<'_>) -> T) -> T {
    if firm == [0; 4] { encode(Appendage::default()) } else { encode(Appendage(&firm_tag(firm))) }
}

#[inline]
fn side(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}

/// No order is ever larger than the field: a listing's largest quantity is at most `u32::MAX`.
#[inline]
fn lots(quantity: Quantity) -> u32 {
    debug_assert!(u32::try_from(quantity.0).is_ok(), "{quantity} lots do not fit the wire");
    quantity.0 as u32
}

#[inline]
fn units(listing: &Listing, price: Option<Price>) -> u64 {
    price.map_or(MARKET_PRICE, |price| listing.price_units(price))
}

/// The Order Canceled reason that says the most of ours (OUCH 5.0 §2.5 in docs/PROTOCOL.md).
#[inline]
pub fn cancel_code(reason: CancelReason) -> u8 {
    match reason {
        CancelReason::UserRequested => b'U',
        CancelReason::ImmediateOrCancel => b'I',
        CancelReason::FundsExhausted | CancelReason::InvalidReplace(_) => b'Z',
        _ => b'Z',
    }
}

/// The Rejected reason that says the most of ours (OUCH 5.0 §2.6 in docs/PROTOCOL.md).
pub fn reject_code(reason: RejectReason) -> u16 {
    match reason {
        RejectReason::JournalSpaceLow => 0x02,
        RejectReason::DisplayNotSupported => 0x03,
        RejectReason::InstrumentClosed | RejectReason::InstrumentHalted => 0x07,
        RejectReason::IsoNotAllowed => 0x08,
        RejectReason::InvalidSide => 0x09,
        RejectReason::MalformedTag => 0x0A,
        RejectReason::InvalidQuantity
        | RejectReason::QuantityBelowMinimum
        | RejectReason::NotionalBelowMinimum => 0x13,
        RejectReason::CrossTypeNotSupported => 0x14,
        RejectReason::UnknownSymbol | RejectReason::UnknownInstrument => 0x17,
        RejectReason::InvalidPrice | RejectReason::PriceOffTick => 0x1D,
        RejectReason::InsufficientFunds => 0x20,
        RejectReason::ShortSaleNotAllowed => 0x2B,
        RejectReason::NotionalTooLarge => 0x30,
        RejectReason::QuantityAboveMaximum => 0x31,
        // The protocol has nothing closer than "other" for these; the last ones never answer an order.
        RejectReason::TimeInForceNotSupported
        | RejectReason::InvalidCapacity
        | RejectReason::TagNotSupported
        | RejectReason::TooManyOrders
        | RejectReason::IdNotNext
        | RejectReason::DuplicateName
        | RejectReason::UnknownAsset
        | RejectReason::UnknownAccount
        | RejectReason::OutOfRange
        | RejectReason::TickLotNotWhole
        | RejectReason::SupplyTooLarge
        | RejectReason::DuplicateReference
        | RejectReason::AlreadyOpen => 0x0F,
        _ => 0x0F,
    }
}
