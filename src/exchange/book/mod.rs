//! The order book of one instrument: price, then displayed before hidden, then time. It knows no money and no clients.
//!
//! A book is small and owns no memory: orders, levels and what ranks the levels lie in the [`OrderSlab`] that every
//! method is handed. So nothing here allocates but what finds levels by price: a piece of 8.5 KiB for every 64 pages of 32
//! ticks on which all books together have levels, and a piece of 32 KiB for 1,000 such pages or more. Nothing is
//! copied then, and pages are used again; [`OrderSlab::warm`] takes them at start.

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

/// Both sides of one instrument's book. The orders themselves live in the slab that every method is handed.
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

    /// The best price of a side, and the order that trades first there: at one price, displayed before hidden.
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

    /// The number of a side's displayed level at this price; [`NONE`] when there is none.
    #[inline]
    pub(in crate::exchange) fn level_at(&self, orders: &OrderSlab, side: Side, price: Price) -> u32 {
        self.shown(side).level_at(orders, price)
    }

    /// Puts the order last in the queue of its price. `unseen`: lots of it that count in trading beyond its open ones, as
    /// [`Book::counted_levels`] tells them; below 0 if open ones do not count. Who changes or takes out the order says so again.
    #[inline]
    pub fn push_back(&mut self, orders: &mut OrderSlab, handle: Handle, unseen: i64) {
        self.of(orders.hot(handle)).push_back(orders, handle, unseen);
    }

    /// Fills one of the four parts of an empty book from best to worst without a search: `before` is the order of this
    /// part that was put in before this one. `false`, and nothing done, if it comes at a better price than that.
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

    /// The orders of one part of the book, displayed or hidden, in the order in which they would trade.
    pub(in crate::exchange) fn part<'a>(
        &'a self,
        side: Side,
        hidden: bool,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = Handle> + 'a {
        let levels = if hidden { self.hidden(side) } else { self.shown(side) };
        levels.orders(orders)
    }

    /// Takes the order, with its unseen lots, out of its queue. It stays in the slab.
    #[inline]
    pub fn unlink(&mut self, orders: &mut OrderSlab, handle: Handle, unseen: i64) {
        self.of(orders.hot(handle)).unlink(orders, handle, unseen);
    }

    /// Lowers an order's open quantity; it keeps its place. An order lowered to 0 is to be unlinked or requeued next.
    #[inline]
    pub fn reduce(&mut self, orders: &mut OrderSlab, handle: Handle, by: Quantity) {
        self.of(orders.hot(handle)).reduce(orders, handle, by);
    }

    /// Raises an order's open quantity; it keeps its place.
    pub fn extend(&mut self, orders: &mut OrderSlab, handle: Handle, by: Quantity) {
        self.of(orders.hot(handle)).extend(orders, handle, by);
    }

    /// Changes how many unseen lots an order has; it keeps its place.
    pub fn count_unseen(&mut self, orders: &mut OrderSlab, handle: Handle, by: i64) {
        self.of(orders.hot(handle)).count_unseen(orders, handle, by);
    }

    /// Gives the order a new open quantity, changes its unseen lots by `unseen_by`, and puts it last in the queue of its price.
    #[inline]
    pub fn requeue(&mut self, orders: &mut OrderSlab, handle: Handle, open: Quantity, unseen_by: i64) {
        self.of(orders.hot(handle)).requeue(orders, handle, open, unseen_by);
    }

    /// The best price of a side and the lots that count in trading there, displayed and hidden together.
    pub fn best_level(&self, side: Side, orders: &OrderSlab) -> Option<(Price, u64)> {
        join(self.shown(side).top(orders), self.hidden(side).top(orders))
    }

    /// The next worse price of a side after this one, at which there need be no order, and the lots that count in trading
    /// there. The time grows with the logarithm of the number of prices.
    pub fn level_below(&self, side: Side, price: Price, orders: &OrderSlab) -> Option<(Price, u64)> {
        join(self.shown(side).below(orders, price), self.hidden(side).below(orders, price))
    }

    /// All prices of a side from best to worst with the lots that count in trading there, displayed and hidden together.
    /// 0 lots where no order counts. No order is looked at.
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

    /// The prices of a side's displayed orders from best to worst with the lots that are displayed there. No order is looked at.
    pub fn shown_levels<'a>(
        &'a self,
        side: Side,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = (Price, u64)> + 'a {
        self.shown(side).standings(orders).map(|level| (level.price, level.shown))
    }

    /// The order of a side that trades first.
    pub fn first(&self, side: Side) -> Option<Handle> {
        self.best(side).map(|(_, handle)| handle)
    }

    /// The order of the same side that trades next after this one, which is in this book. At the end of a queue the time
    /// grows with the logarithm of the number of prices.
    pub fn after(&self, orders: &OrderSlab, handle: Handle) -> Option<Handle> {
        let order = orders.hot(handle);
        Handle::of(order.next).or_else(|| self.after_queue(orders, order))
    }

    /// The same, if it stands in the same queue.
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

    /// All orders of a side, displayed and hidden, in the order in which they would trade.
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

/// The better of a displayed and a hidden level, and the lots of both where they have one price.
fn join(shown: Option<Standing>, hidden: Option<Standing>) -> Option<(Price, u64)> {
    match (shown, hidden) {
        (Some(one), Some(other)) if one.key == other.key => Some((one.price, one.counted + other.counted)),
        (Some(one), Some(other)) if other.key > one.key => Some((other.price, other.counted)),
        (one, other) => one.or(other).map(|level| (level.price, level.counted)),
    }
}
