//! Orders that wait for a price, of one instrument (docs/RULES.md, "Triggers").
//!
//! Four sorted arrays: by the last trade or the mark price, released by a rise or by a fall. In each, what is released
//! next stands at the end. Trailing stops stand there at their present price, and in a list of their own besides, so that
//! they can follow the price.

use super::book::{Handle, Order};
use super::extras::{Extras, Watch};
use super::market::{Market, reserve_for};
use super::orders::limit;
use super::sink::EventSink;
use crate::domain::{
    CancelReason, Event, OrderId, OrderState, Phase, Price, PriorityUpdated, QuantityUnit, RejectReason,
    RestateReason, Side, TriggerKind, TriggerReference, Triggered,
};
use std::cmp::Reverse;

/// The most orders of an instrument that wait for a trigger.
pub const TRIGGERS_MAX: usize = 100_000;

/// One waiting order. What is released next sorts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The price where a fall releases, its negative where a rise does.
    key: i64,
    order: Reverse<OrderId>,
    handle: Handle,
}

/// One trailing stop.
#[derive(Clone, Copy, Debug)]
struct Trailing {
    order: OrderId,
    handle: Handle,
    extra: u32,
}

/// The orders that wait for one reference to move one way.
#[derive(Clone, Debug, Default)]
struct List {
    on_rise: bool,
    entries: Vec<Entry>,
    trailing: Vec<Trailing>,
    /// No trailing stop here follows a price that is not better than this: higher for those that a fall releases,
    /// lower for the others. `None`: any price may matter.
    followed: Option<i64>,
    /// Trailing stops that are being moved: empty but while they are, kept for its memory.
    moved: Vec<OrderId>,
}

impl List {
    fn entry(&self, price: i64, order: OrderId, handle: Handle) -> Entry {
        Entry { key: if self.on_rise { -price } else { price }, order: Reverse(order), handle }
    }

    fn add(&mut self, price: i64, order: OrderId, handle: Handle) {
        let entry = self.entry(price, order, handle);
        let at = self.entries.partition_point(|other| *other < entry);
        self.entries.insert(at, entry);
    }

    fn take(&mut self, price: i64, order: OrderId, handle: Handle) {
        let entry = self.entry(price, order, handle);
        if let Ok(at) = self.entries.binary_search(&entry) {
            self.entries.remove(at);
        }
    }

    /// The next order that this price releases.
    fn next(&self, price: Option<Price>) -> Option<Handle> {
        let (entry, price) = (self.entries.last()?, price?);
        let comes = if self.on_rise { -entry.key <= price.0 } else { entry.key >= price.0 };
        comes.then_some(entry.handle)
    }

    fn is_better(&self, price: i64, than: i64) -> bool {
        if self.on_rise { price < than } else { price > than }
    }

    fn stop_price(&self, extreme: Price, distance: i64) -> i64 {
        if self.on_rise { extreme.0 + distance } else { extreme.0 - distance }
    }

    /// Trailing stops follow the price.
    fn follow(&mut self, price: Price, extras: &mut Extras) {
        if self.trailing.is_empty()
            || self.followed.is_some_and(|followed| !self.is_better(price.0, followed))
        {
            return;
        }
        self.followed = Some(price.0);
        let mut moved = std::mem::take(&mut self.moved);
        for trailing in &self.trailing {
            let Some(extra) = extras.find_mut(trailing.extra) else { continue };
            if extra.watch.extreme.is_some_and(|extreme| !self.is_better(price.0, extreme.0)) {
                continue;
            }
            moved.push(trailing.order);
            let stop = self.stop_price(price, extra.watch.distance);
            (extra.watch.extreme, extra.watch.price) = (Some(price), Some(stop));
        }
        // All at once: one by one, each would move the array.
        moved.sort_unstable();
        self.entries.retain(|entry| moved.binary_search(&entry.order.0).is_err());
        for Trailing { order, handle, extra } in &self.trailing {
            let stop = extras.find(*extra).and_then(|extra| extra.watch.price);
            if let Some(stop) = stop.filter(|_| moved.binary_search(order).is_ok()) {
                self.entries.push(self.entry(stop, *order, *handle));
            }
        }
        self.entries.sort_unstable();
        moved.clear();
        self.moved = moved;
    }
}

/// All dormant orders of an instrument.
#[derive(Clone, Debug)]
pub(super) struct Triggers {
    /// Last trade on rise and fall, mark price on rise and fall: the order in which they are looked at.
    lists: [List; 4],
    len: usize,
}

impl Default for Triggers {
    fn default() -> Self {
        let list = |on_rise| List { on_rise, ..List::default() };
        Self { lists: [list(true), list(false), list(true), list(false)], len: 0 }
    }
}

fn list_of(watch: &Watch) -> usize {
    2 * usize::from(watch.reference == TriggerReference::MarkPrice) + usize::from(!watch.on_rise)
}

/// Whether a rise releases an order of this side.
pub(super) fn on_rise(kind: TriggerKind, side: Side) -> bool {
    (side == Side::Buy) == matches!(kind, TriggerKind::Stop | TriggerKind::TrailingStop)
}

impl Triggers {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes up an order; whether `watched`, the present value of what it watches, releases it at once.
    pub(super) fn insert(
        &mut self,
        order: OrderId,
        (handle, extra): (Handle, u32),
        watch: &mut Watch,
        watched: Option<Price>,
    ) -> bool {
        self.len += 1;
        let list = &mut self.lists[list_of(watch)];
        if watch.distance > 0 {
            list.trailing.push(Trailing { order, handle, extra });
            // Any number of them may move at once.
            list.moved.reserve(list.trailing.len());
            if watch.extreme.is_none() {
                watch.extreme = watched;
            }
            watch.price = watch.extreme.map(|extreme| list.stop_price(extreme, watch.distance));
            let worst = match (list.followed, watch.extreme, list.trailing.len()) {
                (_, None, _) => None,
                (_, Some(extreme), 1) => Some(extreme.0),
                (None, _, _) => None,
                (Some(followed), Some(extreme), _) => {
                    Some(if list.is_better(followed, extreme.0) { extreme.0 } else { followed })
                }
            };
            list.followed = worst;
        }
        let Some(price) = watch.price else { return false };
        list.add(price, order, handle);
        watched.is_some_and(|watched| if watch.on_rise { watched.0 >= price } else { watched.0 <= price })
    }

    /// Takes up an order as it waited when it was written down; [`Self::settle`] comes after the last.
    pub(super) fn restore(&mut self, order: OrderId, handle: Handle, extra: u32, watch: &Watch) {
        self.len += 1;
        let list = &mut self.lists[list_of(watch)];
        if watch.distance > 0 {
            list.trailing.push(Trailing { order, handle, extra });
        }
        if let Some(price) = watch.price {
            list.entries.push(list.entry(price, order, handle));
        }
    }

    /// Puts what was restored in order. Trailing stops stand in the order in which they came, which is that of their
    /// numbers; where they have prices their order means nothing.
    pub(super) fn settle(&mut self, extras: &Extras) {
        for list in &mut self.lists {
            list.entries.sort_unstable();
            list.trailing.sort_unstable_by_key(|trailing| trailing.order);
            let extremes = list.trailing.iter().map(|trailing| {
                extras.find(trailing.extra).and_then(|extra| extra.watch.extreme).map(|price| price.0)
            });
            // `None` is lowest, and any one of them makes the whole `None`.
            let worst = if list.on_rise {
                extremes.max_by_key(|extreme| extreme.map_or(i64::MAX, |price| price))
            } else {
                extremes.min()
            };
            list.followed = worst.flatten();
        }
    }

    /// Forgets an order.
    pub(super) fn remove(&mut self, order: OrderId, handle: Handle, watch: &Watch) {
        self.len -= 1;
        let list = &mut self.lists[list_of(watch)];
        if let Some(price) = watch.price {
            list.take(price, order, handle);
        }
        if watch.distance > 0 {
            list.trailing.retain(|trailing| trailing.order != order);
        }
    }

    /// The next order that these prices release.
    fn next(&self, last: Option<Price>, mark: Option<Price>) -> Option<(Handle, TriggerReference)> {
        self.lists.iter().enumerate().find_map(|(at, list)| {
            let (price, reference) = match at {
                0 | 1 => (last, TriggerReference::LastTrade),
                _ => (mark, TriggerReference::MarkPrice),
            };
            list.next(price).map(|handle| (handle, reference))
        })
    }

    /// Trailing stops follow the present prices.
    fn follow(&mut self, last: Option<Price>, mark: Option<Price>, extras: &mut Extras) {
        let prices = [last, last, mark, mark];
        for (list, price) in self.lists.iter_mut().zip(prices) {
            if let Some(price) = price {
                list.follow(price, extras);
            }
        }
    }

    /// All waiting orders: by reference, those released by a rise first, and in each list the next to go first; then
    /// trailing stops without a price.
    pub(super) fn handles<'a>(&'a self, extras: &'a Extras) -> impl Iterator<Item = Handle> + 'a {
        let priced = self.lists.iter().flat_map(|list| list.entries.iter().rev().map(|entry| entry.handle));
        let unpriced = self.lists.iter().flat_map(|list| list.trailing.iter());
        let unpriced = unpriced
            .filter(|trailing| extras.find(trailing.extra).is_some_and(|extra| extra.watch.price.is_none()));
        priced.chain(unpriced.map(|trailing| trailing.handle))
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Trailing stops follow the prices; then the next order whose trigger has come is released. Whether there may be more.
    pub(super) fn release_next(&mut self) -> bool {
        let (last, mark) = (self.instrument.last, self.instrument.mark);
        let Some(triggers) = &mut self.instrument.triggers else { return false };
        triggers.follow(last, mark, &mut self.shared.extras);
        if self.instrument.listing.phase != Phase::Continuous {
            return false;
        }
        let Some((handle, reference)) = triggers.next(last, mark) else { return false };
        self.shared.touch();
        self.trigger(handle, reference);
        true
    }

    fn trigger(&mut self, handle: Handle, reference: TriggerReference) {
        let mut order = self.shared.orders.get(handle);
        self.cancel_partner(&mut order, Some(handle));
        let mut order = self.take_out(handle);
        let Some(extra) = self.shared.extras.find_mut(order.extra) else { return };
        extra.state = OrderState::Live;
        let (by_amount, amount) = (extra.instructions.unit == QuantityUnit::QuoteAmount, extra.amount);
        let watched = self.instrument.watched(reference).unwrap_or_default();
        self.events.push(Event::Triggered(Triggered {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            instrument: order.instrument,
            reference: watched,
        }));
        let found = if by_amount { self.found_by_amount(&order, amount) } else { Ok(order) };
        self.priority_updated(found.as_ref().unwrap_or(&order));
        let found = found.and_then(|found| self.check_triggered(&order).map(|()| found));
        match found {
            Ok(found) if by_amount => {
                let before = std::mem::replace(&mut order, found).reserved;
                self.reserve(&order, before);
                self.restated(&order, RestateReason::Reserve);
            }
            Ok(_) => {}
            Err(reason) => return self.cancel_rest(order, CancelReason::TriggerRefused(reason)),
        }
        self.work(order);
    }

    /// The order takes part in trading from now on.
    fn priority_updated(&mut self, order: &Order) {
        let asked = self.extra(order).map(|extra| extra.instructions).unwrap_or_default();
        self.events.push(Event::PriorityUpdated(PriorityUpdated {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            instrument: order.instrument,
            side: order.side,
            price: limit(order.price),
            quantity: self.open_of(order),
            visibility: asked.visibility,
            display_quantity: asked.display_quantity,
        }));
    }

    /// An order by amount with the lots that its amount comes to now, and what they have to reserve.
    fn found_by_amount(&self, order: &Order, amount: i64) -> Result<Order, RejectReason> {
        let lots = self.lots_for(order.side, amount)?;
        let needs = reserve_for(self.instrument, order.side, order.price, lots, order.fee_carry);
        let reserved = needs.ok_or(RejectReason::NotionalTooLarge)?;
        let given = self.instrument.listing.given_by(order.side);
        let available = self.shared.ledger.balance(order.account, given).available.0 + order.reserved.0;
        if reserved.0 > available {
            return Err(RejectReason::InsufficientFunds);
        }
        Ok(Order { open: lots, total: lots, reserved, ..*order })
    }

    /// A market buy must reach for one lot.
    fn check_triggered(&self, order: &Order) -> Result<(), RejectReason> {
        if order.side == Side::Buy && order.price == Price(0) {
            return self.reaches_for_one_lot((order.account, order.fee_carry), order.reserved);
        }
        Ok(())
    }
}
