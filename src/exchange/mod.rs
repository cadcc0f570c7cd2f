//! The pure core: commands in, events out.
//!
//! [`Exchange::apply`] does no I/O, reads no clock, uses no floating point, no hash-map order and no randomness, and
//! cannot fail: a refusal is an event. Two exchanges that were given the same commands are in the same state and
//! said the same things, on any machine. Everything here is single-threaded; whoever owns the exchange owns all of it.

mod admin;
mod audit;
mod book;
mod client_refs;
mod digest;
mod fees;
mod ledger;
mod matching;
mod orders;

pub use audit::AuditError;
pub use book::{
    Blocks, Book, Cold, Handle, Hot, LevelView, Order, OrderSlab, Place, PricePages, Prices, Ranks,
};
pub use client_refs::NameKey;
pub use digest::Digest;
pub use ledger::Balance;

use crate::domain::{
    AccountId, Amount, AssetCode, AssetId, Command, Event, InstrumentId, Listing, LoginId, OrderId, Side,
    Stamp, TradeId, UserRef,
};
use client_refs::ClientRefs;
use ledger::Ledger;

/// How much memory an exchange takes at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeLimits {
    /// Open orders, all instruments together: 1 to [`Command::ORDERS_MAX`]. One more is refused.
    pub orders_max: u32,
}

impl Default for ExchangeLimits {
    fn default() -> Self {
        Self { orders_max: 1 << 20 }
    }
}

/// An asset as the exchange knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its code.
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
}

/// A trading login as the exchange knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account that its orders are for.
    pub account: AccountId,
    /// The highest client number it has used.
    pub last_user_ref: UserRef,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    last_transfer: u64,
}

#[derive(Debug)]
struct Instrument {
    listing: Listing,
    book: Book,
}

/// The exchange: assets, accounts, instruments, books and all the money.
#[derive(Debug)]
pub struct Exchange {
    assets: Vec<Asset>,
    accounts: Vec<Account>,
    logins: Vec<Login>,
    instruments: Vec<Instrument>,
    ledger: Ledger,
    orders: OrderSlab,
    client_refs: ClientRefs,
    last_order: OrderId,
    last_trade: TradeId,
    config_digest: Option<u64>,
}

impl Exchange {
    /// An empty exchange. Takes all memory that open orders will need.
    pub fn new(limits: ExchangeLimits) -> Self {
        Self::with_name_key(limits, NameKey::default())
    }

    /// [`Exchange::new`] with a key that clients do not know, so that they cannot choose numbers that are slow to look up.
    /// No result depends on it: exchanges with different keys say and hold the same.
    pub fn with_name_key(limits: ExchangeLimits, key: NameKey) -> Self {
        Self {
            assets: Vec::new(),
            accounts: Vec::new(),
            logins: Vec::new(),
            instruments: Vec::new(),
            ledger: Ledger::default(),
            orders: OrderSlab::new(limits.orders_max),
            client_refs: ClientRefs::new(limits.orders_max, key),
            last_order: OrderId(0),
            last_trade: TradeId(0),
            config_digest: None,
        }
    }

    /// Does what the command asks or refuses it, and appends what happened to `events`.
    ///
    /// The stamp's time takes no part in matching; events get it from whoever numbers them.
    pub fn apply(&mut self, _stamp: Stamp, command: &Command, events: &mut Vec<Event>) {
        match command {
            Command::Enter(enter) => self.enter(enter, events),
            Command::Replace(replace) => self.replace(replace, events),
            Command::Cancel(cancel) => self.cancel(cancel, events),
            Command::RefuseEnter(refuse) => self.refuse_enter(refuse, events),
            Command::RefuseReplace(refuse) => self.refuse_replace(refuse, events),
            administrative => events
                .push(self.administer(administrative).unwrap_or_else(|reason| Event::Refused { reason })),
        }
    }

    /// The assets in the order of their ids.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// The logins in the order of their ids.
    pub fn logins(&self) -> &[Login] {
        &self.logins
    }

    /// How many accounts there are; their ids are 0 to one less.
    pub fn accounts_count(&self) -> usize {
        self.accounts.len()
    }

    /// The listings in the order of their ids.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.instruments.iter().map(|instrument| &instrument.listing)
    }

    /// The digest of the configuration that opened the exchange; `None` before that.
    pub fn config_digest(&self) -> Option<u64> {
        self.config_digest
    }

    /// What an account holds of an asset; `None` when there is no such account or asset.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Option<Balance> {
        let known = (account.0 as usize) < self.accounts.len() && (asset.0 as usize) < self.assets.len();
        known.then(|| self.ledger.balance(account, asset))
    }

    /// Deposits less withdrawals of an asset; `None` when there is no such asset.
    pub fn supply(&self, asset: AssetId) -> Option<Amount> {
        ((asset.0 as usize) < self.assets.len()).then(|| self.ledger.supply(asset))
    }

    /// The price levels of one side of a book, best first; nothing when there is no such instrument.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.instruments
            .get(instrument.0 as usize)
            .into_iter()
            .flat_map(move |found| found.book.levels(side, &self.orders))
    }

    /// The open orders of one side of a book in the order in which they would trade; nothing when there is no such
    /// instrument.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Order> + '_ {
        let found = self.instruments.get(instrument.0 as usize);
        found.into_iter().flat_map(move |found| found.book.orders(side, &self.orders).map(|(_, order)| order))
    }

    /// How many orders are open.
    pub fn open_orders(&self) -> usize {
        self.orders.len()
    }

    /// The number of the last trade; 0 before the first.
    pub fn last_trade(&self) -> TradeId {
        self.last_trade
    }

    /// How many orders may be open at one time.
    pub fn orders_max(&self) -> u32 {
        self.orders.capacity()
    }

    /// Takes the memory for this many open orders, and refuses one more. Open orders stay where they are.
    fn make_room(&mut self, orders_max: u32) {
        self.orders.set_capacity(orders_max);
        self.client_refs.set_capacity(orders_max);
    }

    /// The login of this id.
    fn login(&mut self, login: LoginId) -> Option<&mut Login> {
        self.logins.get_mut(login.0 as usize)
    }
}
