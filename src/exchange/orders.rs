//! Order entry: new orders, replaces and cancels, held against the rules and then matched.
//!
//! The checks run in the order in which [`RejectReason`] declares them; the first that fails is the answer.

use super::book::{Handle, Order};
use super::matching::{Matching, Stop};
use super::{Exchange, fees};
use crate::domain::{
    Accepted, Amount, Cancel, CancelReason, Canceled, Echo, Enter, Event, IgnoreReason, Ignored, Listing,
    LoginId, OrderId, OrderPrice, Ppm, Price, Quantity, RefuseEnter, RefuseReplace, RejectReason, Rejected,
    Replace, Replaced, Side, TimeInForce, Trading, UserRef,
};

/// What an order asks for, as the checks see it.
#[derive(Clone, Copy)]
struct Terms {
    side: Side,
    price: OrderPrice,
    /// Lots of the whole chain: what the quantity rules are held against.
    total: Quantity,
    /// Lots still to be traded: what money is needed for.
    open: Quantity,
    fee_carry: u32,
}

/// What the checks found: the price in ticks, `None` for market, and what has to be reserved.
#[derive(Clone, Copy)]
struct Checked {
    price: Option<Price>,
    reserve: Amount,
}

fn ignored(login: LoginId, user_ref: UserRef, reason: IgnoreReason) -> Event {
    Event::Ignored(Ignored { login, user_ref, reason })
}

/// The higher of an instrument's rates: what a buy must be ready to pay.
pub(super) fn highest_fee(listing: &Listing) -> Ppm {
    listing.maker_fee.max(listing.taker_fee)
}

/// What an order of this price and open quantity must hold; `None` when it does not fit an amount.
pub(super) fn reserve_for(
    listing: &Listing,
    side: Side,
    price: Price,
    open: Quantity,
    fee_carry: u32,
) -> Option<Amount> {
    let notional = listing.notional(price, open)?;
    match side {
        Side::Buy => fees::with_fee(notional, highest_fee(listing), fee_carry),
        Side::Sell => listing.base_amount(open),
    }
}

/// The rules that need nothing but the instrument's terms.
fn check_terms(listing: &Listing, terms: &Terms) -> Result<Checked, RejectReason> {
    let price = match terms.price {
        OrderPrice::Market => None,
        OrderPrice::Limit(units) => Some(listing.price_from_units(units)?),
    };
    if terms.total.0 == 0 || terms.open.0 == 0 {
        return Err(RejectReason::InvalidQuantity);
    }
    if terms.total < listing.min_quantity {
        return Err(RejectReason::QuantityBelowMinimum);
    }
    if terms.total > listing.max_quantity {
        return Err(RejectReason::QuantityAboveMaximum);
    }
    let Some(limit) = price else {
        let reserve = match terms.side {
            Side::Buy => Amount(0),
            Side::Sell => listing.base_amount(terms.open).ok_or(RejectReason::NotionalTooLarge)?,
        };
        return Ok(Checked { price, reserve });
    };
    let whole = listing.notional(limit, terms.total).ok_or(RejectReason::NotionalTooLarge)?;
    if whole < listing.min_notional {
        return Err(RejectReason::NotionalBelowMinimum);
    }
    let reserve = reserve_for(listing, terms.side, limit, terms.open, terms.fee_carry)
        .ok_or(RejectReason::NotionalTooLarge)?;
    Ok(Checked { price, reserve })
}

impl Exchange {
    pub(super) fn enter(&mut self, enter: &Enter, events: &mut Vec<Event>) {
        let Some(account) = self.consume_user_ref(enter.login, enter.user_ref, events) else { return };
        let order = Order {
            login: enter.login,
            account,
            user_ref: enter.user_ref,
            instrument: enter.instrument,
            side: enter.side,
            open: enter.quantity,
            total: enter.quantity,
            capacity: enter.echo.capacity,
            cross_type: enter.echo.cross_type,
            firm: enter.echo.firm,
            ..Order::default()
        };
        let checked = match self.check_enter(enter, &order) {
            Ok(checked) => checked,
            Err(reason) => {
                let Enter { login, user_ref, echo: Echo { cl_ord_id, .. }, .. } = *enter;
                return events.push(Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id }));
            }
        };
        let order = self.number(order, checked);
        self.reserve(&order, Amount(0));
        events.push(Event::Accepted(Accepted {
            login: enter.login,
            user_ref: enter.user_ref,
            order: order.id,
            instrument: enter.instrument,
            side: enter.side,
            time_in_force: enter.time_in_force,
            price: checked.price,
            quantity: order.open,
            reserved: order.reserved,
            echo: enter.echo,
        }));
        self.work(order, checked.price, enter.time_in_force, events);
    }

    fn check_enter(&self, enter: &Enter, order: &Order) -> Result<Checked, RejectReason> {
        let instrument =
            self.instruments.get(enter.instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        let listing = &instrument.listing;
        if listing.trading == Trading::Off {
            return Err(RejectReason::TradingOff);
        }
        let terms = Terms {
            side: enter.side,
            price: enter.price,
            total: order.total,
            open: order.open,
            fee_carry: 0,
        };
        let checked = check_terms(listing, &terms)?;
        self.check_funds(order, checked, Amount(0))?;
        let may_rest = checked.price.is_some() && enter.time_in_force == TimeInForce::GoodTillCancel;
        if may_rest && self.orders.is_full() {
            return Err(RejectReason::TooManyOrders);
        }
        Ok(checked)
    }

    /// Whether the account can hold the reserve. `released` is what a replaced order gives back first.
    fn check_funds(&self, order: &Order, checked: Checked, released: Amount) -> Result<(), RejectReason> {
        let instrument = &self.instruments[order.instrument.0 as usize];
        let listing = &instrument.listing;
        let given = listing.given_by(order.side);
        let available = self.ledger.balance(order.account, given).available.0 + released.0;
        let mut needed = checked.reserve.0;
        if checked.price.is_none() && order.side == Side::Buy {
            // A market buy reserves nothing, but it must reach for one lot at the best price.
            if let Some((best, _)) = instrument.book.best(Side::Sell) {
                let notional = listing.notional(best, Quantity(1)).ok_or(RejectReason::NotionalTooLarge)?;
                let cost = fees::with_fee(notional, listing.taker_fee, order.fee_carry);
                needed = cost.ok_or(RejectReason::NotionalTooLarge)?.0;
            }
        }
        if available < needed { Err(RejectReason::InsufficientFunds) } else { Ok(()) }
    }

    /// Checks and consumes a client's number; the account that the login's orders are for.
    fn consume_user_ref(
        &mut self,
        login: LoginId,
        user_ref: UserRef,
        events: &mut Vec<Event>,
    ) -> Option<crate::domain::AccountId> {
        let Some(known) = self.login(login) else {
            events.push(ignored(login, user_ref, IgnoreReason::UnknownLogin));
            return None;
        };
        if user_ref <= known.last_user_ref {
            events.push(ignored(login, user_ref, IgnoreReason::Retransmission));
            return None;
        }
        known.last_user_ref = user_ref;
        Some(known.account)
    }

    /// Gives the order its number, price and reserve.
    fn number(&mut self, order: Order, checked: Checked) -> Order {
        self.last_order = OrderId(self.last_order.0 + 1);
        Order {
            id: self.last_order,
            price: checked.price.unwrap_or_default(),
            reserved: checked.reserve,
            ..order
        }
    }

    /// Takes what the order holds out of what is available, and gives back what was held before.
    fn reserve(&mut self, order: &Order, before: Amount) {
        let listing = &self.instruments[order.instrument.0 as usize].listing;
        self.ledger.reserve(order.account, listing.given_by(order.side), before, order.reserved);
    }

    /// Matches an accepted order, then rests or cancels what is left.
    fn work(
        &mut self,
        order: Order,
        limit: Option<Price>,
        time_in_force: TimeInForce,
        events: &mut Vec<Event>,
    ) {
        let (mut hot, cold) = order.split();
        let stop = Matching {
            instrument: &mut self.instruments[order.instrument.0 as usize],
            orders: &mut self.orders,
            client_refs: &mut self.client_refs,
            ledger: &mut self.ledger,
            last_trade: &mut self.last_trade,
            events,
        }
        .run(&mut hot, limit);
        if hot.open.0 == 0 {
            return;
        }
        if limit.is_some() && time_in_force == TimeInForce::GoodTillCancel {
            let handle = self.orders.insert_parts(hot, cold);
            self.instruments[cold.instrument.0 as usize].book.push_back(&mut self.orders, handle);
            self.client_refs.insert(&mut self.orders, handle);
            return;
        }
        let reason = match stop {
            Stop::OutOfFunds => CancelReason::FundsExhausted,
            Stop::NothingCrosses => CancelReason::ImmediateOrCancel,
        };
        self.cancel_rest(Order::join(&hot, &cold), reason, events);
    }

    /// Cancels all that is open of an order that does not (or no longer) rest.
    fn cancel_rest(&mut self, mut order: Order, reason: CancelReason, events: &mut Vec<Event>) {
        let before = std::mem::take(&mut order.reserved);
        self.reserve(&order, before);
        events.push(Event::Canceled(Canceled {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            decrement: order.open,
            open: Quantity(0),
            reserved: Amount(0),
            reason,
        }));
    }

    /// Takes a resting order out of its book, the slab and the names.
    fn take_out(&mut self, handle: Handle) -> Order {
        let order = self.orders.get(handle);
        self.instruments[order.instrument.0 as usize].book.unlink(&mut self.orders, handle);
        self.client_refs.remove(&mut self.orders, handle);
        self.orders.remove(handle);
        order
    }

    pub(super) fn replace(&mut self, replace: &Replace, events: &mut Vec<Event>) {
        let Some(handle) = self.replaceable(replace.login, replace.orig_user_ref, replace.user_ref, events)
        else {
            return;
        };
        let old = self.orders.get(handle);
        let listing = &self.instruments[old.instrument.0 as usize].listing;
        if listing.trading == Trading::Off {
            // Live but not to be changed now: the answer consumes the number and the order stays.
            self.logins[replace.login.0 as usize].last_user_ref = replace.user_ref;
            let Replace { login, user_ref, echo: Echo { cl_ord_id, .. }, .. } = *replace;
            let reason = RejectReason::TradingOff;
            return events.push(Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id }));
        }
        let open = Quantity(replace.quantity.0.saturating_sub(old.executed().0));
        let terms = Terms {
            side: old.side,
            price: replace.price,
            total: replace.quantity,
            open,
            fee_carry: old.fee_carry,
        };
        let new = Order { user_ref: replace.user_ref, open, total: replace.quantity, ..old };
        let checked = check_terms(listing, &terms)
            .and_then(|checked| self.check_funds(&new, checked, old.reserved).map(|()| checked));
        let order = self.take_out(handle);
        let checked = match checked {
            Ok(checked) => checked,
            Err(reason) => return self.cancel_rest(order, CancelReason::InvalidReplace(reason), events),
        };
        self.logins[replace.login.0 as usize].last_user_ref = replace.user_ref;
        let new = self.number(new, checked);
        self.reserve(&new, old.reserved);
        let Order { capacity, cross_type, firm, .. } = new;
        events.push(Event::Replaced(Replaced {
            login: replace.login,
            orig_user_ref: replace.orig_user_ref,
            orig_order: old.id,
            user_ref: replace.user_ref,
            order: new.id,
            instrument: new.instrument,
            side: new.side,
            time_in_force: replace.time_in_force,
            price: checked.price,
            quantity: new.open,
            reserved: new.reserved,
            echo: Echo { capacity, cross_type, firm, ..replace.echo },
        }));
        self.work(new, checked.price, replace.time_in_force, events);
    }

    /// The live order that a replace means, if its new number may be used.
    fn replaceable(
        &mut self,
        login: LoginId,
        orig_user_ref: UserRef,
        user_ref: UserRef,
        events: &mut Vec<Event>,
    ) -> Option<Handle> {
        let last_user_ref = match self.login(login) {
            Some(known) => known.last_user_ref,
            None => {
                events.push(ignored(login, user_ref, IgnoreReason::UnknownLogin));
                return None;
            }
        };
        if user_ref <= last_user_ref {
            events.push(ignored(login, user_ref, IgnoreReason::Retransmission));
            return None;
        }
        let handle = self.client_refs.get(&self.orders, login, orig_user_ref);
        if handle.is_none() {
            events.push(ignored(login, orig_user_ref, IgnoreReason::OrderNotLive));
        }
        handle
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel, events: &mut Vec<Event>) {
        let Cancel { login, user_ref, quantity } = *cancel;
        let Some(handle) = self.client_refs.get(&self.orders, login, user_ref) else {
            let known = (login.0 as usize) < self.logins.len();
            let reason = if known { IgnoreReason::OrderNotLive } else { IgnoreReason::UnknownLogin };
            return events.push(ignored(login, user_ref, reason));
        };
        let order = self.orders.get(handle);
        if quantity >= order.total {
            return events.push(ignored(login, user_ref, IgnoreReason::NothingToCancel));
        }
        if quantity <= order.executed() {
            let order = self.take_out(handle);
            return self.cancel_rest(order, CancelReason::UserRequested, events);
        }
        let decrement = Quantity(order.total.0 - quantity.0);
        let instrument = &mut self.instruments[order.instrument.0 as usize];
        instrument.book.reduce(&mut self.orders, handle, decrement);
        self.orders.cold_mut(handle).total = quantity;
        let reduced = self.orders.get_mut(handle);
        reduced.reserved =
            reserve_for(&instrument.listing, reduced.side, reduced.price(), reduced.open, reduced.fee_carry)
                .expect("a part needs no more than the whole");
        let reduced = self.orders.get(handle);
        self.reserve(&reduced, order.reserved);
        events.push(Event::Canceled(Canceled {
            login,
            user_ref,
            order: order.id,
            decrement,
            open: reduced.open,
            reserved: reduced.reserved,
            reason: CancelReason::UserRequested,
        }));
    }

    pub(super) fn refuse_enter(&mut self, refuse: &RefuseEnter, events: &mut Vec<Event>) {
        let RefuseEnter { login, user_ref, reason, cl_ord_id } = *refuse;
        if self.consume_user_ref(login, user_ref, events).is_some() {
            events.push(Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id }));
        }
    }

    pub(super) fn refuse_replace(&mut self, refuse: &RefuseReplace, events: &mut Vec<Event>) {
        let RefuseReplace { login, orig_user_ref, user_ref, reason, cl_ord_id } = *refuse;
        let Some(handle) = self.replaceable(login, orig_user_ref, user_ref, events) else { return };
        if reason == RejectReason::JournalSpaceLow {
            // Nothing is wrong with the replace: the order stays.
            self.logins[login.0 as usize].last_user_ref = user_ref;
            return events.push(Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id }));
        }
        let order = self.take_out(handle);
        self.cancel_rest(order, CancelReason::InvalidReplace(reason), events);
    }
}
