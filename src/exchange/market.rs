//! An instrument together with everything that its orders use: how orders rest and are removed.

use super::book::{Cold, Handle, Hot, Order};
use super::contract::Contract;
use super::extras::{self, Extra};
use super::instrument::Instrument;
use super::positions::At;
use super::products::Demand;
use super::shared::Shared;
use super::sink::EventSink;
use super::standing::{Lots, Standing};
use super::wallet::Wallet;
use crate::domain::contracts::{OrderDemand, PriceLimits};
use crate::domain::{
    AccountId, Amount, CancelReason, Canceled, Event, OrderEvent, OrderState, Owner, Ppm, Price, Quantity,
    RestateReason, Restated, SelfTrade, SelfTradePrevention, Side, TimeInForce,
};

/// An instrument with the shared state and the event sink.
pub(super) struct Market<'a, S> {
    pub(super) instrument: &'a mut Instrument,
    pub(super) shared: &'a mut Shared,
    pub(super) events: &'a mut S,
}

impl<S: EventSink> Market<'_, S> {
    #[inline]
    pub(super) fn extra(&self, order: &Order) -> Option<&Extra> {
        self.shared.extras.find(order.extra)
    }

    /// Whether positions are traded here, not assets.
    pub(super) fn is_contract(&self) -> bool {
        self.instrument.contract.is_some()
    }

    pub(super) fn contract(&self) -> &Contract {
        self.instrument.contract.as_ref().expect("it is a contract")
    }

    pub(super) fn contract_mut(&mut self) -> &mut Contract {
        self.instrument.contract.as_mut().expect("it is a contract")
    }

    /// An account in this contract.
    pub(super) fn at(&self, account: AccountId) -> At {
        At { account, contract: self.contract().ordinal }
    }

    /// The price limits now.
    pub(super) fn price_limits(&self) -> PriceLimits {
        self.contract().price_limits(self.shared.now)
    }

    /// Open lots, including an iceberg's lots that are not displayed.
    #[inline]
    pub(super) fn open_of(&self, order: &Order) -> Quantity {
        match self.extra(order) {
            None => order.open,
            Some(extra) => Quantity(order.open.0 + extra.rest),
        }
    }

    /// A resting iceberg's lots that are not displayed.
    #[inline]
    pub(super) fn rest_of(&self, handle: Handle) -> u64 {
        self.shared.extra_of(handle).map_or(0, |extra| extra.rest)
    }

    /// Lots of a resting order that count in trading beyond its open ones in the queue.
    pub(super) fn unseen_of(&self, handle: Handle) -> i64 {
        let Cold { extra, .. } = *self.shared.orders.cold(handle);
        let open = self.shared.orders.hot(handle).open;
        self.shared.extras.find(extra).map_or(0, |extra| extra.unseen(open))
    }

    /// The amount that an order must reserve, linked or not.
    pub(super) fn required_reserve(&self, order: &Order) -> Amount {
        let demand = Demand::of(order, self.extra(order), self.open_of(order));
        self.instrument.product().required_reserve(&demand).expect("a part needs no more than the whole")
    }

    /// The balances of the instrument's orders.
    #[inline(always)]
    pub(super) fn wallet(&mut self) -> Wallet<'_> {
        Wallet { ledger: &mut self.shared.ledger, product: self.instrument.product() }
    }

    /// What an order reserves after its open lots decreased by `by` without a trade; `order` has what it reserved before.
    pub(super) fn reserve_left(&self, order: &Order, by: Quantity) -> Amount {
        if self.is_contract() {
            let left = self.open_of(order).0;
            return OrderDemand::part(order.reserved, left, left + by.0);
        }
        self.required_reserve(order).min(order.reserved)
    }

    /// By what it is computed what an order holds.
    pub(super) fn demand(
        &self,
        account: AccountId,
        side: Side,
        open: Quantity,
        limit: Option<Price>,
        is_dormant: bool,
    ) -> OrderDemand {
        let mark = self.instrument.mark.expect("a contract that takes orders has a mark");
        let limit = match limit {
            Some(limit) => limit,
            None if is_dormant => mark,
            None => self.price_limits().of_side(side),
        };
        let rates = self.instrument.rates(self.shared.account(account).tier);
        let fee = Ppm(rates.maker.0.max(rates.taker.0).max(0).unsigned_abs());
        OrderDemand { side, lots: open.0, limit, mark, fee }
    }

    /// What an order must hold if it is measured now: 0 if it puts no more lots at risk. `is_counted`: its open lots are
    /// among those of the open orders of its account.
    pub(super) fn held_now(&mut self, order: &Order, is_counted: bool) -> Amount {
        if order.flags & extras::REDUCES != 0 {
            return Amount(0);
        }
        let open = self.open_of(order);
        let at = self.at(order.account);
        let replaced = if is_counted { open.0 } else { 0 };
        let with = self.shared.positions.with_order(at, order.side, open.0, replaced);
        if !with.increases {
            return Amount(0);
        }
        let is_dormant = self.extra(order).is_some_and(|extra| extra.state == OrderState::Dormant);
        let demand = self.demand(order.account, order.side, open, order.limit, is_dormant);
        demand.held(&self.contract().value).expect("checked at entry")
    }

    /// The instrument's book and its orders.
    #[inline(always)]
    pub(super) fn standing(&mut self) -> Standing<'_> {
        let Shared { orders, extras, .. } = &mut *self.shared;
        Standing { book: &mut self.instrument.book, orders, extras }
    }

    /// Changes an order's reserve from `before` to its present value.
    #[inline(always)]
    pub(super) fn reserve(&mut self, order: &Order, before: Amount) {
        self.wallet().reserve(order.account, order.side, before, order.reserved);
    }

    /// The amount that the account can still reserve for orders of this side.
    #[inline]
    pub(super) fn available_to(&self, account: AccountId, side: Side) -> Amount {
        self.shared.ledger.balance(account, self.instrument.product().held_in(side)).available
    }

    /// Counts an order that rests or waits, and adds its name.
    #[inline]
    fn register(&mut self, handle: Handle, open: Quantity) {
        self.shared.client_refs.insert(&mut self.shared.orders, handle);
        let Hot { login, account, side, flags, .. } = *self.shared.orders.hot(handle);
        self.shared.account_mut(account).open_orders += 1;
        self.shared.chain(login, handle);
        self.count_use((account, side, flags), open.0 as i64, 1);
        if flags & extras::HAS_EXTRA != 0 {
            self.register_extra(handle, open);
        }
    }

    #[cold]
    fn register_extra(&mut self, handle: Handle, open: Quantity) {
        let order = self.shared.orders.get(handle);
        if order.flags & extras::REDUCES != 0 && !self.shared.is_dormant(handle) {
            let at = self.at(order.account);
            self.shared.reducing.add(at, order.id, handle);
        }
        let extra = self.shared.extras.find_mut(order.extra).expect("it is marked to have one");
        (extra.links.order, extra.links.handle) = (order.id, handle);
        if order.time_in_force == TimeInForce::GoodTillTime {
            self.shared.due.add_expiry(order.extra, extra.expire_s, order.id);
        }
        let (partner, state) = (extra.partner, extra.state);
        if let Some(partner) = partner {
            if self.is_contract() {
                self.share_lots(handle, partner, open);
            }
            let first = self.shared.orders.cold(partner).extra;
            let first = self.shared.extras.at_mut(first);
            first.partner = Some(handle);
            if first.state == OrderState::Live && state == OrderState::Live {
                let Shared { orders, extras, .. } = &mut *self.shared;
                self.instrument.leave_out_later([partner, handle], orders, extras);
            }
        }
    }

    /// Of two linked orders of a contract the second one counts only with its open lots beyond the first one.
    fn share_lots(&mut self, second: Handle, first: Handle, open: Quantity) {
        let of_first = self.open_of(&self.shared.orders.get(first)).0;
        let counted = self.counted_as(second);
        let shared = open.0.min(of_first);
        let extra = self.shared.orders.cold(second).extra;
        self.shared.extras.at_mut(extra).uncounted = shared;
        self.count_lots(counted, -(shared as i64));
    }

    /// An order is not linked any more: all of its open lots count.
    fn count_all(&mut self, handle: Handle) {
        let extra = self.shared.orders.cold(handle).extra;
        let Some(extra) = self.shared.extras.find_mut(extra) else { return };
        let shared = std::mem::take(&mut extra.uncounted);
        if shared > 0 {
            let counted = self.counted_as(handle);
            self.count_lots(counted, shared as i64);
        }
    }

    /// Changes the account's counters in this instrument, if it has any, after open lots came or went of an order
    /// with this account, side and flags.
    #[inline]
    pub(super) fn count_use(&mut self, order: (AccountId, Side, u8), open: i64, orders: i32) {
        let (account, side, _) = order;
        if let Some(usage) = &mut self.shared.usage {
            let used = usage.of((self.instrument.listing.instrument, account));
            let counted = "what goes was counted when it came";
            used.open_orders = used.open_orders.checked_add_signed(orders).expect(counted);
            if side == Side::Buy {
                used.open_buys = used.open_buys.checked_add_signed(open).expect(counted);
            }
        }
        self.count_lots(order, open);
    }

    /// By what the open lots of an order are counted.
    fn counted_as(&self, handle: Handle) -> (AccountId, Side, u8) {
        let Hot { account, side, flags, .. } = *self.shared.orders.hot(handle);
        (account, side, flags)
    }

    /// Counts open lots of an order of a contract that may put them at risk.
    #[inline]
    fn count_lots(&mut self, (account, side, flags): (AccountId, Side, u8), open: i64) {
        if let Some(contract) = &self.instrument.contract
            && flags & extras::REDUCES == 0
        {
            let at = At { account, contract: contract.ordinal };
            self.shared.positions.count_orders(at, side, open);
        }
    }

    /// Puts the open lots of an order into the book, last in the queue of its price.
    #[inline]
    pub(super) fn rest(&mut self, hot: Hot, cold: Cold) {
        let open = hot.open;
        let handle = self.standing().put_in(hot, cold);
        self.register(handle, open);
    }

    /// Puts an order among those that wait for their triggers.
    pub(super) fn park_until_triggered(&mut self, order: Order) {
        let handle = self.shared.orders.insert(order);
        self.shared.account_mut(order.account).waiting_orders += 1;
        self.register(handle, order.open);
        let watched = self.instrument.watched(self.shared.extras.at(order.extra).watch.reference);
        let triggers = self.instrument.triggers.get_or_insert_default();
        if triggers.insert(&mut self.shared.extras, order.extra, watched) {
            self.shared.note_moved(order.instrument);
        }
    }

    /// Removes an order from the book or the dormant orders, the slab, the names and the counters. Its extra stays.
    pub(super) fn take_out(&mut self, handle: Handle) -> Order {
        let order = self.shared.orders.get(handle);
        let open = self.open_of(&order);
        match self.shared.extras.find(order.extra) {
            Some(Extra { state: OrderState::Dormant, .. }) => {
                let triggers =
                    self.instrument.triggers.as_mut().expect("a dormant order is among the triggers");
                triggers.remove(&mut self.shared.extras, order.extra);
                self.shared.account_mut(order.account).waiting_orders -= 1;
            }
            found => {
                let unseen = found.map_or(0, |extra| extra.unseen(order.open));
                self.instrument.book.unlink(&mut self.shared.orders, handle, unseen);
            }
        }
        self.forget(handle, open);
        order
    }

    /// Removes an order as [`Market::take_out`] does, and its extra too.
    #[inline]
    pub(super) fn remove(&mut self, handle: Handle, extra: u32) {
        if extra == extras::NONE {
            self.instrument.book.unlink(&mut self.shared.orders, handle, 0);
            let open = self.shared.orders.hot(handle).open;
            self.forget(handle, open);
        } else {
            self.take_out(handle);
            self.shared.extras.remove(extra);
        }
    }

    /// Removes an order that is no longer in a queue from the slab, the names and the counters.
    #[inline]
    pub(super) fn forget(&mut self, handle: Handle, open: Quantity) {
        let Hot { login, account, side, flags, .. } = *self.shared.orders.hot(handle);
        if flags & extras::HAS_EXTRA != 0 {
            self.forget_extra(handle);
        }
        self.shared.client_refs.remove(&mut self.shared.orders, handle);
        self.shared.chains.remove(&mut self.shared.orders, login, handle);
        self.shared.orders.remove(handle);
        self.shared.account_mut(account).open_orders -= 1;
        self.count_use((account, side, flags), -(open.0 as i64), -1);
    }

    #[cold]
    fn forget_extra(&mut self, handle: Handle) {
        let order = self.shared.orders.get(handle);
        if order.time_in_force == TimeInForce::GoodTillTime {
            self.shared.due.remove_expiry(order.extra);
        }
        if self.is_contract() {
            self.count_all(handle);
            let at = self.at(order.account);
            self.shared.reducing.remove(at, order.id);
        }
    }

    /// Cancels the open lots of an order that does not (or no longer) rest, and then its linked order.
    pub(super) fn cancel_rest(&mut self, mut order: Order, reason: CancelReason) {
        self.shared.touched += if order.extra == extras::NONE { 1 } else { 2 };
        let open = self.open_of(&order);
        let before = std::mem::take(&mut order.reserved);
        self.reserve(&order, before);
        self.events.push(Event::Order(OrderEvent::Canceled(Canceled {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            decrement: open,
            open: Quantity(0),
            reserved: Amount(0),
            reason,
        })));
        if order.extra != extras::NONE {
            let partner = self.extra(&order).and_then(|extra| extra.partner);
            self.shared.extras.remove(order.extra);
            if let Some(partner) = partner {
                self.unlink(partner);
                let partner = self.take_out(partner);
                self.cancel_rest(partner, CancelReason::LinkedOrder);
            }
        }
    }

    /// Cancels a resting or dormant order completely.
    pub(super) fn cancel_whole(&mut self, handle: Handle, reason: CancelReason) {
        let order = self.take_out(handle);
        self.cancel_rest(order, reason);
    }

    /// Removes an order's link.
    fn unlink(&mut self, handle: Handle) {
        self.count_all(handle);
        let extra = self.shared.orders.cold(handle).extra;
        let extra = self.shared.extras.find_mut(extra).expect("a linked order has an extra");
        (extra.partner, extra.is_second) = (None, false);
    }

    /// The order is about to trade: its linked order is cancelled first, and this order then reserves all that it
    /// needs. `order` is the caller's copy; the order in the slab is changed too.
    #[cold]
    pub(super) fn cancel_partner(&mut self, order: &mut Order, stands_at: Option<Handle>) {
        let Some(extra) = self.shared.extras.find_mut(order.extra) else { return };
        let Some(partner) = extra.partner.take() else { return };
        extra.is_second = false;
        assert!(!extra.sits_out, "of two linked orders the one that would trade first is met first");
        self.unlink(partner);
        self.cancel_whole(partner, CancelReason::LinkedOrder);
        if let Some(handle) = stands_at {
            self.count_all(handle);
        }
        self.hold_what_it_needs(order, stands_at);
    }

    /// Sets an order's reserve to what it needs; emits an event if that is a change. The money is known to be
    /// available.
    pub(super) fn hold_what_it_needs(&mut self, order: &mut Order, stands_at: Option<Handle>) {
        let needs = if self.is_contract() {
            self.held_now(order, stands_at.is_some())
        } else {
            self.required_reserve(order)
        };
        let before = std::mem::replace(&mut order.reserved, needs);
        if order.reserved == before {
            return;
        }
        self.reserve(order, before);
        if let Some(handle) = stands_at {
            self.shared.orders.get_mut(handle).reserved = order.reserved;
        }
        self.restated(order, RestateReason::Reserve);
    }

    pub(super) fn restated(&mut self, order: &Order, reason: RestateReason) {
        let open = self.open_of(order);
        let extra = self.extra(order);
        let dormant = extra.is_some_and(|extra| extra.state == OrderState::Dormant);
        let slice = extra.map_or(0, |extra| u64::from(extra.instructions.display_quantity));
        let displayed = match order.open {
            _ if order.hidden || dormant => Quantity(0),
            // An incoming order is reported as it would be displayed.
            open if slice > 0 => open.min(Quantity(slice)),
            open => open,
        };
        self.events.push(Event::Order(OrderEvent::Restated(Restated {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            price: order.limit,
            displayed,
            open,
            reserved: order.reserved,
            reason,
        })));
    }

    /// Decreases an order's open lots without a trade. It keeps its priority. Returns the order as it is then.
    pub(super) fn shrink(&mut self, handle: Handle, by: Quantity, lots: Lots) -> Order {
        self.standing().shrink(handle, by, lots);
        self.has_shrunk(handle, by)
    }

    /// Updates an order's total, its reserve and the counters after its open lots decreased without a trade. Returns
    /// the order as it is then.
    pub(super) fn has_shrunk(&mut self, handle: Handle, by: Quantity) -> Order {
        self.shared.orders.cold_mut(handle).total -= by.0 as u32;
        let mut order = self.shared.orders.get(handle);
        self.count_use((order.account, order.side, order.flags), -(by.0 as i64), 0);
        let before = order.reserved;
        order.reserved = self.reserve_left(&order, by);
        self.reserve(&order, before);
        self.shared.orders.get_mut(handle).reserved = order.reserved;
        order
    }

    /// An iceberg's displayed lots are used up: displays the next slice, last in the queue.
    #[cold]
    pub(super) fn refresh(&mut self, handle: Handle) {
        let order = self.shared.orders.get(handle);
        let extra = self.extra(&order).expect("an order with lots that are not shown has an extra");
        let shown = u64::from(extra.instructions.display_quantity).min(extra.rest);
        self.show(handle, shown);
    }

    /// Displays this many lots of an iceberg that displays none, last in the queue.
    pub(super) fn show(&mut self, handle: Handle, shown: u64) {
        self.standing().show(handle, shown);
        let order = self.shared.orders.get(handle);
        self.shared.in_vain.refreshes += 1;
        self.restated(&order, RestateReason::Refreshed);
    }

    /// The self-trade prevention of this order, incoming or resting. An order may ask for stricter prevention than its
    /// account's, not for less.
    pub(super) fn self_trade_of(&self, order: &Order) -> SelfTradePrevention {
        let of_account = self.shared.account(order.account).self_trade;
        match self.extra(order).and_then(|extra| extra.instructions.self_trade) {
            Some(asked) if asked.mode != SelfTrade::Allow => {
                let grouped = of_account.mode != SelfTrade::Allow && of_account.owner == Owner::Group;
                SelfTradePrevention { owner: if grouped { Owner::Group } else { asked.owner }, ..asked }
            }
            _ => of_account,
        }
    }
}
