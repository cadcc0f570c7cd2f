//! An insurance fund (docs/FUTURES.md, "Insurance fund").

use crate::domain::Amount;

/// The insurance fund of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Fund {
    /// Minor units.
    pub(in crate::exchange) amount: Amount,
    /// The number of the last deposit.
    pub(in crate::exchange) last_reference: u64,
}
