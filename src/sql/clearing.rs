//! What contracts hold between those who pay and those who receive, in memory, for the sum of what there is of an asset.

use crate::domain::{AssetId, InstrumentId};
use std::collections::BTreeMap;

/// By contract: the asset that it is settled in, and minor units of it; below 0: more was received than paid so far.
#[derive(Debug, Default)]
pub(super) struct Clearing(BTreeMap<InstrumentId, (AssetId, i64)>);

impl Clearing {
    /// Adds to what a contract holds. `None`, and nothing changed, if the sum does not fit.
    pub(super) fn add(&mut self, instrument: InstrumentId, asset: AssetId, amount: i64) -> Option<()> {
        let (_, held) = self.0.entry(instrument).or_insert((asset, 0));
        *held = held.checked_add(amount)?;
        Some(())
    }

    /// What all contracts hold of an asset.
    pub(super) fn sum(&self, asset: AssetId) -> i64 {
        self.0.values().filter(|(of, _)| *of == asset).map(|(_, held)| held).sum()
    }
}
