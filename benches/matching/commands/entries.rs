//! Orders that trade with nobody, questions and answers.

use super::sweeps::{poor, switch_everything_on};
use super::{Bench, GTC, MID, enter, enter_in, order};
use crate::venue::FIRST;
use dojima::domain::{
    Amount, ClOrdId, Command, Event, Instructions, LoginId, OrderCommand, OrderEvent, PostOnly, QueryAccount,
    Question, RefuseEnter, RejectReason, SetOrderEntry, Side, Switch, UserRef, Visibility,
};

/// Prices with nothing but hidden orders in front of the first that is shown.
const HIDDEN: u64 = 20_000;

pub fn all(bench: &mut Bench) {
    behind_hidden(bench);
    with_everything_on(bench);
    answers(bench);
}

/// A post-only order slides to what is shown, which lies behind many hidden prices.
fn behind_hidden(bench: &mut Bench) {
    let (hidden, logins) = (bench.sized(HIDDEN), 8);
    let mut venue = bench.venue(hidden as u32 + 16, logins + 1);
    let unseen = Instructions { visibility: Visibility::Hidden, ..Instructions::NOTHING };
    for at in 0..hidden {
        let login = at % u64::from(logins);
        venue.enter_with(order(login, Side::Sell, MID + at, 1), FIRST, GTC, Some(unseen));
    }
    venue.enter(order(0, Side::Sell, 2 * MID, 1));
    let login = u64::from(logins);
    for (name, ticks, asked) in [
        (
            "post-only order that slides behind hidden prices",
            3 * MID,
            Instructions { post_only: PostOnly::Slide, ..Instructions::NOTHING },
        ),
        ("order that rests before hidden prices", MID - 1, Instructions::NOTHING),
    ] {
        let command = enter(&mut venue, order(login, Side::Buy, ticks, 1), GTC, asked);
        bench
            .measure(name, &mut venue, &command)
            .has(|event| matches!(event, Event::Order(OrderEvent::Accepted(_))));
    }
}

fn with_everything_on(bench: &mut Bench) {
    let mut venue = bench.venue(64, 4);
    let instrument = switch_everything_on(&mut venue, 4);
    for side in [Side::Buy, Side::Sell] {
        let new = order(1, side, MID, 1_000);
        let name = format!("{side:?} with fees, tiers, limits, bands and groups");
        let command = enter_in(&mut venue, instrument, new, GTC, Instructions::NOTHING);
        bench.measure(name, &mut venue, &command);
    }
    let poor = poor(&mut venue, Amount(1), Side::Buy);
    let command =
        enter(&mut venue, order(u64::from(poor), Side::Buy, MID, 1_000), GTC, Instructions::NOTHING);
    let seen = bench.measure("order without money", &mut venue, &command);
    seen.has(|event| matches!(event, Event::Order(OrderEvent::Rejected(_))));
}

fn answers(bench: &mut Bench) {
    let mut venue = bench.venue(64, 4);
    let login = LoginId(0);
    let query = QueryAccount { login, session: 0, cancel_after_ms: Some(1_000), asks: Question::Nothing };
    let seen = bench.measure(
        "account query that sets a switch",
        &mut venue,
        &Command::Order(OrderCommand::QueryAccount(query)),
    );
    seen.has(|event| matches!(event, Event::Order(OrderEvent::AccountState { .. })));
    let refuse = RefuseEnter {
        login,
        session: 0,
        user_ref: venue.next_user_ref(0),
        reason: RejectReason::InvalidPrice,
        cl_ord_id: ClOrdId::default(),
    };
    let seen = bench.measure(
        "order that the gateway refuses",
        &mut venue,
        &Command::Order(OrderCommand::RefuseEnter(refuse)),
    );
    seen.has(|event| matches!(event, Event::Order(OrderEvent::Rejected(_))));
    let again =
        bench.measure("the same again", &mut venue, &Command::Order(OrderCommand::RefuseEnter(refuse)));
    again.has(|event| matches!(event, Event::Order(OrderEvent::Ignored(_))));
    for switch in [Switch::Off, Switch::On] {
        let user_ref = UserRef(venue.next_user_ref(0).0);
        let set = SetOrderEntry { login, session: 0, user_ref, firm: [0; 4], switch };
        let name = format!("order entry {switch:?}");
        let seen = bench.measure(name, &mut venue, &Command::Order(OrderCommand::SetOrderEntry(set)));
        seen.has(|event| matches!(event, Event::Order(OrderEvent::OrderEntrySet(_))));
    }
}
