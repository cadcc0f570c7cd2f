//! Sizes far beyond a usual day, timed. `tests/it/exchange/extremes` checks that the results are right.

use crate::timing::{Figure, check_small, print_best, run};
use crate::venue::{FIRST, Order, Venue};
use dojima::domain::{
    AdminCommand, Cancel, Command, Enter, Instructions, Listing, LoginId, MassCancel, OrderCommand, OrderId,
    OrderPrice, Phase, Price, Quantity, Replace, Side, TimeInForce, Trigger, TriggerKind, TriggerReference,
    UserRef,
};
use dojima::runtime::SplitMix64;
use std::time::Duration;

const CASES: [fn(usize) -> Vec<Figure>; 9] = [
    |scale| levels(100_000 / scale, 10_000 / scale),
    |scale| levels(1_000_000 / scale, 10_000 / scale),
    |scale| makers(100_000 / scale),
    |scale| one_level(100_000 / scale),
    |scale| resting(1_000_000 / scale, 200_000 / scale),
    |scale| scattered(200_000 / scale),
    |scale| stops(100_000 / scale, 1_000 / scale),
    |scale| trailing(10_000 / scale),
    |scale| linked_buys(1_000 / scale),
];

/// The digest of the small form.
const SMALL: u64 = 0xA439_0612_23A2_E4B4;

pub fn full() {
    print_best(&CASES, 3);
}

pub fn small() {
    check_small("worst", &CASES, SMALL);
}

/// A price in the middle of all.
const MID: u64 = 1 << 30;

fn sell(venue: &mut Venue, ticks: u64) -> Enter {
    let order = Order { login: 0, side: Side::Sell, ticks, lots: 1 };
    venue.next_enter(order, FIRST, TimeInForce::GoodTillCancel, None)
}

fn cancels(orders: &[Command]) -> Vec<Command> {
    let cancel = |order: &Command| match order {
        Command::Order(OrderCommand::Enter(enter)) => {
            let (login, user_ref) = (enter.login, enter.user_ref);
            Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref,
                quantity: Quantity(0),
            }))
        }
        other => panic!("{other:?} is no new order"),
    };
    orders.iter().map(cancel).collect()
}

/// Times the commands, with room for their events.
fn timed(venue: &mut Venue, commands: &[Command]) -> Duration {
    let mut events = Vec::with_capacity(1 << 14);
    run(&mut venue.exchange, commands, &mut events).0
}

/// New levels and cancels at both ends and in the middle of many.
fn levels(levels: usize, count: usize) -> Vec<Figure> {
    let mut venue = Venue::new((levels + count) as u32, 1);
    for at in 0..levels as u64 {
        venue.enter(Order { login: 0, side: Side::Sell, ticks: MID + 2 * at, lots: 1 });
    }
    let mut random = SplitMix64::new(5);
    let mut places: Vec<u64> = (0..levels as u64).map(|at| MID + 2 * at + 1).collect();
    (0..places.len()).for_each(|at| places.swap(at, random.remainder(at as u64 + 1) as usize));
    let far: Vec<u64> = (0..count as u64).map(|at| MID + 2 * (levels as u64 + at)).collect();
    let near: Vec<u64> = (0..count as u64).map(|at| MID - 1 - at).collect();
    let mut figures = Vec::new();
    for (name, prices) in [("at the best end", &near), ("in the middle", &places), ("at the far end", &far)] {
        let count = count.min(prices.len());
        let orders: Vec<_> = prices[..count]
            .iter()
            .map(|ticks| Command::Order(OrderCommand::Enter(sell(&mut venue, *ticks))))
            .collect();
        for (what, commands) in [("new level", &orders), ("level gone", &cancels(&orders))] {
            let time = timed(&mut venue, commands);
            let name = format!("{what} {name} of {levels} levels");
            figures.push(Figure::new(name, "command", count, time, &venue.exchange));
        }
    }
    figures
}

/// One market order.
fn makers(makers: usize) -> Vec<Figure> {
    let mut venue = Venue::new(makers as u32, 101);
    for at in 0..makers as u64 {
        let login = (at % 100) as u32;
        venue.enter(Order { login, side: Side::Sell, ticks: MID + at * 37 % 100, lots: 1 + at % 3 });
    }
    let lots = venue.levels(Side::Sell).iter().map(|level| level.1).sum();
    let taker = Order { login: 100, side: Side::Buy, ticks: 0, lots };
    let taker = Command::Order(OrderCommand::Enter(venue.next_enter(
        taker,
        FIRST,
        TimeInForce::GoodTillCancel,
        None,
    )));
    let mut events = Vec::with_capacity(makers + 16);
    events.resize(makers + 16, dojima::domain::Event::default());
    let (time, count) = run(&mut venue.exchange, &[taker], &mut events);
    assert_eq!(count, makers + 1);
    vec![Figure::new("one market order through makers at 100 prices", "fill", makers, time, &venue.exchange)]
}

/// Cancels in a scattered order.
fn one_level(orders: usize) -> Vec<Figure> {
    let mut venue = Venue::new(orders as u32, 1);
    let mut list: Vec<_> =
        (0..orders).map(|_| Command::Order(OrderCommand::Enter(sell(&mut venue, MID)))).collect();
    let time = timed(&mut venue, &list);
    let name = format!("new order on one level, up to {orders} orders");
    let entered = Figure::new(name, "command", orders, time, &venue.exchange);
    let mut random = SplitMix64::new(6);
    (0..list.len()).for_each(|at| list.swap(at, random.remainder(at as u64 + 1) as usize));
    let gone = &cancels(&list)[..orders / 2];
    let time = timed(&mut venue, gone);
    let name = "cancel anywhere on that level";
    vec![entered, Figure::new(name, "command", gone.len(), time, &venue.exchange)]
}

/// Moves all over a book of very many orders; then what an operator may do to it.
fn resting(orders: usize, moves: usize) -> Vec<Figure> {
    const LOGINS: u64 = 1_000;
    let mut venue = Venue::new(orders as u32, LOGINS as u32);
    let price = |side, away| if side == Side::Buy { MID - 1 - away } else { MID + away };
    let side_of = |login: u32| if login.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let mut random = SplitMix64::new(7);
    for at in 0..orders as u64 {
        let login = (at % LOGINS) as u32;
        let ticks = price(side_of(login), random.remainder(1_000));
        venue.enter(Order { login, side: side_of(login), ticks, lots: 1 });
    }
    let per_login = (orders as u64).div_ceil(LOGINS) as u32;
    let mut current: Vec<u32> = (0..orders as u32).map(|at| at / LOGINS as u32 + 1).collect();
    let moved: Vec<_> = (0..moves)
        .map(|_| {
            let at = random.remainder(orders as u64) as usize;
            let login = (at as u64 % LOGINS) as u32;
            let user_ref = venue.next_user_ref(login);
            let orig_user_ref = UserRef(std::mem::replace(&mut current[at], user_ref.0));
            Command::Order(OrderCommand::Replace(Replace {
                login: LoginId(login),
                orig_user_ref,
                user_ref,
                price: OrderPrice::Limit((price(side_of(login), random.remainder(1_000))) as i64),
                quantity: Quantity(1),
                ..Replace::default()
            }))
        })
        .collect();
    let mut figures = Vec::new();
    let mut add = |venue: &mut Venue, name: String, each, count, commands: &[Command]| {
        let time = timed(venue, commands);
        figures.push(Figure::new(name, each, count, time, &venue.exchange));
    };
    add(&mut venue, format!("move anywhere among {orders} orders"), "command", moves, &moved);
    let last = venue.exchange.orders(FIRST, Side::Buy).last().map_or(OrderId(0), |order| order.id);
    let one = [Command::Order(OrderCommand::CancelOrder { order: last })];
    add(&mut venue, "cancel by an operator, by number, among them".to_owned(), "command", 1, &one);
    let own = [Command::Order(OrderCommand::MassCancel(MassCancel {
        login: Some(LoginId(0)),
        user_ref: venue.next_user_ref(0),
        ..MassCancel::default()
    }))];
    let name = format!("mass cancel of one login's {per_login} among them");
    add(&mut venue, name, "command", 1, &own);
    let left = venue.exchange.open_orders();
    let all = [Command::Order(OrderCommand::MassCancel(MassCancel::default()))];
    add(&mut venue, "mass cancel of all".to_owned(), "order", left, &all);
    figures
}

/// New and cancelled levels at random prices between 1 and 2^31.
fn scattered(count: usize) -> Vec<Figure> {
    let mut venue = Venue::new(2 * count as u32, 1);
    let mut random = SplitMix64::new(8);
    let mut list = || -> Vec<Command> {
        let mut ticks = || 1 + random.remainder(Listing::PRICE_END - 2);
        (0..count).map(|_| Command::Order(OrderCommand::Enter(sell(&mut venue, ticks())))).collect()
    };
    let (first, second) = (list(), list());
    let gone = cancels(&first);
    let both: Vec<_> = second.iter().zip(&gone).flat_map(|(new, gone)| [*new, *gone]).collect();
    let filling = timed(&mut venue, &first);
    let name = format!("new order at a random price, up to {count} levels");
    let filled = Figure::new(name, "command", count, filling, &venue.exchange);
    let time = timed(&mut venue, &both);
    vec![
        filled,
        Figure::new("one comes, one goes, at random prices", "command", 2 * count, time, &venue.exchange),
    ]
}

fn armed(venue: &mut Venue, kind: TriggerKind, ticks: u64) -> Command {
    let trigger = Trigger { kind, reference: TriggerReference::LastTrade, price: ticks as u32 };
    let asked = Instructions { trigger: Some(trigger), ..Instructions::default() };
    let order = Order { login: 0, side: Side::Sell, ticks: 0, lots: 1 };
    Command::Order(OrderCommand::Enter(venue.next_enter(
        order,
        FIRST,
        TimeInForce::GoodTillCancel,
        Some(asked),
    )))
}

fn trade_at(venue: &mut Venue, ticks: u64) {
    venue.enter(Order { login: 1, side: Side::Sell, ticks, lots: 1 });
    venue.enter(Order { login: 1, side: Side::Buy, ticks, lots: 1 });
}

/// Stops below the market, armed where it costs most and least; then each releases the next.
fn stops(count: usize, more: usize) -> Vec<Figure> {
    let mut venue = Venue::new(2 * count as u32 + 10, 2);
    let prices = count as u64;
    trade_at(&mut venue, 2 * prices);
    for ticks in 1..=prices {
        venue.enter(Order { login: 1, side: Side::Buy, ticks, lots: 1 });
    }
    // Those that come last here are released last.
    let near: Vec<_> = (more as u64..prices).map(|at| armed(&mut venue, TriggerKind::Stop, at + 2)).collect();
    let far: Vec<_> = (0..more as u64).rev().map(|at| armed(&mut venue, TriggerKind::Stop, at + 2)).collect();
    let mut figures = Vec::new();
    for (name, list) in [("next to go", &near), ("last to go", &far)] {
        let time = timed(&mut venue, list);
        let name = format!("stop armed, {name} of up to {count}");
        figures.push(Figure::new(name, "command", list.len(), time, &venue.exchange));
    }
    trade_at(&mut venue, prices + 2);
    let last = Order { login: 1, side: Side::Sell, ticks: 0, lots: 1 };
    let last =
        Command::Order(OrderCommand::Enter(venue.next_enter(last, FIRST, TimeInForce::GoodTillCancel, None)));
    let mut events = vec![dojima::domain::Event::default(); 2 * count + 16];
    let (time, told) = run(&mut venue.exchange, &[last], &mut events);
    assert!(told >= count, "{told} events");
    figures.push(Figure::new(
        "one trade, each stop releases the next",
        "release",
        count,
        time,
        &venue.exchange,
    ));
    figures
}

/// A new high that all trailing stops follow.
fn trailing(count: usize) -> Vec<Figure> {
    let mut venue = Venue::new(count as u32 + 10, 2);
    trade_at(&mut venue, MID);
    let list: Vec<_> =
        (1..=count as u64).map(|at| armed(&mut venue, TriggerKind::TrailingStop, 2 * at)).collect();
    timed(&mut venue, &list);
    let price = Price(MID as i64 + 1);
    venue.enter(Order { login: 1, side: Side::Sell, ticks: price.0.unsigned_abs(), lots: 1 });
    let taker = Order { login: 1, side: Side::Buy, ticks: price.0.unsigned_abs(), lots: 1 };
    let taker = Command::Order(OrderCommand::Enter(venue.next_enter(
        taker,
        FIRST,
        TimeInForce::GoodTillCancel,
        None,
    )));
    let time = timed(&mut venue, &[taker]);
    let rise = Figure::new(
        format!("a new high, followed by {count} trailing stops"),
        "command",
        1,
        time,
        &venue.exchange,
    );
    let gone = cancels(&list);
    let time = timed(&mut venue, &gone);
    vec![rise, Figure::new("trailing stop cancelled, oldest first", "command", count, time, &venue.exchange)]
}

/// An auction of linked buys: the better one of each pair trades one lot and takes the other, which has no part in it, out of
/// the book.
fn linked_buys(count: usize) -> Vec<Figure> {
    let lots = count as u64;
    let mut venue = Venue::new(3 * count as u32, 2);
    venue.set_phase(Phase::OpeningAuction);
    venue.enter(Order { login: 0, side: Side::Sell, ticks: 1, lots });
    for pair in 0..count as u64 {
        let ticks = MID - 2 * pair;
        let oco = venue.enter(Order { login: 1, side: Side::Buy, ticks, lots: 1 });
        let asked = Some(Instructions { oco, ..Instructions::default() });
        let other = Order { login: 1, side: Side::Buy, ticks: ticks - 1, lots };
        venue.enter_with(other, FIRST, TimeInForce::GoodTillCancel, asked);
    }
    let opens = [Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase: Phase::Continuous })];
    let time = timed(&mut venue, &opens);
    assert_eq!(venue.exchange.last_trade().0, lots);
    let name = format!("auction of {count} pairs of linked orders");
    vec![Figure::new(name, "pair", count, time, &venue.exchange)]
}
