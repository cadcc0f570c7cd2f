//! What a further order would do to the positions of its account.

use super::Positions;
use super::holding::Holding;
use super::quoted::{At, NONE};
use crate::domain::Side;
use crate::domain::contracts::Exposure;

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
