//! Cancels of several orders: by a client, by an operator, by a kill switch, or because a login is absent. They
//! continue over several parts (`agenda`) until all matching orders are cancelled; then the answer is emitted.

use super::book::{Handle, Order};
use super::chains::LoginOrders;
use super::market::Market;
use super::orders::refused;
use super::sink::EventSink;
use super::state::Exchange;
use super::task::Answer;
use super::task::Sweep;
use super::task::Task;
use super::task::Walk;
use crate::domain::{
    AccountId, AdminEvent, AssetId, CancelFilter, CancelReason, Event, InstrumentId, KillScope, MassCancel,
    OrderEvent, OrderId, Phase, RejectReason, Sender, Switch, TimeInForce, UserRef,
};

/// The answer to a mass cancel.
fn mass_canceled(mass: &MassCancel, canceled: u32) -> Event {
    let MassCancel { login, user_ref, filter: CancelFilter { instrument, side, .. }, .. } = *mass;
    let user_ref = if login.is_some() { user_ref } else { UserRef(0) };
    Event::Order(OrderEvent::MassCanceled { login, user_ref, canceled, instrument, side })
}

/// Whether orders of a halted instrument are cancelled for this reason.
fn goes_in_a_halt(reason: CancelReason) -> bool {
    matches!(
        reason,
        CancelReason::Killed
            | CancelReason::Delisted
            | CancelReason::ContractExpired
            | CancelReason::AccountBelowZero
    )
}

impl Exchange {
    pub(super) fn mass_cancel(&mut self, mass: &MassCancel, events: &mut impl EventSink) {
        let mut filter = mass.filter;
        if let Some(login) = mass.login {
            let sender = Sender { login, session: mass.session, user_ref: mass.user_ref };
            let Some(account) = self.consume_user_ref(sender, events) else { return };
            if !self.shared.may_sweep(account) {
                return events.push(refused(Some(login), mass.user_ref, RejectReason::OrderRateExceeded));
            }
            if filter.account.is_some_and(|other| other != account) {
                // It may not cancel other accounts' orders, so none matches.
                return events.push(mass_canceled(mass, 0));
            }
            filter.account = Some(account);
        }
        self.cancel_all(&filter, CancelReason::MassCancel, Answer::MassCancel(*mass));
    }

    /// Cancels every matching order, one after another along its [`Walk`], before anything else happens.
    pub(super) fn cancel_all(&mut self, filter: &CancelFilter, reason: CancelReason, answer: Answer) {
        // If no order can match there is still a walk, without steps.
        let walk = self.walk_of(filter);
        let next = walk.and_then(|walk| self.first_on(&walk));
        let walk = walk.unwrap_or(Walk::Venue);
        let sweep = Sweep { walk, filter: *filter, reason, next, settled_in: None, canceled: 0, answer };
        self.agenda.push(Task::Sweep(sweep));
    }

    /// Cancels all orders of an account in contracts that are settled in this asset.
    pub(super) fn cancel_settled_in(&mut self, account: AccountId, asset: AssetId, reason: CancelReason) {
        let filter = CancelFilter { account: Some(account), ..CancelFilter::default() };
        let walk = Walk::Account(account);
        let (next, settled_in, answer) = (self.first_on(&walk), Some(asset), Answer::Nothing);
        self.agenda.push(Task::Sweep(Sweep { walk, filter, reason, next, settled_in, canceled: 0, answer }));
    }

    /// Continues the cancel while the present part may.
    pub(super) fn sweep(&mut self, mut sweep: Sweep, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        while let Some(handle) = sweep.next {
            if self.shared.touched >= limit {
                return self.agenda.push(Task::Sweep(sweep));
            }
            sweep.next = self.after_on(&sweep.walk, handle);
            let instrument = self.shared.orders.cold(handle).instrument;
            if !self.fits(&sweep, handle) {
                self.shared.touch();
                continue;
            }
            let halted = self.instruments[instrument.0 as usize].listing.phase == Phase::Halted;
            if halted && !goes_in_a_halt(sweep.reason) {
                self.shared.leave_due(handle, sweep.reason);
                self.shared.touch();
                continue;
            }
            if sweep.next.is_some() && sweep.next == self.shared.partner_of(handle) {
                // The linked order is cancelled with this one.
                sweep.next = sweep.next.and_then(|at| self.after_on(&sweep.walk, at));
            }
            let before = self.open_orders();
            self.market(instrument, events).cancel_whole(handle, sweep.reason);
            sweep.canceled += (before - self.open_orders()) as u32;
        }
        match sweep.answer {
            Answer::Nothing => {}
            Answer::MassCancel(mass) => {
                if let (Some(_), Some(account)) = (mass.login, sweep.filter.account) {
                    let others = self.orders_on(&sweep.walk);
                    self.shared.in_vain.swept(account, sweep.canceled, others, self.shared.now);
                }
                events.push(mass_canceled(&mass, sweep.canceled));
            }
            Answer::Killed(scope, switch) => {
                self.tell(Event::Admin(AdminEvent::Killed { scope, switch }), events);
            }
        }
    }

    /// The walk that contains all orders that may match, and as few others as possible; `None` if no order can match.
    fn walk_of(&self, filter: &CancelFilter) -> Option<Walk> {
        let CancelFilter { login, account, instrument, side } = *filter;
        if let Some(login) = login {
            let known = self.venue.logins.get(login.0 as usize)?;
            return account.is_none_or(|account| account == known.account).then_some(Walk::Login(login));
        }
        if let Some(account) = account {
            return ((account.0 as usize) < self.accounts_count()).then_some(Walk::Account(account));
        }
        if let Some(instrument) = instrument {
            let is_known = (instrument.0 as usize) < self.instruments.len();
            return is_known.then_some(Walk::Instrument(instrument, side));
        }
        Some(Walk::Venue)
    }

    /// How many orders are on the walk of a client's mass cancel.
    fn orders_on(&self, walk: &Walk) -> u32 {
        match *walk {
            Walk::Login(login) => self.shared.chains.of(login).len(),
            Walk::Account(account) => self.shared.account(account).open_orders,
            // No order can match, and none was read.
            Walk::Instrument(..) | Walk::Venue => 0,
        }
    }

    fn first_on(&self, walk: &Walk) -> Option<Handle> {
        match *walk {
            Walk::Login(login) => self.shared.first_of(login),
            Walk::Account(account) => {
                self.shared.account(account).logins.iter().find_map(|login| self.shared.first_of(*login))
            }
            Walk::Instrument(instrument, side) => {
                self.instruments[instrument.0 as usize].first_order(&self.shared, side)
            }
            Walk::Venue => self.first_of_logins(0),
        }
    }

    fn after_on(&self, walk: &Walk, at: Handle) -> Option<Handle> {
        let login = self.shared.orders.hot(at).login;
        match *walk {
            Walk::Login(_) => self.shared.after_of_login(at),
            Walk::Account(account) => self.shared.after_of_login(at).or_else(|| {
                let logins = &self.shared.account(account).logins;
                let others = &logins[logins.partition_point(|other| *other <= login)..];
                others.iter().find_map(|login| self.shared.first_of(*login))
            }),
            Walk::Instrument(instrument, side) => {
                self.instruments[instrument.0 as usize].order_after(&self.shared, side, at)
            }
            Walk::Venue => {
                self.shared.after_of_login(at).or_else(|| self.first_of_logins(login.0 as usize + 1))
            }
        }
    }

    /// The first order of the first login, from this one on, that has an order.
    fn first_of_logins(&self, from: usize) -> Option<Handle> {
        self.shared.chains.from(from).iter().find_map(LoginOrders::first)
    }

    fn fits(&self, sweep: &Sweep, at: Handle) -> bool {
        let Sweep { filter, reason, settled_in, .. } = sweep;
        let settled = |instrument: InstrumentId| self.instruments[instrument.0 as usize].listing.settled_in();
        let (hot, instrument) = (self.shared.orders.hot(at), self.shared.orders.cold(at).instrument);
        let is_of_day = self.shared.orders.cold(at).time_in_force == TimeInForce::Day;
        filter.side.is_none_or(|side| side == hot.side)
            && filter.instrument.is_none_or(|of| of == instrument)
            && (*reason != CancelReason::Expired || is_of_day)
            && settled_in.is_none_or(|asset| asset == settled(instrument))
    }

    pub(super) fn kill(&mut self, scope: KillScope, switch: Switch) -> Result<Option<Event>, RejectReason> {
        let filter = match scope {
            KillScope::Venue => {
                self.venue.killed = switch;
                CancelFilter::default()
            }
            KillScope::Account(account) => {
                self.known_account(account)?;
                self.shared.account_mut(account).killed = switch;
                CancelFilter { account: Some(account), ..CancelFilter::default() }
            }
        };
        if switch == Switch::Off {
            return Ok(Some(Event::Admin(AdminEvent::Killed { scope, switch })));
        }
        self.cancel_all(&filter, CancelReason::Killed, Answer::Killed(scope, switch));
        Ok(None)
    }

    pub(super) fn cancel_order(&mut self, order: OrderId, events: &mut impl EventSink) {
        let found = self.shared.orders.iter().find(|(_, hot, _)| hot.id == order);
        match found.map(|(handle, _, cold)| (handle, cold.instrument)) {
            Some((handle, instrument)) => {
                self.market(instrument, events).cancel_whole(handle, CancelReason::Operator);
            }
            None => events.push(Event::Admin(AdminEvent::Refused { reason: RejectReason::UnknownOrder })),
        }
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Cancels the instrument's orders that `goes` selects: buys in trading order, sells in trading order, then waiting
    /// orders by number.
    pub(super) fn cancel_each(&mut self, reason: CancelReason, goes: impl Fn(&Order) -> bool) {
        let mut next = self.instrument.first_order(self.shared, None);
        while let Some(handle) = next {
            next = self.instrument.order_after(self.shared, None, handle);
            if !goes(&self.shared.orders.get(handle)) {
                continue;
            }
            if next.is_some() && next == self.shared.partner_of(handle) {
                // The linked order is cancelled with this one.
                next = next.and_then(|at| self.instrument.order_after(self.shared, None, at));
            }
            self.cancel_whole(handle, reason);
        }
    }
}
