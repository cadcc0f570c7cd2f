//! What a session sends: orders, cancels and takers, mixed as the generated flow mixes them. Every request has exactly one
//! answer, and it is known beforehand which.

use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::runtime::SplitMix64;
use dojima::wire::ouch::{CancelOrder, EnterOrder};
use std::collections::VecDeque;

/// Symbol, middle price, price step and depth in steps, of the built-in venue.
const INSTRUMENTS: [(&str, u64, u64, u64); 2] =
    [("BTC-USDT", 7_800_000, 100, 400), ("ETH-USDT", 240_000, 5, 300)];

/// Lots of a resting order: more than all takers together take while it rests, so that its cancel always has an answer.
const RESTING_LOTS: u32 = 100_000;
const TAKEN_LOTS: u32 = 10;

/// Of 100 requests this many take, and up to this many add; the others cancel.
const TAKES: u64 = 4;
const ADDS: u64 = 52;

/// Cancels mostly hit one of so many youngest orders.
const YOUNGEST: usize = 64;

/// Open orders of all sessions together.
pub const RESTING_MAX: usize = 9_600;

/// One request.
#[derive(Clone, Copy, Debug)]
pub enum Request {
    Enter(EnterOrder),
    Cancel(CancelOrder),
}

impl Request {
    pub fn user_ref(&self) -> UserRef {
        match self {
            Self::Enter(order) => order.user_ref,
            Self::Cancel(order) => order.user_ref,
        }
    }
}

/// The requests of one session in their order: two scripts of the same session say the same.
#[derive(Clone, Debug)]
pub struct Script {
    random: SplitMix64,
    last_ref: u32,
    resting: VecDeque<UserRef>,
    resting_max: usize,
    symbols: [Symbol; 2],
}

impl Script {
    pub fn new(session: usize, sessions: usize) -> Self {
        Self {
            random: SplitMix64::new(session as u64),
            last_ref: 0,
            resting: VecDeque::new(),
            resting_max: RESTING_MAX / sessions.max(4),
            symbols: INSTRUMENTS.map(|(symbol, ..)| Symbol::new(symbol).expect("a symbol")),
        }
    }

    pub fn next(&mut self) -> Request {
        let draw = self.below(100);
        if draw < TAKES {
            return self.enter(true);
        }
        let adds = draw < ADDS && self.resting.len() < self.resting_max;
        if adds || self.resting.len() < YOUNGEST {
            let request = self.enter(false);
            self.resting.push_back(request.user_ref());
            return request;
        }
        let at = match self.below(10) {
            0..7 => self.resting.len() - 1 - self.below(YOUNGEST as u64) as usize,
            _ => 0,
        };
        let user_ref = self.resting.remove(at).expect("it is one of those");
        Request::Cancel(CancelOrder { user_ref, quantity: 0 })
    }

    fn enter(&mut self, takes: bool) -> Request {
        let at = usize::from(self.below(3) == 0);
        let (_, middle, step, depth) = INSTRUMENTS[at];
        let buys = self.below(2) == 0;
        let steps = if takes { 2 + self.near(20) } else { 1 + self.near(depth) };
        // A buyer takes above the middle and rests below it, a seller the other way round.
        let price = if buys == takes { middle + step * steps } else { middle - step * steps };
        self.last_ref += 1;
        Request::Enter(EnterOrder {
            user_ref: UserRef(self.last_ref),
            side: if buys { b'B' } else { b'S' },
            quantity: if takes { TAKEN_LOTS } else { RESTING_LOTS },
            symbol: self.symbols[at],
            price,
            time_in_force: if takes { b'3' } else { b'0' },
            display: b'Y',
            capacity: b'P',
            iso: b'N',
            cross_type: b'N',
            cl_ord_id: ClOrdId::default(),
        })
    }

    /// From 0 to `end` - 1, near 0 more often than far from it.
    fn near(&mut self, end: u64) -> u64 {
        let (a, b) = (self.below(end), self.below(end));
        a * b / end
    }

    /// From 0 to `end` - 1.
    fn below(&mut self, end: u64) -> u64 {
        self.random.below(end)
    }
}
