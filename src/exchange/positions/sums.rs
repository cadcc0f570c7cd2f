//! The sums of an account over its positions in one asset.

use super::quoted::NONE;
use crate::domain::Amount;

/// Sums over positions, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Sums {
    /// Of cross positions: their profits at the marks, each rounded down.
    pub(in crate::exchange) profit: i128,
    /// The initial margin of positions and orders, beyond what pots of isolated positions cover.
    pub(in crate::exchange) required: i128,
    /// Of cross positions: the initial margin of their lots alone.
    pub(in crate::exchange) behind_lots: i128,
}

impl Sums {
    /// The sums of these parts.
    pub(super) fn of(parts: &[Self]) -> Self {
        let mut sums = Self::default();
        parts.iter().for_each(|part| sums.replace(&Self::default(), part));
        sums
    }

    /// Replaces one part of the sums.
    pub(super) fn replace(&mut self, before: &Self, after: &Self) {
        self.profit += after.profit - before.profit;
        self.required += after.required - before.required;
        self.behind_lots += after.behind_lots - before.behind_lots;
    }
}

/// The sums of an account in an asset, and where its holdings begin.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Margin {
    /// The first holding in this asset.
    pub(super) first: u32,
    /// The version of the marks that the sums are of.
    pub(super) version: u64,
    pub(super) sums: Sums,
}

impl Margin {
    /// Of an account that has nothing.
    pub(super) const NEW: Self =
        Self { first: NONE, version: 0, sums: Sums { profit: 0, required: 0, behind_lots: 0 } };

    /// What is available for orders of cross positions. `free`: the wallet less what orders hold.
    pub(in crate::exchange) fn available(&self, free: Amount) -> i128 {
        i128::from(free.0) + self.sums.profit - self.sums.required
    }

    /// What is available for isolated positions: profits that are not realised do not count.
    pub(in crate::exchange) fn available_to_pots(&self, free: i128) -> i128 {
        free + self.sums.profit.min(0) - self.sums.required
    }

    /// What may leave the wallet.
    pub(in crate::exchange) fn withdrawable(&self, free: i128) -> i128 {
        self.available_to_pots(free).max(0)
    }

    pub(in crate::exchange) fn sums(&self) -> &Sums {
        &self.sums
    }
}
