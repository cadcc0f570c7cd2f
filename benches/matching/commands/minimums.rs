//! Orders with a minimum: the match is looked at before it is made.

use super::sweeps::{Partner, crowd, crowd_of, linked_makers, makers, switch_everything_on, through};
use super::{Bench, GTC, IOC, MID, MOST, Prices, enter, enter_in, order};
use crate::venue::{FIRST, Venue};
use dojima::domain::{
    Event, Instructions, OrderEvent, Owner, SelfTrade, SelfTradePrevention, Side, Trigger, TriggerKind,
    TriggerReference,
};

pub fn all(bench: &mut Bench) {
    for prices in Prices::BOTH {
        for side in [Side::Buy, Side::Sell] {
            let mut venue = makers(bench, side.opposite(), prices, 1, None);
            let count = crowd_of(bench, 3);
            let ticks = through(side);
            kill(
                bench,
                &mut venue,
                (side, ticks, count - 1),
                &format!("{side:?} fill or kill, filled {}", prices.name()),
            );
        }
    }
    let count = crowd_of(bench, 3);
    let mut venue = makers(bench, Side::Sell, Prices::Many, 2, None);
    kill(
        bench,
        &mut venue,
        (Side::Buy, 2 * MID, 2 * count - 1),
        "fill or kill, killed: needs more orders than it may meet",
    );
    for prices in Prices::BOTH {
        let mut venue = makers(bench, Side::Sell, prices, 2, None);
        let name = format!("fill or kill, killed: all that is there lacks a lot, {}", prices.name());
        kill(bench, &mut venue, (Side::Buy, 2 * MID, 2 * crowd(bench) + 1), &name);
    }
    killed_by_own(bench);
    for partner in [Partner::Rests, Partner::Waits] {
        let mut venue = linked_makers(bench, Prices::Many, partner);
        let what = if partner == Partner::Rests { "resting" } else { "waiting" };
        let name = format!("fill or kill through orders each linked to a {what} one");
        kill(bench, &mut venue, (Side::Buy, 2 * MID, crowd_of(bench, 5) - 1), &name);
    }
    icebergs(bench);
    all_at_once(bench);
    least(bench);
    own(bench);
}

fn kill(bench: &mut Bench, venue: &mut Venue, (side, ticks, lots): (Side, u64, u64), name: &str) {
    let asked = Instructions { min_quantity: lots as u32, ..Instructions::NOTHING };
    let taker = enter(venue, order(crowd(bench), side, ticks, lots), IOC, asked);
    let seen = bench.measure(name, venue, &taker);
    seen.has(|event| matches!(event, Event::Order(OrderEvent::Executed(_) | OrderEvent::Canceled(_))));
}

/// The last order that it may meet is its owner's.
fn killed_by_own(bench: &mut Bench) {
    let count = crowd_of(bench, 3);
    let mut venue = bench.venue(2 * count as u32, count as u32 + 1);
    for at in 0..count - 1 {
        let login = if at == count - 2 { count } else { at };
        venue.enter(order(login, Side::Sell, MID + at, 1));
    }
    let self_trade = Some(SelfTradePrevention { mode: SelfTrade::CancelNewest, owner: Owner::Account });
    let asked = Instructions { self_trade, min_quantity: count as u32 - 1, ..Instructions::NOTHING };
    let taker = enter(&mut venue, order(count, Side::Buy, 2 * MID, count - 1), IOC, asked);
    let seen = bench.measure("fill or kill, killed at the last order", &mut venue, &taker);
    assert_eq!((seen.trades(), seen.canceled()), (0, 1));
}

/// Icebergs that show one lot, of accounts of their own.
fn iceberg_makers(bench: &Bench, count: u64, prices: Prices) -> Venue {
    let asked = Instructions { display_quantity: 1, ..Instructions::NOTHING };
    let mut venue = bench.venue(2 * count as u32, crowd(bench) as u32 + 1);
    for at in 0..count - 1 {
        let ticks = 1 + prices.ticks(Side::Sell, at) - MID;
        venue.enter_with(order(at, Side::Sell, ticks, MOST / count), FIRST, GTC, Some(asked));
    }
    venue
}

fn icebergs(bench: &mut Bench) {
    let count = crowd_of(bench, 5);
    for prices in Prices::BOTH {
        let mut venue = iceberg_makers(bench, count, prices);
        let lots = MOST / count * (count - 1) - 1;
        let name = format!("fill or kill through icebergs that show one lot, {}", prices.name());
        kill(bench, &mut venue, (Side::Buy, count, lots), &name);
    }
}

/// Icebergs, each linked to an order that waits, in an instrument with everything that can be set.
fn all_at_once(bench: &mut Bench) {
    let count = crowd_of(bench, 7);
    for prices in Prices::BOTH {
        let mut venue = bench.venue(4 * count as u32, crowd(bench) as u32 + 1);
        let instrument = switch_everything_on(&mut venue, crowd(bench) + 1);
        let lots = 20 * MOST / count / 100;
        for at in 0..count - 1 {
            let shows = Instructions { display_quantity: 1, ..Instructions::NOTHING };
            let ticks = prices.ticks(Side::Sell, at);
            let oco = venue.enter_with(order(at, Side::Sell, ticks, lots), instrument, GTC, Some(shows));
            let price = (1 + at * 7_919 % count) as u32;
            let trigger = Trigger { kind: TriggerKind::Stop, reference: TriggerReference::LastTrade, price };
            let waits = Instructions { oco, trigger: Some(trigger), ..Instructions::NOTHING };
            venue.enter_with(order(at, Side::Sell, MID, lots), instrument, GTC, Some(waits));
        }
        let lots = lots * (count - 1) - 1;
        let asked = Instructions { min_quantity: lots as u32, ..Instructions::NOTHING };
        let taker = enter_in(&mut venue, instrument, order(count, Side::Buy, 0, lots), IOC, asked);
        let name = format!("fill or kill through linked icebergs with everything on, {}", prices.name());
        let seen = bench.measure(name, &mut venue, &taker);
        assert_eq!(seen.trades(), count - 1);
    }
}

/// A minimum that is reached with the last order but one, by an order that goes on.
fn least(bench: &mut Bench) {
    let count = crowd_of(bench, 3);
    let mut venue = makers(bench, Side::Sell, Prices::Many, 1, None);
    let asked = Instructions { min_quantity: count as u32 - 2, ..Instructions::NOTHING };
    let taker = enter(&mut venue, order(count, Side::Buy, 2 * MID, count - 1), GTC, asked);
    let seen = bench.measure("buy with a minimum of nearly all", &mut venue, &taker);
    assert_eq!(seen.trades(), count - 1);
}

fn own(bench: &mut Bench) {
    for mode in [SelfTrade::CancelOldest, SelfTrade::DecrementBoth] {
        let count = crowd_of(bench, 3);
        let mut venue = bench.venue(2 * count as u32, 2);
        for at in 0..count - 2 {
            venue.enter(order(0, Side::Sell, MID + at, 1));
        }
        venue.enter(order(1, Side::Sell, MID + count, MOST));
        let self_trade = Some(SelfTradePrevention { mode, owner: Owner::Account });
        let asked = Instructions { self_trade, min_quantity: 1, ..Instructions::NOTHING };
        let taker = enter(&mut venue, order(0, Side::Buy, 2 * MID, count), IOC, asked);
        let seen =
            bench.measure(format!("buy with a minimum behind its own orders, {mode:?}"), &mut venue, &taker);
        assert!(seen.canceled() >= count - 2);
    }
}
