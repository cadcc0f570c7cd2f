//! Phases and call auctions.

use super::fills::Verdict;
use super::matching::Meeting;
use super::orders::Order;
use super::{Naive, lots, ticks};
use dojima::domain::{
    Auction, CancelReason, Event, FeeRate, InstrumentId, MarketEvent, OrderId, Phase, RejectReason,
    SelfTrade, SelfTradePrevented, Side, TimeInForce, TradeKind,
};

/// Rounds of an auction at most.
const ROUNDS: u32 = 8;

/// What an auction would give.
struct Outcome {
    price: i128,
    volume: i128,
    /// Buys at the price less sells at it.
    surplus: i128,
}

impl Naive {
    pub(super) fn command_phase(
        &mut self,
        instrument: InstrumentId,
        phase: Phase,
    ) -> Result<(), RejectReason> {
        let known = self.listed(instrument)?;
        let now = known.listing.phase;
        if known.contract.expired {
            return Err(RejectReason::ContractExpired);
        }
        if phase == Phase::Delisted || phase == now {
            return Err(RejectReason::InvalidPhase);
        }
        self.may_go_to(instrument, phase)?;
        self.enter_phase(instrument, phase);
        Ok(())
    }

    /// The phase changes, with all that comes of it.
    pub(super) fn enter_phase(&mut self, instrument: InstrumentId, phase: Phase) {
        let before = self.phase(instrument);
        if before == Phase::Halted {
            self.make_up_for_halt(instrument);
        }
        if phase == Phase::Continuous || (phase == Phase::Closed && before.gathers()) {
            self.uncross(instrument, before);
        }
        self.set_phase(instrument, phase);
        if phase == Phase::Closed {
            let days = self.by_book(instrument, |order| order.time_in_force == TimeInForce::Day);
            self.cancel_all(&days, CancelReason::Expired);
        }
    }

    fn kind(phase: Phase) -> TradeKind {
        match phase {
            Phase::VolatilityAuction => TradeKind::Volatility,
            Phase::ClosingAuction => TradeKind::Closing,
            _ => TradeKind::Opening,
        }
    }

    /// The orders of a side that take part: of two linked ones that both rest only the one that would trade first.
    fn taking_part(&self, instrument: InstrumentId, side: Side) -> Vec<&Order> {
        let mut found: Vec<&Order> = Vec::new();
        for order in self.in_trading_order(instrument, side) {
            if !found.iter().any(|before| Some(before.id) == order.oco) {
                found.push(order);
            }
        }
        found.retain(|order| !self.rests_outside(order));
        found
    }

    /// `None`: nothing crosses.
    fn auction(&self, instrument: InstrumentId) -> Option<Outcome> {
        let buys = self.taking_part(instrument, Side::Buy);
        let sells = self.taking_part(instrument, Side::Sell);
        let known = self.instrument(instrument);
        let reference = known.reference.or(known.last).unwrap_or(0);
        let at = |price: i128| {
            let bought: i128 = buys.iter().filter(|o| o.limit() >= price).map(|o| o.open).sum();
            let sold: i128 = sells.iter().filter(|o| o.limit() <= price).map(|o| o.open).sum();
            Outcome { price, volume: bought.min(sold), surplus: bought - sold }
        };
        let mut left: Vec<Outcome> = buys.iter().chain(&sells).map(|order| at(order.limit())).collect();
        left.retain(|result| result.volume > 0);
        let most = left.iter().map(|result| result.volume).max()?;
        left.retain(|result| result.volume == most);
        let least = left.iter().map(|result| result.surplus.abs()).min()?;
        left.retain(|result| result.surplus.abs() == least);
        // Where buyers are left over the price rises as far as it can, where sellers are it falls.
        let buyers = left.iter().filter(|result| result.surplus > 0).map(|result| result.price).max();
        let sellers = left.iter().filter(|result| result.surplus < 0).map(|result| result.price).min();
        left.retain(|result| match result.surplus.signum() {
            1 => Some(result.price) == buyers,
            -1 => Some(result.price) == sellers,
            _ => true,
        });
        left.into_iter().max_by_key(|result| (-(result.price - reference).abs(), result.price))
    }

    fn told(&self, instrument: InstrumentId, phase: Phase, result: Option<&Outcome>) -> Auction {
        let kind = Self::kind(phase);
        let Some(result) = result else { return Auction { instrument, kind, ..Auction::default() } };
        Auction {
            instrument,
            kind,
            price: Some(ticks(result.price)),
            volume: lots(result.volume),
            imbalance: lots(result.surplus.abs()),
            imbalance_side: if result.surplus < 0 { Side::Sell } else { Side::Buy },
        }
    }

    pub(super) fn publish_indicative(&mut self) {
        for at in 0..self.instruments.len() {
            let instrument = InstrumentId(at as u32);
            let phase = self.phase(instrument);
            if phase.is_auction() {
                let told = self.told(instrument, phase, self.auction(instrument).as_ref());
                self.events.push(Event::Market(MarketEvent::Indicative(told)));
            }
        }
    }

    /// Trades what crosses. Where orders of one owner were kept from trading with one another, what is left may cross at
    /// another price: then there is another round. In the last round the price moves, as little as it has to.
    fn uncross(&mut self, instrument: InstrumentId, before: Phase) {
        if self.is_contract(instrument) {
            self.cancel_outside(instrument);
        }
        let mut first = before.is_auction();
        for round in 1..=ROUNDS {
            let result = self.auction(instrument);
            if result.is_some() || first {
                let told = self.told(instrument, before, result.as_ref());
                self.events.push(Event::Market(MarketEvent::Uncrossed(told)));
            }
            let Some(Outcome { mut price, .. }) = result else { break };
            first = false;
            while let Some((bid, buy, ask, sell)) = self.crossing(instrument) {
                if price < ask || price > bid {
                    if round < ROUNDS {
                        break;
                    }
                    price = if price < ask { ask } else { bid };
                }
                if self.meet_in_auction(buy, sell, price, Self::kind(before)) {
                    let known = self.instrument_mut(instrument);
                    (known.reference, known.last) = (Some(price), Some(price));
                }
            }
        }
        self.follow(instrument);
    }

    /// The first buy and the first sell with their prices, if they cross.
    fn crossing(&self, instrument: InstrumentId) -> Option<(i128, OrderId, i128, OrderId)> {
        let first = |side| self.in_trading_order(instrument, side).first().map(|o| (o.limit(), o.id));
        let ((bid, buy), (ask, sell)) = (first(Side::Buy)?, first(Side::Sell)?);
        (bid >= ask).then_some((bid, buy, ask, sell))
    }

    /// Two orders trade, or have one owner who does not want that; whether they traded.
    fn meet_in_auction(&mut self, buy: OrderId, sell: OrderId, price: i128, kind: TradeKind) -> bool {
        // The newer one counts as the one that comes in.
        let (older, newer) = (buy.min(sell), buy.max(sell));
        let order = |id| &self.orders[self.find(id).expect("it is in the book")];
        let mode = match self.prevention(order(newer), order(older)) {
            SelfTrade::Allow => self.prevention(order(older), order(newer)),
            mode => mode,
        };
        let quantity = order(older).open.min(order(newer).open);
        let instrument = order(buy).instrument;
        let [of_older, of_newer] = [false, true].map(|incoming| {
            let (price, quantity) = (ticks(price), lots(quantity));
            CancelReason::SelfTradePrevented(SelfTradePrevented {
                instrument,
                price,
                quantity,
                mode,
                incoming,
            })
        });
        match mode {
            SelfTrade::Allow => return self.trade_in_auction(buy, sell, price, kind),
            SelfTrade::CancelNewest => drop(self.cancel_whole(newer, of_newer)),
            SelfTrade::CancelOldest => drop(self.cancel_whole(older, of_older)),
            SelfTrade::CancelBoth => {
                self.cancel_whole(older, of_older);
                self.cancel_whole(newer, of_newer);
            }
            SelfTrade::DecrementBoth => {
                self.unlink_resting(buy);
                self.unlink_resting(sell);
                for (id, reason) in [(older, of_older), (newer, of_newer)] {
                    let mut order = self.orders[self.find(id).expect("it is in the book")].clone();
                    let before = order.open;
                    order.lose(quantity);
                    self.reserve_less(&mut order, before);
                    self.events.push(order.canceled(quantity, reason));
                    self.show_what_is_left(order);
                }
            }
        }
        false
    }

    /// Whether both sides could have the trade; if not one of them is gone.
    fn trade_in_auction(&mut self, buy: OrderId, sell: OrderId, price: i128, kind: TradeKind) -> bool {
        if let Some((loser, reason)) = self.cannot_trade(buy, sell, price) {
            self.cancel_whole(loser, reason);
            return false;
        }
        let mut buy = self.unlink_resting(buy);
        let mut sell = self.unlink_resting(sell);
        let quantity = buy.open.min(sell.open);
        let rates = self.auction_rates(&buy, &sell);
        self.trade(Meeting { maker: &mut sell, taker: &mut buy, price, lots: quantity, kind, rates });
        let (instrument, places) = (buy.instrument, self.places_of(&buy, &sell));
        self.show_what_is_left(buy);
        self.show_what_is_left(sell);
        if self.is_contract(instrument) {
            self.lower_after_trade(places);
        }
        true
    }

    /// Nobody takes in an auction: there is no rebate for it.
    fn auction_rates(&self, buy: &Order, sell: &Order) -> [FeeRate; 2] {
        [self.taker_rate(sell), self.taker_rate(buy)].map(|rate| rate.max(FeeRate(0)))
    }

    /// Of two orders of a contract that would trade the one that cannot, and why. The buy counts as the incoming one.
    fn cannot_trade(&mut self, buy: OrderId, sell: OrderId, price: i128) -> Option<(OrderId, CancelReason)> {
        let [bid, ask] = [buy, sell].map(|id| self.orders[self.find(id).expect("it is in the book")].clone());
        if !self.is_contract(bid.instrument) {
            return None;
        }
        self.charge_both(self.places_of(&bid, &ask));
        let (bid, ask) = (&bid, &ask);
        let lots = bid.open.min(ask.open);
        match self.verdict(&self.deal(ask, bid, price, lots, self.auction_rates(bid, ask))) {
            Verdict::Passes => None,
            Verdict::OpenInterest => Some((buy.max(sell), CancelReason::OpenInterestLimit)),
            Verdict::Stale => unreachable!("nothing is uncrossed while the index is stale"),
            Verdict::IncomingFails => Some((buy, CancelReason::InsufficientMargin)),
            Verdict::RestingFails => Some((sell, CancelReason::InsufficientMargin)),
        }
    }

    /// What is outside the price limits of a contract takes no part in its auction.
    fn cancel_outside(&mut self, instrument: InstrumentId) {
        for side in [Side::Buy, Side::Sell] {
            let outside = self.in_trading_order(instrument, side);
            let outside = outside.into_iter().filter(|order| self.rests_outside(order));
            let numbers: Vec<OrderId> = outside.map(|order| order.id).collect();
            self.cancel_all(&numbers, CancelReason::PriceOutsideLimits);
        }
    }

    /// An order that lost lots goes on in its place, an iceberg showing as much as it may, or is gone.
    fn show_what_is_left(&mut self, mut order: Order) {
        let at = self.find(order.id).expect("it is in the book");
        order.show_slice();
        if order.open > 0 {
            self.orders[at] = order;
        } else {
            self.orders.remove(at);
        }
    }
}
