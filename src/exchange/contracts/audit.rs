//! The invariants of positions, checked on demand.

use super::super::audit::AuditError;
use super::super::book::{Handle, Order};
use super::super::contract::Exposed;
use super::super::extras::REDUCES;
use super::super::positions::{At, Position};
use super::super::state::Exchange;
use crate::domain::{AssetId, InstrumentId, MarginMode, OrderState, Side};

impl Exchange {
    /// Adds an open order of a contract.
    pub(in crate::exchange) fn expose(
        &self,
        exposed: &mut Exposed,
        instrument: InstrumentId,
        order: &Order,
        state: OrderState,
    ) {
        let Some(contract) = &self.instruments[instrument.0 as usize].contract else { return };
        let at = At { account: order.account, contract: contract.ordinal };
        let open = self.open_lots(order).0;
        let which = usize::from(order.side == Side::Sell);
        if order.flags & REDUCES == 0 {
            let extra = self.shared.extras.find(order.extra);
            exposed.lots.entry(at).or_default()[which] += open - extra.map_or(0, |extra| extra.uncounted);
        } else if state == OrderState::Live {
            exposed.reducing.entry(at).or_default()[which] += open;
        }
    }

    /// Checks positions, the sums of accounts, and the open interest.
    pub(in crate::exchange) fn audit_positions(&self, exposed: &Exposed) -> Result<(), AuditError> {
        for (instrument, contract) in self.contracts_by_id() {
            let bad = |what| Err(AuditError::Book { instrument, what });
            let (mut lots, mut long) = (0_i128, 0_u64);
            let (mut legs, mut owing) = (0_u32, 0_u32);
            for holding in self.shared.positions.of_contract(contract.ordinal) {
                let at = holding.at();
                let counted = holding
                    .positions
                    .iter()
                    .fold([0, 0], |[bids, asks], position| [bids + position.bids, asks + position.asks]);
                if counted != exposed.lots.get(&at).copied().unwrap_or_default() {
                    return bad("an account's lots on order differ from those of its orders");
                }
                for position in &holding.positions {
                    let leg = position.leg;
                    legs += u32::from(leg.lots != 0);
                    owing += u32::from(contract.owes(position));
                    lots += i128::from(leg.lots);
                    long += leg.lots.max(0).unsigned_abs();
                    if leg.lots == 0 && leg.cost != 0 {
                        return bad("a position without lots has a cost");
                    }
                }
                let may_have = |one: &Position| {
                    one.pot == 0
                        || (holding.mode == MarginMode::Isolated && (one.leg.lots != 0 || one.pot < 0))
                };
                let [first, second] = holding.positions;
                let fits = if self.shared.positions.hedges(at.account) {
                    first.leg.lots >= 0 && second.leg.lots <= 0
                } else {
                    second.leg.lots == 0
                };
                if !fits {
                    return bad("a position does not fit its account's position mode");
                }
                if !holding.positions.iter().all(may_have) {
                    return bad("a position has money of its own that it may not have");
                }
                let reducing = exposed.reducing.get(&at).copied().unwrap_or_default();
                let closable = [Side::Buy, Side::Sell].map(|side| self.shared.positions.closable(at, side));
                if reducing[0] > closable[0] || reducing[1] > closable[1] {
                    return bad("reduce-only orders have more lots than there are to reduce");
                }
            }
            if lots != 0 {
                return bad("the lots of all positions do not add up to 0");
            }
            if long != contract.open_interest {
                return bad("the open interest differs from the long positions");
            }
            if legs != contract.legs {
                return bad("the count of positions is wrong");
            }
            let charging = &contract.fundings.charging;
            if charging.map_or(0, |charging| charging.left) != owing || (charging.is_some() && owing == 0) {
                return bad("a funding is open without a position to charge, or miscounts them");
            }
            if charging.is_none() && contract.clearing != 0 {
                return bad("money is in clearing and no funding is open");
            }
            let ordinal = contract.ordinal;
            if exposed
                .lots
                .keys()
                .any(|at| at.contract == ordinal && self.shared.positions.find(*at).is_none())
            {
                return bad("an order of an account that has nothing in the contract");
            }
        }
        if self.shared.undo.is_empty()
            && self.shared.funds.below.is_empty()
            && self.shared.positions.sums_are_right()
        {
            return Ok(());
        }
        Err(AuditError::Book {
            instrument: InstrumentId(0),
            what: "the sums of an account over its positions are wrong",
        })
    }

    /// Whether a reduce-only order is listed exactly if it rests.
    pub(in crate::exchange) fn audit_reducing(
        &self,
        handle: Handle,
        order: &Order,
        state: OrderState,
    ) -> bool {
        let Some(contract) = &self.instruments[order.instrument.0 as usize].contract else { return true };
        let at = At { account: order.account, contract: contract.ordinal };
        let listed = self.shared.reducing.of(at).contains(&(order.id, handle));
        listed == (order.flags & REDUCES != 0 && state == OrderState::Live)
    }

    /// What the clearing of all contracts of an asset has, minor units.
    pub(in crate::exchange) fn in_clearing(&self, asset: AssetId) -> i128 {
        let of_asset = self
            .contracts_by_id()
            .filter(|(instrument, _)| self.instruments[instrument.0 as usize].listing.settled_in() == asset);
        of_asset.map(|(_, contract)| i128::from(contract.clearing)).sum()
    }

    /// The cost of all positions and pots of an asset that its balances do not have, minor units.
    pub(in crate::exchange) fn cost_of_positions(&self, asset: AssetId) -> i128 {
        let all = self.shared.positions.iter().filter(|holding| {
            let id = self.contracts.by_ordinal[usize::from(holding.contract().0)];
            self.instruments[id.0 as usize].listing.settled_in() == asset
        });
        all.flat_map(|holding| holding.positions)
            .map(|one| i128::from(one.leg.cost) - i128::from(one.pot))
            .sum()
    }
}
