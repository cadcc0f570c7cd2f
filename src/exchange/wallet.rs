//! The money of orders: the ledger, and the product that says what they hold and pay. It sees no book, and moves nothing but
//! what the product says.

use super::ledger::Ledger;
use super::products::{Product, Settled, Settling};
use crate::domain::{AccountId, Amount, Fill, Posting, Side};

/// The money of one instrument's orders.
pub(super) struct Wallet<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) product: Product<'a>,
}

impl Wallet<'_> {
    /// What orders of this side hold of an account changes from `before` to `after`. It is known to be there.
    #[inline(always)]
    pub(super) fn reserve(&mut self, account: AccountId, side: Side, before: Amount, after: Amount) {
        self.ledger.reserve(account, self.product.held_in(side), after.0 - before.0);
    }

    /// Settles a fill of a resting with an incoming order. The lots of both have been lowered already.
    #[inline]
    pub(super) fn settle(&mut self, fill: &Fill, resting: Settling<'_>, incoming: Settling<'_>) -> Settled {
        let ledger = &mut *self.ledger;
        self.product.settle(fill, resting, incoming, |posting: &Posting| ledger.apply(posting))
    }
}
