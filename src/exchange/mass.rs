//! Cancels of many orders: by a client, by an operator, by a kill switch, because a login is gone.

use super::Exchange;
use super::book::{Cold, Handle, Hot};
use super::sink::EventSink;
use crate::domain::{
    CancelFilter, CancelReason, Event, KillScope, MassCancel, OrderId, Phase, RejectReason, Switch, UserRef,
};

/// The answer to a mass cancel.
fn mass_canceled(mass: &MassCancel, canceled: u32) -> Event {
    let MassCancel { login, user_ref, filter: CancelFilter { instrument, side, .. } } = *mass;
    let user_ref = if login.is_some() { user_ref } else { UserRef(0) };
    Event::MassCanceled { login, user_ref, canceled, instrument, side }
}

impl Exchange {
    pub(super) fn mass_cancel(&mut self, mass: &MassCancel, events: &mut impl EventSink) {
        let mut filter = mass.filter;
        if let Some(login) = mass.login {
            let Some(account) = self.consume_user_ref(login, mass.user_ref, events) else { return };
            if filter.account.is_some_and(|other| other != account) {
                // Other accounts' orders are not its to cancel: none fits.
                return events.push(mass_canceled(mass, 0));
            }
            filter.account = Some(account);
        }
        let canceled = self.cancel_all(&filter, CancelReason::MassCancel, events);
        events.push(mass_canceled(mass, canceled));
    }

    /// Cancels every order that fits, by their numbers; how many, linked orders that went with them included.
    pub(super) fn cancel_all(
        &mut self,
        filter: &CancelFilter,
        reason: CancelReason,
        events: &mut impl EventSink,
    ) -> u32 {
        let before = self.shared.orders.len();
        let mut fitting = std::mem::take(&mut self.scratch);
        self.find_fitting(filter, &mut fitting);
        for (id, handle) in fitting.drain(..) {
            let instrument = self.shared.orders.get(handle).instrument;
            let halted = self.instruments[instrument.0 as usize].listing.phase == Phase::Halted;
            if !self.shared.is_live(handle, id) {
                continue;
            }
            if halted && reason != CancelReason::Killed {
                self.shared.leave_due(handle, reason);
            } else {
                self.market(instrument, events).cancel_whole(handle, reason);
            }
        }
        self.scratch = fitting;
        (before - self.shared.orders.len()) as u32
    }

    /// The orders that fit, by their numbers. Walks over all orders, unless the account or the login has none: a few milliseconds for a
    /// million.
    fn find_fitting(&self, filter: &CancelFilter, found: &mut Vec<(OrderId, Handle)>) {
        let account = filter.account.map(|account| account.0 as usize);
        if account.is_some_and(|at| self.shared.accounts.get(at).is_none_or(|found| found.open_orders == 0)) {
            return;
        }
        if filter.login.is_some_and(|login| self.open_orders_of(login) == 0) {
            return;
        }
        let fits = |(handle, hot, cold): (Handle, &Hot, &Cold)| {
            let fits = filter.login.is_none_or(|login| login == hot.login)
                && filter.account.is_none_or(|account| account == hot.account)
                && filter.side.is_none_or(|side| side == hot.side)
                && filter.instrument.is_none_or(|instrument| instrument == cold.instrument);
            fits.then_some((hot.id, handle))
        };
        found.extend(self.shared.orders.iter().filter_map(fits));
        found.sort_unstable();
    }

    pub(super) fn kill(
        &mut self,
        scope: KillScope,
        switch: Switch,
        events: &mut impl EventSink,
    ) -> Result<Event, RejectReason> {
        let filter = match scope {
            KillScope::Venue => {
                self.killed = switch;
                CancelFilter::default()
            }
            KillScope::Account(account) => {
                self.known_account(account)?;
                self.shared.account_mut(account).killed = switch;
                CancelFilter { account: Some(account), ..CancelFilter::default() }
            }
        };
        if switch == Switch::On {
            self.cancel_all(&filter, CancelReason::Killed, events);
        }
        Ok(Event::Killed { scope, switch })
    }

    pub(super) fn cancel_order(&mut self, order: OrderId, events: &mut impl EventSink) {
        let found = self.shared.orders.iter().find(|(_, hot, _)| hot.id == order);
        match found.map(|(handle, _, cold)| (handle, cold.instrument)) {
            Some((handle, instrument)) => {
                self.market(instrument, events).cancel_whole(handle, CancelReason::Operator);
            }
            None => events.push(Event::Refused { reason: RejectReason::UnknownOrder }),
        }
    }
}
