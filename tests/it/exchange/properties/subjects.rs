//! Sequences that are each dense in one subject.

use super::settings;
use super::steps::{Action, Number, Step};
use super::values::{
    Taste, enter, live_number, login, number, price, quantity, reason, replace, side, transfer, transfer_out,
};
use dojima::domain::{Enter, LoginId, OrderPrice, Quantity, Side, Timestamp};
use proptest::prelude::*;
use proptest::strategy::Union;
use std::ops::Range;

/// Prices so near to one another that most orders trade.
pub const FEW_TICKS: Range<u64> = 18..25;

pub type Weighted = Vec<(u32, BoxedStrategy<Action>)>;

const SECOND: u64 = Timestamp::SECOND;
const DAY: u64 = 86_400 * SECOND;

pub fn steps_of(actions: Weighted, wait: BoxedStrategy<u64>) -> BoxedStrategy<Step> {
    (wait, Union::new_weighted(actions)).prop_map(|(wait, action)| Step { wait, action }).boxed()
}

/// Time that hardly passes.
pub fn no_wait() -> BoxedStrategy<u64> {
    prop_oneof![6 => Just(0_u64), 1 => Just(1)].boxed()
}

/// The same, and now and then a second.
pub fn few_seconds() -> BoxedStrategy<u64> {
    prop_oneof![200 => Just(0_u64), 20 => Just(1), 1 => Just(SECOND)].boxed()
}

fn seconds() -> BoxedStrategy<u64> {
    prop_oneof![4 => Just(0_u64), 2 => Just(1), 2 => Just(SECOND / 3), 3 => (1_u64..5).prop_map(|s| s * SECOND)].boxed()
}

fn days() -> BoxedStrategy<u64> {
    prop_oneof![6 => Just(0_u64), 1 => Just(SECOND), 1 => Just(DAY - SECOND), 2 => (1_u64..3).prop_map(|d| d * DAY), 1 => Just(29 * DAY)].boxed()
}

fn new_order(taste: &Taste) -> BoxedStrategy<Action> {
    (enter(taste), number()).prop_map(|(enter, number)| Action::Enter(enter, number)).boxed()
}

/// All that clients do with orders of this taste.
fn orders(taste: &Taste) -> Weighted {
    let amended = prop::option::weighted(0.5, price(taste.ticks.clone()));
    vec![
        (70, new_order(taste)),
        (
            15,
            (replace(taste), live_number(), number()).prop_map(|(r, o, n)| Action::Replace(r, o, n)).boxed(),
        ),
        (
            8,
            (login(), live_number(), amended, quantity())
                .prop_map(|(login, number, price, to)| {
                    let price = price.map(|units| u32::try_from(units).unwrap_or(u32::MAX));
                    Action::Amend(login, number, price, to)
                })
                .boxed(),
        ),
        (
            5,
            (login(), live_number(), prop_oneof![Just(0_u64), 1_u64..30, Just(u64::MAX)])
                .prop_map(|(login, number, to)| Action::Cancel(login, number, to))
                .boxed(),
        ),
        (
            3,
            (login(), live_number(), prop_oneof![3 => 1_u64..20, 1 => quantity()], prop::bool::weighted(0.9))
                .prop_map(|(login, number, to, same)| Action::Modify(login, number, to, same))
                .boxed(),
        ),
        (1, live_number().prop_map(Action::CancelOrder).boxed()),
        (1, settings::mass_cancel()),
        (1, (login(), number(), reason()).prop_map(|(l, n, why)| Action::RefuseEnter(l, n, why)).boxed()),
        (
            1,
            (login(), live_number(), number(), reason())
                .prop_map(|(login, orig, number, why)| Action::RefuseReplace(login, orig, number, why))
                .boxed(),
        ),
    ]
}

fn with(mut some: Weighted, more: Weighted) -> Weighted {
    some.extend(more);
    some
}

/// Messages of the session before the present one as a rule, else of one that has not been.
fn late(of: Weighted) -> BoxedStrategy<Action> {
    let after = prop_oneof![3 => Just(u32::MAX), 1 => 1_u32..3];
    (Union::new_weighted(of), after).prop_map(|(action, after)| Action::Late(Box::new(action), after)).boxed()
}

fn transfers() -> BoxedStrategy<Action> {
    (transfer(), any::<bool>(), number()).prop_map(|(t, inward, n)| Action::Transfer(t, inward, n)).boxed()
}

/// Plain orders and little money, at prices of this range.
pub fn plain(ticks: Range<u64>) -> BoxedStrategy<Step> {
    let more = vec![
        (6, transfers()),
        (1, settings::phase(2)),
        (2, settings::resume(2)),
        (1, settings::odds_and_ends()),
    ];
    steps_of(with(orders(&Taste::plain(ticks)), more), no_wait())
}

/// Orders that mostly keep apart, bids below ticks 40 and asks above, so that the books grow deep; few are taken out.
pub fn deep() -> BoxedStrategy<Step> {
    let enter = (1_u32..5, side(), 0_u64..35, 2_u64..5).prop_map(|(login, side, away, quantity)| {
        let ticks = if side == Side::Buy { 42 - away } else { 38 + away };
        let (login, quantity) = (LoginId(login), Quantity(quantity));
        let price = OrderPrice::Limit((ticks * 5) as i64);
        Action::Enter(Enter { login, side, price, quantity, ..Enter::default() }, Number::Fresh(1))
    });
    let cancel = any::<u8>().prop_map(|which| Action::Cancel(LoginId(1), Number::Live(which), 0));
    let replace = (any::<u8>(), replace(&Taste::plain(8..75)))
        .prop_map(|(which, replace)| Action::Replace(replace, Number::Live(which), Number::Fresh(1)));
    steps_of(vec![(6, enter.boxed()), (1, cancel.boxed()), (2, replace.boxed())], no_wait())
}

/// Orders of every kind gather and are uncrossed, again and again.
pub fn auctions() -> BoxedStrategy<Step> {
    let taste = Taste {
        instruments: 1,
        market: 3,
        immediate: 3,
        day: 15,
        until: 8,
        show: 20,
        hidden: 15,
        trigger: 8,
        oco: 20,
        post: 3,
        self_trade: 10,
        ..Taste::plain(FEW_TICKS)
    };
    let more = vec![(14, settings::phase(1)), (6, settings::tick()), (1, settings::protection())];
    steps_of(with(orders(&taste), more), seconds())
}

/// Orders that wait and orders that are linked; cascades.
pub fn triggers() -> BoxedStrategy<Step> {
    let taste = Taste {
        instruments: 2,
        market: 25,
        immediate: 5,
        day: 5,
        until: 5,
        min: 8,
        show: 5,
        hidden: 5,
        money: 6,
        trigger: 45,
        oco: 25,
        self_trade: 8,
        ..Taste::plain(17..27)
    };
    let more = vec![
        (10, settings::mark(17..27)),
        (1, settings::phase(1)),
        (2, settings::resume(2)),
        (1, settings::tick()),
    ];
    steps_of(with(orders(&taste), more), seconds())
}

/// What is hidden, what must trade at once, what must not trade, and trades with oneself.
pub fn book() -> BoxedStrategy<Step> {
    let taste = Taste {
        instruments: 2,
        market: 12,
        immediate: 12,
        min: 20,
        show: 30,
        hidden: 20,
        post: 15,
        money: 18,
        oco: 8,
        self_trade: 50,
        rare: 4,
        ..Taste::plain(FEW_TICKS)
    };
    steps_of(with(orders(&taste), vec![(3, settings::self_trade())]), no_wait())
}

/// Bands, collars and interruptions.
pub fn bands() -> BoxedStrategy<Step> {
    let taste = Taste {
        instruments: 1,
        market: 25,
        immediate: 12,
        min: 6,
        show: 8,
        hidden: 8,
        post: 6,
        money: 6,
        trigger: 15,
        oco: 5,
        self_trade: 8,
        ..Taste::plain(16..28)
    };
    let more = vec![
        (9, settings::protection()),
        (4, settings::tick()),
        (3, settings::resume(1)),
        (2, settings::mark(17..27)),
    ];
    steps_of(with(orders(&taste), more), seconds())
}

/// Limits, rates and kill switches.
pub fn limits() -> BoxedStrategy<Step> {
    let taste = Taste { instruments: 2, trigger: 10, oco: 8, until: 5, rare: 4, ..Taste::plain(FEW_TICKS) };
    let more = vec![
        (9, settings::order_limits()),
        (3, settings::kill()),
        (3, transfers()),
        (4, settings::order_entry()),
        (4, settings::query()),
        (2, settings::lost()),
        (2, settings::session()),
        (2, late(orders(&taste))),
        (1, settings::rules()),
    ];
    let wait = prop_oneof![8 => Just(0_u64), 2 => Just(SECOND / 3), 1 => Just(SECOND)].boxed();
    steps_of(with(orders(&taste), more), wait)
}

/// Terms, fees, tiers, assets and listings that change while orders rest.
pub fn changing() -> BoxedStrategy<Step> {
    let taste = Taste {
        instruments: 3,
        market: 8,
        immediate: 5,
        show: 8,
        hidden: 5,
        trigger: 12,
        oco: 12,
        until: 3,
        ..Taste::plain(FEW_TICKS)
    };
    let more = vec![
        (5, settings::terms()),
        (6, settings::fees()),
        (3, settings::asset()),
        (1, settings::delist()),
        (2, settings::list()),
        (5, settings::tiers()),
        (3, settings::mark(17..27)),
        (1, settings::order_limits()),
        (5, transfers()),
    ];
    steps_of(with(orders(&taste), more), days())
}

/// Transfers between shards, and what else a run of several shards has.
pub fn between_shards() -> BoxedStrategy<Step> {
    let wait = seconds().boxed();
    prop_oneof![3 => everything(), 2 => steps_of(vec![(1, shard_transfers())], wait)].boxed()
}

/// Transfers between shards, and their arrivals.
fn shard_transfers() -> BoxedStrategy<Action> {
    let reference = prop_oneof![8 => Just(Number::Fresh(1)), 1 => (0_u32..3).prop_map(Number::Again)];
    let out = (transfer_out(), number(), reference)
        .prop_map(|(out, number, reference)| Action::TransferOut(out, number, reference));
    let off = prop_oneof![5 => Just(0_i8), 1 => Just(-1_i8), 1 => 1_i8..3];
    let arrival = (any::<u8>(), off).prop_map(|(which, off)| Action::TransferIn(which, off));
    prop_oneof![3 => out, 2 => arrival].boxed()
}

/// Everything.
pub fn everything() -> BoxedStrategy<Step> {
    let taste = Taste {
        instruments: 3,
        market: 12,
        immediate: 10,
        day: 5,
        until: 8,
        min: 8,
        show: 10,
        hidden: 10,
        post: 8,
        money: 6,
        trigger: 15,
        oco: 12,
        self_trade: 15,
        rare: 4,
        ..Taste::plain(FEW_TICKS)
    };
    let more = vec![
        (2, settings::phase(2)),
        (4, settings::resume(3)),
        (3, settings::tick()),
        (3, settings::mark(17..27)),
        (2, settings::protection()),
        (2, settings::order_limits()),
        (1, settings::kill()),
        (1, settings::self_trade()),
        (1, settings::terms()),
        (2, settings::fees()),
        (1, settings::asset()),
        (1, settings::list()),
        (2, settings::tiers()),
        (4, transfers()),
        (1, shard_transfers()),
        (2, settings::order_entry()),
        (2, settings::query()),
        (1, settings::lost()),
        (2, settings::session()),
        (2, late(orders(&taste))),
        (1, settings::rules()),
        (3, settings::copy()),
        (1, settings::lead()),
        (1, settings::name()),
    ];
    let wait = prop_oneof![6 => seconds(), 1 => days()].boxed();
    steps_of(with(orders(&taste), more), wait)
}
