//! Every command that a client can send, in the worst states that the default limits allow: how long it holds the matcher.
//!
//! Each scenario is a state and one command. `.ci/instructions worst` counts the instructions of every part of every
//! command under callgrind, which collects only inside [`measured_part`]; `cargo bench --bench matching -- worst-commands`
//! takes the time of the same. A scenario says what has to come of its command, so that no refusal passes for a quick one.

mod cancels;
mod changes;
mod crowd;
mod due;
mod entries;
mod minimums;
mod sweeps;
mod tables;
mod triggers;

use crate::venue::{FIRST, Order, Venue};
use dojima::domain::{
    Cancel, CancelReason, Command, Event, Instructions, InstrumentId, LoginId, OrderCommand, OrderEvent,
    Quantity, Side, Stamp, TimeInForce, UserRef, VenueCommand, VenueLimits,
};
use dojima::exchange::{Exchange, Progress};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Puts the exchange into a state and has commands measured in it.
type State = fn(&mut Bench);

/// The states, each with the commands that are measured in it.
pub const STATES: [(&str, State); 9] = [
    ("sweeps", sweeps::all),
    ("minimums", minimums::all),
    ("entries", entries::all),
    ("triggers", triggers::all),
    ("changes", changes::all),
    ("cancels", cancels::all),
    ("due", due::all),
    ("tables", tables::all),
    ("crowd", crowd::all),
];

/// Orders that one order may touch.
const TOUCHED_MAX: u64 = 5_000;
/// Open orders of an account.
const ACCOUNT_ORDERS: u64 = 5_000;
/// Orders of an account that wait for triggers.
const ACCOUNT_TRIGGERS: u64 = 1_000;
/// Orders of an instrument that wait for triggers.
const TRIGGERS: u64 = 100_000;

const GTC: TimeInForce = TimeInForce::GoodTillCancel;
const IOC: TimeInForce = TimeInForce::ImmediateOrCancel;
/// A price with room on both sides.
const MID: u64 = 1 << 20;
/// Lots that no order lacks: the most that one may have.
const MOST: u64 = u32::MAX as u64;

/// What one part of a command did.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub touched: u32,
    pub events: usize,
    pub time: Duration,
}

/// What one command did.
#[derive(Debug)]
pub struct Measured {
    pub name: String,
    pub parts: Vec<Part>,
}

/// What measures commands.
pub struct Bench {
    /// Crowds are so many times smaller than the limits allow.
    scale: u64,
    events: Vec<Event>,
    pub measured: Vec<Measured>,
}

/// Does the first part of a command, or the next one: what is counted, and nothing else. Its name is known to
/// `.ci/instructions`.
#[inline(never)]
fn measured_part(
    exchange: &mut Exchange,
    stamp: Stamp,
    command: Option<&Command>,
    events: &mut Vec<Event>,
) -> Progress {
    match command {
        Some(command) => exchange.begin(stamp, command, events),
        None => exchange.proceed(events),
    }
}

/// Callgrind writes down what it counted when this is called, and begins anew. Its name is known to `.ci/instructions`.
#[inline(never)]
fn part_is_measured(events: &[Event]) {
    black_box(events);
}

impl Bench {
    pub fn new(scale: u64) -> Self {
        // Touched before anything is measured: the memory of events is the ring's, and is there at any time.
        Self { scale, events: vec![Event::default(); 1 << 19], measured: Vec::new() }
    }

    /// A venue with the default limits.
    fn venue(&self, orders_max: u32, logins: u32) -> Venue {
        let mut venue = Venue::new(orders_max, logins);
        let orders_touched_max = self.sized(TOUCHED_MAX) as u32;
        let limits = VenueLimits { orders_touched_max, ..VenueLimits::default() };
        if self.scale == 1 {
            assert_eq!(limits, VenueLimits::default(), "what is measured holds for the default limits");
        }
        venue.send(&Command::Venue(VenueCommand::SetLimits { limits: VenueLimits { orders_max, ..limits } }));
        venue
    }

    /// So many, or as many fewer as this run is smaller.
    fn sized(&self, count: u64) -> u64 {
        (count / self.scale).max(4)
    }

    /// Measures one command, part by part. What came of it, for the scenario to check.
    fn measure(&mut self, name: impl Into<String>, venue: &mut Venue, command: &Command) -> Outcome<'_> {
        venue.stamp.sequence += 1;
        self.events.clear();
        let (mut parts, mut next) = (Vec::new(), Some(command));
        loop {
            let before = self.events.len();
            let start = Instant::now();
            let progress = measured_part(&mut venue.exchange, venue.stamp, next.take(), &mut self.events);
            let time = start.elapsed();
            part_is_measured(&self.events);
            let touched = venue.exchange.touched();
            parts.push(Part { touched, events: self.events.len() - before, time });
            if progress == Progress::Done {
                break;
            }
        }
        self.measured.push(Measured { name: name.into(), parts });
        Outcome { events: &self.events }
    }
}

/// The events of a measured command.
struct Outcome<'b> {
    events: &'b [Event],
}

impl Outcome<'_> {
    fn count(&self, is: impl Fn(&Event) -> bool) -> u64 {
        self.events.iter().filter(|event| is(event)).count() as u64
    }

    fn trades(&self) -> u64 {
        self.count(|event| matches!(event, Event::Order(OrderEvent::Executed(_))))
    }

    fn canceled(&self) -> u64 {
        self.count(|event| matches!(event, Event::Order(OrderEvent::Canceled(_))))
    }

    fn canceled_as(&self, reason: CancelReason) -> u64 {
        self.count(|event| matches!(event, Event::Order(OrderEvent::Canceled(canceled)) if canceled.reason == reason))
    }

    fn triggered(&self) -> u64 {
        self.count(|event| matches!(event, Event::Order(OrderEvent::Triggered(_))))
    }

    /// The command was taken and one event says so.
    #[track_caller]
    fn has(&self, is: impl Fn(&Event) -> bool) {
        let shown = &self.events[..self.events.len().min(3)];
        assert!(self.count(is) > 0, "{} events, the first {shown:?}", self.events.len());
    }
}

fn order(login: u64, side: Side, ticks: u64, lots: u64) -> Order {
    Order { login: login as u32, side, ticks, lots }
}

/// The command for an order of the first instrument.
fn enter(venue: &mut Venue, order: Order, rest: TimeInForce, asked: Instructions) -> Command {
    enter_in(venue, FIRST, order, rest, asked)
}

fn enter_in(
    venue: &mut Venue,
    instrument: InstrumentId,
    order: Order,
    rest: TimeInForce,
    asked: Instructions,
) -> Command {
    let asked = (asked != Instructions::default()).then_some(asked);
    Command::Order(OrderCommand::Enter(venue.next_enter(order, instrument, rest, asked)))
}

fn cancel(login: u64, user_ref: UserRef) -> Command {
    Command::Order(OrderCommand::Cancel(Cancel {
        login: LoginId(login as u32),
        session: 0,
        user_ref,
        quantity: Quantity(0),
    }))
}

/// Where the orders of a crowd stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prices {
    /// All at one price.
    One,
    /// Each at a price of its own, away from the other side.
    Many,
}

impl Prices {
    const BOTH: [Self; 2] = [Self::One, Self::Many];

    fn name(self) -> &'static str {
        match self {
            Self::One => "at one price",
            Self::Many => "at prices of their own",
        }
    }

    /// The price of an order of a side.
    fn ticks(self, side: Side, at: u64) -> u64 {
        match (self, side) {
            (Self::One, _) => MID,
            (Self::Many, Side::Sell) => MID + at,
            (Self::Many, Side::Buy) => MID - at,
        }
    }
}

/// Takes the time of every scenario and prints it.
pub fn full() {
    /// Each state is made so often; the best time of each command is told.
    const ROUNDS: usize = 3;
    println!(
        "{:<68} {:>6} {:>16} {:>12} {:>9} {:>9}",
        "command", "parts", "longest part, µs", "together, µs", "touched", "events"
    );
    for (_, state) in STATES {
        let mut rounds: Vec<Vec<Measured>> = Vec::new();
        for _ in 0..ROUNDS {
            let mut bench = Bench::new(1);
            state(&mut bench);
            rounds.push(bench.measured);
        }
        for at in 0..rounds[0].len() {
            let of_round = |round: &Vec<Measured>| {
                let times = round[at].parts.iter().map(|part| part.time);
                (times.clone().max().unwrap_or_default(), times.sum::<Duration>())
            };
            let longest = rounds.iter().map(|round| of_round(round).0).min().unwrap_or_default();
            let together = rounds.iter().map(|round| of_round(round).1).min().unwrap_or_default();
            let Measured { name, parts } = &rounds[0][at];
            println!(
                "{name:<68} {:>6} {:>16.1} {:>12.1} {:>9} {:>9}",
                parts.len(),
                longest.as_secs_f64() * 1e6,
                together.as_secs_f64() * 1e6,
                parts.iter().map(|part| part.touched).sum::<u32>(),
                parts.iter().map(|part| part.events).sum::<usize>(),
            );
        }
    }
}

/// Every scenario with a small crowd: what comes of it is checked.
pub fn small() {
    let mut bench = Bench::new(50);
    STATES.iter().for_each(|(_, state)| state(&mut bench));
    println!("worst-commands: {} commands", bench.measured.len());
}
