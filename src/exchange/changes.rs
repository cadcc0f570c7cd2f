//! Changes of open orders: replace, amend, modify, cancel.

#![deny(clippy::wildcard_enum_match_arm)]

use super::book::{Handle, Order};
use super::checks::{Replaced as Original, Request, Standing, keeps_original};
use super::extras::{self, Extra};
use super::market::Market;
use super::orders::{ignored, terms};
use super::sink::EventSink;
use super::standing::Lots;
use super::state::Exchange;
use crate::domain::{
    Amend, Amended, Cancel, CancelReason, Canceled, ChangeRejected, Echo, Effect, Event, IgnoreReason,
    Instructions, Modify, OrderEvent, OrderPrice, OrderState, Phase, Quantity, RefuseReplace, RejectReason,
    Rejected, Replace, Replaced, Sender, Switch, TimeInForce, UserRef, Visibility,
};

impl Exchange {
    pub(super) fn replace(&mut self, replace: &Replace, events: &mut impl EventSink) {
        let Replace { login, session, orig_user_ref, user_ref, echo: Echo { cl_ord_id, .. }, .. } = *replace;
        let sender = Sender { login, session, user_ref };
        let Some(handle) = self.replaceable(sender, orig_user_ref, events) else { return };
        let killed = self.venue.killed;
        let limits = match self.restrictions(login, user_ref) {
            Ok(limits) => limits,
            Err(reason) => {
                self.venue.logins[login.0 as usize].last_user_ref = user_ref;
                return events.push(Event::Order(OrderEvent::Rejected(Rejected {
                    login,
                    user_ref,
                    reason,
                    cl_ord_id,
                })));
            }
        };
        let instrument = self.shared.orders.cold(handle).instrument;
        let mut market = self.market(instrument, events);
        match market.replace(handle, replace, Standing { venue_killed: killed, limits: limits.as_ref() }) {
            Ok(()) => self.venue.logins[login.0 as usize].last_user_ref = user_ref,
            Err(reason) if keeps_original(reason) => {
                // The order is live but cannot be changed now: the answer uses up the number, and the order stays.
                self.venue.logins[login.0 as usize].last_user_ref = user_ref;
                events.push(Event::Order(OrderEvent::Rejected(Rejected {
                    login,
                    user_ref,
                    reason,
                    cl_ord_id,
                })));
            }
            Err(reason) => market.cancel_whole(handle, CancelReason::InvalidReplace(reason)),
        }
    }

    /// The live order of a replace, if the new number may be used.
    fn replaceable(
        &mut self,
        sender: Sender,
        orig_user_ref: UserRef,
        events: &mut impl EventSink,
    ) -> Option<Handle> {
        self.fresh_user_ref(sender, events)?;
        let found = self.shared.named(sender.login, orig_user_ref);
        if found.is_none() {
            self.not_live(Sender { user_ref: orig_user_ref, ..sender }, events);
        }
        found
    }

    pub(super) fn refuse_replace(&mut self, refuse: &RefuseReplace, events: &mut impl EventSink) {
        let RefuseReplace { login, session, orig_user_ref, user_ref, reason, cl_ord_id } = *refuse;
        let sender = Sender { login, session, user_ref };
        let Some(handle) = self.replaceable(sender, orig_user_ref, events) else { return };
        let instrument = self.shared.orders.cold(handle).instrument;
        let now = if keeps_original(reason) {
            Err(reason)
        } else {
            let (killed, may) = (self.venue.killed, self.restrictions(login, user_ref));
            may.and_then(|_| self.market(instrument, events).admits_replace(handle, killed))
        };
        match now {
            Ok(()) => {
                self.market(instrument, events).cancel_whole(handle, CancelReason::InvalidReplace(reason));
            }
            Err(reason) => {
                // No replace is possible now; this is reported before errors of this replace.
                self.venue.logins[login.0 as usize].last_user_ref = user_ref;
                events.push(Event::Order(OrderEvent::Rejected(Rejected {
                    login,
                    user_ref,
                    reason,
                    cl_ord_id,
                })));
            }
        }
    }

    /// The live order of a cancel or an amend.
    fn live(&mut self, sender: Sender, events: &mut impl EventSink) -> Option<Handle> {
        let found = self.shared.named(sender.login, sender.user_ref);
        if found.is_none() {
            self.not_live(sender, events);
        }
        found
    }

    /// No order here has this number. With several shards another shard may have it, so nothing is emitted.
    fn not_live(&self, sender: Sender, events: &mut impl EventSink) {
        if self.venue.shards == 1 {
            events.push(ignored(sender, IgnoreReason::OrderNotLive));
        }
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel, events: &mut impl EventSink) {
        let Cancel { login, session, user_ref, .. } = *cancel;
        let Some(handle) = self.live(Sender { login, session, user_ref }, events) else { return };
        let instrument = self.shared.orders.cold(handle).instrument;
        self.market(instrument, events).cancel(handle, cancel);
    }

    pub(super) fn amend(&mut self, amend: &Amend, events: &mut impl EventSink) {
        let Amend { login, session, user_ref, .. } = *amend;
        let Some(handle) = self.live(Sender { login, session, user_ref }, events) else { return };
        self.amend_live(handle, amend, events);
    }

    /// Decreases the quantity; everything else in the message is ignored (PROTOCOL.md §2.8).
    pub(super) fn modify(&mut self, modify: &Modify, events: &mut impl EventSink) {
        let Modify { login, session, user_ref, side, quantity } = *modify;
        let sender = Sender { login, session, user_ref };
        let Some(handle) = self.live(sender, events) else { return };
        let order = self.shared.orders.get(handle);
        if order.side != side {
            return events.push(ignored(sender, IgnoreReason::OrderNotLive));
        }
        if quantity >= order.total {
            return events.push(ignored(sender, IgnoreReason::NothingToCancel));
        }
        self.amend_live(handle, &Amend { login, session, user_ref, price: None, quantity }, events);
    }

    fn amend_live(&mut self, handle: Handle, amend: &Amend, events: &mut impl EventSink) {
        let order = self.shared.orders.get(handle);
        let limits = self.venue.logins[order.login.0 as usize].limits().copied();
        let standing = Standing { venue_killed: self.venue.killed, limits: limits.as_ref() };
        let outcome = self.market(order.instrument, events).amend(handle, amend, standing);
        if let Err(reason) = outcome {
            let (login, user_ref, order) = (order.login, order.user_ref, order.id);
            events.push(Event::Order(OrderEvent::ChangeRejected(ChangeRejected {
                login,
                user_ref,
                order,
                reason,
            })));
        }
    }
}

impl<S: EventSink> Market<'_, S> {
    fn original(&self, order: &Order) -> Original {
        let open = self.open_of(order);
        let extra = self.extra(order);
        Original {
            executed: order.total.0 - open.0,
            open,
            reserved: order.reserved,
            fee_carry: order.fee_carry,
            is_linked: extra.is_some_and(|extra| extra.partner.is_some()),
            is_dormant: extra.is_some_and(|extra| extra.state == OrderState::Dormant),
            reduces: order.flags & extras::REDUCES != 0,
        }
    }

    /// The order's limit in price units; 0 for a market order.
    fn limit_units(&self, order: &Order) -> u64 {
        order.limit.map_or(0, |limit| self.instrument.listing.price_units(limit))
    }

    /// Whether a correct replace of this order would be possible now. Counts for the rates.
    fn admits_replace(&mut self, handle: Handle, venue_killed: Switch) -> Result<(), RejectReason> {
        let order = self.shared.orders.get(handle);
        let plain = Request {
            login: order.login,
            account: order.account,
            side: order.side,
            time_in_force: TimeInForce::GoodTillCancel,
            price: OrderPrice::Limit(self.limit_units(&order) as i64),
            total: order.total,
            instructions: None,
            replaced: Some(self.original(&order)),
            limits: None,
        };
        self.check_admission(&plain, venue_killed)
    }

    /// Replaces an order if the rules allow it; otherwise nothing changes. The protocol's data of the order stays that
    /// of the old one.
    fn replace(&mut self, handle: Handle, new: &Replace, standing: Standing<'_>) -> Result<(), RejectReason> {
        let old = self.shared.orders.get(handle);
        let instructions = new.instructions.as_ref();
        let request = Request {
            login: old.login,
            account: old.account,
            side: old.side,
            time_in_force: new.time_in_force,
            price: new.price,
            total: new.quantity,
            instructions,
            replaced: Some(self.original(&old)),
            limits: standing.limits,
        };
        self.check_admission(&request, standing.venue_killed)?;
        let checked = self.check(&request)?;
        let asked = instructions.unwrap_or(&Instructions::NOTHING);
        let (orig_user_ref, orig_order, before) = (old.user_ref, old.id, old.reserved);
        // A plain order that replaces a plain one and matches nothing, which is the common case: it reuses the same
        // slot.
        let is_plain = old.extra == extras::NONE && instructions.is_none();
        if !is_plain {
            self.remove(handle, old.extra);
        }
        let extra = self.make_extra(instructions, &checked, new.quantity);
        let order = Order {
            id: self.shared.next_order(),
            user_ref: new.user_ref,
            limit: checked.limit,
            open: checked.open,
            total: checked.total,
            reserved: checked.reserve,
            hidden: asked.visibility == Visibility::Hidden,
            time_in_force: new.time_in_force,
            extra,
            flags: self.flags_of(extra, asked),
            ..old
        };
        self.reserve(&order, before);
        let login = order.login;
        let echo = Echo { of_order: order.echo, ..new.echo };
        let terms = terms(&order, echo, asked, &checked);
        let replaced = Replaced { login, orig_user_ref, orig_order, terms };
        self.events.push(Event::Order(OrderEvent::Replaced(replaced)));
        if is_plain && self.instrument.listing.phase == Phase::Continuous && self.rests_at_once(&order) {
            self.move_to(handle, old.open, &order);
        } else {
            if is_plain {
                self.remove(handle, old.extra);
            }
            self.admit(order, &checked);
        }
        Ok(())
    }

    /// Puts an order into the slot of the one that it replaces, last in the queue of its price.
    fn move_to(&mut self, handle: Handle, before: Quantity, order: &Order) {
        let orders = &mut self.shared.orders;
        self.shared.client_refs.remove(orders, handle);
        self.instrument.book.unlink(orders, handle, 0);
        let hot = orders.get_mut(handle);
        (hot.id, hot.user_ref, hot.open, hot.reserved) =
            (order.id, order.user_ref, order.open, order.reserved);
        hot.set_limit(order.limit);
        let cold = orders.cold_mut(handle);
        (cold.total, cold.time_in_force) = (order.total.0 as u32, order.time_in_force);
        self.instrument.book.push_back(orders, handle, 0);
        self.shared.client_refs.insert(orders, handle);
        self.shared.chains.move_last(orders, order.login, handle);
        let counted = (order.account, order.side, order.flags);
        self.count_use(counted, order.open.0 as i64 - before.0 as i64, 0);
    }

    fn cancel(&mut self, handle: Handle, cancel: &Cancel) {
        let order = self.shared.orders.get(handle);
        let Cancel { login, session, user_ref, quantity } = *cancel;
        let refused = |reason| {
            Event::Order(OrderEvent::ChangeRejected(ChangeRejected {
                login,
                user_ref,
                order: order.id,
                reason,
            }))
        };
        if self.instrument.listing.phase == Phase::Halted {
            return self.events.push(refused(RejectReason::InstrumentHalted));
        }
        if quantity >= order.total {
            let sender = Sender { login, session, user_ref };
            return self.events.push(ignored(sender, IgnoreReason::NothingToCancel));
        }
        let original = self.original(&order);
        if quantity.0 <= original.executed {
            return self.cancel_whole(handle, CancelReason::UserRequested);
        }
        if original.is_linked {
            return self.events.push(refused(RejectReason::OrderIsLinked));
        }
        let decrement = Quantity(order.total.0 - quantity.0);
        let reduced = self.shrink(handle, decrement, Lots::HiddenFirst);
        self.events.push(Event::Order(OrderEvent::Canceled(Canceled {
            login,
            user_ref,
            order: reduced.id,
            decrement,
            open: self.open_of(&reduced),
            reserved: reduced.reserved,
            reason: CancelReason::UserRequested,
        })));
    }

    fn amend(&mut self, handle: Handle, amend: &Amend, standing: Standing<'_>) -> Result<(), RejectReason> {
        let order = self.shared.orders.get(handle);
        let original = self.original(&order);
        let phase = self.instrument.listing.phase;
        let frozen = match phase {
            Phase::Closed => Some(RejectReason::InstrumentClosed),
            Phase::Halted => Some(RejectReason::InstrumentHalted),
            Phase::CancelOnly => Some(RejectReason::CancelOnly),
            Phase::PreOpen
            | Phase::OpeningAuction
            | Phase::Continuous
            | Phase::VolatilityAuction
            | Phase::ClosingAuction
            | Phase::Delisted => None,
        };
        if standing.venue_killed == Switch::On {
            return Err(RejectReason::VenueKilled);
        }
        if self.shared.account(order.account).killed == Switch::On {
            return Err(RejectReason::AccountKilled);
        }
        if let Some(reason) = frozen {
            return Err(reason);
        }
        if original.is_linked {
            return Err(RejectReason::OrderIsLinked);
        }
        let units = self.limit_units(&order);
        let moves = amend.price.is_some_and(|price| u64::from(price) != units || order.limit.is_none());
        let same = !moves && amend.quantity == order.total;
        let not_possible = same
            || amend.quantity.0 <= original.executed
            || (moves && order.limit.is_none())
            || (original.is_dormant && (moves || amend.quantity > order.total));
        if not_possible {
            return Err(RejectReason::AmendNotPossible);
        }
        if moves || amend.quantity > order.total {
            return self.amend_with_new_place(handle, amend, standing);
        }
        let decrement = Quantity(order.total.0 - amend.quantity.0);
        let reduced = self.shrink(handle, decrement, Lots::HiddenFirst);
        self.events.push(Event::Order(OrderEvent::Amended(Amended {
            login: reduced.login,
            user_ref: reduced.user_ref,
            order: reduced.id,
            side: reduced.side,
            decrement,
            open: self.open_of(&reduced),
            reserved: reduced.reserved,
        })));
        Ok(())
    }

    fn amend_with_new_place(
        &mut self,
        handle: Handle,
        amend: &Amend,
        standing: Standing<'_>,
    ) -> Result<(), RejectReason> {
        let order = self.shared.orders.get(handle);
        let units = amend.price.map_or_else(|| self.limit_units(&order), u64::from);
        // The effects of a trigger, a minimum, a link or a latest time are not repeated; the expire time stays. What was to
        // close a position reduces it by the lots that are asked for now.
        let instructions = self.extra(&order).map(|extra: &Extra| Instructions {
            effect: match extra.instructions.effect {
                Effect::ReduceOnly | Effect::ClosePosition => Effect::ReduceOnly,
                effect @ (Effect::Any | Effect::Open) => effect,
            },
            trigger: None,
            min_quantity: 0,
            oco: UserRef(0),
            book_by: crate::domain::Timestamp(0),
            expire_s: extra.expire_s,
            ..extra.instructions
        });
        self.replace(
            handle,
            &Replace {
                login: order.login,
                session: amend.session,
                orig_user_ref: order.user_ref,
                user_ref: order.user_ref,
                time_in_force: order.time_in_force,
                price: OrderPrice::Limit(units as i64),
                quantity: amend.quantity,
                echo: Echo::default(),
                instructions,
            },
            standing,
        )
    }
}
