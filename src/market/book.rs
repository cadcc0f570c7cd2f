//! One instrument as shown to the market: price levels, trading state and last trades.

use super::levels::{Level, Levels};
use crate::domain::Symbol;
use crate::wire::itch::Imbalance;
use bincode::{Decode, Encode};
use std::collections::VecDeque;

/// The number of trades kept per instrument.
const PRINTS_KEPT: usize = 32;

/// A trade reported to the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Print {
    /// Nanoseconds since midnight UTC.
    pub at_ns: u64,
    /// Price units.
    pub price: u32,
    /// Lots.
    pub shares: u64,
    pub match_number: u64,
    /// Whether it is the result of an auction.
    pub cross: bool,
}

/// The best levels of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Best first.
    pub bids: Vec<Level>,
    /// Best first.
    pub asks: Vec<Level>,
}

/// The book of one instrument as shown to the market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    pub symbol: Symbol,
    /// Trading state as in ITCH: H, P, Q or T.
    pub state: u8,
    bids: Levels,
    asks: Levels,
    prints: VecDeque<Print>,
    /// Lots traded in this session.
    pub volume: u64,
    /// The latest indicative values of a running auction.
    pub indicative: Option<Imbalance>,
}

impl Book {
    /// An empty book.
    pub(super) fn new(symbol: Symbol, state: u8) -> Self {
        Self { symbol, state, ..Self::default() }
    }

    /// The best bid and the best ask.
    pub fn top(&self) -> (Option<Level>, Option<Level>) {
        (self.bids.descending().next(), self.asks.ascending().next())
    }

    /// The best `levels` prices of both sides.
    pub fn depth(&self, levels: usize) -> Depth {
        Depth {
            bids: self.bids.descending().take(levels).collect(),
            asks: self.asks.ascending().take(levels).collect(),
        }
    }

    /// The last trades, the newest first.
    pub fn prints(&self) -> impl Iterator<Item = &Print> {
        self.prints.iter().rev()
    }

    /// Changes the displayed lots of an order on side B or S at this price: from `before` (0: the order is new) to `now`
    /// (0: the order is removed).
    pub(super) fn change(&mut self, side: u8, price: u32, before: u64, now: u64) {
        if side == b'B' { &mut self.bids } else { &mut self.asks }.change(price, before, now);
    }

    /// Begins a session: clears prints, volume and indicative values.
    pub(super) fn begin_session(&mut self) {
        self.prints.clear();
        (self.volume, self.indicative) = (0, None);
    }

    /// Sets the trading state.
    pub(super) fn act(&mut self, state: u8) {
        self.state = state;
        if state == b'T' || state == b'H' {
            self.indicative = None;
        }
    }

    pub(super) fn print(&mut self, print: Print) {
        self.volume = self.volume.saturating_add(print.shares);
        // The `P` for the hidden part of an iceberg follows its `E` directly: both are one print.
        if let Some(last) = self.prints.back_mut()
            && (last.match_number, last.price, last.cross) == (print.match_number, print.price, print.cross)
        {
            last.shares = last.shares.saturating_add(print.shares);
            return;
        }
        if self.prints.len() == PRINTS_KEPT {
            self.prints.pop_front();
        }
        self.prints.push_back(print);
    }
}
