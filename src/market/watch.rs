//! An overview of the market for people and web pages. The owner of the feed publishes it; any thread can read it.

use super::{Depth, Feed, Print};
use crate::domain::{InstrumentId, Listing};
use std::sync::{Arc, Mutex, PoisonError};

/// Price levels per side in a view.
const LEVELS: usize = 20;

/// The overview of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    /// Its terms, including decimals, tick and lot.
    pub listing: Listing,
    /// Trading state as in ITCH: H, P, Q or T.
    pub state: u8,
    /// The best price levels.
    pub depth: Depth,
    /// The last trades, the newest first.
    pub prints: Vec<Print>,
    /// Lots traded in this session.
    pub volume: u64,
    /// For a running auction: indicative price (0: none), lots that would trade, and lots of the imbalance.
    pub indicative: Option<(u32, u64, u64)>,
}

/// The overview of all instruments at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketView {
    pub session: u32,
    /// The number of the last session message that is included.
    pub message: u64,
    /// By instrument id.
    pub instruments: Vec<InstrumentView>,
}

/// A shared handle to the newest view. A reader delays the publisher only for the time to copy a pointer.
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
    /// The overview of a feed; `message` is the number of the last session message. Call it only between commands
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
