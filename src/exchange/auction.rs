//! Phases, and the call auction that ends a phase in which orders gathered (docs/RULES.md, "Phases and auctions").

use super::book::{Handle, Order};
use super::extras::Extra;
use super::market::Market;
use super::matching::Liquidity;
use super::sink::EventSink;
use crate::domain::{
    Auction, CancelReason, Event, OrderId, Phase, Price, Quantity, Side, TimeInForce, TradeKind,
};

/// Lots at one price of one side.
#[derive(Clone, Copy)]
struct Step {
    price: Price,
    lots: u64,
}

impl<S: EventSink> Market<'_, S> {
    /// Puts the instrument into a phase and tells of it, nothing else.
    pub(super) fn set_phase(&mut self, phase: Phase) {
        self.instrument.listing.phase = phase;
        self.instrument.resume_at = u64::MAX;
        let instrument = self.instrument.listing.instrument;
        self.events.push(Event::PhaseSet { instrument, phase });
        if phase == Phase::Continuous && self.instrument.triggers.is_some() {
            self.shared.note_moved(instrument);
        }
    }

    /// Leads the instrument into another phase, with all that belongs to it.
    pub(super) fn change_phase(&mut self, phase: Phase) {
        let from = self.instrument.listing.phase;
        if from == Phase::Halted {
            self.cancel_due();
        }
        if phase == Phase::Continuous || (phase == Phase::Closed && from.gathers()) {
            let mut again = self.uncross(from.is_auction());
            while again {
                again = self.uncross(false);
            }
        }
        self.set_phase(phase);
        if phase == Phase::Closed {
            for (id, handle) in self.all_orders() {
                let is_day = self.shared.orders.cold(handle).time_in_force == TimeInForce::Day as u8;
                if is_day && self.shared.is_live(handle, id) {
                    self.cancel_whole(handle, CancelReason::Expired);
                }
            }
        }
    }

    /// All orders of the instrument, resting and dormant, by their numbers.
    pub(super) fn all_orders(&self) -> Vec<(OrderId, Handle)> {
        let sides = [Side::Buy, Side::Sell].into_iter();
        let resting = sides.flat_map(|side| self.instrument.book.orders(side, &self.shared.orders));
        let mut all: Vec<_> = resting.map(|(handle, order)| (order.id, handle)).collect();
        if let Some(triggers) = &self.instrument.triggers {
            let dormant = triggers.handles(&self.shared.extras);
            all.extend(dormant.map(|handle| (self.shared.orders.get(handle).id, handle)));
        }
        all.sort_unstable();
        all
    }

    /// The lots of one side by price, best first, everything included that is not shown.
    fn steps(&self, side: Side) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (_, order) in self.instrument.book.orders(side, &self.shared.orders) {
            let lots = self.open_of(&order).0;
            match steps.last_mut() {
                Some(step) if step.price == order.price => step.lots += lots,
                _ => steps.push(Step { price: order.price, lots }),
            }
        }
        steps
    }

    /// What an auction would give now.
    pub(super) fn indicative(&self, kind: TradeKind) -> Auction {
        let instrument = self.instrument.listing.instrument;
        let mut found = Auction { instrument, kind, ..Auction::default() };
        let best = |side| self.instrument.book.best(side).map(|(price, _)| price);
        let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) else { return found };
        if bid < ask {
            return found;
        }
        let (buys, sells) = (self.steps(Side::Buy), self.steps(Side::Sell));
        let reference = self.instrument.reference.or(self.instrument.last).unwrap_or_default();
        // Between the best prices of both sides, by ascending price: what buys at or above it, what sells at or below.
        let mut prices: Vec<Price> = buys.iter().chain(&sells).map(|step| step.price).collect();
        prices.retain(|price| (ask..=bid).contains(price));
        prices.sort_unstable();
        prices.dedup();
        let (mut buying, mut selling) = (buys.iter().map(|step| step.lots).sum::<u64>(), 0);
        let (mut below, mut at_or_below) = (buys.iter().rev().peekable(), sells.iter().peekable());
        let rank = |volume: u64, imbalance: u64, price: Price| {
            (volume, std::cmp::Reverse(imbalance), std::cmp::Reverse(price.0.abs_diff(reference.0)), price)
        };
        let mut best = None;
        for price in prices {
            while let Some(step) = below.next_if(|step| step.price < price) {
                buying -= step.lots;
            }
            while let Some(step) = at_or_below.next_if(|step| step.price <= price) {
                selling += step.lots;
            }
            let this = rank(buying.min(selling), buying.abs_diff(selling), price);
            if best.is_none_or(|best| this > best) {
                best = Some(this);
                found.price = Some(price);
                found.volume = Quantity(buying.min(selling));
                found.imbalance = Quantity(buying.abs_diff(selling));
                found.imbalance_side = if selling > buying { Side::Sell } else { Side::Buy };
            }
        }
        found
    }

    /// Trades all that crosses at one price, and tells of it, `always` or only if anything crosses. Whether it did: a linked
    /// order that goes may leave the book crossed at another price.
    fn uncross(&mut self, always: bool) -> bool {
        let result = self.indicative(self.instrument.auction_kind());
        if always || result.price.is_some() {
            self.events.push(Event::Uncrossed(result));
        }
        let Some(price) = result.price else { return false };
        let mut left = result.volume.0;
        // A linked order that goes takes volume along that had been counted.
        while left > 0 {
            let best = |side| self.instrument.book.best(side);
            let (Some((bid, buy)), Some((ask, sell))) = (best(Side::Buy), best(Side::Sell)) else { break };
            if bid < price || ask > price {
                break;
            }
            left -= self.auction_trade(buy, sell, price, left, result.kind);
        }
        self.instrument.reference = Some(price);
        self.traded_at(price);
        true
    }

    /// Lets two resting orders trade; how many lots.
    fn auction_trade(&mut self, buy: Handle, sell: Handle, price: Price, most: u64, kind: TradeKind) -> u64 {
        for handle in [buy, sell] {
            let mut order = self.shared.orders.get(handle);
            self.cancel_partner(&mut order, Some(handle));
        }
        let open = |handle| self.open_of(&self.shared.orders.get(handle)).0;
        let lots = open(buy).min(open(sell)).min(most);
        let fill = self.fill(price, Quantity(lots));
        self.lower(sell, lots);
        self.lower(buy, lots);
        let left = Quantity(self.shared.orders.hot(buy).open.0 + self.rest_of(buy));
        let mut buyer = *self.shared.orders.hot(buy);
        buyer.open = left;
        let seller = self.shared.orders.hot(sell).account;
        let rates = [self.rate(seller, Liquidity::Auction), self.rate(buyer.account, Liquidity::Auction)];
        self.execute(&mut buyer, sell, fill, rates, kind);
        self.count_use(buyer.account, Side::Buy, -(lots as i64), 0);
        let stored = self.shared.orders.get_mut(buy);
        (stored.reserved, stored.fee_carry) = (buyer.reserved, buyer.fee_carry);
        if left.0 == 0 {
            self.instrument.book.unlink(&mut self.shared.orders, buy, 0);
            let extra = self.shared.orders.cold(buy).extra;
            self.forget(buy, Quantity(0));
            self.shared.extras.remove(extra);
        }
        lots
    }

    /// Lowers a resting order's lots; an iceberg goes on showing as much as it can.
    fn lower(&mut self, handle: Handle, by: u64) {
        let order: Order = self.shared.orders.get(handle);
        let before = self.rest_of(handle);
        let shown = match self.shared.extras.find_mut(order.extra) {
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
            self.instrument.book.count_unseen(&mut self.shared.orders, handle, unseen_by);
        }
        // What shows more than before (after lots were taken from the shown ones alone) is put right without losing
        // its place.
        if shown <= order.open.0 {
            self.instrument.book.reduce(&mut self.shared.orders, handle, Quantity(order.open.0 - shown));
        } else {
            self.instrument.book.extend(&mut self.shared.orders, handle, Quantity(shown - order.open.0));
        }
    }

    /// Takes the instrument away for good.
    pub(super) fn delist(&mut self) {
        for (id, handle) in self.all_orders() {
            if self.shared.is_live(handle, id) {
                self.cancel_whole(handle, CancelReason::Delisted);
            }
        }
        self.set_phase(Phase::Delisted);
    }
}
