//! Locking without waiting.

use std::sync::{Mutex, MutexGuard, TryLockError};

/// The value, unless another thread holds the lock. Ignores poisoning.
pub(super) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(value) => Some(value),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
