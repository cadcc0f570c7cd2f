//! The exchange as a whole: its state and the read access to it.

use super::book::{LevelView, Order};
use super::client_refs::NameKey;
use super::contract::Contracts;
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

/// The parameters of a new exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// The limits until [`SetLimits`](crate::domain::VenueCommand::SetLimits) changes them. The memory for all open
    /// orders is allocated at the start.
    pub limits: VenueLimits,
    /// The hash key for client order names. It affects no result. Clients must not know it; otherwise they could choose
    /// numbers that are slow to find.
    pub name_key: NameKey,
}

/// The exchange, or one shard of it: assets, accounts, instruments, books and money. A venue with several shards has
/// one exchange per shard, all given the same commands ([`super::Shards`]).
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The shard.
    pub(super) id: ShardId,
    pub(super) venue: Venue,
    /// All instruments of the venue. For those of other shards this shard has only the terms, and they are closed here.
    pub(super) instruments: Vec<Instrument>,
    pub(super) contracts: Contracts,
    pub(super) shared: Shared,
    /// The remaining work of the present command; empty between commands.
    pub(super) agenda: Agenda,
    /// Whether this shard emits the result of the present command.
    pub(super) tells: bool,
    /// Whether the present command's client number is not above all numbers in its login's earlier messages. False if
    /// there is one shard, which knows the outcome of each number.
    pub(super) number_came_before: bool,
}

/// The last event of a command; `None` if it has emitted all its events itself. Or the reason why it was refused and
/// changed nothing.
pub(super) type Told = Result<Option<Event>, RejectReason>;

impl Exchange {
    /// An empty exchange with all memory for open orders allocated.
    pub fn new(ExchangeLimits { limits, name_key }: ExchangeLimits) -> Self {
        Self {
            id: ShardId::FIRST,
            venue: Venue::default(),
            instruments: Vec::new(),
            contracts: Contracts::default(),
            shared: Shared::new(limits, name_key),
            agenda: Agenda::default(),
            tells: true,
            number_came_before: false,
        }
    }

    /// Another shard of the same venue, while nothing but shards exists.
    pub(super) fn sibling(&self, id: ShardId) -> Self {
        let mut sibling = Self { id, ..self.clone() };
        (sibling.shared.last_order, sibling.shared.last_trade) =
            (OrderId::before_first(id), TradeId::before_first(id));
        sibling
    }

    /// Emits the result of a command, if this shard is the one that does.
    pub(super) fn tell(&self, event: Event, events: &mut impl EventSink) {
        if self.tells {
            events.push(event);
        }
    }

    /// The instrument with everything that its orders touch. It must exist.
    pub(super) fn market<'a, S: EventSink>(
        &'a mut self,
        instrument: InstrumentId,
        events: &'a mut S,
    ) -> Market<'a, S> {
        let instrument = &mut self.instruments[instrument.0 as usize];
        Market { instrument, shared: &mut self.shared, events }
    }

    /// The same; `None` if it does not exist.
    pub(super) fn market_of<'a, S: EventSink>(
        &'a mut self,
        instrument: InstrumentId,
        events: &'a mut S,
    ) -> Option<Market<'a, S>> {
        let instrument = self.instruments.get_mut(instrument.0 as usize)?;
        Some(Market { instrument, shared: &mut self.shared, events })
    }

    /// Touches the memory for open orders in advance, so that no order causes page faults. About 30 ms for a million
    /// orders.
    pub fn warm(&mut self) {
        /// A lower bound for the average number of open orders per page of prices in realistic books.
        const ORDERS_PER_PAGE: u32 = 32;
        self.shared.orders.warm(self.shared.orders.capacity() / ORDERS_PER_PAGE);
    }

    /// The assets by id.
    pub fn assets(&self) -> &[Asset] {
        &self.venue.assets
    }

    /// The logins by id.
    pub fn logins(&self) -> &[Login] {
        &self.venue.logins
    }

    /// The number of accounts; their ids are 0 to one less.
    pub fn accounts_count(&self) -> usize {
        self.shared.accounts.len()
    }

    /// The listings by id.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.instruments.iter().map(|instrument| &instrument.listing)
    }

    /// The terms of an instrument, as this shard knows them; `None` if it does not exist.
    pub fn listing(&self, instrument: InstrumentId) -> Option<&Listing> {
        self.instruments.get(instrument.0 as usize).map(|found| &found.listing)
    }

    /// The shard.
    pub fn shard(&self) -> ShardId {
        self.id
    }

    /// The number of shards of the venue.
    pub fn shards(&self) -> usize {
        usize::from(self.venue.shards)
    }

    /// The digest of the configuration that opened the exchange; `None` before that.
    pub fn config_digest(&self) -> Option<u64> {
        self.venue.config_digest
    }

    /// An account's balance of an asset; `None` if the account or asset does not exist.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Option<Balance> {
        let known =
            (account.0 as usize) < self.shared.accounts.len() && (asset.0 as usize) < self.venue.assets.len();
        known.then(|| self.shared.ledger.balance(account, asset))
    }

    /// Deposits minus withdrawals of an asset; `None` if the asset does not exist.
    pub fn supply(&self, asset: AssetId) -> Option<Amount> {
        ((asset.0 as usize) < self.venue.assets.len()).then(|| self.shared.ledger.supply(asset))
    }

    /// The displayed price levels of one side of a book, best first; empty if the instrument does not exist.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let found = self.instruments.get(instrument.0 as usize);
        found.into_iter().flat_map(move |found| found.book.levels(side, &self.shared.orders))
    }

    /// The open orders of one side of a book, displayed and hidden, in trading order; empty if the instrument does not
    /// exist.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Order> + '_ {
        let found = self.instruments.get(instrument.0 as usize);
        let orders = found.into_iter().flat_map(move |found| found.book.orders(side, &self.shared.orders));
        orders.map(|(_, order)| order)
    }

    /// The orders of an instrument that wait for their triggers, by number; empty if the instrument does not exist.
    pub fn dormant(&self, instrument: InstrumentId) -> impl Iterator<Item = Order> + '_ {
        let triggers = self.instruments.get(instrument.0 as usize).and_then(|found| found.triggers.as_ref());
        let handles = triggers.into_iter().flat_map(|triggers| triggers.handles(&self.shared.extras));
        handles.map(|handle| self.shared.orders.get(handle))
    }

    /// The open lots of an order, including an iceberg's lots that are not displayed.
    pub fn open_lots(&self, order: &Order) -> crate::domain::Quantity {
        let rest = self.shared.extras.find(order.extra).map_or(0, |extra| extra.rest);
        crate::domain::Quantity(order.open.0 + rest)
    }

    /// Last trade, mark and reference price of an instrument.
    pub fn prices(&self, instrument: InstrumentId) -> [Option<Price>; 3] {
        let found = self.instruments.get(instrument.0 as usize);
        found.map_or([None; 3], |found| [found.last, found.mark, found.reference])
    }

    /// The number of open orders.
    pub fn open_orders(&self) -> usize {
        self.shared.orders.len()
    }

    /// The number of the last trade; 0 before the first.
    pub fn last_trade(&self) -> TradeId {
        self.shared.last_trade
    }

    /// The venue-wide limits, and the defaults for accounts without own limits.
    pub fn limits(&self) -> &VenueLimits {
        &self.shared.limits
    }
}
