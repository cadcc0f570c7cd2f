//! The only file that knows whether the ring runs on real atomics or inside the loom model checker.
//!
//! Everything else in [`crate::ring`] takes its atomics and its race detection from here, so loom explores the same
//! code that ships.

#[cfg(not(dojima_loom))]
mod imp {
    pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

    /// Outside the model checker there is no race detection: no fields, no code.
    pub(crate) struct RaceDetector;

    impl RaceDetector {
        #[inline(always)]
        pub(crate) fn new(_slots: usize) -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) fn reading(&self, _index: usize) {}

        #[inline(always)]
        pub(crate) fn writing(&self, _index: usize) {}
    }
}

#[cfg(dojima_loom)]
mod imp {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

    use loom::cell::UnsafeCell;

    /// One tracked cell per slot. Loom fails the model when two accesses to a cell, one of them a write, are not
    /// ordered by happens-before. The cells are kept beside the slots and not around them, because a batch lends plain
    /// slices.
    pub(crate) struct RaceDetector(Box<[UnsafeCell<()>]>);

    impl RaceDetector {
        pub(crate) fn new(slots: usize) -> Self {
            Self((0..slots).map(|_| UnsafeCell::new(())).collect())
        }

        pub(crate) fn reading(&self, index: usize) {
            self.0[index].with(|_| ());
        }

        pub(crate) fn writing(&self, index: usize) {
            self.0[index].with_mut(|_| ());
        }
    }
}

pub(super) use imp::{AtomicU64, Ordering, RaceDetector};
/// The standard `Arc` in both cases. Nothing in the ring depends on when a reference count reaches zero, and modelling
/// the counts would only multiply the interleavings.
pub(super) use std::sync::Arc;
