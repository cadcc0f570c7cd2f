//! The order book of one instrument: price, then displayed before hidden, then time. It has no knowledge of money or
//! clients.
//!
//! A book is small and owns no memory: orders, levels and the order of the levels are in the [`OrderSlab`] that every
//! method receives. The only allocations are for finding levels by price: 8.5 KiB for every 64 pages of 32 ticks on
//! which the books together have levels, and 32 KiB for every 1,000 such pages or more. They never copy anything, and
//! pages are reused. [`OrderSlab::warm`] makes them at start.

mod handle;
mod level;
mod levels;
mod order;
mod prices;
mod ranks;
mod slab;
#[cfg(test)]
mod tests;

pub use handle::Handle;
pub(in crate::exchange) use handle::NONE;
pub use levels::LevelView;
pub use order::{Cold, Hot, Order};
pub use prices::{PricePages, Prices};
pub use ranks::{Blocks, Place, Ranks};
pub(in crate::exchange) use slab::Chained;
pub use slab::OrderSlab;

use crate::domain::{Price, Quantity, Side};
use levels::{Levels, Standing};

/// Both sides of one instrument's book. The orders are in the slab that every method receives.
#[derive(Clone, Debug)]
pub struct Book {
    /// Displayed bids and asks, hidden bids and asks.
    levels: [Levels; 4],
}

const HIDDEN: usize = 2;

impl Default for Book {
    fn default() -> Self {
        Self { levels: [Side::Buy, Side::Sell, Side::Buy, Side::Sell].map(Levels::new) }
    }
}

impl Book {
    fn shown(&self, side: Side) -> &Levels {
        &self.levels[side as usize]
    }

    fn hidden(&self, side: Side) -> &Levels {
        &self.levels[side as usize + HIDDEN]
    }

    fn of(&mut self, order: &Hot) -> &mut Levels {
        &mut self.levels[order.side as usize + usize::from(order.hidden) * HIDDEN]
    }

    /// The best price of a side and its first order in trading order: displayed before hidden.
    #[inline]
    pub fn best(&self, side: Side) -> Option<(Price, Handle)> {
        let (shown, hidden) = (self.shown(side), self.hidden(side));
        if hidden.is_empty() || (!shown.is_empty() && !hidden.beats(shown)) {
            return shown.best();
        }
        hidden.best()
    }

    /// The best displayed price of a side.
    pub fn best_shown(&self, side: Side) -> Option<Price> {
        self.shown(side).best().map(|(price, _)| price)
    }

    /// The number of a side's displayed level at this price; [`NONE`] if there is none.
    #[inline]
    pub(in crate::exchange) fn level_at(&self, orders: &OrderSlab, side: Side, price: Price) -> u32 {
        self.shown(side).level_at(orders, price)
    }

    /// Adds the order to the end of the queue at its price. `unseen` is the number of its lots that count in trading
    /// beyond its open ones, for [`Book::counted_levels`]; negative if open lots do not count. Later changes and
    /// removals of the order must pass the same number again.
    #[inline]
    pub fn push_back(&mut self, orders: &mut OrderSlab, handle: Handle, unseen: i64) {
        self.of(orders.hot(handle)).push_back(orders, handle, unseen);
    }

    /// Fills one of the four parts of an empty book from best to worst without searching; `before` is the previous
    /// order of this part. `false`, and nothing done, if the order's price is better.
    #[inline]
    pub(in crate::exchange) fn append(
        &mut self,
        orders: &mut OrderSlab,
        handle: Handle,
        unseen: i64,
        before: Option<Handle>,
    ) -> bool {
        self.of(orders.hot(handle)).append(orders, handle, unseen, before)
    }

    /// The orders of one part of the book, displayed or hidden, in trading order.
    pub(in crate::exchange) fn part<'a>(
        &'a self,
        side: Side,
        hidden: bool,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = Handle> + 'a {
        let levels = if hidden { self.hidden(side) } else { self.shown(side) };
        levels.orders(orders)
    }

    /// Removes the order, with its unseen lots, from its queue. It stays in the slab.
    #[inline]
    pub fn unlink(&mut self, orders: &mut OrderSlab, handle: Handle, unseen: i64) {
        self.of(orders.hot(handle)).unlink(orders, handle, unseen);
    }

    /// Decreases an order's open quantity; it keeps its priority. An order decreased to 0 must be unlinked or requeued
    /// next.
    #[inline]
    pub fn reduce(&mut self, orders: &mut OrderSlab, handle: Handle, by: Quantity) {
        self.of(orders.hot(handle)).reduce(orders, handle, by);
    }

    /// Increases an order's open quantity; it keeps its priority.
    pub fn extend(&mut self, orders: &mut OrderSlab, handle: Handle, by: Quantity) {
        self.of(orders.hot(handle)).extend(orders, handle, by);
    }

    /// Changes an order's number of unseen lots; it keeps its priority.
    pub fn count_unseen(&mut self, orders: &mut OrderSlab, handle: Handle, by: i64) {
        self.of(orders.hot(handle)).count_unseen(orders, handle, by);
    }

    /// Sets the order's open quantity, changes its unseen lots by `unseen_by`, and moves it to the end of its price's
    /// queue.
    #[inline]
    pub fn requeue(&mut self, orders: &mut OrderSlab, handle: Handle, open: Quantity, unseen_by: i64) {
        self.of(orders.hot(handle)).requeue(orders, handle, open, unseen_by);
    }

    /// The best price of a side and the counted lots there, displayed and hidden together.
    pub fn best_level(&self, side: Side, orders: &OrderSlab) -> Option<(Price, u64)> {
        join(self.shown(side).top(orders), self.hidden(side).top(orders))
    }

    /// The next price of a side worse than this one, and the counted lots there. There need be no order at this price.
    /// The time grows with the logarithm of the number of prices.
    pub fn level_below(&self, side: Side, price: Price, orders: &OrderSlab) -> Option<(Price, u64)> {
        join(self.shown(side).below(orders, price), self.hidden(side).below(orders, price))
    }

    /// All prices of a side from best to worst with their counted lots, displayed and hidden together; 0 lots if no
    /// order there counts. Orders are not read.
    pub fn counted_levels<'a>(
        &'a self,
        side: Side,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = (Price, u64)> + 'a {
        let mut shown = self.shown(side).standings(orders).peekable();
        let mut hidden = self.hidden(side).standings(orders).peekable();
        std::iter::from_fn(move || {
            let first = match (shown.peek(), hidden.peek()) {
                (Some(one), Some(other)) if other.key > one.key => None,
                _ => shown.next(),
            };
            let other = hidden.next_if(|other| first.as_ref().is_none_or(|one| one.key == other.key));
            join(first, other)
        })
    }

    /// The displayed prices of a side from best to worst with their displayed lots. Orders are not read.
    pub fn shown_levels<'a>(
        &'a self,
        side: Side,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = (Price, u64)> + 'a {
        self.shown(side).standings(orders).map(|level| (level.price, level.shown))
    }

    /// The first order of a side in trading order.
    pub fn first(&self, side: Side) -> Option<Handle> {
        self.best(side).map(|(_, handle)| handle)
    }

    /// The next order of the same side in trading order; this order must be in the book. At the end of a queue the time
    /// grows with the logarithm of the number of prices.
    pub fn after(&self, orders: &OrderSlab, handle: Handle) -> Option<Handle> {
        let order = orders.hot(handle);
        Handle::of(order.next).or_else(|| self.after_queue(orders, order))
    }

    /// The same, if it is in the same queue.
    pub fn after_in_queue(&self, orders: &OrderSlab, handle: Handle) -> Option<Handle> {
        Handle::of(orders.hot(handle).next)
    }

    fn after_queue(&self, orders: &OrderSlab, last: &Hot) -> Option<Handle> {
        let (shown, hidden, price) = (self.shown(last.side), self.hidden(last.side), last.price());
        if !last.hidden
            && !hidden.is_empty()
            && let Some(beside) = hidden.at(orders, price)
        {
            return Some(beside.head);
        }
        match (shown.below(orders, price), hidden.below(orders, price)) {
            (Some(first), Some(other)) if other.key > first.key => Some(other.head),
            (first, other) => first.or(other).map(|level| level.head),
        }
    }

    /// The displayed levels of a side from best to worst.
    pub fn levels<'a>(&'a self, side: Side, orders: &'a OrderSlab) -> impl Iterator<Item = LevelView> + 'a {
        self.shown(side).iter(orders)
    }

    /// The levels of a side's hidden orders from best to worst.
    pub fn hidden_levels<'a>(
        &'a self,
        side: Side,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = LevelView> + 'a {
        self.hidden(side).iter(orders)
    }

    /// All orders of a side, displayed and hidden, in trading order.
    pub fn orders<'a>(
        &'a self,
        side: Side,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = (Handle, Order)> + 'a {
        let mut shown = self.shown(side).orders(orders).peekable();
        let mut hidden = self.hidden(side).orders(orders).peekable();
        let better = move |one: Price, other: Price| match side {
            Side::Buy => one > other,
            Side::Sell => one < other,
        };
        std::iter::from_fn(move || {
            let price = |at: &Handle| orders.hot(*at).price();
            let handle = match (shown.peek(), hidden.peek()) {
                (Some(first), Some(other)) if better(price(other), price(first)) => hidden.next(),
                (None, _) => hidden.next(),
                _ => shown.next(),
            }?;
            Some((handle, orders.get(handle)))
        })
    }
}

/// The better of a displayed and a hidden level; the lots of both if they have the same price.
fn join(shown: Option<Standing>, hidden: Option<Standing>) -> Option<(Price, u64)> {
    match (shown, hidden) {
        (Some(one), Some(other)) if one.key == other.key => Some((one.price, one.counted + other.counted)),
        (Some(one), Some(other)) if other.key > one.key => Some((other.price, other.counted)),
        (one, other) => one.or(other).map(|level| (level.price, level.counted)),
    }
}
