//! The match: an incoming order against the other side of the book, and the money of every trade.

use super::book::{Cold, Handle, Hot, Order};
use super::extras;
use super::fees;
use super::instrument::Instrument;
use super::ledger::Ledger;
use super::market::{Lots, Market, reserve_for};
use super::sink::EventSink;
use crate::domain::{
    AccountId, Amount, CancelReason, Canceled, Event, Executed, FeeAsset, FeeRate, Price, Quantity,
    QuantityUnit, RejectReason, SelfTrade, SelfTradePrevented, SelfTradePrevention, Side, TradeId, TradeKind,
    Visibility,
};

/// Why a match came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The order is filled, or nothing on the other side is within its limit.
    NothingCrosses,
    /// The account's money does not reach for one more lot (market buys only).
    OutOfFunds,
    /// What is left of a quantity in money does not pay for one more lot.
    AmountSpent,
    /// The next trade would be outside a price band.
    Band,
    /// The next trade would be too far from the best price.
    Collar,
    /// The next trade would be this one with the order's own owner.
    SelfTrade(SelfTradePrevented),
}

/// An order on its way through the match.
pub(super) struct Taker {
    pub(super) hot: Hot,
    pub(super) cold: Cold,
    self_trade: SelfTradePrevention,
    /// What a quantity in money has left.
    budget: Option<i64>,
    reach: Reach,
}

/// The prices at which an order may trade.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// Lowest and highest, ticks, all limits together.
    low: i64,
    high: i64,
    /// The same of the order's own limit alone, and of the bands alone: they say why a match ended.
    limit: (i64, i64),
    bands: (i64, i64),
}

const ANY: (i64, i64) = (i64::MIN, i64::MAX);

impl Reach {
    /// Why a match ends at this price, which is out of reach.
    #[cold]
    fn stop(&self, price: Price) -> Stop {
        let outside = |(low, high): (i64, i64)| !(low..=high).contains(&price.0);
        if outside(self.limit) {
            Stop::NothingCrosses
        } else if outside(self.bands) {
            Stop::Band
        } else {
            Stop::Collar
        }
    }
}

/// Ticks of this share of a price, rounded down.
fn share(price: Price, ppm: crate::domain::Ppm) -> i64 {
    (i128::from(price.0) * i128::from(ppm.0) / i128::from(crate::domain::Ppm::ONE)) as i64
}

/// The prices within a share of a reference; any without the one or the other.
fn around(reference: Option<Price>, ppm: crate::domain::Ppm) -> (i64, i64) {
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

/// One fill: at what price, how much, and what that is in money.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    price: Price,
    quantity: Quantity,
    notional: Amount,
    base: Amount,
}

impl<S: EventSink> Market<'_, S> {
    /// The order with what its match has to heed.
    pub(super) fn taker(&self, order: Order) -> Taker {
        let limit = match (order.price, order.side) {
            (Price(0), _) => ANY,
            (limit, Side::Buy) => (i64::MIN, limit.0),
            (limit, Side::Sell) => (limit.0, i64::MAX),
        };
        let protection = &self.instrument.protection;
        let mut reach = Reach { low: limit.0, high: limit.1, limit, bands: ANY };
        if protection.static_band.0 | protection.dynamic_band.0 | protection.market_collar.0 != 0 {
            reach.bands = within(
                around(self.instrument.reference, protection.static_band),
                around(self.instrument.last, protection.dynamic_band),
            );
            let mut all = within(limit, reach.bands);
            if order.price == Price(0) {
                let best = self.instrument.book.best(order.side.opposite()).map(|(price, _)| price);
                let collar = around(best, protection.market_collar);
                all = within(all, collar);
            }
            (reach.low, reach.high) = all;
        }
        let (hot, cold) = order.split();
        let self_trade = self.self_trade_of(&order);
        let mut taker = Taker { hot, cold, self_trade, budget: None, reach };
        if let Some(extra) = self.extra(&order) {
            let by_amount = extra.instructions.unit == QuantityUnit::QuoteAmount;
            taker.budget = by_amount.then_some(extra.amount);
        }
        taker
    }

    /// Trades the order against the best of the other side for as long as it may.
    pub(super) fn run(&mut self, taker: &mut Taker) -> Stop {
        let mut last = None;
        let stop = self.run_on(taker, &mut last);
        if let Some(last) = last {
            self.traded_at(last);
        }
        stop
    }

    /// The price of the last trade changed.
    pub(super) fn traded_at(&mut self, last: Price) {
        self.instrument.last = Some(last);
        if self.instrument.triggers.is_some() {
            self.shared.note_moved(self.instrument.listing.instrument);
        }
    }

    fn run_on(&mut self, taker: &mut Taker, last: &mut Option<Price>) -> Stop {
        let opposite = taker.hot.side.opposite();
        let careful =
            taker.budget.is_some() || (taker.hot.side == Side::Buy && taker.hot.price() == Price(0));
        while taker.hot.open.0 > 0 {
            let Some((price, handle)) = self.instrument.book.best(opposite) else { break };
            if price.0 < taker.reach.low || price.0 > taker.reach.high {
                return taker.reach.stop(price);
            }
            let maker = self.shared.orders.hot(handle);
            let (account, open) = (maker.account, maker.open);
            let linked = (maker.flags | taker.hot.flags) & extras::HAS_EXTRA != 0;
            if taker.self_trade.mode != SelfTrade::Allow
                && self.shared.same_owner(taker.hot.account, account, taker.self_trade.owner)
            {
                match self.prevent(taker, handle) {
                    Some(stop) => return stop,
                    None => continue,
                }
            }
            let wanted = taker.hot.open.min(open);
            let (mut quantity, mut stop) = (wanted, Stop::NothingCrosses);
            if careful {
                (quantity, stop) = self.affordable(taker, price, wanted);
            }
            if quantity.0 > 0 {
                if linked {
                    self.cancel_partners(taker, handle);
                }
                *last = Some(price);
                self.trade(taker, handle, price, quantity);
            }
            if quantity < wanted {
                // For good: money that a trade of an account with itself brings back would let the order go on for
                // as many trades as it has lots.
                return stop;
            }
        }
        Stop::NothingCrosses
    }

    #[cold]
    fn cancel_partners(&mut self, taker: &mut Taker, handle: Handle) {
        let mut order = Order::join(&taker.hot, &taker.cold);
        self.cancel_partner(&mut order, None);
        taker.hot.reserved = order.reserved;
        let mut maker = self.shared.orders.get(handle);
        self.cancel_partner(&mut maker, Some(handle));
    }

    /// The incoming order meets one of its own owner. `None`: it goes on.
    #[cold]
    fn prevent(&mut self, taker: &mut Taker, handle: Handle) -> Option<Stop> {
        let maker = self.shared.orders.hot(handle);
        let (mode, quantity) = (taker.self_trade.mode, taker.hot.open.min(maker.open));
        let (instrument, price) = (taker.cold.instrument, maker.price());
        let not_made = SelfTradePrevented { instrument, price, quantity, mode, incoming: false };
        let stop = Some(Stop::SelfTrade(SelfTradePrevented { incoming: true, ..not_made }));
        match mode {
            SelfTrade::Allow | SelfTrade::CancelNewest => stop,
            SelfTrade::CancelOldest => {
                self.cancel_whole(handle, CancelReason::SelfTradePrevented(not_made));
                None
            }
            SelfTrade::CancelBoth => {
                self.cancel_whole(handle, CancelReason::SelfTradePrevented(not_made));
                stop
            }
            SelfTrade::DecrementBoth => {
                self.decrement(taker, handle, not_made);
                None
            }
        }
    }

    /// Both orders lose the smaller of their lots without a trade.
    fn decrement(&mut self, taker: &mut Taker, handle: Handle, not_made: SelfTradePrevented) {
        let reason = CancelReason::SelfTradePrevented(not_made);
        self.cancel_partners(taker, handle);
        let maker = self.shared.orders.get(handle);
        let by = taker.hot.open.min(maker.open);
        let mut slice_is_gone = false;
        if by == self.open_of(&maker) {
            self.cancel_whole(handle, reason);
        } else {
            let maker = self.shrink(handle, by, Lots::Shown);
            let open = self.open_of(&maker);
            self.events.push(shrunk(&maker, by, open, reason));
            slice_is_gone = maker.open.0 == 0;
        }
        taker.hot.open.0 -= by.0;
        taker.cold.total.0 -= by.0;
        let before = taker.hot.reserved;
        let needs = self.needs(&Order::join(&taker.hot, &taker.cold)).min(before);
        taker.hot.reserved = if taker.hot.open.0 == 0 { Amount(0) } else { needs };
        let order = Order::join(&taker.hot, &taker.cold);
        self.reserve(&order, before);
        let reason = CancelReason::SelfTradePrevented(SelfTradePrevented { incoming: true, ..not_made });
        self.events.push(shrunk(&order, by, order.open, reason));
        if slice_is_gone {
            self.refresh(handle);
        }
    }

    /// How many lots of `wanted` a market buy, or a quantity in money, pays for at this price; why no more.
    #[cold]
    fn affordable(&self, taker: &Taker, price: Price, wanted: Quantity) -> (Quantity, Stop) {
        let listing = &self.instrument.listing;
        let mut found = (wanted, Stop::NothingCrosses);
        if let Some(budget) = taker.budget {
            let lots = listing.notional(price, Quantity(1)).map_or(0, |lot| budget / lot.0);
            if lots.unsigned_abs() < wanted.0 {
                found = (Quantity(lots.unsigned_abs()), Stop::AmountSpent);
            }
        }
        if taker.hot.side == Side::Sell {
            return found;
        }
        let available = self.shared.ledger.balance(taker.hot.account, listing.quote).available;
        let fits = |lots: u64| {
            self.cost((taker.hot.account, taker.hot.fee_carry), price, Quantity(lots))
                .is_some_and(|cost| cost <= available)
        };
        if fits(found.0.0) {
            return found;
        }
        // The largest number that fits lies between 0 and the wanted; the cost rises with the number.
        let (mut low, mut high) = (0, found.0.0);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        (Quantity(low), Stop::OutOfFunds)
    }

    /// What a buy that takes these lots at this price pays, its fee included; `None` when it does not fit an amount.
    fn cost(&self, (account, carry): (AccountId, u32), price: Price, quantity: Quantity) -> Option<Amount> {
        let notional = self.instrument.listing.notional(price, quantity)?;
        match self.instrument.listing.fee_asset {
            FeeAsset::Quote => fees::with_fee(notional, self.rate(account, Liquidity::Taker), carry),
            FeeAsset::Received => Some(notional),
        }
    }

    /// Whether the buyer of a market order, an account and its order's carry, can pay for one lot at the best price. `released` counts as available.
    pub(super) fn reaches_for_one_lot(
        &self,
        buyer: (AccountId, u32),
        released: Amount,
    ) -> Result<(), RejectReason> {
        let Some((best, _)) = self.instrument.book.best(Side::Sell) else { return Ok(()) };
        let cost = self.cost(buyer, best, Quantity(1)).ok_or(RejectReason::NotionalTooLarge)?;
        let available = self.shared.ledger.balance(buyer.0, self.instrument.listing.quote).available;
        if available.0 + released.0 < cost.0 { Err(RejectReason::InsufficientFunds) } else { Ok(()) }
    }

    /// How many lots a quantity in money comes to, by the other side as it is.
    pub(super) fn lots_for(&self, side: Side, amount: i64) -> Result<Quantity, RejectReason> {
        let listing = &self.instrument.listing;
        let (mut left, mut lots, mut any) = (amount, 0_u64, false);
        for (_, order) in self.instrument.book.orders(side.opposite(), &self.shared.orders) {
            any = true;
            let lot = listing.notional(order.price, Quantity(1)).ok_or(RejectReason::NotionalTooLarge)?;
            let open = self.open_of(&order).0;
            let paid = (left / lot.0).unsigned_abs().min(open);
            left -= lot.0 * paid as i64;
            lots += paid;
            if paid < open || lots >= listing.max_quantity.0 {
                break;
            }
        }
        match lots {
            _ if !any => Err(RejectReason::NothingToTradeWith),
            0 => Err(RejectReason::AmountTooSmall),
            lots => Ok(Quantity(lots.min(listing.max_quantity.0))),
        }
    }

    /// Whether at least so many lots could trade at once.
    pub(super) fn can_trade(&self, taker: &Taker, least: u64) -> bool {
        let (mut count, mut open) = (0_u64, taker.hot.open.0);
        for (_, order) in self.instrument.book.orders(taker.hot.side.opposite(), &self.shared.orders) {
            let out_of_reach = order.price.0 < taker.reach.low || order.price.0 > taker.reach.high;
            if count >= least || open == 0 || out_of_reach {
                break;
            }
            let lots = self.open_of(&order).0.min(open);
            let own = self.shared.same_owner(taker.hot.account, order.account, taker.self_trade.owner);
            match taker.self_trade.mode {
                SelfTrade::CancelNewest | SelfTrade::CancelBoth if own => break,
                SelfTrade::CancelOldest if own => {}
                SelfTrade::DecrementBoth if own => open -= lots,
                _ => (count, open) = (count + lots, open - lots),
            }
        }
        count >= least
    }

    fn trade(&mut self, taker: &mut Taker, handle: Handle, price: Price, quantity: Quantity) {
        let fill = self.fill(price, quantity);
        if let Some(budget) = &mut taker.budget {
            *budget -= fill.notional.0;
        }
        taker.hot.open.0 -= quantity.0;
        let taker_rate = self.rate(taker.hot.account, Liquidity::Taker);
        self.instrument.book.reduce(&mut self.shared.orders, handle, quantity);
        let maker_rate = self.rate(self.shared.orders.hot(handle).account, Liquidity::Maker);
        self.execute(&mut taker.hot, handle, fill, [maker_rate, taker_rate], TradeKind::Continuous);
    }

    /// A fill in money. It is no more than the whole of a resting order, which was checked when it came.
    #[inline]
    pub(super) fn fill(&self, price: Price, quantity: Quantity) -> Fill {
        let listing = &self.instrument.listing;
        Fill {
            price,
            quantity,
            notional: listing.notional(price, quantity).expect("checked at entry"),
            base: listing.base_amount(quantity).expect("checked at entry"),
        }
    }

    /// The rate of an account's row of the fee table.
    #[inline]
    pub(super) fn rate(&self, account: AccountId, liquidity: Liquidity) -> FeeRate {
        let rates = if self.instrument.tiered {
            self.instrument.rates(self.shared.account(account).tier)
        } else {
            self.instrument.fees[0]
        };
        match liquidity {
            Liquidity::Maker => rates.maker,
            Liquidity::Taker => rates.taker,
            // A rebate rewards who made the price; in an auction nobody did.
            Liquidity::Auction => rates.taker.max(FeeRate(0)),
        }
    }

    /// Moves the money of a fill, tells of it, and takes the resting order out if it is filled. Both orders' open lots have
    /// been lowered already. `rates`: of the resting and of the incoming side.
    pub(super) fn execute(
        &mut self,
        taker: &mut Hot,
        handle: Handle,
        fill: Fill,
        rates: [FeeRate; 2],
        kind: TradeKind,
    ) {
        let instrument = &*self.instrument;
        let listing = &instrument.listing;
        let rest = self.rest_of(handle);
        let maker = self.shared.orders.get_mut(handle);
        let open = [Quantity(maker.open.0 + rest), taker.open];
        let fees = fees_of(&fill, [&mut *maker, &mut *taker], rates, listing.fee_asset);
        let ledger = &mut self.shared.ledger;
        // The buyer pays before the seller is paid: where both are one account, it must not hold more than there is
        // even for a moment.
        if taker.side == Side::Buy {
            settle(ledger, instrument, taker, open[1], fill, fees[1]);
            settle(ledger, instrument, maker, open[0], fill, fees[0]);
        } else {
            settle(ledger, instrument, maker, open[0], fill, fees[0]);
            settle(ledger, instrument, taker, open[1], fill, fees[1]);
        }
        if listing.fee_asset == FeeAsset::Received {
            let [maker_asset, taker_asset] = [maker.side, taker.side].map(|side| listing.fee_paid_in(side));
            ledger.credit(AccountId::FEES, maker_asset, fees[0]);
            ledger.credit(AccountId::FEES, taker_asset, fees[1]);
        } else {
            ledger.credit(AccountId::FEES, listing.quote, Amount(fees[0].0 + fees[1].0));
        }
        let maker = *maker;
        let quote = listing.quote;
        if self.shared.volumes.is_some() {
            self.shared.count_volume([maker.account, taker.account], quote, fill.notional);
        }
        self.shared.last_trade = TradeId(self.shared.last_trade.0 + 1);
        self.events.push(Event::Executed(Executed {
            trade: self.shared.last_trade,
            instrument: listing.instrument,
            taker_side: taker.side,
            kind,
            maker_visibility: if maker.hidden { Visibility::Hidden } else { Visibility::Displayed },
            price: fill.price,
            quantity: fill.quantity,
            maker_login: maker.login,
            maker_user_ref: maker.user_ref,
            maker_order: maker.id,
            maker_fee: fees[0],
            maker_reserved: maker.reserved,
            taker_login: taker.login,
            taker_user_ref: taker.user_ref,
            taker_order: taker.id,
            taker_fee: fees[1],
            taker_reserved: taker.reserved,
        }));
        self.count_use(maker.account, maker.side, -(fill.quantity.0 as i64), 0);
        if open[0].0 == 0 {
            // Nothing of it is hidden any more.
            self.instrument.book.unlink(&mut self.shared.orders, handle, 0);
            let extra = if maker.flags & extras::HAS_EXTRA == 0 {
                extras::NONE
            } else {
                self.shared.orders.cold(handle).extra
            };
            self.forget(handle, Quantity(0));
            self.shared.extras.remove(extra);
        } else if maker.open.0 == 0 {
            self.refresh(handle);
        }
    }
}

/// Which rate a side pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liquidity {
    /// It rested.
    Maker,
    /// It came in.
    Taker,
    /// Both rested, and an auction made the price.
    Auction,
}

fn shrunk(order: &Order, by: Quantity, open: Quantity, reason: CancelReason) -> Event {
    Event::Canceled(Canceled {
        login: order.login,
        user_ref: order.user_ref,
        order: order.id,
        decrement: by,
        open,
        reserved: order.reserved,
        reason,
    })
}

/// What the two sides pay.
#[inline]
fn fees_of(fill: &Fill, orders: [&mut Hot; 2], rates: [FeeRate; 2], fee_asset: FeeAsset) -> [Amount; 2] {
    let mut fees = [Amount(0); 2];
    for ((order, rate), paid) in orders.into_iter().zip(rates).zip(&mut fees) {
        let from = match (fee_asset, order.side) {
            (FeeAsset::Received, Side::Buy) => fill.base,
            _ => fill.notional,
        };
        (*paid, order.fee_carry) = fees::fee(from, rate, order.fee_carry);
    }
    fees
}

/// Moves one side's money for a fill. `open` is what is left of the order, which has been lowered already.
#[inline]
fn settle(
    ledger: &mut Ledger,
    instrument: &Instrument,
    order: &mut Hot,
    open: Quantity,
    fill: Fill,
    fee: Amount,
) {
    let listing = &instrument.listing;
    let before = order.reserved;
    match order.side {
        Side::Buy => {
            order.reserved = match open.0 {
                0 => Amount(0),
                _ => reserve_for(instrument, Side::Buy, order.price(), open, order.fee_carry)
                    .expect("a part needs no more than the whole"),
            };
            let (cost, received) = match listing.fee_asset {
                FeeAsset::Quote => (Amount(fill.notional.0 + fee.0), fill.base),
                FeeAsset::Received => (fill.notional, Amount(fill.base.0 - fee.0)),
            };
            ledger.spend(order.account, listing.quote, before, order.reserved, cost);
            ledger.credit(order.account, listing.base, received);
        }
        Side::Sell => {
            order.reserved.0 -= fill.base.0;
            assert!(order.reserved.0 >= 0, "a sell holds what it sells");
            ledger.spend(order.account, listing.base, before, order.reserved, fill.base);
            ledger.credit(order.account, listing.quote, Amount(fill.notional.0 - fee.0));
        }
    }
}
