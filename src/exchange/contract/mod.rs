//! The state of contracts: indexes, terms, tiers, funds, and the values that matching passes on. Plain values; what commands
//! and orders do with them is in `contracts`.

mod exposed;
mod fund;
mod funding;
mod index;
mod reducing;
mod terms;
mod tiers;
mod trade;

pub(super) use exposed::Exposed;
pub(super) use fund::{Below, Fund, Funds};
pub(super) use funding::{Charging, Fundings};
pub(super) use index::{Index, Quote};
pub(super) use reducing::Reducing;
pub(super) use terms::Contract;
pub(super) use tiers::Coming;
pub(super) use trade::{MeasuredSide, Pair, Undo};

use crate::domain::InstrumentId;

/// What a shard knows of indexes, and what its contracts share.
#[derive(Clone, Debug, Default)]
pub(super) struct Contracts {
    /// By id, those of other shards too.
    pub(super) indexes: Vec<Index>,
    /// The second of the last sampling tick; 0 before the first.
    pub(super) sampled: u64,
    /// Its contracts by ordinal, the delisted ones too.
    pub(super) by_ordinal: Vec<InstrumentId>,
}
