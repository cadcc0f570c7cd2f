//! What owners set for their accounts in contracts.

use super::Naive;
use super::contracts::margin::leverage_max;
use super::orders::Order;
use dojima::domain::{
    AccountId, AdminEvent, ContractEvent, Echo, Event, InstrumentId, LeverageSet, MarginMode, MarginModeSet,
    MarginMoved, MoveMargin, OwnerCommand, PositionLeg, RejectReason, SetBy, SetLeverage, SetMarginMode,
    Setter, Side, UserRef,
};
use std::collections::BTreeMap;

type Done<T> = Result<T, RejectReason>;

/// What accounts have chosen.
#[derive(Clone, Default)]
pub(super) struct Chosen {
    pub modes: BTreeMap<(AccountId, InstrumentId), MarginMode>,
    pub leverage: BTreeMap<(AccountId, InstrumentId), u8>,
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
            OwnerCommand::SetMarginMode(set) => set.instrument,
            OwnerCommand::SetLeverage(set) => set.instrument,
            OwnerCommand::MoveMargin(moved) => moved.instrument,
        };
        let settled_in = self.listed_contract(instrument).is_ok().then(|| self.settled_in(instrument));
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
            OwnerCommand::SetMarginMode(set) => self.set_margin_mode(set),
            OwnerCommand::SetLeverage(set) => self.set_leverage(set),
            OwnerCommand::MoveMargin(moved) => self.move_margin(moved),
        }
    }

    fn set_margin_mode(&mut self, set: &SetMarginMode) -> Done<ContractEvent> {
        let SetMarginMode { by, instrument, mode } = *set;
        self.listed_contract(instrument)?;
        if !self.is_complete(instrument) {
            return Err(RejectReason::ContractIncomplete);
        }
        let isolated = mode == MarginMode::Isolated;
        if isolated != self.is_isolated(by.account, instrument) {
            if self.leg(by.account, instrument).lots != 0 || self.pot(by.account, instrument) != 0 {
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
        let has_one = self.is_isolated(by.account, instrument) && self.leg(by.account, instrument).lots != 0;
        if !has_one || leg != PositionLeg::Net {
            return Err(RejectReason::NoPosition);
        }
        let (asset, more) = (self.settled_in(instrument), i128::from(amount.0));
        let pot = self.pot(by.account, instrument) + more;
        if more > 0 && more > self.withdrawable(by.account, asset) {
            return Err(RejectReason::InsufficientFunds);
        }
        if more < 0 && self.is_stale(instrument) {
            return Err(RejectReason::IndexStale);
        }
        if more < 0 && !self.would_do(by.account, instrument, pot) {
            return Err(RejectReason::InsufficientMargin);
        }
        self.pots.insert((by.account, instrument), pot);
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
        let lots = self.at_risk(by.account, instrument, (Side::Buy, 0), dojima::domain::OrderId(0));
        let most =
            leverage_max(&self.instrument(instrument).contract.tiers, self.notional_of(instrument, lots));
        if i64::from(leverage) != before && leverage > most {
            return Err(RejectReason::LeverageAboveTier);
        }
        let mut after = self.clone();
        after.chosen.leverage.insert((by.account, instrument), leverage);
        let asset = self.settled_in(instrument);
        let lacks = after.available_for_orders(by.account, asset) < 0
            || (self.is_isolated(by.account, instrument)
                && !after.would_do(by.account, instrument, self.pot(by.account, instrument)));
        if i64::from(leverage) < before && lacks {
            return Err(RejectReason::InsufficientMargin);
        }
        *self = after;
        Ok(ContractEvent::LeverageSet(LeverageSet { by: answered(&by), instrument, leverage }))
    }
}
