//! How orders enter, change and leave a book. This code has access only to the book, the slab of orders and their
//! extras: it handles no money, counts nothing and emits no events; its callers do.

use super::book::{Book, Cold, Handle, Hot, OrderSlab};
use super::extras::{Extra, Extras};
use crate::domain::{OrderState, Quantity};

/// Which lots of an iceberg are taken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lots {
    /// Hidden lots, then displayed ones.
    HiddenFirst,
    /// Displayed lots, then hidden ones.
    ShownFirst,
}

/// One instrument's book with its orders and their extras.
pub(super) struct Standing<'a> {
    pub(super) book: &'a mut Book,
    pub(super) orders: &'a mut OrderSlab,
    pub(super) extras: &'a mut Extras,
}

impl Standing<'_> {
    fn extra_mut(&mut self, handle: Handle) -> &mut Extra {
        let extra = self.orders.cold(handle).extra;
        self.extras.find_mut(extra).expect("an order with lots that are not shown has an extra")
    }

    /// An iceberg's lots that are not displayed.
    fn rest_of(&self, handle: Handle) -> u64 {
        self.extras.find(self.orders.cold(handle).extra).map_or(0, |extra| extra.rest)
    }

    /// Puts an order's open lots into the book, last in the queue of its price; an iceberg displays its first slice.
    #[inline]
    pub(super) fn put_in(&mut self, mut hot: Hot, cold: Cold) -> Handle {
        let mut unseen = 0;
        if let Some(extra) = self.extras.find_mut(cold.extra) {
            let shown = u64::from(extra.instructions.display_quantity);
            extra.rest = if shown == 0 { 0 } else { hot.open.0.saturating_sub(shown) };
            hot.open.0 -= extra.rest;
            unseen = extra.rest as i64;
        }
        let handle = self.orders.insert_parts(hot, cold);
        self.book.push_back(self.orders, handle, unseen);
        handle
    }

    /// Takes lots of an order for a trade, displayed ones first.
    #[inline]
    pub(super) fn take(&mut self, handle: Handle, quantity: Quantity) {
        let shown = self.orders.hot(handle).open.min(quantity);
        self.book.reduce(self.orders, handle, shown);
        if shown < quantity {
            self.take_unseen(handle, quantity.0 - shown.0);
        }
    }

    #[cold]
    fn take_unseen(&mut self, handle: Handle, by: u64) {
        self.extra_mut(handle).rest -= by;
        self.book.count_unseen(self.orders, handle, -(by as i64));
    }

    /// Takes lots of an order, resting or dormant, that its owner gave up. It keeps its priority.
    pub(super) fn shrink(&mut self, handle: Handle, by: Quantity, lots: Lots) {
        let Hot { open, .. } = *self.orders.hot(handle);
        let (mut hidden, mut dormant, mut unseen) = (0, false, 0);
        if let Some(extra) = self.extras.find_mut(self.orders.cold(handle).extra) {
            hidden = match lots {
                Lots::HiddenFirst => extra.rest.min(by.0),
                Lots::ShownFirst => by.0.saturating_sub(open.0),
            };
            let before = extra.unseen(open);
            extra.rest -= hidden;
            unseen = extra.unseen(Quantity(open.0 - (by.0 - hidden))) - before;
            dormant = extra.state == OrderState::Dormant;
        }
        if dormant {
            self.orders.get_mut(handle).open.0 -= by.0 - hidden;
        } else {
            self.book.reduce(self.orders, handle, Quantity(by.0 - hidden));
            self.book.count_unseen(self.orders, handle, unseen);
        }
    }

    /// Takes lots of an order in an auction; an iceberg keeps displaying as much as it can.
    pub(super) fn lower(&mut self, handle: Handle, by: u64) {
        let order = self.orders.get(handle);
        let before = self.rest_of(handle);
        let shown = match self.extras.find_mut(order.extra) {
            Some(Extra { instructions, rest, .. }) if instructions.display_quantity > 0 => {
                let left = order.open.0 + *rest - by;
                let shown = left.min(u64::from(instructions.display_quantity));
                *rest = left - shown;
                shown
            }
            _ => order.open.0 - by,
        };
        let unseen_by = self.rest_of(handle) as i64 - before as i64;
        if unseen_by != 0 {
            self.book.count_unseen(self.orders, handle, unseen_by);
        }
        // If more is displayed than before (after lots were taken only from the displayed ones), this is corrected
        // without losing priority.
        if shown <= order.open.0 {
            self.book.reduce(self.orders, handle, Quantity(order.open.0 - shown));
        } else {
            self.book.extend(self.orders, handle, Quantity(shown - order.open.0));
        }
    }

    /// Displays this many lots of an iceberg that displays none, last in the queue.
    pub(super) fn show(&mut self, handle: Handle, shown: u64) {
        self.extra_mut(handle).rest -= shown;
        self.book.requeue(self.orders, handle, Quantity(shown), -(shown as i64));
    }
}
