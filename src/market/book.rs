//! One instrument as the market sees it: price levels, trading state, the last trades.

use super::levels::{Level, Levels};
use crate::domain::Symbol;
use crate::wire::itch::Imbalance;
use bincode::{Decode, Encode};
use std::collections::VecDeque;

/// Trades that are remembered of every instrument.
const PRINTS_KEPT: usize = 32;

/// A trade that was printed.
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

/// One instrument as the market sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    pub symbol: Symbol,
    /// Its trading state: H, P, Q or T.
    pub state: u8,
    bids: Levels,
    asks: Levels,
    prints: VecDeque<Print>,
    /// Lots that have traded in this session.
    pub volume: u64,
    /// The last word on an auction that is on.
    pub indicative: Option<Imbalance>,
}

impl Book {
    /// Nothing of it is known but this.
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

    /// An order at this price, of side B or S, had so many lots before (0: it was not there), and has so many now (0: it is
    /// gone).
    pub(super) fn change(&mut self, side: u8, price: u32, before: u64, now: u64) {
        if side == b'B' { &mut self.bids } else { &mut self.asks }.change(price, before, now);
    }

    /// A session begins: what traded before it is forgotten.
    pub(super) fn begin_session(&mut self) {
        self.prints.clear();
        (self.volume, self.indicative) = (0, None);
    }

    /// The instrument is in this trading state.
    pub(super) fn act(&mut self, state: u8) {
        self.state = state;
        if state == b'T' || state == b'H' {
            self.indicative = None;
        }
    }

    pub(super) fn print(&mut self, print: Print) {
        self.volume = self.volume.saturating_add(print.shares);
        // What an iceberg lost behind its slice comes right after what it lost of it.
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
