//! Orders that wait, and orders that are linked.

use super::Naive;
use super::orders::{Order, Waiting};
use dojima::domain::{
    CancelReason, Effect, Event, InstrumentId, OrderEvent, OrderId, Phase, PriorityUpdated, RejectReason,
    RestateReason, Side, TriggerKind, TriggerReference, Triggered,
};

impl Waiting {
    /// Whether a rise of the reference releases an order of this side.
    fn rises(&self, side: Side) -> bool {
        (self.kind == TriggerKind::TakeProfit) == (side == Side::Sell)
    }

    /// The price at which it is released, if there is one yet.
    pub(super) fn at(&self, side: Side) -> Option<i128> {
        match (self.kind, side) {
            (TriggerKind::TrailingStop, Side::Buy) => self.extreme.map(|lowest| lowest + self.price),
            (TriggerKind::TrailingStop, Side::Sell) => self.extreme.map(|highest| highest - self.price),
            _ => Some(self.price),
        }
    }
}

impl Naive {
    pub(super) fn reference(&self, instrument: InstrumentId, reference: TriggerReference) -> Option<i128> {
        let known = self.instrument(instrument);
        match reference {
            TriggerReference::LastTrade => known.last,
            TriggerReference::MarkPrice => known.mark,
            TriggerReference::IndexPrice => self.index_in_ticks(instrument).map(i128::from),
        }
    }

    /// Trailing stops take note of where their references are now.
    pub(super) fn follow(&mut self, instrument: InstrumentId) {
        let prices = TriggerReference::ALL.iter().map(|of| self.reference(instrument, *of));
        let prices: Vec<_> = prices.collect();
        for order in self.orders.iter_mut().filter(|order| order.instrument == instrument) {
            let Some(waiting) = &mut order.waiting else { continue };
            let reference = prices[waiting.reference as usize];
            let (TriggerKind::TrailingStop, Some(now)) = (waiting.kind, reference) else { continue };
            let so_far = waiting.extreme.unwrap_or(now);
            waiting.extreme = Some(if order.side == Side::Buy { so_far.min(now) } else { so_far.max(now) });
        }
    }

    /// Releases one after another, until none is left whose condition holds.
    pub(super) fn pull_triggers(&mut self) {
        for at in 0..self.instruments.len() {
            let instrument = InstrumentId(at as u32);
            while let Some((order, reference)) = self.next_release(instrument) {
                self.release(order, reference);
                self.pay_deficits();
            }
        }
    }

    /// The next order to be released, and the price that it watches.
    fn next_release(&self, instrument: InstrumentId) -> Option<(OrderId, i128)> {
        if self.phase(instrument) != Phase::Continuous {
            return None;
        }
        let due = |order: &Order| {
            let waiting = order.waiting.filter(|_| order.instrument == instrument)?;
            let follows_index = waiting.reference != TriggerReference::LastTrade;
            if follows_index && self.is_contract(instrument) && self.is_stale(instrument) {
                return None;
            }
            let (now, at) = (self.reference(instrument, waiting.reference)?, waiting.at(order.side)?);
            let rises = waiting.rises(order.side);
            let come = if rises { now >= at } else { now <= at };
            let nearest = if rises { at } else { -at };
            let trails = waiting.kind == TriggerKind::TrailingStop;
            come.then_some((waiting.reference as u8, !rises, nearest, trails, order.id, now))
        };
        self.orders.iter().filter_map(due).min().map(|(.., id, now)| (id, now))
    }

    fn release(&mut self, id: OrderId, reference: i128) {
        let at = self.find(id).expect("it waits");
        let mut order = self.orders.remove(at);
        self.unlink(&mut order);
        order.waiting = None;
        self.events.push(Event::Order(OrderEvent::Triggered(Triggered {
            login: order.login,
            user_ref: order.user_ref,
            order: id,
            instrument: order.instrument,
            reference: super::ticks(reference),
        })));
        if self.reduces(&order) {
            let closable = self.closable(order.account, order.instrument, order.side);
            if closable > 0 {
                self.resize(&mut order, closable);
            }
        }
        self.walked.set(0);
        let may_look = order.money.is_none() || self.looks_are_left(order.account);
        let in_lots = if may_look { self.in_lots(&order) } else { Ok(None) };
        let quantity = match in_lots {
            Ok(Some((lots, _))) => lots,
            _ => order.open,
        };
        self.events.push(Event::Order(OrderEvent::PriorityUpdated(PriorityUpdated {
            login: order.login,
            user_ref: order.user_ref,
            order: id,
            instrument: order.instrument,
            side: order.side,
            price: order.price_told(),
            quantity: super::lots(quantity),
            visibility: order.asked.visibility,
            display_quantity: order.asked.display_quantity,
        })));
        if !may_look {
            return self.drop_incoming(order, CancelReason::WorkLimit);
        }
        match in_lots.and_then(|in_lots| self.ready(&mut order, in_lots)) {
            Ok(()) => self.work(order),
            Err(reason) => {
                self.walked_in_vain(order.account);
                self.drop_incoming(order, CancelReason::TriggerRefused(reason));
            }
        }
    }

    /// Of an order by amount, and of one that closes a position, the lots that it becomes and what they hold.
    fn in_lots(&self, order: &Order) -> Result<Option<(i128, i128)>, RejectReason> {
        if order.asked.effect == Effect::ClosePosition {
            return self.lots_at_release(order).map(Some);
        }
        let Some(money) = order.money else { return Ok(None) };
        let lots = self.lots_for(&order.buyer(), order.side, money)?;
        let needed = Order { open: lots, total: lots, ..order.clone() };
        if self.is_contract(order.instrument) {
            return Ok(Some((lots, self.release_checks(&needed)?)));
        }
        let reserved = self.needs(&needed).ok_or(RejectReason::NotionalTooLarge)?;
        // The order was taken out: what it holds is available.
        if reserved > self.available(order.account, self.given_in(order)) {
            return Err(RejectReason::InsufficientFunds);
        }
        Ok(Some((lots, reserved)))
    }

    /// All lots of the position that it closes, and what they hold.
    fn lots_at_release(&self, order: &Order) -> Result<(i128, i128), RejectReason> {
        let most = i128::from(self.listing(order.instrument).max_quantity.0);
        let lots = self.closable(order.account, order.instrument, order.side).min(most);
        let needed = Order { open: lots, total: order.total - order.open + lots, ..order.clone() };
        Ok((lots, self.release_checks(&needed)?))
    }

    /// An order of a contract is held against the checks; a market buy of spot must reach for one lot.
    fn ready(&mut self, order: &mut Order, found: Option<(i128, i128)>) -> Result<(), RejectReason> {
        let contract = self.is_contract(order.instrument);
        if contract && found.is_none() {
            let reserved = self.release_checks(order)?;
            if reserved != order.reserved {
                order.reserved = reserved;
                self.events.push(order.restated(RestateReason::Reserve));
            }
            return Ok(());
        }
        let market_buy = order.price.is_none() && order.side == Side::Buy && !contract;
        let quote = self.listing(order.instrument).quote;
        if market_buy && self.cost_of_first_lot(&order.buyer()) > self.available(order.account, quote) {
            return Err(RejectReason::InsufficientFunds);
        }
        if let Some((lots, reserved)) = found {
            let executed = order.total - order.open;
            (order.total, order.open, order.reserved) = (executed + lots, lots, reserved);
            self.events.push(order.restated(RestateReason::Reserve));
        }
        Ok(())
    }

    // Linked orders.

    /// An order that was taken out is about to trade, to be released or to lose lots: the order that it is linked to goes
    /// first, and it holds all that it needs.
    pub(super) fn unlink(&mut self, order: &mut Order) {
        let Some(other) = order.oco.take() else { return };
        let at = self.find(other).expect("links are mutual");
        self.orders[at].oco = None;
        self.cancel_whole(other, CancelReason::LinkedOrder);
        let before = order.reserved;
        self.reserve(order);
        if order.reserved != before {
            self.events.push(order.restated(RestateReason::Reserve));
        }
    }

    /// The same for one that rests, which stays where it is; what it is then.
    pub(super) fn unlink_resting(&mut self, id: OrderId) -> Order {
        let mut order = self.orders[self.find(id).expect("it is in the book")].clone();
        self.unlink(&mut order);
        let at = self.find(id).expect("it is in the book");
        self.orders[at] = order.clone();
        order
    }
}
