//! Fills of one leg: opening, reducing, turning over.

use super::arbitrary::{listed, listed_to, price, side, some_lots};
use super::{config, of_engine};
use crate::support::naive::contracts::leg::{Fill, Position};
use crate::support::naive::contracts::value::Listed;
use dojima::domain::contracts::{Booked, ContractValue, Leg, Settlement};
use dojima::domain::{Amount, Side};
use proptest::prelude::*;
use std::panic::catch_unwind;

/// The fill as the engine has it, if all of it fits.
fn fitting(fill: Fill, position: Position) -> Option<(Booked, Leg)> {
    let booked =
        Booked { realised: i64::try_from(fill.realised).ok()?, closed: fill.closed, opened: fill.opened };
    Some((booked, leg(position)?))
}

fn leg(position: Position) -> Option<Leg> {
    Some(Leg { lots: i64::try_from(position.lots).ok()?, cost: i64::try_from(position.cost).ok()? })
}

fn position(leg: Leg) -> Position {
    Position { lots: i128::from(leg.lots), cost: i128::from(leg.cost) }
}

/// The engine's, or nothing if it refuses by a panic.
fn booked(contract: ContractValue, mut leg: Leg, side: Side, lots: u64, value: i64) -> Option<(Booked, Leg)> {
    let book = move || {
        let booked = leg.book(&contract, side, lots, Amount(value));
        (booked, leg)
    };
    catch_unwind(book).ok()
}

/// A leg as trades make it: its cost has the sign that its lots have in a linear contract, the other in an inverse one.
fn some_leg(listed: Listed, lots: u64, cost: i64, long: bool) -> Leg {
    let lots = i64::try_from(lots).expect("fewer than 64 bits");
    let same = listed.settlement == Settlement::Linear;
    Leg { lots: if long { lots } else { -lots }, cost: if long == same { cost } else { -cost } }
}

fn any_leg(listed: Listed) -> impl Strategy<Value = (Listed, Leg)> {
    let lots = super::arbitrary::lots();
    (lots, super::arbitrary::amount(), any::<bool>()).prop_map(move |(lots, cost, long)| {
        (listed, some_leg(listed, lots, if lots == 0 { 0 } else { cost }, long))
    })
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn fills_agree((listed, before) in listed().prop_flat_map(any_leg), side in side(), lots in some_lots(), price in price()) {
        let Some(value) = listed.of_trade(lots, price) else { return Ok(()) };
        let mut after = position(before);
        let fill = after.book(&listed, side, lots, value);
        let engine = booked(of_engine(&listed), before, side, lots, value);
        prop_assert_eq!(engine, fitting(fill, after));
        let Some((engine, leg)) = engine else { return Ok(()) };
        prop_assert_eq!(engine.closed + engine.opened, lots);
        prop_assert!(leg.lots != 0 || leg.cost == 0, "flat and has cost");
        // What the wallet gains and the cost of the leg are together what was traded.
        let traded = i128::from(engine.realised) - (i128::from(leg.cost) - i128::from(before.cost));
        prop_assert_eq!(traded, -listed.signed(side, value));
        // No part of the cost is larger than all of it, or of the other sign.
        let as_before = leg.lots.signum() * before.lots.signum() >= 0;
        prop_assert!(!as_before || leg.cost.signum() * before.cost.signum() >= 0);
        prop_assert!(engine.opened > 0 || leg.cost.abs() <= before.cost.abs());
    }

    /// Sizes that only a sum reaches.
    #[test]
    fn what_does_not_fit_is_refused_and_never_wraps(
        listed in listed(),
        before in (super::arbitrary::any_sign(63), super::arbitrary::any_sign(63)),
        side in side(),
        lots in super::arbitrary::of_bits(63),
        value in super::arbitrary::amount(),
    ) {
        let (held, cost) = before;
        let before = Leg { lots: held, cost: if held == 0 { 0 } else { cost } };
        let mut after = position(before);
        let fill = after.book(&listed, side, lots, value);
        prop_assert_eq!(booked(of_engine(&listed), before, side, lots, value), fitting(fill, after));
    }

    /// It closes and then opens, also where each of two orders of an inverse contract would be rounded by itself.
    #[test]
    fn a_turn_over_is_two_orders(
        listed in listed_to(20),
        lots in 1..100_000_u64,
        more in 1..100_000_u64,
        cost in 0..1_i64 << 40,
        long in any::<bool>(),
        price in 1..1_000_000_i64,
    ) {
        let engine = of_engine(&listed);
        let before = some_leg(listed, lots, cost, long);
        let side = if long { Side::Sell } else { Side::Buy };
        let value = listed.of_trade(lots + more, price).expect("fits");
        let mut one = before;
        let turned = one.book(&engine, side, lots + more, Amount(value));
        prop_assert_eq!((turned.closed, turned.opened), (lots, more));

        let closing = i64::try_from(i128::from(value) * i128::from(lots) / i128::from(lots + more)).expect("a part");
        let mut two = before;
        let closed = two.book(&engine, side, lots, Amount(closing));
        prop_assert_eq!(two, Leg::default());
        let opened = two.book(&engine, side, more, Amount(value - closing));
        prop_assert_eq!((one, turned.realised, 0), (two, closed.realised, opened.realised));
        if listed.settlement == Settlement::Linear {
            prop_assert_eq!(Some(closing), listed.of_trade(lots, price));
            prop_assert_eq!(Some(value - closing), listed.of_trade(more, price));
        }
    }

    /// In whatever parts a leg is closed, all of the cost is used up and none of it twice.
    #[test]
    fn a_leg_that_is_closed_has_no_cost(
        listed in listed_to(20),
        parts in prop::collection::vec(1..10_000_u64, 1..12),
        cost in 0..1_i64 << 50,
        long in any::<bool>(),
    ) {
        let engine = of_engine(&listed);
        let mut leg = some_leg(listed, parts.iter().sum(), cost, long);
        let whole = leg.cost;
        let side = if long { Side::Sell } else { Side::Buy };
        // For nothing: what is realised is the part of the cost, with the other sign.
        let realised: i64 = parts.iter().map(|&part| leg.book(&engine, side, part, Amount(0)).realised).sum();
        prop_assert_eq!((leg, realised), (Leg::default(), -whole));
    }
}
