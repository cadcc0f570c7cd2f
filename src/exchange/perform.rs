//! Dispatches each command to the function that executes it.

use super::sink::EventSink;
use super::state::Exchange;
use super::task::Task;
use crate::domain::{AdminEvent, ClockCommand, Command, Event, InstrumentId, OrderCommand, Stamp};

impl Exchange {
    /// Executes the command itself.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub(super) fn perform(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) {
        if self.venue.shards > 1 && self.passes(command) {
            return;
        }
        let told = match command {
            Command::Order(command) => return self.serve(command, events),
            Command::Venue(command) => self.govern(stamp, command, events),
            Command::Admin(command) => self.administer(command, events),
            Command::Contract(command) => self.contract(command, events),
            Command::Owner(command) => return self.set_by_owner(command, events),
            Command::Clock(ClockCommand::Tick) => {
                self.tick_contracts();
                return self.indicate(InstrumentId(0));
            }
        };
        match told {
            Ok(Some(event)) => self.tell(event, events),
            Ok(None) => {}
            Err(reason) => self.tell(Event::Admin(AdminEvent::Refused { reason }), events),
        }
    }

    /// Executes a command about orders and emits the result.
    #[deny(clippy::wildcard_enum_match_arm)]
    #[inline]
    fn serve(&mut self, command: &OrderCommand, events: &mut impl EventSink) {
        if let Some(sender) = command.sender()
            && !self.is_of_session(&sender)
        {
            return self.ignore(sender, events);
        }
        match command {
            OrderCommand::Enter(enter) => self.enter(enter, events),
            OrderCommand::Replace(replace) => self.replace(replace, events),
            OrderCommand::Cancel(cancel) => self.cancel(cancel, events),
            OrderCommand::Amend(amend) => self.amend(amend, events),
            OrderCommand::RefuseEnter(refuse) => self.refuse_enter(refuse, events),
            OrderCommand::RefuseReplace(refuse) => self.refuse_replace(refuse, events),
            OrderCommand::MassCancel(mass) => self.mass_cancel(mass, events),
            OrderCommand::CancelOrder { order } => self.cancel_order(*order, events),
            OrderCommand::Modify(modify) => self.modify(modify, events),
            OrderCommand::QueryAccount(query) => self.query_account(query, events),
            OrderCommand::SetOrderEntry(set) => self.set_order_entry(set, events),
            OrderCommand::NameOrder(name) => self.name_order(name, events),
            OrderCommand::TransferOut(out) => self.transfer_out(out, events),
            OrderCommand::SendIndex(sent) => self.send_index(sent, events),
            OrderCommand::QueryWallet(query) => self.query_wallet(query, events),
            OrderCommand::CancelLogin { login, cause } => self.cancel_login(*login, *cause, events),
        }
    }

    /// Releases the next triggered order, instrument by instrument, and continues in the same part while it may.
    #[cold]
    pub(super) fn release_moved(&mut self, events: &mut impl EventSink) {
        if !self.shared.funds.below.is_empty() {
            self.agenda.push(Task::Release);
            return self.pay_from_funds(events);
        }
        let Some(instrument) = self.shared.moved.iter().min().copied() else { return };
        // A release may move prices again, but only of this instrument.
        if !self.market(instrument, events).release_next() {
            self.shared.moved.retain(|moved| *moved != instrument);
        }
        if !self.shared.moved.is_empty() {
            self.agenda.push(Task::Release);
        }
    }
}
