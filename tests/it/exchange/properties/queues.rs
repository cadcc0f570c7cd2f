//! Queues of icebergs, own, linked and hidden orders at few prices, and large orders that go through them.

use super::settings;
use super::steps::{Action, Number, SOME_ORDER, Step};
use super::subjects::{few_seconds, no_wait, steps_of};
use super::values::{Taste, prevention, replace, side};
use dojima::domain::{
    CancelFilter, Enter, Instructions, InstrumentId, LoginId, OrderPrice, Quantity, QuantityUnit, Side,
    TimeInForce, Trigger, TriggerKind, TriggerReference, UserRef, Visibility,
};
use proptest::prelude::*;
use std::ops::Range;

/// The best buy rests at this tick or below, the best sell above it.
const MIDDLE: u64 = 40;
/// What a lot costs at about these prices, minor units.
const LOT_COSTS: u64 = 205;

/// Mostly the first instrument; now and then the one where each side pays out of what it receives.
fn instrument() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![6 => Just(InstrumentId(0)), 1 => Just(InstrumentId(2))]
}

/// So many ticks from the middle: for an order that rests on its own side, for one that takes into the other.
fn price(side: Side, from_middle: i64) -> OrderPrice {
    let above = if side == Side::Buy { -from_middle } else { from_middle + 1 };
    OrderPrice::Limit((MIDDLE as i64 + above) * 5)
}

/// An order that rests: an iceberg, as a rule; or a hidden one, a plain one; or any of these, linked to another.
fn rests(lots: Range<u64>, ticks: BoxedStrategy<i64>) -> BoxedStrategy<Action> {
    let kind = (0_u8..10, prop::bool::weighted(0.25), 2_u32..5, 0_u32..12);
    let order = (0_u32..5, instrument(), side(), ticks, lots, kind);
    order
        .prop_map(|(login, instrument, side, away, lots, (kind, linked, show, which))| {
            let mut asks = Instructions::default();
            match kind {
                0..6 => asks.display_quantity = show.min(lots as u32),
                6 | 7 => asks.visibility = Visibility::Hidden,
                _ => {}
            }
            if linked {
                asks.oco = UserRef(SOME_ORDER + which);
            }
            let (login, price) = (LoginId(login), price(side, away));
            let (quantity, instructions) = (Quantity(lots), Some(asks));
            Action::Enter(
                Enter { login, instrument, side, price, quantity, instructions, ..Enter::default() },
                Number::Fresh(1),
            )
        })
        .boxed()
}

#[derive(Clone, Copy, Debug)]
enum Least {
    Nothing,
    Some(u32),
    All,
}

/// An order that takes: with a limit or without, for lots or for money, all or some or nothing of it at once, and now and
/// then it waits first.
fn takes(lots: Range<u64>) -> BoxedStrategy<Action> {
    let least =
        prop_oneof![3 => Just(Least::Nothing), 2 => (2_u32..60).prop_map(Least::Some), 4 => Just(Least::All)];
    let rolls = prop::collection::vec(0_u8..100, 5);
    let order = (0_u32..5, instrument(), side(), 0_i64..4, lots, least);
    (order, rolls, prevention())
        .prop_map(|((login, instrument, side, reach, lots, least), rolls, prevention)| {
            let does = |at: usize, percent: u8| rolls[at] < percent;
            let mut asks = Instructions::default();
            let mut quantity = lots;
            let mut time_in_force = TimeInForce::GoodTillCancel;
            let mut price = price(side, -1 - reach);
            if does(0, 60) {
                time_in_force = TimeInForce::ImmediateOrCancel;
            }
            if does(1, 70) {
                asks.self_trade = Some(prevention);
            }
            if does(2, 35) {
                price = OrderPrice::Market;
            }
            match least {
                Least::Nothing => {}
                Least::Some(min) => asks.min_quantity = min.min(lots as u32),
                Least::All => {
                    time_in_force = TimeInForce::ImmediateOrCancel;
                    asks.min_quantity = lots as u32;
                }
            }
            if does(3, 12) {
                (price, asks.unit, asks.min_quantity) = (OrderPrice::Market, QuantityUnit::QuoteAmount, 0);
                quantity = lots * LOT_COSTS;
            }
            if does(4, 6) {
                let kind = if reach < 2 { TriggerKind::Stop } else { TriggerKind::TakeProfit };
                let (reference, price) =
                    (TriggerReference::LastTrade, (MIDDLE as u32 - 1 + reach as u32) * 5);
                asks.trigger = Some(Trigger { kind, reference, price });
            }
            let (login, quantity, instructions) = (LoginId(login), Quantity(quantity), Some(asks));
            Action::Enter(
                Enter {
                    login,
                    instrument,
                    side,
                    price,
                    quantity,
                    time_in_force,
                    instructions,
                    ..Enter::default()
                },
                Number::Fresh(1),
            )
        })
        .boxed()
}

/// An order that is to take much when the price of the last trade comes to its trigger.
fn waits(lots: Range<u64>) -> BoxedStrategy<Action> {
    (takes(lots), any::<bool>(), 0_u32..3)
        .prop_map(|(action, stops, away)| {
            let Action::Enter(mut enter, number) = action else { panic!("it takes") };
            let kind = if stops { TriggerKind::Stop } else { TriggerKind::TakeProfit };
            let (reference, price) = (TriggerReference::LastTrade, (MIDDLE as u32 - 1 + away) * 5);
            let asks = enter.instructions.unwrap_or_default();
            enter.instructions =
                Some(Instructions { trigger: Some(Trigger { kind, reference, price }), ..asks });
            Action::Enter(enter, number)
        })
        .boxed()
}

/// An order that takes all that it wants, or nothing: as a rule from more orders than it may meet, and for one account.
fn all_of(lots: Range<u64>) -> BoxedStrategy<Action> {
    (takes(lots.clone()), lots)
        .prop_map(|(action, lots)| {
            let Action::Enter(mut enter, number) = action else { panic!("it takes") };
            let asks = enter.instructions.unwrap_or_default();
            if asks.unit == QuantityUnit::Lots && asks.trigger.is_none() {
                (enter.quantity, enter.time_in_force) = (Quantity(lots), TimeInForce::ImmediateOrCancel);
                // Now and then its own orders are in its way.
                let self_trade = asks.self_trade.filter(|_| lots % 4 == 0);
                enter.instructions = Some(Instructions { min_quantity: lots as u32, self_trade, ..asks });
            }
            if lots % 3 > 0 {
                enter.login = LoginId(1);
            }
            Action::Enter(enter, number)
        })
        .boxed()
}

/// A change of some order.
fn changes() -> BoxedStrategy<Action> {
    let ticks = MIDDLE - 3..MIDDLE + 5;
    let taste = Taste { market: 20, immediate: 30, min: 40, show: 40, self_trade: 50, ..Taste::plain(ticks) };
    let cancel = any::<u8>().prop_map(|which| Action::Cancel(LoginId(1), Number::Live(which), 0));
    let replace = (any::<u8>(), replace(&taste))
        .prop_map(|(which, replace)| Action::Replace(replace, Number::Live(which), Number::Fresh(1)));
    prop_oneof![2 => replace, 1 => cancel].boxed()
}

/// Icebergs that are eaten in many rounds.
pub fn rounds() -> BoxedStrategy<Step> {
    let ticks = prop_oneof![4 => Just(0_i64), 2 => 0_i64..3].boxed();
    let actions = vec![
        (40, rests(2..30, ticks)),
        (20, takes(2..90)),
        (4, changes()),
        (2, settings::self_trade()),
        (1, settings::mass_cancel()),
    ];
    steps_of(actions, no_wait())
}

/// Crowds of small orders, and orders that are to take more of them than they may touch.
pub fn crowds() -> BoxedStrategy<Step> {
    let ticks = prop_oneof![5 => 0_i64..2, 2 => 0_i64..30].boxed();
    let actions = vec![
        (120, rests(2..5, ticks)),
        (8, takes(20..120)),
        (3, takes(2..30)),
        (3, changes()),
        (1, settings::self_trade()),
    ];
    steps_of(actions, no_wait())
}

/// Orders that look through crowds for more than there is, at once or when their triggers come, and mass cancels that find
/// nothing: so much of it that accounts come to what they may do of it.
pub fn in_vain() -> BoxedStrategy<Step> {
    let ticks = prop_oneof![3 => 0_i64..2, 1 => 0_i64..10].boxed();
    let nothing = (prop_oneof![1 => 0_u32..5, 3 => 1_u32..3], side(), prop::bool::weighted(0.2));
    let nothing = nothing.prop_map(|(login, side, of_login)| {
        let login = LoginId(login);
        let (instrument, side) = (Some(InstrumentId(1)), Some(side));
        let filter = CancelFilter { login: of_login.then_some(login), instrument, side, account: None };
        Action::MassCancel(Some(login), Number::Fresh(1), filter)
    });
    let actions = vec![
        (60, rests(2..4, ticks)),
        (70, all_of(16..40)),
        (3, takes(2..30)),
        (12, waits(16..40)),
        (16, nothing.boxed()),
        (6, changes()),
        (1, settings::self_trade()),
    ];
    steps_of(actions, few_seconds())
}
