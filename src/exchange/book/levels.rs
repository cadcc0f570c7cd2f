//! One side of a book: its price levels, each a first-in-first-out list of orders.
//!
//! The levels live in a slab, so that an order can name its level for good; a sorted array names them by price with the
//! best at its end, where nearly everything happens: the best price is its last entry, and levels come and go near
//! the end, where little has to move.

use super::order::{Handle, NONE, Order, OrderSlab};
use crate::domain::{Price, Quantity, Side};

/// One price of one side.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Open lots of all its orders.
    total: u64,
    /// The order that was first.
    head: u32,
    /// The order that was last.
    tail: u32,
    orders: u32,
}

/// Ascending from the worst price to the best: the price for bids, its negative for asks.
#[derive(Clone, Copy, Debug)]
struct Rank {
    key: i64,
    level: u32,
}

/// One side of a book.
#[derive(Debug)]
pub(super) struct Levels {
    side: Side,
    /// Sorted, best last.
    ranks: Vec<Rank>,
    slots: Vec<Level>,
    free: Vec<u32>,
}

/// A level as readers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its price, ticks.
    pub price: Price,
    /// Open lots of all its orders.
    pub quantity: Quantity,
    /// How many orders.
    pub orders: u32,
}

impl Levels {
    pub(super) fn new(side: Side) -> Self {
        Self { side, ranks: Vec::new(), slots: Vec::new(), free: Vec::new() }
    }

    fn key(&self, price: Price) -> i64 {
        match self.side {
            Side::Buy => price.0,
            Side::Sell => -price.0,
        }
    }

    fn price(&self, key: i64) -> Price {
        match self.side {
            Side::Buy => Price(key),
            Side::Sell => Price(-key),
        }
    }

    /// The best price and the order that was first at it.
    pub(super) fn best(&self) -> Option<(Price, Handle)> {
        let rank = self.ranks.last()?;
        Some((self.price(rank.key), Handle(self.slots[rank.level as usize].head)))
    }

    /// Puts the order last in the queue of its price.
    pub(super) fn push_back(&mut self, orders: &mut OrderSlab, handle: Handle) {
        let order = *orders.get(handle);
        let level_id = self.level_at(order.price);
        let level = &mut self.slots[level_id as usize];
        level.total += order.open.0;
        level.orders += 1;
        let tail = std::mem::replace(&mut level.tail, handle.0);
        match tail {
            NONE => level.head = handle.0,
            tail => orders.at(tail).next = handle.0,
        }
        let order = orders.get_mut(handle);
        (order.level, order.prev, order.next) = (level_id, tail, NONE);
    }

    /// Takes the order out of its queue; the level goes with its last order. The order stays in the slab.
    pub(super) fn unlink(&mut self, orders: &mut OrderSlab, handle: Handle) {
        let Order { level: level_id, prev, next, open, price, .. } = *orders.get(handle);
        let level = &mut self.slots[level_id as usize];
        level.total -= open.0;
        level.orders -= 1;
        match prev {
            NONE => level.head = next,
            prev => orders.at(prev).next = next,
        }
        match next {
            NONE => level.tail = prev,
            next => orders.at(next).prev = prev,
        }
        if level.orders == 0 {
            let key = self.key(price);
            let at = self.position(key).expect("an order's level is ranked");
            self.ranks.remove(at);
            self.free.push(level_id);
        }
    }

    /// Lowers an order's open quantity, and its level's total with it.
    pub(super) fn reduce(&mut self, orders: &mut OrderSlab, handle: Handle, by: Quantity) {
        let order = orders.get_mut(handle);
        order.open.0 -= by.0;
        self.slots[order.level as usize].total -= by.0;
    }

    /// The level of this price, made if there is none.
    fn level_at(&mut self, price: Price) -> u32 {
        let key = self.key(price);
        match self.position(key) {
            Ok(at) => self.ranks[at].level,
            Err(at) => {
                let empty = Level { total: 0, head: NONE, tail: NONE, orders: 0 };
                let level = match self.free.pop() {
                    Some(slot) => {
                        self.slots[slot as usize] = empty;
                        slot
                    }
                    None => {
                        self.slots.push(empty);
                        (self.slots.len() - 1) as u32
                    }
                };
                self.ranks.insert(at, Rank { key, level });
                level
            }
        }
    }

    /// Where this key stands, or would stand. Most orders are near the best price, so the end is looked at first.
    fn position(&self, key: i64) -> Result<usize, usize> {
        const NEAR: usize = 8;
        let len = self.ranks.len();
        let near = len.saturating_sub(NEAR);
        if near > 0 && key <= self.ranks[near].key {
            return self.ranks[..=near].binary_search_by_key(&key, |rank| rank.key);
        }
        let above = self.ranks[near..].iter().filter(|rank| rank.key >= key).count();
        let at = len - above;
        match self.ranks.get(at) {
            Some(rank) if rank.key == key => Ok(at),
            _ => Err(at),
        }
    }

    /// The levels from best to worst.
    pub(super) fn iter(&self) -> impl Iterator<Item = LevelView> + '_ {
        self.ranks.iter().rev().map(|rank| {
            let level = &self.slots[rank.level as usize];
            LevelView { price: self.price(rank.key), quantity: Quantity(level.total), orders: level.orders }
        })
    }

    /// The orders from best to worst price, first come first.
    pub(super) fn orders<'a>(
        &'a self,
        orders: &'a OrderSlab,
    ) -> impl Iterator<Item = (Handle, &'a Order)> + 'a {
        self.ranks.iter().rev().flat_map(move |rank| {
            let first = self.slots[rank.level as usize].head;
            std::iter::successors(handle(first), move |at| handle(orders.get(*at).next))
                .map(move |at| (at, orders.get(at)))
        })
    }
}

fn handle(slot: u32) -> Option<Handle> {
    (slot != NONE).then_some(Handle(slot))
}
