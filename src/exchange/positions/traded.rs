//! A side of a trade, and what it does to a position.

use super::holding::Position;
use super::quoted::At;
use crate::domain::contracts::Booked;
use crate::domain::{Amount, Side, Timestamp};

/// One side of a trade.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Traded {
    pub(in crate::exchange) at: At,
    pub(in crate::exchange) side: Side,
    pub(in crate::exchange) lots: u64,
    /// The value of the trade, minor units.
    pub(in crate::exchange) value: Amount,
    /// Its fee, minor units; below 0 for a rebate.
    pub(in crate::exchange) fee: i64,
    /// Whether it closes: in hedge mode the position of the other direction.
    pub(in crate::exchange) closes: bool,
    /// The account's wallet, minor units: what orders hold included.
    pub(in crate::exchange) wallet: i64,
    pub(in crate::exchange) now: Timestamp,
}

/// What a trade does to one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Measured {
    /// Which of the holding's positions.
    pub(in crate::exchange) which: usize,
    /// The position after it; its orders as they were.
    pub(in crate::exchange) position: Position,
    pub(in crate::exchange) booked: Booked,
    /// The fee that it pays, minor units.
    pub(in crate::exchange) fee: i64,
    /// The change of the wallet, fee included, minor units.
    pub(in crate::exchange) wallet: i64,
}

/// Why a side cannot trade: its margin does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Refusal;
