//! What accounts may look at without anything coming of it.

use super::orders::Order;
use super::{Naive, Rate, SECOND};
use dojima::domain::{AccountId, Event, LoginId, OrderEvent, RestateReason};

impl Naive {
    fn left_of(&self, rate: Rate) -> bool {
        rate.in_second(self.now / SECOND) < 10 * self.limits.orders_touched_max
    }

    /// Whether an order of the account may look before it trades.
    pub(super) fn looks_are_left(&self, account: AccountId) -> bool {
        self.left_of(self.account(account).looked)
    }

    /// Whether a mass cancel of the account may look at its orders.
    pub(super) fn sweeps_are_left(&self, account: AccountId) -> bool {
        self.left_of(self.account(account).swept)
    }

    /// An order of the account has looked at so much and did not trade.
    pub(super) fn looked_in_vain(&mut self, account: AccountId, much: u32) {
        let second = self.now / SECOND;
        self.accounts[account.0 as usize].looked.add(second, much);
    }

    /// An amount that was walked over levels has come to nothing.
    pub(super) fn walked_in_vain(&mut self, account: AccountId) {
        let levels = self.walked.take();
        self.looked_in_vain(account, levels);
    }

    /// An order is done with its match: whether an amount was for nothing, and which icebergs came again, is told by the events from
    /// here on.
    pub(super) fn after_match(&mut self, order: &Order, from: usize) {
        let is_trade = |event: &Event| matches!(event, Event::Order(OrderEvent::Executed(trade)) if trade.taker_order == order.id);
        if order.money.is_some() && !self.events[from..].iter().any(is_trade) {
            self.walked_in_vain(order.account);
        }
        // Icebergs that show another slice: one is the order's own due.
        let comes_again = |event: &&Event| matches!(event, Event::Order(OrderEvent::Restated(told)) if told.reason == RestateReason::Refreshed);
        let again = self.events[from..].iter().filter(comes_again).count() as u32;
        if again > 1 {
            self.looked_in_vain(order.account, 10 * (again - 1));
        }
    }

    /// A mass cancel looked at all orders of the account, or of the login that it named. Those that it left count: all of them,
    /// if it cancelled nothing, else one in ten.
    pub(super) fn swept(&mut self, account: AccountId, login: Option<LoginId>, canceled: u32) {
        let of_it =
            |order: &&Order| order.account == account && login.is_none_or(|login| order.login == login);
        let left = self.orders.iter().filter(of_it).count() as u32;
        let counted = if canceled > 0 { left / 10 } else { left };
        let second = self.now / SECOND;
        self.accounts[account.0 as usize].swept.add(second, counted);
    }

    /// Whether the account's orders, and its mass cancels, have looked in vain at as much as they may in the second of this time.
    pub fn is_at_its_limit(&self, account: AccountId, now: u64) -> [bool; 2] {
        let Some(known) = self.accounts.get(account.0 as usize) else { return [false; 2] };
        let most = 10 * self.limits.orders_touched_max;
        [known.looked, known.swept].map(|rate| rate.in_second(now / SECOND) >= most)
    }
}
