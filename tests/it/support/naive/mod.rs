//! The exchange once more, written from docs/RULES.md and with no thought of speed.
//!
//! Everything is a plain vector that is sorted and searched from its start; fees are worked out in decimal fractions, contracts
//! in exact ones (`contracts`), all other arithmetic is `i128`. It shares with the engine the values (commands, events, reasons,
//! settings) and no code that computes. Where the two disagree, one of them has misread a rule.

mod auctions;
mod changes;
mod checks;
pub mod contracts;
mod fills;
mod fund;
mod funding;
mod futures;
mod in_vain;
mod indexes;
mod logins;
mod margin_tiers;
mod marks;
mod matching;
mod money;
mod order_margin;
mod orders;
mod owners;
mod positions;
mod pots;
mod price_limits;
mod reduce_only;
mod settings;
mod settlement;
mod shards;
mod shown;
mod terms;
mod tiers;
mod transfers;
mod triggers;

pub use orders::Order;
pub use shards::NaiveVenue;

use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, AssetCode, AssetSettings, ClockCommand, Command, Event, FeeRate,
    GroupId, InstrumentId, KillScope, Listing, LoginId, OrderCommand, OrderId, OrderLimits, Phase, Price,
    Protection, Quantity, RejectReason, SelfTradePrevention, ShardId, Side, Stamp, UserRef, VenueLimits,
    Visibility, VolumeTiers,
};
use futures::Contract;
use indexes::Index;
use logins::Login;
use owners::Chosen;
use positions::Legs;
use pots::Pots;
use std::cell::Cell;
use transfers::Transfers;

const AMOUNT_MAX: i128 = i64::MAX as i128;
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
/// Orders of an instrument that may wait for a trigger.
const TRIGGERS_MAX: usize = 100_000;

#[derive(Clone)]
struct Asset {
    code: AssetCode,
    settings: AssetSettings,
    /// By account.
    held: Vec<i128>,
    /// The insurance fund, and the number of the last deposit into it.
    fund: i128,
    last_fund_reference: u64,
}

/// Orders and replaces in one second, or what was looked at in vain.
#[derive(Clone, Copy, Default)]
struct Rate {
    second: u64,
    count: u32,
}

impl Rate {
    fn in_second(self, second: u64) -> u32 {
        if self.second == second { self.count } else { 0 }
    }

    fn add(&mut self, second: u64, more: u32) {
        *self = Self { second, count: self.in_second(second) + more };
    }
}

#[derive(Clone, Default)]
struct Account {
    last_transfer: u64,
    prevention: SelfTradePrevention,
    group: GroupId,
    limits: OrderLimits,
    rate: Rate,
    /// What its orders, and its mass cancels, have looked at in vain.
    looked: Rate,
    swept: Rate,
    killed: bool,
    /// The row of the fee tables.
    tier: usize,
    /// What an operator said of it.
    assigned: Option<usize>,
    /// Day and what was traded on it.
    volumes: Vec<(u64, i128)>,
}

#[derive(Clone)]
struct Instrument {
    listing: Listing,
    /// Maker and taker of each row.
    fees: [(FeeRate, FeeRate); 8],
    protection: Protection,
    limits: OrderLimits,
    /// By account.
    rates: Vec<Rate>,
    last: Option<i128>,
    mark: Option<i128>,
    /// What the last auction or an operator set.
    reference: Option<i128>,
    /// When a volatility interruption ends.
    interrupted_until: Option<i128>,
    contract: Contract,
}

/// The naive exchange.
#[derive(Clone)]
pub struct Naive {
    now: u64,
    /// Whether it is a copy on which a minimum quantity is looked for.
    is_trial: bool,
    limits: VenueLimits,
    assets: Vec<Asset>,
    accounts: Vec<Account>,
    logins: Vec<Login>,
    instruments: Vec<Instrument>,
    indexes: Vec<Index>,
    /// The second of the last sampling tick.
    last_sampled: u64,
    /// What accounts have of contracts.
    legs: Legs,
    chosen: Chosen,
    /// What isolated positions have of their own.
    pots: Pots,
    /// All open orders of all instruments, dormant ones among them; the live ones in the order of their time priority.
    orders: Vec<Order>,
    last_order: u64,
    last_trade: u64,
    opened: bool,
    killed: bool,
    edition: u16,
    /// How many there are.
    shards: u8,
    /// Whether the venue has been sent the number of the present command, or a higher one, before.
    number_came: bool,
    session: u32,
    epoch: u64,
    copies: Vec<(LoginId, AccountId)>,
    transfers: Transfers,
    /// Which of several shards this is.
    own: ShardId,
    volume_tiers: Option<VolumeTiers>,
    day: u64,
    /// What orders of the command may still touch in vain.
    may_look: u32,
    /// Levels that an amount was last walked over.
    walked: Cell<u32>,
    /// What has happened in the command that is being applied.
    events: Vec<Event>,
}

/// An order in its book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its number.
    pub order: OrderId,
    /// Its price, ticks.
    pub price: Price,
    /// All its open lots.
    pub open: Quantity,
    /// Those that the book shows.
    pub shown: Quantity,
    /// Whether the book shows it at all.
    pub visibility: Visibility,
}

impl Naive {
    /// An empty exchange with these limits.
    pub fn new(limits: VenueLimits) -> Self {
        Self {
            now: 0,
            is_trial: false,
            limits,
            assets: Vec::new(),
            accounts: Vec::new(),
            logins: Vec::new(),
            instruments: Vec::new(),
            indexes: Vec::new(),
            last_sampled: 0,
            legs: Legs::new(),
            chosen: Chosen::default(),
            pots: Pots::new(),
            orders: Vec::new(),
            last_order: 0,
            last_trade: 0,
            opened: false,
            killed: false,
            edition: 1,
            shards: 1,
            number_came: false,
            session: 0,
            epoch: 0,
            copies: Vec::new(),
            transfers: Transfers::default(),
            own: ShardId::FIRST,
            volume_tiers: None,
            day: 0,
            may_look: 0,
            walked: Cell::new(0),
            events: Vec::new(),
        }
    }

    /// What the command does, told in events.
    pub fn apply(&mut self, stamp: Stamp, command: &Command) -> Vec<Event> {
        self.now = stamp.time.0;
        self.may_look = self.limits.orders_touched_max;
        self.what_is_due();
        self.pay_deficits();
        self.pull_triggers();
        self.begin_day();
        self.may_look = self.limits.orders_touched_max;
        self.command(command);
        self.pay_deficits();
        self.pull_triggers();
        std::mem::take(&mut self.events)
    }

    fn command(&mut self, command: &Command) {
        if self.is_ignored(command) {
            return;
        }
        match command {
            Command::Order(OrderCommand::Enter(enter)) => self.enter(enter),
            Command::Order(OrderCommand::RefuseEnter(refuse)) => self.refuse_enter(refuse),
            Command::Order(OrderCommand::Replace(replace)) => self.replace(replace),
            Command::Order(OrderCommand::RefuseReplace(refuse)) => self.refuse_replace(refuse),
            Command::Order(OrderCommand::Cancel(cancel)) => self.cancel(cancel),
            Command::Order(OrderCommand::Amend(amend)) => self.amend(amend),
            Command::Order(OrderCommand::MassCancel(mass)) => self.mass_cancel(mass),
            Command::Clock(ClockCommand::Tick) => {
                self.publish_indicative();
                self.sample();
                self.sweep();
                self.set_fundings();
            }
            Command::Order(OrderCommand::Modify(modify)) => self.modify(modify),
            Command::Order(OrderCommand::QueryAccount(query)) => self.query_account(query),
            Command::Order(OrderCommand::SetOrderEntry(set)) => self.set_order_entry(set),
            Command::Order(OrderCommand::NameOrder(name)) => self.name_order(name),
            Command::Order(OrderCommand::TransferOut(out)) => self.transfer_out(out),
            Command::Owner(command) => self.owner_sets(command),
            Command::Order(OrderCommand::SendIndex(sent)) => self.send_index(sent),
            Command::Order(OrderCommand::QueryWallet(query)) => self.query_wallet(query),
            Command::Admin(AdminCommand::TransferIn(transfer)) => self.transfer_in(*transfer, self.own),
            settings => {
                if let Err(reason) = self.set(settings) {
                    self.events.push(Event::Admin(AdminEvent::Refused { reason }));
                }
            }
        }
    }

    /// Expiries, then good-till-time orders, then dead-man's switches, then interruptions.
    fn what_is_due(&mut self) {
        self.expire();
        let now = self.now;
        let is_due = |order: &&Order| order.expire_s > 0 && u64::from(order.expire_s) * SECOND <= now;
        let mut due: Vec<_> =
            self.orders.iter().filter(is_due).map(|order| (order.expire_s, order.id)).collect();
        due.sort();
        for (_, id) in due {
            self.cancel_whole(id, dojima::domain::CancelReason::Expired);
        }
        self.let_go();
        for at in 0..self.instruments.len() {
            let id = InstrumentId(at as u32);
            let is_over = self.instruments[at].interrupted_until.is_some_and(|end| end <= i128::from(now));
            // Nothing of a contract is uncrossed while its index is stale.
            if is_over && !(self.is_contract(id) && self.is_stale(id)) {
                self.enter_phase(id, Phase::Continuous);
            }
        }
    }

    // What the tests ask.

    /// How many accounts and assets there are.
    pub fn sizes(&self) -> (usize, usize) {
        (self.accounts.len(), self.assets.len())
    }

    /// What is listed, and was.
    pub fn listings(&self) -> Vec<&Listing> {
        self.instruments.iter().map(|known| &known.listing).collect()
    }

    /// The open orders, those that wait for a trigger included, in the order of their numbers.
    pub fn open_orders(&self) -> Vec<&Order> {
        let mut open: Vec<_> = self.orders.iter().collect();
        open.sort_by_key(|order| order.id);
        open
    }

    /// One side of a book in the order in which it would trade.
    pub fn book(&self, instrument: InstrumentId, side: Side) -> Vec<Resting> {
        let resting = |order: &Order| Resting {
            order: order.id,
            price: ticks(order.limit()),
            open: lots(order.open),
            shown: lots(order.shown()),
            visibility: order.asked.visibility,
        };
        self.in_trading_order(instrument, side).into_iter().map(resting).collect()
    }

    /// The orders of an instrument that wait for a trigger, in the order of their numbers.
    pub fn dormant(&self, instrument: InstrumentId) -> Vec<OrderId> {
        let waits = |order: &&&Order| order.instrument == instrument && order.waiting.is_some();
        self.open_orders().iter().filter(waits).map(|order| order.id).collect()
    }

    /// What an instrument does at present.
    pub fn phase(&self, instrument: InstrumentId) -> Phase {
        self.instrument(instrument).listing.phase
    }

    /// Last trade, mark and reference price, ticks.
    pub fn prices(&self, instrument: InstrumentId) -> [Option<Price>; 3] {
        let Instrument { last, mark, reference, .. } = self.instrument(instrument);
        [last, mark, reference].map(|price| price.map(ticks))
    }

    /// What would be if the orders had been others. What is held for them is not looked at again.
    pub fn change_orders(&mut self, change: impl Fn(&mut Order)) {
        self.orders.iter_mut().for_each(change);
    }

    // What the other files ask.

    fn instrument(&self, instrument: InstrumentId) -> &Instrument {
        &self.instruments[instrument.0 as usize]
    }

    fn instrument_mut(&mut self, instrument: InstrumentId) -> &mut Instrument {
        &mut self.instruments[instrument.0 as usize]
    }

    fn listing(&self, instrument: InstrumentId) -> &Listing {
        &self.instrument(instrument).listing
    }

    fn account(&self, account: AccountId) -> &Account {
        &self.accounts[account.0 as usize]
    }

    fn account_of(&self, login: LoginId) -> AccountId {
        self.logins[login.0 as usize].account
    }

    /// An order's place in the vector.
    fn find(&self, id: OrderId) -> Option<usize> {
        self.orders.iter().position(|order| order.id == id)
    }

    fn find_named(&self, login: LoginId, user_ref: UserRef) -> Option<usize> {
        self.orders.iter().position(|order| order.login == login && order.user_ref == user_ref)
    }

    /// The live orders of one side: price, then displayed before hidden, then time.
    fn in_trading_order(&self, instrument: InstrumentId, side: Side) -> Vec<&Order> {
        let of_it = |o: &&Order| o.instrument == instrument && o.side == side && o.waiting.is_none();
        let mut found: Vec<_> = self.orders.iter().filter(of_it).collect();
        // A stable sort: what came to rest first stays first.
        found.sort_by_key(|order| {
            let price = if side == Side::Buy { -order.limit() } else { order.limit() };
            (price, !order.is_displayed())
        });
        found
    }

    fn best(&self, instrument: InstrumentId, side: Side) -> Option<i128> {
        self.in_trading_order(instrument, side).first().map(|order| order.limit())
    }

    /// Whether a kill switch stops the account.
    fn killed(&self, account: AccountId) -> Result<(), RejectReason> {
        if self.killed {
            return Err(RejectReason::VenueKilled);
        }
        if self.account(account).killed { Err(RejectReason::AccountKilled) } else { Ok(()) }
    }

    fn covers(scope: KillScope, order: &Order) -> bool {
        match scope {
            KillScope::Venue => true,
            KillScope::Account(account) => order.account == account,
        }
    }
}

/// An amount that is known to fit.
fn amount(value: i128) -> dojima::domain::Amount {
    dojima::domain::Amount(i64::try_from(value).expect("no amount passes 2^63 - 1"))
}

fn lots(value: i128) -> Quantity {
    Quantity(u64::try_from(value).expect("no quantity is negative"))
}

fn ticks(value: i128) -> Price {
    Price(i64::try_from(value).expect("a price fits"))
}
