//! A flow generated from a seed, similar to real flows. Of 100 messages about 48 add, 45 delete and 4 execute; half of all
//! orders live only briefly; sometimes hundreds of messages come in one burst.
//!
//! The same seed always gives the same flow. The generator uses integers and its own random numbers, so no change of a
//! library can affect it.

use super::actions::{ActionKind, FlowAction, OrderIndex, SessionIndex};
use super::recording::Flow;
use super::venue::Venue;
use crate::config::Config;
use crate::domain::{InstrumentId, OrderPrice, Side, TimeInForce};
use crate::runtime::SplitMix64;

/// The target range for the number of resting orders of one instrument.
const RESTING: std::ops::Range<usize> = 800..6_000;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorOptions {
    /// Determines the flow.
    pub seed: u64,
    pub actions: usize,
    /// The number of sessions over which the orders are distributed; at least 1.
    pub sessions: u16,
}

/// The flow of these options, on the two spot instruments of the built-in configuration.
pub fn generate(options: &GeneratorOptions) -> Flow {
    let mut market = Market::new(options);
    let actions = (0..options.actions).map(|_| market.step()).collect();
    let builtin = Config::spot();
    let mut venue = Venue {
        assets: builtin.assets,
        instruments: builtin.instruments,
        accounts: Vec::new(),
        deposits: [("BTC", 4_000_000_i64), ("ETH", 40_000_000), ("USDT", 40_000_000_000)]
            .map(|(code, total)| (code.to_owned(), total.into()))
            .into(),
    };
    venue.open_accounts(options.sessions.max(1));
    Flow {
        name: format!("generated from seed {}", options.seed),
        venue,
        actions,
        order_names: (0..u64::from(market.orders)).collect(),
        rows: options.actions as u64,
        rows_around: 0,
        left_out: Vec::new(),
    }
}

/// A random number from 0 to `end` - 1; small numbers are much more frequent.
fn near(random: &mut SplitMix64, end: u64) -> u64 {
    let (a, b) = (random.below(end), random.below(end));
    a * b / end
}

/// An order that the generator assumes to be resting. It may have traded: real traders also cancel orders that are gone.
#[derive(Clone, Copy)]
struct Resting {
    order: OrderIndex,
    side: Side,
    quantity: u32,
}

/// One instrument in the generator's model, in price units and lots.
struct Book {
    mid: u64,
    /// One step of the price, price units.
    tick: u64,
    /// The largest distance of a passive price from the middle, ticks.
    depth: u64,
    quantity_max: u64,
    resting: Vec<Resting>,
}

struct Market {
    random: SplitMix64,
    now_ns: u64,
    /// Messages left in the current burst.
    burst: u64,
    orders: u32,
    sessions: u16,
    books: [Book; 2],
}

impl Market {
    fn new(options: &GeneratorOptions) -> Self {
        let book =
            |mid, tick, depth, quantity_max| Book { mid, tick, depth, quantity_max, resting: Vec::new() };
        Self {
            random: SplitMix64::new(options.seed),
            now_ns: 0,
            burst: 0,
            orders: 0,
            sessions: options.sessions.max(1),
            // BTC-USDT at 78,000.00 in lots of 0.00001, ETH-USDT at 2,400.00 in lots of 0.0001.
            books: [book(7_800_000, 100, 400, 50_000), book(240_000, 5, 300, 80_000)],
        }
    }

    fn step(&mut self) -> FlowAction {
        self.pass_time();
        // Two of three messages are about the busier instrument.
        let at = usize::from(self.random.below(3) == 0);
        self.drift(at);
        let resting = self.books[at].resting.len();
        let (order, kind) = match self.random.below(1_000) {
            _ if resting < RESTING.start => self.add(at),
            _ if resting >= RESTING.end => self.delete(at),
            0..480 => self.add(at),
            480..930 => self.delete(at),
            930..970 => self.take(at),
            970..985 => self.reduce(at),
            _ => self.replace(at),
        };
        FlowAction {
            at_ns: self.now_ns,
            order,
            session: SessionIndex((order.0 % u32::from(self.sessions)) as u16),
            instrument: InstrumentId(at as u32),
            kind,
        }
    }

    /// Advances the time: bursts of 60 to 500 messages, 0.5 to 2 µs apart, and between them pauses of various lengths.
    fn pass_time(&mut self) {
        self.now_ns += if self.burst > 0 {
            self.burst -= 1;
            500 + self.random.below(1_500)
        } else {
            let scale = 1 << self.random.below(21);
            self.random.below(scale) + 1_000
        };
        if self.burst == 0 && self.random.below(2_000) == 0 {
            self.burst = 60 + self.random.below(441);
        }
    }

    /// Moves the price by a step now and then, and back when it is far away.
    fn drift(&mut self, at: usize) {
        let book = &mut self.books[at];
        match self.random.below(200) {
            0 => book.mid += book.tick,
            1 if book.mid > book.tick * 2 * book.depth => book.mid -= book.tick,
            _ => {}
        }
    }

    fn side(&mut self) -> Side {
        if self.random.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    /// A price at a distance from the middle, ticks. Positive is on the aggressive side.
    fn price(&mut self, at: usize, side: Side, ticks_in: i64) -> OrderPrice {
        let book = &self.books[at];
        let offset = book.tick as i64 * ticks_in;
        let units = match side {
            Side::Buy => book.mid as i64 + offset,
            Side::Sell => book.mid as i64 - offset,
        };
        OrderPrice::Limit(units.max(book.tick as i64))
    }

    fn passive_price(&mut self, at: usize, side: Side) -> OrderPrice {
        let away = 1 + near(&mut self.random, self.books[at].depth) as i64;
        self.price(at, side, -away)
    }

    fn quantity(&mut self, at: usize) -> u32 {
        100 + near(&mut self.random, self.books[at].quantity_max) as u32
    }

    fn enter(
        &mut self,
        side: Side,
        price: OrderPrice,
        quantity: u32,
        time_in_force: TimeInForce,
    ) -> (OrderIndex, ActionKind) {
        let order = OrderIndex(self.orders);
        self.orders += 1;
        (order, ActionKind::New { side, price, quantity, time_in_force })
    }

    fn add(&mut self, at: usize) -> (OrderIndex, ActionKind) {
        let side = self.side();
        let (price, quantity) = (self.passive_price(at, side), self.quantity(at));
        let entered = self.enter(side, price, quantity, TimeInForce::GoodTillCancel);
        self.books[at].resting.push(Resting { order: entered.0, side, quantity });
        entered
    }

    /// An immediate-or-cancel order that crosses the middle by a few ticks.
    fn take(&mut self, at: usize) -> (OrderIndex, ActionKind) {
        let side = self.side();
        let into = 2 + near(&mut self.random, 20) as i64;
        let (price, quantity) = (self.price(at, side, into), self.quantity(at));
        self.enter(side, price, quantity, TimeInForce::ImmediateOrCancel)
    }

    /// Picks an order: with probability 0.7 one of the youngest 64, otherwise any. So half of all orders live only briefly.
    fn pick(&mut self, at: usize) -> usize {
        let resting = self.books[at].resting.len() as u64;
        let picked = match self.random.below(10) {
            0..7 => resting - 1 - self.random.below(resting.min(64)),
            _ => self.random.below(resting),
        };
        picked as usize
    }

    fn delete(&mut self, at: usize) -> (OrderIndex, ActionKind) {
        let picked = self.pick(at);
        let resting = self.books[at].resting.remove(picked);
        (resting.order, ActionKind::Cancel)
    }

    fn reduce(&mut self, at: usize) -> (OrderIndex, ActionKind) {
        let picked = self.pick(at);
        let by = 1 + self.random.below(50) as u32;
        let resting = &mut self.books[at].resting[picked];
        // At least one lot remains, so that the generator's model stays correct.
        let by = by.min(resting.quantity - 1).max(1);
        resting.quantity = resting.quantity.saturating_sub(by).max(1);
        (resting.order, ActionKind::Reduce { by })
    }

    fn replace(&mut self, at: usize) -> (OrderIndex, ActionKind) {
        let picked = self.pick(at);
        let Resting { order, side, .. } = self.books[at].resting[picked];
        let (price, total) = (self.passive_price(at, side), self.quantity(at));
        self.books[at].resting[picked].quantity = total;
        (order, ActionKind::Replace { price, total })
    }
}
