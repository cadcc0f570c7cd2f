//! The money of an instrument's orders: the ledger, and the product with the rules of reserves and payments. It has no
//! access to the book, and moves only what the product determines.

use super::ledger::Ledger;
use super::products::{Product, Settled, Settling};
use crate::domain::{AccountId, Amount, Fill, Posting, Side};

/// The money of one instrument's orders.
pub(super) struct Wallet<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) product: Product<'a>,
}

impl Wallet<'_> {
    /// Changes the reserve of an account's orders of this side from `before` to `after`. The balance is known to
    /// suffice.
    #[inline(always)]
    pub(super) fn reserve(&mut self, account: AccountId, side: Side, before: Amount, after: Amount) {
        let (asset, change) = (self.product.held_in(side), after.0 - before.0);
        if self.product.is_contract() {
            self.ledger.hold(account, asset, change);
        } else {
            self.ledger.reserve(account, asset, change);
        }
    }

    /// Settles a fill between a resting and an incoming order. The open lots of both were already decreased.
    #[inline]
    pub(super) fn settle(&mut self, fill: &Fill, resting: Settling<'_>, incoming: Settling<'_>) -> Settled {
        let ledger = &mut *self.ledger;
        let settled = self.product.settle(fill, resting, incoming, |posting: &Posting| ledger.apply(posting));
        settled.expect("trades of contracts are booked into positions")
    }
}
