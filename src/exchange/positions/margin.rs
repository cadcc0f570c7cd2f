//! What a further order would do to the positions of its account.

use super::quoted::At;
use super::{Known, Positions};
use crate::domain::{Amount, MarginMode, Side};

/// What a further order would do to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct WithOrder {
    /// Whether more lots would be at risk than without it.
    pub(in crate::exchange) increases: bool,
    /// Whether the account has neither lots nor orders in the position yet.
    pub(in crate::exchange) is_new: bool,
    /// The lots at risk with it.
    pub(in crate::exchange) lots_at_risk: u64,
    /// By how much it would raise what is required, minor units.
    pub(in crate::exchange) required: i64,
    /// Whether the account's leverage is above that of the tier of the lots at risk.
    pub(in crate::exchange) above_tier: bool,
    /// Whose money stands behind the position.
    pub(in crate::exchange) mode: MarginMode,
    /// Where the sums of its account are.
    margin: u32,
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
        let which = self.opened_by(at.account, side);
        let slot = self.slot_of(at);
        let margin = self.holdings[slot].margin;
        // So that what the position requires is that of the present mark.
        self.margin_at(margin);
        let holding = &self.holdings[slot];
        let position = &holding.positions[which];
        let mut without = position.exposure();
        match side {
            Side::Buy => without.bids -= replaced,
            Side::Sell => without.asks -= replaced,
        }
        let after = without.with(side, lots);
        let lots_at_risk = after.lots_at_risk();
        let (is_new, mode) = (position.is_empty(), holding.mode);
        let nothing = WithOrder {
            increases: false,
            is_new,
            lots_at_risk,
            required: 0,
            above_tier: false,
            mode,
            margin,
        };
        let increases = lots_at_risk > without.lots_at_risk();
        if !increases && replaced == 0 {
            return nothing;
        }
        let quoted = self.quoted(at.contract);
        let leverage = holding.leverage(quoted);
        let notional = quoted.value.notional(lots_at_risk, quoted.mark);
        let initial = notional.map(|notional| quoted.tiers.initial_and_above(notional, leverage));
        let (required, above_tier) = match (mode, initial) {
            (MarginMode::Cross, Some((Amount(required), above_tier))) => {
                let of = (slot as u32, which as u32, lots_at_risk);
                self.known = Known { of, version: self.version, required };
                (required, above_tier)
            }
            (MarginMode::Isolated, Some((_, above_tier))) => {
                (holding.required_at(quoted, which, after), above_tier)
            }
            // Nobody has as much.
            (_, None) => (i64::MAX, true),
        };
        // What is required now includes the replaced order.
        let required = required - self.holdings[slot].required[which];
        WithOrder { increases, required, above_tier, ..nothing }
    }

    /// What is available to an account for an order that was measured. `free`: the wallet less what orders hold.
    pub(in crate::exchange) fn available(&mut self, with: &WithOrder, free: Amount) -> i128 {
        let margin = self.margin_at(with.margin);
        match with.mode {
            MarginMode::Cross => margin.available(free),
            MarginMode::Isolated => margin.available_to_pots(i128::from(free.0)),
        }
    }
}
