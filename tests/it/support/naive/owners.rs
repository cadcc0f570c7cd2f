//! What owners set for their accounts in contracts.

use super::Naive;
use super::contracts::margin::leverage_max;
use super::orders::Order;
use super::positions::Place;
use dojima::domain::{
    AccountId, AdminEvent, ContractEvent, Echo, Event, InstrumentId, LeverageSet, MarginMode, MarginModeSet,
    MarginMoved, MoveMargin, OwnerCommand, PositionMode, PositionModeSet, RejectReason, SetBy, SetLeverage,
    SetMarginMode, SetPositionMode, Setter, UserRef,
};
use std::collections::{BTreeMap, BTreeSet};

type Done<T> = Result<T, RejectReason>;

/// What accounts have chosen.
#[derive(Clone, Default)]
pub(super) struct Chosen {
    pub modes: BTreeMap<(AccountId, InstrumentId), MarginMode>,
    pub leverage: BTreeMap<(AccountId, InstrumentId), u8>,
    /// Who has a long and a short position in each contract.
    pub hedges: BTreeSet<AccountId>,
}

fn answered(by: &Setter) -> SetBy {
    let user_ref = if by.login.is_none() { UserRef(0) } else { by.user_ref };
    SetBy { login: by.login, user_ref, account: by.account }
}

impl Naive {
    pub(super) fn owner_sets(&mut self, command: &OwnerCommand) {
        let by = *command.setter();
        if let Some(login) = by.login {
            if !self.number_is_new(login, by.user_ref) {
                return;
            }
            self.logins[login.0 as usize].last = by.user_ref;
        }
        // It is asked, and done, as if all positions were charged; a refusal charges nobody.
        let instrument = match command {
            OwnerCommand::SetPositionMode(_) => None,
            OwnerCommand::SetMarginMode(set) => Some(set.instrument),
            OwnerCommand::SetLeverage(set) => Some(set.instrument),
            OwnerCommand::MoveMargin(moved) => Some(moved.instrument),
        };
        let instrument = instrument.filter(|instrument| self.listed_contract(*instrument).is_ok());
        let settled_in = instrument.map(|instrument| self.settled_in(instrument));
        let mut charged =
            settled_in.map_or_else(|| self.clone(), |asset| self.as_if_charged(by.account, asset));
        match (charged.set_for_owner(command), by.login) {
            (Ok(event), _) => {
                *self = charged;
                self.events.push(Event::Contract(event));
            }
            (Err(reason), Some(login)) => self.reject(login, by.user_ref, reason, Echo::default()),
            (Err(reason), None) => self.events.push(Event::Admin(AdminEvent::Refused { reason })),
        }
    }

    fn set_for_owner(&mut self, command: &OwnerCommand) -> Done<ContractEvent> {
        let by = *command.setter();
        if by.login.is_some_and(|login| self.account_of(login) != by.account) {
            return Err(RejectReason::UnknownAccount);
        }
        self.known_account(by.account)?;
        match command {
            OwnerCommand::SetPositionMode(set) => self.set_position_mode(set),
            OwnerCommand::SetMarginMode(set) => self.set_margin_mode(set),
            OwnerCommand::SetLeverage(set) => self.set_leverage(set),
            OwnerCommand::MoveMargin(moved) => self.move_margin(moved),
        }
    }

    pub(super) fn is_hedge(&self, account: AccountId) -> bool {
        self.chosen.hedges.contains(&account)
    }

    fn set_position_mode(&mut self, set: &SetPositionMode) -> Done<ContractEvent> {
        let SetPositionMode { by, shard, mode } = *set;
        if shard.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        let hedge = mode == PositionMode::Hedge;
        if hedge != self.is_hedge(by.account) {
            let has_lots = self.legs.iter().any(|(place, leg)| place.0 == by.account && leg.lots != 0);
            let has_pots = self.pots.iter().any(|(place, pot)| place.0 == by.account && *pot != 0);
            if has_lots || has_pots {
                return Err(RejectReason::PositionsOpen);
            }
            let its = |order: &Order| order.account == by.account && self.is_contract(order.instrument);
            if self.orders.iter().any(its) {
                return Err(RejectReason::OrdersOpen);
            }
            if hedge {
                self.chosen.hedges.insert(by.account);
            } else {
                self.chosen.hedges.remove(&by.account);
            }
        }
        Ok(ContractEvent::PositionModeSet(PositionModeSet { by: answered(&by), shard, mode }))
    }

    fn set_margin_mode(&mut self, set: &SetMarginMode) -> Done<ContractEvent> {
        let SetMarginMode { by, instrument, mode } = *set;
        self.listed_contract(instrument)?;
        if !self.is_complete(instrument) {
            return Err(RejectReason::ContractIncomplete);
        }
        let isolated = mode == MarginMode::Isolated;
        if isolated != self.is_isolated(by.account, instrument) {
            let has_any = |place: &Place| self.leg(*place).lots != 0 || self.pot(*place) != 0;
            if self.places(by.account, instrument).iter().any(has_any) {
                return Err(RejectReason::PositionsOpen);
            }
            let its = |order: &Order| (order.account, order.instrument) == (by.account, instrument);
            if self.orders.iter().any(its) {
                return Err(RejectReason::OrdersOpen);
            }
            self.chosen.modes.insert((by.account, instrument), mode);
        }
        Ok(ContractEvent::MarginModeSet(MarginModeSet { by: answered(&by), instrument, mode }))
    }

    fn move_margin(&mut self, moved: &MoveMargin) -> Done<ContractEvent> {
        let MoveMargin { by, instrument, leg, amount } = *moved;
        self.listed_contract(instrument)?;
        if amount.0 == 0 {
            return Err(RejectReason::OutOfRange);
        }
        if !self.is_complete(instrument) {
            return Err(RejectReason::ContractIncomplete);
        }
        let place = (by.account, instrument, leg);
        if !self.is_isolated(by.account, instrument) || self.leg(place).lots == 0 {
            return Err(RejectReason::NoPosition);
        }
        let (asset, more) = (self.settled_in(instrument), i128::from(amount.0));
        let pot = self.pot(place) + more;
        if more > 0 && more > self.withdrawable(by.account, asset) {
            return Err(RejectReason::InsufficientFunds);
        }
        if more < 0 && self.is_stale(instrument) {
            return Err(RejectReason::IndexStale);
        }
        if more < 0 && !self.would_do(place, pot) {
            return Err(RejectReason::InsufficientMargin);
        }
        self.pots.insert(place, pot);
        *self.held(by.account, asset) -= more;
        let (pot, wallet) = (super::amount(pot), super::amount(self.wallet(by.account, asset)));
        let by = answered(&by);
        Ok(ContractEvent::MarginMoved(MarginMoved { by, instrument, leg, amount, pot, wallet }))
    }

    fn set_leverage(&mut self, set: &SetLeverage) -> Done<ContractEvent> {
        let SetLeverage { by, instrument, leverage } = *set;
        self.listed_contract(instrument)?;
        if !(1..=125).contains(&leverage) {
            return Err(RejectReason::OutOfRange);
        }
        if !self.is_complete(instrument) {
            return Err(RejectReason::ContractIncomplete);
        }
        let before = self.leverage(by.account, instrument);
        let places = self.places(by.account, instrument);
        let most = |place: &Place| {
            let notional = self.notional_of(instrument, self.at_risk(*place));
            leverage_max(&self.instrument(instrument).contract.tiers, notional)
        };
        if i64::from(leverage) != before && places.iter().any(|place| leverage > most(place)) {
            return Err(RejectReason::LeverageAboveTier);
        }
        let mut after = self.clone();
        after.chosen.leverage.insert((by.account, instrument), leverage);
        let asset = self.settled_in(instrument);
        let lacks = after.available_for_orders(by.account, asset) < 0
            || (self.is_isolated(by.account, instrument)
                && places.iter().any(|place| !after.would_do(*place, self.pot(*place))));
        if i64::from(leverage) < before && lacks {
            return Err(RejectReason::InsufficientMargin);
        }
        *self = after;
        Ok(ContractEvent::LeverageSet(LeverageSet { by: answered(&by), instrument, leverage }))
    }
}
