//! Phases and call auctions.

use super::matching::Meeting;
use super::{Naive, lots, ticks};
use dojima::domain::{
    Auction, CancelReason, Event, FeeRate, InstrumentId, OrderId, Phase, RejectReason, Side, TimeInForce,
    TradeKind,
};

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
        let now = self.listed(instrument)?.listing.phase;
        if phase == Phase::Delisted || phase == now {
            return Err(RejectReason::InvalidPhase);
        }
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
            let days = self
                .numbers(|order| order.instrument == instrument && order.time_in_force == TimeInForce::Day);
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

    /// `None`: nothing crosses.
    fn auction(&self, instrument: InstrumentId) -> Option<Outcome> {
        let buys = self.in_trading_order(instrument, Side::Buy);
        let sells = self.in_trading_order(instrument, Side::Sell);
        let known = self.instrument(instrument);
        let reference = known.reference.or(known.last).unwrap_or(0);
        let at = |price: i128| {
            let bought: i128 = buys.iter().filter(|o| o.limit() >= price).map(|o| o.open).sum();
            let sold: i128 = sells.iter().filter(|o| o.limit() <= price).map(|o| o.open).sum();
            Outcome { price, volume: bought.min(sold), surplus: bought - sold }
        };
        buys.iter()
            .chain(&sells)
            .map(|order| at(order.limit()))
            .filter(|result| result.volume > 0)
            .max_by_key(|result| {
                let distance = (result.price - reference).abs();
                (result.volume, -result.surplus.abs(), -distance, result.price)
            })
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
                self.events.push(Event::Indicative(told));
            }
        }
    }

    /// Trades what crosses. Where a linked order that was counted is cancelled for its partner, what is left may cross at
    /// another price: then there is another round.
    fn uncross(&mut self, instrument: InstrumentId, before: Phase) {
        let mut first = before.is_auction();
        loop {
            let result = self.auction(instrument);
            if result.is_some() || first {
                let told = self.told(instrument, before, result.as_ref());
                self.events.push(Event::Uncrossed(told));
            }
            let Some(result) = result else { break };
            first = false;
            while let Some((buy, sell)) = self.pair(instrument, result.price) {
                self.trade_in_auction(buy, sell, result.price, Self::kind(before));
            }
            let known = self.instrument_mut(instrument);
            (known.reference, known.last) = (Some(result.price), Some(result.price));
        }
        self.follow(instrument);
    }

    /// The first buy and the first sell, if both trade at the price.
    fn pair(&self, instrument: InstrumentId, price: i128) -> Option<(OrderId, OrderId)> {
        let first = |side| self.in_trading_order(instrument, side).first().map(|o| (o.limit(), o.id));
        let ((bid, buy), (ask, sell)) = (first(Side::Buy)?, first(Side::Sell)?);
        (bid >= price && ask <= price).then_some((buy, sell))
    }

    fn trade_in_auction(&mut self, buy: OrderId, sell: OrderId, price: i128, kind: TradeKind) {
        let mut buy = self.unlink_resting(buy);
        let mut sell = self.unlink_resting(sell);
        let quantity = buy.open.min(sell.open);
        // Nobody takes in an auction: there is no rebate for it.
        let rates = [self.taker_rate(&sell), self.taker_rate(&buy)].map(|rate| rate.max(FeeRate(0)));
        self.trade(Meeting { maker: &mut sell, taker: &mut buy, price, lots: quantity, kind, rates });
        for mut order in [buy, sell] {
            let at = self.find(order.id).expect("it is in the book");
            order.show_slice();
            if order.open > 0 {
                self.orders[at] = order;
            } else {
                self.orders.remove(at);
            }
        }
    }
}
