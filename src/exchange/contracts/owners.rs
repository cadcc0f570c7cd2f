//! What owners set in contracts (docs/FUTURES.md, "What owners set").

use super::super::orders::refused;
use super::super::positions::{At, Holding};
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::contracts::Leverage;
use crate::domain::{
    AccountId, ContractEvent, Event, InstrumentId, LeverageSet, OwnerCommand, RejectReason, SetLeverage,
    Setter,
};

impl Exchange {
    /// Executes what an owner sets for an account, and answers it.
    pub(in crate::exchange) fn set_by_owner(&mut self, command: &OwnerCommand, events: &mut impl EventSink) {
        let setter = command.setter();
        let mut owner = None;
        if let Some(sender) = setter.sender() {
            if !self.is_of_session(&sender) {
                return self.ignore(sender, events);
            }
            let Some(account) = self.consume_user_ref(sender, events) else { return };
            owner = Some(account);
        }
        let set = self.check_setter(setter, owner).and_then(|()| match command {
            OwnerCommand::SetLeverage(set) => self.set_leverage(set),
        });
        events.push(match set {
            Ok(event) => Event::Contract(event),
            Err(reason) => refused(setter.login, setter.user_ref, reason),
        });
    }

    /// Checks the account of a command. `owner`: the account of the login that sends it.
    fn check_setter(&self, setter: &Setter, owner: Option<AccountId>) -> Result<(), RejectReason> {
        if owner.is_some_and(|owner| owner != setter.account) {
            return Err(RejectReason::UnknownAccount);
        }
        self.known_account(setter.account)
    }

    /// The holding of an account in a complete contract.
    fn settable(&self, account: AccountId, instrument: InstrumentId) -> Result<At, RejectReason> {
        let contract = self.instruments[instrument.0 as usize].contract.as_ref();
        let contract = contract.filter(|contract| self.is_complete(contract));
        let contract = contract.ok_or(RejectReason::ContractIncomplete)?.ordinal;
        Ok(At { account, contract })
    }

    fn set_leverage(&mut self, set: &SetLeverage) -> Result<ContractEvent, RejectReason> {
        let SetLeverage { by, instrument, leverage } = *set;
        let asset = self.known_contract(instrument)?.listing.settled_in();
        let wanted = Leverage::new(leverage).ok_or(RejectReason::OutOfRange)?;
        let at = self.settable(by.account, instrument)?;
        let positions = &mut self.shared.positions;
        let present = positions.leverage(at);
        if wanted != present && wanted > positions.leverage_max(at) {
            return Err(RejectReason::LeverageAboveTier);
        }
        let chosen = positions.change(at, |holding: &mut Holding| holding.leverage.replace(wanted));
        let free = self.shared.ledger.balance(by.account, asset).available;
        if wanted < present && positions.margin(by.account, asset).available(free) < 0 {
            positions.change(at, |holding: &mut Holding| holding.leverage = chosen);
            return Err(RejectReason::InsufficientMargin);
        }
        Ok(ContractEvent::LeverageSet(LeverageSet { by: (&by).into(), instrument, leverage }))
    }
}
