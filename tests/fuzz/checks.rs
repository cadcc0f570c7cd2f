//! What must hold whatever the bytes are: a value that is written again as it came, or a typed error; never a panic.
//!
//! Used by the fuzz targets beside this file and by tests/it/fuzz.rs.

use dojima::client::ClientMessage;
use dojima::domain::{
    AccountId, AdminEvent, Amount, Event, InstrumentId, Listing, Listings, LoginId, Symbol, codec,
};
use dojima::market::Books;
use dojima::wire::itch::{EndOfSnapshot, MESSAGE_LEN_MAX, Message};
use dojima::wire::mold;
use dojima::wire::ouch::{Inbound, LoggedIn, Outbound, to_command};
use dojima::wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, frame, kind};
use std::sync::LazyLock;

/// The longest packet that the gateway takes.
const PACKET_LEN_MAX: usize = 4096;

const LOGIN: LoginId = LoginId(7);
const FROM: LoggedIn = LoggedIn { login: LOGIN, session: 2, account: AccountId(7) };

/// One instrument, so that orders get as far as they can.
static LISTINGS: LazyLock<Listings> = LazyLock::new(|| {
    let listing = Listing {
        instrument: InstrumentId(0),
        symbol: Symbol(*b"BTC-USDT"),
        tick_units: 5,
        lot: Amount(1),
        tick_value: Amount(1),
        ..Listing::default()
    };
    let mut listings = Listings::default();
    listings.apply(&Event::Admin(AdminEvent::InstrumentListed(listing)));
    listings
});

/// A stream of packets: each is found whole and written again as it came.
pub fn soup_frame(mut bytes: &[u8]) {
    while let Ok(Some((packet, used))) = frame(bytes, PACKET_LEN_MAX) {
        assert!((soup::HEADER_LEN..=PACKET_LEN_MAX + 2).contains(&used));
        let mut again = Vec::new();
        soup::push_packet(packet.kind, packet.payload, &mut again).expect("it came in a packet");
        assert_eq!(again, bytes[..used]);
        match packet.kind {
            kind::LOGIN_REQUEST | kind::LOGIN_ACCEPTED | kind::LOGIN_REJECTED => login(packet.payload),
            kind::SEQUENCED => ouch_outbound(packet.payload),
            kind::UNSEQUENCED => ouch_inbound(packet.payload),
            _ => {}
        }
        bytes = &bytes[used..];
    }
}

/// The three packets of a login. Fields may be padded in many ways, so what is written again need not be the same bytes,
/// but must mean the same.
pub fn login(payload: &[u8]) {
    if let Ok(request) = LoginRequest::decode(payload) {
        let mut again = Vec::new();
        request.push(&mut again);
        let (packet, used) = frame(&again, PACKET_LEN_MAX).expect("readable").expect("whole");
        assert_eq!((packet.kind, used), (kind::LOGIN_REQUEST, again.len()));
        assert_eq!(LoginRequest::decode(packet.payload), Ok(request));
    }
    if let Ok(accepted) = LoginAccepted::decode(payload) {
        assert_eq!(LoginAccepted::decode(&accepted.packet()[soup::HEADER_LEN..]), Ok(accepted));
    }
    if let Ok(rejected) = LoginRejected::decode(payload) {
        assert_eq!(rejected.packet()[soup::HEADER_LEN..], *payload);
    }
}

/// What a client sends, and what it asks of the exchange.
pub fn ouch_inbound(payload: &[u8]) {
    let Ok(message) = Inbound::decode(payload) else { return };
    let mut again = vec![0; payload.len()];
    let len = message.encode(&mut again).expect("it came in so many bytes");
    check_again(payload, &again[..len]);
    assert_eq!(Inbound::decode(&again[..len]), Ok(message));

    let command = to_command(FROM, &message, &LISTINGS);
    let mut journaled = [0; codec::ENCODED_LEN_MAX];
    let len = codec::encode_command(&command, &mut journaled).expect("it fits a record");
    let read = codec::decode_command(&journaled[..len]).expect("as it was written");
    assert_eq!(read, command, "the journal holds it");
}

/// What a client is sent.
pub fn ouch_outbound(payload: &[u8]) {
    let Ok(message) = Outbound::decode(payload) else { return };
    let mut again = vec![0; payload.len()];
    let len = message.encode(&mut again).expect("it came in so many bytes");
    check_again(payload, &again[..len]);
    assert_eq!(Outbound::decode(&again[..len]), Ok(message));
    if let Ok(told) = ClientMessage::read(7, &message) {
        let _ = (told.event.user_ref(), told.event.explain());
        assert_eq!(told.sequence, 7);
    }
}

/// The bytes are the same, unless an appendage of no bytes had its length stated where that can be left out.
fn check_again(payload: &[u8], again: &[u8]) {
    let without_length = payload.strip_suffix(&[0, 0]);
    assert!(again == payload || Some(again) == without_length, "{again:02x?}");
}

/// A file of market data: each message is written again as it came, and whatever they say, books are made of them or they are
/// refused.
pub fn itch(mut bytes: &[u8]) {
    let mut books = Books::default();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (message, rest) = rest.split_at(length);
        if let Ok(decoded) = Message::decode(message) {
            let mut again = [0; MESSAGE_LEN_MAX];
            assert_eq!(decoded.encode(&mut again), Some(message.len()));
            assert_eq!(&again[..message.len()], message);
            let _ = books.apply(&decoded);
        }
        if let Ok(end) = EndOfSnapshot::decode(message) {
            assert_eq!(EndOfSnapshot::decode(&end.encode()), Ok(end));
        }
        bytes = rest;
    }
    for (_, book) in books.iter() {
        let depth = book.depth(usize::MAX);
        assert!(depth.bids.iter().chain(&depth.asks).all(|level| level.orders > 0));
    }
}

/// A datagram of market data, or a request for one.
pub fn datagram(bytes: &[u8]) {
    let mut messages = Vec::new();
    if let Ok(header) = mold::decode(bytes, |_, message| messages.push(message.to_vec()))
        && header.count != mold::END_OF_SESSION
    {
        assert_eq!(messages.len(), usize::from(header.count));
        let mut packet = mold::PacketBuilder::default();
        if messages.iter().all(|message| packet.push(message)) {
            let again = packet.finish(header.session, header.sequence).to_vec();
            assert_eq!(again[10..], bytes[10..], "all but the padding of the session");
        }
    }
    if let Ok(request) = mold::Header::decode_request(bytes) {
        assert_eq!(mold::Header::decode(&request.encode()), Ok(request));
    }
}
