//! What owners set for their accounts in contracts.

use super::Naive;
use super::contracts::margin::leverage_max;
use dojima::domain::{
    AccountId, AdminEvent, ContractEvent, Echo, Event, InstrumentId, LeverageSet, OwnerCommand, RejectReason,
    SetBy, SetLeverage, Setter, Side, UserRef,
};
use std::collections::BTreeMap;

type Done<T> = Result<T, RejectReason>;

/// What accounts have chosen.
#[derive(Clone, Default)]
pub(super) struct Chosen {
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
        match (self.set_for_owner(command), by.login) {
            (Ok(event), _) => self.events.push(Event::Contract(event)),
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
            OwnerCommand::SetLeverage(set) => self.set_leverage(set),
        }
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
        if i64::from(leverage) < before
            && after.available_for_orders(by.account, self.settled_in(instrument)) < 0
        {
            return Err(RejectReason::InsufficientMargin);
        }
        *self = after;
        Ok(ContractEvent::LeverageSet(LeverageSet { by: answered(&by), instrument, leverage }))
    }
}
