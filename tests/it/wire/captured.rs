//! Captured packets, both ways.

use super::*;

/// Unpacks one packet, holds its message against the expected one, packs that again and compares the bytes.
fn check_inbound(packet: &str, kind: u8, expected: Inbound<'_>) {
    let bytes = hex(packet);
    let (framed, used) = frame(&bytes, 256).expect("a good length").expect("whole");
    assert_eq!((framed.kind, used), (kind, bytes.len()));
    assert_eq!(Inbound::decode(framed.payload), Ok(expected));
    let mut message = [0; 256];
    let len = expected.encode(&mut message).expect("fits");
    let mut again = Vec::new();
    soup::push_packet(kind, &message[..len], &mut again).expect("fits");
    assert_eq!(again, bytes);
}

/// The same for the other direction.
fn check_outbound(packet: &str, expected: Outbound<'_>) {
    let bytes = hex(packet);
    let (framed, used) = frame(&bytes, 256).expect("a good length").expect("whole");
    assert_eq!((framed.kind, used), (b'S', bytes.len()));
    assert_eq!(Outbound::decode(framed.payload), Ok(expected));
    let mut message = [0; 256];
    let len = expected.encode(&mut message).expect("fits");
    let mut again = [0; 256];
    let len = soup::write_packet(b'S', &message[..len], &mut again).expect("fits");
    assert_eq!(again[..len], bytes);
}

#[test]
fn captured_enter_order() {
    check_inbound(
        "0036 55 4f 00000071 54 000000e1 43564c5420202020 0000000000099db0 30 59 41 4e 4e \
         4838465542384956202020202020 0006 05 02 4c494d45",
        b'U',
        Inbound::Enter(
            EnterOrder {
                user_ref: UserRef(0x71),
                side: b'T',
                quantity: 225,
                symbol: Symbol(*b"CVLT    "),
                price: 630_192,
                time_in_force: b'0',
                display: b'Y',
                capacity: b'A',
                iso: b'N',
                cross_type: b'N',
                cl_ord_id: ClOrdId(*b"H8FUB8IV      "),
            },
            Appendage(b"\x05\x02LIME"),
        ),
    );
}

#[test]
fn captured_order_accepted() {
    check_outbound(
        "004a 53 41 0000289b4d64af87 00753a8d 42 00000028 4144424520202020 000000000048e748 35 59 \
         000000000f56b4f5 41 4e 4e 4c 3736383237303120202020202020 0009 05 02 4d4c524f 02 12 30",
        Outbound::Accepted(
            OrderAccepted {
                timestamp: 0x289b_4d64_af87,
                user_ref: UserRef(0x0075_3a8d),
                side: b'B',
                quantity: 40,
                symbol: Symbol(*b"ADBE    "),
                price: 4_777_800,
                time_in_force: b'5',
                display: b'Y',
                order: OrderId(0x0f56_b4f5),
                capacity: b'A',
                iso: b'N',
                cross_type: b'N',
                state: b'L',
                cl_ord_id: ClOrdId(*b"7682701       "),
            },
            Appendage(b"\x05\x02MLRO\x02\x120"),
        ),
    );
}

#[test]
fn captured_cancel_and_canceled() {
    let cancel = CancelOrder { user_ref: UserRef(0x0075_2e71), quantity: 0 };
    check_inbound("000a 55 58 00752e71 00000000", b'U', Inbound::Cancel(cancel, Appendage::default()));
    let canceled = OrderCanceled {
        timestamp: 0x289b_4d68_1317,
        user_ref: UserRef(0x0075_3a8d),
        decrement: 40,
        reason: b'U',
    };
    check_outbound(
        "0013 53 43 0000289b4d681317 00753a8d 00000028 55",
        Outbound::Canceled(canceled, Appendage::default()),
    );
}

#[test]
fn captured_heartbeats() {
    assert_eq!(soup::CLIENT_HEARTBEAT.to_vec(), hex("000152"));
    assert_eq!(soup::SERVER_HEARTBEAT.to_vec(), hex("000148"));
}

#[test]
fn optional_tails_may_be_left_out_and_lengths_must_agree() {
    let cancel = hex("58 00000007 00000005");
    let with_tail = |tail: &str| [cancel.clone(), hex(tail)].concat();
    let order = CancelOrder { user_ref: UserRef(7), quantity: 5 };
    assert_eq!(Inbound::decode(&cancel), Ok(Inbound::Cancel(order, Appendage::default())));
    assert_eq!(Inbound::decode(&with_tail("0000")), Ok(Inbound::Cancel(order, Appendage::default())));
    let tagged = with_tail("0003 021c00");
    assert_eq!(Inbound::decode(&tagged), Ok(Inbound::Cancel(order, Appendage(b"\x02\x1c\x00"))));
    for wrong in ["00", "0001", "0000 00", "0003 021c"] {
        let bytes = with_tail(wrong);
        assert_eq!(Inbound::decode(&bytes), Err(OuchError::Length { kind: b'X', length: bytes.len() }));
    }
    // The length of an Enter's appendage is mandatory.
    let bare = [b'O'; 45];
    assert_eq!(Inbound::decode(&bare), Err(OuchError::Length { kind: b'O', length: 45 }));
    assert_eq!(Inbound::decode(&[]), Err(OuchError::Empty));
}

/// Sizes of every message of the protocol, both ways, as the specification has them: with no appendage, and with one of
/// no bytes whose length is stated.
#[test]
fn every_message_has_the_sizes_of_the_specification() {
    let inbound: [(u8, &[usize]); 11] = [
        (b'O', &[47]),
        (b'U', &[40]),
        (b'X', &[9, 11]),
        (b'M', &[10, 12]),
        (b'C', &[19]),
        (b'D', &[11]),
        (b'E', &[11]),
        (b'Q', &[1, 3]),
        (b'W', &[27]),
        (b'L', &[25]),
        (b'N', &[25]),
    ];
    let outbound: [(u8, &[usize]); 24] = [
        (b'S', &[10]),
        (b'A', &[64]),
        (b'U', &[68]),
        (b'C', &[18, 20]),
        (b'D', &[32, 34]),
        (b'E', &[36]),
        (b'B', &[36, 38]),
        (b'J', &[29, 31]),
        (b'P', &[13, 15]),
        (b'I', &[13, 15]),
        (b'T', &[30, 32]),
        (b'M', &[18, 20]),
        (b'R', &[16]),
        (b'X', &[27]),
        (b'G', &[19]),
        (b'K', &[19]),
        (b'Q', &[13, 15]),
        (b'W', &[49, 51]),
        (b'L', &[47, 49]),
        (b'N', &[32, 34]),
        (b'Y', &[91, 93]),
        (b'H', &[75, 77]),
        (b'F', &[46, 48]),
        (b'V', &[28, 30]),
    ];
    let letters = |table: &[(u8, &'static [usize])], error: &dyn Fn(&[u8]) -> Option<OuchError>| {
        for kind in u8::MIN..=u8::MAX {
            let row = table.iter().find(|(letter, _)| *letter == kind);
            for len in 1..100 {
                let mut bytes = vec![0; len];
                bytes[0] = kind;
                let expected = match row {
                    None => Some(OuchError::UnknownKind { kind }),
                    Some((_, lens)) if lens.contains(&len) => None,
                    Some(_) => Some(OuchError::Length { kind, length: len }),
                };
                assert_eq!(error(&bytes), expected, "{:?} of {len} bytes", char::from(kind));
            }
        }
    };
    letters(&inbound, &|bytes| Inbound::decode(bytes).err());
    letters(&outbound, &|bytes| Outbound::decode(bytes).err());
}
