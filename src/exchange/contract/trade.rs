//! A trade of a contract that was measured, and one that a dry run made.

use super::super::positions::{At, Measured, Position};
use crate::domain::{Amount, Side};

/// One side of a trade that was measured.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct MeasuredSide {
    pub(in crate::exchange) at: At,
    pub(in crate::exchange) side: Side,
    /// Which position of its account changes.
    pub(in crate::exchange) which: usize,
    /// What the trade does to its position; `None`: both sides are one position, and are booked one after the other.
    pub(in crate::exchange) measured: Option<Measured>,
    pub(in crate::exchange) fee: Amount,
    pub(in crate::exchange) carry: u32,
}

/// Both sides of a trade that was measured: the resting one, the incoming one.
pub(in crate::exchange) type Pair = [MeasuredSide; 2];

/// What a trade of a dry run changed, to be undone.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Undo {
    pub(in crate::exchange) at: At,
    pub(in crate::exchange) which: usize,
    pub(in crate::exchange) before: Position,
    /// The change of the wallet of its account.
    pub(in crate::exchange) wallet: i64,
    /// What account 0 got.
    pub(in crate::exchange) fee: Amount,
}
