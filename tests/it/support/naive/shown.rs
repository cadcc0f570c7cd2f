//! What an owner is told of a position: by the formulas of the page, and by a walk over all marks.

use super::Naive;
use super::contracts::leg::Position;
use super::contracts::margin::maintenance;
use super::futures::range;
use dojima::domain::{AccountId, Amount, InstrumentId, LoginId, PositionState, Price};

impl Naive {
    /// What a login is told of the position of its account in a contract; `None` if that is no contract.
    pub(super) fn position_state(
        &self,
        login: LoginId,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<PositionState> {
        if instrument.0 as usize >= self.instruments.len() || !self.is_contract(instrument) {
            return None;
        }
        let nothing = PositionState { login, instrument, ..PositionState::default() };
        let known = self.instrument(instrument);
        if known.mark.is_none() || known.contract.tiers.is_empty() {
            return Some(nothing);
        }
        let mark = self.mark_of(instrument);
        let leg = self.leg(account, instrument);
        let listing = self.listing(instrument);
        let range = known.contract.terms.and_then(|terms| range(listing, &terms)).expect("it is complete");
        let is_below = |at: i64| {
            let (equity, needed) = self.stand(account, instrument, at);
            equity < needed
        };
        let liquidation = match leg.lots.signum() {
            1 => (range.lowest..=mark).rev().find(|at| is_below(*at)),
            -1 => (mark..=range.highest).find(|at| is_below(*at)),
            _ => None,
        };
        let (equity, needed) = self.stand(account, instrument, mark);
        let narrow = |amount: i128| i64::try_from(amount).expect("it fits");
        Some(PositionState {
            leverage: self.leverage(account, instrument) as u8,
            lots: narrow(leg.lots),
            cost: narrow(leg.cost),
            pot: narrow(self.pot(account, instrument)),
            mark: Price(mark),
            profit: self.listed_as(instrument).profit(leg.lots, leg.cost, mark).expect("it fits"),
            equity: narrow(equity),
            maintenance: Amount(narrow(needed)),
            liquidation: Price(liquidation.unwrap_or(0)),
            ..nothing
        })
    }

    /// Equity and maintenance margin of the margin account of a position, with its contract at another mark.
    fn stand(&self, account: AccountId, moved: InstrumentId, mark: i64) -> (i128, i128) {
        let asset = self.settled_in(moved);
        let alone = self.is_isolated(account, moved);
        let money = if alone { self.pot(account, moved) } else { self.holding(account, asset).total };
        let mut sums = (money, 0);
        let all = self.legs.iter().filter(|((of, instrument), leg)| {
            *of == account && leg.lots != 0 && self.settled_in(*instrument) == asset
        });
        for ((_, instrument), leg) in all {
            let (instrument, leg) = (*instrument, *leg);
            let counts = if alone { instrument == moved } else { !self.is_isolated(account, instrument) };
            if !counts {
                continue;
            }
            let Position { lots, cost, .. } = leg;
            let at = if instrument == moved { mark } else { self.mark_of(instrument) };
            let listed = self.listed_as(instrument);
            let size = u64::try_from(lots.abs()).expect("lots");
            let notional = listed.notional(size, at).expect("it fits");
            sums.0 += i128::from(listed.profit(lots, cost, at).expect("it fits"));
            sums.1 += i128::from(maintenance(&self.instrument(instrument).contract.tiers, notional));
        }
        sums
    }
}
