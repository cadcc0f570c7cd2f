//! How orders, levels and blocks are named: by the number of a slot.

/// Where an order stands in the slab. Reused after the order is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(pub(in crate::exchange) u32);

impl Handle {
    /// The handle in a field that may have [`NONE`].
    #[inline]
    pub(in crate::exchange) fn of(slot: u32) -> Option<Self> {
        (slot != NONE).then_some(Self(slot))
    }

    /// The number of the slot.
    pub fn slot(self) -> u32 {
        self.0
    }
}

/// No order, no level, no block.
pub(in crate::exchange) const NONE: u32 = u32::MAX;
