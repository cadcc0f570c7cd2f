//! Locks of threads that never wait for each other.

use std::sync::{Mutex, MutexGuard, TryLockError};

/// The value, unless somebody has it. Also what its last owner panicked with.
pub(super) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(value) => Some(value),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
