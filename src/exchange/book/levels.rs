//! One side of a book: price levels, each with a first-in-first-out list of orders.
//!
//! A level keeps its number while it has orders, so that orders can refer to it; [`Prices`] finds it by price. The best
//! level is cached, because almost every operation uses it.

use super::handle::{Handle, NONE};
use super::level::Level;
use super::order::Hot;
use super::prices::Prices;
use super::slab::OrderSlab;
use crate::domain::{Price, Quantity, Side};

/// One side of a book: either its displayed or its hidden orders.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// Converts ticks to keys that increase towards the best price: 0 for bids, all bits set for asks.
    flip: i32,
    /// Key, number and first order of the best level; both [`NONE`] if there is none.
    best_key: i32,
    best_level: u32,
    best_head: u32,
    prices: Prices,
}

/// A level as readers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its price, ticks.
    pub price: Price,
    /// Open lots of all its orders.
    pub quantity: Quantity,
    pub orders: u32,
}

impl Levels {
    pub(super) fn new(side: Side) -> Self {
        let flip = match side {
            Side::Buy => 0,
            Side::Sell => -1,
        };
        Self { flip, best_key: 0, best_level: NONE, best_head: NONE, prices: Prices::default() }
    }

    fn price(&self, key: i32) -> Price {
        Price(i64::from(key ^ self.flip))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.best_level == NONE
    }

    /// The number of the level at this price; [`NONE`] if there is none.
    #[inline]
    pub(super) fn level_at(&self, slab: &OrderSlab, price: Price) -> u32 {
        let key = price.0 as i32 ^ self.flip;
        self.prices.find(&slab.pages, key).unwrap_or(NONE)
    }

    /// The best price and the first order in its queue.
    pub(super) fn best(&self) -> Option<(Price, Handle)> {
        (self.best_level != NONE).then(|| (self.price(self.best_key), Handle(self.best_head)))
    }

    /// Whether this side's best price is better than the other's of the same direction. Both sides must be non-empty.
    pub(super) fn beats(&self, other: &Self) -> bool {
        self.best_key > other.best_key
    }

    /// Adds the order to the end of the queue at its price.
    pub(super) fn push_back(&mut self, slab: &mut OrderSlab, handle: Handle, unseen: i64) {
        let OrderSlab { hot, levels, pages, .. } = slab;
        let order = &mut hot[handle.0 as usize];
        let key = order.ticks ^ self.flip;
        let (shown, at) = (order.open.0, handle.0);
        let open = || levels.insert(Level { shown, unseen, head: at, tail: at });
        let (level_id, is_new) = self.prices.find_or_insert(pages, key, open);
        (order.level, order.prev, order.next) = (level_id, NONE, NONE);
        if is_new {
            if self.best_level == NONE || key > self.best_key {
                (self.best_key, self.best_level, self.best_head) = (key, level_id, handle.0);
            }
            return;
        }
        let level = levels.at(level_id);
        level.shown += order.open.0;
        level.unseen += unseen;
        let tail = std::mem::replace(&mut level.tail, handle.0);
        order.prev = tail;
        hot[tail as usize].next = handle.0;
    }

    /// Appends the order when a side is filled from best to worst; `before` is the previous order. The price must be
    /// the same or worse. `false`, and nothing done, if it is better.
    pub(super) fn append(
        &mut self,
        slab: &mut OrderSlab,
        handle: Handle,
        unseen: i64,
        before: Option<Handle>,
    ) -> bool {
        let OrderSlab { hot, levels, pages, .. } = slab;
        let Hot { ticks, open, .. } = hot[handle.0 as usize];
        if let Some(Handle(before)) = before {
            let last = &mut hot[before as usize];
            if last.ticks == ticks {
                last.next = handle.0;
                let level_id = last.level;
                let level = levels.at(level_id);
                level.shown += open.0;
                level.unseen += unseen;
                level.tail = handle.0;
                let order = &mut hot[handle.0 as usize];
                (order.level, order.prev) = (level_id, before);
                return true;
            }
            if ticks ^ self.flip > last.ticks ^ self.flip {
                return false;
            }
        }
        let level = Level { shown: open.0, unseen, head: handle.0, tail: handle.0 };
        let (key, level_id) = (ticks ^ self.flip, levels.insert(level));
        self.prices.find_or_insert(pages, key, || level_id);
        if before.is_none() {
            (self.best_key, self.best_level, self.best_head) = (key, level_id, handle.0);
        }
        hot[handle.0 as usize].level = level_id;
        true
    }

    /// Removes the order from its queue, and the level with its last order. The order stays in the slab.
    pub(super) fn unlink(&mut self, slab: &mut OrderSlab, handle: Handle, unseen: i64) {
        let OrderSlab { hot, levels, pages, .. } = slab;
        let order = &hot[handle.0 as usize];
        let (level_id, prev, next) = (order.level, order.prev, order.next);
        if prev == NONE && next == NONE {
            debug_assert_eq!(levels.at(level_id).unseen, unseen, "what was put in is taken out");
            let key = order.ticks ^ self.flip;
            levels.remove(level_id);
            let beside = self.prices.remove(pages, key);
            if level_id == self.best_level {
                // The next level after the best becomes the best.
                self.set_best(slab, beside);
            }
            return;
        }
        let level = levels.at(level_id);
        level.shown -= order.open.0;
        level.unseen -= unseen;
        detach(hot, level, (prev, next));
        if prev == NONE && level_id == self.best_level {
            self.best_head = next;
        }
    }

    fn set_best(&mut self, slab: &OrderSlab, best: Option<(i32, u32)>) {
        (self.best_level, self.best_head) = (NONE, NONE);
        if let Some((key, level)) = best.or_else(|| self.prices.last(&slab.pages)) {
            let head = slab.levels.slots[level as usize].head;
            (self.best_key, self.best_level, self.best_head) = (key, level, head);
        }
    }

    /// Decreases an order's open quantity and its level's total.
    pub(super) fn reduce(&mut self, slab: &mut OrderSlab, handle: Handle, by: Quantity) {
        let order = &mut slab.hot[handle.0 as usize];
        order.open.0 -= by.0;
        slab.levels.at(order.level).shown -= by.0;
    }

    /// Increases an order's open quantity and its level's total.
    pub(super) fn extend(&mut self, slab: &mut OrderSlab, handle: Handle, by: Quantity) {
        let order = &mut slab.hot[handle.0 as usize];
        order.open.0 += by.0;
        slab.levels.at(order.level).shown += by.0;
    }

    /// Changes how many lots of an order count beyond those in the queue.
    pub(super) fn count_unseen(&mut self, slab: &mut OrderSlab, handle: Handle, by: i64) {
        let level = slab.hot(handle).level;
        slab.levels.at(level).unseen += by;
    }

    /// Sets the order's open quantity, changes its unseen lots by `unseen_by`, and moves it to the end of its price's
    /// queue.
    pub(super) fn requeue(&mut self, slab: &mut OrderSlab, handle: Handle, open: Quantity, unseen_by: i64) {
        let OrderSlab { hot, levels, .. } = slab;
        let order = &mut hot[handle.0 as usize];
        let (level_id, prev, next) = (order.level, order.prev, order.next);
        let level = levels.at(level_id);
        level.shown = level.shown - order.open.0 + open.0;
        level.unseen += unseen_by;
        order.open = open;
        if next == NONE {
            return;
        }
        detach(hot, level, (prev, next));
        if prev == NONE && level_id == self.best_level {
            self.best_head = next;
        }
        let tail = std::mem::replace(&mut level.tail, handle.0);
        hot[tail as usize].next = handle.0;
        let order = &mut hot[handle.0 as usize];
        (order.prev, order.next) = (tail, NONE);
    }

    /// The levels from best to worst.
    pub(super) fn iter<'a>(&'a self, slab: &'a OrderSlab) -> impl Iterator<Item = LevelView> + 'a {
        self.prices.descend(&slab.pages).map(|(key, level)| {
            let level = &slab.levels.slots[level as usize];
            let orders = queue(slab, level.head).count() as u32;
            LevelView { price: self.price(key), quantity: Quantity(level.shown), orders }
        })
    }

    /// The orders from best to worst price, within a price by time.
    pub(super) fn orders<'a>(&'a self, slab: &'a OrderSlab) -> impl Iterator<Item = Handle> + 'a {
        self.prices
            .descend(&slab.pages)
            .flat_map(move |(_, level)| queue(slab, slab.levels.slots[level as usize].head))
    }

    /// The levels from best to worst, without reading their orders.
    pub(super) fn standings<'a>(&'a self, slab: &'a OrderSlab) -> impl Iterator<Item = Standing> + 'a {
        self.prices.descend(&slab.pages).map(|found| self.standing(slab, found))
    }

    /// The best level.
    pub(super) fn top(&self, slab: &OrderSlab) -> Option<Standing> {
        (!self.is_empty()).then(|| self.standing(slab, (self.best_key, self.best_level)))
    }

    /// The level of this price, if there is one.
    pub(super) fn at(&self, slab: &OrderSlab, price: Price) -> Option<Standing> {
        let key = self.key(price)?;
        let level = self.prices.find(&slab.pages, key)?;
        Some(self.standing(slab, (key, level)))
    }

    /// The next level worse than this price. There need be no level at this price.
    pub(super) fn below(&self, slab: &OrderSlab, price: Price) -> Option<Standing> {
        if self.is_empty() {
            return None;
        }
        let found = self.prices.below(&slab.pages, self.key(price)?)?;
        Some(self.standing(slab, found))
    }

    fn key(&self, price: Price) -> Option<i32> {
        i32::try_from(price.0).ok().map(|ticks| ticks ^ self.flip)
    }

    fn standing(&self, slab: &OrderSlab, (key, level): (i32, u32)) -> Standing {
        let level = &slab.levels.slots[level as usize];
        let (shown, counted) = (level.shown, level.counted());
        Standing { key, price: self.price(key), shown, counted, head: Handle(level.head) }
    }
}

/// A level during iteration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Increases towards the best price of its side.
    pub(super) key: i32,
    pub(super) price: Price,
    /// Open lots in the queue.
    pub(super) shown: u64,
    /// Lots that count in trading.
    pub(super) counted: u64,
    pub(super) head: Handle,
}

/// Links the neighbours of an order that leaves a queue with several orders.
#[inline]
fn detach(hot: &mut [Hot], level: &mut Level, (prev, next): (u32, u32)) {
    match next {
        NONE => level.tail = prev,
        next => hot[next as usize].prev = prev,
    }
    match prev {
        NONE => level.head = next,
        prev => hot[prev as usize].next = next,
    }
}

/// The orders of a queue from this one on.
fn queue(slab: &OrderSlab, first: u32) -> impl Iterator<Item = Handle> + '_ {
    std::iter::successors(Handle::of(first), move |at| Handle::of(slab.hot(*at).next))
}
