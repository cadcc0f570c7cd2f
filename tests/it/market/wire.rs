//! ITCH 5.0 and MoldUDP64: the layouts of the specification, round trips, and foreign bytes.

use dojima::domain::{OrderId, Symbol};
use dojima::wire::itch::{
    AddOrder, EndOfSnapshot, ItchError, MESSAGE_LEN_MAX, Message, Nanos48, OrderReplace, SystemEvent,
};
use dojima::wire::mold::{self, Header, MoldError, PacketBuilder};
use dojima::wire::soup::SessionId;
use proptest::prelude::*;

#[test]
fn every_message_of_the_specification_has_its_length() {
    let lengths = [
        (b'S', 12),
        (b'R', 39),
        (b'H', 25),
        (b'Y', 20),
        (b'L', 26),
        (b'V', 35),
        (b'W', 12),
        (b'K', 28),
        (b'J', 35),
        (b'h', 21),
        (b'A', 36),
        (b'F', 40),
        (b'E', 31),
        (b'C', 36),
        (b'X', 23),
        (b'D', 19),
        (b'U', 35),
        (b'P', 44),
        (b'Q', 40),
        (b'B', 19),
        (b'I', 50),
        (b'N', 20),
        (b'O', 48),
    ];
    let mut known = Message::KINDS.to_vec();
    known.sort_unstable();
    let mut expected = lengths.to_vec();
    expected.sort_unstable();
    assert_eq!(known, expected);
    assert_eq!(MESSAGE_LEN_MAX, lengths.iter().map(|(_, len)| *len).max().expect("some"));
}

/// Bytes written by hand from the tables of docs/PROTOCOL.md.
#[test]
fn fields_lie_where_the_tables_say() {
    let bytes = b"A\x00\x07\x00\x00\x1F\x1A\xCE\xD8\xA0\x01\x00\x00\x00\x00\x00\x00\x00\x2AS\x00\x00\x01\x2CBTC-USDT\x00\x4C\x4B\x40";
    let add = AddOrder {
        locate: 7,
        tracking: 0,
        timestamp: Nanos48::new(0x1F1A_CED8_A001),
        order: OrderId(42),
        side: b'S',
        shares: 300,
        stock: Symbol::new("BTC-USDT").expect("a symbol"),
        price: 5_000_000,
    };
    let mut out = [0; MESSAGE_LEN_MAX];
    assert_eq!(Message::from(add).encode(&mut out), Some(36));
    assert_eq!(&out[..36], bytes);
    assert_eq!(Message::decode(bytes), Ok(add.into()));

    let bytes = b"U\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x08\x00\x00\x00\x12\x00\x00\x00\x00\x00\x00\x00\x0A\x00\x00\x00\x0B\x00\x00\x00\x0C";
    let replace = OrderReplace {
        locate: 1,
        tracking: 0,
        timestamp: Nanos48::new(5),
        old_order: OrderId::of_slice(9),
        order: OrderId(10),
        shares: 11,
        price: 12,
    };
    assert_eq!(Message::decode(bytes), Ok(replace.into()));
    let event = SystemEvent { locate: 0, tracking: 0, timestamp: Nanos48::new(1), code: b'O' };
    assert_eq!(Message::decode(b"S\0\0\0\0\0\0\0\0\0\x01O"), Ok(event.into()));
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    assert_eq!(Message::decode(b""), Err(ItchError::Empty));
    assert_eq!(Message::decode(b"Z123"), Err(ItchError::UnknownKind { kind: b'Z' }));
    let short = ItchError::Length { kind: b'D', length: 3, expected: 19 };
    assert_eq!(Message::decode(b"D12"), Err(short));
    assert_eq!(
        Message::decode(&[b'D'; 20]).map(drop),
        Err(ItchError::Length { kind: b'D', length: 20, expected: 19 })
    );
    assert_eq!(EndOfSnapshot { sequence: 1234 }.encode(), *b"G00000000000000001234");
    assert_eq!(EndOfSnapshot::decode(b"G                1234"), Ok(EndOfSnapshot { sequence: 1234 }));
    assert_eq!(EndOfSnapshot::decode(b"G               12x34"), Err(ItchError::NotANumber));
    assert!(EndOfSnapshot::decode(b"G1").is_err());
}

proptest! {
    /// Any bytes are a message or an error, and a message is written as the bytes that it was read from: every byte of a
    /// message belongs to a field.
    #[test]
    fn bytes_are_read_and_written_back(
        which in any::<prop::sample::Index>(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..60),
        exact in prop::bool::weighted(0.9),
    ) {
        if exact {
            let (kind, len) = *which.get(Message::KINDS);
            bytes.resize(len, 0xA5);
            bytes[0] = kind;
        }
        match Message::decode(&bytes) {
            Ok(message) => {
                let mut out = [0; MESSAGE_LEN_MAX];
                prop_assert_eq!(message.encode(&mut out), Some(bytes.len()));
                prop_assert_eq!(&out[..bytes.len()], &bytes[..]);
                prop_assert_eq!(message.encode(&mut out[..bytes.len() - 1]), None);
            }
            Err(_) => prop_assert!(!exact, "{:?}", bytes),
        }
        let _ = EndOfSnapshot::decode(&bytes);
        let _ = mold::decode(&bytes, |_, _| {});
        let _ = Header::decode_request(&bytes);
    }

    #[test]
    fn snapshots_end_with_any_number(sequence in any::<u64>()) {
        let end = EndOfSnapshot { sequence };
        prop_assert_eq!(EndOfSnapshot::decode(&end.encode()), Ok(end));
    }

    #[test]
    fn datagrams_hold_what_was_put_in(
        sequence in 1_u64..1 << 60,
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let session = SessionId::new("DAY1").expect("a session");
        let mut packet = PacketBuilder::default();
        let put: Vec<_> = messages.into_iter().take_while(|message| packet.push(message)).collect();
        let bytes = packet.finish(session, sequence).to_vec();
        prop_assert!(bytes.len() <= mold::PACKET_LEN_MAX);
        let mut read = Vec::new();
        let header = mold::decode(&bytes, |number, message| read.push((number, message.to_vec())));
        prop_assert_eq!(header, Ok(Header { session, sequence, count: put.len() as u16 }));
        prop_assert_eq!(read, (sequence..).zip(put).collect::<Vec<_>>());
        let cut = cut.index(bytes.len());
        let error = mold::decode(&bytes[..cut], |_, _| {}).expect_err("it is not all there");
        let is_excess = matches!(error, MoldError::Excess { .. });
        prop_assert!(!is_excess);
    }
}
