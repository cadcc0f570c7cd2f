//! How many lots a market buy or a quantity in money can pay for.

use super::market::Market;
use super::match_end::MatchEnd;
use super::products::{FeeTerms, Short};
use super::settlement::Liquidity;
use super::sink::EventSink;
use super::taker::Taker;
use crate::domain::{AccountId, Amount, Price, Quantity, RejectReason, Side};

/// The most price levels for converting an amount to lots.
const AMOUNT_LEVELS: usize = 100;

impl<S: EventSink> Market<'_, S> {
    /// How many lots of `wanted` a market buy, or a quantity in money, pays for at this price, and why not more.
    #[cold]
    pub(super) fn affordable(&self, taker: &Taker, price: Price, wanted: Quantity) -> (Quantity, MatchEnd) {
        let fee = self.fee_terms(taker.hot.account, taker.hot.fee_carry);
        let (lots, short) = self.instrument.product().affordable(&taker.purse, price, wanted, fee);
        let end = match short {
            None => MatchEnd::NothingCrosses,
            Some(Short::Budget) => MatchEnd::AmountSpent,
            Some(Short::Funds) => MatchEnd::OutOfFunds,
        };
        (lots, end)
    }

    fn fee_terms(&self, account: AccountId, carry: u32) -> FeeTerms {
        FeeTerms { rate: self.rate(account, Liquidity::Taker), carry }
    }

    /// Whether the buyer of a market order can pay for one lot at the best price, considering its account and its
    /// order's carry. `released` counts as available.
    pub(super) fn reaches_for_one_lot(
        &self,
        (account, carry): (AccountId, u32),
        released: Amount,
    ) -> Result<(), RejectReason> {
        let Some((best, _)) = self.instrument.book.best(Side::Sell) else { return Ok(()) };
        let cost = self.instrument.product().cost(best, Quantity(1), self.fee_terms(account, carry));
        let cost = cost.ok_or(RejectReason::NotionalTooLarge)?;
        let available = self.available_to(account, Side::Buy);
        if available.0 + released.0 < cost.0 { Err(RejectReason::InsufficientFunds) } else { Ok(()) }
    }

    /// Converts a quantity in money to lots, using the displayed levels of the other side. The account must have the
    /// money, or the base, for one lot. `released` counts as available. A level counts like a touched order, and as
    /// work in vain unless the order trades.
    ///
    /// Hidden lots are ignored, because otherwise the result would reveal them.
    pub(super) fn lots_for(
        &mut self,
        side: Side,
        amount: i64,
        owner: (AccountId, u32),
        released: Amount,
    ) -> Result<Quantity, RejectReason> {
        let (book, listing) = (&self.instrument.book, &self.instrument.listing);
        let opposite = side.opposite();
        let product = self.instrument.product();
        let value = |price| product.value(price, Quantity(1)).ok_or(RejectReason::NotionalTooLarge);
        let best = book.best_shown(opposite).ok_or(RejectReason::NothingToTradeWith)?;
        if value(best)?.0 > amount {
            return Err(RejectReason::AmountTooSmall);
        }
        if side == Side::Buy && !self.is_contract() {
            self.reaches_for_one_lot(owner, released)?;
        }
        let available = self.available_to(owner.0, side);
        let held = product.lots_held(side, Amount(available.0 + released.0));
        if held == 0 {
            return Err(RejectReason::InsufficientFunds);
        }
        let (mut left, mut lots, mut lot, mut walked) = (amount, 0_u64, value(best)?, 0);
        for (price, shown) in book.shown_levels(opposite, &self.shared.orders).take(AMOUNT_LEVELS) {
            #[cfg(test)]
            super::steps::count();
            walked += 1;
            lot = value(price)?;
            let paid = (left / lot.0).unsigned_abs().min(shown);
            left -= lot.0 * paid as i64;
            lots += paid;
            if paid < shown || lots >= listing.max_quantity.0 {
                break;
            }
        }
        self.shared.touched += walked;
        self.shared.in_vain.walked(owner.0, walked, self.shared.now);
        // The remaining amount may be for lots behind those levels or hidden; a sell has no more of them than it holds.
        let unseen = (left / lot.0).unsigned_abs().min(held.saturating_sub(lots));
        Ok(Quantity(lots.saturating_add(unseen).min(listing.max_quantity.0)))
    }
}
