//! The match: an incoming order against the other side of the book, and the money of every trade.

use super::book::{Handle, Hot, OrderSlab};
use super::client_refs::ClientRefs;
use super::ledger::Ledger;
use super::orders::{highest_fee, reserve_for};
use super::{Instrument, fees};
use crate::domain::{AccountId, Amount, Event, Executed, Listing, Ppm, Price, Quantity, Side, TradeId};

/// Why a match came to its end.
pub(super) enum Stop {
    /// The order is filled, or nothing on the other side is good enough.
    NothingCrosses,
    /// The account's money does not reach for one more lot (market buys only).
    OutOfFunds,
}

/// The parts of the exchange that a match works on.
pub(super) struct Matching<'a> {
    pub(super) instrument: &'a mut Instrument,
    pub(super) orders: &'a mut OrderSlab,
    pub(super) client_refs: &'a mut ClientRefs,
    pub(super) ledger: &'a mut Ledger,
    pub(super) last_trade: &'a mut TradeId,
    pub(super) events: &'a mut Vec<Event>,
}

/// One fill: at what price, how much, and what that is in money.
#[derive(Clone, Copy)]
struct Fill {
    price: Price,
    quantity: Quantity,
    notional: Amount,
    base: Amount,
}

impl Matching<'_> {
    /// Trades the order against the best of the other side for as long as prices cross.
    pub(super) fn run(&mut self, taker: &mut Hot, limit: Option<Price>) -> Stop {
        while taker.open.0 > 0 {
            let Some((price, handle)) = self.instrument.book.best(taker.side.opposite()) else { break };
            if !crosses(taker.side, limit, price) {
                break;
            }
            let wanted = taker.open.min(self.orders.hot(handle).open);
            let mut quantity = wanted;
            if limit.is_none() && taker.side == Side::Buy {
                quantity = wanted.min(self.affordable(taker, price));
            }
            if quantity.0 > 0 {
                self.trade(taker, handle, price, quantity);
            }
            if quantity < wanted {
                // For good: money that a trade of an account with itself brings back would let the order go on for
                // as many trades as it has lots.
                return Stop::OutOfFunds;
            }
        }
        Stop::NothingCrosses
    }

    fn trade(&mut self, taker: &mut Hot, handle: Handle, price: Price, quantity: Quantity) {
        let listing = self.instrument.listing;
        let fill = Fill {
            price,
            quantity,
            // Both parts are no more than the whole resting order's, which was checked when it came.
            notional: listing.notional(price, quantity).expect("checked at entry"),
            base: listing.base_amount(quantity).expect("checked at entry"),
        };
        self.instrument.book.reduce(self.orders, handle, quantity);
        taker.open.0 -= quantity.0;
        let maker = self.orders.get_mut(handle);
        let (maker_fee, taker_fee);
        // The buyer pays before the seller is paid: where both are one account, it must not hold more than there is
        // even for a moment.
        if taker.side == Side::Buy {
            taker_fee = settle(self.ledger, &listing, taker, fill, listing.taker_fee);
            maker_fee = settle(self.ledger, &listing, maker, fill, listing.maker_fee);
        } else {
            maker_fee = settle(self.ledger, &listing, maker, fill, listing.maker_fee);
            taker_fee = settle(self.ledger, &listing, taker, fill, listing.taker_fee);
        }
        let maker = *maker;
        self.ledger.credit(AccountId::FEES, listing.quote, Amount(maker_fee.0 + taker_fee.0));
        if maker.open.0 == 0 {
            self.instrument.book.unlink(self.orders, handle);
            self.client_refs.remove(self.orders, handle);
            self.orders.remove(handle);
        }
        *self.last_trade = TradeId(self.last_trade.0 + 1);
        self.events.push(Event::Executed(Executed {
            trade: *self.last_trade,
            instrument: listing.instrument,
            taker_side: taker.side,
            price: fill.price,
            quantity: fill.quantity,
            maker_login: maker.login,
            maker_user_ref: maker.user_ref,
            maker_order: maker.id,
            maker_fee,
            maker_reserved: maker.reserved,
            taker_login: taker.login,
            taker_user_ref: taker.user_ref,
            taker_order: taker.id,
            taker_fee,
            taker_reserved: taker.reserved,
        }));
    }

    /// How many lots a market buy can pay for at this price, its fee included.
    fn affordable(&self, taker: &Hot, price: Price) -> Quantity {
        let listing = &self.instrument.listing;
        let available = self.ledger.balance(taker.account, listing.quote).available;
        let fits = |lots: u64| {
            let notional = listing.notional(price, Quantity(lots));
            let cost = notional.and_then(|n| fees::with_fee(n, listing.taker_fee, taker.fee_carry));
            cost.is_some_and(|cost| cost <= available)
        };
        if fits(taker.open.0) {
            return taker.open;
        }
        // The largest number that fits lies between 0 and the open quantity; the cost rises with the number.
        let (mut low, mut high) = (0, taker.open.0);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        Quantity(low)
    }
}

/// Whether an order with this limit trades at this price of the other side.
fn crosses(side: Side, limit: Option<Price>, price: Price) -> bool {
    match (limit, side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => limit >= price,
        (Some(limit), Side::Sell) => limit <= price,
    }
}

/// Moves one side's money for a fill and returns its fee. The order's open quantity has been lowered already.
fn settle(ledger: &mut Ledger, listing: &Listing, order: &mut Hot, fill: Fill, rate: Ppm) -> Amount {
    let (fee, carry) = fees::fee(fill.notional, rate, order.fee_carry);
    order.fee_carry = carry;
    let before = order.reserved;
    match order.side {
        Side::Buy => {
            if before.0 > 0 {
                order.reserved = match order.open.0 {
                    0 => Amount(0),
                    _ => reserve_for(listing, Side::Buy, order.price(), order.open, carry)
                        .expect("a part needs no more than the whole"),
                };
            }
            debug_assert!(highest_fee(listing) >= rate, "the reserve is for the highest rate");
            let cost = Amount(fill.notional.0 + fee.0);
            ledger.spend(order.account, listing.quote, before, order.reserved, cost);
            ledger.credit(order.account, listing.base, fill.base);
        }
        Side::Sell => {
            order.reserved.0 -= fill.base.0;
            ledger.spend(order.account, listing.base, before, order.reserved, fill.base);
            ledger.credit(order.account, listing.quote, Amount(fill.notional.0 - fee.0));
        }
    }
    fee
}
