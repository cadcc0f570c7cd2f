//! A trade: posts its money to the ledger, emits its event, and removes filled orders.

use super::book::{Handle, Hot};
use super::contract::Pair;
use super::extras;
use super::market::Market;
use super::products::{Settled, Settling};
use super::shared::Shared;
use super::sink::EventSink;
use super::wallet::Wallet;
use crate::domain::{
    AccountId, Event, Executed, FeeRate, Fill, OrderEvent, Quantity, Side, TradeKind, Visibility,
};

/// Which fee rate a side pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liquidity {
    /// Its order rested.
    Maker,
    /// Its order was incoming.
    Taker,
    /// Both orders rested, and an auction determined the price.
    Auction,
}

impl<S: EventSink> Market<'_, S> {
    /// The rate of an account in the fee table.
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
            // A rebate rewards the side that set the price; in an auction neither did.
            Liquidity::Auction => rates.taker.max(FeeRate(0)),
        }
    }

    /// Moves the money of a fill of spot.
    #[inline]
    fn settle(
        &mut self,
        fill: &Fill,
        handle: Handle,
        taker: &mut Hot,
        open: [Quantity; 2],
        rates: [FeeRate; 2],
    ) -> Settled {
        let Shared { orders, ledger, .. } = &mut *self.shared;
        let resting = Settling { order: orders.get_mut(handle), open: open[0], rate: rates[0] };
        let incoming = Settling { order: taker, open: open[1], rate: rates[1] };
        Wallet { ledger, product: self.instrument.product() }.settle(fill, resting, incoming)
    }

    /// Moves the money of a fill, emits the event, and removes the resting order if it is filled. The open lots of both
    /// orders were already decreased. The caller must refresh an iceberg that displays nothing any more. `rates` are
    /// those of the resting and of the incoming side; `pair` has both sides of a trade of a contract, as measured.
    /// Returns how many reduce-only orders it has lowered.
    pub(super) fn execute(
        &mut self,
        taker: &mut Hot,
        handle: Handle,
        fill: &Fill,
        rates: [FeeRate; 2],
        kind: TradeKind,
        pair: Option<&Pair>,
    ) -> u32 {
        let rest = self.rest_of(handle);
        let open = [Quantity(self.shared.orders.hot(handle).open.0 + rest), taker.open];
        let Settled { fees, volume } = match pair {
            None => self.settle(fill, handle, taker, open, rates),
            Some(pair) => self.book_pair(fill, handle, taker, open, pair),
        };
        let maker = *self.shared.orders.hot(handle);
        if self.shared.volumes.is_some() {
            self.shared.count_volume([maker.account, taker.account], volume);
        }
        self.shared.last_trade = self.shared.last_trade.next();
        self.events.push(Event::Order(OrderEvent::Executed(Executed {
            trade: self.shared.last_trade,
            instrument: self.instrument.listing.instrument,
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
        if pair.is_some() {
            self.tell_changes();
        }
        self.count_use((maker.account, maker.side, maker.flags), -(fill.quantity.0 as i64), 0);
        if open[0].0 == 0 {
            // None of its lots are hidden any more.
            self.instrument.book.unlink(&mut self.shared.orders, handle, 0);
            let extra = if maker.flags & extras::HAS_EXTRA == 0 {
                extras::NONE
            } else {
                self.shared.orders.cold(handle).extra
            };
            self.forget(handle, Quantity(0));
            self.shared.extras.remove(extra);
        }
        if pair.is_some() {
            let accounts = [maker.account, taker.account];
            let buyer = usize::from(taker.side == Side::Buy);
            return self.resize_reducing(accounts[buyer]) + self.resize_reducing(accounts[1 - buyer]);
        }
        0
    }
}
