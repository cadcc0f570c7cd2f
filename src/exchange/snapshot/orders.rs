//! Restores the orders of a snapshot: into the slab in sequence, so that the orders of a price are adjacent, and into
//! their books without a search.

use super::RestoreError;
use super::numbers::places_by_number;
use super::records::{OrderRecord, VenueRecord};
use super::refused::{Refused, check};
use crate::domain::{
    AccountId, Amount, FeeRate, InstrumentId, Listing, LoginId, OrderId, OrderState, Phase, Price, Quantity,
    QuantityUnit, ShardId, Side, TimeInForce, TriggerKind, Visibility,
};
use crate::exchange::book::{Handle, Order, OrderSlab};
use crate::exchange::extras::{self, Extra, Links, Watch};
use crate::exchange::instrument::Instrument;
use crate::exchange::positions::At;
use crate::exchange::products::Demand;
use crate::exchange::shared::Shared;
use crate::exchange::triggers::{TRIGGERS_MAX, on_rise};
use crate::exchange::{Balance, Exchange, absent};
use std::collections::{BTreeSet, VecDeque};

/// The position of an order among those of its instrument: four parts of the book, then the waiting orders.
const WAITING: u8 = 4;

/// State that is only needed during a restore.
#[derive(Debug, Default)]
pub(super) struct Filling {
    /// The last login whose settings were read.
    pub(super) login_with_settings: Option<LoginId>,
    /// The copies so far.
    pub(super) copied: BTreeSet<(AccountId, LoginId)>,
    /// How many transfers to other shards are to be read.
    pub(super) in_flight: u64,
    /// How many records of pairs were read.
    pub(super) pairs: u8,
    /// How many transfers to each shard are to be read, by shard.
    pub(super) outboxes: Vec<(ShardId, u32)>,
    /// By asset: the part of the supply that came from other shards.
    pub(super) moved: Vec<i64>,
    /// The supplies by asset.
    pub(super) supplies: Vec<Amount>,
    /// Balances of the asset that is being read.
    pub(super) column: Vec<Balance>,
    pub(super) assets_done: usize,
    /// By asset and account: the amount reserved by the orders so far.
    pub(super) held: Vec<Vec<i64>>,
    /// The numbers and logins of the orders so far.
    numbers: Vec<u64>,
    logins: Vec<LoginId>,
    /// By account: the number of its orders so far.
    open_orders: Vec<u32>,
    /// Extras with a link, and the order that each links to.
    pub(super) links: Vec<(u32, OrderId)>,
    /// How many of the extras, and of the links, belong to orders that were read.
    extras_done: usize,
    links_done: usize,
    /// Linked orders that were read.
    linked: Vec<Linked>,
    /// The extremes of extras whose dormant orders were not read yet.
    pub(super) extremes: VecDeque<Option<Price>>,
    /// The instrument of the last order.
    instrument: Option<InstrumentId>,
    /// The position of the last order, and that order if it is in the book.
    place: u8,
    before: Option<Handle>,
}

#[derive(Clone, Copy, Debug)]
struct Linked {
    order: OrderId,
    partner: OrderId,
    handle: Handle,
    extra: u32,
}

/// The target into which orders are restored.
pub(super) struct Orders<'r> {
    pub(super) exchange: &'r mut Exchange,
    pub(super) filling: &'r mut Filling,
}

/// What the extra of an order adds to it.
#[derive(Clone, Copy, Default)]
struct Added {
    /// Lots that are not displayed.
    rest: u64,
    /// Whether it reserves less than it would alone, because it is linked to another order.
    is_second: bool,
}

impl Orders<'_> {
    pub(super) fn begin(&mut self, venue: &VenueRecord) -> Refused {
        let orders = OrderSlab::try_new(venue.limits.orders_max, venue.orders);
        self.exchange.shared.orders = orders.ok_or("not enough memory for the declared number of orders")?;
        let room = venue.orders as usize;
        let has_room = self.filling.numbers.try_reserve_exact(room).is_ok()
            && self.filling.logins.try_reserve_exact(room).is_ok();
        check(has_room, "not enough memory for the declared number of orders")?;
        self.filling.open_orders = vec![0; self.exchange.shared.accounts.len()];
        Ok(())
    }

    pub(super) fn take(&mut self, bytes: &[u8], chained: &[u32]) -> Result<(), RestoreError> {
        let (records, rest) = bytes.as_chunks();
        let is_whole = rest.is_empty() && records.len() == chained.len();
        check(is_whole, "record cannot be decoded").map_err(|why| RestoreError { at: 0, why })?;
        for (at, (record, next_name)) in records.iter().zip(chained).enumerate() {
            let taken = self.take_order(&OrderRecord::read(record), *next_name);
            taken.map_err(|why| RestoreError { at: at * OrderRecord::BYTES, why })?;
        }
        Ok(())
    }

    #[inline]
    fn take_order(&mut self, record: &OrderRecord, next_name: u32) -> Refused {
        if self.filling.instrument != Some(record.instrument) {
            self.next_instrument(record.instrument)?;
        }
        let waits = record.marks & OrderRecord::WAITS != 0;
        let place = if waits { WAITING } else { record.marks & (OrderRecord::SELL | OrderRecord::HIDDEN) };
        if self.filling.place != place {
            check(self.filling.place < place, "orders of a book are out of order")?;
            (self.filling.place, self.filling.before) = (place, None);
        }
        self.take_number(record)?;
        let instrument = &self.exchange.instruments[record.instrument.0 as usize];
        let mut order = order_of(record, &instrument.listing)?;
        if order.flags != 0 {
            self.exchange.shared.note_absent(record.login);
        }
        let handle = Handle(self.exchange.shared.orders.len() as u32);
        let added = if record.marks & OrderRecord::HAS_EXTRA != 0 {
            self.add_extra(&mut order, handle, waits)?
        } else {
            let stays = [TimeInForce::GoodTillCancel, TimeInForce::Day].contains(&order.time_in_force);
            check(
                stays & !order.hidden & !waits,
                "order's marks or time in force need an extra record, but it has none",
            )?;
            Added::default()
        };
        if let Some(extra) = self.exchange.shared.extras.find(order.extra)
            && extra.instructions.effect.reduces()
            && self.exchange.instruments[order.instrument.0 as usize].contract.is_some()
        {
            order.flags |= extras::REDUCES;
        }
        self.take_reserve(&order, added)?;
        self.put_in(&order, next_name, handle, added, waits)
    }

    /// Checks the numbers and the owner of an order.
    #[inline]
    fn take_number(&mut self, record: &OrderRecord) -> Refused {
        let login = self.exchange.venue.logins.get_mut(record.login.0 as usize);
        let login = login.ok_or("order of an unknown login")?;
        let last = self.exchange.shared.last_order;
        let own = record.id.is_counted() && record.id.shard() == self.exchange.id;
        let numbered = own && record.id.count() > 0 && record.id <= last;
        let is_old = record.user_ref > login.last_user_ref;
        let named = record.user_ref.0 > 0 && (!is_old || login.session > 0);
        check(
            numbered & named & (record.account == login.account),
            "order's id, UserRefNum or account does not match its login or shard",
        )?;
        if is_old {
            login.note_old_number();
        }
        self.filling.numbers.push(record.id.0);
        self.filling.logins.push(record.login);
        Ok(())
    }

    /// Gives the order its extra, the next one.
    fn add_extra(&mut self, order: &mut Order, handle: Handle, waits: bool) -> Result<Added, &'static str> {
        let (shared, filling) = (&mut self.exchange.shared, &mut *self.filling);
        let at = filling.extras_done;
        check(at < shared.extras.len(), "an order's extra is missing")?;
        let slot = at as u32;
        let extra = shared.extras.at_mut(slot);
        extra.links = Links::of(order.id, handle);
        (order.extra, order.flags) = (slot, order.flags | extras::HAS_EXTRA);
        filling.extras_done += 1;
        check_extra(extra, order, waits)?;
        let added = Added { rest: extra.rest, is_second: extra.is_second };
        if order.time_in_force == TimeInForce::GoodTillTime {
            shared.due.add_expiry(slot, extra.expire_s, order.id);
        }
        if let Some((_, partner)) = filling.links.get(filling.links_done).filter(|link| link.0 == slot) {
            filling.links_done += 1;
            filling.linked.push(Linked { order: order.id, partner: *partner, handle, extra: slot });
        }
        if waits {
            let instrument = &mut self.exchange.instruments[order.instrument.0 as usize];
            let extreme = filling.extremes.pop_front().flatten();
            let followed = has_followed(extreme, &extra.watch, instrument.watched(extra.watch.reference));
            let triggers = instrument.triggers.get_or_insert_default();
            let stands = followed && triggers.add(&mut shared.extras, slot, extreme);
            check(stands, "dormant orders are out of order")?;
            shared.accounts[order.account.0 as usize].waiting_orders += 1;
        }
        Ok(added)
    }

    /// Checks that an order reserves what it needs. The second of two linked orders needs less; it is checked when both
    /// exist.
    #[inline]
    fn take_reserve(&mut self, order: &Order, added: Added) -> Refused {
        let product = self.exchange.instruments[order.instrument.0 as usize].product();
        let extra = self.exchange.shared.extras.find(order.extra);
        let demand = Demand::of(order, extra, Quantity(order.open.0 + added.rest));
        let holds = product.is_contract() || product.required_reserve(&demand) == Some(order.reserved);
        check(added.is_second || holds, "order's reserve differs from what it requires")?;
        let asset = product.held_in(order.side);
        let held = &mut self.filling.held[usize::from(asset.0)][order.account.0 as usize];
        *held =
            held.checked_add(order.reserved.0).ok_or("sum of an account's order reserves is out of range")?;
        Ok(())
    }

    /// Puts the order into the slab, the book and the counters.
    #[inline]
    fn put_in(
        &mut self,
        order: &Order,
        next_name: u32,
        handle: Handle,
        added: Added,
        waits: bool,
    ) -> Refused {
        let shared = &mut self.exchange.shared;
        let (mut hot, cold) = order.split();
        hot.next_name = next_name;
        shared.orders.insert_parts(hot, cold);
        if !waits {
            let book = &mut self.exchange.instruments[order.instrument.0 as usize].book;
            let fits = book.append(&mut shared.orders, handle, added.rest as i64, self.filling.before);
            check(fits, "orders of a book are out of order")?;
            self.filling.before = Some(handle);
        }
        self.filling.open_orders[order.account.0 as usize] += 1;
        if let Some(usage) = &mut shared.usage {
            let used = usage.of((order.instrument, order.account));
            used.open_orders += 1;
            if order.side == Side::Buy {
                used.open_buys += order.open.0 + added.rest;
            }
        }
        self.count_of_contract(order, handle, added, waits)
    }

    /// Counts an order of a contract for its account.
    #[inline]
    fn count_of_contract(&mut self, order: &Order, handle: Handle, added: Added, waits: bool) -> Refused {
        let instrument = &self.exchange.instruments[order.instrument.0 as usize];
        let Some(contract) = &instrument.contract else { return Ok(()) };
        check(contract.tiers.is_some() && instrument.mark.is_some(), "order of a contract without a mark")?;
        let at = At { account: order.account, contract: contract.ordinal };
        let shared = &mut self.exchange.shared;
        if order.flags & extras::REDUCES == 0 {
            let open =
                i64::try_from(order.open.0 + added.rest).map_err(|_| "order's lots are out of range")?;
            shared.positions.count_orders(at, order.side, open);
        } else if !waits {
            shared.reducing.add(at, order.id, handle);
        }
        Ok(())
    }

    #[cold]
    fn next_instrument(&mut self, next: InstrumentId) -> Refused {
        check(self.filling.instrument.is_none_or(|last| last < next), "instruments are out of order")?;
        self.finish_instrument()?;
        let found = self.exchange.instruments.get(next.0 as usize);
        let own = found.filter(|found| found.listing.shard == self.exchange.id);
        let trades = own.is_some_and(|found| found.listing.phase != Phase::Delisted);
        check(trades, "order of an unknown, delisted or other shard's instrument")?;
        (self.filling.instrument, self.filling.place, self.filling.before) = (Some(next), 0, None);
        Ok(())
    }

    fn finish_instrument(&mut self) -> Refused {
        let Some(id) = self.filling.instrument else { return Ok(()) };
        let instrument = &mut self.exchange.instruments[id.0 as usize];
        if let Some(triggers) = &instrument.triggers {
            check(triggers.len() <= TRIGGERS_MAX, "too many dormant orders in one instrument")?;
        }
        let shown = |side| instrument.book.best_shown(side);
        let crosses = shown(Side::Buy).zip(shown(Side::Sell)).is_some_and(|(bid, ask)| bid >= ask);
        check(!crosses || instrument.listing.phase != Phase::Continuous, "crossed book in continuous trading")
    }

    pub(super) fn finish(&mut self) -> Refused {
        self.finish_instrument()?;
        let filling = &mut *self.filling;
        let shared = &mut self.exchange.shared;
        check(filling.extras_done == shared.extras.len(), "extra records that no order uses")?;
        for (asset, held) in (0..).zip(&filling.held) {
            let balances = shared.ledger.balances(crate::domain::AssetId(asset)).iter();
            let right = balances.zip(held).all(|(balance, held)| balance.reserved.0 == *held);
            check(right, "account's reserved balance differs from the sum of its orders' reserves")?;
        }
        for (account, open_orders) in shared.accounts.iter_mut().zip(&filling.open_orders) {
            account.open_orders = *open_orders;
        }
        let places = places_by_number(std::mem::take(&mut filling.numbers));
        for place in places.ok_or("two orders share an order id")? {
            let login = filling.logins[place as usize];
            shared.chains.push(&mut shared.orders, login, Handle(place));
        }
        self.link()
    }

    /// Connects linked orders.
    fn link(&mut self) -> Refused {
        let (exchange, linked) = (&mut *self.exchange, &mut self.filling.linked);
        linked.sort_unstable_by_key(|one| one.order);
        for one in &*linked {
            let found = linked.binary_search_by_key(&one.partner, |other| other.order);
            let other = linked[found.map_err(|_| "linked order's partner does not exist")?];
            let (order, partner) =
                (exchange.shared.orders.get(one.handle), exchange.shared.orders.get(other.handle));
            let alike = (order.instrument, order.side, order.login)
                == (partner.instrument, partner.side, partner.login);
            let extra = |slot| *exchange.shared.extras.find(slot).expect("a linked order has an extra");
            let (own, others) = (extra(one.extra), extra(other.extra));
            let in_pair = other.partner == one.order && alike && own.is_second != others.is_second;
            check(in_pair, "linked order's partner is not linked back to it")?;
            if own.is_second {
                let instrument: &Instrument = &exchange.instruments[order.instrument.0 as usize];
                let open = Quantity(order.open.0 + own.rest);
                let demand = Demand::of(&order, Some(&own), open);
                let needs = instrument.product().required_reserve(&demand);
                let needs = needs.map(|needs| Amount((needs.0 - partner.reserved.0).max(0)));
                let right = needs == Some(order.reserved) || instrument.contract.is_some();
                check(right, "linked order's reserve differs from what it requires")?;
                if let Some(contract) = &instrument.contract {
                    let shared = open.0.min(partner.open.0 + others.rest);
                    let extra = exchange.shared.extras.at_mut(one.extra);
                    extra.uncounted = shared;
                    if order.flags & extras::REDUCES == 0 {
                        let at = At { account: order.account, contract: contract.ordinal };
                        exchange.shared.positions.count_orders(at, order.side, -(shared as i64));
                    }
                }
            }
            let extra = exchange.shared.extras.find_mut(one.extra).expect("a linked order has an extra");
            extra.partner = Some(other.handle);
            if own.is_second && own.state == OrderState::Live && others.state == OrderState::Live {
                let Shared { orders, extras, .. } = &mut exchange.shared;
                let instrument = &mut exchange.instruments[order.instrument.0 as usize];
                instrument.leave_out_later([other.handle, one.handle], orders, extras);
            }
        }
        Ok(())
    }
}

/// The order of a record, without its extra.
#[inline]
fn order_of(record: &OrderRecord, listing: &Listing) -> Result<Order, &'static str> {
    let is = |mark| record.marks & mark != 0;
    let limit = (!is(OrderRecord::MARKET)).then(|| Price(record.ticks.into()));
    // All prices of spot are above zero.
    let in_range = |limit: Price| limit.0 > 0 && listing.price_units(limit) < Listing::PRICE_END;
    let priced = limit.map_or(is(OrderRecord::WAITS) && record.ticks == 0, in_range);
    let sized = record.open.0 > 0 && record.open <= record.total && record.total.0 <= u64::from(u32::MAX);
    let counted = record.fee_carry < FeeRate::ONE as u32 && record.reserved.0 >= 0 && record.marks < 128;
    check(priced & sized & counted, "an order's price or quantity is out of range")?;
    let mut flags = 0;
    if is(OrderRecord::DISCONNECTED) || is(OrderRecord::SWITCHED) {
        let by_one = is(OrderRecord::DISCONNECTED) != is(OrderRecord::SWITCHED);
        check(
            by_one && listing.phase == Phase::Halted,
            "order is marked for cancellation, but its instrument is not halted",
        )?;
        flags = if is(OrderRecord::SWITCHED) { absent::SWITCHED } else { absent::DISCONNECTED };
    }
    Ok(Order {
        id: record.id,
        limit,
        open: record.open,
        total: record.total,
        reserved: record.reserved,
        fee_carry: record.fee_carry,
        login: record.login,
        account: record.account,
        user_ref: record.user_ref,
        instrument: record.instrument,
        extra: extras::NONE,
        echo: record.echo,
        side: if is(OrderRecord::SELL) { Side::Sell } else { Side::Buy },
        hidden: is(OrderRecord::HIDDEN),
        flags,
        time_in_force: time_in_force(record.time_in_force).ok_or("unknown time in force")?,
    })
}

/// The time in force with this discriminant.
fn time_in_force(number: u8) -> Option<TimeInForce> {
    use TimeInForce::{Day, GoodTillCancel, GoodTillTime, ImmediateOrCancel};
    [GoodTillCancel, ImmediateOrCancel, Day, GoodTillTime].into_iter().find(|one| *one as u8 == number)
}

/// Checks whether an order can have this extra.
#[cold]
fn check_extra(extra: &Extra, order: &Order, waits: bool) -> Refused {
    let asked = &extra.instructions;
    let shown = u64::from(asked.display_quantity);
    let fits = extra.rest.checked_add(order.open.0).is_some_and(|open| open <= order.total.0);
    let sliced = if shown == 0 || waits { extra.rest == 0 } else { order.open.0 <= shown };
    check(fits && sliced, "iceberg's displayed and hidden lots contradict its order")?;
    check(
        order.hidden == (asked.visibility == Visibility::Hidden),
        "order's hidden mark contradicts its visibility",
    )?;
    check(waits == (extra.state == OrderState::Dormant), "order's waiting mark contradicts its state")?;
    let in_force = order.time_in_force;
    let ends = in_force == TimeInForce::GoodTillTime;
    check(!ends || extra.expire_s > 0, "good-till-time order has no expiry")?;
    check(
        waits || in_force != TimeInForce::ImmediateOrCancel,
        "immediate-or-cancel order rests in the book",
    )?;
    let is_waiting_buy = waits && order.limit.is_none() && order.side == Side::Buy;
    // A stop price may be beyond the last price by as much as the distance.
    let counted = (1..2 * Listing::PRICE_END).contains(&extra.reserve_units);
    check(
        is_waiting_buy == counted && (counted || extra.reserve_units == 0),
        "order's reserve price contradicts its type",
    )?;
    if waits { check_watch(extra, order) } else { Ok(()) }
}

/// Checks that the watched trigger is the one in the instructions.
fn check_watch(extra: &Extra, order: &Order) -> Refused {
    let watch = &extra.watch;
    let trigger = extra.instructions.trigger.ok_or("dormant order has no trigger")?;
    let alike = watch.reference == trigger.reference
        && watch.trails == (trigger.kind == TriggerKind::TrailingStop)
        && watch.on_rise == on_rise(trigger.kind, order.side);
    check(alike, "dormant order's watched trigger differs from its instructions")?;
    let by_amount = extra.instructions.unit == QuantityUnit::QuoteAmount;
    check(
        !by_amount || (extra.amount > 0 && order.limit.is_none()),
        "order by amount has no amount, or has a limit price",
    )
}

/// Whether a trailing stop has followed the present value of the watched price.
fn has_followed(extreme: Option<Price>, watch: &Watch, watched: Option<Price>) -> bool {
    match (extreme, watched) {
        _ if !watch.trails => true,
        (Some(extreme), Some(watched)) if watch.on_rise => extreme <= watched,
        (Some(extreme), Some(watched)) => extreme >= watched,
        (extreme, watched) => extreme == watched,
    }
}
