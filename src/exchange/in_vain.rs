//! Work that comes to nothing, counted by account and second (docs/RULES.md, "Work in vain").
//!
//! Work that has an effect is paid for by the orders that it meets: somebody sent them. A dry run whose order is then killed,
//! or a mass cancel that finds nothing, is paid for by nobody, and everybody else waits for it. So an account has only so much
//! of it a second. So is an iceberg that comes again and again: whoever sent it paid for it once. Nothing here is read or written for
//! an order without a minimum quantity that is not by amount and meets no iceberg.

use super::accounts::Rate;
use crate::domain::{AccountId, Timestamp, VenueLimits};

/// What one order may touch, so many times, is what an account may look at in vain in one second.
const ORDERS_A_SECOND: u32 = 10;

/// One in so many counts of the orders that a mass cancel goes through and leaves, if it cancels others: it may be meant for one
/// instrument of many.
const PART_IN_VAIN: u32 = 10;

/// An iceberg was sent once and is met as often as it has slices: what it counts when it comes again.
const OF_REFRESH: u32 = 10;

/// What an account has looked at in vain in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InVain {
    /// Levels and touches of its orders that did not trade, and icebergs that they made come again.
    pub(super) looks: Rate,
    /// Open orders that its mass cancels went through and left.
    pub(super) sweeps: Rate,
}

/// What all accounts have, and what the present command comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Vain {
    by_account: Vec<InVain>,
    /// Levels that the last amount was walked over, until its order trades.
    levels_walked: u32,
    /// Icebergs that have shown another slice since the last match began.
    pub(super) refreshes: u32,
}

/// When, and under which limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) now: Timestamp,
    /// What an account may do in vain in one second.
    most: u32,
}

impl Terms {
    pub(super) fn of(now: Timestamp, limits: &VenueLimits) -> Self {
        Self { now, most: limits.orders_touched_max.saturating_mul(ORDERS_A_SECOND) }
    }
}

impl Vain {
    /// One more account.
    pub(super) fn push(&mut self, in_vain: InVain) {
        self.by_account.push(in_vain);
    }

    /// By account.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, InVain> {
        self.by_account.iter()
    }

    /// Whether an order of the account may have the book looked through for what it may trade.
    pub(super) fn may_look(&self, account: AccountId, terms: Terms) -> bool {
        !self.by_account[account.0 as usize].looks.is_full(terms.now, terms.most)
    }

    /// Counts what an order of the account has looked at without a trade.
    pub(super) fn looked_in_vain(&mut self, account: AccountId, touched: u32, now: Timestamp) {
        self.by_account[account.0 as usize].looks.add(now, touched);
    }

    /// Counts the levels that an amount was walked over; the first trade of the order takes them back.
    pub(super) fn walked(&mut self, account: AccountId, levels: u32, now: Timestamp) {
        self.looked_in_vain(account, levels, now);
        self.levels_walked = levels;
    }

    /// An order by amount trades: its walk was not in vain.
    #[cold]
    pub(super) fn walked_for_a_trade(&mut self, account: AccountId) {
        let levels = std::mem::take(&mut self.levels_walked);
        self.by_account[account.0 as usize].looks.take_back(levels);
    }

    /// Whether an order of the account may make icebergs come again. What it has walked itself is not in vain as long as it may trade.
    pub(super) fn may_refresh(&self, account: AccountId, is_by_amount: bool, terms: Terms) -> bool {
        let mut looks = self.by_account[account.0 as usize].looks;
        if is_by_amount {
            looks.take_back(self.levels_walked);
        }
        !looks.is_full(terms.now, terms.most)
    }

    /// Counts the icebergs that show another slice because of an order of the account, but for one, which the order itself pays for.
    #[cold]
    pub(super) fn refreshed(&mut self, account: AccountId, now: Timestamp) {
        let others = self.refreshes.saturating_sub(1);
        self.looked_in_vain(account, others.saturating_mul(OF_REFRESH), now);
    }

    /// Whether a mass cancel of the account may go through its orders.
    pub(super) fn may_sweep(&self, account: AccountId, terms: Terms) -> bool {
        !self.by_account[account.0 as usize].sweeps.is_full(terms.now, terms.most)
    }

    /// A mass cancel of the account has cancelled so many orders, and gone through so many others: it counts these, and one
    /// that has cancelled any a part of them.
    pub(super) fn swept(&mut self, account: AccountId, canceled: u32, others: u32, now: Timestamp) {
        let counted = if canceled == 0 { others } else { others / PART_IN_VAIN };
        self.by_account[account.0 as usize].sweeps.add(now, counted);
    }
}

#[cfg(test)]
mod tests;
