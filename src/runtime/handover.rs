//! A value that several threads own in turn, without any of them waiting for it.
//!
//! A thread that finds the value owned continues without it. So that no work is left undone, two rules apply. An owner
//! that leaves work behind rings the threads that may do it *after* it has released the value; if it rang earlier, they
//! might find the value still owned, and sleep. A thread that has brought work and finds the value owned rings the
//! owner, which looks again before it sleeps (`runtime/doorbell.rs`). `tests/loom.rs` checks both.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

#[cfg(dojima_loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(dojima_loom))]
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_utils::CachePadded;

/// A handle to a value that has at most one owner at a time.
pub struct Handover<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// Decides which thread owns the value.
    is_owned: CachePadded<AtomicBool>,
    /// Unlocked whenever `is_owned` was won, so locking never waits. The mutex gives access without unsafe code, and is
    /// poisoned by a panic of an owner. (The model checker's own mutex loses wake-ups of threads that use it.)
    value: Mutex<T>,
}

/// Ownership. Dropping it releases the value with all changes.
pub struct Owned<'a, T> {
    // Dropped in this order.
    value: MutexGuard<'a, T>,
    _release: Release<'a>,
}

struct Release<'a>(&'a AtomicBool);

impl Drop for Release<'_> {
    #[inline]
    fn drop(&mut self) {
        // The next owner sees all changes of this owner.
        self.0.store(false, Ordering::Release);
    }
}

impl<T> Deref for Owned<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Owned<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Handover<T> {
    /// A value without an owner.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Shared {
            is_owned: CachePadded::new(AtomicBool::new(false)),
            value: Mutex::new(value),
        }))
    }

    /// Another handle to the same value.
    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Takes ownership if there is no owner. Never waits. A value whose owner panicked cannot be owned again.
    #[inline]
    pub fn try_own(&self) -> Option<Owned<'_, T>> {
        self.0.is_owned.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).ok()?;
        let release = Release(&self.0.is_owned);
        let value = self.0.value.try_lock().ok()?;
        Some(Owned { value, _release: release })
    }

    /// Waits until the owner releases the value, and takes it for good. For an orderly end, not for a duty cycle.
    /// `None` if an owner panicked.
    pub fn own_at_last(&self) -> Option<MutexGuard<'_, T>> {
        self.0.value.lock().ok()
    }
}

#[cfg(all(test, not(dojima_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_has_one_owner_at_a_time() {
        let first = Handover::new(1);
        let other = first.share();
        *first.try_own().expect("nobody owns it") += 1;
        let owned = other.try_own().expect("it was given back");
        assert!(first.try_own().is_none());
        assert_eq!(*owned, 2);
        drop(owned);
        assert_eq!(first.own_at_last().map(|value| *value), Some(2));
    }

    #[test]
    fn what_its_owner_panicked_with_is_not_given_out() {
        let first = Handover::new(1);
        let other = first.share();
        let owner = std::thread::spawn(move || {
            let _owned = other.try_own().expect("nobody owns it");
            panic!("on purpose");
        });
        assert!(owner.join().is_err());
        assert!(first.try_own().is_none() && first.own_at_last().is_none());
    }
}
