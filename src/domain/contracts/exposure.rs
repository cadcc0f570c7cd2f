//! What orders add to a position, and what they hold.

use super::rounding::{ceil_div, fitting, share_up};
use super::{ContractValue, Settlement};
use crate::domain::{Amount, Ppm, Price, Side};

/// The lots of one leg and of the live orders that may increase it. (docs/FUTURES.md, "Orders and their margin")
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Of the leg; in hedge mode of one side, so never of the other sign.
    pub lots: i64,
    /// Of buys.
    pub bids: u64,
    /// Of sells.
    pub asks: u64,
}

impl Exposure {
    /// The lots that initial margin is asked for: the larger side, the position inside it. In hedge mode only the orders that open
    /// the leg are counted in `bids` or `asks`, so it is their sum with the leg.
    #[inline]
    pub fn lots_at_risk(&self) -> u64 {
        let [bids, asks] = [self.bids, self.asks].map(|lots| i64::try_from(lots).unwrap_or(i64::MAX));
        let risk = self.lots.saturating_add(bids).max(asks.saturating_sub(self.lots));
        risk.max(0).unsigned_abs()
    }

    /// With further lots of orders.
    #[inline]
    #[must_use]
    pub fn with(self, side: Side, lots: u64) -> Self {
        match side {
            Side::Buy => Self { bids: self.bids.saturating_add(lots), ..self },
            Side::Sell => Self { asks: self.asks.saturating_add(lots), ..self },
        }
    }
}

/// What an order holds is computed of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderDemand {
    /// Buy or sell.
    pub side: Side,
    /// Open lots.
    pub lots: u64,
    /// Its limit; of a market order the price limit of its side.
    pub limit: Price,
    /// The mark when it is entered.
    pub mark: Price,
    /// The higher of its account's two rates, at least 0.
    pub fee: Ppm,
}

impl OrderDemand {
    /// What it would lose at once if it traded at its limit, rounded up.
    #[inline]
    pub fn open_loss(&self, contract: &ContractValue) -> Option<Amount> {
        let (limit, mark) = (i128::from(self.limit.0), i128::from(self.mark.0));
        let beyond = match self.side {
            Side::Buy => limit - mark,
            Side::Sell => mark - limit,
        };
        if beyond <= 0 {
            return Some(Amount(0));
        }
        let (of_one_tick, _) = contract.fraction(self.lots, Price(1));
        let loss = of_one_tick.checked_mul(beyond)?;
        let loss = match contract.settlement() {
            Settlement::Linear => loss,
            // lots × K × (1/lower − 1/higher)
            Settlement::Inverse => ceil_div(loss, limit.checked_mul(mark)?),
        };
        fitting(loss).map(Amount)
    }

    /// The highest fee that it may pay, rounded up.
    #[inline]
    pub fn highest_fee(&self, contract: &ContractValue) -> Option<Amount> {
        if let Some((value, 1)) = contract.short_fraction(self.lots, self.limit) {
            return i64::try_from(share_up(value, self.fee.0)?).ok().map(Amount);
        }
        let (value, over) = contract.fraction(self.lots, self.limit);
        let fee = value.checked_mul(i128::from(self.fee.0))?;
        fitting(ceil_div(fee, over * i128::from(Ppm::ONE))).map(Amount)
    }

    /// What it holds: its open loss and its highest fee.
    #[inline]
    pub fn held(&self, contract: &ContractValue) -> Option<Amount> {
        self.open_loss(contract)?.0.checked_add(self.highest_fee(contract)?.0).map(Amount)
    }

    /// What is still held by an order that held `held` for `of` lots, with `left` of them open: no less than its share.
    #[inline]
    pub fn part(held: Amount, left: u64, of: u64) -> Amount {
        if let Some(whole) = held.0.unsigned_abs().checked_mul(left) {
            return Amount(
                i64::try_from(whole.div_ceil(of.max(1))).expect("a part is no more than the whole"),
            );
        }
        let part = ceil_div(i128::from(held.0) * i128::from(left), i128::from(of.max(1)));
        Amount(i64::try_from(part).expect("a part is no more than the whole"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_side_counts_with_the_position_inside() {
        let at_risk = |lots, bids, asks| Exposure { lots, bids, asks }.lots_at_risk();
        assert_eq!(at_risk(0, 200, 150), 200);
        // A further sell of 50 costs nothing, one of 70 costs 20.
        assert_eq!([at_risk(0, 200, 200), at_risk(0, 200, 220)], [200, 220]);
        // Short 1 with a buy of 1.5: what the position needs anyway.
        assert_eq!([at_risk(-10, 0, 0), at_risk(-10, 15, 0), at_risk(-10, 25, 0)], [10, 10, 15]);
        assert_eq!([at_risk(10, 0, 10), at_risk(10, 0, 25), at_risk(10, 5, 25)], [10, 15, 15]);
        let more = Exposure { lots: 10, bids: 5, asks: 0 };
        assert_eq!([more.with(Side::Buy, 3), more.with(Side::Sell, 30)].map(|e| e.lots_at_risk()), [18, 20]);
    }

    #[test]
    fn an_order_holds_its_loss_at_once_and_its_fee() {
        // Ticks of .01 dollars on lots of .001, dollars of 10^-5.
        let linear = ContractValue::new(Settlement::Linear, Amount(1)).expect("a value");
        let order = |side, limit| OrderDemand {
            side,
            lots: 1_000,
            limit: Price(limit),
            mark: Price(925_984),
            fee: Ppm(0),
        };
        assert_eq!(order(Side::Buy, 925_330).open_loss(&linear), Some(Amount(0)));
        // 6.54 dollars.
        assert_eq!(order(Side::Sell, 925_330).open_loss(&linear), Some(Amount(654_000)));
        let with_fee = OrderDemand { fee: Ppm(550), ..order(Side::Buy, 926_000) };
        assert_eq!(with_fee.held(&linear), Some(Amount(16_000 + 509_300)));
        let inverse = ContractValue::new(Settlement::Inverse, Amount(20_000_000_000)).expect("a value");
        let buy = OrderDemand {
            side: Side::Buy,
            lots: 600,
            limit: Price(110_000),
            mark: Price(100_000),
            fee: Ppm(0),
        };
        // 1.2 coins at the mark, 1.0909... at the limit.
        assert_eq!(buy.open_loss(&inverse), Some(Amount(10_909_091)));
        assert_eq!(OrderDemand { side: Side::Sell, ..buy }.open_loss(&inverse), Some(Amount(0)));
    }

    #[test]
    fn parts_of_what_is_held_suffice() {
        let part = |left| OrderDemand::part(Amount(10), left, 3).0;
        assert_eq!([part(3), part(2), part(1), part(0)], [10, 7, 4, 0]);
    }
}
