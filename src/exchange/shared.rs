//! What all instruments share: orders, names, money, accounts, and what is due.

use super::accounts::{Account, Volumes};
use super::book::{Handle, OrderSlab};
use super::client_refs::ClientRefs;
use super::due::Due;
use super::extras::Extras;
use super::ledger::Ledger;
use super::usage::{Usage, Use};
use crate::domain::{
    AccountId, Amount, AssetId, InstrumentId, LoginId, OrderId, Owner, Timestamp, TradeId, UserRef,
    VenueLimits,
};

/// The parts of an exchange that every instrument works with.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) orders: OrderSlab,
    pub(super) extras: Extras,
    pub(super) client_refs: ClientRefs,
    pub(super) ledger: Ledger,
    pub(super) accounts: Vec<Account>,
    /// `None` until a limit needs it.
    pub(super) usage: Option<Box<Usage>>,
    /// `None` until tiers follow volume.
    pub(super) volumes: Option<Box<Volumes>>,
    pub(super) due: Due,
    pub(super) last_order: OrderId,
    pub(super) last_trade: TradeId,
    /// The time of the present command.
    pub(super) now: Timestamp,
    /// Instruments with dormant orders whose watched prices may have changed in the present command.
    pub(super) moved: Vec<InstrumentId>,
    /// Open orders of each login, in all instruments.
    pub(super) login_orders: Vec<u32>,
    /// The logins that have orders whose cancel a halt holds up, sorted; some whose orders are gone may be among them.
    pub(super) absent: Vec<LoginId>,
    /// The edition of the rules.
    pub(super) rules: u16,
    /// What the exchange holds at most, and what holds for accounts that have no limits of their own.
    pub(super) limits: VenueLimits,
    /// Orders that the present part of the command has touched.
    pub(super) touched: u32,
}

impl Shared {
    pub(super) fn account(&self, account: AccountId) -> &Account {
        &self.accounts[account.0 as usize]
    }

    pub(super) fn account_mut(&mut self, account: AccountId) -> &mut Account {
        &mut self.accounts[account.0 as usize]
    }

    /// Whether two accounts count as one owner.
    pub(super) fn same_owner(&self, one: AccountId, other: AccountId, owner: Owner) -> bool {
        one == other || self.account(one).owns_like(self.account(other), owner)
    }

    /// Counts a trade for the tiers of both sides, unless they are one owner: trading with oneself earns nothing.
    pub(super) fn count_volume(&mut self, [maker, taker]: [AccountId; 2], quote: AssetId, notional: Amount) {
        if self.same_owner(maker, taker, Owner::Group) {
            return;
        }
        if let Some(volumes) = self.volumes.as_mut().filter(|volumes| volumes.tiers.asset == quote) {
            volumes.add(maker, notional);
            volumes.add(taker, notional);
        }
    }

    /// What the account does in the instrument; nothing while it is not counted.
    pub(super) fn used(&self, instrument: InstrumentId, account: AccountId) -> Use {
        let usage = self.usage.as_ref();
        usage.and_then(|usage| usage.get((instrument, account)).copied()).unwrap_or_default()
    }

    /// The live order of a client's number.
    pub(super) fn named(&self, login: LoginId, user_ref: UserRef) -> Option<Handle> {
        self.client_refs.get(&self.orders, login, user_ref)
    }

    /// The most orders that one order touches when it is matched, and that one part of a command touches.
    pub(super) fn orders_touched_max(&self) -> u32 {
        5_000
    }

    /// Counts an order that the present part has touched.
    #[inline]
    pub(super) fn touch(&mut self) {
        self.touched += 1;
    }

    /// The number of the next order.
    pub(super) fn next_order(&mut self) -> OrderId {
        self.last_order = OrderId(self.last_order.0 + 1);
        self.last_order
    }

    /// Whether the order of this number still stands at this handle.
    pub(super) fn is_live(&self, handle: Handle, id: OrderId) -> bool {
        self.orders.find(handle.slot(), id).is_some()
    }

    /// Notes that an instrument's watched price may have changed.
    pub(super) fn note_moved(&mut self, instrument: InstrumentId) {
        if !self.moved.contains(&instrument) {
            self.moved.push(instrument);
        }
    }
}
