//! A table of margin tiers that comes row by row (docs/FUTURES.md, "Contracts").

use crate::domain::Ppm;
use crate::domain::contracts::{TIERS_MAX, Tier};

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

/// The liquidation fee and the highest taker fee together.
pub(super) fn costs(liquidation_fee: Ppm, highest_taker_fee: Ppm) -> Ppm {
    Ppm(liquidation_fee.0.saturating_add(highest_taker_fee.0))
}
