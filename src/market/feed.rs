//! Converts events to ITCH: receives every event in order and emits the market data messages.
//!
//! The feed shows only the displayed quantity of live resting orders. An incoming order is shown when its matching has
//! ended, with its remaining quantity. Until then the feed emits only its trades, each as an execution of the resting
//! order. So a book built from these messages is never crossed during continuous matching.
//!
//! - A dormant order is not shown. When its trigger fires, it is handled like an incoming order.
//! - A hidden order is never shown; its trades are `P`.
//! - Of an iceberg only the current slice is shown. The next slice is a separate order with its own number. If one trade
//!   takes more than the slice, a `P` for the rest follows the `E`, with the same match number.
//! - A replace is `U` if both orders are shown and the new one did not trade. Otherwise the old order is deleted with `D`
//!   before any trade.
//! - In an auction each shown order that trades gets a non-printable `C` for the displayed lots it loses. The `Q` that
//!   follows is the print. Lots that an iceberg loses behind its slice appear only in the volume of the `Q`.

#![deny(clippy::wildcard_enum_match_arm)]

mod apply;
mod trades;

use super::book::{Book, Print};
use super::dense::Dense;
use super::shown::{action, cross, directory, locate, lots, nanos, side, system, units};
use crate::domain::{
    Auction, Executed, InstrumentId, Listing, OrderId, OrderState, Price, Quantity, Replaced, RestateReason,
    Restated, Side, Timestamp, Visibility,
};
use crate::wire::itch::{AddOrder, Message, OrderCancel, OrderDelete, OrderReplace, event_code};
use bincode::{Decode, Encode};

/// A message, and the command that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The command's sequence.
    pub sequence: u64,
    pub time: Timestamp,
    pub message: Message,
}

/// An order that is shown, or may be shown later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Tracked {
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// Price units.
    pub(super) price: u32,
    /// Lots displayed at a time; 0: all.
    pub(super) slice: u32,
    /// Open lots, including those that are not displayed.
    pub(super) open: u64,
    /// Lots displayed now; 0 for a dormant order.
    pub(super) shown: u64,
    /// Its public order number; for an iceberg that of the current slice.
    pub(super) public: OrderId,
    /// Priority in the queue of its price: lower comes first.
    pub(super) place: u64,
}

impl Tracked {
    fn would_show(&self) -> u64 {
        match self.slice {
            0 => self.open,
            slice => self.open.min(u64::from(slice)),
        }
    }
}

/// The incoming order that is being matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Incoming {
    id: OrderId,
    order: Tracked,
    /// The public number of the order that it replaces, if that order is still shown.
    replaces: Option<OrderId>,
}

/// An auction whose trades are being processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cross {
    auction: Auction,
    shares: u64,
    match_number: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Feed {
    pub(super) listings: Vec<Listing>,
    /// The book of each instrument as shown, by instrument id. Between commands it agrees with the messages.
    pub(super) books: Vec<Book>,
    pub(super) orders: Dense<Tracked>,
    incoming: Option<Incoming>,
    cross: Option<Cross>,
    pub(super) begun: bool,
    pub(super) session: u32,
    pub(super) next_place: u64,
    pub(super) last_event: u64,
    pub(super) sequence: u64,
    pub(super) time: Timestamp,
}

impl Feed {
    /// The number of the last event that was applied.
    pub fn last_event(&self) -> u64 {
        self.last_event
    }

    /// The command of the last event.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The current session; the first one is 0.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// The instruments in the order of their ids.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// The instrument's book as shown. It equals the book that [`super::Books`] builds from the session's messages. Call
    /// it only between commands ([`Self::is_settled`]).
    pub fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument.0 as usize)
    }

    /// The number of tracked orders, shown and dormant.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Whether no incoming order or auction waits for the end of its command.
    pub fn is_settled(&self) -> bool {
        self.incoming.is_none() && self.cross.is_none()
    }

    /// Ends the current command: emits the messages that waited for its end.
    pub fn complete(&mut self, out: &mut Vec<Published>) {
        if let Some(incoming) = self.incoming.take() {
            self.settle(incoming, out);
        }
        if let Some(Cross { auction, shares, match_number }) = self.cross.take()
            && let Some(listing) = self.listings.get(auction.instrument.0 as usize)
        {
            let said = cross(&auction, listing, shares, match_number, self.time);
            let book = &mut self.books[auction.instrument.0 as usize];
            book.indicative = None;
            if shares > 0 {
                book.print(Print {
                    at_ns: said.timestamp.get(),
                    price: said.price,
                    shares,
                    match_number,
                    cross: true,
                });
            }
            self.say(said, out);
        }
    }

    /// Emits the current book: the directory entry and trading state of every instrument, and every shown order. Orders are
    /// sorted by instrument, bids first, best price first, then by queue priority. Call it only between commands
    /// ([`Self::is_settled`]).
    pub fn snapshot(&self, mut take: impl FnMut(Message)) {
        for listing in &self.listings {
            take(directory(listing, self.time).into());
            take(action(listing, self.time).into());
        }
        self.each_shown(|order| take(self.add(order).into()));
    }

    fn each_shown(&self, take: impl FnMut(&Tracked)) {
        let mut shown: Vec<&Tracked> =
            self.orders.iter().map(|(_, order)| order).filter(|order| order.shown > 0).collect();
        shown.sort_unstable_by_key(|order| {
            let price = match order.side {
                Side::Buy => u32::MAX - order.price,
                Side::Sell => order.price,
            };
            (order.instrument, order.side, price, order.place)
        });
        shown.into_iter().for_each(take);
    }

    /// Adds an instrument.
    pub(super) fn list(&mut self, listing: Listing) {
        let book = Book::new(listing.symbol, action(&listing, self.time).state);
        self.listings.push(listing);
        self.books.push(book);
    }

    /// Updates the book: the order had `before` lots displayed and now has `order.shown`.
    pub(super) fn change(&mut self, order: &Tracked, before: u64) {
        if let Some(book) = self.books.get_mut(order.instrument.0 as usize) {
            book.change(side(order.side), order.price, before, order.shown);
        }
    }

    /// Adds a trade of continuous matching to the book's prints.
    fn print(&mut self, e: &Executed, price: u32) {
        let at_ns = self.time.since_midnight_ns();
        if let Some(book) = self.books.get_mut(e.instrument.0 as usize) {
            book.print(Print { at_ns, price, shares: e.quantity.0, match_number: e.trade.0, cross: false });
        }
    }

    fn say(&self, message: impl Into<Message>, out: &mut Vec<Published>) {
        out.push(Published { sequence: self.sequence, time: self.time, message: message.into() });
    }

    fn delete(&self, instrument: InstrumentId, order: OrderId, out: &mut Vec<Published>) {
        let (locate, timestamp) = (locate(instrument), nanos(self.time));
        self.say(OrderDelete { locate, tracking: 0, timestamp, order }, out);
    }

    fn add(&self, order: &Tracked) -> AddOrder {
        AddOrder {
            locate: locate(order.instrument),
            tracking: 0,
            timestamp: nanos(self.time),
            order: order.public,
            side: side(order.side),
            shares: lots(order.shown),
            stock: self.symbol(order.instrument),
            price: order.price,
        }
    }

    fn symbol(&self, instrument: InstrumentId) -> crate::domain::Symbol {
        self.listings.get(instrument.0 as usize).map(|listing| listing.symbol).unwrap_or_default()
    }

    fn price_of(&self, instrument: InstrumentId, price: Price) -> u32 {
        self.listings.get(instrument.0 as usize).map_or(0, |listing| units(listing, Some(price)))
    }

    /// Tracks a new order: as dormant, or as the incoming order. An order that can never be shown is not kept.
    fn take_in(
        &mut self,
        id: OrderId,
        (instrument, side, price, quantity): (InstrumentId, Side, Option<Price>, Quantity),
        (visibility, slice): (Visibility, u32),
        state: OrderState,
        replaces: Option<OrderId>,
        out: &mut Vec<Published>,
    ) {
        let can_show = visibility == Visibility::Displayed;
        let order = price.filter(|_| can_show).map(|price| Tracked {
            instrument,
            side,
            price: self.price_of(instrument, price),
            slice,
            open: quantity.0,
            shown: 0,
            public: id,
            place: 0,
        });
        match (order, state) {
            (Some(order), OrderState::Live) => {
                self.incoming = Some(Incoming { id, order, replaces });
                return;
            }
            (Some(order), OrderState::Dormant) => self.orders.insert(id.0, order),
            (None, _) => {}
        }
        if let Some(old) = replaces {
            self.delete(instrument, old, out);
        }
    }

    fn replaced(&mut self, e: &Replaced, out: &mut Vec<Published>) {
        self.complete(out);
        let old = self.orders.remove(e.orig_order.0).filter(|old| old.shown > 0);
        let terms = (e.terms.instrument, e.terms.side, e.terms.price, e.terms.quantity);
        if let Some(old) = &old {
            self.change(&Tracked { shown: 0, ..*old }, old.shown);
        }
        let replaces = old.map(|old| old.public);
        self.take_in(
            e.terms.order,
            terms,
            (e.terms.visibility, e.terms.display_quantity),
            e.terms.state,
            replaces,
            out,
        );
    }

    /// Handles the end of matching of the incoming order: it rests, or is finished.
    fn settle(&mut self, incoming: Incoming, out: &mut Vec<Published>) {
        let Incoming { id, mut order, replaces } = incoming;
        order.shown = order.would_show();
        if order.shown == 0 {
            if let Some(old) = replaces {
                self.delete(order.instrument, old, out);
            }
            return;
        }
        order.place = self.take_place();
        match replaces {
            None => self.say(self.add(&order), out),
            Some(old_order) => {
                let AddOrder { locate, tracking, timestamp, order, shares, price, .. } = self.add(&order);
                self.say(OrderReplace { locate, tracking, timestamp, old_order, order, shares, price }, out);
            }
        }
        self.change(&order, 0);
        self.orders.insert(id.0, order);
    }

    fn take_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    /// Handles an order that lost lots without a trade; `open` is its new open quantity. `shown_first` says whether an
    /// iceberg loses its displayed lots first.
    fn reduced(&mut self, id: OrderId, open: Quantity, shown_first: bool, out: &mut Vec<Published>) {
        if let Some(incoming) = self.incoming.as_mut().filter(|incoming| incoming.id == id) {
            incoming.order.open = open.0;
            if open.0 == 0
                && let Some(Incoming { order, replaces: Some(old), .. }) = self.incoming.take()
            {
                self.delete(order.instrument, old, out);
            }
            return;
        }
        let Some(order) = self.orders.get_mut(id.0) else { return };
        let (by, hidden, before) = (order.open.saturating_sub(open.0), order.open - order.shown, order.shown);
        order.open = open.0;
        if before > 0 {
            let from_shown = if shown_first { by } else { by - hidden.min(by) };
            order.shown = before.saturating_sub(from_shown);
        }
        let now = *order;
        if now.open == 0 {
            self.orders.remove(id.0);
        }
        self.change(&now, before);
        if before > 0 && (now.open == 0 || now.shown == 0) {
            self.delete(now.instrument, now.public, out);
        } else if now.shown < before {
            let (locate, timestamp) = (locate(now.instrument), nanos(self.time));
            let (order, shares) = (now.public, lots(before - now.shown));
            self.say(OrderCancel { locate, tracking: 0, timestamp, order, shares }, out);
        }
    }

    fn restated(&mut self, e: &Restated, number: u64, out: &mut Vec<Published>) {
        if let Some(incoming) = self.incoming.as_mut().filter(|incoming| incoming.id == e.order) {
            incoming.order.open = e.open.0;
            return;
        }
        if self.orders.get_mut(e.order.0).is_none() {
            return;
        }
        let place = if e.reason == RestateReason::Refreshed { self.take_place() } else { 0 };
        let Some(order) = self.orders.get_mut(e.order.0) else { return };
        order.open = e.open.0;
        if e.reason == RestateReason::Refreshed {
            order.public = OrderId::of_slice(number);
            let before = std::mem::replace(&mut order.shown, e.displayed.0);
            order.place = place;
            let order = *order;
            self.change(&order, before);
            self.say(self.add(&order), out);
        }
    }

    /// Ends the session and begins the next one with all instruments and orders.
    fn roll(&mut self, session: u32, out: &mut Vec<Published>) {
        self.complete(out);
        for code in [event_code::END_OF_MARKET, event_code::END_OF_SYSTEM, event_code::END_OF_MESSAGES] {
            self.say(system(code, self.time), out);
        }
        self.session = session;
        self.books.iter_mut().for_each(Book::begin_session);
        self.say(system(event_code::START_OF_MESSAGES, self.time), out);
        for listing in &self.listings {
            self.say(directory(listing, self.time), out);
            self.say(action(listing, self.time), out);
        }
        self.say(system(event_code::START_OF_SYSTEM, self.time), out);
        self.each_shown(|order| self.say(self.add(order), out));
        self.say(system(event_code::START_OF_MARKET, self.time), out);
    }
}
