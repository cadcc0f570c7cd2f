//! Orders with a minimum: the match is looked at before it is made.

use super::sweeps::{Partner, crowd, linked_makers, makers, through};
use super::{Bench, GTC, IOC, MID, MOST, Prices, enter, order};
use crate::venue::{FIRST, Venue};
use dojima::domain::{Event, Instructions, Owner, SelfTrade, SelfTradePrevention, Side};

pub fn all(bench: &mut Bench) {
    for prices in Prices::BOTH {
        for side in [Side::Buy, Side::Sell] {
            let mut venue = makers(bench, side.opposite(), prices, 1, None);
            let count = crowd(bench);
            let ticks = through(side);
            kill(
                bench,
                &mut venue,
                (side, ticks, count - 1),
                &format!("{side:?} fill or kill, filled {}", prices.name()),
            );
        }
    }
    let count = crowd(bench);
    // The last one lacks a lot.
    let mut venue = makers(bench, Side::Sell, Prices::Many, 2, None);
    let lots = 2 * count + 1;
    kill(
        bench,
        &mut venue,
        (Side::Buy, 2 * MID, lots),
        "fill or kill, killed: needs more orders than it may touch",
    );
    let mut venue = short_crowd(bench);
    kill(bench, &mut venue, (Side::Buy, 2 * MID, 2 * count - 3), "fill or kill, killed at the last order");
    for partner in [Partner::Rests, Partner::Waits] {
        let mut venue = linked_makers(bench, Prices::Many, partner);
        let what = if partner == Partner::Rests { "resting" } else { "waiting" };
        let name = format!("fill or kill through orders each linked to a {what} one");
        kill(bench, &mut venue, (Side::Buy, 2 * MID, count - 1), &name);
    }
    icebergs(bench);
    least(bench);
    own(bench);
}

fn kill(bench: &mut Bench, venue: &mut Venue, (side, ticks, lots): (Side, u64, u64), name: &str) {
    let asked = Instructions { min_quantity: lots as u32, ..Instructions::NOTHING };
    let taker = enter(venue, order(crowd(bench), side, ticks, lots), IOC, asked);
    let seen = bench.measure(name, venue, &taker);
    seen.has(|event| matches!(event, Event::Executed(_) | Event::Canceled(_)));
}

/// As many orders as one may touch, less one, of two lots each.
fn short_crowd(bench: &Bench) -> Venue {
    let count = crowd(bench);
    let mut venue = bench.venue(2 * count as u32, count as u32 + 1);
    for at in 0..count - 2 {
        venue.enter(order(at, Side::Sell, MID + at, 2));
    }
    venue
}

fn icebergs(bench: &mut Bench) {
    let count = crowd(bench);
    let asked = Instructions { display_quantity: 1, ..Instructions::NOTHING };
    let mut venue = bench.venue(2 * count as u32, count as u32 + 1);
    for at in 0..count - 1 {
        venue.enter_with(order(at, Side::Sell, 1, MOST / count), FIRST, GTC, Some(asked));
    }
    let lots = MOST / count * (count - 1) - 1;
    kill(
        bench,
        &mut venue,
        (Side::Buy, 1, lots),
        "fill or kill through icebergs that show one lot, at one price",
    );
}

/// A minimum that is reached with the last order but one, by an order that goes on.
fn least(bench: &mut Bench) {
    let count = crowd(bench);
    let mut venue = makers(bench, Side::Sell, Prices::Many, 1, None);
    let asked = Instructions { min_quantity: count as u32 - 2, ..Instructions::NOTHING };
    let taker = enter(&mut venue, order(count, Side::Buy, 2 * MID, count - 1), GTC, asked);
    let seen = bench.measure("buy with a minimum of nearly all", &mut venue, &taker);
    assert_eq!(seen.trades(), count - 1);
}

fn own(bench: &mut Bench) {
    for mode in [SelfTrade::CancelOldest, SelfTrade::DecrementBoth] {
        let count = crowd(bench);
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
