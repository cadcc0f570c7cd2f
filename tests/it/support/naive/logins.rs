//! Logins, their switches and limits, and the sessions of the venue.

use super::{Naive, Order};
use dojima::domain::{
    AccountId, Amount, AssetBalance, CancelReason, Command, Event, IgnoreReason, Ignored, InstrumentId,
    LoginId, Modify, NameOrder, OrderCommand, OrderEvent, OrderLimits, Phase, QueryAccount, QueryWallet,
    Question, RejectReason, SetOrderEntry, ShardId, ShardName, Switch, Timestamp, UserRef, VenueEvent,
    VenueLimits, Wallet, WalletState,
};

type Done = Result<(), RejectReason>;

const MILLISECOND: u64 = 1_000_000;

/// What the exchange knows of a login.
#[derive(Clone)]
pub struct Login {
    pub account: AccountId,
    pub session: u32,
    pub last: UserRef,
    pub limits: OrderLimits,
    /// Whether it has turned its own order entry off.
    pub disabled: bool,
    /// When its orders are cancelled.
    pub cancel_at: Option<u64>,
}

impl Login {
    pub fn new(account: AccountId, session: u32) -> Self {
        let limits = OrderLimits::default();
        Self { account, session, last: UserRef(0), limits, disabled: false, cancel_at: None }
    }
}

impl Naive {
    pub(super) fn login(&self, login: LoginId) -> &Login {
        &self.logins[login.0 as usize]
    }

    pub(super) fn known_login(&mut self, login: LoginId) -> Result<&mut Login, RejectReason> {
        self.logins.get_mut(login.0 as usize).ok_or(RejectReason::UnknownLogin)
    }

    /// Check 1: whose message it is, and of which session. Whatever else it says, it is then ignored.
    pub(super) fn is_ignored(&mut self, command: &Command) -> bool {
        let (login, session, user_ref) = match *command {
            Command::Order(OrderCommand::Enter(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::RefuseEnter(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::Replace(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::RefuseReplace(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::Cancel(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::Amend(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::Modify(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::SetOrderEntry(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::NameOrder(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::QueryAccount(m)) => (m.login, m.session, UserRef(0)),
            Command::Order(OrderCommand::MassCancel(m)) => match m.login {
                Some(login) => (login, m.session, m.user_ref),
                None => return false,
            },
            Command::Order(OrderCommand::TransferOut(m)) => match m.login {
                Some(login) => (login, m.session, m.user_ref),
                None => return false,
            },
            Command::Owner(m) => match m.setter().login {
                Some(login) => (login, m.setter().session, m.setter().user_ref),
                None => return false,
            },
            Command::Order(OrderCommand::SendIndex(m)) => (m.login, m.session, m.user_ref),
            Command::Order(OrderCommand::QueryWallet(m)) => (m.login, m.session, UserRef(0)),
            _ => return false,
        };
        let reason = match self.logins.get(login.0 as usize) {
            None => IgnoreReason::UnknownLogin,
            Some(known) if known.session != session => IgnoreReason::OtherSession,
            Some(_) => return false,
        };
        self.events.push(Event::Order(OrderEvent::Ignored(Ignored { login, session, user_ref, reason })));
        true
    }

    /// Check 2: whether the login may enter an order of this number.
    pub(super) fn may_enter(&self, login: LoginId, user_ref: UserRef) -> Done {
        if self.login(login).disabled {
            return Err(RejectReason::OrderEntryDisabled);
        }
        // Of two shards the other one may have an order of that number.
        let in_use = self.number_came || self.find_named(login, user_ref).is_some();
        if in_use { Err(RejectReason::UserRefInUse) } else { Ok(()) }
    }

    pub(super) fn set_rules(&mut self, edition: u16) -> Done {
        if edition < self.edition || edition > Command::RULES_LAST {
            return Err(RejectReason::OutOfRange);
        }
        // Transfers begin with the second one, and their bound of deposits before the first deposit.
        if self.shards > 1 && self.edition < 2 && edition >= 2 && !self.assets.is_empty() {
            return Err(RejectReason::OneShardOnly);
        }
        self.edition = edition;
        self.events.push(Event::Venue(VenueEvent::RulesSet { edition }));
        Ok(())
    }

    pub(super) fn open_shard(&mut self, shard: ShardId, name: ShardName) -> Done {
        if shard.0 != self.shards {
            return Err(RejectReason::IdNotNext);
        }
        if shard.0 >= 8 {
            return Err(RejectReason::OutOfRange);
        }
        if self.opened || !self.assets.is_empty() || !self.accounts.is_empty() {
            return Err(RejectReason::ShardsComeFirst);
        }
        self.shards += 1;
        self.events.push(Event::Venue(VenueEvent::ShardOpened { shard, name }));
        Ok(())
    }

    pub(super) fn lead(&mut self, epoch: u64, node: u32) -> Done {
        if epoch <= self.epoch {
            return Err(RejectReason::EpochNotAbove);
        }
        self.epoch = epoch;
        self.events.push(Event::Venue(VenueEvent::Led { epoch, node }));
        Ok(())
    }

    pub(super) fn modify(&mut self, modify: &Modify) {
        let Modify { login, session, user_ref, side, quantity } = *modify;
        let Some(at) = self.named(login, user_ref) else { return };
        let order = &self.orders[at];
        if order.side != side {
            return self.ignore(login, user_ref, IgnoreReason::OrderNotLive);
        }
        if i128::from(quantity.0) >= order.total {
            return self.ignore(login, user_ref, IgnoreReason::NothingToCancel);
        }
        self.amend(&dojima::domain::Amend { login, session, user_ref, price: None, quantity });
    }

    pub(super) fn query_account(&mut self, query: &QueryAccount) {
        let QueryAccount { login, cancel_after_ms, asks, .. } = *query;
        let now = self.now;
        let known = &mut self.logins[login.0 as usize];
        if let Some(after) = cancel_after_ms {
            known.cancel_at = (after > 0).then(|| now.saturating_add(u64::from(after) * MILLISECOND));
        }
        let next_user_ref = UserRef(known.last.0.saturating_add(1));
        let cancel_at = Timestamp(known.cancel_at.unwrap_or(0));
        let account = self.logins[login.0 as usize].account;
        let (_, assets) = self.sizes();
        let balance = match asks {
            Question::Balance(asset) if usize::from(asset.0) < assets => {
                let amount = |units: i128| Amount(i64::try_from(units).expect("a balance fits"));
                let available = amount(self.available(account, asset));
                let reserved = amount(self.holding(account, asset).reserved);
                Some(AssetBalance { asset, available, reserved })
            }
            _ => None,
        };
        if let Question::Position(instrument) = asks
            && let Some(state) = self.position_state(login, account, instrument)
        {
            self.events.push(Event::Order(OrderEvent::PositionState(state)));
        }
        self.events.push(Event::Order(OrderEvent::AccountState { login, next_user_ref, cancel_at, balance }));
    }

    pub(super) fn query_wallet(&mut self, query: &QueryWallet) {
        let QueryWallet { login, shard, asset, .. } = *query;
        let known = &self.logins[login.0 as usize];
        let (account, next_user_ref) = (known.account, UserRef(known.last.0.saturating_add(1)));
        let (_, assets) = self.sizes();
        let is_known = shard == self.own && usize::from(asset.0) < assets;
        let amount = |units: i128| Amount(i64::try_from(units).expect("a balance fits"));
        let wallet = is_known.then(|| {
            let available = amount(self.available(account, asset));
            let reserved = amount(self.holding(account, asset).reserved);
            let withdrawable = amount(self.as_if_charged(account, asset).withdrawable(account, asset));
            Wallet { balance: AssetBalance { asset, available, reserved }, withdrawable }
        });
        let state = WalletState { login, next_user_ref, shard, wallet };
        self.events.push(Event::Order(OrderEvent::WalletState(state)));
    }

    /// Dead-man's switches that nobody held.
    pub(super) fn let_go(&mut self) {
        for at in 0..self.logins.len() {
            if self.logins[at].cancel_at.is_some_and(|when| when <= self.now) {
                self.logins[at].cancel_at = None;
                self.cancel_orders_of(LoginId(at as u32), CancelReason::DeadMansSwitch);
            }
        }
    }

    pub(super) fn cancel_orders_of(&mut self, login: LoginId, reason: CancelReason) {
        let halted = |order: &Order| self.phase(order.instrument) == Phase::Halted;
        let goes = self.by_login(|order| order.login == login && !halted(order));
        let stays_due = self.by_login(|order| order.login == login && halted(order));
        self.cancel_all(&goes, reason);
        for id in stays_due {
            let at = self.find(id).expect("its linked order is halted like it");
            self.orders[at].due.get_or_insert(reason);
        }
    }

    /// The instrument is no longer halted.
    pub(super) fn make_up_for_halt(&mut self, instrument: InstrumentId) {
        let is_due = |order: &&Order| order.instrument == instrument && order.due.is_some();
        let mut due: Vec<_> =
            self.orders.iter().filter(is_due).map(|order| (order.login, order.id, order.due)).collect();
        due.sort_by_key(|(login, id, _)| (*login, *id));
        for (_, id, reason) in due {
            self.cancel_whole(id, reason.expect("filtered"));
        }
    }

    pub(super) fn set_order_entry(&mut self, set: &SetOrderEntry) {
        if !self.number_is_new(set.login, set.user_ref) {
            return;
        }
        let known = &mut self.logins[set.login.0 as usize];
        (known.last, known.disabled) = (set.user_ref, set.switch == Switch::Off);
        self.events.push(Event::Order(OrderEvent::OrderEntrySet(*set)));
    }

    pub(super) fn name_order(&mut self, name: &NameOrder) {
        if self.number_is_new(name.login, name.user_ref) {
            self.events.push(Event::Order(OrderEvent::OrderNamed(*name)));
        }
    }

    pub(super) fn cancel_login(&mut self, login: LoginId) -> Done {
        self.known_login(login)?;
        self.cancel_orders_of(login, CancelReason::Disconnected);
        Ok(())
    }

    pub(super) fn roll_session(&mut self, session: u32) -> Done {
        if u64::from(session) != u64::from(self.session) + 1 {
            return Err(RejectReason::OutOfRange);
        }
        self.session = session;
        let logins: Vec<LoginId> = (0..self.logins.len()).map(|at| LoginId(at as u32)).collect();
        for login in &logins {
            self.events.push(Event::Venue(VenueEvent::SessionEnded { login: *login }));
        }
        self.events.push(Event::Venue(VenueEvent::SessionRolled { session }));
        for login in logins {
            self.begin_session(login);
        }
        Ok(())
    }

    /// The session of the venue, or the one after its own if the login is there already.
    fn begin_session(&mut self, login: LoginId) {
        let venue = self.session;
        let known = &mut self.logins[login.0 as usize];
        let session = if known.session < venue { venue } else { known.session + 1 };
        (known.session, known.last) = (session, UserRef(0));
        self.events.push(Event::Venue(VenueEvent::SessionStarted { login, session }));
    }

    pub(super) fn reset_user_ref(&mut self, login: LoginId) -> Done {
        self.known_login(login)?;
        self.events.push(Event::Venue(VenueEvent::SessionEnded { login }));
        self.begin_session(login);
        Ok(())
    }

    pub(super) fn copy_account(&mut self, login: LoginId, account: AccountId) -> Done {
        self.known_login(login)?;
        self.known_account(account)?;
        if self.copies.contains(&(login, account)) {
            return Err(RejectReason::AlreadyCopied);
        }
        self.copies.push((login, account));
        self.events.push(Event::Venue(VenueEvent::AccountCopied { login, account }));
        Ok(())
    }

    // What the tests ask.

    /// Limits of the venue, edition of the rules, and session.
    pub fn of_venue(&self) -> (VenueLimits, u16, u32, u64) {
        (self.limits, self.edition, self.session, self.epoch)
    }

    /// Of each login the session, the last number, its limits, whether it enters orders, and when they are cancelled.
    pub fn login_states(&self) -> Vec<(u32, UserRef, OrderLimits, bool, u64)> {
        let state = |login: &Login| {
            (login.session, login.last, login.limits, !login.disabled, login.cancel_at.unwrap_or(0))
        };
        self.logins.iter().map(state).collect()
    }

    /// The present session of a login; that of the venue if there is no such login.
    pub fn session_of(&self, login: LoginId) -> u32 {
        self.logins.get(login.0 as usize).map_or(self.session, |login| login.session)
    }

    /// Who gets copies of whose messages: by account, and within it as they were asked for.
    pub fn copies(&self) -> Vec<(AccountId, LoginId)> {
        let mut all: Vec<_> = self.copies.iter().map(|(login, account)| (*account, *login)).collect();
        all.sort_by_key(|(account, _)| *account);
        all
    }
}
