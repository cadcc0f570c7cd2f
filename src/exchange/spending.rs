//! How far money goes: lots that a market buy or a quantity in money pays for.

use super::fees;
use super::market::Market;
use super::matching::{MatchEnd, Taker};
use super::settlement::Liquidity;
use super::sink::EventSink;
use crate::domain::{AccountId, Amount, FeeAsset, FeeRate, Price, Quantity, RejectReason, Side};

/// Price levels over which an amount is turned into lots.
const AMOUNT_LEVELS: usize = 100;

impl<S: EventSink> Market<'_, S> {
    /// How many lots of `wanted` a market buy, or a quantity in money, pays for at this price; why no more.
    #[cold]
    pub(super) fn affordable(&self, taker: &Taker, price: Price, wanted: Quantity) -> (Quantity, MatchEnd) {
        let listing = &self.instrument.listing;
        let mut found = (wanted, MatchEnd::NothingCrosses);
        if let Some(budget) = taker.budget {
            let lots = listing.notional(price, Quantity(1)).map_or(0, |lot| budget / lot.0);
            if lots.unsigned_abs() < wanted.0 {
                found = (Quantity(lots.unsigned_abs()), MatchEnd::AmountSpent);
            }
        }
        let Some(funds) = taker.funds else { return found };
        let lot = listing.notional(price, Quantity(1)).map_or(i64::MAX, |lot| lot.0);
        let paid = match listing.fee_asset {
            FeeAsset::Quote => {
                let rate = self.rate(taker.hot.account, Liquidity::Taker).max(FeeRate(0));
                fees::units_paid(Amount(funds), Amount(lot), rate, taker.hot.fee_carry)
            }
            FeeAsset::Received => (funds / lot).unsigned_abs(),
        };
        if paid < found.0.0 { (Quantity(paid), MatchEnd::OutOfFunds) } else { found }
    }

    /// What a buy that takes these lots at this price pays at most, its fee included; `None` when it does not fit an amount. A
    /// rebate is not counted on: it is rounded trade by trade.
    fn cost(&self, (account, carry): (AccountId, u32), price: Price, quantity: Quantity) -> Option<Amount> {
        let notional = self.instrument.listing.notional(price, quantity)?;
        match self.instrument.listing.fee_asset {
            FeeAsset::Quote => {
                let rate = self.rate(account, Liquidity::Taker).max(FeeRate(0));
                fees::with_fee(notional, rate, carry)
            }
            FeeAsset::Received => Some(notional),
        }
    }

    /// Whether the buyer of a market order, an account and its order's carry, can pay for one lot at the best price. `released`
    /// counts as available.
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

    /// How many lots a quantity in money comes to, by what is displayed of the other side's levels; first of all the account must
    /// have the money, or the base, for one lot. `released` counts as available. A level counts like an order touched, and is looked
    /// at in vain unless the order trades.
    ///
    /// What is not displayed counts for nothing, so that nobody is told of it for free.
    pub(super) fn lots_for(
        &mut self,
        side: Side,
        amount: i64,
        owner: (AccountId, u32),
        released: Amount,
    ) -> Result<Quantity, RejectReason> {
        let (book, listing) = (&self.instrument.book, &self.instrument.listing);
        let opposite = side.opposite();
        let value = |price| listing.notional(price, Quantity(1)).ok_or(RejectReason::NotionalTooLarge);
        let best = book.best_shown(opposite).ok_or(RejectReason::NothingToTradeWith)?;
        if value(best)?.0 > amount {
            return Err(RejectReason::AmountTooSmall);
        }
        let held = match side {
            Side::Buy => {
                self.reaches_for_one_lot(owner, released)?;
                u64::MAX
            }
            Side::Sell => {
                let available = self.shared.ledger.balance(owner.0, listing.base).available;
                ((available.0 + released.0) / listing.lot.0).unsigned_abs()
            }
        };
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
        self.shared.walked(owner.0, walked);
        // What is left may be for lots behind those or not displayed, of which a sell offers no more than there are.
        let unseen = (left / lot.0).unsigned_abs().min(held.saturating_sub(lots));
        Ok(Quantity(lots.saturating_add(unseen).min(listing.max_quantity.0)))
    }
}
