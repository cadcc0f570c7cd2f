//! The pure core: commands in, events out.
//!
//! [`Exchange::apply`] does no I/O, reads no clock, uses no floating point, no hash-map order and no randomness, and
//! cannot fail: a refusal is an event. Two exchanges that were given the same commands are in the same state and
//! said the same things, on any machine. Everything here is single-threaded; whoever owns the exchange owns all of it.

mod absent;
mod accounts;
mod admin;
mod agenda;
mod assets;
mod auction;
mod audit;
mod book;
mod chains;
mod changes;
mod checks;
mod chunks;
mod client_refs;
mod digest;
mod due;
mod extras;
mod foresight;
mod in_vain;
mod instrument;
mod ledger;
mod logins;
mod market;
mod mass;
mod match_end;
mod matching;
mod orders;
mod products;
mod queue;
mod rounds;
mod routing;
mod settings;
mod settlement;
mod shards;
mod shared;
mod sink;
pub mod snapshot;
mod spending;
mod standing;
#[cfg(test)]
mod steps;
mod taker;
mod timely;
mod tournament;
mod triggers;
mod usage;
mod venue;
mod wallet;

pub use agenda::Progress;
pub use audit::AuditError;
pub use book::{
    Blocks, Book, Cold, Handle, Hot, LevelView, Order, OrderSlab, Place, PricePages, Prices, Ranks,
};
pub use client_refs::NameKey;
pub use digest::Digest;
pub use foresight::FORESEEN;
pub use ledger::Balance;
pub use logins::Login;
pub use shards::Shards;
pub use sink::EventSink;
pub use triggers::TRIGGERS_MAX;

use crate::domain::{
    AccountId, AdminEvent, Amount, AssetCode, AssetId, ClockCommand, Command, Event, InstrumentId, Listing,
    OrderCommand, OrderId, Price, RejectReason, ShardId, Side, Stamp, Switch, TradeId, VenueLimits,
};
use accounts::Account;
use agenda::Agenda;
use instrument::Instrument;
use market::Market;
use shared::Shared;
use venue::Venue;

/// What an exchange is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// What holds until [`SetLimits`](crate::domain::VenueCommand::SetLimits) says otherwise. The memory of all open orders is taken at start.
    pub limits: VenueLimits,
    /// What scatters clients' names of orders in memory. No result depends on it; one that clients do not know keeps them
    /// from choosing numbers that are slow to find.
    pub name_key: NameKey,
}

/// An asset as the exchange knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
    /// Whether deposits are taken.
    pub deposits: Switch,
    /// Whether withdrawals are made.
    pub withdrawals: Switch,
    /// Smallest deposit.
    pub min_deposit: Amount,
    /// Smallest withdrawal.
    pub min_withdrawal: Amount,
}

/// The exchange, or one shard of it: assets, accounts, instruments, books and all the money. Several shards are several exchanges
/// that were given the same commands ([`Shards`]).
#[derive(Clone, Debug)]
pub struct Exchange {
    id: ShardId,
    venue: Venue,
    /// All instruments of the venue. Those of other shards are known by their terms, and are closed here.
    instruments: Vec<Instrument>,
    shared: Shared,
    /// What the present command has still to do: empty between commands.
    agenda: Agenda,
    /// Whether this shard tells what came of the present command.
    tells: bool,
}

/// The last event of a command, `None` where it has told of all itself; or why it was refused and changed nothing.
type Told = Result<Option<Event>, RejectReason>;

impl Exchange {
    /// An empty exchange. Takes all memory that open orders will need.
    pub fn new(ExchangeLimits { limits, name_key }: ExchangeLimits) -> Self {
        Self {
            id: ShardId::FIRST,
            venue: Venue::default(),
            instruments: Vec::new(),
            shared: Shared::new(limits, name_key),
            agenda: Agenda::default(),
            tells: true,
        }
    }

    /// Another shard of the same venue, in which there is nothing but shards yet.
    fn sibling(&self, id: ShardId) -> Self {
        let mut sibling = Self { id, ..self.clone() };
        (sibling.shared.last_order, sibling.shared.last_trade) =
            (OrderId::before_first(id), TradeId::before_first(id));
        sibling
    }

    /// What the command itself asks for.
    #[deny(clippy::wildcard_enum_match_arm)]
    fn perform(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) {
        if self.venue.shards > 1 && self.passes(command) {
            return;
        }
        let told = match command {
            Command::Order(command) => return self.serve(command, events),
            Command::Venue(command) => self.govern(stamp, command, events),
            Command::Admin(command) => self.administer(command, events),
            Command::Clock(ClockCommand::Tick) => return self.indicate(InstrumentId(0)),
        };
        match told {
            Ok(Some(event)) => self.tell(event, events),
            Ok(None) => {}
            Err(reason) => self.tell(Event::Admin(AdminEvent::Refused { reason }), events),
        }
    }

    /// Tells what came of a command, if this shard is the one that does.
    fn tell(&self, event: Event, events: &mut impl EventSink) {
        if self.tells {
            events.push(event);
        }
    }

    /// Does what concerns orders, and tells of it.
    #[deny(clippy::wildcard_enum_match_arm)]
    #[inline]
    fn serve(&mut self, command: &OrderCommand, events: &mut impl EventSink) {
        if let Some(sender) = command.sender()
            && !self.is_of_session(&sender)
        {
            return self.ignore(sender, events);
        }
        match command {
            OrderCommand::Enter(enter) => self.enter(enter, events),
            OrderCommand::Replace(replace) => self.replace(replace, events),
            OrderCommand::Cancel(cancel) => self.cancel(cancel, events),
            OrderCommand::Amend(amend) => self.amend(amend, events),
            OrderCommand::RefuseEnter(refuse) => self.refuse_enter(refuse, events),
            OrderCommand::RefuseReplace(refuse) => self.refuse_replace(refuse, events),
            OrderCommand::MassCancel(mass) => self.mass_cancel(mass, events),
            OrderCommand::CancelOrder { order } => self.cancel_order(*order, events),
            OrderCommand::Modify(modify) => self.modify(modify, events),
            OrderCommand::QueryAccount(query) => self.query_account(query, events),
            OrderCommand::SetOrderEntry(set) => self.set_order_entry(set, events),
            OrderCommand::NameOrder(name) => self.name_order(name, events),
            OrderCommand::CancelLogin { login, cause } => self.cancel_login(*login, *cause, events),
        }
    }

    /// Releases the next order whose trigger has come, instrument by instrument, and goes on in the same part while it may.
    #[cold]
    fn release_moved(&mut self, events: &mut impl EventSink) {
        let Some(instrument) = self.shared.moved.iter().min().copied() else { return };
        // A release may move prices further, of this instrument alone.
        if !self.market(instrument, events).release_next() {
            self.shared.moved.retain(|moved| *moved != instrument);
        }
        if !self.shared.moved.is_empty() {
            self.agenda.push(agenda::Task::Release);
        }
    }

    /// The instrument with everything that its orders touch. It exists.
    fn market<'a, S: EventSink>(&'a mut self, instrument: InstrumentId, events: &'a mut S) -> Market<'a, S> {
        let instrument = &mut self.instruments[instrument.0 as usize];
        Market { instrument, shared: &mut self.shared, events }
    }

    /// The same, if it exists.
    fn market_of<'a, S: EventSink>(
        &'a mut self,
        instrument: InstrumentId,
        events: &'a mut S,
    ) -> Option<Market<'a, S>> {
        let instrument = self.instruments.get_mut(instrument.0 as usize)?;
        Some(Market { instrument, shared: &mut self.shared, events })
    }

    /// Touches the memory that open orders will need, so that no order is the first to. About 30 ms for a million orders.
    pub fn warm(&mut self) {
        /// Open orders a page of prices has on average, or more, in books as exchanges have them.
        const ORDERS_PER_PAGE: u32 = 32;
        self.shared.orders.warm(self.shared.orders.capacity() / ORDERS_PER_PAGE);
    }

    /// The assets in the order of their ids.
    pub fn assets(&self) -> &[Asset] {
        &self.venue.assets
    }

    /// The logins in the order of their ids.
    pub fn logins(&self) -> &[Login] {
        &self.venue.logins
    }

    /// How many accounts there are; their ids are 0 to one less.
    pub fn accounts_count(&self) -> usize {
        self.shared.accounts.len()
    }

    /// The listings in the order of their ids.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.instruments.iter().map(|instrument| &instrument.listing)
    }

    /// The terms of an instrument, as this shard knows them; `None` when there is no such instrument.
    pub fn listing(&self, instrument: InstrumentId) -> Option<&Listing> {
        self.instruments.get(instrument.0 as usize).map(|found| &found.listing)
    }

    pub fn shard(&self) -> ShardId {
        self.id
    }

    /// How many shards the venue has.
    pub fn shards(&self) -> usize {
        usize::from(self.venue.shards)
    }

    /// The digest of the configuration that opened the exchange; `None` before that.
    pub fn config_digest(&self) -> Option<u64> {
        self.venue.config_digest
    }

    /// What an account holds of an asset; `None` when there is no such account or asset.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Option<Balance> {
        let known =
            (account.0 as usize) < self.shared.accounts.len() && (asset.0 as usize) < self.venue.assets.len();
        known.then(|| self.shared.ledger.balance(account, asset))
    }

    /// Deposits less withdrawals of an asset; `None` when there is no such asset.
    pub fn supply(&self, asset: AssetId) -> Option<Amount> {
        ((asset.0 as usize) < self.venue.assets.len()).then(|| self.shared.ledger.supply(asset))
    }

    /// The displayed price levels of one side of a book, best first; nothing when there is no such instrument.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let found = self.instruments.get(instrument.0 as usize);
        found.into_iter().flat_map(move |found| found.book.levels(side, &self.shared.orders))
    }

    /// The open orders of one side of a book, displayed and hidden, in the order in which they would trade; nothing when
    /// there is no such instrument.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Order> + '_ {
        let found = self.instruments.get(instrument.0 as usize);
        let orders = found.into_iter().flat_map(move |found| found.book.orders(side, &self.shared.orders));
        orders.map(|(_, order)| order)
    }

    /// The orders of an instrument that wait for their triggers, by their numbers; nothing when there is no such instrument.
    pub fn dormant(&self, instrument: InstrumentId) -> impl Iterator<Item = Order> + '_ {
        let triggers = self.instruments.get(instrument.0 as usize).and_then(|found| found.triggers.as_ref());
        let handles = triggers.into_iter().flat_map(|triggers| triggers.handles(&self.shared.extras));
        handles.map(|handle| self.shared.orders.get(handle))
    }

    /// Lots of an order that are open, those of an iceberg that are not shown included.
    pub fn open_lots(&self, order: &Order) -> crate::domain::Quantity {
        let rest = self.shared.extras.find(order.extra).map_or(0, |extra| extra.rest);
        crate::domain::Quantity(order.open.0 + rest)
    }

    /// Last trade, mark and reference price of an instrument.
    pub fn prices(&self, instrument: InstrumentId) -> [Option<Price>; 3] {
        let found = self.instruments.get(instrument.0 as usize);
        found.map_or([None; 3], |found| [found.last, found.mark, found.reference])
    }

    /// How many orders are open.
    pub fn open_orders(&self) -> usize {
        self.shared.orders.len()
    }

    /// The number of the last trade; 0 before the first.
    pub fn last_trade(&self) -> TradeId {
        self.shared.last_trade
    }

    /// What the exchange holds at most, and what holds for accounts that have no limits of their own.
    pub fn limits(&self) -> &VenueLimits {
        &self.shared.limits
    }
}
