//! Releases triggered orders.

use super::super::book::{Handle, Order};
use super::super::extras::{REDUCES, Watch};
use super::super::market::Market;
use super::super::products::Demand;
use super::super::sink::EventSink;
use crate::domain::{
    CancelReason, Effect, Event, OrderEvent, OrderState, Phase, PriorityUpdated, Quantity, QuantityUnit,
    RejectReason, RestateReason, Side, TimeInForce, TriggerReference, Triggered,
};

/// How much a release counts towards the touched orders: it costs several times as much as meeting an order.
const RELEASE: u32 = 4;

impl<S: EventSink> Market<'_, S> {
    /// One step after prices have moved: trailing stops follow, then the next triggered order is released. Returns
    /// whether more steps may be needed.
    pub(in crate::exchange) fn release_next(&mut self) -> bool {
        let mut prices = [self.instrument.last, self.instrument.mark, self.instrument.index_price()];
        let Some(triggers) = &mut self.instrument.triggers else { return false };
        if triggers.follow_step(&mut self.shared.extras, prices) {
            self.shared.touch();
            return true;
        }
        if self.instrument.listing.phase != Phase::Continuous {
            return false;
        }
        // A stale index and its mark trigger nothing; trailing stops follow them all the same.
        if self.instrument.is_stale(self.shared.now) {
            (prices[1], prices[2]) = (None, None);
        }
        let triggers = self.instrument.triggers.as_ref().expect("they are there");
        let Some((handle, reference)) = triggers.next(&self.shared.extras, prices) else { return false };
        self.shared.touched += RELEASE;
        self.trigger(handle, reference);
        true
    }

    fn trigger(&mut self, handle: Handle, reference: TriggerReference) {
        let mut order = self.shared.orders.get(handle);
        self.cancel_partner(&mut order, Some(handle));
        self.shared.chains.note_place(&self.shared.orders, handle);
        let mut order = self.take_out(handle);
        let extra = self.shared.extras.at_mut(order.extra);
        (extra.state, extra.watch, extra.reserve_units) = (OrderState::Live, Watch::default(), 0);
        let (by_amount, amount) = (extra.instructions.unit == QuantityUnit::QuoteAmount, extra.amount);
        let closes = extra.instructions.effect == Effect::ClosePosition;
        let watched = self.instrument.watched(reference).expect("it has come");
        self.events.push(Event::Order(OrderEvent::Triggered(Triggered {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            instrument: order.instrument,
            reference: watched,
        })));
        if self.is_contract() {
            let lots = match (by_amount, closes) {
                (true, _) => self.lots_by_amount(&order, amount).map(Some),
                (false, true) => Ok(Some(self.lots_to_close(order.account, order.side))),
                (false, false) => Ok(None),
            };
            return self.release_of_contract(order, lots);
        }
        let found = if by_amount { self.found_by_amount(&order, amount) } else { Ok(order) };
        self.priority_updated(found.as_ref().unwrap_or(&order));
        let found = found.and_then(|found| self.check_triggered(&order).map(|()| found));
        match found {
            Ok(found) if by_amount => {
                let before = std::mem::replace(&mut order, found).reserved;
                self.reserve(&order, before);
                self.restated(&order, RestateReason::Reserve);
            }
            Ok(_) => {}
            Err(reason) => return self.cancel_rest(order, reason),
        }
        self.match_then_rest(order);
    }

    /// The same for an order of a contract: it is measured again, and holds what it needs now. `lots`: of an order whose
    /// lots are found at its release, by amount or to close a position.
    fn release_of_contract(&mut self, order: Order, lots: Result<Option<Quantity>, CancelReason>) {
        let mut found = order;
        let finds = !matches!(lots, Ok(None));
        let mut right = lots.map(|lots| {
            if let Some(lots) = lots {
                // What the chain has executed stays.
                let executed = order.total.0 - order.open.0;
                (found.open, found.total) = (lots, Quantity(executed + lots.0));
            }
        });
        if right.is_ok() && order.flags & REDUCES != 0 {
            match self.closable(order.account, order.side) {
                0 => right = Err(CancelReason::TriggerRefused(RejectReason::NotReducing)),
                closable => found = self.lower_incoming(found, closable).expect("something is left"),
            }
        }
        let held = right.and_then(|()| {
            let held = self.measure_triggered(&found);
            let checked = held.and_then(|held| self.check_may_rest(&found).map(|()| held));
            checked.map_err(CancelReason::TriggerRefused)
        });
        // An order whose lots are refused stays one of one lot.
        let told = if finds && held.is_err() { order } else { found };
        self.priority_updated(&told);
        let held = match held {
            Ok(held) => held,
            Err(reason) => return self.cancel_rest(told, reason),
        };
        let before = std::mem::replace(&mut found.reserved, held);
        if before != held || finds {
            self.reserve(&found, before);
            self.restated(&found, RestateReason::Reserve);
        }
        self.match_then_rest(found);
    }

    /// Whether an order that only reduces, and that may rest, finds room among those that do.
    fn check_may_rest(&self, order: &Order) -> Result<(), RejectReason> {
        let may_rest = order.limit.is_some() && order.time_in_force != TimeInForce::ImmediateOrCancel;
        if may_rest && order.flags & REDUCES != 0 {
            self.check_reducing(order.account, order.side, false)
        } else {
            Ok(())
        }
    }

    fn lots_by_amount(&mut self, order: &Order, amount: i64) -> Result<Quantity, CancelReason> {
        if !self.shared.may_look(order.account) {
            return Err(CancelReason::WorkLimit);
        }
        let lots = self.lots_for(order.side, amount, (order.account, order.fee_carry), order.reserved);
        lots.map_err(CancelReason::TriggerRefused)
    }

    /// Emits that the order takes part in trading from now on.
    fn priority_updated(&mut self, order: &Order) {
        let asked = self.extra(order).map(|extra| extra.instructions).unwrap_or_default();
        self.events.push(Event::Order(OrderEvent::PriorityUpdated(PriorityUpdated {
            login: order.login,
            user_ref: order.user_ref,
            order: order.id,
            instrument: order.instrument,
            side: order.side,
            price: order.limit,
            quantity: self.open_of(order),
            visibility: asked.visibility,
            display_quantity: asked.display_quantity,
        })));
    }

    /// Converts an order by amount to lots at its trigger, and sets its reserve.
    ///
    /// # Errors
    /// The reason for which the order is cancelled instead.
    fn found_by_amount(&mut self, order: &Order, amount: i64) -> Result<Order, CancelReason> {
        if !self.shared.may_look(order.account) {
            return Err(CancelReason::WorkLimit);
        }
        let owner = (order.account, order.fee_carry);
        let lots = self.lots_for(order.side, amount, owner, order.reserved);
        let lots = lots.map_err(CancelReason::TriggerRefused)?;
        let needs = self.instrument.product().required_reserve(&Demand::of(order, None, lots));
        let reserved = needs.ok_or(CancelReason::TriggerRefused(RejectReason::NotionalTooLarge))?;
        let available = self.available_to(order.account, order.side).0 + order.reserved.0;
        if reserved.0 > available {
            return Err(CancelReason::TriggerRefused(RejectReason::InsufficientFunds));
        }
        Ok(Order { open: lots, total: lots, reserved, ..*order })
    }

    /// A market buy must be able to pay for one lot.
    fn check_triggered(&self, order: &Order) -> Result<(), CancelReason> {
        if order.side == Side::Buy && order.limit.is_none() {
            let reaches = self.reaches_for_one_lot((order.account, order.fee_carry), order.reserved);
            return reaches.map_err(CancelReason::TriggerRefused);
        }
        Ok(())
    }
}
