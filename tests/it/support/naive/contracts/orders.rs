//! What orders add to a position, and what they hold.

use super::exact::{fits, fraction, ppm, up, whole};
use super::value::Listed;
use dojima::domain::Side;
use dojima::domain::contracts::Settlement;

/// `E` in one-way mode.
pub fn at_risk_one_way(lots: i128, bids: u64, asks: u64) -> i128 {
    let buying = (lots + i128::from(bids)).max(0);
    let selling = (i128::from(asks) - lots).max(0);
    buying.max(selling)
}

/// `E` in hedge mode, of the leg of one direction and the orders that open it.
pub fn at_risk_hedge(leg: u64, opening: u64) -> i128 {
    i128::from(leg) + i128::from(opening)
}

/// An order when it is entered.
#[derive(Clone, Copy, Debug)]
pub struct Entered {
    pub side: Side,
    pub lots: u64,
    pub limit: i64,
    pub mark: i64,
    /// Parts per million.
    pub fee: u32,
}

impl Entered {
    pub fn open_loss(&self, listed: &Listed) -> Option<i64> {
        let (limit, mark) = match listed.settlement {
            Settlement::Linear => (whole(self.limit), whole(self.mark)),
            // The reciprocals fall when prices rise.
            Settlement::Inverse => (-fraction(1, self.limit), -fraction(1, self.mark)),
        };
        let worse = match self.side {
            Side::Buy => limit - mark,
            Side::Sell => mark - limit,
        };
        let loss = worse.max(whole(0));
        fits(&up(&(loss * whole(self.lots) * whole(listed.unit))))
    }

    pub fn highest_fee(&self, listed: &Listed) -> Option<i64> {
        fits(&up(&(listed.size(self.lots, self.limit) * ppm(self.fee))))
    }

    pub fn held(&self, listed: &Listed) -> Option<i64> {
        fits(&(whole(self.open_loss(listed)?) + whole(self.highest_fee(listed)?)))
    }
}

/// What is held with `left` of `of` lots open.
pub fn part(held: i64, left: u64, of: u64) -> i64 {
    fits(&up(&(whole(held) * fraction(left, of)))).expect("a part")
}
