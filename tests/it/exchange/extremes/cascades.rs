//! One command that does very much.

use super::{FIRST, Order, QUOTE, Venue, scattered};
use crate::support::venue::limits;
use dojima::domain::{
    AccountId, AdminCommand, CancelFilter, ClockCommand, Command, Event, Instructions, KillScope, LoginId,
    MarketEvent, MassCancel, OrderCommand, OrderEvent, OrderId, OrderPrice, Phase, Quantity, Side, Switch,
    TimeInForce, TradeKind, Trigger, TriggerKind, TriggerReference, VenueCommand, VenueLimits,
};
use dojima::exchange::{Progress, TRIGGERS_MAX};
use dojima::runtime::SplitMix64;
use std::collections::BTreeMap;

const MANY: u64 = 100_000;

fn stop(kind: TriggerKind, reference: TriggerReference, ticks: u64) -> Option<Instructions> {
    let trigger = Trigger { kind, reference, price: ticks as u32 };
    Some(Instructions { trigger: Some(trigger), ..Instructions::default() })
}

fn arm(venue: &mut Venue, order: Order, instructions: Option<Instructions>) {
    venue.enter_with(order, FIRST, TimeInForce::GoodTillCancel, instructions);
}

/// Each order that is released sells at the next lower price, which releases the next.
#[test]
fn a_hundred_thousand_stops_fall_like_dominoes() {
    assert_eq!(MANY, TRIGGERS_MAX as u64);
    let mut venue = Venue::new(2 * MANY as u32 + 10, 3);
    for ticks in 1..=MANY + 1 {
        venue.enter(Order { login: 0, side: Side::Buy, ticks, lots: 1 });
    }
    for ticks in (2..=MANY + 1).rev() {
        let order = Order { login: 1, side: Side::Sell, ticks: 0, lots: 1 };
        arm(&mut venue, order, stop(TriggerKind::Stop, TriggerReference::LastTrade, MANY + 3 - ticks));
    }
    assert_eq!(venue.exchange.dormant(FIRST).count() as u64, MANY);
    // A trade that releases nothing is the warm-up.
    venue.enter(Order { login: 2, side: Side::Buy, ticks: 2 * MANY, lots: 1 });
    venue.enter(Order { login: 2, side: Side::Sell, ticks: 2 * MANY, lots: 1 });
    assert_eq!(venue.exchange.dormant(FIRST).count() as u64, MANY);
    // One more than there may be is refused; it is asked for by hand, since the venue takes good commands only.
    let one_more = Command::Order(OrderCommand::Enter(dojima::domain::Enter {
        login: LoginId(2),
        user_ref: venue.next_user_ref(2),
        instrument: FIRST,
        side: Side::Sell,
        price: OrderPrice::Market,
        quantity: Quantity(1),
        instructions: stop(TriggerKind::Stop, TriggerReference::LastTrade, 5),
        ..dojima::domain::Enter::default()
    }));
    let mut refused = Vec::new();
    venue.exchange.apply(venue.stamp, &one_more, &mut refused);
    assert!(matches!(&refused[..], [Event::Order(OrderEvent::Rejected(why))]
            if why.reason == dojima::domain::RejectReason::TooManyTriggers));
    venue.events.reserve(4 * MANY as usize);
    let counted = allocation_counter::measure(|| {
        venue.enter(Order { login: 2, side: Side::Sell, ticks: 0, lots: 1 });
    });
    assert_eq!(counted.count_total, 0);
    // Accepted and its trade, then a release, what it is now, and a trade for every stop.
    assert_eq!(venue.events.len() as u64, 2 + 3 * MANY);
    assert!(venue.trades().eq((1..=MANY + 1).rev().map(|ticks| (ticks, 1))));
    let released = venue.events.iter().filter_map(|event| match event {
        Event::Order(OrderEvent::Triggered(release)) => Some(release.reference.0.unsigned_abs()),
        _ => None,
    });
    assert!(released.eq((2..=MANY + 1).rev()), "each by the trade before");
    assert_eq!(venue.exchange.open_orders(), 0);
    venue.check_and_clear();
}

/// All of them at one price, so that one trade releases all, in the order of their numbers.
#[test]
fn one_trade_releases_a_hundred_thousand_stops() {
    let mut venue = Venue::new(MANY as u32 + 10, 3);
    for _ in 0..MANY {
        let order = Order { login: 0, side: Side::Buy, ticks: 500, lots: 1 };
        arm(&mut venue, order, stop(TriggerKind::Stop, TriggerReference::LastTrade, 1_000));
    }
    venue.enter(Order { login: 1, side: Side::Sell, ticks: 1_000, lots: 1 });
    venue.enter(Order { login: 2, side: Side::Buy, ticks: 1_000, lots: 1 });
    let released: Vec<OrderId> = venue
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Order(OrderEvent::Triggered(release)) => Some(release.order),
            _ => None,
        })
        .collect();
    assert!(released.len() as u64 == MANY && released.is_sorted());
    assert_eq!(venue.levels(Side::Buy), [(500, MANY, MANY as u32)]);
    let queue = venue.exchange.orders(FIRST, Side::Buy).map(|order| order.id);
    assert!(queue.eq(released), "they stand in the book as they were released");
    venue.check_and_clear();
}

/// Trailing stops of all distances behind the mark price.
#[test]
fn trailing_stops_follow_and_fall() {
    let mut venue = Venue::new(MANY as u32 + 10, 3);
    let mark = |venue: &mut Venue, ticks: u64| {
        let price = dojima::domain::Price(ticks as i64);
        venue.send(&Command::Admin(AdminCommand::SetMark { instrument: FIRST, price })).len() as u64
    };
    mark(&mut venue, 2 * MANY);
    for distance in scattered(MANY) {
        let order = Order { login: 0, side: Side::Sell, ticks: 50_000, lots: 1 };
        arm(&mut venue, order, stop(TriggerKind::TrailingStop, TriggerReference::MarkPrice, 1 + distance));
    }
    for rise in 1..=100 {
        assert_eq!(mark(&mut venue, 2 * MANY + rise), 1, "a rise releases nothing");
    }
    // Back to where it began: what trailed by no more than 100.
    assert_eq!(mark(&mut venue, 2 * MANY), 1 + 2 * 100);
    assert_eq!(venue.exchange.dormant(FIRST).count() as u64, MANY - 100);
    assert_eq!(mark(&mut venue, MANY + 100), 1 + 2 * (MANY - 100));
    assert_eq!(venue.exchange.orders(FIRST, Side::Sell).count() as u64, MANY);
    venue.check_and_clear();
}

/// Trailing stops that have each seen another mark price, so that a new high makes one group of all: in parts.
#[test]
fn a_new_high_that_all_trailing_stops_follow_is_done_in_parts() {
    const LIMIT: u32 = 1_000;
    let mut venue = Venue::new(MANY as u32, 3);
    let mark = |ticks: u64| {
        let price = dojima::domain::Price(ticks as i64);
        Command::Admin(AdminCommand::SetMark { instrument: FIRST, price })
    };
    for at in 0..MANY {
        venue.send(&mark(3 * MANY - at));
        let order = Order { login: 0, side: Side::Sell, ticks: 50_000, lots: 1 };
        arm(&mut venue, order, stop(TriggerKind::TrailingStop, TriggerReference::MarkPrice, 2 * MANY));
    }
    let limits = VenueLimits { orders_touched_max: LIMIT, ..limits(MANY as u32) };
    venue.send(&Command::Venue(VenueCommand::SetLimits { limits }));
    venue.events.clear();
    let (mut parts, mut touched) = (1, 0);
    let mut progress = venue.exchange.begin(venue.stamp, &mark(4 * MANY), &mut venue.events);
    loop {
        assert!(
            venue.exchange.touched() <= LIMIT + LIMIT / 4,
            "{} in part {parts}",
            venue.exchange.touched()
        );
        touched += u64::from(venue.exchange.touched());
        if progress == Progress::Done {
            break;
        }
        parts += 1;
        progress = venue.exchange.proceed(&mut venue.events);
    }
    assert_eq!((venue.events.len(), touched), (1, MANY - 1), "two groups are made one at a time");
    assert!(parts >= MANY / u64::from(LIMIT + LIMIT / 4), "{parts} parts");
    // All have seen the new high: they go at one price, by their numbers.
    venue.send(&mark(2 * MANY));
    let released = venue.events.iter().filter_map(|event| match event {
        Event::Order(OrderEvent::Triggered(release)) => Some(release.order.0),
        _ => None,
    });
    assert!(released.eq(1..=MANY));
    venue.check_and_clear();
}

/// Buys and sells of two accounts, of which one is mass cancelled, once by itself and once by the kill switch.
#[test]
fn a_hundred_thousand_orders_are_cancelled_at_once() {
    let mut venue = Venue::new(2 * MANY as u32, 2);
    let fill = |venue: &mut Venue| {
        for at in 0..2 * MANY {
            let (login, away) = ((at % 2) as u32, at % 1_009);
            let (side, ticks) =
                if at % 4 < 2 { (Side::Buy, 5_000 - away) } else { (Side::Sell, 5_001 + away) };
            venue.enter(Order { login, side, ticks, lots: 2 });
        }
    };
    fill(&mut venue);
    let other = venue.exchange.balance(AccountId(2), QUOTE).expect("known");
    let user_ref = venue.next_user_ref(0);
    let filter = CancelFilter::default();
    venue.send(&Command::Order(OrderCommand::MassCancel(MassCancel {
        login: Some(LoginId(0)),
        session: 0,
        user_ref,
        filter,
    })));
    check_canceled(&venue);
    assert!(
        matches!(venue.events.last(), Some(Event::Order(OrderEvent::MassCanceled { canceled, .. })) if u64::from(*canceled) == MANY)
    );
    assert_eq!(venue.exchange.balance(AccountId(2), QUOTE), Some(other), "the other's money is as it was");
    venue.send(&Command::Order(OrderCommand::MassCancel(MassCancel::default())));
    fill(&mut venue);
    venue.send(&Command::Admin(AdminCommand::Kill {
        scope: KillScope::Account(AccountId(1)),
        switch: Switch::On,
    }));
    check_canceled(&venue);
    venue.check_and_clear();
}

/// All orders of the first login are gone, in the order of their numbers, and nothing else is.
fn check_canceled(venue: &Venue) {
    let canceled: Vec<_> = venue
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Order(OrderEvent::Canceled(gone)) => {
                Some((gone.order, gone.login, gone.open.0, gone.reserved.0))
            }
            _ => None,
        })
        .collect();
    assert!(canceled.len() as u64 == MANY && canceled.is_sorted());
    assert!(canceled.iter().all(|gone| (gone.1, gone.2, gone.3) == (LoginId(0), 0, 0)));
    assert_eq!(venue.events.len() as u64, MANY + 1);
    assert_eq!(venue.exchange.open_orders() as u64, MANY);
    let reserved = |account| venue.exchange.balance(AccountId(account), QUOTE).expect("known").reserved.0;
    assert_eq!(reserved(1), 0);
    assert!(reserved(2) > 0);
}

/// Lots by price on both sides, and what the rules make of them, worked out price by price.
fn auction(sides: &[BTreeMap<u64, u64>; 2]) -> (u64, u64, u64) {
    let [buys, sells] = sides;
    let mut prices: Vec<u64> = buys.keys().chain(sells.keys()).copied().collect();
    prices.sort_unstable();
    prices.dedup();
    let mut buying = buys.values().sum::<u64>();
    let mut selling = 0;
    let mut best = (0, std::cmp::Reverse(u64::MAX), std::cmp::Reverse(u64::MAX), 0);
    for price in prices {
        selling += sells.get(&price).unwrap_or(&0);
        let (volume, imbalance) = (buying.min(selling), buying.abs_diff(selling));
        best = best.max((volume, std::cmp::Reverse(imbalance), std::cmp::Reverse(price), price));
        buying -= buys.get(&price).unwrap_or(&0);
    }
    (best.3, best.0, best.1.0)
}

#[test]
fn an_auction_of_a_hundred_thousand_orders_a_side() {
    let mut venue = Venue::new(2 * MANY as u32, 10);
    venue.set_phase(Phase::OpeningAuction);
    let mut random = SplitMix64::new(3);
    let mut sides: [BTreeMap<u64, u64>; 2] = Default::default();
    for at in 0..2 * MANY {
        let side = [Side::Buy, Side::Sell][(at % 2) as usize];
        let ticks = 10_000 + random.remainder(8_000) - if side == Side::Sell { 2_000 } else { 0 };
        let lots = 1 + random.remainder(50);
        venue.enter(Order { login: (at % 10) as u32, side, ticks, lots });
        *sides[(at % 2) as usize].entry(ticks).or_default() += lots;
    }
    let (price, volume, imbalance) = auction(&sides);
    assert!(volume > MANY, "much of it trades");
    let indicative = match venue.send(&Command::Clock(ClockCommand::Tick)) {
        [Event::Market(MarketEvent::Indicative(indicative))] => *indicative,
        other => panic!("{other:?}"),
    };
    let found = indicative.price.map(|price| price.0.unsigned_abs());
    assert_eq!(
        (found, indicative.volume.0, indicative.imbalance.0),
        (Some(price), volume, imbalance),
        "price, volume, imbalance"
    );
    let opened = venue.set_phase(Phase::Continuous);
    assert_eq!(opened.first(), Some(&Event::Market(MarketEvent::Uncrossed(indicative))));
    assert!(matches!(
        opened.last(),
        Some(Event::Market(MarketEvent::PhaseSet { phase: Phase::Continuous, .. }))
    ));
    assert_eq!(opened.len(), 2 + venue.executed().count());
    assert!(venue.executed().all(|trade| trade.kind == TradeKind::Opening));
    assert!(venue.trades().all(|trade| trade.0 == price));
    assert_eq!(venue.trades().map(|trade| trade.1).sum::<u64>(), volume);
    // Every trade ends one of its two orders at least.
    assert!(venue.executed().count() as u64 <= 2 * MANY);
    let best = |side| venue.levels(side).first().map_or(0, |level| level.0);
    assert!(best(Side::Buy) <= price && price <= best(Side::Sell) && best(Side::Buy) < best(Side::Sell));
    venue.check_and_clear();
}

/// Linked buys, the better of one lot and the other of all there is to buy: only the one that would trade first takes part, so
/// that there is one round at one price, whatever the others have.
#[test]
fn linked_orders_count_once_in_an_auction() {
    const PAIRS: u64 = 10_000;
    let mut venue = Venue::new(3 * PAIRS as u32, 2);
    venue.set_phase(Phase::OpeningAuction);
    venue.enter(Order { login: 0, side: Side::Sell, ticks: 1, lots: PAIRS });
    let buy = |ticks, lots| Order { login: 1, side: Side::Buy, ticks, lots };
    for pair in 0..PAIRS {
        let ticks = 100_000 - 2 * pair;
        let oco = venue.enter(buy(ticks, 1));
        arm(&mut venue, buy(ticks - 1, PAIRS), Some(Instructions { oco, ..Instructions::default() }));
    }
    venue.set_phase(Phase::Continuous);
    let told = venue.events.iter().filter_map(|event| match event {
        Event::Market(MarketEvent::Uncrossed(auction)) => {
            auction.price.map(|price| (price.0.unsigned_abs(), auction.volume.0))
        }
        _ => None,
    });
    // Nothing is left over at any price between the two sides, and there is no reference: so it is the lowest.
    assert!(told.eq([(1, PAIRS)]));
    assert!(venue.trades().eq((0..PAIRS).map(|_| (1, 1))));
    assert_eq!(venue.exchange.open_orders(), 0);
    venue.check_and_clear();
}
