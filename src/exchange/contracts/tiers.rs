//! Tables of margin tiers, which come row by row (docs/FUTURES.md, "Contracts").

use super::super::contract::Coming;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::contracts::{Tier, Tiers};
use crate::domain::{ContractEvent, Event, RejectReason, SetMarginTier};

impl Exchange {
    pub(super) fn set_margin_tier(
        &mut self,
        set: &SetMarginTier,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        let known = self.known_contract(set.instrument)?;
        let highest_taker_fee = known.highest_taker_fee();
        let contract = known.contract.as_mut().expect("it is a contract");
        let SetMarginTier { instrument, row, of, floor, initial, maintenance } = *set;
        let tier = Tier { floor, initial, maintenance };
        let coming = contract.coming.with(row, of, tier).ok_or(RejectReason::OutOfRange)?;
        let costs = contract.costs(highest_taker_fee);
        let table = Tiers::new(coming.rows(), costs).map_err(|_| RejectReason::OutOfRange)?;
        let amount = table.amounts().last().expect("there is a row");
        events.push(Event::Contract(ContractEvent::MarginTierSet { tier: *set, amount }));
        contract.coming = coming;
        if row + 1 == of {
            contract.coming = Coming::default();
            contract.tiers = Some(table);
            events.push(Event::Contract(ContractEvent::MarginTiersSet { instrument, rows: of }));
            self.set_first_mark(instrument, events);
        }
        Ok(())
    }
}
