//! Positions: opening, reducing, turning over.

use super::exact::{Exact, fits, towards_zero, whole};
use super::value::Listed;
use dojima::domain::Side;

/// Signed lots and signed minor units, as large as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub lots: i128,
    pub cost: i128,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    pub realised: i128,
    pub closed: u64,
    pub opened: u64,
}

impl Position {
    pub fn book(&mut self, listed: &Listed, side: Side, lots: u64, value: i64) -> Fill {
        let reduces = match side {
            Side::Buy => self.lots < 0,
            Side::Sell => self.lots > 0,
        };
        if !reduces {
            self.open(listed, side, lots, value);
            return Fill { realised: 0, closed: 0, opened: lots };
        }
        let held = u64::try_from(self.lots.abs()).expect("64 bits of lots");
        if lots <= held {
            let realised = self.reduce(listed, side, lots, value);
            return Fill { realised, closed: lots, opened: 0 };
        }
        let closing = whole(value) * whole(held) / whole(lots);
        let closing = fits(&towards_zero(&closing)).expect("a part of what fits");
        let realised = self.reduce(listed, side, held, closing);
        self.open(listed, side, lots - held, value - closing);
        Fill { realised, closed: held, opened: lots - held }
    }

    fn open(&mut self, listed: &Listed, side: Side, lots: u64, value: i64) {
        self.lots += signed_lots(side, lots);
        self.cost += listed.signed(side, value);
    }

    fn reduce(&mut self, listed: &Listed, side: Side, lots: u64, value: i64) -> i128 {
        let part: Exact = whole(self.cost) * whole(lots) / whole(self.lots.abs());
        let part = i128::try_from(towards_zero(&part).to_integer()).expect("128 bits");
        self.lots += signed_lots(side, lots);
        self.cost -= part;
        -listed.signed(side, value) - part
    }
}

pub fn signed_lots(side: Side, lots: u64) -> i128 {
    match side {
        Side::Buy => i128::from(lots),
        Side::Sell => -i128::from(lots),
    }
}
