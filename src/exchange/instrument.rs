//! One instrument: its terms, its book, and its prices and triggers.

#![deny(clippy::wildcard_enum_match_arm)]

use super::book::{Book, Handle, OrderSlab};
use super::contract::Contract;
use super::extras::Extras;
use super::products::{Product, Rates};
use super::shared::Shared;
use super::triggers::{self, Triggers};
use crate::domain::{
    FeeRate, FeeTier, Listing, OrderLimits, Phase, Price, Protection, Side, Timestamp, TradeKind,
    TriggerReference,
};

#[derive(Clone, Debug)]
pub(super) struct Instrument {
    pub(super) listing: Listing,
    pub(super) book: Book,
    pub(super) fees: [Rates; FeeTier::COUNT],
    /// Whether the rows of the fee table differ.
    pub(super) tiered: bool,
    /// The highest rate of the table, at least 0: what an order must be able to pay.
    pub(super) highest_fee: FeeRate,
    pub(super) protection: Protection,
    pub(super) limits: OrderLimits,
    /// The price of the last trade.
    pub(super) last: Option<Price>,
    pub(super) mark: Option<Price>,
    /// The reference price of the static band and of auctions.
    pub(super) reference: Option<Price>,
    /// When a volatility interruption ends, ns; `u64::MAX`: there is none.
    pub(super) resume_at: u64,
    /// Orders that wait for a price.
    pub(super) triggers: Option<Box<Triggers>>,
    /// What a contract has besides; `None` for spot, and in other shards.
    pub(super) contract: Option<Box<Contract>>,
}

impl Instrument {
    pub(super) fn new(listing: Listing) -> Self {
        let rates = Rates { maker: listing.maker_fee, taker: listing.taker_fee };
        let mut instrument = Self {
            listing,
            book: Book::default(),
            fees: [rates; FeeTier::COUNT],
            tiered: false,
            highest_fee: FeeRate(0),
            protection: Protection::default(),
            limits: OrderLimits::default(),
            last: None,
            mark: None,
            reference: None,
            resume_at: u64::MAX,
            triggers: None,
            contract: None,
        };
        instrument.fees_changed();
        instrument
    }

    /// Updates the values derived from the fee table.
    pub(super) fn fees_changed(&mut self) {
        self.tiered = self.fees.iter().any(|row| *row != self.fees[0]);
        let highest = self.fees.iter().flat_map(|row| [row.maker, row.taker]).max();
        self.highest_fee = highest.expect("a table has rows").max(FeeRate(0));
        (self.listing.maker_fee, self.listing.taker_fee) = (self.fees[0].maker, self.fees[0].taker);
    }

    /// The product: what its orders reserve, pay and receive.
    #[inline]
    pub(super) fn product(&self) -> Product<'_> {
        Product::of(&self.listing, self.highest_fee)
    }

    /// Whether it is a contract with a stale index.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.contract.as_ref().is_some_and(|contract| contract.is_stale(now))
    }

    /// The rates of a fee tier.
    #[inline]
    pub(super) fn rates(&self, tier: FeeTier) -> Rates {
        self.fees[usize::from(tier.0)]
    }

    /// The last price of its index, ticks, if it is a contract and there is one.
    pub(super) fn index_price(&self) -> Option<Price> {
        self.contract.as_ref().and_then(|contract| contract.index_price)
    }

    /// The present price that a trigger watches.
    pub(super) fn watched(&self, reference: TriggerReference) -> Option<Price> {
        match reference {
            TriggerReference::LastTrade => self.last,
            TriggerReference::MarkPrice => self.mark,
            TriggerReference::IndexPrice => self.index_price(),
        }
    }

    /// Of two linked orders that both rest, the one that would trade later takes no part in auctions and counts in no
    /// total: it is cancelled when the other trades.
    pub(super) fn leave_out_later(&mut self, pair: [Handle; 2], orders: &mut OrderSlab, extras: &mut Extras) {
        let [one, other] = pair;
        let later = if orders.hot(one).rank() < orders.hot(other).rank() { other } else { one };
        let (extra, open) = (orders.cold(later).extra, orders.hot(later).open);
        let extra = extras.find_mut(extra).expect("a linked order has an extra");
        let before = extra.unseen(open);
        extra.sits_out = true;
        self.book.count_unseen(orders, later, extra.unseen(open) - before);
    }

    /// The first of the instrument's orders, of one or both sides: buys in trading order, sells in trading order, then
    /// waiting orders of both sides by number.
    pub(super) fn first_order(&self, shared: &Shared, side: Option<Side>) -> Option<Handle> {
        let first = |side| self.book.first(side);
        let resting = side.map_or_else(|| first(Side::Buy).or_else(|| first(Side::Sell)), first);
        resting.or_else(|| self.first_waiting(shared))
    }

    /// The next order in the order of [`Self::first_order`].
    pub(super) fn order_after(&self, shared: &Shared, side: Option<Side>, at: Handle) -> Option<Handle> {
        if shared.is_dormant(at) {
            let extra = shared.orders.cold(at).extra;
            return triggers::after(&shared.extras, extra).map(|next| shared.extras.at(next).links.handle);
        }
        let resting = self.book.after(&shared.orders, at).or_else(|| {
            let sells_follow = side.is_none() && shared.orders.hot(at).side == Side::Buy;
            if sells_follow { self.book.first(Side::Sell) } else { None }
        });
        resting.or_else(|| self.first_waiting(shared))
    }

    fn first_waiting(&self, shared: &Shared) -> Option<Handle> {
        let first = self.triggers.as_ref()?.first()?;
        Some(shared.extras.at(first).links.handle)
    }

    /// How many orders wait for a trigger.
    pub(super) fn dormant(&self) -> usize {
        self.triggers.as_ref().map_or(0, |triggers| triggers.len())
    }

    /// The kind of the trades of an auction that ends now.
    pub(super) fn auction_kind(&self) -> TradeKind {
        match self.listing.phase {
            Phase::ClosingAuction => TradeKind::Closing,
            Phase::VolatilityAuction => TradeKind::Volatility,
            Phase::OpeningAuction
            | Phase::PreOpen
            | Phase::Continuous
            | Phase::Closed
            | Phase::Halted
            | Phase::CancelOnly
            | Phase::Delisted => TradeKind::Opening,
        }
    }
}
