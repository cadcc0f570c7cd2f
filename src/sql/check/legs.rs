//! Positions, computed from the trades a second time.

use crate::domain::{
    AccountId, Executed, InstrumentId, Listing, MarginMoved, PositionCause, PositionChanged, PositionLeg,
    Side,
};
use std::collections::{BTreeMap, VecDeque};

/// A side of a trade whose change of a position has not come yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    account: AccountId,
    /// Bought; below 0: sold.
    lots: i128,
    /// What they have cost, with its sign, minor units.
    cost: i128,
    fee: i128,
}

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) lots: i128,
    pub(super) cost: i128,
    pub(super) pot: i128,
    /// All profits that were realised.
    pub(super) realised: i128,
    /// The event that changed it last.
    pub(super) event: u64,
}

/// All positions, by the trades.
#[derive(Debug, Default)]
pub(super) struct Legs {
    pub(super) of: BTreeMap<(AccountId, InstrumentId, PositionLeg), Position>,
    pending: VecDeque<Pending>,
}

impl Legs {
    /// Notes a trade of a contract, of this value: both sides' positions change, the buyer's first.
    pub(super) fn trade(
        &mut self,
        e: &Executed,
        listing: &Listing,
        [maker, taker]: [AccountId; 2],
        value: i128,
    ) {
        // The value of an inverse long is below 0.
        let sign = if listing.product.is_inverse() { -1 } else { 1 };
        let lots = i128::from(e.quantity.0);
        let side = |account, fee: i64, direction: i128| Pending {
            account,
            lots: direction * lots,
            cost: direction * sign * value,
            fee: fee.into(),
        };
        let (buyer, seller) = match e.taker_side {
            Side::Buy => ((taker, e.taker_fee.0), (maker, e.maker_fee.0)),
            Side::Sell => ((maker, e.maker_fee.0), (taker, e.taker_fee.0)),
        };
        self.pending.push_back(side(buyer.0, buyer.1, 1));
        self.pending.push_back(side(seller.0, seller.1, -1));
    }

    /// Holds a change of a position against the trade that caused it. Returns what the wallet of its owner gets.
    pub(super) fn change(&mut self, change: &PositionChanged, event: u64) -> Result<i128, String> {
        let owner = format!("account {} in instrument {}", change.account, change.instrument);
        if change.cause != PositionCause::Trade {
            return Err(format!("{owner}: its position changed without a trade"));
        }
        let side = self.pending.pop_front().ok_or_else(|| format!("{owner}: its position changed twice"))?;
        if side.account != change.account {
            return Err(format!("{owner}: the trade was one of account {}", side.account));
        }
        let known = self.of.entry((change.account, change.instrument, change.leg)).or_default();
        let realised = known.book(side.lots, side.cost);
        let told = (i128::from(change.lots), i128::from(change.cost), i128::from(change.realised));
        if (known.lots, known.cost, realised) != told {
            let Position { lots, cost, .. } = *known;
            return Err(format!("{owner}: {lots} lots that cost {cost}, {realised} realised, not {told:?}"));
        }
        known.realised += realised;
        let into_pot = i128::from(change.pot) - known.pot;
        (known.pot, known.event) = (change.pot.into(), event);
        Ok(realised - side.fee - into_pot)
    }

    /// Holds a move of money into a pot, or out of it, against what the pot had.
    pub(super) fn move_margin(&mut self, moved: &MarginMoved, event: u64) -> Result<(), String> {
        let MarginMoved { by, instrument, leg, amount, pot, .. } = *moved;
        let owner = format!("account {} in instrument {instrument}", by.account);
        let known = self.of.get_mut(&(by.account, instrument, leg)).filter(|known| known.lots != 0);
        let known = known.ok_or_else(|| format!("{owner}: money for no position"))?;
        known.pot += i128::from(amount.0);
        known.event = event;
        if known.pot == i128::from(pot.0) {
            Ok(())
        } else {
            Err(format!("{owner}: its pot is {}, not {pot}", known.pot))
        }
    }

    /// What all positions of these instruments have cost, less their pots.
    pub(super) fn cost(&self, is_of: impl Fn(InstrumentId) -> bool) -> i128 {
        let of = self.of.iter().filter(|((_, instrument, _), _)| is_of(*instrument));
        of.map(|(_, position)| position.cost - position.pot).sum()
    }
}

impl Position {
    /// Books lots: those against the position close it, for their part of the cost; the rest opens. Returns the profit.
    fn book(&mut self, lots: i128, cost: i128) -> i128 {
        if self.lots.signum() * lots.signum() >= 0 {
            (self.lots, self.cost) = (self.lots + lots, self.cost + cost);
            return 0;
        }
        let closed = self.lots.abs().min(lots.abs());
        // Rounded towards 0, as division of integers is.
        let of_closed = cost * closed / lots.abs();
        let part = self.cost * closed / self.lots.abs();
        self.lots += lots;
        self.cost = self.cost - part + cost - of_closed;
        -of_closed - part
    }
}
