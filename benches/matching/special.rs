//! Order types one by one.

use crate::timing::{Figure, check_small, print_best, run};
use crate::venue::{FIRST, Order, Venue};
use dojima::domain::{
    AdminCommand, Amend, Cancel, ClockCommand, Command, Instructions, LoginId, OrderCommand, Owner, Phase,
    PostOnly, Quantity, SelfTrade, SelfTradePrevention, Side, TimeInForce, Trigger, TriggerKind,
    TriggerReference, Visibility,
};
use dojima::runtime::SplitMix64;

const CASES: [fn(usize) -> Vec<Figure>; 7] = [
    |scale| plain(200_000 / scale),
    |scale| icebergs(200_000 / scale),
    |scale| instructed(200_000 / scale),
    |scale| self_trades(100_000 / scale),
    |scale| stops(100_000 / scale),
    |scale| linked(100_000 / scale),
    |scale| auction(100_000 / scale),
];

/// The digest of the small form.
const SMALL: u64 = 0xD911_91DF_0B58_F9E0;

pub fn full() {
    print_best(&CASES, 5);
}

pub fn small() {
    check_small("special", &CASES, SMALL);
}

const MID: u64 = 100_000;
const GTC: TimeInForce = TimeInForce::GoodTillCancel;
const IOC: TimeInForce = TimeInForce::ImmediateOrCancel;

/// A book of 1,000 orders on 100 prices a side, of logins of their own.
fn market(room: usize) -> Venue {
    let mut venue = Venue::new(room as u32 + 2_100, 20);
    for at in 0..2_000 {
        let side = [Side::Buy, Side::Sell][(at % 2) as usize];
        let away = 1 + at / 2 % 100;
        let ticks = if side == Side::Buy { MID - away } else { MID + away };
        venue.enter(Order { login: (at % 10) as u32, side, ticks, lots: 1_000_000 });
    }
    venue
}

/// The command for an order of one of the logins that have nothing in the book.
fn order(
    venue: &mut Venue,
    side: Side,
    ticks: u64,
    lots: u64,
    asked: Instructions,
    rest: TimeInForce,
) -> Command {
    let login = 10 + venue.last_user_ref[10..].iter().sum::<u32>() % 10;
    let asked = (asked != Instructions::default()).then_some(asked);
    Command::Order(OrderCommand::Enter(venue.next_enter(
        Order { login, side, ticks, lots },
        FIRST,
        rest,
        asked,
    )))
}

fn cancel(of: &Command) -> Command {
    match of {
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
    }
}

/// Times the commands, with room for their events.
fn figure(venue: &mut Venue, name: &str, each: &'static str, count: usize, commands: &[Command]) -> Figure {
    let mut events = Vec::with_capacity(1 << 14);
    let (time, _) = run(&mut venue.exchange, commands, &mut events);
    Figure::new(name, each, count, time, &venue.exchange)
}

/// What the others compare with.
fn plain(count: usize) -> Vec<Figure> {
    let mut venue = market(16);
    let none = Instructions::default();
    let pairs: Vec<_> = (0..count / 2)
        .flat_map(|at| {
            let new = order(&mut venue, Side::Buy, MID - 1 - at as u64 % 50, 5, none, GTC);
            [new, cancel(&new)]
        })
        .collect();
    let rests = figure(&mut venue, "limit order and its cancel", "command", pairs.len(), &pairs);
    let takes: Vec<_> = (0..count).map(|_| order(&mut venue, Side::Buy, MID + 1, 1, none, IOC)).collect();
    let takes = figure(&mut venue, "immediate-or-cancel order, one fill", "command", count, &takes);
    let markets: Vec<_> = (0..count).map(|_| order(&mut venue, Side::Sell, 0, 1, none, GTC)).collect();
    vec![rests, takes, figure(&mut venue, "market order, one fill", "command", count, &markets)]
}

/// Each fill takes a whole slice, so that each shows the next.
fn icebergs(count: usize) -> Vec<Figure> {
    let mut venue = market(1_000);
    let asked = Instructions { display_quantity: 1, ..Instructions::default() };
    for login in 0..10 {
        let iceberg = Order { login, side: Side::Sell, ticks: MID, lots: 1 + count as u64 / 10 };
        venue.enter_with(iceberg, FIRST, GTC, Some(asked));
    }
    let none = Instructions::default();
    let lots = 20;
    let takes: Vec<_> =
        (0..count / lots).map(|_| order(&mut venue, Side::Buy, MID, lots as u64, none, IOC)).collect();
    let slices = takes.len() * lots;
    vec![figure(&mut venue, "icebergs taken, 20 slices an order", "slice", slices, &takes)]
}

/// Orders with instructions that come and go.
fn instructed(count: usize) -> Vec<Figure> {
    let mut venue = market(16);
    let mut figures = Vec::new();
    let cases = [
        (
            "hidden order and its cancel",
            MID - 1,
            5,
            Instructions { visibility: Visibility::Hidden, ..Default::default() },
            GTC,
        ),
        (
            "iceberg and its cancel",
            MID - 1,
            5,
            Instructions { display_quantity: 1, ..Default::default() },
            GTC,
        ),
        (
            "post-only order, slid by one tick, and its cancel",
            MID + 1,
            5,
            Instructions { post_only: PostOnly::Slide, ..Default::default() },
            GTC,
        ),
        (
            "good-till-time order and its cancel",
            MID - 1,
            5,
            Instructions { expire_s: 1_000_000, ..Default::default() },
            TimeInForce::GoodTillTime,
        ),
    ];
    for (name, ticks, lots, asked, rest) in cases {
        let pairs: Vec<_> = (0..count / 2)
            .flat_map(|_| {
                let new = order(&mut venue, Side::Buy, ticks, lots, asked, rest);
                [new, cancel(&new)]
            })
            .collect();
        figures.push(figure(&mut venue, name, "command", pairs.len(), &pairs));
    }
    let all = Instructions { min_quantity: 3, ..Instructions::default() };
    let kills: Vec<_> = (0..count).map(|_| order(&mut venue, Side::Buy, MID + 1, 3, all, IOC)).collect();
    figures.push(figure(&mut venue, "fill or kill, filled", "command", count, &kills));
    let more = Instructions { min_quantity: 100_000_000, ..Instructions::default() };
    let count = count / 100;
    let kills: Vec<_> =
        (0..count).map(|_| order(&mut venue, Side::Buy, MID + 50, 100_000_000, more, IOC)).collect();
    figures.push(figure(
        &mut venue,
        "fill or kill, killed after looking at 500 orders",
        "command",
        count,
        &kills,
    ));
    let new = order(&mut venue, Side::Buy, MID - 1, 1_000_000, Instructions::default(), GTC);
    let Command::Order(OrderCommand::Enter(enter)) = new else { unreachable!("an order is entered") };
    let amends = (1..=count as u64 * 50).map(|at| {
        let quantity = Quantity(1_000_000 - at);
        Command::Order(OrderCommand::Amend(Amend {
            login: enter.login,
            session: 0,
            user_ref: enter.user_ref,
            price: None,
            quantity,
        }))
    });
    let amends: Vec<_> = [new].into_iter().chain(amends).collect();
    figures.push(figure(&mut venue, "amend in place", "command", amends.len(), &amends));
    figures
}

/// A resting order and an incoming one of the same account.
fn self_trades(count: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, mode) in [
        ("self-trade allowed: order, order that meets it", SelfTrade::Allow),
        ("self-trade, newest cancelled", SelfTrade::CancelNewest),
        ("self-trade, oldest cancelled", SelfTrade::CancelOldest),
        ("self-trade, both cancelled", SelfTrade::CancelBoth),
        ("self-trade, both decremented", SelfTrade::DecrementBoth),
    ] {
        let mut venue = market(count);
        let prevention = SelfTradePrevention { mode, owner: Owner::Account };
        let asked = Instructions { self_trade: Some(prevention), ..Instructions::default() };
        let login = 10;
        let mut next = |side, asked, rest| {
            Command::Order(OrderCommand::Enter(venue.next_enter(
                Order { login, side, ticks: MID, lots: 1 },
                FIRST,
                rest,
                asked,
            )))
        };
        let pairs: Vec<_> = (0..count / 2)
            .flat_map(|_| [next(Side::Sell, None, GTC), next(Side::Buy, Some(asked), IOC)])
            .collect();
        figures.push(figure(&mut venue, name, "command", pairs.len(), &pairs));
    }
    figures
}

fn stop(venue: &mut Venue, side: Side, at: u64, ticks: u64) -> Command {
    let trigger =
        Trigger { kind: TriggerKind::Stop, reference: TriggerReference::LastTrade, price: at as u32 };
    let asked = Instructions { trigger: Some(trigger), ..Instructions::default() };
    order(venue, side, ticks, 1, asked, GTC)
}

fn stops(count: usize) -> Vec<Figure> {
    let mut venue = market(1_000);
    let none = Instructions::default();
    // 1,000 wait all the time.
    let waiting: Vec<_> = (0..1_000).map(|at| stop(&mut venue, Side::Sell, 1 + at, 0)).collect();
    figure(&mut venue, "", "", 1, &waiting);
    let pairs: Vec<_> = (0..count / 2)
        .flat_map(|at| {
            let new = stop(&mut venue, Side::Sell, 1 + at as u64 % 1_000, 0);
            [new, cancel(&new)]
        })
        .collect();
    let comes = figure(&mut venue, "stop and its cancel, 1,000 waiting", "command", pairs.len(), &pairs);
    // A stop that a trade at the best ask releases, which sells to the best bid; the last trade then is there.
    let rounds: Vec<_> = (0..count / 3)
        .flat_map(|_| {
            [
                order(&mut venue, Side::Buy, 0, 1, none, GTC),
                stop(&mut venue, Side::Sell, MID - 1, 0),
                order(&mut venue, Side::Sell, 0, 1, none, GTC),
            ]
        })
        .collect();
    let released =
        figure(&mut venue, "trade; stop; trade that releases it, and its trade", "three", count / 3, &rounds);
    vec![comes, released]
}

fn linked(count: usize) -> Vec<Figure> {
    let mut venue = market(1_000);
    let login = 10;
    let mut rounds = Vec::new();
    for _ in 0..count / 3 {
        let order = |ticks| Order { login, side: Side::Sell, ticks, lots: 1 };
        let first = venue.next_enter(order(MID), FIRST, GTC, None);
        let asked = Instructions { oco: first.user_ref, ..Instructions::default() };
        let second = venue.next_enter(order(MID + 1), FIRST, GTC, Some(asked));
        let taker = Order { login: 11, side: Side::Buy, ticks: MID, lots: 1 };
        let taker = venue.next_enter(taker, FIRST, IOC, None);
        rounds.extend([first, second, taker].map(|it| Command::Order(OrderCommand::Enter(it))));
    }
    let name = "order; order linked to it; trade that cancels it";
    vec![figure(&mut venue, name, "three", count / 3, &rounds)]
}

/// Random prices, much of which crosses.
fn auction(count: usize) -> Vec<Figure> {
    let mut venue = Venue::new(2 * count as u32, 10);
    venue.set_phase(Phase::OpeningAuction);
    let mut random = SplitMix64::new(3);
    let orders: Vec<_> = (0..2 * count as u64)
        .map(|at| {
            let side = [Side::Buy, Side::Sell][(at % 2) as usize];
            let ticks = 10_000 + random.remainder(8_000) - if side == Side::Sell { 2_000 } else { 0 };
            let order = Order { login: (at % 10) as u32, side, ticks, lots: 1 + random.remainder(50) };
            let enter = venue.next_enter(order, FIRST, GTC, None);
            Command::Order(OrderCommand::Enter(dojima::domain::Enter {
                login: LoginId((at % 10) as u32),
                ..enter
            }))
        })
        .collect();
    let gathers = figure(&mut venue, "order that gathers", "command", orders.len(), &orders);
    let name = format!("indicative price of {count} orders a side");
    let ticks = [Command::Clock(ClockCommand::Tick); 10];
    let indicative = figure(&mut venue, &name, "tick", ticks.len(), &ticks);
    let before = venue.exchange.last_trade().0;
    let opens = [Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase: Phase::Continuous })];
    let mut opened = figure(&mut venue, &format!("auction of {count} orders a side"), "trade", 1, &opens);
    opened.count = (venue.exchange.last_trade().0 - before) as usize;
    vec![gathers, indicative, opened]
}
