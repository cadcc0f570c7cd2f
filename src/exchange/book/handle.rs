//! References to orders, levels and blocks: slot numbers.

/// The slot of an order in the slab. It is reused after the order is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(pub(in crate::exchange) u32);

impl Handle {
    /// The handle in a field that may be [`NONE`].
    #[inline]
    pub(in crate::exchange) fn of(slot: u32) -> Option<Self> {
        (slot != NONE).then_some(Self(slot))
    }

    /// The number of the slot.
    pub fn slot(self) -> u32 {
        self.0
    }
}

/// No order, no level, or no block.
pub(in crate::exchange) const NONE: u32 = u32::MAX;
