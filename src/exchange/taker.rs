//! An incoming order during its match: what it has, how far it may go, and why it stops.

use super::book::{Cold, Handle, Hot, Order};
use super::instrument::Instrument;
use super::market::Market;
use super::match_end::MatchEnd;
use super::products::Purse;
use super::sink::EventSink;
use crate::domain::{Ppm, Price, QuantityUnit, SelfTradePrevention, Side, Timestamp};

/// An incoming order during its match.
#[derive(Clone, Copy)]
pub(super) struct Taker {
    pub(super) hot: Hot,
    pub(super) cold: Cold,
    pub(super) self_trade: SelfTradePrevention,
    pub(super) purse: Purse,
    pub(super) reach: Reach,
    /// Lots traded so far.
    pub(super) traded: u64,
    /// The price of the last trade.
    pub(super) last: Option<Price>,
    /// How often each order of the other side is read: twice if a minimum quantity or an amount requires a search
    /// first.
    pub(super) looks: u32,
    /// How many more touches it may cause.
    pub(super) touches_left: u32,
}

impl Taker {
    pub(super) fn order(&self) -> Order {
        Order::join(&self.hot, &self.cold)
    }
}

impl<S: EventSink> Market<'_, S> {
    /// The order with everything that its match must consider.
    pub(super) fn taker(&self, order: Order) -> Taker {
        let reach = Reach::of(&order, self.instrument, self.shared.now);
        let self_trade = self.self_trade_of(&order);
        let asked = self.extra(&order);
        let by_amount = asked.filter(|extra| extra.instructions.unit == QuantityUnit::QuoteAmount);
        let budget = by_amount.map(|extra| extra.amount);
        let looks_first = budget.is_some() || asked.is_some_and(|extra| extra.instructions.min_quantity > 0);
        let looks = 1 + u32::from(looks_first);
        let available = |asset| self.shared.ledger.balance(order.account, asset).available;
        let funds = self.instrument.product().funds(&order, available);
        let purse = Purse { budget, funds };
        let (hot, cold) = order.split();
        let touches_left = self.shared.limits.orders_touched_max;
        Taker { hot, cold, self_trade, purse, reach, traded: 0, last: None, looks, touches_left }
    }
}

/// The position of a dry run in the book, and the orders that it leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DryRun {
    /// The next order of the other side.
    pub(super) next: Option<Handle>,
    /// Its number. Orders that would have been cancelled with another are marked with it.
    pub(super) number: u64,
    /// The dry run ends once this many lots would trade.
    pub(super) enough: u64,
}

/// The prices at which an order may trade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Lowest and highest, ticks, over all limits.
    low: i64,
    high: i64,
    /// The same for the order's own limit, and for the bands: they give the reason for the end of a match.
    limit: (i64, i64),
    /// The price limit of a market order of a contract.
    price_limit: (i64, i64),
    bands: (i64, i64),
}

const ANY: (i64, i64) = (i64::MIN, i64::MAX);

impl Reach {
    /// The reach of an order: its limit, the bands of its instrument and, for a market order, the collar.
    pub(super) fn of(order: &Order, instrument: &Instrument, now: Timestamp) -> Self {
        let limit = match (order.limit, order.side) {
            (None, _) => ANY,
            (Some(limit), Side::Buy) => (i64::MIN, limit.0),
            (Some(limit), Side::Sell) => (limit.0, i64::MAX),
        };
        let protection = &instrument.protection;
        let mut reach = Self { low: limit.0, high: limit.1, limit, price_limit: ANY, bands: ANY };
        if let (Some(contract), None) = (&instrument.contract, order.limit) {
            reach.price_limit = match (order.side, contract.price_limits(now).of_side(order.side)) {
                (Side::Buy, highest) => (i64::MIN, highest.0),
                (Side::Sell, lowest) => (lowest.0, i64::MAX),
            };
            (reach.low, reach.high) = reach.price_limit;
        }
        if protection.static_band.0 | protection.dynamic_band.0 | protection.market_collar.0 != 0 {
            reach.bands = within(
                around(instrument.reference, protection.static_band),
                around(instrument.last, protection.dynamic_band),
            );
            let mut all = within(within(limit, reach.price_limit), reach.bands);
            if order.limit.is_none() {
                let best = instrument.book.best(order.side.opposite()).map(|(price, _)| price);
                let collar = around(best, protection.market_collar);
                all = within(all, collar);
            }
            (reach.low, reach.high) = all;
        }
        reach
    }

    /// Whether the order may trade at this price.
    #[inline]
    pub(super) fn holds(&self, price: Price) -> bool {
        (self.low..=self.high).contains(&price.0)
    }

    /// Why a match ends at this price, which is out of reach.
    #[cold]
    pub(super) fn end(&self, price: Price) -> MatchEnd {
        let outside = |(low, high): (i64, i64)| !(low..=high).contains(&price.0);
        if outside(self.limit) {
            MatchEnd::NothingCrosses
        } else if outside(self.price_limit) {
            MatchEnd::PriceLimit
        } else if outside(self.bands) {
            MatchEnd::Band
        } else {
            MatchEnd::Collar
        }
    }
}

/// This share of a price in ticks, rounded down; works for negative prices.
fn share(price: Price, ppm: Ppm) -> i64 {
    (i128::from(price.0).abs() * i128::from(ppm.0) / i128::from(Ppm::ONE)) as i64
}

/// The prices within a share of a reference; all prices if either is missing.
fn around(reference: Option<Price>, ppm: Ppm) -> (i64, i64) {
    match reference {
        Some(reference) if ppm.0 > 0 => {
            let distance = share(reference, ppm);
            (reference.0 - distance, reference.0 + distance)
        }
        _ => ANY,
    }
}

fn within(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0.max(other.0), one.1.min(other.1))
}
