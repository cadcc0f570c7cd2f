//! The storage of all open orders: one slab for all books, so that one small handle identifies an order everywhere.
//!
//! The slab also stores the price levels of all books. Every level has at least one order, so both have the same limit
//! and are allocated at start. Only the pages that find levels by price are allocated as prices spread.

use super::handle::{Handle, NONE};
use super::level::LevelSlab;
use super::order::{Cold, Hot, Order};
use super::prices::PricePages;
use crate::domain::OrderId;

/// The orders of the same login with the next lower and next higher number; [`NONE`] at the ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Chained {
    pub(in crate::exchange) prev: u32,
    pub(in crate::exchange) next: u32,
}

impl Chained {
    const NOT: Self = Self { prev: NONE, next: NONE };
}

const _: () = assert!(size_of::<Chained>() == 8);

/// All open orders, in memory allocated at start: 96 bytes per order and 24 bytes per level.
#[derive(Clone, Debug)]
pub struct OrderSlab {
    pub(in crate::exchange) hot: Vec<Hot>,
    cold: Vec<Cold>,
    /// The chains of all logins. They are stored apart from the orders, because a cancel changes two neighbours here
    /// whose orders it does not otherwise use.
    pub(in crate::exchange) chained: Vec<Chained>,
    /// The first free slot; the others follow by `next`.
    free: u32,
    len: usize,
    capacity: usize,
    pub(super) levels: LevelSlab,
    pub(super) pages: PricePages,
}

impl OrderSlab {
    /// A slab with room for `capacity` orders.
    pub fn new(capacity: u32) -> Self {
        let capacity = capacity as usize;
        Self {
            hot: Vec::with_capacity(capacity),
            cold: Vec::with_capacity(capacity),
            chained: Vec::with_capacity(capacity),
            free: NONE,
            len: 0,
            capacity,
            levels: LevelSlab::new(capacity),
            pages: PricePages::default(),
        }
    }

    /// A slab with room for `capacity` orders, and for `orders` even if they are more; `None` if there is not enough
    /// memory.
    pub(in crate::exchange) fn try_new(capacity: u32, orders: u32) -> Option<Self> {
        let room = capacity.max(orders) as usize;
        let mut slab = Self::new(0);
        slab.capacity = capacity as usize;
        slab.hot.try_reserve_exact(room).ok()?;
        slab.cold.try_reserve_exact(room).ok()?;
        slab.chained.try_reserve_exact(room).ok()?;
        slab.levels.try_reserve(room).then_some(slab)
    }

    /// Whether there is no room for another order.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len >= self.capacity
    }

    /// The number of orders that fit.
    pub fn capacity(&self) -> u32 {
        self.capacity as u32
    }

    /// Makes room for this many orders. Existing orders stay, even if there are more.
    pub fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity as usize;
        self.hot.reserve_exact(self.capacity.saturating_sub(self.hot.len()));
        self.cold.reserve_exact(self.capacity.saturating_sub(self.cold.len()));
        self.chained.reserve_exact(self.capacity.saturating_sub(self.chained.len()));
        self.levels.reserve(self.capacity);
    }

    /// Touches all memory of the slab, so that no order causes page faults, and allocates what finds levels by price
    /// for this many pages of 32 ticks, all books together. Without this it is allocated on demand, in pieces of 8.5
    /// and 32 KiB. About 30 ms for a million orders.
    pub fn warm(&mut self, pages: u32) {
        let (blank, len) = (Order::default().split(), self.hot.len());
        self.hot.resize(self.capacity.max(len), blank.0);
        self.cold.resize(self.capacity.max(len), blank.1);
        self.chained.resize(self.capacity.max(len), Chained::NOT);
        self.hot.truncate(len);
        self.cold.truncate(len);
        self.chained.truncate(len);
        self.levels.warm();
        self.pages.reserve(pages as usize);
    }

    /// The neighbours of an order in its queue, and the last order of a level; [`NONE`] for each that does not exist.
    #[inline]
    pub(in crate::exchange) fn neighbours(&self, order: u32, level: u32) -> [u32; 3] {
        match self.hot.get(order as usize) {
            Some(order) => [order.prev, order.next, self.levels.tail(order.level)],
            None => [self.levels.tail(level), NONE, NONE],
        }
    }

    /// Reads a field of an order, to bring it into the cache; 0 if the order does not exist.
    #[inline]
    pub(in crate::exchange) fn glance(&self, order: u32) -> u32 {
        self.hot.get(order as usize).map_or(0, |order| order.next)
    }

    /// The number of orders.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no orders.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an order. The caller has checked that there is room for a new one. An order that replaces another one needs
    /// no room, even if the limit was lowered below the number of open orders.
    #[inline]
    pub fn insert(&mut self, order: Order) -> Handle {
        let (hot, cold) = order.split();
        self.insert_parts(hot, cold)
    }

    /// [`OrderSlab::insert`] for an order that is already split.
    #[inline]
    pub fn insert_parts(&mut self, hot: Hot, cold: Cold) -> Handle {
        self.len += 1;
        let slot = self.free;
        if slot != NONE {
            let place = &mut self.hot[slot as usize];
            self.free = place.next;
            *place = hot;
            self.cold[slot as usize] = cold;
            return Handle(slot);
        }
        let slot = self.hot.len() as u32;
        self.hot.push(hot);
        self.cold.push(cold);
        self.chained.push(Chained::NOT);
        Handle(slot)
    }

    /// Frees an order's slot.
    #[inline]
    pub fn remove(&mut self, handle: Handle) {
        let place = &mut self.hot[handle.0 as usize];
        place.id = OrderId(0);
        place.next = self.free;
        self.free = handle.0;
        self.len -= 1;
    }

    /// All orders by slot, which is no meaningful order.
    pub fn iter(&self) -> impl Iterator<Item = (Handle, &Hot, &Cold)> + '_ {
        let slots = (0..).zip(self.hot.iter().zip(&self.cold));
        slots.filter(|(_, (hot, _))| hot.id.0 != 0).map(|(slot, (hot, cold))| (Handle(slot), hot, cold))
    }

    /// The order with this slot and number; `None` if it is gone, even if the slot is used again.
    #[inline]
    pub fn find(&self, slot: u32, id: OrderId) -> Option<Handle> {
        let found = self.hot.get(slot as usize)?;
        (found.id == id && id.0 != 0).then_some(Handle(slot))
    }

    /// A copy of the whole order at this handle.
    #[inline]
    pub fn get(&self, handle: Handle) -> Order {
        Order::join(self.hot(handle), self.cold(handle))
    }

    /// The hot part of the order at this handle.
    #[inline]
    pub fn hot(&self, handle: Handle) -> &Hot {
        &self.hot[handle.0 as usize]
    }

    /// The hot part of the order at this handle, mutable.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> &mut Hot {
        &mut self.hot[handle.0 as usize]
    }

    /// The cold part of the order at this handle.
    #[inline]
    pub fn cold(&self, handle: Handle) -> &Cold {
        &self.cold[handle.0 as usize]
    }

    /// The cold part of the order at this handle, mutable.
    #[inline]
    pub fn cold_mut(&mut self, handle: Handle) -> &mut Cold {
        &mut self.cold[handle.0 as usize]
    }
}
