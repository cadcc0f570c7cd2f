//! Order flows for benches of the book alone, and venues that take them: one instrument, no money, one core.
//!
//! Everything here is made from fixed seeds with integers only, so that every machine measures the same work.
#![allow(dead_code, reason = "each bench that includes this uses a part of it")]

pub mod flow;
pub mod generator;
pub mod naive;
pub mod prices;
pub mod replay;
pub mod structures;
pub mod venue;
pub mod worst;

use dojima::runtime::SplitMix64;

/// True in `share` of 100 cases.
pub fn percent(random: &mut SplitMix64, share: u64) -> bool {
    random.remainder(100) < share
}
