//! New orders: checked, accepted and matched; the remainder rests, waits or is cancelled.

use super::book::{Cold, Hot, Order};
use super::checks::{Checked, Request};
use super::extras::{self, Extra, Links};
use super::market::Market;
use super::match_end::MatchEnd;
use super::sink::EventSink;
use super::state::Exchange;
use super::taker::Taker;
use crate::domain::{
    Accepted, AccountId, AdminEvent, Amount, Armed, ClOrdId, Echo, Enter, Event, IgnoreReason, Ignored,
    Instructions, LoginId, OrderEvent, OrderLimits, OrderTerms, Phase, PostOnly, Quantity, RefuseEnter,
    RejectReason, Rejected, Sender, Side, TimeInForce, Timestamp, UserRef, Visibility,
};

/// A message without effect and without an answer.
pub(super) fn ignored(Sender { login, session, user_ref }: Sender, reason: IgnoreReason) -> Event {
    Event::Order(OrderEvent::Ignored(Ignored { login, session, user_ref, reason }))
}

/// The refusal of a command of a login, or of an operator.
#[cold]
pub(super) fn refused(login: Option<LoginId>, user_ref: UserRef, reason: RejectReason) -> Event {
    match login {
        Some(login) => {
            let cl_ord_id = ClOrdId::default();
            Event::Order(OrderEvent::Rejected(Rejected { login, user_ref, reason, cl_ord_id }))
        }
        None => Event::Admin(AdminEvent::Refused { reason }),
    }
}

impl Exchange {
    pub(super) fn enter(&mut self, enter: &Enter, events: &mut impl EventSink) {
        let Enter { login, session, user_ref, echo: Echo { cl_ord_id, .. }, .. } = *enter;
        let sender = Sender { login, session, user_ref };
        let Some(account) = self.consume_user_ref(sender, events) else { return };
        let killed = self.venue.killed;
        let limits = match self.restrictions(login, user_ref) {
            Ok(limits) => limits,
            Err(reason) => {
                return events.push(Event::Order(OrderEvent::Rejected(Rejected {
                    login,
                    user_ref,
                    reason,
                    cl_ord_id,
                })));
            }
        };
        let outcome = match self.market_of(enter.instrument, events) {
            Some(mut market) => market.enter(enter, account, killed, limits.as_ref()),
            None => Err(RejectReason::UnknownInstrument),
        };
        if let Err(reason) = outcome {
            events.push(Event::Order(OrderEvent::Rejected(Rejected { login, user_ref, reason, cl_ord_id })));
        }
    }

    /// Checks and uses up a client number; returns the login's account.
    pub(super) fn consume_user_ref(
        &mut self,
        sender: Sender,
        events: &mut impl EventSink,
    ) -> Option<AccountId> {
        let account = self.fresh_user_ref(sender, events)?;
        self.venue.logins[sender.login.0 as usize].last_user_ref = sender.user_ref;
        Some(account)
    }

    /// Checks a client number without using it up.
    pub(super) fn fresh_user_ref(
        &mut self,
        sender: Sender,
        events: &mut impl EventSink,
    ) -> Option<AccountId> {
        let known = &self.venue.logins[sender.login.0 as usize];
        if sender.user_ref <= known.last_user_ref {
            self.tell(ignored(sender, IgnoreReason::Retransmission), events);
            return None;
        }
        Some(known.account)
    }

    pub(super) fn refuse_enter(&mut self, refuse: &RefuseEnter, events: &mut impl EventSink) {
        let RefuseEnter { login, session, user_ref, reason, cl_ord_id } = *refuse;
        if self.consume_user_ref(Sender { login, session, user_ref }, events).is_some() {
            events.push(Event::Order(OrderEvent::Rejected(Rejected { login, user_ref, reason, cl_ord_id })));
        }
    }
}

impl<S: EventSink> Market<'_, S> {
    fn enter(
        &mut self,
        enter: &Enter,
        account: AccountId,
        venue_killed: crate::domain::Switch,
        limits: Option<&OrderLimits>,
    ) -> Result<(), RejectReason> {
        let instructions = enter.instructions.as_ref();
        let request = Request {
            login: enter.login,
            account,
            side: enter.side,
            time_in_force: enter.time_in_force,
            price: enter.price,
            total: enter.quantity,
            instructions,
            replaced: None,
            limits,
        };
        self.check_admission(&request, venue_killed)?;
        let checked = self.check(&request)?;
        let asked = instructions.unwrap_or(&Instructions::NOTHING);
        let extra = self.make_extra(instructions, &checked, enter.quantity);
        let order = Order {
            id: self.shared.next_order(),
            limit: checked.limit,
            open: checked.open,
            total: checked.total,
            reserved: checked.reserve,
            login: enter.login,
            account,
            user_ref: enter.user_ref,
            instrument: enter.instrument,
            side: enter.side,
            echo: enter.echo.of_order,
            hidden: asked.visibility == Visibility::Hidden,
            time_in_force: enter.time_in_force,
            extra,
            flags: self.flags_of(extra, asked),
            ..Order::default()
        };
        self.reserve(&order, Amount(0));
        let terms = terms(&order, enter.echo, asked, &checked);
        self.events.push(Event::Order(OrderEvent::Accepted(Accepted { login: enter.login, terms })));
        self.admit(order, &checked);
        Ok(())
    }

    /// The flags of a new order.
    pub(super) fn flags_of(&self, extra: u32, asked: &Instructions) -> u8 {
        let has_extra = if extra == extras::NONE { 0 } else { extras::HAS_EXTRA };
        let reduces = self.is_contract() && asked.effect.reduces();
        has_extra | if reduces { extras::REDUCES } else { 0 }
    }

    /// Stores an order's rare attributes; returns the slot of its extra.
    pub(super) fn make_extra(
        &mut self,
        instructions: Option<&Instructions>,
        checked: &Checked,
        quantity: Quantity,
    ) -> u32 {
        match instructions {
            Some(asked) if *asked != Instructions::NOTHING => self.shared.extras.insert(Extra {
                instructions: *asked,
                amount: i64::try_from(quantity.0).unwrap_or(i64::MAX),
                rest: 0,
                expire_s: checked.expire_s,
                state: checked.state(),
                watch: checked.watch.unwrap_or_default(),
                reserve_units: checked.reserve_units,
                partner: checked.partner,
                is_second: checked.partner.is_some(),
                sits_out: false,
                left_out: 0,
                uncounted: 0,
                links: Links::default(),
            }),
            _ => extras::NONE,
        }
    }

    /// Admits an order that was accepted or that replaced another: it waits for its trigger, or is matched.
    pub(super) fn admit(&mut self, order: Order, checked: &Checked) {
        if checked.watch.is_none() && checked.partner.is_none() {
            return self.match_then_rest(order);
        }
        self.arm(&order, checked);
        match checked.watch {
            Some(_) => self.park_until_triggered(order),
            None => self.match_then_rest(order),
        }
    }

    #[cold]
    fn arm(&mut self, order: &Order, checked: &Checked) {
        let mut oco = None;
        if let Some(handle) = checked.partner {
            let partner = self.shared.orders.get_mut(handle);
            partner.flags |= extras::HAS_EXTRA;
            let id = partner.id;
            oco = Some(id);
            let cold = self.shared.orders.cold_mut(handle);
            if cold.extra == extras::NONE {
                let links = Links::of(id, handle);
                cold.extra = self.shared.extras.insert(Extra { links, ..Extra::default() });
            }
        }
        let trigger = self.extra(order).and_then(|extra| extra.instructions.trigger);
        let (login, user_ref, order) = (order.login, order.user_ref, order.id);
        self.events.push(Event::Order(OrderEvent::Armed(Armed { login, user_ref, order, trigger, oco })));
    }

    /// Matches an order, then rests or cancels the remainder.
    pub(super) fn match_then_rest(&mut self, order: Order) {
        if self.instrument.listing.phase != Phase::Continuous || self.rests_at_once(&order) {
            let (hot, cold) = order.split();
            return self.come_to_rest(hot, cold);
        }
        let mut taker = self.taker(order);
        let least = self.extra(&order).map_or(0, |extra| u64::from(extra.instructions.min_quantity));
        if least > 0
            && let Err(reason) = self.would_trade(&taker, least)
        {
            return self.cancel_rest(order, reason);
        }
        let end = self.match_against_book(&mut taker);
        let Taker { hot, cold, .. } = taker;
        if hot.open.0 == 0 {
            return self.shared.extras.remove(cold.extra);
        }
        let rests = hot.limit().is_some() && cold.time_in_force != TimeInForce::ImmediateOrCancel;
        let interrupts = end == MatchEnd::Band && self.instrument.protection.interruption_s > 0;
        if rests && (end == MatchEnd::NothingCrosses || interrupts) {
            self.come_to_rest(hot, cold);
        } else {
            self.cancel_rest(Order::join(&hot, &cold), end.cancel_reason());
        }
        if interrupts {
            self.interrupt();
        }
    }

    /// Puts an order into the book. A reduce-only one only with what other orders leave to be reduced.
    #[inline]
    fn come_to_rest(&mut self, hot: Hot, cold: Cold) {
        if hot.flags & extras::REDUCES == 0 {
            return self.rest(hot, cold);
        }
        if let Some(order) = self.lower_to_rest(Order::join(&hot, &cold)) {
            let (hot, cold) = order.split();
            self.rest(hot, cold);
        }
    }

    /// Whether an order rests without a match: a plain one that crosses nothing, which is the common case, or a
    /// post-only one.
    #[inline]
    pub(super) fn rests_at_once(&self, order: &Order) -> bool {
        if let Some(extra) = self.extra(order) {
            return extra.instructions.post_only != PostOnly::No;
        }
        let Some(limit) = order.limit else { return false };
        let best = self.instrument.book.best(order.side.opposite());
        order.time_in_force != TimeInForce::ImmediateOrCancel
            && best.is_none_or(|(best, _)| match order.side {
                Side::Buy => limit < best,
                Side::Sell => limit > best,
            })
    }

    /// A price band was crossed: starts an interruption, during which orders gather.
    #[cold]
    fn interrupt(&mut self) {
        let lasts = u64::from(self.instrument.protection.interruption_s) * Timestamp::SECOND;
        let until = self.shared.now.0.saturating_add(lasts);
        self.set_phase(Phase::VolatilityAuction);
        self.resume_at(until);
    }
}

/// The terms of a new order for its event.
#[inline]
pub(super) fn terms(order: &Order, echo: Echo, asked: &Instructions, checked: &Checked) -> OrderTerms {
    OrderTerms {
        user_ref: order.user_ref,
        order: order.id,
        instrument: order.instrument,
        side: order.side,
        time_in_force: order.time_in_force,
        price: order.limit,
        quantity: order.open,
        reserved: order.reserved,
        echo,
        expire_s: checked.expire_s,
        state: checked.state(),
        ..OrderTerms::asked_for(asked)
    }
}
