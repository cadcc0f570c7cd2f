//! Positions, computed from the trades a second time.

use crate::domain::{
    AccountId, Executed, FundingPaid, InstrumentId, Listing, MarginMoved, PositionCause, PositionChanged,
    PositionLeg, Side,
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
    pub(super) of: BTreeMap<(InstrumentId, AccountId, PositionLeg), Position>,
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
        let owner = owner(change.account, change.instrument);
        if change.cause != PositionCause::Trade {
            return Err(format!("{owner}: its position changed without a trade"));
        }
        let side = self.pending.pop_front().ok_or_else(|| format!("{owner}: its position changed twice"))?;
        if side.account != change.account {
            return Err(format!("{owner}: the trade was one of account {}", side.account));
        }
        let known = self.of.entry((change.instrument, change.account, change.leg)).or_default();
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
        let owner = owner(by.account, instrument);
        let known = self.of.get_mut(&(instrument, by.account, leg)).filter(|known| known.lots != 0);
        let known = known.ok_or_else(|| format!("{owner}: money for no position"))?;
        known.pot += i128::from(amount.0);
        known.event = event;
        if known.pot == i128::from(pot.0) {
            Ok(())
        } else {
            Err(format!("{owner}: its pot is {}, not {pot}", known.pot))
        }
    }

    /// Closes a position at a price that is told later. Returns it as it was, and what the wallet of its owner gets.
    pub(super) fn settle(
        &mut self,
        change: &PositionChanged,
        event: u64,
    ) -> Result<(Position, i128), String> {
        let owner = owner(change.account, change.instrument);
        let known = self.known(change.account, change.instrument, change.leg)?;
        if known.lots == 0 || change.trade.0 != 0 || (change.lots, change.cost) != (0, 0) {
            return Err(format!("{owner}: a settlement closes {known:?} and leaves {change:?}"));
        }
        let before = *known;
        let realised = i128::from(change.realised);
        // A pot of 0 or more goes to the wallet. In cross mode there is none.
        let pot = before.pot + realised;
        let pot = if change.pot == 0 && (pot >= 0 || before.pot == 0) { 0 } else { pot.min(0) };
        if i128::from(change.pot) != pot {
            return Err(format!("{owner}: its own money is {pot}, not {}", change.pot));
        }
        *known = Position { lots: 0, cost: 0, pot, realised: before.realised + realised, event };
        Ok((before, before.pot + realised - pot))
    }

    /// A position was charged for a funding. Returns its lots, and what the wallet of its owner gets.
    pub(super) fn fund(&mut self, paid: &FundingPaid, event: u64) -> Result<(i128, i128), String> {
        let known = self.known(paid.account, paid.instrument, paid.leg)?;
        let (amount, pot) = (i128::from(paid.amount.0), i128::from(paid.pot));
        if pot == known.pot {
            return Ok((known.lots, amount));
        }
        if pot != known.pot + amount {
            let owner = owner(paid.account, paid.instrument);
            return Err(format!("{owner}: its own money is {}, and {amount} makes {pot}", known.pot));
        }
        (known.pot, known.event) = (pot, event);
        Ok((known.lots, 0))
    }

    /// A fund pays what the own money of a position without lots is below 0, the first one's that lacks so much. Returns
    /// which one that is.
    pub(super) fn cover(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        amount: i128,
        event: u64,
    ) -> Result<PositionLeg, String> {
        let all = (instrument, account, PositionLeg::Net)..=(instrument, account, PositionLeg::Short);
        let lacking = |position: &Position| position.lots == 0 && position.pot == -amount;
        let found = self.of.range_mut(all).find(|(_, position)| lacking(position));
        let owner = owner(account, instrument);
        let ((_, _, leg), known) = found.ok_or_else(|| format!("{owner}: no position lacks {amount}"))?;
        (known.pot, known.event) = (0, event);
        Ok(*leg)
    }

    /// All positions of a contract, by account and leg, with their lots.
    pub(super) fn lots_of(
        &self,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = ((AccountId, PositionLeg), i128)> + '_ {
        let first = (instrument, AccountId(0), PositionLeg::Net);
        let of_it = self.of.range(first..).take_while(move |((of, _, _), _)| *of == instrument);
        of_it.map(|((_, account, leg), position)| ((*account, *leg), position.lots))
    }

    fn known(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        leg: PositionLeg,
    ) -> Result<&mut Position, String> {
        let found = self.of.get_mut(&(instrument, account, leg));
        found.ok_or_else(|| format!("{} has no position", owner(account, instrument)))
    }

    /// What all positions of these instruments have cost, less their pots.
    pub(super) fn cost(&self, is_of: impl Fn(InstrumentId) -> bool) -> i128 {
        let of = self.of.iter().filter(|((instrument, _, _), _)| is_of(*instrument));
        of.map(|(_, position)| position.cost - position.pot).sum()
    }
}

fn owner(account: AccountId, instrument: InstrumentId) -> String {
    format!("account {account} in instrument {instrument}")
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
