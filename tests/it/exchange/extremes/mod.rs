//! Sizes far beyond a usual day: that the results are still right and that the work and the memory do not grow with
//! something they should not grow with. Nothing here is decided by a clock.

mod books;
mod cascades;
mod crowds;

use crate::support::venue::{BASE, FIRST, Order, QUOTE, Venue};

/// A fixed permutation of the numbers below `count`, for which `count` must be no multiple of 7,919.
fn scattered(count: u64) -> impl Iterator<Item = u64> {
    assert!(!count.is_multiple_of(7_919));
    (0..count).map(move |at| at * 7_919 % count)
}
