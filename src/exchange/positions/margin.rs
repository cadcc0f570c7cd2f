//! The sums of an account over its positions in one asset.

use super::holding::Holding;
use super::{At, NONE, Positions};
use crate::domain::contracts::Exposure;
use crate::domain::{Amount, Side};

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
    pub(in crate::exchange) fn available_to_pots(&self, free: Amount) -> i128 {
        i128::from(free.0) + self.sums.profit.min(0) - self.sums.required
    }

    /// What may leave the wallet.
    pub(in crate::exchange) fn withdrawable(&self, free: Amount) -> i128 {
        self.available_to_pots(free).max(0)
    }

    pub(in crate::exchange) fn sums(&self) -> &Sums {
        &self.sums
    }
}

/// What a further order would do to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct WithOrder {
    /// Whether more lots would be at risk than without it.
    pub(in crate::exchange) increases: bool,
    /// The lots at risk with it.
    pub(in crate::exchange) lots_at_risk: u64,
    /// By how much it would raise what is required, minor units.
    pub(in crate::exchange) required: i64,
}

impl Positions {
    /// What an order of these open lots would do, if an order of `replaced` lots of the same side were gone.
    pub(in crate::exchange) fn with_order(
        &mut self,
        at: At,
        side: Side,
        lots: u64,
        replaced: u64,
    ) -> WithOrder {
        let quoted = *self.quoted(at.contract);
        let which = self.opened_by(at.account, side);
        let holding = self.find(at).copied().unwrap_or_else(|| Holding::new(at, NONE));
        let mut without = holding;
        let position = &mut without.positions[which];
        match side {
            Side::Buy => position.bids -= replaced,
            Side::Sell => position.asks -= replaced,
        }
        let before: Exposure = position.exposure();
        let after = before.with(side, lots);
        let increases = after.lots_at_risk() > before.lots_at_risk();
        let mut with = without;
        let position = &mut with.positions[which];
        (position.bids, position.asks) = (after.bids, after.asks);
        // What is required now includes the replaced order.
        let required = match (increases, replaced) {
            (false, 0) => 0,
            _ => with.sums_at(&quoted).required - holding.sums_at(&quoted).required,
        };
        let required = i64::try_from(required).expect("margins are below 2^63");
        WithOrder { increases, lots_at_risk: after.lots_at_risk(), required }
    }
}
