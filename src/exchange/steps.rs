//! Counts steps of work, so that tests can bound them.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Counts one step.
pub(super) fn count() {
    STEPS.set(STEPS.get() + 1);
}

/// How many steps this work takes.
pub(super) fn of(work: impl FnOnce()) -> u64 {
    let before = STEPS.get();
    work();
    STEPS.get() - before
}
