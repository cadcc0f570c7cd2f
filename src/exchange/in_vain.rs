//! Work without effect, counted by account and second (docs/RULES.md, "Work in vain").
//!
//! Work with an effect is limited by the orders that it meets, because clients had to send them. A dry run whose order
//! is then cancelled, or a mass cancel that finds nothing, has no such limit, and all other clients wait for it. So
//! each account may cause only a limited amount of it per second. The same holds for an iceberg that refreshes again
//! and again: it was sent only once. None of this affects orders without a minimum quantity and without an amount that
//! meet no iceberg.

use super::accounts::Rate;
use crate::domain::{AccountId, Timestamp, VenueLimits};

/// An account may work in vain, per second, this many times what one order may touch.
const ORDERS_A_SECOND: u32 = 10;

/// If a mass cancel cancels some orders, one in this many of the orders that it passed over counts: it may be meant for
/// one instrument of many.
const PART_IN_VAIN: u32 = 10;

/// How much a refresh of an iceberg counts: the iceberg was sent once and is met once per slice.
const OF_REFRESH: u32 = 10;

/// An account's work in vain in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InVain {
    /// Levels and touches of its orders that did not trade, and refreshes that they caused.
    pub(super) looks: Rate,
    /// Open orders that its mass cancels passed over.
    pub(super) sweeps: Rate,
}

/// The counts of all accounts, and the work of the present command.
#[derive(Clone, Debug, Default)]
pub(super) struct Vain {
    by_account: Vec<InVain>,
    /// Levels searched for the last amount, until its order trades.
    levels_walked: u32,
    /// Icebergs that have refreshed since the last match began.
    pub(super) refreshes: u32,
}

/// The time and the limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) now: Timestamp,
    /// The most work in vain of an account in one second.
    most: u32,
}

impl Terms {
    pub(super) fn of(now: Timestamp, limits: &VenueLimits) -> Self {
        Self { now, most: limits.orders_touched_max.saturating_mul(ORDERS_A_SECOND) }
    }
}

impl Vain {
    /// Adds an account.
    pub(super) fn push(&mut self, in_vain: InVain) {
        self.by_account.push(in_vain);
    }

    /// By account.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, InVain> {
        self.by_account.iter()
    }

    /// Whether an order of the account may search the book for what it may trade.
    pub(super) fn may_look(&self, account: AccountId, terms: Terms) -> bool {
        !self.by_account[account.0 as usize].looks.is_full(terms.now, terms.most)
    }

    /// Counts the work of an unsuccessful search by an order of the account.
    pub(super) fn looked_in_vain(&mut self, account: AccountId, touched: u32, now: Timestamp) {
        self.by_account[account.0 as usize].looks.add(now, touched);
    }

    /// Counts the levels searched for an amount; the order's first trade takes them back.
    pub(super) fn walked(&mut self, account: AccountId, levels: u32, now: Timestamp) {
        self.looked_in_vain(account, levels, now);
        self.levels_walked = levels;
    }

    /// An order by amount trades, so its search was not in vain.
    #[cold]
    pub(super) fn walked_for_a_trade(&mut self, account: AccountId) {
        let levels = std::mem::take(&mut self.levels_walked);
        self.by_account[account.0 as usize].looks.take_back(levels);
    }

    /// Whether an order of the account may make icebergs refresh. Its own search does not count as in vain while it may
    /// still trade.
    pub(super) fn may_refresh(&self, account: AccountId, is_by_amount: bool, terms: Terms) -> bool {
        let mut looks = self.by_account[account.0 as usize].looks;
        if is_by_amount {
            looks.take_back(self.levels_walked);
        }
        !looks.is_full(terms.now, terms.most)
    }

    /// Counts the refreshes caused by an order of the account, except one, which the order itself accounts for.
    #[cold]
    pub(super) fn refreshed(&mut self, account: AccountId, now: Timestamp) {
        let others = self.refreshes.saturating_sub(1);
        self.looked_in_vain(account, others.saturating_mul(OF_REFRESH), now);
    }

    /// Whether a mass cancel of the account may go through its orders.
    pub(super) fn may_sweep(&self, account: AccountId, terms: Terms) -> bool {
        !self.by_account[account.0 as usize].sweeps.is_full(terms.now, terms.most)
    }

    /// Counts a mass cancel of the account that passed over `others` orders: all of them, or a part of them if it
    /// cancelled any.
    pub(super) fn swept(&mut self, account: AccountId, canceled: u32, others: u32, now: Timestamp) {
        let counted = if canceled == 0 { others } else { others / PART_IN_VAIN };
        self.by_account[account.0 as usize].sweeps.add(now, counted);
    }
}

#[cfg(test)]
mod tests;
