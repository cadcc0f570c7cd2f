//! Auctions that take several parts: the same events as in one, and no part with much more work than it may have.

use crate::support::venue::{FIRST, Order, Venue};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, ClockCommand, Command, Event, GroupId, Instructions,
    MarketEvent, OrderEvent, Owner, Phase, SelfTrade, SelfTradePrevention, Side, TimeInForce, UserRef,
    VenueCommand, VenueEvent, VenueLimits, Visibility,
};
use dojima::exchange::{Exchange, Progress};
use dojima::runtime::SplitMix64;

/// The lowest limit that there is.
const LIMIT: u32 = *VenueLimits::ORDERS_TOUCHED.start();
/// What a part touches beyond its limit, at most: the last two orders that meet lose lots or go, and so do the orders that they
/// are linked to; a linked one that goes counts twice.
const OVER: u32 = 10;
const TRADERS: u32 = 5;
const ORDERS: u32 = 600;

/// Orders of all kinds that gather, many of them of one owner, and many linked.
fn gathered(seed: u64) -> Venue {
    let mut random = SplitMix64::new(seed);
    let mut venue = Venue::new(2 * ORDERS, TRADERS);
    let modes = [
        SelfTrade::Allow,
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::CancelBoth,
        SelfTrade::DecrementBoth,
    ];
    for (at, mode) in modes.into_iter().enumerate() {
        let owner = if at % 2 == 0 { Owner::Group } else { Owner::Account };
        let (account, group) = (AccountId(at as u32 + 1), GroupId(1 + at as u32 / 3));
        let prevention = SelfTradePrevention { mode, owner };
        venue.send(&Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
            account,
            prevention,
            group,
        })));
    }
    venue.set_phase(Phase::OpeningAuction);
    let mut last = None;
    for _ in 0..ORDERS {
        let side = if random.remainder(2) == 0 { Side::Buy } else { Side::Sell };
        let login = random.remainder(u64::from(TRADERS)) as u32;
        let order = Order { login, side, ticks: 970 + random.remainder(60), lots: 1 + random.remainder(30) };
        let mut asked = Instructions::NOTHING;
        match random.remainder(4) {
            0 => asked.visibility = Visibility::Hidden,
            1 => asked.display_quantity = 1 + random.remainder(order.lots) as u32,
            _ => {}
        }
        if random.remainder(5) == 0 {
            asked.self_trade = Some(SelfTradePrevention {
                mode: modes[random.remainder(5) as usize],
                owner: Owner::Account,
            });
        }
        // The order before it, if that is of the same login and side and not linked.
        let link = last.take().filter(|(of, at, _)| (*of, *at) == (login, side));
        asked.oco = link.map_or(UserRef(0), |(.., user_ref)| user_ref);
        let life = if random.remainder(2) == 0 { TimeInForce::Day } else { TimeInForce::GoodTillCancel };
        let user_ref = venue.enter_with(order, FIRST, life, Some(asked));
        last = link.is_none().then_some((login, side, user_ref));
    }
    venue
}

/// What comes of a command at this limit, and how many parts it takes.
fn done(venue: &Venue, limit: u32, command: &Command) -> (Exchange, Vec<Event>, u32) {
    let mut exchange = venue.exchange.clone();
    let limits = VenueLimits { orders_touched_max: limit, orders_max: 2 * ORDERS, ..VenueLimits::default() };
    let mut events = Vec::new();
    exchange.apply(venue.stamp, &Command::Venue(VenueCommand::SetLimits { limits }), &mut events);
    assert!(matches!(events[..], [Event::Venue(VenueEvent::LimitsSet { .. })]), "{events:?}");
    events.clear();
    let mut parts = 1;
    let mut progress = exchange.begin(venue.stamp, command, &mut events);
    loop {
        assert!(exchange.touched() <= limit + OVER, "{} of {limit} in part {parts}", exchange.touched());
        assert_eq!(exchange.audit(), Ok(()), "after part {parts}");
        if progress == Progress::Done {
            return (exchange, events, parts);
        }
        parts += 1;
        progress = exchange.proceed(&mut events);
    }
}

fn same_in_parts(venue: &Venue, command: &Command, parts_min: u32) -> Vec<Event> {
    let (_, expected, one) = done(venue, *VenueLimits::ORDERS_TOUCHED.end(), command);
    let (_, events, parts) = done(venue, LIMIT, command);
    assert_eq!((events == expected, one), (true, 1), "{command:?} gives something else in {parts} parts");
    assert!(parts >= parts_min, "{command:?} in {parts} parts");
    events
}

#[test]
fn an_auction_in_parts_is_the_same_auction() {
    let (mut trades, mut prevented, mut linked, mut rounds) = (0, 0, 0, 0);
    for seed in 0..20 {
        let venue = gathered(seed);
        let tick = same_in_parts(&venue, &Command::Clock(ClockCommand::Tick), 4);
        let [Event::Market(MarketEvent::Indicative(indicative))] = tick[..] else { panic!("{tick:?}") };
        for phase in [Phase::Continuous] {
            let events = same_in_parts(
                &venue,
                &Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase }),
                20,
            );
            let uncrossed = |event: &&Event| matches!(event, Event::Market(MarketEvent::Uncrossed(_)));
            let Some(Event::Market(MarketEvent::Uncrossed(first))) = events.first() else {
                panic!("{events:?}")
            };
            assert_eq!(*first, indicative);
            rounds += events.iter().filter(uncrossed).count() - 1;
            for event in &events {
                match event {
                    Event::Order(OrderEvent::Executed(_)) => trades += 1,
                    Event::Order(OrderEvent::Canceled(canceled)) => match canceled.reason {
                        dojima::domain::CancelReason::SelfTradePrevented(_) => prevented += 1,
                        dojima::domain::CancelReason::LinkedOrder => linked += 1,
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
    }
    println!("{trades} trades, {prevented} prevented, {linked} linked, {rounds} further rounds");
    assert!(trades > 1_000 && prevented > 500 && linked > 100 && rounds > 5);
}

/// Thousands of linked pairs: one round reaches the volume that was told, and every order is touched once.
#[test]
fn linked_orders_are_resolved_before_the_price_is_looked_for() {
    const PAIRS: u64 = 1_000;
    let mut venue = Venue::new(5_000, 2);
    venue.set_phase(Phase::OpeningAuction);
    for at in 0..PAIRS {
        let order = |ticks| Order { login: 0, side: Side::Buy, ticks, lots: 2 };
        let first = venue.enter(order(1_000 + at));
        let asked = Instructions { oco: first, ..Instructions::NOTHING };
        venue.enter_with(order(1_000 + at / 2), FIRST, TimeInForce::GoodTillCancel, Some(asked));
    }
    venue.enter(Order { login: 1, side: Side::Sell, ticks: 900, lots: 2 * PAIRS });
    let (_, events, _) = done(
        &venue,
        *VenueLimits::ORDERS_TOUCHED.end(),
        &Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase: Phase::Continuous }),
    );
    let rounds: Vec<_> =
        events.iter().filter(|event| matches!(event, Event::Market(MarketEvent::Uncrossed(_)))).collect();
    let [Event::Market(MarketEvent::Uncrossed(auction))] = rounds[..] else { panic!("{rounds:?}") };
    assert_eq!((auction.volume.0, auction.imbalance.0), (2 * PAIRS, 0));
    let traded: u64 =
        events
            .iter()
            .map(|event| {
                if let Event::Order(OrderEvent::Executed(executed)) = event { executed.quantity.0 } else { 0 }
            })
            .sum();
    assert_eq!(traded, auction.volume.0);
}
