//! Rare attributes of orders: instructions, an iceberg's hidden lots, a trigger, a link. Most orders have none, so they
//! are stored in a separate slab.

use super::book::Handle;
use super::chunks::Chunks;
use crate::domain::{Instructions, OrderId, OrderState, Quantity, TriggerReference};

/// No extra.
pub(super) const NONE: u32 = super::book::Order::NO_EXTRA;
/// Order flag: it has an extra.
pub(super) const HAS_EXTRA: u8 = 1;
/// Order flag: it may only reduce a position of a contract, so it puts no lots at risk.
pub(super) const REDUCES: u8 = 8;

/// The rare attributes of one order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra {
    /// Its instructions.
    pub(super) instructions: Instructions,
    /// Order size in minor units of the quote asset; only for orders with a quantity in money.
    pub(super) amount: i64,
    /// An iceberg's lots that are not displayed.
    pub(super) rest: u64,
    /// Its expire time, seconds since the Unix epoch; 0: none.
    pub(super) expire_s: u32,
    /// Whether it waits for its trigger.
    pub(super) state: OrderState,
    /// Its trigger, while it waits.
    pub(super) watch: Watch,
    /// For a waiting market buy: the price by which its reserve is computed, price units. It is the trigger's price;
    /// for a trailing stop the stop price when it was accepted, or its distance if there was none. 0 for all other
    /// orders.
    pub(super) reserve_units: u64,
    /// The linked order.
    pub(super) partner: Option<Handle>,
    /// Of two linked orders, the one that reserves only what it needs beyond the other.
    pub(super) is_second: bool,
    /// Of two linked orders that both rest, the one that would trade later: it takes no part in auctions and counts in
    /// no total. Derived from the orders.
    pub(super) sits_out: bool,
    /// The last dry run that left it out. Not part of the state.
    pub(super) left_out: u64,
    /// Of the second of two linked orders of a contract: the lots that it shares with the first one. Derived.
    pub(super) uncounted: u64,
    /// Its links to other extras.
    pub(super) links: Links,
}

impl Extra {
    /// Lots of a resting order that count in trading beyond its open ones in the queue; negative if those do not count.
    pub(super) fn unseen(&self, open: Quantity) -> i64 {
        if self.sits_out { -(open.0 as i64) } else { self.rest as i64 }
    }
}

/// The trigger of a dormant order, in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    pub(super) reference: TriggerReference,
    /// Whether a rise of the price triggers it.
    pub(super) on_rise: bool,
    /// Whether it is a trailing stop.
    pub(super) trails: bool,
    /// The trigger price; for a trailing stop the distance.
    pub(super) ticks: i32,
}

impl Watch {
    /// The distance of a trailing stop, ticks; 0: it does not trail.
    pub(super) fn distance(&self) -> i64 {
        if self.trails { self.ticks.into() } else { 0 }
    }
}

/// The order of an extra and, for a dormant order, its position among the others. Not saved in snapshots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    pub(super) order: OrderId,
    pub(super) handle: Handle,
    /// The previous and next dormant order of the instrument. In a free extra, `next` is the next free one.
    pub(super) prev: u32,
    pub(super) next: u32,
    /// Its position in a heap.
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) parent: u32,
    /// For the first order of a heap of trailing stops: its group.
    pub(super) group: u32,
    /// The sort key of the heap, before the number.
    pub(super) key: i32,
    /// The number of steps from here to the nearest free place in the heap.
    pub(super) rank: u8,
}

impl Default for Links {
    fn default() -> Self {
        Self::of(OrderId(0), Handle(NONE))
    }
}

impl Links {
    /// The links of an order that does not wait.
    pub(super) fn of(order: OrderId, handle: Handle) -> Self {
        let (prev, next, left, right, parent, group) = (NONE, NONE, NONE, NONE, NONE, NONE);
        Self { order, handle, prev, next, left, right, parent, group, key: 0, rank: 0 }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Extras {
    slots: Chunks<Extra, 64>,
    /// The first free slot; the others follow by `next`.
    free: u32,
    len: usize,
}

impl Default for Extras {
    fn default() -> Self {
        Self { slots: Chunks::default(), free: NONE, len: 0 }
    }
}

impl Extras {
    pub(super) fn insert(&mut self, extra: Extra) -> u32 {
        self.len += 1;
        let slot = self.free;
        if slot == NONE {
            return self.slots.push(extra);
        }
        let place = self.slots.at_mut(slot);
        self.free = place.links.next;
        *place = extra;
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if slot != NONE {
            self.at_mut(slot).links.next = self.free;
            self.free = slot;
            self.len -= 1;
        }
    }

    /// The extra of an order that may have none.
    ///
    /// # Panics
    /// If the slot number is invalid.
    #[inline]
    pub(super) fn find(&self, slot: u32) -> Option<&Extra> {
        if slot == NONE { None } else { Some(self.at(slot)) }
    }

    #[inline]
    pub(super) fn find_mut(&mut self, slot: u32) -> Option<&mut Extra> {
        if slot == NONE { None } else { Some(self.at_mut(slot)) }
    }

    /// The extra of an order that has one.
    ///
    /// # Panics
    /// If it has none.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Extra {
        self.slots.at(slot)
    }

    /// As [`Self::at`].
    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Extra {
        self.slots.at_mut(slot)
    }

    /// The number of orders with an extra.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}
