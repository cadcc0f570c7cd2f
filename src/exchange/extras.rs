//! What few orders have: instructions, hidden lots of an iceberg, a trigger, a link. Most orders have none of it, so it
//! lies apart from them, in a slab of its own.

use super::book::Handle;
use crate::domain::{Instructions, OrderState, Price, TriggerReference};

/// No extra.
pub(super) const NONE: u32 = super::book::Order::NO_EXTRA;
/// The mark, among an order's flags, that it has one.
pub(super) const HAS_EXTRA: u8 = 1;

/// The extra of one order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra {
    /// What the order asked for.
    pub(super) instructions: Instructions,
    /// Of a quantity in money the amount, minor units of the quote asset.
    pub(super) amount: i64,
    /// Lots of an iceberg that are not shown.
    pub(super) rest: u64,
    /// When it ends, seconds since the Unix epoch; 0: it has no such time.
    pub(super) expire_s: u32,
    /// Whether it waits for its trigger.
    pub(super) state: OrderState,
    /// What it waits for.
    pub(super) watch: Watch,
    /// The order that is cancelled when this one trades.
    pub(super) partner: Option<Handle>,
    /// Of two linked orders the one that reserves only what it needs beyond the other.
    pub(super) is_second: bool,
}

/// A dormant order's trigger in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    pub(super) reference: TriggerReference,
    /// The price at which it is released; `None`: a trailing stop without a reference yet.
    pub(super) price: Option<i64>,
    /// Whether a rise releases it.
    pub(super) on_rise: bool,
    /// Of a trailing stop the distance, ticks; 0: it does not trail.
    pub(super) distance: i64,
    /// Of a trailing stop the reference's best value so far.
    pub(super) extreme: Option<Price>,
}

/// All extras.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    slots: Vec<Extra>,
    free: Vec<u32>,
}

impl Extras {
    pub(super) fn insert(&mut self, extra: Extra) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = extra;
            return slot;
        }
        self.slots.push(extra);
        // The free list never holds more than there are slots, so returning one never allocates.
        self.free.reserve(self.slots.len());
        (self.slots.len() - 1) as u32
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if slot != NONE {
            self.free.push(slot);
        }
    }

    /// The extra of an order that may have none.
    ///
    /// # Panics
    /// If it is to have one and there was never such a slot.
    #[inline]
    pub(super) fn find(&self, slot: u32) -> Option<&Extra> {
        if slot == NONE { None } else { Some(&self.slots[slot as usize]) }
    }

    #[inline]
    pub(super) fn find_mut(&mut self, slot: u32) -> Option<&mut Extra> {
        if slot == NONE { None } else { Some(&mut self.slots[slot as usize]) }
    }

    /// How many orders have one.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
