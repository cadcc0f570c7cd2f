//! Products: what the money of an order is. Matching, triggers, auctions and changes know orders and prices, and ask the
//! product of the instrument here; nothing else in the exchange names the assets that are traded, or what a lot is worth.
//!
//! There is one product, [`spot`]. Another is a variant of [`Product`] and a file that answers the same questions. A reserve
//! that depends on the account's position takes the position in [`Demand`]. A fill that one side cannot pay for is one that
//! [`Product::affordable`] refuses before lots are taken. Whatever a fill moves is postings.

mod asked;
mod fees;
mod spot;

pub(super) use asked::{Counted, Demand, FeeTerms, Purse, Rates, Settled, Settling, Short};

use super::book::Order;
use super::ledger::Balance;
use crate::domain::{
    Amount, AssetId, FeeRate, Fill, ListInstrument, Listing, OrderLimits, Posting, Price, Quantity,
    RejectReason, Side,
};
use spot::Spot;

/// What an instrument is, as far as money is concerned: a view of its terms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Product<'i> {
    /// One asset for another, at once.
    Spot(Spot<'i>),
}

impl<'i> Product<'i> {
    /// `highest_fee`: the highest rate of the fee table, at least 0.
    #[inline]
    pub(super) fn of(listing: &'i Listing, highest_fee: FeeRate) -> Self {
        Self::Spot(Spot { listing, highest_fee })
    }

    /// The asset in which an order of this side holds its reserve.
    #[inline]
    pub(super) fn held_in(&self, side: Side) -> AssetId {
        match self {
            Self::Spot(spot) => spot.listing.held_in(side),
        }
    }

    /// What an order must hold, linked or not; `None` when it does not fit an amount. A part needs no more than the whole.
    #[inline]
    pub(super) fn required_reserve(&self, demand: &Demand) -> Option<Amount> {
        match self {
            Self::Spot(spot) => spot.required_reserve(demand),
        }
    }

    /// Whether what orders hold depends on the fee table.
    pub(super) fn reserves_fees(&self) -> bool {
        match self {
            Self::Spot(spot) => spot.reserves_fees(),
        }
    }

    /// What limits on the size of orders are held against, minor units; `None` when it does not fit an amount.
    #[inline]
    pub(super) fn value(&self, price: Price, quantity: Quantity) -> Option<Amount> {
        match self {
            Self::Spot(spot) => spot.listing.notional(price, quantity),
        }
    }

    /// The least value of a limit order.
    pub(super) fn value_min(&self) -> Amount {
        match self {
            Self::Spot(spot) => spot.listing.min_notional,
        }
    }

    /// Whether an order of this side can make a position smaller.
    pub(super) fn may_reduce(&self, side: Side) -> bool {
        match self {
            // Nobody owes what is bought.
            Self::Spot(_) => side == Side::Sell,
        }
    }

    /// Lots that an account has, by its balances.
    pub(super) fn position(&self, balance: impl Fn(AssetId) -> Balance) -> u64 {
        match self {
            Self::Spot(spot) => spot.position(balance),
        }
    }

    /// Lots that are there for a market order of this side, its account having so much available; the other side's prices say
    /// what a buy can pay for.
    pub(super) fn lots_held(&self, side: Side, available: Amount) -> u64 {
        match self {
            Self::Spot(spot) => spot.lots_held(side, available),
        }
    }

    /// What a market order may spend beyond what it holds; `None`: it holds what it gives.
    #[inline]
    pub(super) fn funds(&self, order: &Order, available: impl Fn(AssetId) -> Amount) -> Option<i64> {
        match self {
            Self::Spot(spot) => spot.funds(order, available),
        }
    }

    /// What a market order of this side must have available to take so many lots at this price, its fee included; `None` when
    /// it does not fit an amount. A rebate is not counted on: it is rounded trade by trade.
    pub(super) fn cost(&self, price: Price, quantity: Quantity, fee: FeeTerms) -> Option<Amount> {
        match self {
            Self::Spot(spot) => spot.cost(price, quantity, fee),
        }
    }

    /// How many lots of `wanted` a purse pays for at this price; why no more.
    pub(super) fn affordable(
        &self,
        purse: &Purse,
        price: Price,
        wanted: Quantity,
        fee: FeeTerms,
    ) -> (Quantity, Option<Short>) {
        match self {
            Self::Spot(spot) => spot.affordable(purse, price, wanted, fee),
        }
    }

    /// So many lots in money. They are part of an order whose value was checked when it came.
    #[inline]
    pub(super) fn fill(&self, price: Price, quantity: Quantity) -> Fill {
        match self {
            Self::Spot(spot) => Fill::of(spot.listing, price, quantity).expect("checked at entry"),
        }
    }

    /// Takes out of a purse what its order pays for a fill.
    pub(super) fn pay(&self, purse: &mut Purse, fill: &Fill, fee: FeeTerms) {
        match self {
            Self::Spot(spot) => spot.pay(purse, fill, fee),
        }
    }

    /// The fee of a side for a fill, and its new carry.
    #[inline]
    pub(super) fn fee(&self, fill: &Fill, side: Side, fee: FeeTerms) -> (Amount, u32) {
        match self {
            Self::Spot(spot) => spot.fee(fill, side, fee),
        }
    }

    /// Settles a fill: `post` is given what it moves. Both orders' open lots have been lowered already.
    #[inline]
    pub(super) fn settle(
        &self,
        fill: &Fill,
        maker: Settling<'_>,
        taker: Settling<'_>,
        post: impl FnMut(&Posting),
    ) -> Settled {
        match self {
            Self::Spot(spot) => spot.settle(fill, maker, taker, post),
        }
    }
}

/// The terms of a new instrument held against their rules, with what follows from them. `scale`: of an asset that exists.
pub(super) fn listing(
    terms: &ListInstrument,
    scale: impl Fn(AssetId) -> Result<u8, RejectReason>,
) -> Result<Listing, RejectReason> {
    spot::listing(terms, scale)
}

/// Whether these can have been terms of an instrument that is delisted, whose assets had other scales then.
pub(super) fn was_possible(listing: &Listing, is_known: impl Fn(AssetId) -> bool) -> bool {
    spot::was_possible(listing, is_known)
}

/// Whether a fee table is one that the venue can pay: whoever meets whom, it takes no less than it gives.
pub(super) fn check_rates(listing: &Listing, table: &[Rates]) -> Result<(), RejectReason> {
    spot::check_rates(listing.fee_asset, table)
}

/// Whether the instrument trades the asset, or trades for it.
pub(super) fn trades(listing: &Listing, asset: AssetId) -> bool {
    spot::trades(listing, asset)
}

/// The amounts in the terms that count minor units of this asset.
pub(super) fn amounts_in(asset: AssetId, listing: &Listing, limits: &OrderLimits) -> Vec<Amount> {
    let (mut listing, mut limits, mut amounts) = (*listing, *limits, Vec::new());
    convert(asset, &mut listing, &mut limits, |amount| {
        amounts.push(amount);
        amount
    });
    amounts
}

/// Counts the amounts in the terms anew that count minor units of this asset, which the instrument trades.
pub(super) fn convert(
    asset: AssetId,
    listing: &mut Listing,
    limits: &mut OrderLimits,
    exact: impl FnMut(Amount) -> Amount,
) {
    spot::convert(asset, listing, limits, exact);
}
