//! What open orders put at risk, added up for the audit.

use super::super::positions::At;
use std::collections::BTreeMap;

/// What the open orders of the accounts in contracts add up to.
#[derive(Debug, Default)]
pub(in crate::exchange) struct Exposed {
    /// Open lots of buys and sells that may put lots at risk.
    pub(in crate::exchange) lots: BTreeMap<At, [u64; 2]>,
    /// Open lots of resting reduce-only orders.
    pub(in crate::exchange) reducing: BTreeMap<At, [u64; 2]>,
}
