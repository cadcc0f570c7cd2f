//! The tables' working set in memory: events go in, rows that must be written come out.
//!
//! An order that is born, filled and gone within one batch costs one row; an account that trades a thousand times in a
//! batch costs two. Nothing here touches the database, so a batch that could not be written is written again as it is.

#![deny(clippy::wildcard_enum_match_arm)]

use super::balances::Balances;
use super::rows::{OrderRow, OrderStatus, Rare, Stored, Terms, TradeRow, TradeSide, Watermark};
use crate::domain::{
    Accepted, AccountId, AdminEvent, Amended, Amount, Armed, AssetId, AssetSettings, CancelReason, Canceled,
    Event, EventRecord, Executed, InstrumentId, Listing, Listings, LoginId, MarketEvent, OrderEvent, OrderId,
    Price, Quantity, Replaced, Restated, Side, Timestamp, TradeId, Transfer, Triggered, VenueEvent,
};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The event does not fit what the tables say: one of the two is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event} does not fit the tables: {what}")]
pub struct Contradiction {
    /// The event's number.
    pub event: u64,
    /// What does not fit.
    pub what: String,
}

/// Spreads order numbers, which are dense, over a hash map's buckets; they are not chosen by anyone.
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
        // 2^64 / the golden ratio; the high half is folded down because a map takes bits from both ends.
        let spread = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = spread ^ (spread >> 32);
    }
}

#[allow(clippy::disallowed_types, reason = "looked up, never iterated")]
type OrderMap = HashMap<OrderId, OrderRow, BuildHasherDefault<OrderHasher>>;

/// Rows of the batch that is being gathered.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Orders of this batch by their numbers, which are dense: whatever happened to them since.
    pub(super) born: Vec<OrderRow>,
    /// Orders of earlier batches that changed and are still open: their rows are in the map.
    pub(super) changed: Vec<OrderId>,
    /// Orders of earlier batches that are gone since.
    pub(super) gone: Vec<OrderRow>,
    /// Trades.
    pub(super) trades: Vec<TradeRow>,
    /// Events that are rows by themselves, or change one of the quiet tables.
    pub(super) rare: Vec<Rare>,
    /// How many events are in it.
    pub(super) events: usize,
}

/// The working set: open orders, balances, who owns what, and the batch.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) watermark: Watermark,
    pub(super) batch: Batch,
    pub(super) balances: Balances,
    open: OrderMap,
    last_order: OrderId,
    last_trade: TradeId,
    logins: Vec<AccountId>,
    listings: Listings,
    /// Of the assets, by their ids.
    scales: Vec<u8>,
}

/// What an event does to one order.
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
    /// What is open is new where a quantity was stated in money and the trigger has come.
    Restate {
        open: Quantity,
    },
}

/// What a change leaves behind for the balances.
struct Touched {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    /// By how much more is reserved now.
    reserved: i64,
}

impl Mirror {
    /// Nothing but how far the tables have got.
    pub(super) fn after(watermark: Watermark) -> Self {
        Self { watermark, ..Self::default() }
    }

    /// Takes up an open order that the table already has.
    pub(super) fn load_order(&mut self, row: OrderRow) {
        self.open.insert(row.order, row);
    }

    /// The number of the last order in the table.
    pub(super) fn load_last_order(&mut self, order: OrderId) {
        self.last_order = order;
    }

    /// The number of the last trade in the table.
    pub(super) fn load_last_trade(&mut self, trade: TradeId) {
        self.last_trade = trade;
    }

    /// Takes up a login that the table already has. Logins come in the order of their ids.
    pub(super) fn load_login(&mut self, account: AccountId) {
        self.logins.push(account);
    }

    /// Takes up a listing that the table already has. Listings come in the order of their ids.
    pub(super) fn load_listing(&mut self, listing: Listing) {
        self.listings.apply(&Event::Admin(AdminEvent::InstrumentListed(listing)));
    }

    /// Takes up an asset that the table already has. Assets come in the order of their ids.
    pub(super) fn load_scale(&mut self, scale: u8) {
        self.scales.push(scale);
    }

    /// The row of an open order of an earlier batch.
    pub(super) fn open_order(&self, order: OrderId) -> Option<&OrderRow> {
        self.open.get(&order)
    }

    /// Takes up the next event.
    ///
    /// # Errors
    /// [`Contradiction`]; the working set is then of no more use.
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

    /// The batch is in the database: its open orders belong to earlier batches from now on.
    pub(super) fn settle(&mut self) {
        let Self { batch, open, .. } = self;
        for order in batch.changed.drain(..) {
            if let Some(row) = open.get_mut(&order) {
                row.changed = false;
            }
        }
        for mut row in batch.born.drain(..) {
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
            Event::Order(OrderEvent::Accepted(accepted)) => self.enter(&terms_of_accepted(accepted), record),
            Event::Order(OrderEvent::Replaced(replaced)) => {
                let change = Change::Replace { by: replaced.order };
                self.change(replaced.orig_order, Some(Amount(0)), change, record.time)?;
                self.enter(&terms_of_replaced(replaced), record)
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
            Event::Admin(AdminEvent::Deposited(transfer)) => {
                self.transfer(transfer, transfer.amount.0, record)
            }
            Event::Admin(AdminEvent::Withdrawn(transfer)) => {
                self.transfer(transfer, -transfer.amount.0, record)
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
            // What an auction might give changes all the time and is for the feed.
            Event::Venue(VenueEvent::Opened { .. } | VenueEvent::SessionEnded { .. })
            | Event::Order(OrderEvent::AccountState { .. } | OrderEvent::PriorityUpdated(_))
            | Event::Market(MarketEvent::Indicative(_)) => Ok(()),
        }
    }

    /// The event is written as it is.
    fn note(&mut self, record: &EventRecord) -> Result<(), String> {
        self.batch.rare.push(Rare::Event(*record));
        Ok(())
    }

    /// The event is written with this price of it in price units.
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
        }
        let supply = self.balances.sum(asset);
        self.batch.rare.push(Rare::Rescaled { record: *record, before, supply });
        Ok(())
    }

    fn listing(&self, instrument: InstrumentId) -> Result<&Listing, String> {
        self.listings.get(instrument).ok_or_else(|| format!("instrument {instrument} is not listed"))
    }

    fn enter(&mut self, terms: &Terms, record: &EventRecord) -> Result<(), String> {
        if terms.order != self.last_order.next() {
            return Err(format!("order {} comes after order {}", terms.order, self.last_order));
        }
        let account = self.account_of(terms.login)?;
        let listing = self.listing(terms.instrument)?;
        let asset = listing.given_by(terms.side);
        let price = terms.price.map(|price| listing.price_units(price));
        self.last_order = terms.order;
        self.batch.born.push(OrderRow::new(terms, price, account, record));
        self.balances.add(account, asset, 0, terms.reserved.0).ok_or_else(overflow)
    }

    fn restate(&mut self, restated: &Restated, time: Timestamp) -> Result<(), String> {
        let Restated { order, open, reserved, .. } = *restated;
        // Its price may be counted in other ticks; the tables count in price units, and those stay.
        self.change(order, Some(reserved), Change::Restate { open }, time)
    }

    /// Changes an order's row and what its account has reserved.
    fn change(
        &mut self,
        order: OrderId,
        reserved: Option<Amount>,
        change: Change,
        time: Timestamp,
    ) -> Result<(), String> {
        let touched = self.alter(order, reserved, change, time)?;
        let asset = self.listing(touched.instrument)?.given_by(touched.side);
        self.balances.add(touched.account, asset, 0, touched.reserved).ok_or_else(overflow)
    }

    fn trade(&mut self, executed: &Executed, record: &EventRecord) -> Result<(), String> {
        let Executed { trade, price, quantity, .. } = *executed;
        if trade.0 != self.last_trade.0 + 1 {
            return Err(format!("trade {trade} comes after trade {}", self.last_trade));
        }
        let listing = *self.listing(executed.instrument)?;
        let notional = listing.notional(price, quantity).ok_or_else(overflow)?;
        let base = listing.base_amount(quantity).ok_or_else(overflow)?;
        let fill = Change::Fill { quantity };
        let maker = self.alter(executed.maker_order, Some(executed.maker_reserved), fill, record.time)?;
        let taker = self.alter(executed.taker_order, Some(executed.taker_reserved), fill, record.time)?;
        let maker_side = executed.taker_side.opposite();
        self.settle_side(&listing, maker_side, &maker, (notional, base, executed.maker_fee))?;
        self.settle_side(&listing, executed.taker_side, &taker, (notional, base, executed.taker_fee))?;
        self.last_trade = trade;
        self.batch.trades.push(TradeRow {
            trade,
            event: record.number,
            time: record.time,
            instrument: executed.instrument,
            taker_side: executed.taker_side,
            kind: executed.kind,
            price: listing.price_units(price),
            quantity,
            notional,
            maker: TradeSide { order: executed.maker_order, account: maker.account, fee: executed.maker_fee },
            taker: TradeSide { order: executed.taker_order, account: taker.account, fee: executed.taker_fee },
        });
        Ok(())
    }

    /// Moves one side's money: `(notional, base, fee)` of the trade.
    fn settle_side(
        &mut self,
        listing: &Listing,
        side: Side,
        touched: &Touched,
        (notional, base, fee): (Amount, Amount, Amount),
    ) -> Result<(), String> {
        let Touched { account, reserved, .. } = *touched;
        let (quote_change, base_change, quote_reserved, base_reserved) = match side {
            Side::Buy => (-notional.0, base.0, reserved, 0),
            Side::Sell => (notional.0, -base.0, 0, reserved),
        };
        let paid_in = listing.fee_paid_in(side);
        let kept = |asset: AssetId, change: i64| match asset == paid_in {
            true => change.checked_sub(fee.0).ok_or_else(overflow),
            false => Ok(change),
        };
        let quote_change = kept(listing.quote, quote_change)?;
        let base_change = kept(listing.base, base_change)?;
        let quote = self.balances.add(account, listing.quote, quote_change, quote_reserved);
        let base = self.balances.add(account, listing.base, base_change, base_reserved);
        let taken = self.balances.add(AccountId::FEES, paid_in, fee.0, 0);
        quote.and(base).and(taken).ok_or_else(overflow)
    }

    fn transfer(&mut self, transfer: &Transfer, change: i64, record: &EventRecord) -> Result<(), String> {
        self.batch.rare.push(Rare::Event(*record));
        self.balances.add(transfer.account, transfer.asset, change, 0).ok_or_else(overflow)
    }

    fn account_of(&self, login: LoginId) -> Result<AccountId, String> {
        self.logins.get(login.0 as usize).copied().ok_or_else(|| format!("login {login} is unknown"))
    }

    /// Where an order of this batch stands in it.
    fn born_at(&self, order: OrderId) -> Option<usize> {
        let first = self.batch.born.first()?.order;
        usize::try_from(order.0.checked_sub(first.0)?).ok().filter(|at| *at < self.batch.born.len())
    }

    fn find(&self, order: OrderId) -> Result<&OrderRow, String> {
        let row = match self.born_at(order) {
            Some(at) => self.batch.born.get(at),
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
        if let Some(at) = self.born_at(order) {
            let row = self.batch.born.get_mut(at).filter(|row| row.open.0 > 0).ok_or_else(not_open)?;
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

fn overflow() -> String {
    "an amount does not fit".to_owned()
}

fn alter_row(
    row: &mut OrderRow,
    reserved: Option<Amount>,
    change: Change,
    time: Timestamp,
) -> Result<Touched, String> {
    match change {
        Change::Fill { quantity } => {
            let left = row.open.0.checked_sub(quantity.0).ok_or("more trades than is open")?;
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
            let gone = row.quantity.0.checked_sub(row.open.0).ok_or("more is open than was asked for")?;
            row.quantity = Quantity(gone.checked_add(open.0).ok_or_else(overflow)?);
            row.open = open;
        }
    }
    row.updated = time;
    let reserved = reserved.unwrap_or(row.reserved);
    let before = std::mem::replace(&mut row.reserved, reserved);
    let reserved = reserved.0.checked_sub(before.0).ok_or_else(overflow)?;
    Ok(Touched { account: row.account, instrument: row.instrument, side: row.side, reserved })
}

fn terms_of_accepted(e: &Accepted) -> Terms {
    Terms {
        order: e.order,
        login: e.login,
        user_ref: e.user_ref,
        instrument: e.instrument,
        side: e.side,
        time_in_force: e.time_in_force,
        price: e.price,
        quantity: e.quantity,
        reserved: e.reserved,
        echo: e.echo,
        visibility: e.visibility,
        display_quantity: e.display_quantity,
        post_only: e.post_only,
        expire_s: e.expire_s,
        state: e.state,
        replaces: None,
    }
}

fn terms_of_replaced(e: &Replaced) -> Terms {
    Terms {
        order: e.order,
        login: e.login,
        user_ref: e.user_ref,
        instrument: e.instrument,
        side: e.side,
        time_in_force: e.time_in_force,
        price: e.price,
        quantity: e.quantity,
        reserved: e.reserved,
        echo: e.echo,
        visibility: e.visibility,
        display_quantity: e.display_quantity,
        post_only: e.post_only,
        expire_s: e.expire_s,
        state: e.state,
        replaces: Some(e.orig_order),
    }
}
