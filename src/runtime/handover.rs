//! A value that several threads own in turn, and that none of them waits for.
//!
//! Whoever finds it owned goes on without it. So that nothing is left undone then, an owner that leaves work behind rings
//! those who may do it *after* it has given the value back: rung earlier, they might find it owned still, and sleep. And
//! whoever finds it owned, and has brought work, rings the other owner, which looks once more before it sleeps
//! (`runtime/doorbell.rs`). `tests/loom.rs` checks both.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

#[cfg(dojima_loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(dojima_loom))]
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_utils::CachePadded;

/// One of the handles to a value that has at most one owner at a time.
pub struct Handover<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// Decides who owns the value.
    is_owned: CachePadded<AtomicBool>,
    /// Free whenever `is_owned` is won, so nobody waits here: it gives access without unsafe code, and keeps what an owner
    /// panicked with. (The model checker's own mutex forgets wake-ups of threads that touch it.)
    value: Mutex<T>,
}

/// Ownership; dropping it gives the value back, with everything that was done to it.
pub struct Owned<'a, T> {
    // Dropped in this order.
    value: MutexGuard<'a, T>,
    _release: Release<'a>,
}

struct Release<'a>(&'a AtomicBool);

impl Drop for Release<'_> {
    #[inline]
    fn drop(&mut self) {
        // Whoever wins the flag next sees everything that this owner did.
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
    /// Nobody owns it yet.
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

    /// Takes the value unless somebody owns it. Never waits. A value whose owner panicked is not given out again.
    #[inline]
    pub fn try_own(&self) -> Option<Owned<'_, T>> {
        self.0.is_owned.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).ok()?;
        let release = Release(&self.0.is_owned);
        let value = self.0.value.try_lock().ok()?;
        Some(Owned { value, _release: release })
    }

    /// Takes the value for good when its owner gives it back: for an end in good order, not for a duty cycle. `None` if an owner
    /// panicked.
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
