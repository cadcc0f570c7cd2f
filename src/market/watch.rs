//! The market at a glance, for people and web pages: published by whoever runs the feed, read by anybody.

use super::{Depth, Feed, Print};
use crate::domain::{InstrumentId, Listing};
use std::sync::{Arc, Mutex, PoisonError};

/// Price levels of each side in a view.
const LEVELS: usize = 20;

/// One instrument at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    /// Its terms: decimals, tick and lot among them.
    pub listing: Listing,
    /// Its trading state in ITCH: H, P, Q or T.
    pub state: u8,
    /// The best price levels.
    pub depth: Depth,
    /// The last trades, the newest first.
    pub prints: Vec<Print>,
    /// Lots that traded in this session.
    pub volume: u64,
    /// Of an auction that is on: the price that it would give now (0: none) and how many lots, then those left over.
    pub indicative: Option<(u32, u64, u64)>,
}

/// All instruments at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketView {
    pub session: u32,
    /// The last message of the session that is in it.
    pub message: u64,
    /// By instrument id.
    pub instruments: Vec<InstrumentView>,
}

/// A shared handle on the newest view. Reading it never holds up who publishes for longer than it takes to copy a pointer.
#[derive(Clone, Debug, Default)]
pub struct MarketWatch(Arc<Mutex<Arc<MarketView>>>);

impl MarketWatch {
    pub fn view(&self) -> Arc<MarketView> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn publish(&self, view: MarketView) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }
}

impl MarketView {
    /// The market of a feed at a glance; `message` is the last one of the session. Only between commands
    /// ([`Feed::is_settled`]).
    pub fn of(feed: &Feed, message: u64) -> Self {
        let instruments = feed.listings().iter().filter_map(|listing| {
            let book = feed.book(listing.instrument)?;
            let indicative = book.indicative.map(|now| (now.near_price, now.paired, now.imbalance));
            Some(InstrumentView {
                listing: *listing,
                state: book.state,
                depth: book.depth(LEVELS),
                prints: book.prints().copied().collect(),
                volume: book.volume,
                indicative,
            })
        });
        Self { session: feed.session(), message, instruments: instruments.collect() }
    }

    /// The instrument with this id.
    pub fn instrument(&self, instrument: InstrumentId) -> Option<&InstrumentView> {
        self.instruments.iter().find(|view| view.listing.instrument == instrument)
    }
}
