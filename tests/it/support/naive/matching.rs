//! An incoming order against the book.

use super::fills::Verdict;
use super::orders::Order;
use super::{Naive, SECOND, amount, lots, ticks};
use dojima::domain::{
    CancelReason, Event, Executed, FeeRate, InstrumentId, MarketEvent, OrderEvent, OrderId, Owner, Phase,
    PostOnly, Ppm, RestateReason, SelfTrade, SelfTradePrevented, SelfTradePrevention, Side, TradeId,
    TradeKind,
};

/// How far an incoming order may go, as it was when it came: the collar, and the bands.
struct Bounds {
    collar: Option<(i128, i128)>,
    bands: Vec<(i128, i128)>,
    /// Whether something is looked at first: what a minimum quantity would trade, or what an amount comes to.
    looks_first: bool,
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

/// What an incoming order may still do.
struct Means {
    /// What it may still touch.
    touches: u32,
    /// Of a market buy: what it may spend.
    money: Option<i128>,
}

/// What an order of the other side comes to at one price.
#[derive(Clone, Copy)]
enum Fate {
    /// It trades so many lots.
    Trades(i128),
    /// It and the incoming order lose so many lots.
    Loses(i128),
    /// It is cancelled whole.
    Goes(CancelReason),
}

impl Fate {
    /// The same again, for so many lots of its next slice.
    fn add(&mut self, more: i128) {
        match self {
            Self::Trades(lots) | Self::Loses(lots) => *lots += more,
            Self::Goes(_) => panic!("what is gone is not met again"),
        }
    }
}

/// The orders of the other side at one price, as an incoming order eats them up.
struct Queue {
    /// The first is next.
    orders: Vec<Order>,
    /// Icebergs that have shown another slice.
    refreshed: Vec<OrderId>,
}

impl Queue {
    /// The first one loses so many lots, no more than it has at once. An iceberg's next slice comes last of those that are
    /// displayed.
    fn take(&mut self, lots: i128) {
        let mut order = self.orders.remove(0);
        order.open -= lots;
        order.slice -= lots.min(order.slice);
        if order.open == 0 {
            return;
        }
        if order.display_quantity() == 0 || order.slice > 0 {
            return self.orders.insert(0, order);
        }
        order.show_slice();
        self.refreshed.push(order.id);
        let displayed = self.orders.iter().filter(|order| order.is_displayed()).count();
        self.orders.insert(displayed, order);
    }

    /// The icebergs that stand there with another slice, in the order of their places.
    fn into_refreshed(self) -> impl Iterator<Item = Order> {
        let Self { orders, refreshed } = self;
        orders.into_iter().filter(move |order| refreshed.contains(&order.id))
    }
}

/// Why an order loses lots over a trade with its owner that is not made.
fn prevented(
    instrument: InstrumentId,
    price: i128,
    quantity: i128,
    mode: SelfTrade,
    incoming: bool,
) -> CancelReason {
    let (price, quantity) = (ticks(price), lots(quantity));
    CancelReason::SelfTradePrevented(SelfTradePrevented { instrument, price, quantity, mode, incoming })
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
            looks_first: order.min_quantity() > 0 || order.money.is_some(),
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
    pub(super) fn prevention(&self, order: &Order, other: &Order) -> SelfTrade {
        // Of the order and its account, who prevents anything. The order's word is the first.
        let prevents = |said: &SelfTradePrevention| said.mode != SelfTrade::Allow;
        let account = Some(self.account(order.account).prevention);
        let said: Vec<_> = [order.asked.self_trade, account].into_iter().flatten().filter(prevents).collect();
        let Some(first) = said.first() else { return SelfTrade::Allow };
        let of_group = said.iter().any(|one| one.owner == Owner::Group);
        let same = order.account == other.account || (of_group && self.in_one_group(order, other));
        if same { first.mode } else { SelfTrade::Allow }
    }

    fn in_one_group(&self, one: &Order, other: &Order) -> bool {
        let [one, other] = [one, other].map(|order| self.account(order.account).group.0);
        one != 0 && one == other
    }

    /// A new or released order trades, and rests or goes.
    pub(super) fn work(&mut self, mut order: Order) {
        if self.phase(order.instrument).gathers() || order.asked.post_only != PostOnly::No {
            return self.rest(order);
        }
        let bounds = self.bounds(&order);
        if let Some(reason) = self.misses_its_minimum(&order, &bounds) {
            return self.drop_incoming(order, reason);
        }
        order.asked.min_quantity = 0;
        let mut means = self.means(&order);
        let before = self.events.len();
        let stop = self.meet(&mut order, &bounds, &mut means);
        self.after_match(&order, before);
        self.follow(order.instrument);
        if order.open == 0 {
            return;
        }
        match stop {
            None if order.may_rest() => self.rest(order),
            None => self.drop_incoming(order, CancelReason::ImmediateOrCancel),
            Some(CancelReason::PriceBand) => self.stop_at_band(order),
            Some(reason) => self.drop_incoming(order, reason),
        }
    }

    /// Why its minimum cannot be reached, if it cannot. All orders of a command together may look for it in vain only as much as
    /// one order may touch.
    fn misses_its_minimum(&mut self, order: &Order, bounds: &Bounds) -> Option<CancelReason> {
        if order.min_quantity() == 0 {
            return None;
        }
        if self.may_look == 0 || !self.looks_are_left(order.account) {
            return Some(CancelReason::WorkLimit);
        }
        let (missing, touched) = self.look_for_minimum(order, bounds);
        if missing.is_some() {
            self.may_look = self.may_look.saturating_sub(touched);
            self.looked_in_vain(order.account, touched);
        }
        missing
    }

    /// Adds up the levels first; then the match itself is made, on a copy of the whole exchange, and what it trades there is
    /// counted. What is missing, and what was touched.
    fn look_for_minimum(&self, order: &Order, bounds: &Bounds) -> (Option<CancelReason>, u32) {
        let in_reach = |price| {
            Self::crosses(order, price)
                && !self.beyond_price_limit(order, price)
                && bounds.in_bands(price)
                && bounds.in_collar(price)
        };
        let mut levels = self.counted_levels(order.instrument, order.side.opposite()).into_iter().peekable();
        let (mut there, mut walked) = (0, 0);
        while there < order.min_quantity() {
            let Some((_, lots)) = levels.next_if(|(price, _)| in_reach(*price)) else {
                return (Some(CancelReason::MinimumQuantity), walked);
            };
            if walked == self.limits.orders_touched_max {
                return (Some(CancelReason::WorkLimit), walked);
            }
            walked += 1;
            there += lots;
        }
        let (mut trial, mut copy) = (self.clone(), order.clone());
        trial.events.clear();
        trial.is_trial = true;
        let mut means = trial.means(order);
        let stop = trial.meet(&mut copy, bounds, &mut means);
        let traded = |event: &Event| match event {
            Event::Order(OrderEvent::Executed(trade)) if trade.taker_order == order.id => {
                i128::from(trade.quantity.0)
            }
            _ => 0,
        };
        let lots: i128 = trial.events.iter().map(traded).sum();
        let reason = stop.filter(|stop| *stop == CancelReason::WorkLimit);
        let missing =
            (lots < order.min_quantity()).then_some(reason.unwrap_or(CancelReason::MinimumQuantity));
        (missing, walked + self.limits.orders_touched_max - means.touches)
    }

    fn means(&self, order: &Order) -> Means {
        let market_buy =
            order.price.is_none() && order.side == Side::Buy && !self.is_contract(order.instrument);
        let quote = self.listing(order.instrument).quote;
        Means {
            touches: self.limits.orders_touched_max,
            money: market_buy.then(|| self.available(order.account, quote)),
        }
    }

    /// The order trades at one price after another. Why it stopped, if it could have gone on.
    fn meet(&mut self, order: &mut Order, bounds: &Bounds, means: &mut Means) -> Option<CancelReason> {
        while order.open > 0 {
            let price = self.best(order.instrument, order.side.opposite())?;
            if !Self::crosses(order, price) {
                return None;
            }
            if self.beyond_price_limit(order, price) {
                return Some(CancelReason::PriceOutsideLimits);
            }
            if !bounds.in_bands(price) {
                return Some(CancelReason::PriceBand);
            }
            if !bounds.in_collar(price) {
                return Some(CancelReason::MarketCollar);
            }
            let stop = self.meet_at(order, price, means, bounds.looks_first);
            if stop.is_some() {
                return stop;
            }
        }
        None
    }

    /// Whether a market order of a contract may not trade at this price.
    fn beyond_price_limit(&self, order: &Order, price: i128) -> bool {
        order.price.is_none()
            && self.is_contract(order.instrument)
            && self.is_outside(order.instrument, order.side, price)
    }

    /// All that happens at one price: the order meets one slice after another, and then it is told what each order of
    /// the other side has come to.
    fn meet_at(
        &mut self,
        order: &mut Order,
        price: i128,
        means: &mut Means,
        looks_first: bool,
    ) -> Option<CancelReason> {
        let others = self.in_trading_order(order.instrument, order.side.opposite());
        let here = others.into_iter().filter(|other| other.limit() == price).cloned();
        let mut queue = Queue { orders: here.collect(), refreshed: Vec::new() };
        // Of a contract, an order that shows all that it has is a sharing of its own.
        let alone = |first: &Order| self.is_contract(first.instrument) && first.open == first.at_once();
        if queue.orders.first().is_some_and(alone) {
            queue.orders.truncate(1);
        }
        let lot_costs = self.notional(order.instrument, price, 1);
        let mut amount_pays_for = order.money.map(|money| money / lot_costs);
        let mut money_pays_for = means.money.map(|money| self.affordable(order, price, order.open, money));
        // In the order in which they were first met, with what the order might still touch then.
        let mut fates: Vec<(OrderId, Fate, u32)> = Vec::new();
        // Where icebergs begin to share.
        let mut shared_from = usize::MAX;
        let (mut left, mut stop) = (order.open, None);
        while left > 0 && stop.is_none() {
            let Some(other) = queue.orders.first().cloned() else { break };
            let met = fates.iter().position(|(id, ..)| *id == other.id);
            if met.is_none() && means.touches == 0 {
                stop = Some(CancelReason::WorkLimit);
                break;
            }
            let outside = self.rests_outside(&other);
            let mode = self.prevention(order, &other);
            let is_met_whole = !outside && matches!(mode, SelfTrade::Allow | SelfTrade::DecrementBoth);
            let is_iceberg = other.open > other.at_once();
            if is_met_whole && is_iceberg && other.at_once() < left && !self.looks_are_left(order.account) {
                stop = Some(CancelReason::WorkLimit);
                break;
            }
            if is_met_whole && is_iceberg && other.at_once() < left {
                shared_from = shared_from.min(fates.len());
            }
            if met.is_none() {
                // Each look at it, the slices that it does not show, and the order that goes with it; and the order itself.
                let look = 1 + u32::from(other.open > other.at_once()) + u32::from(other.oco.is_some());
                let touched = 1 + if looks_first { 2 * look } else { look };
                means.touches = means.touches.saturating_sub(touched);
            }
            let mut lots = left.min(other.at_once());
            let [theirs, own] =
                [false, true].map(|incoming| prevented(order.instrument, price, lots, mode, incoming));
            let fate = match mode {
                _ if outside => Fate::Goes(CancelReason::PriceOutsideLimits),
                SelfTrade::Allow => {
                    for (pays_for, reason) in [
                        (&mut amount_pays_for, CancelReason::AmountSpent),
                        (&mut money_pays_for, CancelReason::FundsExhausted),
                    ] {
                        if pays_for.is_some_and(|most| most < lots) {
                            (lots, stop) = (pays_for.unwrap_or_default(), Some(reason));
                        }
                    }
                    if lots == 0 {
                        break;
                    }
                    for pays_for in [&mut amount_pays_for, &mut money_pays_for] {
                        *pays_for = pays_for.map(|most| most - lots);
                    }
                    Fate::Trades(lots)
                }
                SelfTrade::CancelNewest => {
                    stop = Some(own);
                    break;
                }
                SelfTrade::CancelOldest => Fate::Goes(theirs),
                SelfTrade::CancelBoth => {
                    stop = Some(own);
                    Fate::Goes(theirs)
                }
                SelfTrade::DecrementBoth => Fate::Loses(lots),
            };
            queue.orders.retain(|order| Some(order.id) != other.oco);
            if let Fate::Goes(_) = fate {
                queue.orders.remove(0);
            } else {
                queue.take(lots);
                left -= lots;
            }
            match met {
                Some(at) => fates[at].1.add(lots),
                None => {
                    fates.push((other.id, fate, means.touches));
                }
            }
        }
        let (mut done, mut lowered) = (Vec::new(), 0);
        for (at, (id, fate, touches)) in fates.into_iter().enumerate() {
            let ends = match fate {
                Fate::Trades(lots) => self.trade_if_possible(order, id, price, lots, means, &mut lowered),
                Fate::Loses(lots) => {
                    self.decrement_both(order, id, price, lots);
                    None
                }
                Fate::Goes(reason) => {
                    self.cancel_whole(id, reason);
                    None
                }
            };
            // It did not come to the others of this sharing.
            if let Some(why) = ends {
                // A minimum quantity is not looked for in another sharing.
                let in_vain = self.is_trial && at >= shared_from;
                (stop, means.touches) = (why.or(in_vain.then_some(CancelReason::MinimumQuantity)), touches);
                break;
            }
            done.push(id);
        }
        means.touches = means.touches.saturating_sub(lowered);
        for told in queue.into_refreshed() {
            // Those of contracts may be gone, have fewer lots by now, or not have been come to.
            let Some(at) = self.find(told.id).filter(|_| done.contains(&told.id)) else { continue };
            let mut resting = self.orders.remove(at);
            resting.slice = told.slice.min(resting.open);
            self.events.push(resting.restated(RestateReason::Refreshed));
            self.orders.push(resting);
        }
        stop
    }

    /// One trade, if both sides can have it. What ends this sharing, if it does: the order goes on with what is there then, or
    /// it ends for this reason. Orders that were lowered are counted.
    fn trade_if_possible(
        &mut self,
        order: &mut Order,
        other: OrderId,
        price: i128,
        lots: i128,
        means: &mut Means,
        lowered: &mut u32,
    ) -> Option<Option<CancelReason>> {
        if !self.is_contract(order.instrument) {
            self.trade_with(order, other, price, lots, means);
            return None;
        }
        // An earlier trade of this price may have left it fewer lots.
        let Some(at) = self.find(other) else { return Some(None) };
        self.charge_both(self.places_of(order, &self.orders[at]));
        let maker = &self.orders[at];
        let left = lots.min(maker.open);
        let rates = [self.maker_rate(maker), self.taker_rate(order)];
        match self.verdict(&self.deal(maker, order, price, left, rates)) {
            Verdict::Passes => {
                *lowered += self.trade_with(order, other, price, left, means);
                (left < lots).then_some(None)
            }
            Verdict::OpenInterest => Some(Some(CancelReason::OpenInterestLimit)),
            Verdict::Stale => Some(Some(CancelReason::IndexStale)),
            Verdict::IncomingFails => Some(Some(CancelReason::InsufficientMargin)),
            Verdict::RestingFails => {
                self.cancel_whole(other, CancelReason::InsufficientMargin);
                Some(None)
            }
        }
    }

    /// One trade, of all that the order takes of the other one at this price. How many orders were lowered by it.
    fn trade_with(
        &mut self,
        order: &mut Order,
        other: OrderId,
        price: i128,
        lots: i128,
        means: &mut Means,
    ) -> u32 {
        self.unlink(order);
        let mut maker = self.unlink_resting(other);
        let rates = [self.maker_rate(&maker), self.taker_rate(order)];
        let kind = TradeKind::Continuous;
        let fee = self.trade(Meeting { maker: &mut maker, taker: order, price, lots, kind, rates });
        let places = self.places_of(order, &maker);
        if order.money.is_some() || means.money.is_some() {
            let notional = self.notional(order.instrument, price, lots);
            order.money = order.money.map(|amount| amount - notional);
            self.spend(order, notional, fee, means);
        }
        self.instrument_mut(order.instrument).last = Some(price);
        self.put_back(maker);
        if !self.is_contract(order.instrument) {
            return 0;
        }
        self.lower_after_trade(places)
    }

    /// What a market buy has paid it may not spend again.
    fn spend(&self, order: &Order, notional: i128, fee: i128, means: &mut Means) {
        if let Some(money) = &mut means.money {
            let in_base = self.pays_in_base(order.instrument, Side::Buy);
            *money -= notional + if in_base { 0 } else { fee.max(0) };
        }
    }

    /// A resting order that lost lots: gone, or in its place.
    fn put_back(&mut self, order: Order) {
        let at = self.find(order.id).expect("it is in the book");
        if order.open == 0 {
            self.orders.remove(at);
        } else {
            self.orders[at] = order;
        }
    }

    fn decrement_both(&mut self, order: &mut Order, other: OrderId, price: i128, decrement: i128) {
        self.unlink(order);
        let mut resting = self.unlink_resting(other);
        resting.slice -= decrement.min(resting.slice);
        let instrument = order.instrument;
        for (loser, incoming) in [(&mut resting, false), (order, true)] {
            let before = loser.open;
            loser.total -= decrement;
            loser.open -= decrement;
            self.reserve_less(loser, before);
            let reason = prevented(instrument, price, decrement, SelfTrade::DecrementBoth, incoming);
            self.events.push(loser.canceled(decrement, reason));
        }
        self.put_back(resting);
    }

    /// Money and lots change hands. The taker's fee.
    pub(super) fn trade(&mut self, mut meeting: Meeting) -> i128 {
        let ([maker_fee, taker_fee], changed) = if self.is_contract(meeting.taker.instrument) {
            let (fees, changed) = self.book_trade(&mut meeting);
            (fees, Some(changed))
        } else {
            let Meeting { maker, taker, price, lots, rates, .. } = &mut meeting;
            let maker_fee = self.settle(maker, *price, *lots, rates[0]);
            ([maker_fee, self.settle(taker, *price, *lots, rates[1])], None)
        };
        let Meeting { maker, taker, price, lots: quantity, kind, .. } = meeting;
        assert!(maker_fee + taker_fee >= 0, "the fee account pays for a trade");
        if maker.account != taker.account && !self.in_one_group(maker, taker) {
            let value = self.value(taker.instrument, price, quantity).expect("it was traded");
            let asset = self.settled_in(taker.instrument);
            for account in [maker.account, taker.account] {
                self.count_volume(account, asset, value);
            }
        }
        self.last_trade += 1;
        self.events.push(Event::Order(OrderEvent::Executed(Executed {
            trade: TradeId(self.last_trade),
            instrument: taker.instrument,
            taker_side: taker.side,
            kind,
            maker_visibility: maker.asked.visibility,
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
        })));
        changed.into_iter().for_each(|changed| self.tell_positions(changed));
        taker_fee
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
            self.rest(order);
        } else {
            self.drop_incoming(order, CancelReason::PriceBand);
        }
        let end = i128::from(self.now) + i128::from(pause) * i128::from(SECOND);
        self.set_phase(instrument, Phase::VolatilityAuction);
        self.instrument_mut(instrument).interrupted_until = Some(end);
    }

    /// The phase is another, and nothing else happens.
    pub(super) fn set_phase(&mut self, instrument: InstrumentId, phase: Phase) {
        let now = self.now;
        let known = self.instrument_mut(instrument);
        known.listing.phase = phase;
        known.interrupted_until = None;
        if phase == Phase::Continuous {
            known.contract.began.get_or_insert(now);
        }
        self.events.push(Event::Market(MarketEvent::PhaseSet { instrument, phase }));
    }
}
