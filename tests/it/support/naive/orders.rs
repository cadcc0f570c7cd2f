//! An open order, and the messages that bring one or refuse one.

use super::checks::{Ask, Kind};
use super::{Naive, amount, lots, ticks};
use dojima::domain::{
    Accepted, AccountId, Armed, CancelReason, Canceled, Echo, Effect, Enter, Event, IgnoreReason, Ignored,
    Instructions, InstrumentId, LoginId, OrderEvent, OrderId, OrderState, OrderTerms, Price, RefuseEnter,
    RefuseReplace, RejectReason, Rejected, Replace, Replaced, RestateReason, Restated, Side, TimeInForce,
    Timestamp, Trigger, TriggerKind, TriggerReference, UserRef, Visibility,
};
use rust_decimal::Decimal;

/// What an order waits for.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// As the client said it.
    pub said: Trigger,
    /// How the reference is watched.
    pub kind: TriggerKind,
    /// What is watched.
    pub reference: TriggerReference,
    /// Ticks: the price, or the distance of a trailing stop.
    pub price: i128,
    /// Of a trailing stop: the lowest reference since the order was accepted for a buy, the highest for a sell.
    pub extreme: Option<i128>,
    /// The price at which a market buy holds what it would cost, price units: as it was released when it was accepted.
    pub held_units: i128,
}

/// An open order, or one that is just being matched.
#[derive(Clone, Debug)]
pub struct Order {
    /// The exchange's number of it.
    pub id: OrderId,
    /// Whose order.
    pub login: LoginId,
    /// Whose money.
    pub account: AccountId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Ticks; `None` for a market order.
    pub price: Option<i128>,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// The chain's lots.
    pub total: i128,
    /// Lots still open.
    pub open: i128,
    /// Of an iceberg: what it shows now, or would.
    pub slice: i128,
    /// Of a market order by amount: the money that is left.
    pub money: Option<i128>,
    /// When it ends; 0: never.
    pub expire_s: u32,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// The order that it is linked to.
    pub oco: Option<OrderId>,
    /// What it asks for. Its minimum quantity is 0 once that has traded.
    pub asked: Instructions,
    /// What its fees so far were rounded up by, as a fraction of a minor unit.
    pub carry: Decimal,
    /// What it holds now, minor units.
    pub reserved: i128,
    /// What the client sent along.
    pub echo: Echo,
    /// Why it goes when the halt ends.
    pub due: Option<CancelReason>,
}

impl Order {
    /// The limit of an order that has one.
    pub fn limit(&self) -> i128 {
        self.price.expect("what rests has a limit")
    }

    /// Whether it is shown.
    pub fn is_displayed(&self) -> bool {
        self.asked.visibility == Visibility::Displayed
    }

    /// Lots that must trade at once when it is matched.
    pub fn min_quantity(&self) -> i128 {
        i128::from(self.asked.min_quantity)
    }

    /// Lots shown at a time; 0: all.
    pub fn display_quantity(&self) -> i128 {
        i128::from(self.asked.display_quantity)
    }

    /// Lots that the book shows.
    pub fn shown(&self) -> i128 {
        if self.waiting.is_some() || !self.is_displayed() { 0 } else { self.at_once() }
    }

    /// Lots that can be traded with before another order's turn comes.
    pub fn at_once(&self) -> i128 {
        if self.display_quantity() == 0 { self.open } else { self.slice }
    }

    /// An iceberg shows as much as it may.
    pub fn show_slice(&mut self) {
        self.slice = self.display_quantity().min(self.open);
    }

    /// It becomes smaller without a trade; an iceberg loses hidden lots first.
    pub fn lose(&mut self, decrement: i128) {
        self.total -= decrement;
        self.open -= decrement;
        self.slice = self.slice.min(self.open);
    }

    pub fn may_rest(&self) -> bool {
        self.price.is_some() && self.time_in_force != TimeInForce::ImmediateOrCancel
    }

    pub fn state(&self) -> OrderState {
        if self.waiting.is_some() { OrderState::Dormant } else { OrderState::Live }
    }

    pub fn price_told(&self) -> Option<Price> {
        self.price.map(ticks)
    }

    pub fn canceled(&self, decrement: i128, reason: CancelReason) -> Event {
        Event::Order(OrderEvent::Canceled(Canceled {
            login: self.login,
            user_ref: self.user_ref,
            order: self.id,
            decrement: lots(decrement),
            open: lots(self.open),
            reserved: amount(self.reserved),
            reason,
        }))
    }

    pub fn restated(&self, reason: RestateReason) -> Event {
        Event::Order(OrderEvent::Restated(Restated {
            login: self.login,
            user_ref: self.user_ref,
            order: self.id,
            price: self.price_told(),
            displayed: lots(self.shown()),
            open: lots(self.open),
            reserved: amount(self.reserved),
            reason,
        }))
    }
}

impl Naive {
    pub(super) fn ignore(&mut self, login: LoginId, user_ref: UserRef, reason: IgnoreReason) {
        let session = self.login(login).session;
        self.events.push(Event::Order(OrderEvent::Ignored(Ignored { login, session, user_ref, reason })));
    }

    /// Whether the number can be used; if not it says so.
    pub(super) fn number_is_new(&mut self, login: LoginId, user_ref: UserRef) -> bool {
        let is_new = user_ref > self.login(login).last;
        if !is_new {
            self.ignore(login, user_ref, IgnoreReason::Retransmission);
        }
        is_new
    }

    /// The number is used, and this is why nothing came of it.
    pub(super) fn reject(&mut self, login: LoginId, user_ref: UserRef, reason: RejectReason, echo: Echo) {
        self.logins[login.0 as usize].last = user_ref;
        let cl_ord_id = echo.cl_ord_id;
        self.events.push(Event::Order(OrderEvent::Rejected(Rejected { login, user_ref, reason, cl_ord_id })));
    }

    pub(super) fn enter(&mut self, enter: &Enter) {
        let Enter { login, user_ref, instrument, side, time_in_force, price, quantity, echo, .. } = *enter;
        if !self.number_is_new(login, user_ref) {
            return;
        }
        self.logins[login.0 as usize].last = user_ref;
        let ask = Ask {
            kind: Kind::Enter,
            login,
            account: self.account_of(login),
            user_ref,
            instrument,
            side,
            time_in_force,
            price,
            quantity: quantity.0,
            executed: 0,
            carry: Decimal::ZERO,
            echo,
            instructions: enter.instructions.unwrap_or_default(),
        };
        let may = self.may_enter(login, user_ref);
        self.walked.set(0);
        match may.and_then(|()| self.gate(&ask)).and_then(|()| self.check(&ask)) {
            Err(reason) => {
                self.walked_in_vain(ask.account);
                self.reject(login, user_ref, reason, echo);
            }
            Ok(mut order) => {
                self.number(&mut order);
                self.events.push(Event::Order(OrderEvent::Accepted(Accepted {
                    login,
                    terms: OrderTerms {
                        user_ref,
                        order: order.id,
                        instrument,
                        side,
                        time_in_force,
                        price: order.price_told(),
                        quantity: lots(order.open),
                        reserved: amount(order.reserved),
                        echo,
                        expire_s: order.expire_s,
                        state: order.state(),
                        ..OrderTerms::asked_for(&order.asked)
                    },
                })));
                self.begin(order);
            }
        }
    }

    fn number(&mut self, order: &mut Order) {
        self.last_order += 1;
        order.id = OrderId(self.last_order);
    }

    /// An order that was just told of is armed, and put where it belongs.
    fn begin(&mut self, order: Order) {
        if order.waiting.is_some() || order.oco.is_some() {
            self.events.push(Event::Order(OrderEvent::Armed(Armed {
                login: order.login,
                user_ref: order.user_ref,
                order: order.id,
                trigger: order.waiting.map(|waiting| waiting.said),
                oco: order.oco,
            })));
        }
        if let Some(other) = order.oco {
            let at = self.find(other).expect("checked");
            self.orders[at].oco = Some(order.id);
        }
        if order.waiting.is_some() { self.orders.push(order) } else { self.work(order) }
    }

    /// The old order was taken out; the new one takes its place.
    pub(super) fn put_in_place_of(&mut self, old: &Order, mut new: Order) {
        self.number(&mut new);
        self.events.push(Event::Order(OrderEvent::Replaced(Replaced {
            login: new.login,
            orig_user_ref: old.user_ref,
            orig_order: old.id,
            terms: OrderTerms {
                user_ref: new.user_ref,
                order: new.id,
                instrument: new.instrument,
                side: new.side,
                time_in_force: new.time_in_force,
                price: new.price_told(),
                quantity: lots(new.open),
                reserved: amount(new.reserved),
                echo: new.echo,
                expire_s: new.expire_s,
                state: new.state(),
                ..OrderTerms::asked_for(&new.asked)
            },
        })));
        self.begin(new);
    }

    pub(super) fn replace(&mut self, replace: &Replace) {
        let Replace { login, orig_user_ref, user_ref, time_in_force, price, quantity, echo, .. } = *replace;
        if !self.number_is_new(login, user_ref) {
            return;
        }
        let Some(at) = self.find_named(login, orig_user_ref) else {
            return self.ignore(login, orig_user_ref, IgnoreReason::OrderNotLive);
        };
        let old = self.orders[at].clone();
        let ask = Ask {
            kind: Kind::Replace,
            user_ref,
            time_in_force,
            price,
            quantity: quantity.0,
            echo: inherited(old.echo, echo),
            instructions: replace.instructions.unwrap_or_default(),
            ..Ask::again(&old)
        };
        let linked = if old.oco.is_some() { Err(RejectReason::OrderIsLinked) } else { Ok(()) };
        let may = self.may_enter(login, user_ref);
        if let Err(reason) = may.and_then(|()| self.gate(&ask)).and(linked) {
            return self.reject(login, user_ref, reason, echo);
        }
        let old = self.orders.remove(at);
        match self.check(&ask) {
            Ok(new) => {
                self.logins[login.0 as usize].last = user_ref;
                self.put_in_place_of(&old, new);
            }
            Err(reason @ (RejectReason::TooManyTriggers | RejectReason::OrderRateExceeded)) => {
                self.orders.insert(at, old);
                self.reject(login, user_ref, reason, echo);
            }
            Err(reason) => {
                let id = old.id;
                self.orders.insert(at, old);
                self.cancel_whole(id, CancelReason::InvalidReplace(reason));
            }
        }
    }

    pub(super) fn refuse_enter(&mut self, refuse: &RefuseEnter) {
        let RefuseEnter { login, user_ref, reason, cl_ord_id, .. } = *refuse;
        if self.number_is_new(login, user_ref) {
            self.reject(login, user_ref, reason, Echo { cl_ord_id, ..Echo::default() });
        }
    }

    pub(super) fn refuse_replace(&mut self, refuse: &RefuseReplace) {
        let RefuseReplace { login, orig_user_ref, user_ref, reason, cl_ord_id, .. } = *refuse;
        if !self.number_is_new(login, user_ref) {
            return;
        }
        let Some(at) = self.find_named(login, orig_user_ref) else {
            return self.ignore(login, orig_user_ref, IgnoreReason::OrderNotLive);
        };
        let old = self.orders[at].clone();
        let no_fault = matches!(
            reason,
            RejectReason::JournalSpaceLow | RejectReason::ShardBusy | RejectReason::MessageRateExceeded
        );
        let told = if no_fault { Err(reason) } else { self.could_be_replaced(&old, user_ref) };
        match told {
            Ok(()) => drop(self.cancel_whole(old.id, CancelReason::InvalidReplace(reason))),
            Err(why) => self.reject(login, user_ref, why, Echo { cl_ord_id, ..Echo::default() }),
        }
    }

    /// Whether a limit order without instructions could take the order's place now.
    fn could_be_replaced(&mut self, old: &Order, user_ref: UserRef) -> Result<(), RejectReason> {
        self.may_enter(old.login, user_ref)?;
        self.gate(&Ask {
            kind: Kind::Replace,
            time_in_force: TimeInForce::GoodTillCancel,
            price: dojima::domain::OrderPrice::Limit(1),
            instructions: Instructions::default(),
            ..Ask::again(old)
        })?;
        if old.oco.is_some() { Err(RejectReason::OrderIsLinked) } else { Ok(()) }
    }
}

/// What a client's message says, with what stays that of the first order.
fn inherited(first: Echo, said: Echo) -> Echo {
    Echo { of_order: first.of_order, ..said }
}

impl Ask {
    /// The same order once more, with what it has of its own, as an amend asks for it. Its minimum quantity was met when
    /// it came to rest, and its trigger has come.
    pub(super) fn again(order: &Order) -> Self {
        Self {
            kind: Kind::Amend,
            login: order.login,
            account: order.account,
            user_ref: order.user_ref,
            instrument: order.instrument,
            side: order.side,
            time_in_force: order.time_in_force,
            price: dojima::domain::OrderPrice::Market,
            quantity: 0,
            executed: order.total - order.open,
            carry: order.carry,
            echo: inherited(order.echo, Echo::default()),
            instructions: Instructions {
                min_quantity: 0,
                expire_s: order.expire_s,
                oco: UserRef(0),
                book_by: Timestamp(0),
                trigger: None,
                // One that closes a position has its lots by now.
                effect: match order.asked.effect {
                    Effect::ClosePosition => Effect::ReduceOnly,
                    effect => effect,
                },
                ..order.asked
            },
        }
    }
}
