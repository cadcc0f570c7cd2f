//! Cancels, one or many, and amends.

use super::Naive;
use super::checks::Ask;
use super::orders::Order;
use dojima::domain::{
    AccountId, AdminEvent, Amend, Amended, Cancel, CancelFilter, CancelReason, ChangeRejected, Echo, Event,
    IgnoreReason, InstrumentId, KillScope, MassCancel, OrderEvent, OrderId, OrderPrice, Phase, RejectReason,
    Side, Switch, UserRef,
};

impl Naive {
    /// The numbers of these orders: by login, and of one login the lowest first.
    pub(super) fn by_login(&self, which: impl Fn(&Order) -> bool) -> Vec<OrderId> {
        let mut found: Vec<&Order> = self.orders.iter().filter(|order| which(order)).collect();
        found.sort_by_key(|order| (order.login, order.id));
        found.into_iter().map(|order| order.id).collect()
    }

    /// The numbers of these orders of an instrument: buys and then sells in trading order, then those that wait, the lowest
    /// number first.
    pub(super) fn by_book(&self, instrument: InstrumentId, which: impl Fn(&Order) -> bool) -> Vec<OrderId> {
        let mut all = self.in_trading_order(instrument, Side::Buy);
        all.extend(self.in_trading_order(instrument, Side::Sell));
        let mut waiting: Vec<&Order> = self.orders.iter().filter(|order| order.waiting.is_some()).collect();
        waiting.sort_by_key(|order| order.id);
        all.extend(waiting.into_iter().filter(|order| order.instrument == instrument));
        all.into_iter().filter(|order| which(order)).map(|order| order.id).collect()
    }

    /// An order goes, if it is still there, and then the one that it is linked to. How many went.
    pub(super) fn cancel_whole(&mut self, id: OrderId, reason: CancelReason) -> u32 {
        let Some(at) = self.find(id) else { return 0 };
        let mut order = self.orders.remove(at);
        let left = std::mem::take(&mut order.open);
        order.reserved = 0;
        self.events.push(order.canceled(left, reason));
        1 + order.oco.map_or(0, |other| self.cancel_whole(other, CancelReason::LinkedOrder))
    }

    pub(super) fn cancel_all(&mut self, numbers: &[OrderId], reason: CancelReason) -> u32 {
        numbers.iter().map(|id| self.cancel_whole(*id, reason)).sum()
    }

    /// The order is live, but this is not done to it.
    fn change_rejected(&mut self, at: usize, reason: RejectReason) {
        let Order { login, user_ref, id: order, .. } = self.orders[at];
        self.events.push(Event::Order(OrderEvent::ChangeRejected(ChangeRejected {
            login,
            user_ref,
            order,
            reason,
        })));
    }

    /// A live order by the client's number, or the answer that there is none.
    pub(super) fn named(&mut self, login: dojima::domain::LoginId, user_ref: UserRef) -> Option<usize> {
        let found = self.find_named(login, user_ref);
        if found.is_none() {
            self.ignore(login, user_ref, IgnoreReason::OrderNotLive);
        }
        found
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel) {
        let Cancel { login, user_ref, quantity, .. } = *cancel;
        let Some(at) = self.named(login, user_ref) else { return };
        let order = &self.orders[at];
        let (wanted, executed) = (i128::from(quantity.0), order.total - order.open);
        if self.phase(order.instrument) == Phase::Halted {
            return self.change_rejected(at, RejectReason::InstrumentHalted);
        }
        if wanted >= order.total {
            return self.ignore(login, user_ref, IgnoreReason::NothingToCancel);
        }
        if wanted <= executed {
            self.cancel_whole(order.id, CancelReason::UserRequested);
            return;
        }
        if order.oco.is_some() {
            return self.change_rejected(at, RejectReason::OrderIsLinked);
        }
        let mut order = order.clone();
        let decrement = order.total - wanted;
        let before = order.open;
        order.lose(decrement);
        self.reserve_less(&mut order, before);
        self.events.push(order.canceled(decrement, CancelReason::UserRequested));
        self.orders[at] = order;
    }

    pub(super) fn amend(&mut self, amend: &Amend) {
        let Some(at) = self.named(amend.login, amend.user_ref) else { return };
        if let Err(reason) = self.try_amend(at, amend) {
            self.change_rejected(at, reason);
        }
    }

    fn try_amend(&mut self, at: usize, amend: &Amend) -> Result<(), RejectReason> {
        let order = self.orders[at].clone();
        self.killed(order.account)?;
        self.open_for_orders(order.instrument)?;
        if order.oco.is_some() {
            return Err(RejectReason::OrderIsLinked);
        }
        let (wanted, executed) = (i128::from(amend.quantity.0), order.total - order.open);
        let tick = i128::from(self.listing(order.instrument).tick_units);
        let same_price = amend.price.is_none_or(|units| order.price.map(|p| p * tick) == Some(units.into()));
        let nothing = same_price && wanted == order.total;
        let price_of_market = amend.price.is_some() && order.price.is_none();
        let lower = same_price && wanted < order.total;
        if nothing || wanted <= executed || price_of_market || (order.waiting.is_some() && !lower) {
            return Err(RejectReason::AmendNotPossible);
        }
        if lower {
            self.lower(at, wanted);
            return Ok(());
        }
        let units = amend.price.map_or(order.limit() * tick, i128::from);
        let price = OrderPrice::Limit(units as i64);
        let ask = Ask { price, quantity: amend.quantity.0, ..Ask::again(&order) };
        self.gathers_for(&ask)?;
        self.count_rate(order.account, order.instrument)?;
        let old = self.orders.remove(at);
        match self.check(&ask) {
            Ok(new) => self.put_in_place_of(&old, new),
            Err(reason) => {
                self.orders.insert(at, old);
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Keeps its number and place.
    fn lower(&mut self, at: usize, wanted: i128) {
        let mut order = self.orders[at].clone();
        let decrement = order.total - wanted;
        let before = order.open;
        order.lose(decrement);
        self.reserve_less(&mut order, before);
        self.events.push(Event::Order(OrderEvent::Amended(Amended {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            side: order.side,
            decrement: super::lots(decrement),
            open: super::lots(order.open),
            reserved: super::amount(order.reserved),
        })));
        self.orders[at] = order;
    }

    pub(super) fn mass_cancel(&mut self, mass: &MassCancel) {
        let MassCancel { login, user_ref, filter, .. } = *mass;
        let mut whose = None;
        if let Some(login) = login {
            if !self.number_is_new(login, user_ref) {
                return;
            }
            self.logins[login.0 as usize].last = user_ref;
            let account = self.account_of(login);
            if !self.sweeps_are_left(account) {
                return self.reject(login, user_ref, RejectReason::OrderRateExceeded, Echo::default());
            }
            whose = Some(account);
        }
        let fits = |order: &Order| {
            whose.is_none_or(|account| order.account == account)
                && filter.login.is_none_or(|login| order.login == login)
                && filter.account.is_none_or(|account| order.account == account)
                && filter.instrument.is_none_or(|instrument| order.instrument == instrument)
                && filter.side.is_none_or(|side| order.side == side)
                && self.phase(order.instrument) != Phase::Halted
        };
        let covered = match filter.instrument {
            Some(instrument) if whose.is_none() && filter.login.is_none() && filter.account.is_none() => {
                if (instrument.0 as usize) < self.instruments.len() {
                    self.by_book(instrument, fits)
                } else {
                    Vec::new()
                }
            }
            _ => self.by_login(fits),
        };
        let canceled = self.cancel_all(&covered, CancelReason::MassCancel);
        if let Some(account) = whose
            && filter.account.is_none_or(|other| other == account)
        {
            self.swept(account, filter.login, canceled);
        }
        let user_ref = if login.is_some() { user_ref } else { UserRef(0) };
        let CancelFilter { instrument, side, .. } = filter;
        self.events.push(Event::Order(OrderEvent::MassCanceled {
            login,
            user_ref,
            canceled,
            instrument,
            side,
        }));
    }

    pub(super) fn cancel_by_operator(&mut self, order: OrderId) -> Result<(), RejectReason> {
        if self.cancel_whole(order, CancelReason::Operator) == 0 {
            return Err(RejectReason::UnknownOrder);
        }
        Ok(())
    }

    pub(super) fn kill(&mut self, scope: KillScope, switch: Switch) -> Result<(), RejectReason> {
        let stops = match scope {
            KillScope::Venue => &mut self.killed,
            KillScope::Account(AccountId(at)) => {
                let known = self.accounts.get_mut(at as usize);
                &mut known.ok_or(RejectReason::UnknownAccount)?.killed
            }
        };
        *stops = switch == Switch::On;
        if switch == Switch::On {
            let covered = self.by_login(|order| Self::covers(scope, order));
            self.cancel_all(&covered, CancelReason::Killed);
        }
        self.events.push(Event::Admin(AdminEvent::Killed { scope, switch }));
        Ok(())
    }

    /// All orders of an instrument go.
    pub(super) fn clear(&mut self, instrument: InstrumentId, reason: CancelReason) {
        self.cancel_all(&self.by_book(instrument, |_| true), reason);
    }
}
