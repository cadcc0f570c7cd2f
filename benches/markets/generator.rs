//! Five markets: how the middle of the book moves, and how traders follow it.
//!
//! Distances from the mid follow a power law: half of the orders within 10 ticks of it, one in a hundred beyond 1,000.
//! Who finds the mid on the wrong side of an order mostly takes the order back before someone trades with it.

use super::flow::{Kind, Message, Report, Venue, What};
use super::percent;
use super::venue::Dojima;
use dojima::domain::Side;
use dojima::runtime::SplitMix64;
use std::fmt;

/// How the mid moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// A tick to either side now and then.
    Calm,
    /// Not at all.
    Static,
    /// Up and down by 500 ticks, slowly.
    SwingingWidely,
    /// Up and down by 3,000 ticks as fast as the traders can follow.
    SwingingWildly,
    /// Down by half.
    Crashing,
}

impl Market {
    pub const ALL: [Self; 5] =
        [Self::Calm, Self::Static, Self::SwingingWidely, Self::SwingingWildly, Self::Crashing];

    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Static => "static",
            Self::SwingingWidely => "swinging widely",
            Self::SwingingWildly => "swinging wildly",
            Self::Crashing => "crashing",
        }
    }
}

const MID_FIRST: i32 = 100_000;
/// The mid waits while orders lie this far on its wrong side.
const STALE_TICKS: i32 = 16;
const DEPTH_MAX: u64 = 20_000;

/// A flow: messages that fill the book, then those to be measured, and how the latter turned out.
pub struct Flow {
    pub fill: Vec<Message>,
    pub messages: Vec<Message>,
    pub mix: Mix,
}

/// What the measured messages turned out to hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mix {
    pub new: u64,
    pub immediate: u64,
    pub cancels: u64,
    pub modifies: u64,
    /// Resting orders that ended by a cancel or modify.
    pub taken_back: u64,
    /// Resting orders that ended by a trade.
    pub traded: u64,
    /// Ticks that the mid went in all, down as well as up.
    pub travel: u64,
    /// Where the mid ended, ticks.
    pub mid: i32,
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { new, immediate, cancels, modifies, taken_back, traded, travel, mid } = *self;
        let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let all = new + immediate + cancels + modifies;
        write!(
            f,
            "{:.1} % new, {:.1} % of them immediate or cancel; {:.1} % cancels, {:.1} % modifies; {:.1} % of resting \
             orders end by these; the mid goes {travel} ticks and ends at {mid}",
            share(new + immediate, all),
            share(immediate, new + immediate),
            share(cancels, all),
            share(modifies, all),
            share(taken_back, taken_back + traded),
        )
    }
}

/// A live order as the generator follows it.
#[derive(Clone, Copy)]
struct Live {
    slot: u32,
    at: u32,
    side: Side,
}

struct Generator {
    market: Market,
    resting: usize,
    random: SplitMix64,
    venue: Dojima,
    reports: Vec<Report>,
    messages: Vec<Message>,
    mid: i32,
    /// Which way a swing goes.
    falling: bool,
    steps: u64,
    live: Vec<u32>,
    orders: Vec<Option<Live>>,
    /// Orders that are gone, to be cancelled in vain now and then.
    gone: Vec<(u32, u32)>,
    mix: Mix,
}

/// A market with about `resting` orders in its book.
pub fn generate(market: Market, resting: usize, count: usize) -> Flow {
    let mut generator = Generator {
        market,
        resting,
        random: SplitMix64::new(2026 + market as u64),
        venue: Dojima::new((resting * 2) as u32),
        reports: Vec::new(),
        messages: Vec::new(),
        mid: MID_FIRST,
        falling: true,
        steps: count as u64,
        live: Vec::new(),
        orders: vec![None],
        gone: Vec::new(),
        mix: Mix::default(),
    };
    while generator.live.len() < resting {
        generator.enter();
    }
    generator.mix = Mix::default();
    let fill = std::mem::take(&mut generator.messages);
    while generator.messages.len() < count {
        generator.step();
    }
    Flow { fill, messages: generator.messages, mix: generator.mix }
}

impl Generator {
    fn step(&mut self) {
        self.move_mid();
        if percent(&mut self.random, 20) && !self.live.is_empty() {
            return self.modify();
        }
        let (stale, share) = (self.stale(), if self.is_thin() { 20 } else { 70 });
        if let Some(stale) = stale
            && percent(&mut self.random, share)
        {
            return self.cancel(stale);
        }
        match self.random.remainder(100) {
            0 if self.gone.len() > 100 => self.cancel_in_vain(),
            roll if roll < self.share_of_new() || self.live.is_empty() => self.enter_or_take(),
            _ => {
                let order = self.anyone();
                self.cancel(order);
            }
        }
    }

    /// More new orders than cancels where orders are few, and fewer where they are many.
    fn share_of_new(&self) -> u64 {
        if self.is_thin() {
            85
        } else if self.live.len() < self.resting {
            60
        } else {
            45
        }
    }

    fn is_thin(&self) -> bool {
        self.live.len() < self.resting - self.resting / 20
    }

    fn move_mid(&mut self) {
        let done = self.messages.len() as u64;
        // In a swing or a crash the mid moves on as soon as the traders have followed.
        let follows = |generator: &Self| generator.behind() < STALE_TICKS && !generator.is_thin();
        let step = match self.market {
            Market::Static => 0,
            Market::Calm if self.random.remainder(64) == 0 => self.random.remainder(3) as i32 - 1,
            Market::Calm => 0,
            Market::SwingingWidely if self.random.remainder(16) == 0 && follows(self) => self.swing(500),
            Market::SwingingWidely => 0,
            Market::SwingingWildly if follows(self) => {
                self.swing(3_000) * (1 + self.random.remainder(4) as i32)
            }
            Market::SwingingWildly => 0,
            Market::Crashing => {
                let due = MID_FIRST - (u64::from(MID_FIRST as u32) / 2 * done / self.steps) as i32;
                if self.mid > due && follows(self) { -1 } else { 0 }
            }
        };
        self.mid += step;
        self.mix.travel += u64::from(step.unsigned_abs());
        self.mix.mid = self.mid;
    }

    fn swing(&mut self, amplitude: i32) -> i32 {
        if (self.mid - MID_FIRST).abs() >= amplitude {
            self.falling = self.mid > MID_FIRST;
        }
        if self.falling { -1 } else { 1 }
    }

    /// How far the best order on the wrong side of the mid lies from it.
    fn behind(&self) -> i32 {
        let best = |side| self.venue.book.best(side).map(|(price, _)| price.0 as i32);
        let bid = best(Side::Buy).map_or(0, |bid| bid - self.mid);
        let ask = best(Side::Sell).map_or(0, |ask| self.mid - ask);
        bid.max(ask)
    }

    /// The first order of the best level when it lies on the wrong side of the mid.
    fn stale(&self) -> Option<u32> {
        let wrong = |side, price: i32| if side == Side::Buy { price >= self.mid } else { price <= self.mid };
        [Side::Buy, Side::Sell].into_iter().find_map(|side| {
            let (price, handle) = self.venue.book.best(side)?;
            wrong(side, price.0 as i32).then(|| self.venue.orders.hot(handle).id.0 as u32)
        })
    }

    fn anyone(&mut self) -> u32 {
        let at = self.random.remainder(self.live.len() as u64) as usize;
        self.live[at]
    }

    /// A price on the order's own side, and mostly not through orders that wait to be taken back.
    fn price(&mut self, side: Side) -> i32 {
        let away = 1 + (10 * 65_536 / (1 + self.random.remainder(65_536)) - 10).min(DEPTH_MAX) as i32;
        let best = self.venue.book.best(side.opposite()).map(|(price, _)| price.0 as i32);
        let passive = percent(&mut self.random, 97);
        match side {
            Side::Buy => {
                let price = self.mid - away;
                best.filter(|_| passive).map_or(price, |best| price.min(best - 1))
            }
            Side::Sell => {
                let price = self.mid + away;
                best.filter(|_| passive).map_or(price, |best| price.max(best + 1))
            }
        }
    }

    fn quantity(&mut self) -> u32 {
        1 + self.random.remainder(100) as u32
    }

    fn side(&mut self) -> Side {
        if percent(&mut self.random, 50) { Side::Buy } else { Side::Sell }
    }

    fn enter_or_take(&mut self) {
        if percent(&mut self.random, 15) { self.take() } else { self.enter() }
    }

    fn enter(&mut self) {
        let side = self.side();
        let (price, quantity) = (self.price(side), self.quantity());
        self.mix.new += 1;
        self.send(Kind::New, side, price, quantity, 0);
    }

    /// Takes liquidity: mostly no more than the touch has.
    fn take(&mut self) {
        let side = self.side();
        let through = self.random.remainder(5) as i32 - 3;
        let best = self.venue.book.best(side.opposite()).map_or(self.mid, |(price, _)| price.0 as i32);
        let price = if side == Side::Buy { best + through } else { best - through };
        let quantity = self.quantity();
        self.mix.immediate += 1;
        self.send(Kind::ImmediateOrCancel, side, price, quantity, 0);
    }

    fn modify(&mut self) {
        let old = match self.stale() {
            Some(stale) if percent(&mut self.random, 50) => stale,
            _ => self.anyone(),
        };
        let side = self.orders[old as usize].expect("it is live").side;
        let (price, quantity) = (self.price(side), self.quantity());
        self.mix.modifies += 1;
        self.send(Kind::Modify, side, price, quantity, old);
    }

    fn cancel(&mut self, old: u32) {
        self.mix.cancels += 1;
        self.send(Kind::Cancel, Side::Buy, 0, 0, old);
    }

    fn cancel_in_vain(&mut self) {
        let at = self.random.remainder(self.gone.len() as u64) as usize;
        let (old, old_slot) = self.gone[at];
        self.mix.cancels += 1;
        self.apply(Message {
            kind: Kind::Cancel,
            side: Side::Buy,
            price: 0,
            quantity: 0,
            id: 0,
            old,
            old_slot,
        });
    }

    fn send(&mut self, kind: Kind, side: Side, price: i32, quantity: u32, old: u32) {
        let id = if kind == Kind::Cancel { 0 } else { self.orders.len() as u32 };
        if id > 0 {
            self.orders.push(None);
        }
        let old_slot = self.orders[old as usize].map_or(0, |live| live.slot);
        self.apply(Message { kind, side, price, quantity, id, old, old_slot });
    }

    fn apply(&mut self, message: Message) {
        self.messages.push(message);
        let mut reports = std::mem::take(&mut self.reports);
        reports.clear();
        self.venue.apply(&message, &mut reports);
        for report in &reports {
            match report.what {
                What::Added => {
                    let at = self.live.len() as u32;
                    self.live.push(report.order);
                    let live = Live { slot: report.slot, at, side: report.side };
                    self.orders[report.order as usize] = Some(live);
                }
                What::Cancelled => self.mix.taken_back += u64::from(self.end(report.order)),
                What::Executed if report.open == 0 => self.mix.traded += u64::from(self.end(report.order)),
                What::Executed | What::Accepted | What::NotFound => {}
            }
        }
        self.reports = reports;
    }

    /// Whether the order rested.
    fn end(&mut self, order: u32) -> bool {
        let Some(Live { slot, at, .. }) = self.orders[order as usize].take() else { return false };
        self.live.swap_remove(at as usize);
        if let Some(moved) = self.live.get(at as usize) {
            self.orders[*moved as usize].as_mut().expect("it is live").at = at;
        }
        if self.gone.len() < 1_000 {
            self.gone.push((order, slot));
        } else {
            let at = self.random.remainder(1_000) as usize;
            self.gone[at] = (order, slot);
        }
        true
    }
}
