//! Orders that may only reduce a position.

use super::Naive;
use super::checks::Ask;
use super::orders::Order;
use super::positions::Place;
use dojima::domain::{AccountId, CancelReason, InstrumentId, OrderId, RejectReason, Side};

/// Reduce-only orders of a position that may rest.
const RESTING_MAX: usize = 64;

impl Naive {
    /// `C`: what orders of a side can close.
    pub(super) fn closable(&self, account: AccountId, instrument: InstrumentId, side: Side) -> i128 {
        let lots = self.leg(self.place_of(account, instrument, side, true)).lots;
        if side == Side::Sell { lots.max(0) } else { (-lots).max(0) }
    }

    /// The lots of an order that closes a position when it is accepted or released.
    pub(super) fn lots_to_close(&self, ask: &Ask) -> i128 {
        let most = i128::from(self.listing(ask.instrument).max_quantity.0);
        self.closable(ask.account, ask.instrument, ask.side).min(most)
    }

    pub(super) fn reduces(&self, order: &Order) -> bool {
        self.is_contract(order.instrument) && order.only_reduces()
    }

    /// The lots of a new order, if it may only reduce and does not wait: as many as can be closed.
    pub(super) fn open_lots(&self, ask: &Ask, open: i128) -> Result<i128, RejectReason> {
        let only_reduces = ask.only_reduces();
        if !self.is_contract(ask.instrument) {
            let bad = only_reduces && ask.side == Side::Buy;
            return if bad { Err(RejectReason::NotReducing) } else { Ok(open) };
        }
        if !only_reduces || ask.instructions.trigger.is_some() {
            return Ok(open);
        }
        match self.closable(ask.account, ask.instrument, ask.side) {
            0 => Err(RejectReason::NotReducing),
            closable => Ok(open.min(closable)),
        }
    }

    /// The resting reduce-only orders of a side, the newest first.
    fn resting_to_reduce(&self, account: AccountId, instrument: InstrumentId, side: Side) -> Vec<&Order> {
        let mut found: Vec<_> = self
            .orders
            .iter()
            .filter(|order| {
                order.account == account
                    && order.instrument == instrument
                    && order.side == side
                    && order.waiting.is_none()
                    && self.reduces(order)
            })
            .collect();
        found.sort_by_key(|order| std::cmp::Reverse(order.id));
        found
    }

    /// Whether one more may rest.
    pub(super) fn room_to_reduce(&self, order: &Order) -> Result<(), RejectReason> {
        if !self.reduces(order) || !order.may_rest() || order.waiting.is_some() {
            return Ok(());
        }
        let resting = self.resting_to_reduce(order.account, order.instrument, order.side).len();
        if resting >= RESTING_MAX { Err(RejectReason::TooManyOrders) } else { Ok(()) }
    }

    /// An order that is in no book is lowered to so many lots, and is told if that is less than it had.
    pub(super) fn resize(&mut self, order: &mut Order, most: i128) {
        let decrement = order.open - most.max(0);
        if decrement > 0 {
            order.lose(decrement);
            self.events.push(order.canceled(decrement, CancelReason::ReduceOnlyResized));
        }
    }

    /// An order comes into the book. One that may only reduce shares what can be closed with those that are there.
    pub(super) fn rest(&mut self, mut order: Order) {
        if self.reduces(&order) {
            let there = self.resting_to_reduce(order.account, order.instrument, order.side);
            let taken: i128 = there.iter().map(|other| other.open).sum();
            let left = self.closable(order.account, order.instrument, order.side) - taken;
            self.resize(&mut order, left);
            if order.open == 0 {
                if let Some(other) = order.oco {
                    self.cancel_whole(other, CancelReason::LinkedOrder);
                }
                return;
            }
        }
        order.show_slice();
        self.orders.push(order);
    }

    /// A position is another: the resting orders that reduce it lose what cannot be closed any more. How many lost lots.
    pub(super) fn lower_to_position(&mut self, place: Place) -> u32 {
        let (account, instrument, _) = place;
        let mut lowered = 0;
        for side in [Side::Buy, Side::Sell] {
            if self.place_of(account, instrument, side, true) != place {
                continue;
            }
            let closable = self.closable(account, instrument, side);
            loop {
                let resting = self.resting_to_reduce(account, instrument, side);
                let too_many = resting.iter().map(|order| order.open).sum::<i128>() - closable;
                let Some(newest) = resting.first().filter(|_| too_many > 0) else { break };
                let (id, decrement) = (newest.id, too_many.min(newest.open));
                self.lower_resting(id, decrement);
                lowered += 1;
            }
        }
        lowered
    }

    fn lower_resting(&mut self, id: OrderId, decrement: i128) {
        let at = self.find(id).expect("it rests");
        if decrement == self.orders[at].open {
            self.cancel_whole(id, CancelReason::ReduceOnlyResized);
            return;
        }
        self.orders[at].lose(decrement);
        self.events.push(self.orders[at].canceled(decrement, CancelReason::ReduceOnlyResized));
    }
}
