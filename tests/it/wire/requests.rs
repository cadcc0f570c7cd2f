//! What requests become.

use super::*;

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
