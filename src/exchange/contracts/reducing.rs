//! Reduce-only orders of contracts: never more of them than there is to reduce (docs/FUTURES.md, "Reduce-only").

use super::super::book::{Handle, Order};
use super::super::extras::REDUCES;
use super::super::market::Market;
use super::super::matching::shrunk;
use super::super::sink::EventSink;
use super::super::standing::Lots;
use super::super::taker::DryRun;
use crate::domain::{AccountId, CancelReason, Quantity, RejectReason, Side};

/// The most resting reduce-only orders of a position.
const REDUCING_MAX: usize = 64;

impl<S: EventSink> Market<'_, S> {
    /// Whether another reduce-only order of this side may rest for the account. A replaced one is not counted.
    pub(in crate::exchange) fn check_reducing(
        &self,
        account: AccountId,
        side: Side,
        replaces: bool,
    ) -> Result<(), RejectReason> {
        let orders = self.shared.reducing.of(self.at(account)).iter();
        let count = orders.filter(|(_, handle)| self.shared.orders.hot(*handle).side == side).count();
        if count - usize::from(replaces).min(count) >= REDUCING_MAX {
            return Err(RejectReason::TooManyOrders);
        }
        Ok(())
    }

    /// The open lots of the account's resting reduce-only orders of a side.
    fn reducing_lots(&self, account: AccountId, side: Side) -> u64 {
        let orders = self.shared.reducing.of(self.at(account)).iter();
        let of_side = orders.filter(|(_, handle)| self.shared.orders.hot(*handle).side == side);
        of_side.map(|(_, handle)| self.open_of(&self.shared.orders.get(*handle)).0).sum()
    }

    /// Lowers a reduce-only order that comes to rest to what other orders leave to be reduced; `None`: nothing is left of
    /// it.
    pub(in crate::exchange) fn lower_to_rest(&mut self, order: Order) -> Option<Order> {
        let closable = self.closable(order.account, order.side);
        let left = closable.saturating_sub(self.reducing_lots(order.account, order.side));
        self.lower_incoming(order, left)
    }

    /// Lowers a reduce-only order that is in no book to these lots; `None`: it is gone.
    pub(in crate::exchange) fn lower_incoming(&mut self, mut order: Order, to: u64) -> Option<Order> {
        let by = Quantity(order.open.0.saturating_sub(to));
        if by.0 == 0 {
            return Some(order);
        }
        if to == 0 {
            self.cancel_rest(order, CancelReason::ReduceOnlyResized);
            return None;
        }
        order.open.0 -= by.0;
        order.total.0 -= by.0;
        self.events.push(shrunk(&order, by, order.open, CancelReason::ReduceOnlyResized));
        Some(order)
    }

    /// Lowers the resting reduce-only orders of an account after its position changed: the newest first.
    /// Returns how many it has lowered.
    pub(in crate::exchange) fn resize_reducing(&mut self, account: AccountId) -> u32 {
        let at = self.at(account);
        let mut lowered = 0;
        if self.shared.reducing.of(at).is_empty() {
            return lowered;
        }
        for side in [Side::Buy, Side::Sell] {
            let closable = self.closable(account, side);
            let mut more = self.reducing_lots(account, side).saturating_sub(closable);
            while more > 0 {
                let orders = self.shared.reducing.of(at).iter().rev();
                let mut of_side = orders.filter(|(_, handle)| self.shared.orders.hot(*handle).side == side);
                let Some(&(_, handle)) = of_side.next() else { break };
                let open = self.open_of(&self.shared.orders.get(handle)).0;
                let by = more.min(open);
                more -= by;
                lowered += 1;
                if by == open {
                    self.cancel_whole(handle, CancelReason::ReduceOnlyResized);
                } else {
                    let order = self.shrink(handle, Quantity(by), Lots::HiddenFirst);
                    let open = self.open_of(&order);
                    self.events.push(shrunk(&order, Quantity(by), open, CancelReason::ReduceOnlyResized));
                }
            }
        }
        lowered
    }

    /// Lots of a reduce-only order that the present dry run took.
    pub(in crate::exchange) fn gone_in_dry(&self, handle: Handle) -> u64 {
        let lowered = self.shared.lowered.iter().find(|(other, _)| *other == handle);
        lowered.map_or(0, |(_, lots)| *lots)
    }

    /// Whether the present dry run took all lots of a reduce-only order.
    pub(in crate::exchange) fn is_gone_in_dry(&self, handle: Handle) -> bool {
        !self.shared.lowered.is_empty()
            && self.gone_in_dry(handle) == self.open_of(&self.shared.orders.get(handle)).0
    }

    /// The displayed and the hidden lots that the present dry run has left of an order; hidden ones go first.
    pub(in crate::exchange) fn left_in_dry(
        &self,
        handle: Handle,
        shown: Quantity,
        rest: u64,
    ) -> (Quantity, u64) {
        if self.shared.lowered.is_empty() {
            return (shown, rest);
        }
        let left = shown.0 + rest - self.gone_in_dry(handle);
        let shown = shown.0.min(left);
        (Quantity(shown), left - shown)
    }

    /// The displayed lots that the present dry run has left of an order.
    pub(in crate::exchange) fn shown_in_dry(&self, handle: Handle, shown: Quantity) -> Quantity {
        self.left_in_dry(handle, shown, self.rest_of(handle)).0
    }

    /// Takes lots of a reduce-only order in a dry run.
    pub(in crate::exchange) fn lower_dry(&mut self, handle: Handle, by: u64) {
        match self.shared.lowered.iter_mut().find(|(other, _)| *other == handle) {
            Some((_, lots)) => *lots += by,
            None => self.shared.lowered.push((handle, by)),
        }
    }

    /// Takes all lots of an order that the match would cancel, if it may only reduce.
    pub(in crate::exchange) fn drop_dry(&mut self, handle: Handle) {
        let order = self.shared.orders.get(handle);
        let left = self.open_of(&order).0 - self.gone_in_dry(handle);
        if order.flags & REDUCES != 0 && left > 0 {
            self.lower_dry(handle, left);
        }
    }

    /// As [`Self::resize_reducing`], in a dry run.
    pub(in crate::exchange) fn resize_dry(&mut self, account: AccountId, dry: &DryRun) -> u32 {
        let at = self.at(account);
        let mut lowered = 0;
        if self.shared.reducing.of(at).is_empty() {
            return lowered;
        }
        let orders: Vec<Handle> =
            self.shared.reducing.of(at).iter().rev().map(|(_, handle)| *handle).collect();
        for side in [Side::Buy, Side::Sell] {
            let of_side = || orders.iter().copied().filter(|at| self.shared.orders.hot(*at).side == side);
            let left = |handle| self.open_of(&self.shared.orders.get(handle)).0 - self.gone_in_dry(handle);
            let lots: Vec<(Handle, u64)> =
                of_side().filter(|at| !self.is_left_out(dry, *at)).map(|at| (at, left(at))).collect();
            let all: u64 = lots.iter().map(|(_, lots)| lots).sum();
            let mut more = all.saturating_sub(self.closable(account, side));
            for (handle, open) in lots {
                let by = more.min(open);
                if by > 0 {
                    more -= by;
                    lowered += 1;
                    self.lower_dry(handle, by);
                    if by == open {
                        self.leave_out_partner(dry, handle);
                    }
                }
            }
        }
        lowered
    }
}
