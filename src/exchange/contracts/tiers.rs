//! Tables of margin tiers, which come row by row (docs/FUTURES.md, "Contracts").

use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::contracts::{TIERS_MAX, Tier, Tiers};
use crate::domain::{ContractEvent, Event, Ppm, RejectReason, SetMarginTier};

/// A table whose rows are not all there yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Coming {
    rows: [Tier; TIERS_MAX],
    count: u8,
    of: u8,
}

impl Coming {
    /// Before the first row of a table of this many rows.
    pub(in crate::exchange) fn awaiting(of: u8) -> Self {
        Self { of, ..Self::default() }
    }

    /// The rows that are there.
    pub(in crate::exchange) fn rows(&self) -> &[Tier] {
        &self.rows[..usize::from(self.count)]
    }

    /// How many there will be.
    pub(in crate::exchange) fn of(&self) -> u8 {
        self.of
    }

    /// With the next row; `None` if this is not the next one of its table.
    pub(in crate::exchange) fn with(mut self, row: u8, of: u8, tier: Tier) -> Option<Self> {
        if row == 0 {
            self = Self { of, ..Self::default() };
        }
        let is_next = row == self.count && of == self.of && row < of && usize::from(of) <= TIERS_MAX;
        is_next.then(|| {
            self.rows[usize::from(row)] = tier;
            self.count += 1;
            self
        })
    }
}

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

/// The liquidation fee and the highest taker fee together.
pub(super) fn costs(liquidation_fee: Ppm, highest_taker_fee: Ppm) -> Ppm {
    Ppm(liquidation_fee.0.saturating_add(highest_taker_fee.0))
}
