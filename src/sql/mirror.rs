//! The tables' working set in memory: takes events, and produces the rows that must be written.
//!
//! An order that is entered and filled within one batch costs one row; an account that trades a thousand times in a
//! batch costs two. Nothing here touches the database, so a batch that could not be written can be written again
//! unchanged.

#![deny(clippy::wildcard_enum_match_arm)]

use super::balances::{Balances, overflow};
use super::contract_money::{ContractMoney, price_of};
use super::rows::{OrderRow, OrderStatus, Rare, Stored, TradeRow, TradeSide, Watermark};
use crate::domain::{
    AccountId, AdminEvent, Amended, Amount, Armed, AssetSettings, CancelReason, Canceled, Event, EventRecord,
    Executed, Fill, InstrumentId, Listing, Listings, LoginId, MarketEvent, OrderEvent, OrderId, OrderTerms,
    Parties, Party, Posting, Price, Quantity, Replaced, Restated, ShardId, ShardTransfer, Side, Timestamp,
    TradeId, Transfer, Triggered, VenueEvent,
};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The event contradicts the tables: one of the two is corrupt or belongs to another history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event} contradicts the tables: {what}")]
pub struct Contradiction {
    pub event: u64,
    pub what: String,
}

/// Spreads order numbers, which are dense, over a hash map's buckets. Clients cannot choose them.
#[derive(Default)]
pub(super) struct OrderHasher(u64);

impl Hasher for OrderHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // 2^64 / the golden ratio. The high half is folded down because a map uses bits from both ends.
        let spread = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = spread ^ (spread >> 32);
    }
}

#[allow(clippy::disallowed_types, reason = "looked up, never iterated")]
type OrderMap = HashMap<OrderId, OrderRow, BuildHasherDefault<OrderHasher>>;

/// The rows of the present batch.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Orders accepted in this batch, by shard, in their present state. Their numbers are dense.
    pub(super) born: Vec<Vec<OrderRow>>,
    /// Orders of earlier batches that changed and are still open; their rows are in the map.
    pub(super) changed: Vec<OrderId>,
    /// Orders of earlier batches that are no longer open.
    pub(super) gone: Vec<OrderRow>,
    pub(super) trades: Vec<TradeRow>,
    /// Events that are rows by themselves, or change one of the rarely changed tables.
    pub(super) rare: Vec<Rare>,
    /// The number of events in the batch.
    pub(super) events: usize,
}

impl Batch {
    /// The list for new orders of a shard.
    fn born_in(&mut self, shard: ShardId) -> &mut Vec<OrderRow> {
        let shard = usize::from(shard.0);
        if shard >= self.born.len() {
            self.born.resize_with(shard + 1, Vec::new);
        }
        &mut self.born[shard]
    }
}

/// The working set: open orders, balances, owners, and the batch.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) watermark: Watermark,
    pub(super) batch: Batch,
    pub(super) balances: Balances,
    pub(super) contracts: ContractMoney,
    open: OrderMap,
    last_orders: [OrderId; ShardId::COUNT],
    last_trades: [TradeId; ShardId::COUNT],
    /// Number of shards besides the first.
    shards: usize,
    logins: Vec<AccountId>,
    listings: Listings,
    /// Scales of the assets, by id.
    scales: Vec<u8>,
}

/// The effect of an event on one order.
#[derive(Clone, Copy)]
enum Change {
    Fill {
        quantity: Quantity,
    },
    Shrink {
        open: Quantity,
        reason: CancelReason,
    },
    Replace {
        by: OrderId,
    },
    Amend {
        open: Quantity,
    },
    Release,
    /// The open lots also change if the order had a quantity in money and was triggered.
    Restate {
        open: Quantity,
    },
}

/// The effect of a change on the balances.
struct Touched {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    /// The change of the reserved amount.
    reserved: i64,
}

impl Mirror {
    /// An empty working set at this watermark.
    pub(super) fn after(watermark: Watermark) -> Self {
        let shards = std::array::from_fn(|shard| ShardId(shard as u8));
        Self {
            watermark,
            last_orders: shards.map(OrderId::before_first),
            last_trades: shards.map(TradeId::before_first),
            ..Self::default()
        }
    }

    /// Adds an open order that is already in the table.
    pub(super) fn load_order(&mut self, row: OrderRow) {
        self.open.insert(row.order, row);
    }

    /// The number of a shard's last order in the table.
    pub(super) fn load_last_order(&mut self, order: OrderId) {
        self.last_orders[usize::from(order.shard().0)] = order;
    }

    /// The number of a shard's last trade in the table.
    pub(super) fn load_last_trade(&mut self, trade: TradeId) {
        self.last_trades[usize::from(trade.shard().0)] = trade;
    }

    /// Adds a shard, besides the first, that is already in the table.
    pub(super) fn load_shard(&mut self) {
        self.shards += 1;
    }

    /// Whether the venue has more shards than the first.
    pub(super) fn has_several_shards(&self) -> bool {
        self.shards > 0
    }

    /// Adds a login that is already in the table. Logins come in id order.
    pub(super) fn load_login(&mut self, account: AccountId) {
        self.logins.push(account);
    }

    /// Adds a listing that is already in the table. Listings come in id order.
    pub(super) fn load_listing(&mut self, listing: Listing) {
        self.listings.apply(&Event::Admin(AdminEvent::InstrumentListed(listing)));
    }

    /// Adds an asset that is already in the table. Assets come in id order.
    pub(super) fn load_scale(&mut self, scale: u8) {
        self.scales.push(scale);
    }

    /// The row of an open order of an earlier batch.
    pub(super) fn open_order(&self, order: OrderId) -> Option<&OrderRow> {
        self.open.get(&order)
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// [`Contradiction`]; the working set is then unusable.
    pub(super) fn apply(&mut self, record: &EventRecord) -> Result<(), Contradiction> {
        let outcome = if record.number == self.watermark.event + 1 {
            self.take_up(record)
        } else {
            Err(format!("event {} is next", self.watermark.event + 1))
        };
        outcome.map_err(|what| Contradiction { event: record.number, what })?;
        self.watermark = Watermark::at(record);
        self.batch.events += 1;
        Ok(())
    }

    /// Marks the batch as written: its open orders belong to earlier batches from now on.
    pub(super) fn settle(&mut self) {
        let Self { batch, open, .. } = self;
        for order in batch.changed.drain(..) {
            if let Some(row) = open.get_mut(&order) {
                row.changed = false;
            }
        }
        for mut row in batch.born.iter_mut().flat_map(|born| born.drain(..)) {
            if row.open.0 > 0 {
                row.stored = Stored::Yes;
                open.insert(row.order, row);
            }
        }
        batch.gone.clear();
        batch.trades.clear();
        batch.rare.clear();
        batch.events = 0;
        self.balances.settle();
    }

    fn take_up(&mut self, record: &EventRecord) -> Result<(), String> {
        match &record.event {
            Event::Order(OrderEvent::Accepted(accepted)) => {
                self.enter(accepted.login, &accepted.terms, None, record)
            }
            Event::Order(OrderEvent::Replaced(replaced)) => {
                let Replaced { login, orig_order, terms, .. } = replaced;
                let change = Change::Replace { by: terms.order };
                self.change(*orig_order, Some(Amount(0)), change, record.time)?;
                self.enter(*login, terms, Some(*orig_order), record)
            }
            Event::Order(OrderEvent::Canceled(canceled)) => {
                let Canceled { order, open, reserved, reason, .. } = *canceled;
                self.change(order, Some(reserved), Change::Shrink { open, reason }, record.time)
            }
            Event::Order(OrderEvent::Amended(Amended { order, open, reserved, .. })) => {
                self.change(*order, Some(*reserved), Change::Amend { open: *open }, record.time)
            }
            Event::Order(OrderEvent::Restated(restated)) => self.restate(restated, record.time),
            Event::Order(OrderEvent::Triggered(Triggered { order, instrument, reference, .. })) => {
                self.change(*order, None, Change::Release, record.time)?;
                self.note_price(*instrument, *reference, record)
            }
            Event::Order(OrderEvent::Armed(Armed { order, .. })) => {
                self.find(*order)?;
                self.note(record)
            }
            Event::Order(OrderEvent::Executed(executed)) => self.trade(executed, record),
            Event::Contract(event) => {
                self.contracts.take_up(event, &self.listings, &mut self.balances)?;
                match price_of(event) {
                    Some((instrument, price)) => self.note_price(instrument, price, record),
                    None => self.note(record),
                }
            }
            Event::Admin(AdminEvent::Deposited(transfer)) => {
                self.transfer(transfer, transfer.amount.0, record)
            }
            Event::Admin(AdminEvent::Withdrawn(transfer)) => {
                self.transfer(transfer, -transfer.amount.0, record)
            }
            Event::Order(OrderEvent::TransferSent(sent)) => {
                self.note(record)?;
                let ShardTransfer { from, account, asset, amount, .. } = sent.transfer;
                self.add(from, &Posting::transfer(account, asset, -amount.0))
            }
            Event::Admin(AdminEvent::TransferReceived(received)) => {
                self.note(record)?;
                let ShardTransfer { to, account, asset, amount, .. } = received.transfer;
                self.add(to, &Posting::transfer(account, asset, amount.0))
            }
            Event::Admin(AdminEvent::MarkSet { instrument, price }) => {
                self.note_price(*instrument, *price, record)
            }
            Event::Market(MarketEvent::Uncrossed(auction)) => match auction.price {
                Some(price) => self.note_price(auction.instrument, price, record),
                None => self.note(record),
            },
            Event::Admin(AdminEvent::AssetAdded { scale, .. }) => {
                self.scales.push(*scale);
                self.note(record)
            }
            Event::Admin(AdminEvent::AssetSet(settings)) => self.set_asset(settings, record),
            Event::Venue(VenueEvent::ShardOpened { .. }) => {
                self.shards += 1;
                self.note(record)
            }
            Event::Venue(VenueEvent::LoginOpened { account, .. }) => {
                self.logins.push(*account);
                self.note(record)
            }
            Event::Admin(
                AdminEvent::InstrumentListed(_) | AdminEvent::TermsSet(_) | AdminEvent::FeesSet(_),
            )
            | Event::Market(MarketEvent::PhaseSet { .. }) => {
                self.listings.apply(&record.event);
                self.note(record)
            }
            Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionRolled { .. }
                | VenueEvent::SessionStarted { .. }
                | VenueEvent::AccountCopied { .. },
            )
            | Event::Admin(
                AdminEvent::Refused { .. }
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. },
            )
            | Event::Order(
                OrderEvent::Rejected(_)
                | OrderEvent::ChangeRejected(_)
                | OrderEvent::Ignored(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_),
            ) => self.note(record),
            // Indicative auction results change all the time; only the feed publishes them.
            // The arrival of a transfer is told by its destination.
            Event::Venue(VenueEvent::Opened { .. } | VenueEvent::SessionEnded { .. })
            | Event::Admin(AdminEvent::TransferDone(_))
            | Event::Order(
                OrderEvent::AccountState { .. }
                | OrderEvent::WalletState(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::PositionState(_)
                | OrderEvent::PriorityUpdated(_),
            )
            | Event::Market(MarketEvent::Indicative(_)) => Ok(()),
        }
    }

    /// Adds the event to be written as it is.
    fn note(&mut self, record: &EventRecord) -> Result<(), String> {
        self.batch.rare.push(Rare::Event(*record));
        Ok(())
    }

    /// Adds the event to be written with its price in price units.
    fn note_price(
        &mut self,
        instrument: InstrumentId,
        price: Price,
        record: &EventRecord,
    ) -> Result<(), String> {
        let units = self.listing(instrument)?.price_units(price);
        self.batch.rare.push(Rare::Priced(*record, units));
        Ok(())
    }

    fn set_asset(&mut self, settings: &AssetSettings, record: &EventRecord) -> Result<(), String> {
        let AssetSettings { asset, scale, .. } = *settings;
        let known = self.scales.get_mut(usize::from(asset.0)).ok_or("an unknown asset")?;
        let before = std::mem::replace(known, scale);
        if before != scale {
            self.balances.rescale(asset, before, scale).ok_or_else(overflow)?;
            self.contracts.funds.rescale(asset, before, scale).ok_or_else(overflow)?;
        }
        let beside = self.contracts.sum(asset);
        let held = beside.and_then(|beside| self.balances.sum(asset).0.checked_add(beside));
        let supply = Amount(held.ok_or_else(overflow)?);
        self.batch.rare.push(Rare::Rescaled { record: *record, before, supply });
        Ok(())
    }

    fn listing(&self, instrument: InstrumentId) -> Result<&Listing, String> {
        self.listings.get(instrument).ok_or_else(|| format!("instrument {instrument} is not listed"))
    }

    fn enter(
        &mut self,
        login: LoginId,
        terms: &OrderTerms,
        replaces: Option<OrderId>,
        record: &EventRecord,
    ) -> Result<(), String> {
        let shard = terms.order.shard();
        let last = &mut self.last_orders[usize::from(shard.0)];
        if terms.order != last.next() {
            return Err(format!("order {} comes after order {last}", terms.order));
        }
        *last = terms.order;
        let account = self.account_of(login)?;
        let listing = self.listing(terms.instrument)?;
        let asset = listing.held_in(terms.side);
        let price = terms.price.map(|price| listing.price_units(price));
        self.batch.born_in(shard).push(OrderRow::new((login, account), terms, price, replaces, record));
        let reserved = held(terms.reserved)?;
        self.add(shard, &Posting::reserve(account, asset, reserved))
    }

    fn restate(&mut self, restated: &Restated, time: Timestamp) -> Result<(), String> {
        let Restated { order, open, reserved, .. } = *restated;
        // Its price in ticks may have changed; the tables use price units, which stay.
        self.change(order, Some(reserved), Change::Restate { open }, time)
    }

    /// Changes an order's row and its account's reserved amount.
    fn change(
        &mut self,
        order: OrderId,
        reserved: Option<Amount>,
        change: Change,
        time: Timestamp,
    ) -> Result<(), String> {
        let touched = self.alter(order, reserved, change, time)?;
        let asset = self.listing(touched.instrument)?.held_in(touched.side);
        self.add(order.shard(), &Posting::reserve(touched.account, asset, touched.reserved))
    }

    fn add(&mut self, shard: ShardId, posting: &Posting) -> Result<(), String> {
        self.balances.add(shard, posting).ok_or_else(overflow)
    }

    fn trade(&mut self, executed: &Executed, record: &EventRecord) -> Result<(), String> {
        let Executed { trade, price, quantity, .. } = *executed;
        let last = &mut self.last_trades[usize::from(trade.shard().0)];
        if trade != last.next() {
            return Err(format!("trade {trade} comes after trade {last}"));
        }
        *last = trade;
        let listing = *self.listing(executed.instrument)?;
        let fill = Fill::of(&listing, price, quantity).ok_or_else(overflow)?;
        let change = Change::Fill { quantity };
        let maker = self.alter(executed.maker_order, Some(executed.maker_reserved), change, record.time)?;
        let taker = self.alter(executed.taker_order, Some(executed.taker_reserved), change, record.time)?;
        let party = |touched: &Touched, fee| {
            let Touched { account, reserved, .. } = *touched;
            Party { account, fee, reserved }
        };
        let (maker, taker) = (party(&maker, executed.maker_fee), party(&taker, executed.taker_fee));
        let mut added = Some(());
        let posted = Parties::of(executed.taker_side, [maker, taker]).post(&listing, &fill, |posting| {
            added = added.and_then(|()| self.balances.add(listing.shard, posting));
        });
        posted.and(added).ok_or_else(overflow)?;
        self.batch.trades.push(TradeRow {
            trade,
            event: record.number,
            time: record.time,
            instrument: executed.instrument,
            taker_side: executed.taker_side,
            kind: executed.kind,
            price: listing.price_units(price),
            quantity,
            notional: fill.notional,
            maker: TradeSide { order: executed.maker_order, account: maker.account, fee: executed.maker_fee },
            taker: TradeSide { order: executed.taker_order, account: taker.account, fee: executed.taker_fee },
        });
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer, change: i64, record: &EventRecord) -> Result<(), String> {
        self.batch.rare.push(Rare::Event(*record));
        self.add(transfer.shard, &Posting::transfer(transfer.account, transfer.asset, change))
    }

    fn account_of(&self, login: LoginId) -> Result<AccountId, String> {
        self.logins.get(login.0 as usize).copied().ok_or_else(|| format!("login {login} is unknown"))
    }

    /// The position in the batch of an order that was accepted in it.
    #[inline]
    fn born_at(&self, order: OrderId) -> Option<(usize, usize)> {
        let shard = usize::from(order.shard().0);
        let born = self.batch.born.get(shard)?;
        let at = order.count().checked_sub(born.first()?.order.count())?;
        usize::try_from(at).ok().filter(|at| *at < born.len()).map(|at| (shard, at))
    }

    fn find(&self, order: OrderId) -> Result<&OrderRow, String> {
        let row = match self.born_at(order) {
            Some((shard, at)) => self.batch.born[shard].get(at),
            None => self.open.get(&order),
        };
        row.filter(|row| row.open.0 > 0).ok_or_else(|| format!("order {order} is not open"))
    }

    /// Changes an order's row, wherever it is.
    fn alter(
        &mut self,
        order: OrderId,
        reserved: Option<Amount>,
        change: Change,
        time: Timestamp,
    ) -> Result<Touched, String> {
        let not_open = || format!("order {order} is not open");
        if let Some((shard, at)) = self.born_at(order) {
            let row = self.batch.born[shard].get_mut(at).filter(|row| row.open.0 > 0).ok_or_else(not_open)?;
            return alter_row(row, reserved, change, time);
        }
        let row = self.open.get_mut(&order).ok_or_else(not_open)?;
        let touched = alter_row(row, reserved, change, time)?;
        let first_change = !std::mem::replace(&mut row.changed, true);
        if row.open.0 == 0 {
            self.batch.gone.extend(self.open.remove(&order));
        } else if first_change {
            self.batch.changed.push(order);
        }
        Ok(touched)
    }
}

/// The amount that an order reserves.
fn held(reserved: Amount) -> Result<i64, String> {
    if reserved.0 < 0 { Err("an order's reserve is below 0".to_owned()) } else { Ok(reserved.0) }
}

fn alter_row(
    row: &mut OrderRow,
    reserved: Option<Amount>,
    change: Change,
    time: Timestamp,
) -> Result<Touched, String> {
    match change {
        Change::Fill { quantity } => {
            let left = row.open.0.checked_sub(quantity.0).ok_or("more lots trade than are open")?;
            row.executed.0 += quantity.0;
            row.open = Quantity(left);
            if left == 0 {
                row.status = OrderStatus::Filled;
            }
        }
        Change::Shrink { open, reason } => {
            row.open = open;
            if open.0 == 0 {
                row.status = OrderStatus::after_cancel(reason);
            }
            if let CancelReason::InvalidReplace(refusal) | CancelReason::TriggerRefused(refusal) = reason {
                row.refusal = Some(refusal);
            }
        }
        Change::Replace { by } => {
            row.open = Quantity(0);
            row.status = OrderStatus::Replaced;
            row.replaced_by = Some(by);
        }
        Change::Amend { open } => row.open = open,
        Change::Release => row.status = OrderStatus::Open,
        Change::Restate { open } => {
            let gone =
                row.quantity.0.checked_sub(row.open.0).ok_or("more lots are open than were ordered")?;
            row.quantity = Quantity(gone.checked_add(open.0).ok_or_else(overflow)?);
            row.open = open;
        }
    }
    row.updated = time;
    let reserved = reserved.unwrap_or(row.reserved);
    let before = std::mem::replace(&mut row.reserved, reserved);
    let reserved = held(reserved)? - held(before)?;
    Ok(Touched { account: row.account, instrument: row.instrument, side: row.side, reserved })
}
