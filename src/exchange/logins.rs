//! Logins: what each of them may do, its dead-man's switch, copies, and the sessions of the venue (docs/RULES.md, "Sessions" and
//! "Dead-man's switch").

use super::Exchange;
use super::sink::EventSink;
use crate::domain::{
    AccountId, CancelFilter, CancelReason, Command, ConnectionLoss, Event, IgnoreReason, LoginId,
    OrderLimits, QueryAccount, RejectReason, SetOrderEntry, Switch, Timestamp, UserRef,
};

/// A trading login as the exchange knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account that its orders are for.
    pub account: AccountId,
    /// The highest client number it has used in this session.
    pub last_user_ref: UserRef,
    /// When its dead-man's switch cancels its orders; 0: it has none.
    pub cancel_at: Timestamp,
    /// Off: its new orders and replaces are refused.
    pub order_entry: Switch,
    /// Whether there is anything that a new order of it has to be held against: order entry that is off, limits, or
    /// numbers of an earlier session. Never unset where there is; what it costs where there is not is a look.
    pub(super) is_restricted: bool,
    /// Whether an order of an earlier session may still have one of its numbers.
    pub(super) has_old_numbers: bool,
    /// Its limits, if it has any.
    pub(super) limits: Option<Box<OrderLimits>>,
}

impl Login {
    pub(super) fn new(account: AccountId) -> Self {
        Self {
            account,
            last_user_ref: UserRef(0),
            cancel_at: Timestamp(0),
            order_entry: Switch::On,
            is_restricted: false,
            has_old_numbers: false,
            limits: None,
        }
    }

    /// The limits on its orders, over all instruments, if it has any.
    pub fn limits(&self) -> Option<&OrderLimits> {
        self.limits.as_deref()
    }

    /// Whether anything about it is not as it was when it was opened.
    pub(super) fn has_settings(&self) -> bool {
        self.cancel_at != Timestamp(0) || self.order_entry == Switch::Off || self.limits.is_some()
    }

    /// An order of an earlier session has one of its numbers.
    #[cold]
    pub(super) fn note_old_number(&mut self) {
        self.has_old_numbers = true;
        self.restrict();
    }

    /// Finds out anew whether new orders have to be held against anything.
    pub(super) fn restrict(&mut self) {
        self.is_restricted = self.order_entry == Switch::Off || self.has_old_numbers || self.limits.is_some();
    }
}

impl Exchange {
    /// The edition of the rules that holds (docs/RULES.md, "Editions").
    pub fn rules_edition(&self) -> u16 {
        self.shared.rules
    }

    /// The session of the venue; the first one is 0.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// Who gets copies of what the logins of an account are sent, and the sequence of the command that made it so: by
    /// account, and of one account in the order in which the copies were asked for.
    pub fn copies(&self) -> impl Iterator<Item = (AccountId, LoginId, u64)> + '_ {
        self.copies.iter().copied()
    }

    /// How many open orders a login has.
    pub(super) fn open_orders_of(&self, login: LoginId) -> u32 {
        self.shared.login_orders.get(login.0 as usize).copied().unwrap_or_default()
    }

    pub(super) fn set_rules(&mut self, edition: u16) -> Result<Event, RejectReason> {
        if !(self.shared.rules..=Command::RULES_LAST).contains(&edition) {
            return Err(RejectReason::OutOfRange);
        }
        self.shared.rules = edition;
        Ok(Event::RulesSet { edition })
    }

    /// Whether a login that exists may use this new number for an order; the limits that it has to keep to.
    #[inline]
    pub(super) fn restrictions(
        &self,
        login: LoginId,
        user_ref: UserRef,
    ) -> Result<Option<OrderLimits>, RejectReason> {
        let known = &self.logins[login.0 as usize];
        if known.is_restricted { self.restricted(login, user_ref) } else { Ok(None) }
    }

    #[cold]
    fn restricted(&self, login: LoginId, user_ref: UserRef) -> Result<Option<OrderLimits>, RejectReason> {
        let known = &self.logins[login.0 as usize];
        if known.order_entry == Switch::Off {
            return Err(RejectReason::OrderEntryDisabled);
        }
        if known.has_old_numbers && self.shared.named(login, user_ref).is_some() {
            return Err(RejectReason::UserRefInUse);
        }
        Ok(known.limits().copied())
    }

    pub(super) fn set_order_entry(&mut self, set: &SetOrderEntry, events: &mut impl EventSink) {
        if self.consume_user_ref(set.login, set.user_ref, events).is_some() {
            let known = &mut self.logins[set.login.0 as usize];
            known.order_entry = set.switch;
            known.restrict();
            events.push(Event::OrderEntrySet(*set));
        }
    }

    pub(super) fn query_account(&mut self, query: &QueryAccount, events: &mut impl EventSink) {
        let QueryAccount { login, cancel_after_ms } = *query;
        let Some(known) = self.logins.get_mut(login.0 as usize) else {
            return events.push(super::orders::ignored(login, UserRef(0), IgnoreReason::UnknownLogin));
        };
        match cancel_after_ms {
            None => {}
            Some(0) => known.cancel_at = Timestamp(0),
            Some(after_ms) => {
                let after = u64::from(after_ms) * (Timestamp::SECOND / 1_000);
                known.cancel_at = Timestamp(self.shared.now.0.saturating_add(after));
                self.shared.due.next = self.shared.due.next.min(known.cancel_at.0);
            }
        }
        events.push(Event::AccountState {
            login,
            next_user_ref: UserRef(known.last_user_ref.0.saturating_add(1)),
            cancel_at: known.cancel_at,
        });
    }

    /// Cancels the orders of every login whose dead-man's switch was not held, and turns the switch off.
    pub(super) fn switches_due(&mut self, events: &mut impl EventSink) {
        for login in (0..self.logins.len() as u32).map(LoginId) {
            let cancel_at = &mut self.logins[login.0 as usize].cancel_at;
            if *cancel_at != Timestamp(0) && *cancel_at <= self.shared.now {
                *cancel_at = Timestamp(0);
                self.cancel_of_login(login, CancelReason::DeadMansSwitch, events);
            }
        }
    }

    /// When the next dead-man's switch is due, ns.
    pub(super) fn next_switch(&self) -> u64 {
        let set = self.logins.iter().map(|login| login.cancel_at.0).filter(|at| *at != 0);
        set.min().unwrap_or(u64::MAX)
    }

    pub(super) fn cancel_login(
        &mut self,
        login: LoginId,
        cause: ConnectionLoss,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        self.known_login(login)?;
        let reason = match cause {
            ConnectionLoss::Disconnected => CancelReason::Disconnected,
        };
        self.cancel_of_login(login, reason, events);
        Ok(())
    }

    fn cancel_of_login(&mut self, login: LoginId, reason: CancelReason, events: &mut impl EventSink) {
        if self.open_orders_of(login) > 0 {
            let filter = CancelFilter { login: Some(login), ..CancelFilter::default() };
            self.cancel_all(&filter, reason, events);
        }
    }

    /// Ends the session and begins the next.
    pub(super) fn roll_session(
        &mut self,
        session: u32,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        if self.session.checked_add(1) != Some(session) {
            return Err(RejectReason::OutOfRange);
        }
        let logins = (0..self.logins.len() as u32).map(LoginId);
        logins.clone().for_each(|login| events.push(Event::SessionEnded { login }));
        self.session = session;
        events.push(Event::SessionRolled { session });
        logins.for_each(|login| events.push(Event::SessionStarted { login, session }));
        for (known, open_orders) in self.logins.iter_mut().zip(&self.shared.login_orders) {
            known.last_user_ref = UserRef(0);
            known.has_old_numbers = *open_orders > 0;
            known.restrict();
        }
        Ok(())
    }

    pub(super) fn copy_account(
        &mut self,
        login: LoginId,
        account: AccountId,
        sequence: u64,
    ) -> Result<Event, RejectReason> {
        self.known_login(login)?;
        self.known_account(account)?;
        if self.copies.iter().any(|(of, to, _)| (*of, *to) == (account, login)) {
            return Err(RejectReason::AlreadyCopied);
        }
        let at = self.copies.partition_point(|(of, ..)| *of <= account);
        self.copies.insert(at, (account, login, sequence));
        Ok(Event::AccountCopied { login, account })
    }

    /// Limits of a login: quantity, notional and open orders, and no others.
    pub(super) fn limit_login(&mut self, login: LoginId, limits: &OrderLimits) -> Result<(), RejectReason> {
        let others = limits.orders_per_second_max > 0 || limits.position_max.0 > 0 || limits.triggers_max > 0;
        if others {
            return Err(RejectReason::OutOfRange);
        }
        let known = &mut self.logins[login.0 as usize];
        known.limits = (*limits != OrderLimits::default()).then(|| Box::new(*limits));
        known.restrict();
        Ok(())
    }

    pub(super) fn known_login(&self, login: LoginId) -> Result<(), RejectReason> {
        if (login.0 as usize) < self.logins.len() { Ok(()) } else { Err(RejectReason::UnknownLogin) }
    }
}
