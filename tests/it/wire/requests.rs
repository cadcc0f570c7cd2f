//! What requests become.

use super::instructions::{PRIVATE, instructions, prevents};
use super::*;
use dojima::domain::{IndexId, OrderCommand, SendIndex};
use dojima::wire::ouch::{Echoed, IndexPrice};

pub(super) fn enter() -> EnterOrder {
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

pub(super) fn replace() -> ReplaceOrder {
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
pub(super) fn refusal(order: EnterOrder, tags: &[u8]) -> Option<RejectReason> {
    match command(Inbound::Enter(order, Appendage(tags))) {
        Command::Order(OrderCommand::Enter(_)) => None,
        Command::Order(OrderCommand::RefuseEnter(refused)) => {
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
    let Command::Order(OrderCommand::Enter(order)) =
        command(Inbound::Enter(enter(), Appendage(b"\x05\x02LIME")))
    else {
        panic!("refused");
    };
    assert_eq!((order.login, order.user_ref, order.instrument), (LOGIN, UserRef(9), InstrumentId(1)));
    assert_eq!((order.side, order.time_in_force), (Side::Sell, TimeInForce::ImmediateOrCancel));
    assert_eq!((order.price, order.quantity), (OrderPrice::Limit(12_345), Quantity(500)));
    let said =
        Echoed { time_in_force: b'3', display: b'A', capacity: b'R', cross_type: b'N', firm: *b"LIME" };
    assert_eq!(order.echo, said.carried(ClOrdId(*b"my order      ")));
    assert_eq!(Echoed::of(&order.echo), said);
}

#[test]
fn only_the_sentinel_is_a_market_order() {
    let price = |units| match command(Inbound::Enter(EnterOrder { price: units, ..enter() }, Appendage(&[])))
    {
        Command::Order(OrderCommand::Enter(order)) => order.price,
        other => panic!("{other:?}"),
    };
    assert_eq!(price(MARKET_PRICE), OrderPrice::Market);
    for units in [0, 2_000_000_000, MARKET_PRICE - 1, MARKET_PRICE + 1, u64::MAX] {
        let limit = i64::try_from(units).unwrap_or(i64::MAX);
        assert_eq!(price(units), OrderPrice::Limit(limit), "the exchange judges it");
    }
}

#[test]
fn orders_are_refused_for_the_first_reason_in_the_list() {
    // Each breaks one more field, from the last check to the first; the reason moves up the list.
    let mut order = EnterOrder { symbol: Symbol(*b"NOPE    "), ..enter() };
    assert_eq!(refusal(order, &[]), Some(RejectReason::UnknownSymbol));
    let malformed = b"\x05\x02LIM";
    assert_eq!(refusal(order, malformed), Some(RejectReason::MalformedTag));
    let contrary = b"\x02\x0cN\x02\x83Y";
    assert_eq!(refusal(order, contrary), Some(RejectReason::InvalidInstructions));
    assert_eq!(refusal(order, &[&contrary[..], malformed].concat()), Some(RejectReason::MalformedTag));
    let both = b"\x03\x02LI\x02\x06P\x09";
    assert_eq!(refusal(order, both), Some(RejectReason::PeggingNotAllowed));
    order.capacity = b'Z';
    assert_eq!(refusal(order, both), Some(RejectReason::InvalidCapacity));
    order.iso = b'Y';
    assert_eq!(refusal(order, both), Some(RejectReason::IsoNotAllowed));
    order.display = b'Z';
    assert_eq!(refusal(order, both), Some(RejectReason::DisplayNotSupported));
    order.cross_type = b'R';
    assert_eq!(refusal(order, both), Some(RejectReason::RetailNotAllowed));
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

const TAGS_THAT_ASK_FOR_NOTHING: [&[u8]; 21] = [
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
    b"\x02\x1d ",
    b"\x03\x1e  ",
];

#[test]
fn tags_that_ask_for_nothing_are_taken() {
    for tags in TAGS_THAT_ASK_FOR_NOTHING {
        assert_eq!(refusal(enter(), tags), None, "{tags:02x?}");
    }
    assert_eq!(refusal(enter(), &TAGS_THAT_ASK_FOR_NOTHING.concat()), None);
}

#[test]
fn tags_that_ask_for_something_or_say_nothing_are_refused() {
    let asking: [(&[u8], RejectReason); 27] = [
        (b"\x09\x01\0\0\0\0\0\0\0\x01", RejectReason::TagNotSupported),
        (b"\x02\x04R", RejectReason::RetailNotAllowed),
        (b"\x02\x04X", RejectReason::TagNotSupported),
        (b"\x02\x06M", RejectReason::PeggingNotAllowed),
        (b"\x05\x07\0\0\0\x01", RejectReason::PeggingNotAllowed),
        (b"\x02\x08L", RejectReason::TagNotSupported),
        (b"\x09\x09\0\0\0\0\0\0\0\x01", RejectReason::PeggingNotAllowed),
        (b"\x02\x0aP", RejectReason::PeggingNotAllowed),
        (b"\x05\x0b\xff\xff\xff\xff", RejectReason::PeggingNotAllowed),
        (b"\x02\x0cS", RejectReason::TagNotSupported),
        (b"\x05\x0d\0\0\0\x01", RejectReason::TagNotSupported),
        (b"\x05\x0eSCAN", RejectReason::RoutingNotAllowed),
        (b"\x02\x10Y", RejectReason::TagNotSupported),
        (b"\x02\x11I", RejectReason::TagNotSupported),
        (b"\x02\x120", RejectReason::TagNotSupported),
        (b"\x05\x13\0\0\0\0", RejectReason::TagNotSupported),
        (b"\x05\x16\0\0\0\0", RejectReason::TagNotSupported),
        (b"\x09\x17\0\0\0\0\0\0\0\0", RejectReason::TagNotSupported),
        (b"\x03\x18\0\x01", RejectReason::TagNotSupported),
        (b"\x02\x19X", RejectReason::TagNotSupported),
        (b"\x02\x1c\x01", RejectReason::TagNotSupported),
        (b"\x02\x1dX", RejectReason::TagNotSupported),
        (b"\x03\x1eAB", RejectReason::TagNotSupported),
        (b"\x01\x1f", RejectReason::TagNotSupported),
        (b"\x02\x8b0", RejectReason::TagNotSupported),
        (b"\x05\x8c\0\0\0\0", RejectReason::TagNotSupported),
        (b"\x01\xff", RejectReason::TagNotSupported),
    ];
    for (tags, reason) in asking {
        assert_eq!(refusal(enter(), tags), Some(reason), "{tags:02x?}");
        // The first tag that is refused says why, whatever comes after it, readable or not.
        assert_eq!(refusal(enter(), &[tags, b"\x02\x04R\x09"].concat()), Some(reason), "{tags:02x?}");
    }
    assert_eq!(refusal(enter(), b"\x02\x1bS"), Some(RejectReason::TagNotSupported), "a side is in its field");
    let broken: [&[u8]; 6] =
        [b"\0", b"\x05\x02LIM", b"\x04\x02LIM", b"\x03\x0cNN", b"\x02\x0cN\x02\x0cN", b"\x04\x03\0\0\0"];
    for tags in broken {
        assert_eq!(refusal(enter(), tags), Some(RejectReason::MalformedTag), "{tags:02x?}");
    }
    // Every tag that is known, with one byte too many and one too few.
    for tags in TAGS_THAT_ASK_FOR_NOTHING.into_iter().chain(PRIVATE.map(|(tags, _)| tags)) {
        let (mut long, mut short) = (tags.to_vec(), tags.to_vec());
        long[0] += 1;
        long.push(0);
        short[0] -= 1;
        short.pop();
        for broken in [long, short] {
            assert_eq!(refusal(enter(), &broken), Some(RejectReason::MalformedTag), "{broken:02x?}");
        }
    }
}

#[test]
fn a_replace_passes_on_its_terms_or_is_refused() {
    let Command::Order(OrderCommand::Replace(order)) =
        command(Inbound::Replace(replace(), Appendage(b"\x05\x03\0\0\0\0")))
    else {
        panic!("refused");
    };
    assert_eq!((order.login, order.orig_user_ref, order.user_ref), (LOGIN, UserRef(9), UserRef(10)));
    assert_eq!((order.price, order.quantity), (OrderPrice::Market, Quantity(400)));
    assert_eq!(order.echo.cl_ord_id, ClOrdId(*b"my order again"));

    let reason = |order: ReplaceOrder, tags: &[u8]| match command(Inbound::Replace(order, Appendage(tags))) {
        Command::Order(OrderCommand::RefuseReplace(refused)) => {
            assert_eq!((refused.orig_user_ref, refused.user_ref), (UserRef(9), UserRef(10)));
            assert_eq!(refused.cl_ord_id, ClOrdId(*b"my order again"));
            refused.reason
        }
        other => panic!("{other:?}"),
    };
    let firm = b"\x05\x02LIME";
    assert_eq!(reason(replace(), firm), RejectReason::TagNotSupported, "a firm is inherited");
    let linked = b"\x05\x8a\0\0\0\x01";
    assert_eq!(reason(replace(), linked), RejectReason::TagNotSupported, "links are made on entry");
    assert_eq!(reason(replace(), b"\x02\x1bT"), RejectReason::ShortSaleNotAllowed);
    assert_eq!(reason(replace(), b"\x03\x1bSS"), RejectReason::MalformedTag);
    assert_eq!(instructions(Inbound::Replace(replace(), Appendage(b"\x02\x1bS"))), None);
    let order = ReplaceOrder { iso: b'Y', ..replace() };
    assert_eq!(reason(order, firm), RejectReason::IsoNotAllowed);
    let order = ReplaceOrder { display: b'Z', ..order };
    assert_eq!(reason(order, firm), RejectReason::DisplayNotSupported);
    let order = ReplaceOrder { time_in_force: b'5', ..order };
    assert_eq!(reason(order, firm), RejectReason::TimeInForceNotSupported);
}

/// What the order asks for beyond its fixed fields, if anything.
#[test]
fn strategies_against_trades_with_oneself_by_their_standard_letters() {
    let letters = [
        (b'O', prevents(SelfTrade::CancelOldest, Owner::Account)),
        (b'W', prevents(SelfTrade::CancelNewest, Owner::Account)),
        (b'D', prevents(SelfTrade::DecrementBoth, Owner::Account)),
        (b'Y', prevents(SelfTrade::DecrementBoth, Owner::Account)),
        (b'o', prevents(SelfTrade::CancelOldest, Owner::Group)),
        (b'w', prevents(SelfTrade::CancelNewest, Owner::Group)),
        (b'd', prevents(SelfTrade::DecrementBoth, Owner::Group)),
        (b'y', prevents(SelfTrade::DecrementBoth, Owner::Group)),
    ];
    for (letter, expected) in letters {
        let tags = [2, 29, letter];
        assert_eq!(instructions(Inbound::Enter(enter(), Appendage(&tags))), Some(expected));
    }
}

#[test]
fn quantities_of_their_own_take_the_place_of_the_field() {
    let quantity = |lots: u32, tags: &[u8]| match command(Inbound::Enter(
        EnterOrder { quantity: lots, ..enter() },
        Appendage(tags),
    )) {
        Command::Order(OrderCommand::Enter(order)) => {
            Ok((order.quantity.0, order.instructions.unwrap_or_default().unit))
        }
        Command::Order(OrderCommand::RefuseEnter(refused)) => Err(refused.reason),
        other => panic!("{other:?}"),
    };
    let (money, lots) = (b"\x09\x87\0\0\0\x01\0\0\0\0", b"\x09\x88\0\0\0\x02\0\0\0\0");
    assert_eq!(quantity(0, money), Ok((1 << 32, QuantityUnit::QuoteAmount)));
    assert_eq!(quantity(0, lots), Ok((2 << 32, QuantityUnit::Lots)));
    for (field, tags) in [(1, &money[..]), (1, lots), (0, &[&money[..], lots].concat())] {
        assert_eq!(quantity(field, tags), Err(RejectReason::InvalidInstructions));
    }
    let Command::Order(OrderCommand::Replace(order)) =
        command(Inbound::Replace(ReplaceOrder { quantity: 0, ..replace() }, Appendage(lots)))
    else {
        panic!("refused");
    };
    assert_eq!(order.quantity, Quantity(2 << 32));
}

#[test]
fn tags_that_contradict_one_another_are_refused() {
    for tags in [&b"\x02\x83Y\x02\x0cN"[..], b"\x02\x1dO\x02\x85O", b"\x02\x1dO\x02\x86A", b"\x02\x86G"] {
        assert_eq!(refusal(enter(), tags), Some(RejectReason::InvalidInstructions), "{tags:02x?}");
    }
    for tags in [&b"\x02\x83N\x02\x0cN"[..], b"\x02\x83N\x02\x0cP", b"\x02\x1d \x02\x85O"] {
        assert_eq!(refusal(enter(), tags), None, "{tags:02x?}");
    }
}

#[test]
fn times_in_force_of_the_standard() {
    let served =
        [(b'0', TimeInForce::Day), (b'3', TimeInForce::ImmediateOrCancel), (b'6', TimeInForce::GoodTillTime)];
    for byte in u8::MIN..=u8::MAX {
        let expected = served.iter().find(|(served, _)| *served == byte).map(|(_, meaning)| *meaning);
        let order = Inbound::Enter(EnterOrder { time_in_force: byte, ..enter() }, Appendage::default());
        let found = match command(order) {
            Command::Order(OrderCommand::Enter(order)) => Some(order.time_in_force),
            Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
                reason: RejectReason::TimeInForceNotSupported,
                ..
            })) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "{byte:#x}");
    }
}

#[test]
fn a_modify_lowers_a_quantity_and_nothing_else() {
    let modify = ModifyOrder { user_ref: UserRef(9), side: b'S', quantity: 100 };
    let named = |modify: ModifyOrder, tags: &[u8]| match command(Inbound::Modify(modify, Appendage(tags))) {
        Command::Order(OrderCommand::Modify(Modify {
            login: LOGIN,
            user_ref,
            side,
            quantity: Quantity(100),
            ..
        })) => (user_ref, side),
        other => panic!("{other:?}"),
    };
    for tags in [&b""[..], b"\x02\x1c\0", b"\x02\x19Y\x05\x1aABCD"] {
        assert_eq!(named(modify, tags), (UserRef(9), Side::Sell), "{tags:02x?}");
    }
    assert_eq!(named(ModifyOrder { side: b'B', ..modify }, b""), (UserRef(9), Side::Buy));
    for tags in [&b"\x02\x1c\x01"[..], b"\x05\x02LIME", b"\x09"] {
        assert_eq!(named(modify, tags).0, UserRef(0), "{tags:02x?}");
    }
    // Short sales do not exist here, so no order can become one.
    for side in [b'T', b'E', b'X'] {
        assert_eq!(named(ModifyOrder { side, ..modify }, b"").0, UserRef(0));
    }
}

#[test]
fn order_entry_is_turned_off_and_on_or_the_message_is_refused() {
    let result = |message: Inbound<'_>| match command(message) {
        Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
            login: LOGIN,
            user_ref: UserRef(9),
            firm,
            switch,
            ..
        })) => Ok((firm, switch)),
        Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
            login: LOGIN,
            user_ref: UserRef(9),
            reason,
            ..
        })) => Err(reason),
        other => panic!("{other:?}"),
    };
    let firm = *b"LIME";
    let off = |tags: &'static [u8]| {
        Inbound::DisableEntry(DisableEntry { user_ref: UserRef(9), firm }, Appendage(tags))
    };
    let on = |tags: &'static [u8]| {
        Inbound::EnableEntry(EnableEntry { user_ref: UserRef(9), firm }, Appendage(tags))
    };
    for tags in [&b""[..], b"\x02\x1c\0"] {
        assert_eq!(result(off(tags)), Ok((firm, Switch::Off)));
        assert_eq!(result(on(tags)), Ok((firm, Switch::On)));
    }
    for (tags, reason) in [
        (&b"\x02\x1c\x01"[..], RejectReason::TagNotSupported),
        (b"\x05\x02LIME", RejectReason::TagNotSupported),
        (b"\x03\x1c\0\0", RejectReason::MalformedTag),
        (b"\x09", RejectReason::MalformedTag),
    ] {
        assert_eq!(result(off(tags)), Err(reason), "{tags:02x?}");
        assert_eq!(result(on(tags)), Err(reason), "{tags:02x?}");
    }
}

#[test]
fn a_question_is_always_answered_and_holds_the_dead_mans_switch_when_it_can_be_read() {
    let asked = |tags: &[u8]| match command(Inbound::AccountQuery(AccountQuery {}, Appendage(tags))) {
        Command::Order(OrderCommand::QueryAccount(QueryAccount {
            login: LOGIN, cancel_after_ms, ..
        })) => cancel_after_ms,
        other => panic!("{other:?}"),
    };
    let held = b"\x05\x8c\0\0\x01\0";
    assert_eq!(asked(b""), None);
    assert_eq!(asked(held), Some(256));
    assert_eq!(asked(b"\x05\x8c\0\0\0\0"), Some(0));
    assert_eq!(asked(b"\x02\x1c\0\x05\x8c\0\0\x01\0"), Some(256));
    let balance = |tags: &[u8]| match command(Inbound::AccountQuery(AccountQuery {}, Appendage(tags))) {
        Command::Order(OrderCommand::QueryAccount(QueryAccount { asks: Question::Balance(of), .. })) => {
            Some(of)
        }
        Command::Order(OrderCommand::QueryAccount(QueryAccount { asks: Question::Nothing, .. })) => None,
        other => panic!("{other:?}"),
    };
    let wallet = |tags: &[u8]| match command(Inbound::AccountQuery(AccountQuery {}, Appendage(tags))) {
        Command::Order(OrderCommand::QueryWallet(query)) => Some((query.shard, query.asset)),
        Command::Order(OrderCommand::QueryAccount(QueryAccount {
            cancel_after_ms: None,
            asks: Question::Nothing,
            ..
        })) => None,
        other => panic!("{other:?}"),
    };
    let there = b"\x04\x92\x07\x01\x02";
    assert_eq!(wallet(there), Some((ShardId(7), AssetId(258))));
    assert_eq!(wallet(&[&b"\x02\x1c\0"[..], there].concat()), Some((ShardId(7), AssetId(258))));
    for more in [&held[..], b"\x03\x90\x01\x02", there, b"\x02\x1c\x01"] {
        assert_eq!(
            wallet(&[there, more].concat()),
            None,
            "a question of another kind beside it: {more:02x?}"
        );
    }
    assert_eq!(wallet(b"\x03\x92\x07\x01"), None, "of a wrong length");
    let wanted = b"\x03\x90\x01\x02";
    assert_eq!(balance(wanted), Some(AssetId(258)));
    assert_eq!(asked(&[&held[..], wanted].concat()), Some(256));
    assert_eq!(balance(&[&held[..], wanted].concat()), Some(AssetId(258)));
    for bad in [&b"\x04\x90\0\0\x01"[..], b"\x02\x90\0", b"\x02\x1c\x01", wanted] {
        assert_eq!(balance(&[&wanted[..], bad].concat()), None, "{bad:02x?}");
    }
    let position = |tags: &[u8]| match command(Inbound::AccountQuery(AccountQuery {}, Appendage(tags))) {
        Command::Order(OrderCommand::QueryAccount(query)) => (query.cancel_after_ms, query.asks),
        other => panic!("{other:?}"),
    };
    let id = InstrumentId(1);
    let symbol = listings().at(id, u64::MAX).expect("it is listed").symbol;
    let wanted_position = [&[9, tags::POSITION][..], &symbol.0].concat();
    assert_eq!(position(&wanted_position), (None, Question::Position(id)));
    assert_eq!(position(&[held, &wanted_position[..]].concat()), (Some(256), Question::Position(id)));
    let unknown = [&[9, tags::POSITION][..], b"NOTHING "].concat();
    for bad in [&wanted[..], &wanted_position, &unknown, b"\x01\x94", b"\x04\x94BTC"] {
        let both = [held, &wanted_position[..], bad].concat();
        assert_eq!(position(&both), (None, Question::Nothing), "{bad:02x?}");
    }
    assert_eq!(position(&unknown), (None, Question::Nothing), "there is no such instrument");
    for bad in [&b"\x02\x1c\x01"[..], b"\x04\x8c\0\0\x01", b"\x09", b"\x01\xff", held] {
        assert_eq!(asked(&[&held[..], bad].concat()), None, "{bad:02x?}");
    }
}

#[test]
fn a_mass_cancel_is_carried_out_as_it_was_meant_or_refused() {
    let asked = MassCancelOrders { user_ref: UserRef(9), firm: *b"    ", symbol: Symbol::default() };
    let result =
        |asked: MassCancelOrders, tags: &[u8]| match command(Inbound::MassCancel(asked, Appendage(tags))) {
            Command::Order(OrderCommand::MassCancel(MassCancel {
                login: Some(LOGIN),
                user_ref: UserRef(9),
                filter,
                ..
            })) => Ok(filter),
            Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
                login: LOGIN,
                user_ref: UserRef(9),
                reason,
                ..
            })) => Err(reason),
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
        Command::Order(OrderCommand::Cancel(cancel)) => {
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

#[test]
fn a_price_of_an_index_is_told_with_its_sender() {
    let asked = IndexPrice { user_ref: UserRef(9), index: IndexId(3), price: 5_000_050, source_time: 77 };
    let of = |asked, tags| command(Inbound::IndexPrice(asked, Appendage(tags)));
    let expected = SendIndex {
        login: LOGIN,
        session: FROM.session,
        user_ref: asked.user_ref,
        index: asked.index,
        price: 5_000_050,
        source_time: Timestamp(77),
    };
    assert_eq!(of(asked, b""), Command::Order(OrderCommand::SendIndex(expected)));
    // The exchange refuses this one; it must not come to a price that it would take.
    let huge = SendIndex { price: u32::MAX, ..expected };
    let much = IndexPrice { price: u64::from(u32::MAX) + 2, ..asked };
    assert_eq!(of(much, b""), Command::Order(OrderCommand::SendIndex(huge)));
    for (tags, because) in
        [(&b"\x02\x1bS"[..], RejectReason::TagNotSupported), (b"\x09", RejectReason::MalformedTag)]
    {
        match of(asked, tags) {
            Command::Order(OrderCommand::RefuseEnter(RefuseEnter { login, user_ref, reason, .. })) => {
                assert_eq!((login, user_ref, reason), (LOGIN, asked.user_ref, because));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_transfer_is_of_the_logins_own_account() {
    let asked = TransferMoney {
        user_ref: UserRef(9),
        asset: AssetId(2),
        amount: Amount(500),
        from: ShardId(1),
        to: ShardId::FIRST,
        reference: 7,
    };
    let Command::Order(OrderCommand::TransferOut(out)) = command(Inbound::Transfer(asked, Appendage(b"")))
    else {
        panic!("refused");
    };
    let expected = TransferOut {
        login: Some(LOGIN),
        session: FROM.session,
        user_ref: asked.user_ref,
        account: FROM.account,
        asset: asked.asset,
        amount: asked.amount,
        from: asked.from,
        to: asked.to,
        reference: asked.reference,
    };
    assert_eq!(out, expected);
    for (tags, because) in
        [(&b"\x02\x1bS"[..], RejectReason::TagNotSupported), (b"\x09", RejectReason::MalformedTag)]
    {
        match command(Inbound::Transfer(asked, Appendage(tags))) {
            Command::Order(OrderCommand::RefuseEnter(RefuseEnter { login, user_ref, reason, .. })) => {
                assert_eq!((login, user_ref, reason), (LOGIN, asked.user_ref, because));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_setting_is_for_the_logins_own_account() {
    let asked = |kind, leg, value| {
        let (user_ref, symbol) = (UserRef(9), Symbol::new("ETH-USDT").expect("a symbol"));
        Inbound::Setting(
            ContractSetting { user_ref, kind, symbol, leg, value: Amount(value) },
            Appendage(b""),
        )
    };
    let by =
        Setter { login: Some(LOGIN), session: FROM.session, user_ref: UserRef(9), account: FROM.account };
    let instrument = InstrumentId(0);
    let isolated = SetMarginMode { by, instrument, mode: MarginMode::Isolated };
    let moved = MoveMargin { by, instrument, leg: PositionLeg::Net, amount: Amount(-5) };
    for (asked, expected) in [
        (asked(b'M', b' ', 1), OwnerCommand::SetMarginMode(isolated)),
        (asked(b'L', b' ', 30), OwnerCommand::SetLeverage(SetLeverage { by, instrument, leverage: 30 })),
        (asked(b'A', b'N', -5), OwnerCommand::MoveMargin(moved)),
    ] {
        assert_eq!(command(asked), Command::Owner(expected));
    }
    let symbol = Symbol::new("NOTHING").expect("a symbol");
    let unknown = ContractSetting { user_ref: UserRef(9), kind: b'L', symbol, leg: b' ', value: Amount(1) };
    let Inbound::Setting(tagged, _) = asked(b'L', b' ', 1) else { panic!("a setting") };
    for (asked, because) in [
        (asked(b'M', b' ', 2), RejectReason::OutOfRange),
        (asked(b'L', b' ', 256), RejectReason::OutOfRange),
        (asked(b'A', b' ', 1), RejectReason::OutOfRange),
        (Inbound::Setting(unknown, Appendage(b"")), RejectReason::UnknownSymbol),
        (Inbound::Setting(tagged, Appendage(b"\x02\x1bS")), RejectReason::TagNotSupported),
    ] {
        match command(asked) {
            Command::Order(OrderCommand::RefuseEnter(RefuseEnter { login, user_ref, reason, .. })) => {
                assert_eq!((login, user_ref, reason), (LOGIN, UserRef(9), because));
            }
            other => panic!("{other:?}"),
        }
    }
}
