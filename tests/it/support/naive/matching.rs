//! An incoming order against the book.

use super::orders::Order;
use super::{Naive, SECOND, amount, lots, ticks};
use dojima::domain::{
    CancelReason, Event, Executed, FeeRate, InstrumentId, OrderId, Owner, Phase, PostOnly, Ppm,
    RestateReason, SelfTrade, SelfTradePrevention, Side, TradeId, TradeKind,
};

/// How far an incoming order may go, as it was when it came: the collar, and the bands.
struct Bounds {
    collar: Option<(i128, i128)>,
    bands: Vec<(i128, i128)>,
}

impl Bounds {
    fn within(range: &(i128, i128), price: i128) -> bool {
        (range.0..=range.1).contains(&price)
    }

    fn in_bands(&self, price: i128) -> bool {
        self.bands.iter().all(|band| Self::within(band, price))
    }

    fn in_collar(&self, price: i128) -> bool {
        self.collar.iter().all(|collar| Self::within(collar, price))
    }
}

fn around(price: i128, share: Ppm) -> (i128, i128) {
    let distance = price * i128::from(share.0) / 1_000_000;
    (price - distance, price + distance)
}

/// The two sides of a trade and how they met.
pub struct Meeting<'a> {
    pub maker: &'a mut Order,
    pub taker: &'a mut Order,
    pub price: i128,
    pub lots: i128,
    pub kind: TradeKind,
    /// Maker's and taker's.
    pub rates: [FeeRate; 2],
}

impl Naive {
    fn bounds(&self, order: &Order) -> Bounds {
        let known = self.instrument(order.instrument);
        let protection = &known.protection;
        let best = self.best(order.instrument, order.side.opposite());
        let has_collar = order.price.is_none() && protection.market_collar.0 > 0;
        let bands = [(known.reference, protection.static_band), (known.last, protection.dynamic_band)];
        let bands = bands.into_iter().filter(|(_, share)| share.0 > 0);
        Bounds {
            collar: best.filter(|_| has_collar).map(|best| around(best, protection.market_collar)),
            bands: bands.filter_map(|(price, share)| price.map(|price| around(price, share))).collect(),
        }
    }

    fn crosses(order: &Order, price: i128) -> bool {
        match (order.side, order.price) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => price <= limit,
            (Side::Sell, Some(limit)) => price >= limit,
        }
    }

    /// What is done when the order meets the other one, if they have the same owner.
    fn prevention(&self, order: &Order, other: &Order) -> SelfTrade {
        // Of the order and its account, who prevents anything. The order's word is the first.
        let prevents = |said: &SelfTradePrevention| said.mode != SelfTrade::Allow;
        let account = Some(self.account(order.account).prevention);
        let said: Vec<_> = [order.self_trade, account].into_iter().flatten().filter(prevents).collect();
        let Some(first) = said.first() else { return SelfTrade::Allow };
        let of_group = said.iter().any(|one| one.owner == Owner::Group);
        let same = order.account == other.account || (of_group && self.in_one_group(order, other));
        if same { first.mode } else { SelfTrade::Allow }
    }

    fn in_one_group(&self, one: &Order, other: &Order) -> bool {
        let [one, other] = [one, other].map(|order| self.account(order.account).group.0);
        one != 0 && one == other
    }

    /// How many lots could trade at once.
    fn could_trade(&self, order: &Order, bounds: &Bounds) -> i128 {
        let (mut left, mut count) = (order.open, 0);
        for other in self.in_trading_order(order.instrument, order.side.opposite()) {
            let price = other.limit();
            if !Self::crosses(order, price) || !bounds.in_bands(price) || !bounds.in_collar(price) {
                break;
            }
            let lots = left.min(other.open);
            match self.prevention(order, other) {
                SelfTrade::Allow => (left, count) = (left - lots, count + lots),
                SelfTrade::CancelOldest => {}
                SelfTrade::CancelNewest | SelfTrade::CancelBoth => break,
                SelfTrade::DecrementBoth => left -= lots,
            }
        }
        count
    }

    /// A new or released order trades, and rests or goes.
    pub(super) fn work(&mut self, mut order: Order) {
        if self.phase(order.instrument).gathers() || order.post_only != PostOnly::No {
            order.show_slice();
            return self.orders.push(order);
        }
        let bounds = self.bounds(&order);
        if self.could_trade(&order, &bounds) < order.min_quantity {
            return self.drop_incoming(order, CancelReason::MinimumQuantity);
        }
        order.min_quantity = 0;
        let stop = self.meet(&mut order, &bounds);
        self.follow(order.instrument);
        if order.open == 0 {
            return;
        }
        order.show_slice();
        match stop {
            None if order.may_rest() => self.orders.push(order),
            None => self.drop_incoming(order, CancelReason::ImmediateOrCancel),
            Some(CancelReason::PriceBand) => self.stop_at_band(order),
            Some(reason) => self.drop_incoming(order, reason),
        }
    }

    /// The order trades with one after another. Why it stopped, if it could have gone on.
    fn meet(&mut self, order: &mut Order, bounds: &Bounds) -> Option<CancelReason> {
        while order.open > 0 {
            let other = (*self.in_trading_order(order.instrument, order.side.opposite()).first()?).clone();
            let price = other.limit();
            if !Self::crosses(order, price) {
                return None;
            }
            if !bounds.in_bands(price) {
                return Some(CancelReason::PriceBand);
            }
            if !bounds.in_collar(price) {
                return Some(CancelReason::MarketCollar);
            }
            let mode = self.prevention(order, &other);
            let [theirs, own] = [false, true].map(|incoming| self.prevented(order, &other, mode, incoming));
            match mode {
                SelfTrade::Allow => {
                    if let Some(reason) = self.trade_with(order, other.id, price) {
                        return Some(reason);
                    }
                }
                SelfTrade::CancelNewest => return Some(own),
                SelfTrade::CancelOldest => drop(self.cancel_whole(other.id, theirs)),
                SelfTrade::CancelBoth => {
                    self.cancel_whole(other.id, theirs);
                    return Some(own);
                }
                SelfTrade::DecrementBoth => self.decrement_both(order, other.id, [theirs, own]),
            }
        }
        None
    }

    /// As many lots as both have, and the order's money and amount pay for. Why it cannot go on.
    fn trade_with(&mut self, order: &mut Order, other: OrderId, price: i128) -> Option<CancelReason> {
        let at = self.find(other).expect("it is in the book");
        let wanted = order.open.min(self.orders[at].at_once());
        let (mut lots, mut stop) = (wanted, None);
        let lot_costs = self.notional(order.instrument, price, 1);
        if let Some(money) = order.money
            && money / lot_costs < lots
        {
            (lots, stop) = (money / lot_costs, Some(CancelReason::AmountSpent));
        }
        if order.price.is_none() && order.side == Side::Buy {
            let affordable = self.affordable(order, price, lots);
            if affordable < lots {
                (lots, stop) = (affordable, Some(CancelReason::FundsExhausted));
            }
        }
        if lots == 0 {
            return stop;
        }
        self.unlink(order);
        let mut maker = self.unlink_resting(other);
        let rates = [self.maker_rate(&maker), self.taker_rate(order)];
        let kind = TradeKind::Continuous;
        self.trade(Meeting { maker: &mut maker, taker: order, price, lots, kind, rates });
        if let Some(money) = &mut order.money {
            *money -= lots * lot_costs;
        }
        self.instrument_mut(order.instrument).last = Some(price);
        self.put_back(maker);
        stop
    }

    /// A resting order that lost lots: gone, in its place, or with its next slice at the end of the queue.
    fn put_back(&mut self, order: Order) {
        let at = self.find(order.id).expect("it is in the book");
        if order.open == 0 {
            self.orders.remove(at);
        } else if order.display_quantity > 0 && order.slice == 0 {
            self.orders.remove(at);
            let mut order = order;
            order.show_slice();
            self.events.push(order.restated(RestateReason::Refreshed));
            self.orders.push(order);
        } else {
            self.orders[at] = order;
        }
    }

    fn decrement_both(&mut self, order: &mut Order, other: OrderId, reasons: [CancelReason; 2]) {
        self.unlink(order);
        let mut resting = self.unlink_resting(other);
        let decrement = order.open.min(resting.at_once());
        resting.slice -= decrement.min(resting.slice);
        for (loser, reason) in [&mut resting, order].into_iter().zip(reasons) {
            loser.total -= decrement;
            loser.open -= decrement;
            self.reserve(loser);
            self.events.push(loser.canceled(decrement, reason));
        }
        self.put_back(resting);
    }

    /// Money and lots change hands.
    pub(super) fn trade(&mut self, meeting: Meeting) {
        let Meeting { maker, taker, price, lots: quantity, kind, rates } = meeting;
        let maker_fee = self.settle(maker, price, quantity, rates[0]);
        let taker_fee = self.settle(taker, price, quantity, rates[1]);
        assert!(maker_fee + taker_fee >= 0, "the fee account pays for a trade");
        if maker.account != taker.account && !self.in_one_group(maker, taker) {
            let notional = self.notional(taker.instrument, price, quantity);
            let quote = self.listing(taker.instrument).quote;
            for account in [maker.account, taker.account] {
                self.count_volume(account, quote, notional);
            }
        }
        self.last_trade += 1;
        self.events.push(Event::Executed(Executed {
            trade: TradeId(self.last_trade),
            instrument: taker.instrument,
            taker_side: taker.side,
            kind,
            maker_visibility: maker.visibility,
            price: ticks(price),
            quantity: lots(quantity),
            maker_login: maker.login,
            maker_user_ref: maker.user_ref,
            maker_order: maker.id,
            maker_fee: amount(maker_fee),
            maker_reserved: amount(maker.reserved),
            taker_login: taker.login,
            taker_user_ref: taker.user_ref,
            taker_order: taker.id,
            taker_fee: amount(taker_fee),
            taker_reserved: amount(taker.reserved),
        }));
    }

    /// What is left of an order that is not in the book is cancelled.
    pub(super) fn drop_incoming(&mut self, mut order: Order, reason: CancelReason) {
        let left = std::mem::take(&mut order.open);
        order.reserved = 0;
        self.events.push(order.canceled(left, reason));
        if let Some(other) = order.oco {
            self.cancel_whole(other, CancelReason::LinkedOrder);
        }
    }

    /// The next trade of the order would cross a band.
    fn stop_at_band(&mut self, order: Order) {
        let instrument = order.instrument;
        let pause = self.instrument(instrument).protection.interruption_s;
        if pause == 0 {
            return self.drop_incoming(order, CancelReason::PriceBand);
        }
        if order.may_rest() {
            self.orders.push(order);
        } else {
            self.drop_incoming(order, CancelReason::PriceBand);
        }
        let end = i128::from(self.now) + i128::from(pause) * i128::from(SECOND);
        self.set_phase(instrument, Phase::VolatilityAuction);
        self.instrument_mut(instrument).interrupted_until = Some(end);
    }

    /// The phase is another, and nothing else happens.
    pub(super) fn set_phase(&mut self, instrument: InstrumentId, phase: Phase) {
        let known = self.instrument_mut(instrument);
        known.listing.phase = phase;
        known.interrupted_until = None;
        self.events.push(Event::PhaseSet { instrument, phase });
    }
}
