//! Settlements of contracts, computed from the positions that they closed.

use super::fraction::Fraction;
use crate::domain::{AccountId, Amount, InstrumentId, Listing, Price};
use std::collections::{BTreeMap, BTreeSet};

/// With so many samples of its index a contract that expires has a price.
const SAMPLES_MIN: u32 = 900;

/// A position that was closed. The price is told when all are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    pub(super) account: AccountId,
    pub(super) lots: i128,
    pub(super) cost: i128,
    pub(super) realised: i128,
}

/// The settlements of all contracts.
#[derive(Debug, Default)]
pub(super) struct Settlements {
    closed: BTreeMap<InstrumentId, Vec<Closed>>,
    settled: BTreeSet<InstrumentId>,
}

impl Settlements {
    /// Notes a position that was closed.
    pub(super) fn close(&mut self, instrument: InstrumentId, closed: Closed) {
        self.closed.entry(instrument).or_default().push(closed);
    }

    /// A contract whose expiry is this, seconds, waits for its price.
    pub(super) fn wait(
        &self,
        instrument: InstrumentId,
        samples: u32,
        expiry_s: Option<i128>,
        now_s: u64,
    ) -> Result<(), String> {
        let has_expired = expiry_s.is_some_and(|expiry| expiry <= now_s.into());
        if samples < SAMPLES_MIN && has_expired && !self.settled.contains(&instrument) {
            return Ok(());
        }
        Err(format!("instrument {instrument} has {samples} samples and needs no other price, or is not due"))
    }

    /// Holds every position that was closed against the price of the contract. `range` is that of its prices, price units.
    pub(super) fn settle(
        &mut self,
        (listing, scales): (&Listing, [u32; 2]),
        price: Price,
        range: Option<[i128; 2]>,
        (legs, remainder): (u32, Amount),
    ) -> Result<(), String> {
        let instrument = listing.instrument;
        let units = i128::from(price.0) * i128::from(listing.tick_units);
        if !range.is_some_and(|[lowest, highest]| (lowest..=highest).contains(&units)) {
            return Err(format!("instrument {instrument} is settled outside its prices, at {price}"));
        }
        if !self.settled.insert(instrument) {
            return Err(format!("instrument {instrument} is settled twice"));
        }
        let closed = self.closed.remove(&instrument).unwrap_or_default();
        let mut held = 0;
        for Closed { account, lots, cost, realised } in &closed {
            let worth = Fraction::worth(listing, scales, units, *lots)?.down();
            if *realised != worth - cost {
                return Err(format!(
                    "account {account} in instrument {instrument}: {lots} lots that cost {cost} are worth {worth}, \
                     and {realised} was realised"
                ));
            }
            held -= worth;
        }
        if (closed.len() as u64, held) != (legs.into(), remainder.0.into()) {
            return Err(format!(
                "instrument {instrument}: {} positions leave {held}, not {legs} positions {remainder}",
                closed.len()
            ));
        }
        Ok(())
    }
}
