//! What a further order would do to the positions of its account.

use super::Positions;
use super::holding::Holding;
use super::quoted::{At, NONE, Ordinal};
use crate::domain::contracts::Exposure;
use crate::domain::{AccountId, Side};

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
        // So that what the position requires is that of the present mark.
        let asset = self.quoted(at.contract).asset;
        self.margin(at.account, asset);
        let quoted = self.quoted(at.contract);
        let which = self.opened_by(at.account, side);
        // Who has nothing yet has no account of its own either: nothing below asks whose it is.
        static NOTHING: Holding = Holding::new(At { account: AccountId(0), contract: Ordinal(0) }, NONE);
        let holding = self.find(at).unwrap_or(&NOTHING);
        let mut before: Exposure = holding.positions[which].exposure();
        match side {
            Side::Buy => before.bids -= replaced,
            Side::Sell => before.asks -= replaced,
        }
        let after = before.with(side, lots);
        let lots_at_risk = after.lots_at_risk();
        let increases = lots_at_risk > before.lots_at_risk();
        // What is required now includes the replaced order.
        let required = match (increases, replaced) {
            (false, 0) => 0,
            _ => holding.required_at(quoted, which, after) - holding.required[which],
        };
        WithOrder { increases, lots_at_risk, required }
    }
}
