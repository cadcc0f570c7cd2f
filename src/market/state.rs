//! A feed's state as bytes, to go on from without the events before it.

use super::Feed;
use super::feed::Tracked;
use crate::domain::{Listing, Timestamp};
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

/// Bytes that are no state of a feed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// They cannot be read.
    #[error("no state of a market-data feed: {0}")]
    Unreadable(#[from] bincode::error::DecodeError),
    /// They can be read and make no sense.
    #[error("a state of a market-data feed that cannot be: {0}")]
    Impossible(&'static str),
}

/// As it is written: integers are little-endian, a list is its length as u64 and then its entries.
#[derive(Encode, Decode)]
struct State {
    session: u32,
    begun: bool,
    next_place: u64,
    last_event: u64,
    sequence: u64,
    time: Timestamp,
    listings: Vec<Listing>,
    /// By number.
    orders: Vec<(u64, Tracked)>,
}

/// More than the state of any exchange takes: no damaged length makes the reader ask for all memory.
const BYTES_MAX: usize = 1 << 36;

fn config() -> Configuration<LittleEndian, Fixint, Limit<BYTES_MAX>> {
    bincode::config::standard().with_fixed_int_encoding().with_little_endian().with_limit::<BYTES_MAX>()
}

impl Feed {
    /// The state. Only between commands ([`Feed::is_settled`]).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut orders: Vec<(u64, Tracked)> = self.orders.iter().map(|(id, order)| (id, *order)).collect();
        orders.sort_unstable_by_key(|(id, _)| *id);
        let state = State {
            session: self.session,
            begun: self.begun,
            next_place: self.next_place,
            last_event: self.last_event,
            sequence: self.sequence,
            time: self.time,
            listings: self.listings.clone(),
            orders,
        };
        bincode::encode_to_vec(state, config()).expect("memory takes it, and nothing in it can fail")
    }

    /// A feed in the state that these bytes are of.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let (state, used): (State, usize) = bincode::decode_from_slice(bytes, config())?;
        if used != bytes.len() {
            return Err(StateError::Impossible("there are bytes behind it"));
        }
        let State { session, begun, next_place, last_event, sequence, time, listings, orders } = state;
        let dense = (0..).zip(&listings).all(|(id, listing)| listing.instrument.0 == id);
        if !dense {
            return Err(StateError::Impossible("instruments are not in the order of their ids"));
        }
        let mut feed = Self::default();
        (feed.session, feed.begun, feed.next_place) = (session, begun, next_place);
        (feed.last_event, feed.sequence, feed.time, feed.listings) = (last_event, sequence, time, listings);
        for (id, order) in orders {
            let known = (order.instrument.0 as usize) < feed.listings.len();
            if id == 0 || !known || order.open < order.shown || order.open == 0 {
                return Err(StateError::Impossible("an order that cannot be"));
            }
            feed.orders.insert(id, order);
        }
        Ok(feed)
    }
}
