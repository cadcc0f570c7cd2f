//! The exchange as a whole: what it has, and what others may look at.

use super::book::{LevelView, Order};
use super::client_refs::NameKey;
use super::instrument::Instrument;
use super::ledger::Balance;
use super::login::Login;
use super::market::Market;
use super::shared::Shared;
use super::sink::EventSink;
use super::task::Agenda;
use super::venue::{Asset, Venue};
use crate::domain::{
    AccountId, Amount, AssetId, Event, InstrumentId, Listing, OrderId, Price, RejectReason, ShardId, Side,
    TradeId, VenueLimits,
};

/// What an exchange is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// What holds until [`SetLimits`](crate::domain::VenueCommand::SetLimits) says otherwise. The memory of all open orders is taken at start.
    pub limits: VenueLimits,
    /// What scatters clients' names of orders in memory. No result depends on it; one that clients do not know keeps them
    /// from choosing numbers that are slow to find.
    pub name_key: NameKey,
}

/// The exchange, or one shard of it: assets, accounts, instruments, books and all the money. Several shards are several exchanges
/// that were given the same commands ([`super::Shards`]).
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Which shard it is.
    pub(super) id: ShardId,
    pub(super) venue: Venue,
    /// All instruments of the venue. Those of other shards are known by their terms, and are closed here.
    pub(super) instruments: Vec<Instrument>,
    pub(super) shared: Shared,
    /// What the present command has still to do: empty between commands.
    pub(super) agenda: Agenda,
    /// Whether this shard tells what came of the present command.
    pub(super) tells: bool,
    /// Whether the client's number of the present command is not above all that messages of its login have brought; false where
    /// there is one shard, which knows what became of each.
    pub(super) number_came_before: bool,
}

/// The last event of a command, `None` where it has told of all itself; or why it was refused and changed nothing.
pub(super) type Told = Result<Option<Event>, RejectReason>;

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
            number_came_before: false,
        }
    }

    /// Another shard of the same venue, in which there is nothing but shards yet.
    pub(super) fn sibling(&self, id: ShardId) -> Self {
        let mut sibling = Self { id, ..self.clone() };
        (sibling.shared.last_order, sibling.shared.last_trade) =
            (OrderId::before_first(id), TradeId::before_first(id));
        sibling
    }

    /// Tells what came of a command, if this shard is the one that does.
    pub(super) fn tell(&self, event: Event, events: &mut impl EventSink) {
        if self.tells {
            events.push(event);
        }
    }

    /// The instrument with everything that its orders touch. It exists.
    pub(super) fn market<'a, S: EventSink>(
        &'a mut self,
        instrument: InstrumentId,
        events: &'a mut S,
    ) -> Market<'a, S> {
        let instrument = &mut self.instruments[instrument.0 as usize];
        Market { instrument, shared: &mut self.shared, events }
    }

    /// The same, if it exists.
    pub(super) fn market_of<'a, S: EventSink>(
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

    /// Which shard it is.
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
