//! What an owner is told of a position: by the formulas of the page, and by a walk over all marks.

use super::Naive;
use super::contracts::leg::Position;
use super::contracts::margin::maintenance;
use super::futures::range;
use super::positions::Place;
use dojima::domain::{AccountId, Amount, InstrumentId, LoginId, PositionLeg, PositionState, Price};

impl Naive {
    /// What a login is told of the positions of its account in a contract; nothing if that is no contract.
    pub(super) fn position_states(
        &self,
        login: LoginId,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Vec<PositionState> {
        if instrument.0 as usize >= self.instruments.len() || !self.is_contract(instrument) {
            return Vec::new();
        }
        let places = self.places(account, instrument);
        places.into_iter().map(|place| self.position_state(login, place)).collect()
    }

    fn position_state(&self, login: LoginId, place: Place) -> PositionState {
        let (account, instrument, leg) = place;
        let nothing = PositionState { login, instrument, leg, ..PositionState::default() };
        let known = self.instrument(instrument);
        if known.mark.is_none() || known.contract.tiers.is_empty() {
            return nothing;
        }
        let mark = self.mark_of(instrument);
        let leg = self.leg(place);
        let listing = self.listing(instrument);
        let range = known.contract.terms.and_then(|terms| range(listing, &terms)).expect("it is complete");
        let is_below = |at: i64| {
            let (equity, needed) = self.stand(place, at);
            equity < needed
        };
        let liquidation = match leg.lots.signum() {
            1 => (range.lowest..=mark).rev().find(|at| is_below(*at)),
            -1 => (mark..=range.highest).find(|at| is_below(*at)),
            _ => None,
        };
        let (equity, needed) = self.stand(place, mark);
        let narrow = |amount: i128| i64::try_from(amount).expect("it fits");
        PositionState {
            leverage: self.leverage(account, instrument) as u8,
            lots: narrow(leg.lots),
            cost: narrow(leg.cost),
            pot: narrow(self.pot(place)),
            mark: Price(mark),
            profit: self.listed_as(instrument).profit(leg.lots, leg.cost, mark).expect("it fits"),
            equity: narrow(equity),
            maintenance: Amount(narrow(needed)),
            liquidation: Price(liquidation.unwrap_or(0)),
            ..nothing
        }
    }

    /// Whether a liquidation price of a cross position is right but for what is rounded, where both positions of a pair
    /// count: the account is below maintenance there, and at no tick before by more than what both are rounded by.
    pub fn nearly_liquidates(&self, told: &PositionState) -> bool {
        let account = self.account_of(told.login);
        let place = (account, told.instrument, told.leg);
        let pair =
            self.places(account, told.instrument).into_iter().filter(|place| self.leg(*place).lots != 0);
        if self.is_isolated(account, told.instrument) || pair.count() < 2 {
            return false;
        }
        let known = self.instrument(told.instrument);
        let terms = known.contract.terms.as_ref().expect("it has a mark");
        let range = range(self.listing(told.instrument), terms).expect("it has a mark");
        let left = |at: i64| {
            let (equity, needed) = self.stand(place, at);
            equity - needed
        };
        let mark = self.mark_of(told.instrument);
        let (is_told, price) = (told.liquidation != Price(0), told.liquidation.0);
        let before = match (told.leg, is_told) {
            (PositionLeg::Long, true) => price + 1..mark + 1,
            (PositionLeg::Long, false) => range.lowest..mark + 1,
            (_, true) => mark..price,
            (_, false) => mark..range.highest + 1,
        };
        // Each has its profit rounded, its notional and what it needs of that.
        (!is_told || left(price) < 0) && before.into_iter().all(|at| left(at) > -5)
    }

    /// Equity and maintenance margin of the margin account of a position, with its contract at another mark.
    fn stand(&self, place: Place, mark: i64) -> (i128, i128) {
        let (account, moved, _) = place;
        let asset = self.settled_in(moved);
        let alone = self.is_isolated(account, moved);
        let money = if alone { self.pot(place) } else { self.holding(account, asset).total };
        let mut sums = (money, 0);
        let all = self.legs.iter().filter(|((of, instrument, _), leg)| {
            *of == account && leg.lots != 0 && self.settled_in(*instrument) == asset
        });
        for (other, leg) in all {
            let (instrument, leg) = (other.1, *leg);
            let counts = if alone { *other == place } else { !self.is_isolated(account, instrument) };
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
