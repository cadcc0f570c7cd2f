//! Logins: permissions, dead-man's switches, copies, and the sessions of the venue (docs/RULES.md, "Sessions" and
//! "Dead-man's switch").

use super::ledger::Balance;
use super::login::Login;
use super::routing::next_number;
use super::sink::EventSink;
use super::state::Exchange;
use super::task::Answer;
use super::task::Roll;
use super::task::RollStage;
use super::task::Task;
use crate::domain::{
    AccountId, AdminEvent, Amount, AssetBalance, CancelFilter, CancelReason, Command, ConnectionLoss, Event,
    IgnoreReason, LoginId, NameOrder, OrderEvent, OrderLimits, QueryAccount, QueryWallet, Question,
    RejectReason, Sender, SetOrderEntry, Switch, Timestamp, UserRef, VenueEvent, Wallet, WalletState,
};

impl Exchange {
    /// The present edition of the rules (docs/RULES.md, "Editions").
    pub fn rules_edition(&self) -> u16 {
        self.venue.rules
    }

    /// The session of the venue; the first one is 0.
    pub fn session(&self) -> u32 {
        self.venue.session
    }

    /// The epoch of the last [`VenueCommand::Lead`](crate::domain::VenueCommand::Lead); 0 if there was none.
    pub fn epoch(&self) -> u64 {
        self.venue.epoch
    }

    /// Every copy as account, receiving login and the sequence of the command that added it: by account, and for one
    /// account in the order in which they were added.
    pub fn copies(&self) -> impl Iterator<Item = (AccountId, LoginId, u64)> + '_ {
        self.venue.copies.iter().copied()
    }

    /// The number of open orders of a login.
    pub(super) fn open_orders_of(&self, login: LoginId) -> u32 {
        self.shared.chains.len_of(login)
    }

    /// Adds the next login, of an existing account.
    pub(super) fn add_login(&mut self, login: Login) {
        let id = LoginId(self.venue.logins.len() as u32);
        self.shared.account_mut(login.account).logins.push(id);
        self.shared.chains.add_login();
        self.venue.logins.push(login);
    }

    pub(super) fn set_rules(&mut self, edition: u16) -> Result<Event, RejectReason> {
        if !(self.venue.rules..=Command::RULES_LAST).contains(&edition) {
            return Err(RejectReason::OutOfRange);
        }
        // Deposits of earlier editions are not bounded, so a transfer might not fit where it arrives.
        let begins_transfers = (self.venue.rules..edition).contains(&(Command::RULES_OF_TRANSFERS - 1));
        if begins_transfers && self.venue.shards > 1 && !self.venue.assets.is_empty() {
            return Err(RejectReason::OneShardOnly);
        }
        self.venue.rules = edition;
        Ok(Event::Venue(VenueEvent::RulesSet { edition }))
    }

    /// Whether a client's message belongs to the present session of its login. Other messages have no effect: they were
    /// sent before the session ended, and their clients learn that they came too late.
    #[inline]
    pub(super) fn is_of_session(&self, sender: &Sender) -> bool {
        self.venue.logins.get(sender.login.0 as usize).is_some_and(|known| known.session == sender.session)
    }

    /// Emits that such a message was ignored.
    #[cold]
    pub(super) fn ignore(&self, sender: Sender, events: &mut impl EventSink) {
        let is_known = (sender.login.0 as usize) < self.venue.logins.len();
        let reason = if is_known { IgnoreReason::OtherSession } else { IgnoreReason::UnknownLogin };
        self.tell(super::orders::ignored(sender, reason), events);
    }

    /// Checks that an existing login may use this new number for an order; returns the limits that apply.
    #[inline]
    pub(super) fn restrictions(
        &self,
        login: LoginId,
        user_ref: UserRef,
    ) -> Result<Option<OrderLimits>, RejectReason> {
        let known = &self.venue.logins[login.0 as usize];
        if known.is_restricted { self.restricted(login, user_ref) } else { Ok(None) }
    }

    #[cold]
    fn restricted(&self, login: LoginId, user_ref: UserRef) -> Result<Option<OrderLimits>, RejectReason> {
        let known = &self.venue.logins[login.0 as usize];
        if known.order_entry == Switch::Off {
            return Err(RejectReason::OrderEntryDisabled);
        }
        let is_named = || known.has_old_numbers && self.shared.named(login, user_ref).is_some();
        if self.number_came_before || is_named() {
            return Err(RejectReason::UserRefInUse);
        }
        Ok(known.limits().copied())
    }

    pub(super) fn set_order_entry(&mut self, set: &SetOrderEntry, events: &mut impl EventSink) {
        let SetOrderEntry { login, session, user_ref, .. } = *set;
        if self.consume_user_ref(Sender { login, session, user_ref }, events).is_some() {
            let known = &mut self.venue.logins[login.0 as usize];
            known.order_entry = set.switch;
            known.restrict();
            self.tell(Event::Order(OrderEvent::OrderEntrySet(*set)), events);
        }
    }

    /// Emits a client's name for a later order; stores nothing.
    pub(super) fn name_order(&mut self, name: &NameOrder, events: &mut impl EventSink) {
        let NameOrder { login, session, user_ref, .. } = *name;
        if self.fresh_user_ref(Sender { login, session, user_ref }, events).is_some() {
            self.tell(Event::Order(OrderEvent::OrderNamed(*name)), events);
        }
    }

    pub(super) fn query_account(&mut self, query: &QueryAccount, events: &mut impl EventSink) {
        let QueryAccount { login, cancel_after_ms, asks, .. } = *query;
        let known = &mut self.venue.logins[login.0 as usize];
        match cancel_after_ms {
            None => {}
            Some(after_ms) => {
                let after = u64::from(after_ms) * (Timestamp::SECOND / 1_000);
                let at = if after == 0 { 0 } else { self.shared.now.0.saturating_add(after) };
                known.cancel_at = Timestamp(at);
                self.shared.due.set_switch(login, known.cancel_at);
            }
        }
        let account = self.venue.logins[login.0 as usize].account;
        let balance = match asks {
            Question::Balance(asset) if usize::from(asset.0) < self.venue.assets.len() => {
                let Balance { available, reserved } = self.shared.ledger.balance(account, asset);
                Some(AssetBalance { asset, available, reserved })
            }
            Question::Position(instrument) => {
                self.tell_positions(login, account, instrument, events);
                None
            }
            Question::Balance(_) | Question::Nothing => None,
        };
        let known = &self.venue.logins[login.0 as usize];
        let state = OrderEvent::AccountState {
            login,
            next_user_ref: next_number(known.last_user_ref, known.seen_user_ref),
            cancel_at: known.cancel_at,
            balance,
        };
        self.tell(Event::Order(state), events);
    }

    /// Answers what the login's account has of an asset in this shard.
    pub(super) fn query_wallet(&mut self, query: &QueryWallet, events: &mut impl EventSink) {
        let QueryWallet { login, shard, asset, .. } = *query;
        let known = &self.venue.logins[login.0 as usize];
        let (account, next_user_ref) = (known.account, next_number(known.last_user_ref, known.seen_user_ref));
        let is_known = shard == self.id && usize::from(asset.0) < self.venue.assets.len();
        let wallet = is_known.then(|| {
            let Balance { available, reserved } = self.shared.ledger.balance(account, asset);
            let withdrawable = Amount(self.withdrawable(account, asset) as i64);
            Wallet { balance: AssetBalance { asset, available, reserved }, withdrawable }
        });
        events.push(Event::Order(OrderEvent::WalletState(WalletState {
            login,
            next_user_ref,
            shard,
            wallet,
        })));
    }

    /// Cancels the orders of the next login whose dead-man's switch fired, and turns the switch off.
    pub(super) fn switches_due(&mut self) {
        let Some(login) = self.shared.due.next_switch(self.shared.now) else { return };
        self.venue.logins[login.0 as usize].cancel_at = Timestamp(0);
        self.shared.due.set_switch(login, Timestamp(0));
        self.agenda.push(Task::Switches);
        self.cancel_of_login(login, CancelReason::DeadMansSwitch);
    }

    pub(super) fn cancel_login(
        &mut self,
        login: LoginId,
        cause: ConnectionLoss,
        events: &mut impl EventSink,
    ) {
        if let Err(reason) = self.known_login(login) {
            return self.tell(Event::Admin(AdminEvent::Refused { reason }), events);
        }
        let reason = match cause {
            ConnectionLoss::Disconnected => CancelReason::Disconnected,
        };
        self.cancel_of_login(login, reason);
    }

    fn cancel_of_login(&mut self, login: LoginId, reason: CancelReason) {
        let filter = CancelFilter { login: Some(login), ..CancelFilter::default() };
        self.cancel_all(&filter, reason, Answer::Nothing);
    }

    /// Ends the session and begins the next.
    pub(super) fn roll_session(&mut self, session: u32) -> Result<(), RejectReason> {
        if self.venue.session.checked_add(1) != Some(session) {
            return Err(RejectReason::OutOfRange);
        }
        self.agenda.push(Task::Roll(Roll { session, stage: RollStage::End, next: LoginId(0) }));
        Ok(())
    }

    /// Continues the session roll while the present part may. A login counts like an order.
    pub(super) fn roll(&mut self, mut roll: Roll, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        let session = roll.session;
        loop {
            let login = roll.next;
            let is_last = login.0 as usize >= self.venue.logins.len();
            match roll.stage {
                RollStage::End if is_last => {
                    self.venue.session = session;
                    self.tell(Event::Venue(VenueEvent::SessionRolled { session }), events);
                    (roll.stage, roll.next) = (RollStage::Start, LoginId(0));
                    continue;
                }
                RollStage::Start if is_last => return,
                RollStage::End => self.tell(Event::Venue(VenueEvent::SessionEnded { login }), events),
                RollStage::Start => self.start_session(login, session, events),
            }
            roll.next = LoginId(login.0 + 1);
            self.shared.touch();
            if self.shared.touched >= limit {
                return self.agenda.push(Task::Roll(roll));
            }
        }
    }

    /// Begins the next session of a login: the venue's or, if the login already has that one, the one after its own.
    fn start_session(&mut self, login: LoginId, venue: u32, events: &mut impl EventSink) {
        let orders = self.open_orders_of(login);
        let known = &mut self.venue.logins[login.0 as usize];
        let session = venue.max(known.session.saturating_add(1));
        known.session = session;
        (known.last_user_ref, known.seen_user_ref) = (UserRef(0), UserRef(0));
        known.has_old_numbers = orders > 0;
        known.restrict();
        self.tell(Event::Venue(VenueEvent::SessionStarted { login, session }), events);
    }

    /// Ends the session of one login and begins its next. Messages of the old session are ignored from now on, so old
    /// numbers cannot be confused with new ones.
    pub(super) fn reset_user_ref(
        &mut self,
        login: LoginId,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        self.known_login(login)?;
        if self.venue.logins[login.0 as usize].session == u32::MAX {
            return Err(RejectReason::OutOfRange);
        }
        self.tell(Event::Venue(VenueEvent::SessionEnded { login }), events);
        self.start_session(login, self.venue.session, events);
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
        if self.venue.copies.iter().any(|(of, to, _)| (*of, *to) == (account, login)) {
            return Err(RejectReason::AlreadyCopied);
        }
        let at = self.venue.copies.partition_point(|(of, ..)| *of <= account);
        self.venue.copies.insert(at, (account, login, sequence));
        Ok(Event::Venue(VenueEvent::AccountCopied { login, account }))
    }

    /// Sets the limits of a login: quantity, notional and open orders only.
    pub(super) fn limit_login(&mut self, login: LoginId, limits: &OrderLimits) -> Result<(), RejectReason> {
        let others = limits.orders_per_second_max > 0 || limits.position_max.0 > 0 || limits.triggers_max > 0;
        if others {
            return Err(RejectReason::OutOfRange);
        }
        let known = &mut self.venue.logins[login.0 as usize];
        known.limits = (*limits != OrderLimits::default()).then(|| Box::new(*limits));
        known.restrict();
        Ok(())
    }

    pub(super) fn known_login(&self, login: LoginId) -> Result<(), RejectReason> {
        if (login.0 as usize) < self.venue.logins.len() { Ok(()) } else { Err(RejectReason::UnknownLogin) }
    }
}
