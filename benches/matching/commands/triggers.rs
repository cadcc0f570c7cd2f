//! Orders that wait for a price, and trades that move it.

use super::sweeps::poor;
use super::{ACCOUNT_TRIGGERS, Bench, GTC, IOC, MID, TOUCHED_MAX, TRIGGERS, cancel, enter, order};
use crate::venue::{FIRST, Venue};
use dojima::domain::{
    Amend, Amount, Command, Event, Instructions, LoginId, OrderCommand, OrderEvent, OrderPrice, Quantity,
    QuantityUnit, Replace, Side, TimeInForce, Trigger, TriggerKind, TriggerReference, UserRef,
};

fn waits(kind: TriggerKind, ticks: u64) -> Instructions {
    let trigger = Trigger { kind, reference: TriggerReference::LastTrade, price: ticks as u32 };
    Instructions { trigger: Some(trigger), ..Instructions::NOTHING }
}

/// A venue where one lot was traded at [`MID`]; the first login waits for nothing.
fn traded(bench: &Bench, orders: u64, logins: u64) -> Venue {
    let mut venue = bench.venue(orders as u32, logins as u32);
    trade(&mut venue, MID);
    venue
}

fn trade(venue: &mut Venue, ticks: u64) {
    venue.enter(order(0, Side::Sell, ticks, 1));
    venue.enter(order(0, Side::Buy, ticks, 1));
}

/// The command whose trade is at this price.
fn trade_at(venue: &mut Venue, ticks: u64) -> Command {
    venue.enter(order(0, Side::Sell, ticks, 1));
    enter(venue, order(0, Side::Buy, ticks, 1), IOC, Instructions::NOTHING)
}

/// The login of a waiting order, each with as many as its account may have.
fn login_of(at: u64) -> u64 {
    1 + at / ACCOUNT_TRIGGERS
}

pub fn all(bench: &mut Bench) {
    among_many(bench);
    followed(bench);
    released(bench);
    released_and_refused(bench);
    released_without_money(bench);
}

/// What one waiting order costs among as many as there may be, at any place.
fn among_many(bench: &mut Bench) {
    let count = bench.sized(TRIGGERS) - 16;
    for kind in [TriggerKind::Stop, TriggerKind::TrailingStop] {
        let logins = login_of(count) + 2;
        let mut venue = traded(bench, count + 64, logins);
        let mut refs = vec![UserRef(0); count as usize];
        for at in 0..count {
            // Stops below the market, and distances: both from 2 on, every second.
            let ticks = if kind == TriggerKind::Stop { MID - 2 - 2 * at } else { 2 + 2 * at };
            let new = order(login_of(at), Side::Sell, 1, 2);
            refs[at as usize] = venue.enter_with(new, FIRST, GTC, Some(waits(kind, ticks)));
        }
        for (place, at) in [("first", 0), ("in the middle", count / 2), ("last", count - 1)] {
            let ticks = if kind == TriggerKind::Stop { MID - 2 - 2 * at } else { 2 + 2 * at };
            let beside = if kind == TriggerKind::Stop { ticks + 1 } else { ticks - 1 };
            let new = enter(&mut venue, order(logins - 1, Side::Sell, 1, 1), GTC, waits(kind, beside));
            let seen = bench.measure(format!("{kind:?} among {count}, {place}"), &mut venue, &new);
            seen.has(|event| matches!(event, Event::Order(OrderEvent::Accepted(_))));
            let login = login_of(at);
            let old = refs[at as usize];
            let amend = Command::Order(OrderCommand::Amend(Amend {
                login: LoginId(login as u32),
                session: 0,
                user_ref: old,
                price: None,
                quantity: Quantity(1),
            }));
            let name = format!("amend of a {kind:?} among {count}, {place}");
            let seen = bench.measure(name, &mut venue, &amend);
            seen.has(|event| matches!(event, Event::Order(OrderEvent::Amended(_))));
            let new = venue.next_user_ref(login as u32);
            let replace = Command::Order(OrderCommand::Replace(Replace {
                login: LoginId(login as u32),
                orig_user_ref: old,
                user_ref: new,
                time_in_force: GTC,
                price: OrderPrice::Limit(1),
                quantity: Quantity(1),
                instructions: Some(waits(kind, ticks)),
                ..Replace::default()
            }));
            let name = format!("replace of a {kind:?} among {count}, {place}");
            bench
                .measure(name, &mut venue, &replace)
                .has(|event| matches!(event, Event::Order(OrderEvent::Replaced(_))));
            let name = format!("cancel of a {kind:?} among {count}, {place}");
            let seen = bench.measure(name, &mut venue, &cancel(login, new));
            assert_eq!(seen.canceled(), 1);
        }
    }
}

/// A new high that all trailing stops follow, and the trade after it.
fn followed(bench: &mut Bench) {
    let count = bench.sized(TRIGGERS) - 16;
    for same in [true, false] {
        let mut venue = traded(bench, count + 64, login_of(count) + 1);
        for at in 0..count {
            let distance = if same { 1_000 } else { 1_000 + at };
            let new = order(login_of(at), Side::Sell, 1, 1);
            venue.enter_with(new, FIRST, GTC, Some(waits(TriggerKind::TrailingStop, distance)));
            if same && at % (count / 10) == 0 {
                // They came at different prices, which the next high makes one.
                trade(&mut venue, MID - 1 - at / (count / 10));
            }
        }
        let what = if same { "of one distance" } else { "of distances of their own" };
        for (name, ticks) in [("a new high", MID + 500), ("the next", MID + 501), ("a fall", MID + 400)] {
            let command = trade_at(&mut venue, ticks);
            let name = format!("{name}, watched by {count} trailing stops {what}");
            assert_eq!(bench.measure(name, &mut venue, &command).trades(), 1);
        }
    }
}

/// One trade that releases very many, which trade, rest or end.
fn released(bench: &mut Bench) {
    for (count, what) in
        [(bench.sized(ACCOUNT_TRIGGERS), "of one account"), (bench.sized(TRIGGERS) - 16, "of all accounts")]
    {
        for kind in [TriggerKind::Stop, TriggerKind::TrailingStop] {
            let mut venue = traded(bench, 2 * count + 64, login_of(count) + 1);
            for at in 0..count {
                let new = order(login_of(at), Side::Sell, MID, 1);
                let ticks = if kind == TriggerKind::Stop { MID - 1 - at } else { 1 + at };
                venue.enter_with(new, FIRST, GTC, Some(waits(kind, ticks)));
            }
            let command = trade_at(&mut venue, 1);
            let name = format!("trade that releases {count} of {kind:?}, {what}");
            let seen = bench.measure(name, &mut venue, &command);
            assert_eq!(seen.triggered(), count);
        }
    }
    // Each sells to the best bid, which lies lower after it, and so releases the next.
    let count = bench.sized(TRIGGERS) - 16;
    let mut venue = traded(bench, 2 * count + 64, 2 * login_of(count) + 2);
    for at in 0..count {
        let bidder = login_of(count) + login_of(at);
        venue.enter(order(bidder, Side::Buy, MID - 1 - at, 1));
        venue.enter_with(
            order(login_of(at), Side::Sell, 0, 1),
            FIRST,
            GTC,
            Some(waits(TriggerKind::Stop, MID - 1 - at)),
        );
    }
    let command = enter(&mut venue, order(0, Side::Sell, 0, 1), IOC, Instructions::NOTHING);
    let seen = bench.measure(format!("trade that starts a cascade of {count} stops"), &mut venue, &command);
    assert!(seen.triggered() >= count - 1);
}

/// One trade that releases orders each of which looks at as much as an order may.
fn released_and_refused(bench: &mut Bench) {
    let waiting = bench.sized(ACCOUNT_TRIGGERS / 5);
    let standing = bench.sized(TOUCHED_MAX) + 1;
    let by_amount = Instructions { unit: QuantityUnit::QuoteAmount, ..waits(TriggerKind::Stop, MID - 1) };
    let whole = |lots: u64| Instructions { min_quantity: lots as u32, ..waits(TriggerKind::Stop, MID - 1) };
    let cases: [(&str, Side, u64, TimeInForce, Instructions); 3] = [
        ("sells by amount", Side::Sell, standing * MID, GTC, by_amount),
        (
            "fill-or-kill sells that fall short by the last order",
            Side::Sell,
            standing - 1,
            IOC,
            whole(standing - 1),
        ),
        (
            "sells that trade with as many as they may",
            Side::Sell,
            standing,
            IOC,
            waits(TriggerKind::Stop, MID - 1),
        ),
    ];
    for (what, side, quantity, rest, asked) in cases {
        let mut venue = traded(bench, 2 * standing + waiting + 64, 5);
        for at in 0..standing - 2 {
            venue.enter(order(2 + at % 2, side.opposite(), MID / 2 - 1 - at, 1));
        }
        for _ in 0..waiting {
            let ticks = if asked.unit == QuantityUnit::QuoteAmount { 0 } else { 1 };
            venue.enter_with(order(1, side, ticks, quantity), FIRST, rest, Some(asked));
        }
        // The last trade is at a price that releases them all.
        venue.enter(order(0, Side::Buy, MID - 1, 1));
        let command = enter(&mut venue, order(0, Side::Sell, MID - 1, 1), IOC, Instructions::NOTHING);
        let name = format!("trade that releases {waiting} {what}");
        let seen = bench.measure(name, &mut venue, &command);
        assert_eq!(seen.triggered(), waiting);
    }
}

/// One trade that releases sells by amount, which walk over the book and then have not the lots that they found.
fn released_without_money(bench: &mut Bench) {
    let (waiting, standing) = (bench.sized(ACCOUNT_TRIGGERS / 5), bench.sized(TOUCHED_MAX));
    let mut venue = traded(bench, 2 * standing + waiting + 64, 4);
    // Each of them holds a lot while it waits; all of them together have not the lots of a hundred levels.
    let poor = u64::from(poor(&mut venue, Amount(waiting as i64), Side::Sell));
    for at in 0..standing {
        venue.enter(order(1 + at % 2, Side::Buy, MID / 2 - 1 - at, 3));
    }
    let asked = Instructions { unit: QuantityUnit::QuoteAmount, ..waits(TriggerKind::Stop, MID - 1) };
    for _ in 0..waiting {
        venue.enter_with(order(poor, Side::Sell, 0, standing * MID), FIRST, GTC, Some(asked));
    }
    venue.enter(order(0, Side::Buy, MID - 1, 1));
    let command = enter(&mut venue, order(0, Side::Sell, MID - 1, 1), IOC, Instructions::NOTHING);
    let name = format!("trade that releases {waiting} sells by amount that have not the lots");
    let seen = bench.measure(name, &mut venue, &command);
    assert_eq!((seen.triggered(), seen.trades()), (waiting, 1));
}
