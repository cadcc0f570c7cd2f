//! Applies the plan that [`super::queue`] computes for the queue of one price (docs/RULES.md, "Matching").

use super::book::{Handle, Hot};
use super::extras;
use super::market::Market;
use super::match_end::MatchEnd;
use super::queue::{Appetite, Deed, Queue, Reached, further_rounds};
use super::sink::EventSink;
use super::taker::{DryRun, Taker};
use crate::domain::{CancelReason, Price, Quantity, SelfTrade, SelfTradePrevented};

impl<S: EventSink> Market<'_, S> {
    /// Executes the incoming order's match with the queue that starts with this iceberg, all its rounds. `None`: the
    /// match continues with the best order then.
    #[cold]
    pub(super) fn take_queue<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        price: Price,
        first: Handle,
    ) -> Option<MatchEnd> {
        if !DRY {
            dry.number = self.shared.next_dry_run();
        }
        let mut queue = std::mem::take(&mut self.shared.queue);
        self.plan::<DRY>(&mut queue, taker, dry, price, first);
        taker.touches_left = taker.touches_left.saturating_sub(queue.touches);
        if self.is_contract() {
            let end = self.take_measured::<DRY>(&mut queue, taker, dry, price);
            queue.end = end.or(queue.end);
        } else {
            for reached in &queue.reached {
                self.take_of::<DRY>(taker, dry, price, reached);
            }
        }
        if DRY {
            dry.next = queue.next;
        } else {
            let (before, after) = queue.reached.split_at(queue.head.min(queue.reached.len()));
            for reached in after.iter().chain(before) {
                if let Some(shown) = reached.next_slice() {
                    // A reduce-only order may have lost lots since.
                    let shown = shown.min(self.rest_if_open(reached.handle));
                    if shown > 0 {
                        self.show(reached.handle, shown);
                    }
                }
            }
        }
        let end = queue.end;
        self.shared.queue = queue;
        end
    }

    /// The hidden lots of an order; 0 if it is not open any more.
    fn rest_if_open(&self, handle: Handle) -> u64 {
        if self.shared.orders.hot(handle).id.0 == 0 { 0 } else { self.rest_of(handle) }
    }

    pub(super) fn take_of<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        price: Price,
        reached: &Reached,
    ) {
        let Reached { handle, taken, .. } = *reached;
        match reached.deed {
            Deed::Trades if taken > 0 => self.trade::<DRY>(taker, dry, handle, price, Quantity(taken), None),
            Deed::Trades => {}
            Deed::Loses if DRY => taker.hot.open.0 -= taken,
            Deed::Loses => {
                self.decrement_both(taker, handle, Quantity(taken));
            }
            Deed::Goes if DRY => {
                if self.is_contract() {
                    self.drop_dry(handle);
                }
            }
            Deed::Goes => {
                let not_made = self.not_made(taker, handle, Quantity(taken));
                self.cancel_whole(handle, CancelReason::SelfTradePrevented(not_made));
            }
        }
    }

    /// Computes what is taken from every order of the queue.
    fn plan<const DRY: bool>(
        &mut self,
        queue: &mut Queue,
        taker: &Taker,
        dry: &DryRun,
        price: Price,
        first: Handle,
    ) {
        queue.reached.clear();
        (queue.head, queue.touches, queue.end) = (0, 0, None);
        let mut appetite =
            Appetite { open: taker.hot.open.0, payable: u64::MAX, why: MatchEnd::NothingCrosses };
        if taker.purse.is_limited() {
            let (payable, why) = self.affordable(taker, price, taker.hot.open);
            (appetite.payable, appetite.why) = (payable.0, why);
        }
        if self.first_round::<DRY>(queue, &mut appetite, taker, dry, first) && appetite.open > 0 {
            further_rounds(queue, &mut appetite);
        }
    }

    /// The first round, which finds the reached orders. Returns whether it came to the end of the queue.
    fn first_round<const DRY: bool>(
        &mut self,
        queue: &mut Queue,
        appetite: &mut Appetite,
        taker: &Taker,
        dry: &DryRun,
        first: Handle,
    ) -> bool {
        let Hot { hidden, .. } = *self.shared.orders.hot(first);
        let price = self.shared.orders.hot(first).price();
        queue.next = Some(first);
        while let Some(handle) = queue.next {
            let hot = *self.shared.orders.hot(handle);
            if hot.price() != price || hot.hidden != hidden {
                return true;
            }
            if appetite.open == 0 {
                return false;
            }
            if !self.is_left_out(dry, handle) {
                // The match meets this order again and gives the reason for its end there.
                if queue.touches >= taker.touches_left {
                    return false;
                }
                let is_own = taker.self_trade.mode != SelfTrade::Allow
                    && self.shared.same_owner(taker.hot.account, hot.account, taker.self_trade.owner);
                let deed = match taker.self_trade.mode {
                    _ if !is_own => Deed::Trades,
                    SelfTrade::DecrementBoth => Deed::Loses,
                    SelfTrade::CancelOldest | SelfTrade::CancelBoth => Deed::Goes,
                    SelfTrade::Allow | SelfTrade::CancelNewest => return false,
                };
                queue.touches += self.touches(taker, handle, hot.flags);
                let mut reached = Reached { handle, deed, shown: hot.open.0, rest: 0, slice: 1, taken: 0 };
                if hot.flags & extras::HAS_EXTRA != 0 {
                    self.note_slices(&mut reached);
                    if DRY && self.is_contract() {
                        (reached.shown, reached.rest) = {
                            let (shown, rest) =
                                self.left_in_dry(handle, Quantity(reached.shown), reached.rest);
                            (shown.0, rest)
                        };
                    }
                }
                if deed == Deed::Goes {
                    // The lots that would have traded; none of them are left.
                    (reached.taken, reached.rest) = (reached.shown.min(appetite.open), 0);
                    reached.shown = reached.taken;
                }
                let offered = if deed == Deed::Goes { hot.open.0 } else { reached.shown };
                queue.end = appetite.take(&mut reached, offered);
                if is_own && taker.self_trade.mode == SelfTrade::CancelBoth {
                    let not_made = self.not_made(taker, handle, Quantity(reached.taken));
                    queue.end = Some(MatchEnd::SelfTrade(SelfTradePrevented { incoming: true, ..not_made }));
                }
                if reached.taken > 0 {
                    self.leave_out_partner(dry, handle);
                }
                queue.reached.push(reached);
                if queue.end.is_some() {
                    return false;
                }
            }
            // Only a dry run continues after the queue; a match asks the book for its best order.
            let (book, orders) = (&self.instrument.book, &self.shared.orders);
            queue.next = if DRY { book.after(orders, handle) } else { book.after_in_queue(orders, handle) };
        }
        true
    }

    fn note_slices(&self, reached: &mut Reached) {
        let extra = self.shared.orders.cold(reached.handle).extra;
        let extra = self.shared.extras.find(extra).expect("an order that is marked so has an extra");
        reached.rest = extra.rest;
        reached.slice = u64::from(extra.instructions.display_quantity).max(1);
    }
}
