//! What an order can ask for: the tags that ask for it, and the tags that tell of it.

use super::events::{only, told, told_to};
use super::requests::{enter, refusal, replace};
use super::*;
use dojima::domain::{
    Effect, Instructions, OrderCommand, OrderEvent, OrderTerms, Owner, PostOnly, SelfTrade,
    SelfTradePrevention, Trigger, TriggerKind, TriggerReference,
};
use dojima::wire::ouch::Echoed;

pub(super) fn instructions(message: Inbound<'_>) -> Option<Instructions> {
    match command(message) {
        Command::Order(OrderCommand::Enter(order)) => order.instructions,
        Command::Order(OrderCommand::Replace(order)) => order.instructions,
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

fn stop(change: impl FnOnce(&mut Trigger)) -> Instructions {
    let mut trigger = Trigger::default();
    change(&mut trigger);
    Instructions { trigger: Some(trigger), ..Instructions::default() }
}

pub(super) fn prevents(mode: SelfTrade, owner: Owner) -> Instructions {
    let self_trade = Some(SelfTradePrevention { mode, owner });
    Instructions { self_trade, ..Instructions::default() }
}

/// Private tags that can stand alone, and what each asks for.
pub(super) const PRIVATE: [(&[u8], &dyn Fn() -> Instructions); 17] = [
    (b"\x09\x80\0\0\0\0\0\0\x30\x39", &|| stop(|t| t.price = 12_345)),
    (b"\x09\x80\0\0\0\x01\0\0\0\0", &|| stop(|t| t.price = u32::MAX)),
    (b"\x02\x81S", &|| stop(|t| t.kind = TriggerKind::Stop)),
    (b"\x02\x81P", &|| stop(|t| t.kind = TriggerKind::TakeProfit)),
    (b"\x02\x81T", &|| stop(|t| t.kind = TriggerKind::TrailingStop)),
    (b"\x02\x82L", &|| stop(|t| t.reference = TriggerReference::LastTrade)),
    (b"\x02\x82M", &|| stop(|t| t.reference = TriggerReference::MarkPrice)),
    (b"\x02\x82I", &|| stop(|t| t.reference = TriggerReference::IndexPrice)),
    (b"\x02\x83Y", &|| Instructions { post_only: PostOnly::Slide, ..Instructions::default() }),
    (b"\x02\x84Y", &|| Instructions { effect: Effect::ReduceOnly, ..Instructions::default() }),
    (b"\x02\x85A", &|| prevents(SelfTrade::Allow, Owner::Account)),
    (b"\x02\x85N", &|| prevents(SelfTrade::CancelNewest, Owner::Account)),
    (b"\x02\x85O", &|| prevents(SelfTrade::CancelOldest, Owner::Account)),
    (b"\x02\x85B", &|| prevents(SelfTrade::CancelBoth, Owner::Account)),
    (b"\x02\x85D", &|| prevents(SelfTrade::DecrementBoth, Owner::Account)),
    (b"\x09\x89\0\0\0\0\0\0\0\x07", &|| Instructions { book_by: Timestamp(7), ..Instructions::default() }),
    (b"\x02\x84N", &Instructions::default),
];

#[test]
fn private_tags_are_passed_on() {
    for (tags, expected) in PRIVATE {
        let expected = Some(expected()).filter(|asked| *asked != Instructions::default());
        assert_eq!(instructions(Inbound::Enter(enter(), Appendage(tags))), expected, "{tags:02x?}");
        assert_eq!(instructions(Inbound::Replace(replace(), Appendage(tags))), expected, "{tags:02x?}");
    }
    let together = b"\x02\x85B\x02\x86G\x02\x83Y\x02\x0cP\x05\x8a\0\0\0\x08";
    let expected = Instructions {
        post_only: PostOnly::Slide,
        oco: UserRef(8),
        ..prevents(SelfTrade::CancelBoth, Owner::Group)
    };
    assert_eq!(instructions(Inbound::Enter(enter(), Appendage(together))), Some(expected));
    for wrong in [
        &b"\x02\x81X"[..],
        b"\x02\x82X",
        b"\x02\x83X",
        b"\x02\x84X",
        b"\x02\x85X",
        b"\x02\x86X",
        b"\x09\x8d\0\0\0\0\0\0\0\0",
        b"\x05\x8e\0\0\0\0",
        b"\x05\x8f\0\0\0\0",
        b"\x01\x90",
    ] {
        assert_eq!(refusal(enter(), wrong), Some(RejectReason::TagNotSupported), "{wrong:02x?}");
    }
}

/// Tags tell what was asked for, in the order of their numbers.
#[test]
fn what_was_asked_for_is_told_in_tags() {
    let tags = |terms: OrderTerms| {
        let event = Event::Order(OrderEvent::Accepted(Accepted { terms, ..Accepted::default() }));
        let accepted = told(event, Part::Only).expect("told");
        let replaced = Event::Order(OrderEvent::Replaced(Replaced { terms, ..Replaced::default() }));
        let replaced = told(replaced, Part::Only).expect("told");
        match (Outbound::decode(&accepted), Outbound::decode(&replaced)) {
            (Ok(Outbound::Accepted(_, said)), Ok(Outbound::Replaced(_, same))) => {
                assert_eq!(said, same);
                said.0.to_vec()
            }
            other => panic!("{other:?}"),
        }
    };
    let asked = OrderTerms {
        echo: Echoed { firm: *b"LIME", ..Echoed::USUAL }.carried(ClOrdId::default()),
        display_quantity: 7,
        post_only: PostOnly::Reject,
        time_in_force: TimeInForce::GoodTillTime,
        expire_s: 20_000 * 86_400 + 36_000,
        ..OrderTerms::default()
    };
    let all = b"\x05\x02LIME\x05\x05\0\0\0\x07\x02\x0cP\x05\x0f\0\0\x8c\xa0";
    assert_eq!(tags(asked), all);
    let sliding = OrderTerms { post_only: PostOnly::Slide, ..asked };
    assert_eq!(tags(sliding), [&all[..], b"\x02\x83Y"].concat());
    let event = Event::Order(OrderEvent::Replaced(Replaced { terms: sliding, ..Replaced::default() }));
    let to = Address { copy_of: Some((LOGIN, AccountId(1))), ..only(Part::Only) };
    assert_eq!(told_to(event, to).expect("told").len(), MESSAGE_LEN_MAX - 1, "the longest about an order");
    let state = dojima::domain::PositionState { instrument: InstrumentId(1), ..Default::default() };
    let event = Event::Order(OrderEvent::PositionState(state));
    assert_eq!(told_to(event, to).expect("told").len(), MESSAGE_LEN_MAX, "the longest there is");
    // Tomorrow's first second is not today's: it is told since 1970.
    let tomorrow = OrderTerms { expire_s: 20_001 * 86_400, ..sliding };
    assert_eq!(
        tags(tomorrow),
        [&all[..15], b"\x05\x0f", &(20_001_u32 * 86_400).to_be_bytes(), b"\x02\x83Y"].concat()
    );
    let day = OrderTerms {
        time_in_force: TimeInForce::Day,
        display_quantity: 0,
        post_only: PostOnly::No,
        ..tomorrow
    };
    assert_eq!(tags(day), b"\x05\x02LIME");
}
