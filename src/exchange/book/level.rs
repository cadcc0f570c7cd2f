//! One price level of one side, and the storage for the levels of all books.

use super::handle::NONE;

/// One price level of one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// Open lots of all its orders in the queue.
    pub(super) shown: u64,
    /// Lots that count in trading beyond those; negative if some of those do not count.
    pub(super) unseen: i64,
    /// The first order of the queue. For a free level: the next free level.
    pub(super) head: u32,
    /// The last order of the queue.
    pub(super) tail: u32,
}

const _: () = assert!(size_of::<Level>() == 24);

impl Level {
    /// Lots that count in trading.
    pub(super) fn counted(&self) -> u64 {
        self.shown.checked_add_signed(self.unseen).expect("no more lots are left out than there are")
    }
}

/// The levels of all books.
#[derive(Clone, Debug)]
pub(super) struct LevelSlab {
    pub(super) slots: Vec<Level>,
    free: u32,
}

impl LevelSlab {
    pub(super) fn new(capacity: usize) -> Self {
        Self { slots: Vec::with_capacity(capacity), free: NONE }
    }

    pub(super) fn reserve(&mut self, capacity: usize) {
        self.slots.reserve_exact(capacity.saturating_sub(self.slots.len()));
    }

    /// As [`Self::reserve`]; `false` if there is not enough memory.
    pub(super) fn try_reserve(&mut self, capacity: usize) -> bool {
        self.slots.try_reserve_exact(capacity.saturating_sub(self.slots.len())).is_ok()
    }

    /// Touches all of its memory.
    pub(super) fn warm(&mut self) {
        let len = self.slots.len();
        self.slots.resize(self.slots.capacity(), Level { shown: 0, unseen: 0, head: NONE, tail: NONE });
        self.slots.truncate(len);
    }

    /// The last order of this level; [`NONE`] if the level does not exist.
    #[inline]
    pub(super) fn tail(&self, level: u32) -> u32 {
        self.slots.get(level as usize).map_or(NONE, |level| level.tail)
    }

    pub(super) fn at(&mut self, level: u32) -> &mut Level {
        &mut self.slots[level as usize]
    }

    pub(super) fn insert(&mut self, level: Level) -> u32 {
        let slot = self.free;
        if slot == NONE {
            self.slots.push(level);
            return (self.slots.len() - 1) as u32;
        }
        self.free = std::mem::replace(self.at(slot), level).head;
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.slots[slot as usize].head = self.free;
        self.free = slot;
    }
}
