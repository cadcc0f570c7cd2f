//! Where all resting orders lie: one slab for all books, so that an order is named by one small handle everywhere.
//!
//! The slab also holds the price levels of all books, for no level is without an order: both are bounded by the same
//! limit and taken at start. Only the pages that find levels by price come in pieces as prices spread.

use super::handle::{Handle, NONE};
use super::level::LevelSlab;
use super::order::{Cold, Hot, Order};
use super::prices::PricePages;
use crate::domain::OrderId;

/// The order with the next lower and the next higher number of the same login; [`NONE`] at the ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Chained {
    pub(in crate::exchange) prev: u32,
    pub(in crate::exchange) next: u32,
}

impl Chained {
    const NOT: Self = Self { prev: NONE, next: NONE };
}

const _: () = assert!(size_of::<Chained>() == 8);

/// All open orders, in memory taken at start: 96 bytes an order and 24 bytes a level.
#[derive(Clone, Debug)]
pub struct OrderSlab {
    pub(in crate::exchange) hot: Vec<Hot>,
    cold: Vec<Cold>,
    /// The chains of all logins. They are kept apart from the orders, for a cancel touches two neighbours here that it has
    /// no other business with.
    pub(in crate::exchange) chained: Vec<Chained>,
    /// The first free slot; the others follow by `next`.
    free: u32,
    len: usize,
    capacity: usize,
    pub(super) levels: LevelSlab,
    pub(super) pages: PricePages,
}

impl OrderSlab {
    /// Room for `capacity` orders.
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

    /// Room for `capacity` orders, and for `orders` even if they are more; `None` when there is not so much memory.
    pub(in crate::exchange) fn try_new(capacity: u32, orders: u32) -> Option<Self> {
        let room = capacity.max(orders) as usize;
        let mut slab = Self::new(0);
        slab.capacity = capacity as usize;
        slab.hot.try_reserve_exact(room).ok()?;
        slab.cold.try_reserve_exact(room).ok()?;
        slab.chained.try_reserve_exact(room).ok()?;
        slab.levels.try_reserve(room).then_some(slab)
    }

    /// Whether there is no room for one more.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len >= self.capacity
    }

    /// How many orders there is room for.
    pub fn capacity(&self) -> u32 {
        self.capacity as u32
    }

    /// Makes room for this many orders. Those that are there stay, also when they are more.
    pub fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity as usize;
        self.hot.reserve_exact(self.capacity.saturating_sub(self.hot.len()));
        self.cold.reserve_exact(self.capacity.saturating_sub(self.cold.len()));
        self.chained.reserve_exact(self.capacity.saturating_sub(self.chained.len()));
        self.levels.reserve(self.capacity);
    }

    /// Touches all memory of the slab, so that no order is the first to, and takes what finds levels by price for levels on
    /// this many pages of 32 ticks, all books together; without this it comes in pieces of 8.5 and 32 KiB as it is
    /// needed. About 30 ms for a million orders.
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

    /// The neighbours of an order in its queue, or the last order of a level: [`NONE`] for each that is not there.
    #[inline]
    pub(in crate::exchange) fn neighbours(&self, order: u32, level: u32) -> [u32; 3] {
        match self.hot.get(order as usize) {
            Some(order) => [order.prev, order.next, self.levels.tail(order.level)],
            None => [self.levels.tail(level), NONE, NONE],
        }
    }

    /// Something of an order; 0 when it is not there.
    #[inline]
    pub(in crate::exchange) fn glance(&self, order: u32) -> u32 {
        self.hot.get(order as usize).map_or(0, |order| order.next)
    }

    /// How many orders rest.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no order rests.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts an order in. The caller has seen that there is room for a new one; one that takes the place of another needs
    /// none, even where the limit has since sunk below what is open.
    #[inline]
    pub fn insert(&mut self, order: Order) -> Handle {
        let (hot, cold) = order.split();
        self.insert_parts(hot, cold)
    }

    /// [`OrderSlab::insert`] for an order that is in its two parts already.
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

    /// Frees an order's place.
    #[inline]
    pub fn remove(&mut self, handle: Handle) {
        let place = &mut self.hot[handle.0 as usize];
        place.id = OrderId(0);
        place.next = self.free;
        self.free = handle.0;
        self.len -= 1;
    }

    /// All orders by their slots, which is no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (Handle, &Hot, &Cold)> + '_ {
        let slots = (0..).zip(self.hot.iter().zip(&self.cold));
        slots.filter(|(_, (hot, _))| hot.id.0 != 0).map(|(slot, (hot, cold))| (Handle(slot), hot, cold))
    }

    /// The resting order that was given this slot and this number; `None` once it is gone, whoever has the slot now.
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

    /// The hot part of the order at this handle, to be changed.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> &mut Hot {
        &mut self.hot[handle.0 as usize]
    }

    /// The cold part of the order at this handle.
    #[inline]
    pub fn cold(&self, handle: Handle) -> &Cold {
        &self.cold[handle.0 as usize]
    }

    /// The cold part of the order at this handle, to be changed.
    #[inline]
    pub fn cold_mut(&mut self, handle: Handle) -> &mut Cold {
        &mut self.cold[handle.0 as usize]
    }
}
