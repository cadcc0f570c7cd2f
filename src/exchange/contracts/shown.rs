//! Positions as their owner is told of them.

use super::super::positions::{At, Position};
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::{
    AccountId, Amount, Event, InstrumentId, LoginId, OrderEvent, PositionLeg, PositionState, Price,
};

impl Exchange {
    /// Tells a login the positions of its account in a contract of this shard: one, in hedge mode two; none if there is no
    /// such contract.
    pub(in crate::exchange) fn tell_positions(
        &mut self,
        login: LoginId,
        account: AccountId,
        instrument: InstrumentId,
        events: &mut impl EventSink,
    ) {
        let legs: &[(usize, PositionLeg)] = match self.shared.positions.hedges(account) {
            false => &[(0, PositionLeg::Net)],
            true => &[(0, PositionLeg::Long), (1, PositionLeg::Short)],
        };
        for &(which, leg) in legs {
            if let Some(state) = self.position_state(login, account, instrument, which) {
                let state = PositionState { leg, ..state };
                self.tell(Event::Order(OrderEvent::PositionState(state)), events);
            }
        }
    }

    fn position_state(
        &self,
        login: LoginId,
        account: AccountId,
        instrument: InstrumentId,
        which: usize,
    ) -> Option<PositionState> {
        let found = self.instruments.get(instrument.0 as usize)?;
        let contract = found.contract.as_ref()?;
        let at = At { account, contract: contract.ordinal };
        let nothing = PositionState { login, instrument, ..PositionState::default() };
        let positions = &self.shared.positions;
        let wallet = self.shared.ledger.wallet(account, found.listing.settled_in()).0;
        let range = contract.range(&found.listing);
        let Some(shown) = positions.shown(at, which, wallet, range.as_ref()) else { return Some(nothing) };
        let position = positions.find(at).map_or_else(Position::default, |holding| holding.positions[which]);
        let mark = positions.quoted(at.contract).mark;
        Some(PositionState {
            leverage: positions.leverage(at).get(),
            lots: position.leg.lots,
            cost: position.leg.cost,
            pot: position.pot,
            mark,
            profit: position.leg.profit(&contract.value, mark).expect("lots have limits").0,
            equity: told(shown.equity),
            maintenance: Amount(told(shown.maintenance)),
            liquidation: shown.liquidation.unwrap_or(Price(0)),
            ..nothing
        })
    }
}

/// An amount of a margin account; those that do not fit are told as the nearest that does.
fn told(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX })
}
