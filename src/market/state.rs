//! The feed's state as bytes, so that a feed can continue without the earlier events.

use super::feed::Tracked;
use super::{Book, Feed, Print};
use crate::domain::codec::CONFIG;
use crate::domain::{Listing, Timestamp};
use crate::wire::itch::{MESSAGE_LEN_MAX, Message};
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

/// The bytes are not a valid feed state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The bytes cannot be decoded.
    #[error("market-data feed state cannot be decoded: {0}")]
    Unreadable(#[from] bincode::error::DecodeError),
    /// The bytes can be decoded, but their contents are inconsistent.
    #[error("market-data feed state is inconsistent: {0}")]
    Impossible(&'static str),
}

/// The encoded state: integers are little-endian; a list is its length as u64, then its entries.
#[derive(Encode, Decode)]
struct State {
    session: u32,
    begun: bool,
    next_place: u64,
    last_event: u64,
    sequence: u64,
    time: Timestamp,
    listings: Vec<Listing>,
    /// By order number.
    orders: Vec<(u64, Tracked)>,
    /// One per instrument.
    told: Vec<Told>,
}

/// The published data of an instrument that does not follow from its orders.
#[derive(Encode, Decode)]
struct Told {
    volume: u64,
    /// The oldest first.
    prints: Vec<Print>,
    /// The latest indicative values of a running auction, as an encoded message; empty for none.
    indicative: Vec<u8>,
}

/// Larger than the state of any exchange: a damaged length cannot make the decoder allocate all memory.
const BYTES_MAX: usize = 1 << 36;

fn config() -> Configuration<LittleEndian, Fixint, Limit<BYTES_MAX>> {
    CONFIG.with_limit::<BYTES_MAX>()
}

fn told(book: &Book) -> Told {
    let mut prints: Vec<Print> = book.prints().copied().collect();
    prints.reverse();
    let indicative = book.indicative.map_or_else(Vec::new, |said| {
        let mut bytes = [0; MESSAGE_LEN_MAX];
        let len = Message::from(said).encode(&mut bytes).unwrap_or(0);
        bytes[..len].to_vec()
    });
    Told { volume: book.volume, prints, indicative }
}

impl Feed {
    /// Encodes the state. Call it only between commands ([`Feed::is_settled`]).
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
            told: self.books.iter().map(told).collect(),
        };
        bincode::encode_to_vec(state, config()).expect("memory takes it, and nothing in it can fail")
    }

    /// Restores a feed from an encoded state.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let (state, used): (State, usize) = bincode::decode_from_slice(bytes, config())?;
        if used != bytes.len() {
            return Err(StateError::Impossible("bytes after its end"));
        }
        let State { session, begun, next_place, last_event, sequence, time, listings, orders, told } = state;
        let dense = (0..).zip(&listings).all(|(id, listing)| listing.instrument.0 == id);
        if !dense {
            return Err(StateError::Impossible("instruments are not in id order"));
        }
        let mut feed = Self::default();
        (feed.session, feed.begun, feed.next_place) = (session, begun, next_place);
        (feed.last_event, feed.sequence, feed.time) = (last_event, sequence, time);
        listings.into_iter().for_each(|listing| feed.list(listing));
        let mut shown = Vec::new();
        let mut last = 0;
        for (id, order) in orders {
            let known = (order.instrument.0 as usize) < feed.listings.len();
            if id <= last || !known || order.open < order.shown || order.open == 0 || order.public.0 == 0 {
                return Err(StateError::Impossible(
                    "an order's instrument, price or quantity is out of range",
                ));
            }
            last = id;
            if order.shown > 0 {
                shown.push(order.public);
            }
            feed.change(&order, 0);
            feed.orders.insert(id, order);
        }
        if told.len() != feed.books.len() {
            return Err(StateError::Impossible("books of instruments that were not announced"));
        }
        for (book, Told { volume, prints, indicative }) in feed.books.iter_mut().zip(told) {
            prints.into_iter().for_each(|print| book.print(print));
            book.volume = volume;
            book.indicative = match Message::decode(&indicative) {
                Ok(Message::Imbalance(said)) => Some(said),
                _ if indicative.is_empty() => None,
                _ => {
                    return Err(StateError::Impossible(
                        "an auction's price and quantity contradict each other",
                    ));
                }
            };
        }
        shown.sort_unstable();
        if shown.windows(2).any(|two| two[0] == two[1]) {
            return Err(StateError::Impossible("two displayed orders share a reference number"));
        }
        Ok(feed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OrderId;

    fn with_orders(orders: [Tracked; 2]) -> Result<Feed, StateError> {
        let mut feed = Feed::default();
        feed.list(Listing::default());
        (1..).zip(orders).for_each(|(id, order)| feed.orders.insert(id, order));
        Feed::from_bytes(&feed.to_bytes())
    }

    #[test]
    fn orders_that_cannot_be_shown_are_refused() {
        let order =
            |public| Tracked { price: 5, open: 9, shown: 3, public: OrderId(public), ..Tracked::default() };
        let feed = with_orders([order(1), order(2)]).expect("it reads");
        assert_eq!(
            feed.books[0].depth(9).bids.first().map(|level| (level.shares, level.orders)),
            Some((6, 2))
        );
        let dormant = Tracked { shown: 0, ..order(1) };
        assert!(with_orders([order(1), dormant]).is_ok());
        for other in
            [order(1), order(0), Tracked { shown: 10, ..order(2) }, Tracked { open: 0, shown: 0, ..order(2) }]
        {
            assert!(matches!(with_orders([order(1), other]), Err(StateError::Impossible(_))), "{other:?}");
        }
    }
}
