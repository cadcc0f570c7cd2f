//! Tables of margin tiers, row by row.

use super::Naive;
use super::contracts::exact::small;
use super::contracts::margin::{amounts, faults};
use super::futures::Contract;
use dojima::domain::contracts::{Tier, TierFault};
use dojima::domain::{Amount, ContractEvent, Event, FeeRate, RejectReason, SetMarginTier};

type Done = Result<(), RejectReason>;

impl Naive {
    /// The highest taker rate that any row of fees has, 0 if all are below it.
    pub(super) fn highest_taker(fees: &[(FeeRate, FeeRate); 8]) -> u32 {
        let highest = fees.iter().map(|(_, taker)| taker.0).max().expect("rows");
        u32::try_from(highest).unwrap_or(0)
    }

    /// Whether what a liquidation costs is below the first maintenance rates.
    pub(super) fn costs_fit(contract: &Contract, costs: u32) -> bool {
        let fit = |tiers: &[Tier]| !faults(tiers, costs).contains(&TierFault::Costs);
        fit(&contract.tiers) && fit(&contract.next_tiers)
    }

    pub(super) fn set_margin_tier(&mut self, set: SetMarginTier) -> Done {
        let SetMarginTier { instrument, row, of, floor, initial, maintenance } = set;
        let known = self.listed_contract(instrument)?;
        let contract = &known.contract;
        let is_next = match row {
            0 => true,
            row => usize::from(row) == contract.next_tiers.len() && of == contract.next_rows,
        };
        if !is_next || !(1..=10).contains(&of) || row >= of {
            return Err(RejectReason::OutOfRange);
        }
        let mut rows = contract.next_tiers[..usize::from(row)].to_vec();
        rows.push(Tier { floor, initial, maintenance });
        let of_liquidation = contract.risk.map_or(0, |risk| risk.liquidation_fee.0);
        if !faults(&rows, of_liquidation + Self::highest_taker(&known.fees)).is_empty() {
            return Err(RejectReason::OutOfRange);
        }
        let amount = Amount(small(amounts(&rows).last().expect("the new one")));
        self.events.push(Event::Contract(ContractEvent::MarginTierSet { tier: set, amount }));
        let is_last = row + 1 == of;
        let contract = &mut self.instrument_mut(instrument).contract;
        if is_last {
            contract.tiers = rows;
            (contract.next_tiers, contract.next_rows) = (Vec::new(), 0);
            let told = ContractEvent::MarginTiersSet { instrument, rows: of };
            self.events.push(Event::Contract(told));
            self.move_mark(instrument);
        } else {
            (contract.next_tiers, contract.next_rows) = (rows, of);
        }
        Ok(())
    }
}
