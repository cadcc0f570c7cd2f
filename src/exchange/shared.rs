//! State that all instruments share: orders, names, money, accounts, and timed actions.

use super::accounts::{Account, Volumes};
use super::book::{Handle, OrderSlab};
use super::chains::{self, Chains};
use super::client_refs::{ClientRefs, NameKey};
use super::contract::{Funds, Reducing, Undo};
use super::due::Due;
use super::extras::{self, Extra, Extras};
use super::in_vain::{Terms, Vain};
use super::ledger::Ledger;
use super::positions::Positions;
use super::queue::Queue;
use super::usage::{Usage, Use};
use crate::domain::{
    AccountId, Amount, AssetId, InstrumentId, LoginId, OrderId, OrderState, Owner, PositionChanged,
    Timestamp, TradeId, UserRef, VenueLimits,
};

/// The parts of an exchange that every instrument works with.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) orders: OrderSlab,
    pub(super) extras: Extras,
    pub(super) client_refs: ClientRefs,
    pub(super) ledger: Ledger,
    /// Empty in a shard without contracts.
    pub(super) positions: Positions,
    pub(super) accounts: Vec<Account>,
    /// Kept apart from the accounts, because few accounts need it.
    pub(super) in_vain: Vain,
    /// `None` until a limit needs it.
    pub(super) usage: Option<Box<Usage>>,
    /// `None` until fee tiers depend on volume.
    pub(super) volumes: Option<Box<Volumes>>,
    pub(super) due: Due,
    pub(super) last_order: OrderId,
    pub(super) last_trade: TradeId,
    /// The time of the present command.
    pub(super) now: Timestamp,
    /// Instruments with dormant orders whose watched prices may have changed in the present command.
    pub(super) moved: Vec<InstrumentId>,
    /// Open orders of each login, over all instruments.
    pub(super) chains: Chains,
    /// Logins with orders whose cancel is delayed by a halt, sorted; may include logins whose orders are gone.
    pub(super) absent: Vec<LoginId>,
    /// The venue-wide limits, and the defaults for accounts without own limits.
    pub(super) limits: VenueLimits,
    /// The remaining work that the orders of the present command may do in vain.
    pub(super) looks_left: u32,
    /// The number of orders touched by the present part of the command.
    pub(super) touched: u32,
    /// The number of the last dry run of a match.
    pub(super) dry_runs: u64,
    pub(super) funds: Funds,
    /// The resting reduce-only orders of contracts. Derived from the orders.
    pub(super) reducing: Reducing,
    /// What a dry run of a match of a contract did, the last one last; empty between dry runs.
    pub(super) undo: Vec<Undo>,
    /// The changes of positions by the trade that is made; empty between trades.
    pub(super) changed: Vec<PositionChanged>,
    /// Lots that a dry run took from reduce-only orders of contracts; empty between dry runs.
    pub(super) lowered: Vec<(Handle, u64)>,
    /// A buffer for the queue of one price; only used during a match.
    pub(super) queue: Queue,
}

impl Shared {
    /// An empty state, with all memory for open orders allocated.
    pub(super) fn new(limits: VenueLimits, name_key: NameKey) -> Self {
        Self {
            orders: OrderSlab::new(limits.orders_max),
            extras: Extras::default(),
            client_refs: ClientRefs::new(limits.orders_max, name_key),
            ledger: Ledger::default(),
            positions: Positions::default(),
            accounts: Vec::new(),
            in_vain: Vain::default(),
            usage: None,
            volumes: None,
            due: Due::default(),
            last_order: OrderId(0),
            last_trade: TradeId(0),
            now: Timestamp::default(),
            moved: Vec::new(),
            chains: Chains::default(),
            absent: Vec::new(),
            looks_left: 0,
            touched: 0,
            dry_runs: 0,
            funds: Funds::default(),
            reducing: Reducing::default(),
            undo: Vec::new(),
            changed: Vec::new(),
            lowered: Vec::new(),
            queue: Queue::with_room(),
            limits,
        }
    }

    fn vain_terms(&self) -> Terms {
        Terms::of(self.now, &self.limits)
    }

    /// Whether an order of the account may search the book for what it may trade.
    pub(super) fn may_look(&self, account: AccountId) -> bool {
        self.in_vain.may_look(account, self.vain_terms())
    }

    /// Counts the work of an unsuccessful search by an order of the account.
    pub(super) fn looked_in_vain(&mut self, account: AccountId, touched: u32) {
        self.in_vain.looked_in_vain(account, touched, self.now);
    }

    /// Whether an order of the account may make icebergs refresh.
    pub(super) fn may_refresh(&self, account: AccountId, is_by_amount: bool) -> bool {
        self.in_vain.may_refresh(account, is_by_amount, self.vain_terms())
    }

    /// Whether a mass cancel of the account may go through its orders.
    pub(super) fn may_sweep(&self, account: AccountId) -> bool {
        self.in_vain.may_sweep(account, self.vain_terms())
    }

    /// Adds a newly opened order to its login's chain.
    #[inline]
    pub(super) fn chain(&mut self, login: LoginId, at: Handle) {
        let is_new = self.orders.hot(at).id == self.last_order;
        if is_new {
            self.chains.push(&mut self.orders, login, at);
        } else {
            self.chains.put_back(&mut self.orders, login, at);
        }
    }

    /// The login's open order with the lowest number.
    pub(super) fn first_of(&self, login: LoginId) -> Option<Handle> {
        self.chains.of(login).first()
    }

    /// The open order of the same login with the next higher number.
    pub(super) fn after_of_login(&self, at: Handle) -> Option<Handle> {
        chains::after(&self.orders, at)
    }

    pub(super) fn account(&self, account: AccountId) -> &Account {
        &self.accounts[account.0 as usize]
    }

    pub(super) fn account_mut(&mut self, account: AccountId) -> &mut Account {
        &mut self.accounts[account.0 as usize]
    }

    /// Whether two accounts count as the same owner.
    pub(super) fn same_owner(&self, one: AccountId, other: AccountId, owner: Owner) -> bool {
        one == other || self.account(one).owns_like(self.account(other), owner)
    }

    /// Counts a trade for the fee tiers of both sides, unless both are the same owner.
    pub(super) fn count_volume(
        &mut self,
        [maker, taker]: [AccountId; 2],
        (asset, amount): (AssetId, Amount),
    ) {
        if self.same_owner(maker, taker, Owner::Group) {
            return;
        }
        if let Some(volumes) = self.volumes.as_mut().filter(|volumes| volumes.tiers.asset == asset) {
            volumes.add(maker, amount);
            volumes.add(taker, amount);
        }
    }

    /// The account's usage in the instrument; empty while it is not counted.
    pub(super) fn used(&self, instrument: InstrumentId, account: AccountId) -> Use {
        let usage = self.usage.as_ref();
        usage.and_then(|usage| usage.get((instrument, account)).copied()).unwrap_or_default()
    }

    /// The live order with this client number.
    pub(super) fn named(&self, login: LoginId, user_ref: UserRef) -> Option<Handle> {
        self.client_refs.get(&self.orders, login, user_ref)
    }

    /// The number of the next dry run of a match.
    pub(super) fn next_dry_run(&mut self) -> u64 {
        self.dry_runs += 1;
        self.dry_runs
    }

    /// Counts an order touched by the present part.
    #[inline]
    pub(super) fn touch(&mut self) {
        self.touched += 1;
    }

    /// The number of the next order.
    pub(super) fn next_order(&mut self) -> OrderId {
        self.last_order = self.last_order.next();
        self.last_order
    }

    /// Whether the order waits for its trigger.
    pub(super) fn is_dormant(&self, at: Handle) -> bool {
        self.extra_of(at).is_some_and(|extra| extra.state == OrderState::Dormant)
    }

    /// The order's linked order.
    #[inline]
    pub(super) fn partner_of(&self, at: Handle) -> Option<Handle> {
        self.extra_of(at).and_then(|extra| extra.partner)
    }

    /// The order's extra, if it has one.
    #[inline]
    pub(super) fn extra_of(&self, at: Handle) -> Option<&Extra> {
        if self.orders.hot(at).flags & extras::HAS_EXTRA == 0 {
            return None;
        }
        Some(self.extras.find(self.orders.cold(at).extra).expect("it is marked to have one"))
    }

    /// Notes that an instrument's watched price may have changed.
    pub(super) fn note_moved(&mut self, instrument: InstrumentId) {
        if !self.moved.contains(&instrument) {
            self.moved.push(instrument);
        }
    }
}
