//! The wire: captured packets byte for byte, foreign bytes, and what each request and each event becomes.

use dojima::domain::{
    Accepted, AccountId, Amend, Amended, Amount, CancelFilter, CancelReason, Canceled, ChangeRejected,
    ClOrdId, Command, Echo, Event, EventRecord, Executed, Instructions, InstrumentId, Listing, Listings,
    LoginId, MassCancel, OrderId, OrderPrice, PostOnly, Price, Quantity, RefuseEnter, RejectReason, Rejected,
    Replaced, RestateReason, Restated, Side, Symbol, TimeInForce, Timestamp, TradeId, TradeKind, UserRef,
    Visibility,
};
use dojima::wire::ouch::event::{cancel_code, reject_code};
use dojima::wire::ouch::{
    Appendage, CancelOrder, CancelRejected, EnterOrder, Inbound, MARKET_PRICE, MESSAGE_LEN_MAX,
    MassCancelOrders, MassCancelResponse, ModifyOrder, OrderAccepted, OrderCanceled, OrderExecuted,
    OrderModified, OrderRejected, OrderReplaced, OrderRestated, OuchError, Outbound, Recipient, ReplaceOrder,
    SEQUENCED_LEN_MAX, SystemEvent, encode_event, encode_sequenced, to_command,
};
use dojima::wire::soup::{self, frame};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}

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

#[test]
fn the_rest_of_the_protocol_is_recognised_by_its_sizes() {
    let sized = |kind: u8, len: usize| {
        let mut bytes = vec![0; len];
        bytes[0] = kind;
        bytes
    };
    for (kind, lens) in [(b'D', &[11][..]), (b'E', &[11][..]), (b'Q', &[1, 3][..])] {
        for len in lens {
            assert_eq!(Inbound::decode(&sized(kind, *len)), Err(OuchError::NotSupported { kind }));
        }
        let wrong = sized(kind, 7);
        assert_eq!(Inbound::decode(&wrong), Err(OuchError::Length { kind, length: 7 }));
    }
    assert_eq!(Inbound::decode(b"A"), Err(OuchError::UnknownKind { kind: b'A' }));
    assert_eq!(Outbound::decode(b"D123"), Err(OuchError::NotSupported { kind: b'D' }));
    assert_eq!(Outbound::decode(b"O"), Err(OuchError::UnknownKind { kind: b'O' }));
}

// What requests become.

const LOGIN: LoginId = LoginId(3);

fn listings() -> Listings {
    let listing = |id: u32, symbol: &str| {
        Event::InstrumentListed(Listing {
            instrument: InstrumentId(id),
            symbol: Symbol::new(symbol).expect("a symbol"),
            price_decimals: 2,
            tick_units: 25,
            lot: Amount(1),
            tick_value: Amount(1),
            ..Listing::default()
        })
    };
    let mut listings = Listings::default();
    listings.apply(&listing(0, "ETH-USDT"));
    listings.apply(&listing(1, "BTC-USDT"));
    listings
}

fn enter() -> EnterOrder {
    EnterOrder {
        user_ref: UserRef(9),
        side: b'S',
        quantity: 500,
        symbol: Symbol(*b"BTC-USDT"),
        price: 12_345,
        time_in_force: b'3',
        display: b'A',
        capacity: b'R',
        iso: b'N',
        cross_type: b'N',
        cl_ord_id: ClOrdId(*b"my order      "),
    }
}

fn replace() -> ReplaceOrder {
    ReplaceOrder {
        orig_user_ref: UserRef(9),
        user_ref: UserRef(10),
        quantity: 400,
        price: MARKET_PRICE,
        time_in_force: b'0',
        display: b'Y',
        iso: b'N',
        cl_ord_id: ClOrdId(*b"my order again"),
    }
}

fn command(message: Inbound<'_>) -> Command {
    to_command(LOGIN, &message, &listings())
}

/// What refuses this order; `None` when it becomes an Enter.
fn refusal(order: EnterOrder, tags: &[u8]) -> Option<RejectReason> {
    match command(Inbound::Enter(order, Appendage(tags))) {
        Command::Enter(_) => None,
        Command::RefuseEnter(refused) => {
            assert_eq!(
                (refused.login, refused.user_ref, refused.cl_ord_id),
                (LOGIN, order.user_ref, order.cl_ord_id)
            );
            Some(refused.reason)
        }
        other => panic!("an Enter Order became {other:?}"),
    }
}

#[test]
fn an_order_becomes_a_command_with_all_that_it_said() {
    let Command::Enter(order) = command(Inbound::Enter(enter(), Appendage(b"\x05\x02LIME"))) else {
        panic!("refused");
    };
    assert_eq!((order.login, order.user_ref, order.instrument), (LOGIN, UserRef(9), InstrumentId(1)));
    assert_eq!((order.side, order.time_in_force), (Side::Sell, TimeInForce::ImmediateOrCancel));
    assert_eq!((order.price, order.quantity), (OrderPrice::Limit(12_345), Quantity(500)));
    let echo = Echo {
        cl_ord_id: ClOrdId(*b"my order      "),
        time_in_force: b'3',
        display: b'A',
        capacity: b'R',
        iso: b'N',
        cross_type: b'N',
        firm: *b"LIME",
    };
    assert_eq!(order.echo, echo);
}

#[test]
fn only_the_sentinel_is_a_market_order() {
    let price = |units| match command(Inbound::Enter(EnterOrder { price: units, ..enter() }, Appendage(&[])))
    {
        Command::Enter(order) => order.price,
        other => panic!("{other:?}"),
    };
    assert_eq!(price(MARKET_PRICE), OrderPrice::Market);
    for units in [0, 2_000_000_000, MARKET_PRICE - 1, MARKET_PRICE + 1, u64::MAX] {
        assert_eq!(price(units), OrderPrice::Limit(units), "the exchange judges it");
    }
}

#[test]
fn orders_are_refused_for_the_first_reason_in_the_list() {
    // Each breaks one more field, from the last check to the first; the reason moves up the list.
    let mut order = EnterOrder { symbol: Symbol(*b"NOPE    "), ..enter() };
    assert_eq!(refusal(order, &[]), Some(RejectReason::UnknownSymbol));
    let malformed = b"\x05\x02LIM";
    assert_eq!(refusal(order, malformed), Some(RejectReason::MalformedTag));
    let both = b"\x03\x02LI\x02\x06P\x09";
    assert_eq!(refusal(order, both), Some(RejectReason::TagNotSupported));
    order.capacity = b'Z';
    assert_eq!(refusal(order, both), Some(RejectReason::InvalidCapacity));
    order.iso = b'Y';
    assert_eq!(refusal(order, both), Some(RejectReason::IsoNotAllowed));
    order.display = b'Z';
    assert_eq!(refusal(order, both), Some(RejectReason::DisplayNotSupported));
    order.cross_type = b'O';
    assert_eq!(refusal(order, both), Some(RejectReason::CrossTypeNotSupported));
    order.time_in_force = b'5';
    assert_eq!(refusal(order, both), Some(RejectReason::TimeInForceNotSupported));
    for side in [b'T', b'E'] {
        order.side = side;
        assert_eq!(refusal(order, both), Some(RejectReason::ShortSaleNotAllowed));
    }
    order.side = b'b';
    assert_eq!(refusal(order, both), Some(RejectReason::InvalidSide));
}

#[test]
fn tags_that_ask_for_nothing_are_taken() {
    let nothing: [&[u8]; 20] = [
        b"\x05\x02LIME",
        b"\x05\x03\0\0\0\0",
        b"\x02\x04N",
        b"\x05\x05\0\0\0\0",
        b"\x02\x06L",
        b"\x05\x07\0\0\0\0",
        b"\x09\x09\0\0\0\0\0\0\0\0",
        b"\x02\x0aL",
        b"\x05\x0b\0\0\0\0",
        b"\x02\x0cN",
        b"\x05\x0d\0\0\0\0",
        b"\x05\x0e    ",
        b"\x05\x0f\0\0\0\0",
        b"\x02\x10N",
        b"\x02\x11 ",
        b"\x03\x18\0\0",
        b"\x02\x19Y",
        b"\x05\x1aABCD",
        b"\x02\x1c\0",
        b"",
    ];
    for tags in nothing {
        assert_eq!(refusal(enter(), tags), None, "{tags:02x?}");
    }
    assert_eq!(refusal(enter(), &nothing.concat()), None);
}

#[test]
fn tags_that_ask_for_something_or_say_nothing_are_refused() {
    let asking: [&[u8]; 11] = [
        b"\x05\x07\0\0\0\x01",
        b"\x02\x04R",
        b"\x02\x06M",
        b"\x02\x0cS",
        b"\x02\x10Y",
        b"\x02\x11I",
        b"\x05\x0eSCAN",
        b"\x03\x18\0\x01",
        b"\x02\x1c\x01",
        b"\x02\x1dO",
        b"\x01\x80",
    ];
    for tags in asking {
        assert_eq!(refusal(enter(), tags), Some(RejectReason::TagNotSupported), "{tags:02x?}");
    }
    assert_eq!(refusal(enter(), b"\x02\x1bS"), Some(RejectReason::TagNotSupported), "a side is in its field");
    let broken: [&[u8]; 6] =
        [b"\0", b"\x05\x02LIM", b"\x04\x02LIM", b"\x03\x0cNN", b"\x02\x0cN\x02\x0cN", b"\x04\x03\0\0\0"];
    for tags in broken {
        assert_eq!(refusal(enter(), tags), Some(RejectReason::MalformedTag), "{tags:02x?}");
    }
}

#[test]
fn a_replace_passes_on_its_terms_or_is_refused() {
    let Command::Replace(order) = command(Inbound::Replace(replace(), Appendage(b"\x05\x03\0\0\0\0"))) else {
        panic!("refused");
    };
    assert_eq!((order.login, order.orig_user_ref, order.user_ref), (LOGIN, UserRef(9), UserRef(10)));
    assert_eq!((order.price, order.quantity), (OrderPrice::Market, Quantity(400)));
    assert_eq!(order.echo.cl_ord_id, ClOrdId(*b"my order again"));

    let reason = |order: ReplaceOrder, tags: &[u8]| match command(Inbound::Replace(order, Appendage(tags))) {
        Command::RefuseReplace(refused) => {
            assert_eq!((refused.orig_user_ref, refused.user_ref), (UserRef(9), UserRef(10)));
            assert_eq!(refused.cl_ord_id, ClOrdId(*b"my order again"));
            refused.reason
        }
        other => panic!("{other:?}"),
    };
    let firm = b"\x05\x02LIME";
    assert_eq!(reason(replace(), firm), RejectReason::TagNotSupported, "a firm is inherited");
    let order = ReplaceOrder { iso: b'Y', ..replace() };
    assert_eq!(reason(order, firm), RejectReason::IsoNotAllowed);
    let order = ReplaceOrder { display: b'Z', ..order };
    assert_eq!(reason(order, firm), RejectReason::DisplayNotSupported);
    let order = ReplaceOrder { time_in_force: b'5', ..order };
    assert_eq!(reason(order, firm), RejectReason::TimeInForceNotSupported);
}

/// What the order asks for beyond its fixed fields, if anything.
fn instructions(message: Inbound<'_>) -> Option<Instructions> {
    match command(message) {
        Command::Enter(order) => order.instructions,
        Command::Replace(order) => order.instructions,
        other => panic!("{other:?}"),
    }
}

#[test]
fn instructions_of_the_standard_are_passed_on() {
    let cases: [(&[u8], Instructions); 6] = [
        (b"\x05\x03\0\0\x01\xf4", Instructions { min_quantity: 500, ..Instructions::default() }),
        (b"\x05\x05\0\0\0\x64", Instructions { display_quantity: 100, ..Instructions::default() }),
        (b"\x02\x0cP", Instructions { post_only: PostOnly::Reject, ..Instructions::default() }),
        (b"\x05\x0f\0\0\x8c\xa0", Instructions { expire_s: 36_000, ..Instructions::default() }),
        (
            b"\x02\x0cP\x05\x02LIME\x05\x05\0\0\0\x07",
            Instructions { post_only: PostOnly::Reject, display_quantity: 7, ..Instructions::default() },
        ),
        (b"\x05\x03\0\0\0\0\x05\x05\0\0\0\0\x02\x0cN\x05\x0f\0\0\0\0", Instructions::default()),
    ];
    for (tags, expected) in cases {
        let expected = (expected != Instructions::default()).then_some(expected);
        assert_eq!(instructions(Inbound::Enter(enter(), Appendage(tags))), expected, "{tags:02x?}");
        if !tags.windows(4).any(|part| part == b"LIME") {
            assert_eq!(instructions(Inbound::Replace(replace(), Appendage(tags))), expected, "{tags:02x?}");
        }
    }
    let hidden = Some(Instructions { visibility: Visibility::Hidden, ..Instructions::default() });
    let none = Appendage::default();
    assert_eq!(instructions(Inbound::Enter(EnterOrder { display: b'N', ..enter() }, none)), hidden);
    assert_eq!(instructions(Inbound::Replace(ReplaceOrder { display: b'N', ..replace() }, none)), hidden);
    assert_eq!(instructions(Inbound::Enter(enter(), none)), None, "a plain order asks for nothing");
}

#[test]
fn times_in_force_of_the_standard() {
    let served =
        [(b'0', TimeInForce::Day), (b'3', TimeInForce::ImmediateOrCancel), (b'6', TimeInForce::GoodTillTime)];
    for byte in u8::MIN..=u8::MAX {
        let expected = served.iter().find(|(served, _)| *served == byte).map(|(_, meaning)| *meaning);
        let order = Inbound::Enter(EnterOrder { time_in_force: byte, ..enter() }, Appendage::default());
        let found = match command(order) {
            Command::Enter(order) => Some(order.time_in_force),
            Command::RefuseEnter(RefuseEnter { reason: RejectReason::TimeInForceNotSupported, .. }) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "{byte:#x}");
    }
}

#[test]
fn a_modify_lowers_a_quantity_and_nothing_else() {
    let modify = ModifyOrder { user_ref: UserRef(9), side: b'S', quantity: 100 };
    let named = |modify: ModifyOrder, tags: &[u8]| match command(Inbound::Modify(modify, Appendage(tags))) {
        Command::Amend(Amend { login: LOGIN, user_ref, price: None, quantity: Quantity(100) }) => user_ref,
        other => panic!("{other:?}"),
    };
    for tags in [&b""[..], b"\x02\x1c\0", b"\x02\x19Y\x05\x1aABCD"] {
        assert_eq!(named(modify, tags), UserRef(9), "{tags:02x?}");
    }
    for tags in [&b"\x02\x1c\x01"[..], b"\x05\x02LIME", b"\x09"] {
        assert_eq!(named(modify, tags), UserRef(0), "{tags:02x?}");
    }
    // Short sales do not exist here, so no order can become one.
    assert_eq!(named(ModifyOrder { side: b'T', ..modify }, b""), UserRef(0));
}

#[test]
fn a_mass_cancel_is_carried_out_as_it_was_meant_or_refused() {
    let asked = MassCancelOrders { user_ref: UserRef(9), firm: *b"    ", symbol: Symbol::default() };
    let result =
        |asked: MassCancelOrders, tags: &[u8]| match command(Inbound::MassCancel(asked, Appendage(tags))) {
            Command::MassCancel(MassCancel { login: Some(LOGIN), user_ref: UserRef(9), filter }) => {
                Ok(filter)
            }
            Command::RefuseEnter(RefuseEnter { login: LOGIN, user_ref: UserRef(9), reason, .. }) => {
                Err(reason)
            }
            other => panic!("{other:?}"),
        };
    let everything = CancelFilter::default();
    assert_eq!(result(asked, b""), Ok(everything));
    assert_eq!(result(MassCancelOrders { firm: [0; 4], ..asked }, b"\x02\x1c\0\x03\x18\0\0"), Ok(everything));
    let bitcoin = MassCancelOrders { symbol: Symbol(*b"BTC-USDT"), ..asked };
    let one = CancelFilter { instrument: Some(InstrumentId(1)), ..everything };
    assert_eq!(result(bitcoin, b""), Ok(one));
    assert_eq!(result(bitcoin, b"\x02\x1bS"), Ok(CancelFilter { side: Some(Side::Sell), ..one }));
    assert_eq!(result(asked, b"\x02\x1bB"), Ok(CancelFilter { side: Some(Side::Buy), ..everything }));
    let unknown = MassCancelOrders { symbol: Symbol(*b"NOPE    "), ..asked };
    assert_eq!(result(unknown, b""), Err(RejectReason::UnknownSymbol));
    let of_a_firm = MassCancelOrders { firm: *b"LIME", ..asked };
    assert_eq!(result(of_a_firm, b""), Err(RejectReason::TagNotSupported));
    for tags in [&b"\x03\x18\0\x01"[..], b"\x02\x1c\x01", b"\x02\x1bT", b"\x01\x80"] {
        assert_eq!(result(asked, tags), Err(RejectReason::TagNotSupported), "{tags:02x?}");
    }
    assert_eq!(result(asked, b"\x09"), Err(RejectReason::MalformedTag));
}

#[test]
fn a_cancel_of_another_channel_names_no_order() {
    let cancel = CancelOrder { user_ref: UserRef(9), quantity: 100 };
    let named = |tags: &[u8]| match command(Inbound::Cancel(cancel, Appendage(tags))) {
        Command::Cancel(cancel) => {
            assert_eq!((cancel.login, cancel.quantity), (LOGIN, Quantity(100)));
            cancel.user_ref
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(named(b""), UserRef(9));
    assert_eq!(named(b"\x02\x1c\0"), UserRef(9));
    for tags in [&b"\x02\x1c\x01"[..], b"\x02\x1c", b"\x05\x02LIME"] {
        assert_eq!(named(tags), UserRef(0), "{tags:02x?}");
    }
}

// What events become.

/// 01:00:00.000000007 of some day.
const TIME: Timestamp = Timestamp(20_000 * 86_400_000_000_000 + 3_600_000_000_007);
const SINCE_MIDNIGHT: u64 = 3_600_000_000_007;

fn told(event: Event, recipient: Recipient) -> Option<Vec<u8>> {
    let record = EventRecord { number: 1, sequence: 1, time: TIME, event };
    let mut message = [0; MESSAGE_LEN_MAX];
    let len = encode_event(&record, recipient, &listings(), &mut message)?;
    let mut packet = [0; SEQUENCED_LEN_MAX];
    let packet_len = encode_sequenced(&record, recipient, &listings(), &mut packet).expect("as the message");
    let (framed, used) = frame(&packet[..packet_len], 256).expect("a good length").expect("whole");
    assert_eq!((framed.kind, framed.payload, used), (b'S', &message[..len], packet_len));
    for short in 0..packet_len {
        assert_eq!(encode_sequenced(&record, recipient, &listings(), &mut packet[..short]), None);
    }
    Some(message[..len].to_vec())
}

#[test]
fn accepted_and_replaced_say_what_the_order_is() {
    let echo = Echo { capacity: b'O', firm: *b"LIME", ..Echo::default() };
    let accepted = Accepted {
        user_ref: UserRef(9),
        order: OrderId(77),
        instrument: InstrumentId(1),
        side: Side::Sell,
        price: Some(Price(4)),
        quantity: Quantity(500),
        echo,
        ..Accepted::default()
    };
    let message = OrderAccepted {
        timestamp: SINCE_MIDNIGHT,
        user_ref: UserRef(9),
        side: b'S',
        quantity: 500,
        symbol: Symbol(*b"BTC-USDT"),
        price: 100,
        time_in_force: b'0',
        display: b'Y',
        order: OrderId(77),
        capacity: b'O',
        iso: b'N',
        cross_type: b'N',
        state: b'L',
        cl_ord_id: ClOrdId::default(),
    };
    let bytes = told(Event::Accepted(accepted), Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Accepted(message, Appendage(b"\x05\x02LIME"))));

    let replaced = Replaced {
        orig_user_ref: UserRef(9),
        user_ref: UserRef(10),
        order: OrderId(78),
        instrument: InstrumentId(0),
        price: None,
        quantity: Quantity(300),
        echo: Echo { firm: [0; 4], ..echo },
        ..Replaced::default()
    };
    let message = OrderReplaced {
        timestamp: SINCE_MIDNIGHT,
        orig_user_ref: UserRef(9),
        user_ref: UserRef(10),
        side: b'B',
        quantity: 300,
        symbol: Symbol(*b"ETH-USDT"),
        price: MARKET_PRICE,
        time_in_force: b'0',
        display: b'Y',
        order: OrderId(78),
        capacity: b'O',
        iso: b'N',
        cross_type: b'N',
        state: b'L',
        cl_ord_id: ClOrdId::default(),
    };
    let bytes = told(Event::Replaced(replaced), Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Replaced(message, Appendage::default())));

    // Tags tell what was asked for, in the order of their numbers.
    let tags = |event: Event| match Outbound::decode(&told(event, Recipient::Only).expect("told")) {
        Ok(Outbound::Accepted(_, Appendage(tags)) | Outbound::Replaced(_, Appendage(tags))) => tags.to_vec(),
        other => panic!("{other:?}"),
    };
    let asked = Replaced {
        echo,
        visibility: Visibility::Displayed,
        display_quantity: 7,
        post_only: PostOnly::Reject,
        time_in_force: TimeInForce::GoodTillTime,
        expire_s: 20_000 * 86_400 + 36_000,
        ..replaced
    };
    let all = b"\x05\x02LIME\x05\x05\0\0\0\x07\x02\x0cP\x05\x0f\0\0\x8c\xa0";
    assert_eq!(tags(Event::Replaced(asked)), all);
    let longest = told(Event::Replaced(asked), Recipient::Only).expect("told");
    assert_eq!(longest.len(), MESSAGE_LEN_MAX);
    let accepted = Accepted {
        display_quantity: 7,
        post_only: PostOnly::Slide,
        time_in_force: TimeInForce::GoodTillTime,
        expire_s: 20_001 * 86_400,
        ..accepted
    };
    // Tomorrow's first second is not today's: it is told since 1970.
    assert_eq!(
        tags(Event::Accepted(accepted)),
        [&all[..15], b"\x05\x0f", &(20_001_u32 * 86_400).to_be_bytes()].concat()
    );
    let day = Accepted { time_in_force: TimeInForce::Day, display_quantity: 0, ..accepted };
    assert_eq!(tags(Event::Accepted(Accepted { post_only: PostOnly::No, ..day })), b"\x05\x02LIME");
}

/// Old messages are made again from their events, so a tick that changed since must not change them.
#[test]
fn prices_are_told_in_the_ticks_of_their_time() {
    let mut listings = listings();
    let before = *listings.get(InstrumentId(1)).expect("listed");
    let event = Event::TermsSet(Listing { tick_units: 50, ..before });
    listings.note(&EventRecord { number: 10, event, ..EventRecord::default() });
    for (number, units) in [(9, 200), (10, 400), (11, 400)] {
        let accepted = Accepted { instrument: InstrumentId(1), price: Some(Price(8)), ..Accepted::default() };
        let record = EventRecord { number, event: Event::Accepted(accepted), ..EventRecord::default() };
        let mut message = [0; MESSAGE_LEN_MAX];
        let len = encode_event(&record, Recipient::Only, &listings, &mut message).expect("told");
        let Ok(Outbound::Accepted(accepted, _)) = Outbound::decode(&message[..len]) else {
            panic!("{number}")
        };
        assert_eq!(accepted.price, units, "event {number}");
    }
}

#[test]
fn a_trade_is_told_to_both_sides_the_resting_one_first() {
    let trade = Event::Executed(Executed {
        trade: TradeId(5),
        instrument: InstrumentId(1),
        price: Price(8),
        quantity: Quantity(30),
        maker_login: LoginId(1),
        maker_user_ref: UserRef(11),
        taker_login: LoginId(2),
        taker_user_ref: UserRef(22),
        ..Executed::default()
    });
    let recipients: Vec<_> = Recipient::all(&trade).collect();
    assert_eq!(recipients, [(LoginId(1), Recipient::Maker), (LoginId(2), Recipient::Taker)]);
    for (recipient, user_ref, liquidity) in [(Recipient::Maker, 11, b'A'), (Recipient::Taker, 22, b'R')] {
        let message = OrderExecuted {
            timestamp: SINCE_MIDNIGHT,
            user_ref: UserRef(user_ref),
            quantity: 30,
            price: 200,
            liquidity,
            trade: TradeId(5),
        };
        let bytes = told(trade, recipient).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Executed(message, Appendage::default())));
    }
    assert_eq!(told(trade, Recipient::Only), None);
}

#[test]
fn liquidity_flags_say_how_the_orders_met() {
    let flags = |kind, maker_visibility| {
        let event = Event::Executed(Executed { kind, maker_visibility, ..Executed::default() });
        [Recipient::Maker, Recipient::Taker].map(|recipient| {
            match Outbound::decode(&told(event, recipient).expect("told")) {
                Ok(Outbound::Executed(executed, _)) => executed.liquidity,
                other => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(flags(TradeKind::Continuous, Visibility::Displayed), *b"AR");
    assert_eq!(flags(TradeKind::Continuous, Visibility::Hidden), *b"JR");
    for visibility in [Visibility::Displayed, Visibility::Hidden] {
        assert_eq!(flags(TradeKind::Opening, visibility), *b"OO");
        assert_eq!(flags(TradeKind::Volatility, visibility), *b"HH");
        assert_eq!(flags(TradeKind::Closing, visibility), *b"CC");
    }
}

#[test]
fn changes_and_mass_cancels_are_answered() {
    let amended = Amended {
        user_ref: UserRef(4),
        side: Side::Sell,
        decrement: Quantity(5),
        open: Quantity(7),
        ..Amended::default()
    };
    let message = OrderModified { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), side: b'S', quantity: 7 };
    let bytes = told(Event::Amended(amended), Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Modified(message, Appendage::default())));

    let refused = ChangeRejected {
        login: LOGIN,
        user_ref: UserRef(4),
        order: OrderId(1),
        reason: RejectReason::InstrumentHalted,
    };
    let message = CancelRejected { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4) };
    let bytes = told(Event::ChangeRejected(refused), Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::CancelRejected(message, Appendage::default())));

    let restated = |reason| {
        Event::Restated(Restated {
            login: LOGIN,
            user_ref: UserRef(4),
            order: OrderId(1),
            price: Price(3),
            open: Quantity(9),
            displayed: Quantity(9),
            reserved: Amount(0),
            reason,
        })
    };
    let message = OrderRestated { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), reason: b'R' };
    let bytes = told(restated(RestateReason::Refreshed), Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Restated(message, Appendage(b"\x05\x16\0\0\0\x09"))));
    assert_eq!(told(restated(RestateReason::Tick), Recipient::Only), None);

    let done = |login| Event::MassCanceled { login, user_ref: UserRef(4), canceled: 3 };
    let message = MassCancelResponse {
        timestamp: SINCE_MIDNIGHT,
        user_ref: UserRef(4),
        firm: *b"    ",
        symbol: Symbol::default(),
    };
    let bytes = told(done(Some(LOGIN)), Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::MassCanceled(message, Appendage::default())));
    assert_eq!(told(done(None), Recipient::Only), None);
}

/// The numbers of a stream are counted by recipients, so there must be a message for every one, and for nobody else.
#[test]
fn every_recipient_of_every_event_is_told_one_message() {
    let mut listings = listings();
    for (name, record) in crate::codec::cases::events() {
        if let Event::InstrumentListed(_) = record.event {
            continue;
        }
        let event = with_a_listing_and_small_numbers(record.event);
        let record = EventRecord { event, ..record };
        listings.note(&record);
        let mut packet = [0; SEQUENCED_LEN_MAX];
        let mut told = Vec::new();
        for (login, recipient) in Recipient::all(&record.event) {
            let len = encode_sequenced(&record, recipient, &listings, &mut packet);
            let len = len.unwrap_or_else(|| panic!("{name} has no message for login {login}"));
            let (framed, used) = frame(&packet[..len], 256).expect("a good length").expect("whole");
            assert_eq!(used, len);
            Outbound::decode(framed.payload).unwrap_or_else(|error| panic!("{name}: {error}"));
            told.push(recipient);
        }
        for recipient in [Recipient::Only, Recipient::Maker, Recipient::Taker] {
            let is_told = encode_sequenced(&record, recipient, &listings, &mut packet).is_some();
            assert_eq!(is_told, told.contains(&recipient), "{name} {recipient:?}");
        }
        assert_eq!(told.len(), record.event.recipients().iter().flatten().count());
    }
}

/// The same event about an instrument that is listed here, with quantities that fit the wire.
fn with_a_listing_and_small_numbers(event: Event) -> Event {
    let (instrument, quantity) = (InstrumentId(1), Quantity(100));
    match event {
        Event::Accepted(e) => Event::Accepted(Accepted { instrument, quantity, ..e }),
        Event::Replaced(e) => Event::Replaced(Replaced { instrument, quantity, ..e }),
        Event::Executed(e) => Event::Executed(Executed { instrument, quantity, ..e }),
        Event::Canceled(e) => Event::Canceled(Canceled { decrement: quantity, ..e }),
        Event::Amended(e) => Event::Amended(Amended { open: quantity, ..e }),
        Event::Restated(e) => {
            let reason = RestateReason::Refreshed;
            Event::Restated(Restated { displayed: quantity, reason, ..e })
        }
        other => other,
    }
}

#[test]
fn cancels_refusals_and_the_start_of_the_day_are_told() {
    assert_eq!(cancel_code(CancelReason::UserRequested), b'U');
    assert_eq!(cancel_code(CancelReason::SelfTrade), b'Q');
    for reason in CANCEL_REASONS {
        let code = cancel_code(reason);
        assert!(b"DEFGHIKQSTUXZ".contains(&code), "{reason:?} has the code {code}");
        let canceled = Canceled {
            login: LOGIN,
            user_ref: UserRef(4),
            order: OrderId(1),
            decrement: Quantity(12),
            open: Quantity(3),
            reserved: Amount(0),
            reason,
        };
        let message =
            OrderCanceled { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), decrement: 12, reason: code };
        let bytes = told(Event::Canceled(canceled), Recipient::Only).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Canceled(message, Appendage::default())));
    }
    for reason in RejectReason::ALL {
        let cl_ord_id = ClOrdId(*b"text          ");
        let rejected = Rejected { login: LOGIN, user_ref: UserRef(4), reason: *reason, cl_ord_id };
        let code = reject_code(*reason);
        assert!((0x01..=0x33).contains(&code), "{reason:?} has the code {code:#x}");
        let message =
            OrderRejected { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), reason: code, cl_ord_id };
        let bytes = told(Event::Rejected(rejected), Recipient::Only).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Rejected(message, Appendage::default())));
    }
    let opened = Event::LoginOpened { login: LOGIN, account: AccountId(1) };
    let message = SystemEvent { timestamp: SINCE_MIDNIGHT, code: b'S' };
    let bytes = told(opened, Recipient::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::System(message)));
    assert_eq!(told(Event::default(), Recipient::Only), None);
}

/// Every reason why an order can lose open quantity.
const CANCEL_REASONS: [CancelReason; 17] = [
    CancelReason::UserRequested,
    CancelReason::ImmediateOrCancel,
    CancelReason::FundsExhausted,
    CancelReason::InvalidReplace(RejectReason::InvalidPrice),
    CancelReason::MinimumQuantity,
    CancelReason::AmountSpent,
    CancelReason::MarketCollar,
    CancelReason::PriceBand,
    CancelReason::SelfTrade,
    CancelReason::LinkedOrder,
    CancelReason::Expired,
    CancelReason::TermsChanged,
    CancelReason::Delisted,
    CancelReason::Killed,
    CancelReason::MassCancel,
    CancelReason::Operator,
    CancelReason::TriggerRefused(RejectReason::NothingToTradeWith),
];

/// Rows of the page that begin like this one: | `Name` | code |.
fn documented() -> Vec<(&'static str, &'static str)> {
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        Some((cells.next()?.strip_suffix('`')?, cells.next()?))
    };
    include_str!("../../docs/PROTOCOL.md").lines().filter_map(row).collect()
}

#[test]
fn the_page_names_every_code_and_in_the_order_of_the_checks() {
    let documented = documented();
    let in_order: Vec<&str> = documented.iter().map(|(name, _)| *name).collect();
    let of_orders = RejectReason::ALL.iter().take_while(|reason| **reason != RejectReason::UnknownOrder);
    let mut names = Vec::new();
    for reason in of_orders {
        let code = format!("{:#04X}", reject_code(*reason)).replace("0X", "0x");
        assert!(documented.contains(&(reason.name(), &code)), "{} {code}", reason.name());
        names.push(reason.name());
    }
    assert!(in_order.windows(names.len()).any(|window| window == names), "{in_order:?}");
    for reason in CANCEL_REASONS {
        let debug = format!("{reason:?}");
        let name = debug.split('(').next().expect("a name");
        let code = format!("`{}`", char::from(cancel_code(reason)));
        assert!(documented.contains(&(name, &code)), "{name} {code}");
    }
}

// Foreign bytes, and every value there and back.

fn tail() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

prop_compose! {
    fn any_enter()(
        numbers in any::<(u32, u32, u64)>(), letters in any::<[u8; 6]>(), symbol in any::<[u8; 8]>(),
        text in any::<[u8; 14]>(),
    ) -> EnterOrder {
        let [side, time_in_force, display, capacity, iso, cross_type] = letters;
        EnterOrder {
            user_ref: UserRef(numbers.0), side, quantity: numbers.1, symbol: Symbol(symbol), price: numbers.2,
            time_in_force, display, capacity, iso, cross_type, cl_ord_id: ClOrdId(text),
        }
    }
}

prop_compose! {
    fn any_replace()(
        numbers in any::<(u32, u32, u32, u64)>(), letters in any::<[u8; 3]>(), text in any::<[u8; 14]>(),
    ) -> ReplaceOrder {
        let [time_in_force, display, iso] = letters;
        ReplaceOrder {
            orig_user_ref: UserRef(numbers.0), user_ref: UserRef(numbers.1), quantity: numbers.2,
            price: numbers.3, time_in_force, display, iso, cl_ord_id: ClOrdId(text),
        }
    }
}

prop_compose! {
    fn any_replaced()(
        numbers in any::<(u64, u32, u32, u32, u64, u64)>(), letters in any::<[u8; 7]>(),
        symbol in any::<[u8; 8]>(), text in any::<[u8; 14]>(),
    ) -> OrderReplaced {
        let [side, time_in_force, display, capacity, iso, cross_type, state] = letters;
        OrderReplaced {
            timestamp: numbers.0, orig_user_ref: UserRef(numbers.1), user_ref: UserRef(numbers.2), side,
            quantity: numbers.3, symbol: Symbol(symbol), price: numbers.4, time_in_force, display,
            order: OrderId(numbers.5), capacity, iso, cross_type, state, cl_ord_id: ClOrdId(text),
        }
    }
}

fn check_inbound_again(message: Inbound<'_>) {
    let mut bytes = [0; 128];
    let len = message.encode(&mut bytes).expect("fits");
    assert_eq!(Inbound::decode(&bytes[..len]), Ok(message));
    assert_eq!(message.encode(&mut bytes[..len - 1]), None);
    let _ = to_command(LOGIN, &message, &listings());
}

fn check_outbound_again(message: Outbound<'_>) {
    let mut bytes = [0; 128];
    let len = message.encode(&mut bytes).expect("fits");
    assert_eq!(Outbound::decode(&bytes[..len]), Ok(message));
    assert_eq!(message.encode(&mut bytes[..len - 1]), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = frame(&bytes, 64);
        let _ = Inbound::decode(&bytes).map(|message| to_command(LOGIN, &message, &listings()));
        let _ = Outbound::decode(&bytes);
    }

    #[test]
    fn arbitrary_tags_never_panic(order in any_enter(), bytes in tail()) {
        // A good side, time in force and so on, so that the tags are reached.
        let order = EnterOrder {
            side: b'B', time_in_force: b'0', cross_type: b'N', display: b'Y', iso: b'N', capacity: b'P', ..order
        };
        let _ = command(Inbound::Enter(order, Appendage(&bytes)));
        prop_assert!(Appendage(&bytes).tags().count() <= bytes.len());
    }

    #[test]
    fn requests_read_back_as_written(order in any_enter(), change in any_replace(), cancel in any::<(u32, u32)>(),
                                     bytes in tail()) {
        let cancel = CancelOrder { user_ref: UserRef(cancel.0), quantity: cancel.1 };
        check_inbound_again(Inbound::Enter(order, Appendage(&bytes)));
        check_inbound_again(Inbound::Replace(change, Appendage(&bytes)));
        check_inbound_again(Inbound::Cancel(cancel, Appendage(&bytes)));
        let modify = ModifyOrder { user_ref: cancel.user_ref, side: order.side, quantity: cancel.quantity };
        check_inbound_again(Inbound::Modify(modify, Appendage(&bytes)));
        let all = MassCancelOrders {
            user_ref: cancel.user_ref, firm: cancel.quantity.to_be_bytes(), symbol: order.symbol,
        };
        check_inbound_again(Inbound::MassCancel(all, Appendage(&bytes)));
    }

    #[test]
    fn answers_read_back_as_written(replaced in any_replaced(), trade in any::<u64>(), code in any::<(u8, u16)>(),
                                    bytes in tail()) {
        let m = replaced;
        let accepted = OrderAccepted {
            timestamp: m.timestamp, user_ref: m.user_ref, side: m.side, quantity: m.quantity, symbol: m.symbol,
            price: m.price, time_in_force: m.time_in_force, display: m.display, order: m.order,
            capacity: m.capacity, iso: m.iso, cross_type: m.cross_type, state: m.state, cl_ord_id: m.cl_ord_id,
        };
        let executed = OrderExecuted {
            timestamp: m.timestamp, user_ref: m.user_ref, quantity: m.quantity, price: m.price,
            liquidity: code.0, trade: TradeId(trade),
        };
        let canceled = OrderCanceled {
            timestamp: m.timestamp, user_ref: m.user_ref, decrement: m.quantity, reason: code.0,
        };
        let rejected = OrderRejected {
            timestamp: m.timestamp, user_ref: m.user_ref, reason: code.1, cl_ord_id: m.cl_ord_id,
        };
        check_outbound_again(Outbound::Replaced(m, Appendage(&bytes)));
        check_outbound_again(Outbound::Accepted(accepted, Appendage(&bytes)));
        check_outbound_again(Outbound::Executed(executed, Appendage(&bytes)));
        check_outbound_again(Outbound::Canceled(canceled, Appendage(&bytes)));
        check_outbound_again(Outbound::Rejected(rejected, Appendage(&bytes)));
        let (timestamp, user_ref) = (m.timestamp, m.user_ref);
        let modified = OrderModified { timestamp, user_ref, side: m.side, quantity: m.quantity };
        check_outbound_again(Outbound::Modified(modified, Appendage(&bytes)));
        check_outbound_again(Outbound::CancelRejected(CancelRejected { timestamp, user_ref }, Appendage(&bytes)));
        let restated = OrderRestated { timestamp, user_ref, reason: code.0 };
        check_outbound_again(Outbound::Restated(restated, Appendage(&bytes)));
        let done = MassCancelResponse {
            timestamp, user_ref, firm: m.quantity.to_be_bytes(), symbol: m.symbol,
        };
        check_outbound_again(Outbound::MassCanceled(done, Appendage(&bytes)));
        check_outbound_again(Outbound::System(SystemEvent { timestamp: m.timestamp, code: code.0 }));
    }
}
