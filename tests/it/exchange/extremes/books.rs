//! Books that are very deep, very long or very wide.

use super::{Order, Venue, scattered};
use crate::support::venue::limits;
use dojima::domain::{
    AccountId, Command, Event, InstrumentId, Listing, LoginId, OrderCommand, OrderEvent, OrderPrice,
    Quantity, Replace, Side, TimeInForce, UserRef, VenueCommand, VenueLimits,
};
use dojima::runtime::SplitMix64;
use std::collections::BTreeMap;

const BOTH: [Side; 2] = [Side::Buy, Side::Sell];
/// More than any price that is used on the side of the buys.
const MID: u64 = 1_000_000;

/// Bytes that an open order may take, everything included that there is because of it.
const ORDER_BYTES_MAX: u64 = 128;

/// The price of the `away`-th level from the mid, from 0.
fn ticks(side: Side, away: u64) -> u64 {
    match side {
        Side::Buy => MID - 1 - away,
        Side::Sell => MID + 1 + away,
    }
}

/// A million orders of 100 accounts on `levels` prices a side, which come in a scattered order; their lots.
fn a_million_orders(levels: u64) {
    const ORDERS: u64 = 1_000_000;
    let mut venue = Venue::new(1, 100);
    let mut lots = 0;
    let allocated = allocation_counter::measure(|| {
        let limits = VenueLimits { orders_touched_max: 1_000_000, ..limits(ORDERS as u32) };
        venue.send(&Command::Venue(VenueCommand::SetLimits { limits }));
    });
    let grown = allocation_counter::measure(|| {
        for at in scattered(ORDERS) {
            let (side, away) = (BOTH[(at % 2) as usize], at / 2 % levels);
            let order = Order { login: (at % 100) as u32, side, ticks: ticks(side, away), lots: 1 + at % 7 };
            venue.enter(order);
            lots += order.lots;
        }
    });
    let bytes = (allocated.bytes_current + grown.bytes_current).unsigned_abs();
    println!(
        "{} bytes an order on {levels} levels a side, {} allocations",
        bytes / ORDERS,
        grown.count_total
    );
    assert!(bytes <= ORDER_BYTES_MAX * ORDERS, "{bytes} bytes");
    // Levels are ranked in blocks that come in pieces; nothing is allocated order by order.
    assert!(grown.count_total <= 200 + levels / 500, "{} allocations", grown.count_total);

    assert_eq!(venue.exchange.open_orders() as u64, ORDERS);
    for side in BOTH {
        let shown = venue.levels(side);
        assert_eq!(shown.len() as u64, levels);
        let prices = (0..levels).map(|away| ticks(side, away));
        assert!(shown.iter().map(|level| level.0).eq(prices), "every price, best first");
        assert!(shown.iter().all(|level| u64::from(level.2) == ORDERS / 2 / levels));
    }
    let shown = BOTH.iter().flat_map(|side| venue.levels(*side)).map(|level| level.1).sum::<u64>();
    assert_eq!(shown, lots);

    // Now a few thousand moves and cancels all over the book, with which it neither grows nor gets out of order.
    let moved = allocation_counter::measure(|| {
        for login in 0..100 {
            for at in 0..20 {
                let (orig, user_ref) = (UserRef(1 + at * 499), venue.next_user_ref(login));
                let side = BOTH[(login % 2) as usize];
                venue.send(&Command::Order(OrderCommand::Replace(Replace {
                    login: LoginId(login),
                    orig_user_ref: orig,
                    user_ref,
                    price: OrderPrice::Limit((ticks(side, u64::from(at) * (levels - 1) / 20)) as i64),
                    quantity: Quantity(50),
                    ..Replace::default()
                })));
                assert!(matches!(venue.events[..], [Event::Order(OrderEvent::Replaced(_))]));
                venue.cancel(login, user_ref);
                venue.cancel(login, UserRef(2 + at * 499));
            }
        }
    });
    assert!(moved.count_total <= 8, "{} allocations", moved.count_total);
    assert_eq!(venue.exchange.open_orders() as u64, ORDERS - 2 * 2_000);
    venue.check_and_clear();
}

#[test]
fn a_million_orders_rest_on_a_thousand_levels() {
    a_million_orders(1_000);
}

#[test]
fn a_million_orders_rest_on_a_million_levels() {
    a_million_orders(500_000);
}

#[test]
fn a_hundred_thousand_levels_come_and_go_at_both_ends() {
    const LEVELS: u64 = 100_000;
    let mut venue = Venue::new(LEVELS as u32, 1);
    let mut model = BTreeMap::new();
    let mut user_refs = vec![UserRef(0); 2 * LEVELS as usize];
    let enter = |venue: &mut Venue, model: &mut BTreeMap<u64, u64>, away: u64| {
        let order = Order { login: 0, side: Side::Sell, ticks: ticks(Side::Sell, away), lots: 1 + away % 9 };
        model.insert(order.ticks, order.lots);
        venue.enter(order)
    };
    let check = |venue: &Venue, model: &BTreeMap<u64, u64>| {
        let shown = venue.levels(Side::Sell).into_iter().map(|(price, lots, _)| (price, lots));
        assert!(shown.eq(model.iter().map(|(price, lots)| (*price, *lots))));
        assert_eq!(venue.exchange.audit(), Ok(()));
    };
    for away in scattered(LEVELS) {
        user_refs[away as usize] = enter(&mut venue, &mut model, away);
    }
    check(&venue, &model);
    // The better half goes from the best price on, the rest but for a few from the worst, and as many come behind it.
    for away in (0..LEVELS / 2).chain((LEVELS / 2 + 10..LEVELS).rev()) {
        venue.cancel(0, user_refs[away as usize]);
        model.remove(&ticks(Side::Sell, away));
    }
    check(&venue, &model);
    for away in LEVELS..2 * LEVELS - 10 {
        user_refs[away as usize] = enter(&mut venue, &mut model, away);
    }
    check(&venue, &model);
    // And each order is taken at its own price, best first.
    let lots = model.values().sum();
    venue.enter(Order { login: 0, side: Side::Buy, ticks: 0, lots });
    assert!(venue.trades().eq(model.iter().map(|(price, lots)| (*price, *lots))));
    venue.check_and_clear();
}

#[test]
fn a_market_order_trades_with_a_hundred_thousand_makers() {
    const LEVELS: u64 = 100;
    const MAKERS: u64 = 100_000;
    let mut venue = Venue::new(MAKERS as u32, 101);
    for (at, away) in (0_u64..).zip((0..MAKERS).map(|at| at * 37 % LEVELS)) {
        let ticks = ticks(Side::Sell, away);
        venue.enter(Order { login: (at % 100) as u32, side: Side::Sell, ticks, lots: 1 + at % 3 });
    }
    let resting: Vec<_> = venue.exchange.orders(super::FIRST, Side::Sell).collect();
    let (lots, notional) = resting.iter().fold((0, 0), |(lots, notional), order| {
        (lots + order.open.0, notional + order.open.0 as i64 * order.price().0)
    });
    let before = venue.exchange.balance(AccountId(101), super::QUOTE).expect("known").available.0;
    venue.events.reserve(MAKERS as usize + 2);
    // One lot more than there is, which is cancelled.
    let counted = allocation_counter::measure(|| {
        venue.enter(Order { login: 100, side: Side::Buy, ticks: 0, lots: lots + 1 });
    });
    assert_eq!(counted.count_total, 0);
    assert_eq!(venue.events.len() as u64, MAKERS + 2);
    assert!(
        matches!(venue.events.last(), Some(Event::Order(OrderEvent::Canceled(end))) if end.decrement == Quantity(1))
    );
    assert!(venue.executed().map(|trade| trade.maker_order).eq(resting.iter().map(|order| order.id)));
    assert!(venue.executed().all(|trade| trade.maker_reserved.0 == 0));
    let after = venue.exchange.balance(AccountId(101), super::QUOTE).expect("known").available.0;
    assert_eq!(before - after, notional);
    assert_eq!(venue.exchange.open_orders(), 0);
    venue.check_and_clear();
}

#[test]
fn one_level_with_a_hundred_thousand_orders_is_cancelled_from_its_middle() {
    const ORDERS: usize = 100_000;
    let mut venue = Venue::new(ORDERS as u32, 2);
    let order = Order { login: 0, side: Side::Buy, ticks: MID, lots: 3 };
    let user_refs: Vec<_> = (0..ORDERS).map(|_| venue.enter(order)).collect();
    let counted = allocation_counter::measure(|| {
        // From the middle outwards every other one.
        for step in (1..ORDERS / 2).step_by(2) {
            venue.cancel(0, user_refs[ORDERS / 2 + step]);
            venue.cancel(0, user_refs[ORDERS / 2 - step]);
        }
    });
    assert_eq!(counted.count_total, 0);
    let left = (0..ORDERS).filter(|at| (at % 2 == 0) == (ORDERS / 2).is_multiple_of(2));
    let left: Vec<_> = left.map(|at| user_refs[at]).collect();
    assert_eq!(left.len(), ORDERS / 2);
    assert_eq!(venue.levels(Side::Buy), [(MID, 3 * left.len() as u64, left.len() as u32)]);
    let queue = venue.exchange.orders(super::FIRST, Side::Buy).map(|order| order.user_ref);
    assert!(queue.eq(left.iter().copied()), "the others keep their places");
    // The first half of the queue trades, in its order.
    venue.enter(Order { login: 1, side: Side::Sell, ticks: MID, lots: 3 * left.len() as u64 / 2 });
    let traded = venue.executed().map(|trade| trade.maker_user_ref);
    assert!(traded.eq(left[..left.len() / 2].iter().copied()));
    venue.check_and_clear();
}

#[test]
fn prices_scattered_over_all_that_the_wire_can_name() {
    const ORDERS: u64 = 200_000;
    let end = Listing::PRICE_END;
    let mut venue = Venue::new(1, 4);
    let limits = VenueLimits { orders_touched_max: 1_000_000, ..limits(ORDERS as u32) };
    venue.send(&Command::Venue(VenueCommand::SetLimits { limits }));
    let mut random = SplitMix64::new(1);
    let mut model: [BTreeMap<u64, u64>; 2] = Default::default();
    let counted = allocation_counter::measure(|| {
        for at in 0..ORDERS {
            let side = (at % 2) as usize;
            let half = random.remainder(end / 2 - 1);
            let ticks = match at {
                0 => 1,
                1 => end - 1,
                _ => 1 + half + side as u64 * (end / 2),
            };
            let order = Order { login: (at % 4) as u32, side: BOTH[side], ticks, lots: 1 + at % 2 };
            allocation_counter::opt_out(|| *model[side].entry(ticks).or_default() += order.lots);
            venue.enter(order);
        }
    });
    println!("{} bytes an order beyond the slabs", counted.bytes_current.unsigned_abs() / ORDERS);
    // The slabs were taken before; what comes is what finds prices: where each lies on a page of its own, that page (136
    // bytes) and its place in the tree, however far apart they are.
    assert!(counted.bytes_current.unsigned_abs() <= 176 * ORDERS, "{} bytes", counted.bytes_current);
    let shown = venue.levels(Side::Buy).into_iter().map(|(price, lots, _)| (price, lots));
    assert!(shown.eq(model[0].iter().rev().map(|(price, lots)| (*price, *lots))));
    assert_eq!(venue.exchange.audit(), Ok(()));
    let lots = model[1].values().sum();
    let order = Order { login: 0, side: Side::Buy, ticks: end - 1, lots };
    venue.enter_with(order, InstrumentId(0), TimeInForce::ImmediateOrCancel, None);
    let mut traded: BTreeMap<u64, u64> = BTreeMap::new();
    venue.trades().for_each(|(price, lots)| *traded.entry(price).or_default() += lots);
    assert_eq!(traded, model[1]);
    assert!(venue.trades().is_sorted_by_key(|(price, _)| price));
    venue.check_and_clear();
}
