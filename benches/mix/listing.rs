//! What the list of commands expects of its instrument.

use crate::mix::INSTRUMENT;
use dojima::domain::{Amount, FeeRate, ListInstrument, Phase, Quantity};

/// A spot instrument with fees; its symbol and its assets are for the caller to name.
pub fn listing() -> ListInstrument {
    ListInstrument {
        instrument: INSTRUMENT,
        price_decimals: 2,
        tick_units: 10,
        lot: Amount(1_000),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000_000),
        min_notional: Amount(1),
        maker_fee: FeeRate(200),
        taker_fee: FeeRate(500),
        phase: Phase::Continuous,
        ..ListInstrument::default()
    }
}
