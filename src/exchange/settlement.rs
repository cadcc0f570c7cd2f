//! The money of a trade: fees, what both sides hold afterwards, and what is told of it.

use super::book::{Handle, Hot};
use super::extras;
use super::fees;
use super::instrument::Instrument;
use super::ledger::Ledger;
use super::market::{Market, reserve_for};
use super::sink::EventSink;
use crate::domain::{
    AccountId, Amount, Event, Executed, FeeAsset, FeeRate, OrderEvent, Price, Quantity, Side, TradeKind,
    Visibility,
};

/// One fill: at what price, how much, and what that is in money.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    pub(super) price: Price,
    pub(super) quantity: Quantity,
    pub(super) notional: Amount,
    pub(super) base: Amount,
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

impl<S: EventSink> Market<'_, S> {
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
    /// been lowered already. An iceberg that shows nothing any more is for the caller to refresh. `rates`: of the resting and of
    /// the incoming side.
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
        self.shared.last_trade = self.shared.last_trade.next();
        self.events.push(Event::Order(OrderEvent::Executed(Executed {
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
        })));
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
        }
    }
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
