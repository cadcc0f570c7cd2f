//! Products: the rules about an order's money. Matching, triggers, auctions and changes deal with orders and prices,
//! and use the instrument's product for money. No other code of the exchange knows which assets are traded or what a
//! lot is worth.
//!
//! Spot reserves what its orders may cost, and settles by postings. Contracts hold what `contracts` measures, and settle
//! into positions; here they have only values and fees.

mod asked;
mod contract;
mod fees;
mod spot;

pub(super) use asked::{Counted, Demand, FeeTerms, Purse, Rates, Settled, Settling, Short};

use super::book::Order;
use super::ledger::Balance;
use crate::domain::{
    Amount, AssetId, FeeAsset, FeeRate, Fill, ListInstrument, Listing, OrderLimits, Posting, Price, Quantity,
    RejectReason, Side,
};
use contract::Contract;
use spot::Spot;

/// The kind of an instrument's product: a view of its terms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Product<'i> {
    /// One asset for another, settled at once.
    Spot(Spot<'i>),
    /// A position in a contract.
    Contract(Contract<'i>),
}

impl<'i> Product<'i> {
    /// `highest_fee`: the highest rate of the fee table, at least 0.
    #[inline]
    pub(super) fn of(listing: &'i Listing, highest_fee: FeeRate) -> Self {
        if listing.product.is_contract() {
            return Self::Contract(Contract { listing });
        }
        Self::Spot(Spot { listing, highest_fee })
    }

    #[inline]
    fn listing(&self) -> &'i Listing {
        match self {
            Self::Spot(spot) => spot.listing,
            Self::Contract(contract) => contract.listing,
        }
    }

    /// Whether positions are traded, not assets.
    #[inline]
    pub(super) fn is_contract(&self) -> bool {
        matches!(self, Self::Contract(_))
    }

    /// The asset that an order of this side reserves.
    #[inline]
    pub(super) fn held_in(&self, side: Side) -> AssetId {
        match self {
            Self::Spot(spot) => spot.listing.given_in(side),
            Self::Contract(contract) => contract.listing.settled_in(),
        }
    }

    /// The amount that an order must reserve, linked or not; `None` if it does not fit an amount. A part of an order
    /// never needs more than the whole.
    #[inline]
    pub(super) fn required_reserve(&self, demand: &Demand) -> Option<Amount> {
        match self {
            Self::Spot(spot) => spot.required_reserve(demand),
            Self::Contract(_) => None,
        }
    }

    /// Whether the reserves of orders depend on the fee table.
    pub(super) fn reserves_fees(&self) -> bool {
        match self {
            Self::Spot(spot) => spot.reserves_fees(),
            Self::Contract(_) => false,
        }
    }

    /// The value that limits on order size are compared with, minor units; `None` if it does not fit an amount.
    #[inline]
    pub(super) fn value(&self, price: Price, quantity: Quantity) -> Option<Amount> {
        match self {
            Self::Spot(spot) => spot.listing.notional(price, quantity),
            Self::Contract(contract) => contract.value(price, quantity),
        }
    }

    /// The smallest value of a limit order.
    pub(super) fn value_min(&self) -> Amount {
        self.listing().min_notional
    }

    /// Whether an order of this side can decrease a position.
    pub(super) fn may_reduce(&self, side: Side) -> bool {
        match self {
            // In spot there are no short positions, so a buy decreases none.
            Self::Spot(_) => side == Side::Sell,
            Self::Contract(_) => true,
        }
    }

    /// An account's position in lots, computed from its balances.
    pub(super) fn position(&self, balance: impl Fn(AssetId) -> Balance) -> u64 {
        match self {
            Self::Spot(spot) => spot.position(balance),
            Self::Contract(_) => 0,
        }
    }

    /// The lots available for a market order of this side, if its account has this much available. For a buy the other
    /// side's prices determine what it can pay for.
    pub(super) fn lots_held(&self, side: Side, available: Amount) -> u64 {
        match self {
            Self::Spot(spot) => spot.lots_held(side, available),
            Self::Contract(_) => u64::MAX,
        }
    }

    /// What a market order may spend beyond its reserve; `None`: it reserves what it sells.
    #[inline]
    pub(super) fn funds(&self, order: &Order, available: impl Fn(AssetId) -> Amount) -> Option<i64> {
        match self {
            Self::Spot(spot) => spot.funds(order, available),
            Self::Contract(_) => None,
        }
    }

    /// The available amount that a market order of this side needs to trade this many lots at this price, including its
    /// fee; `None` if it does not fit an amount. Rebates are not counted on, because they are rounded per trade.
    pub(super) fn cost(&self, price: Price, quantity: Quantity, fee: FeeTerms) -> Option<Amount> {
        match self {
            Self::Spot(spot) => spot.cost(price, quantity, fee),
            Self::Contract(_) => Some(Amount(0)),
        }
    }

    /// How many lots of `wanted` a purse pays for at this price, and why not more.
    pub(super) fn affordable(
        &self,
        purse: &Purse,
        price: Price,
        wanted: Quantity,
        fee: FeeTerms,
    ) -> (Quantity, Option<Short>) {
        match self {
            Self::Spot(spot) => spot.affordable(purse, price, wanted, fee),
            Self::Contract(contract) => contract.affordable(purse, price, wanted),
        }
    }

    /// The values of these lots. They are part of an order whose value was checked on entry.
    #[inline]
    pub(super) fn fill(&self, price: Price, quantity: Quantity) -> Fill {
        match self {
            Self::Spot(spot) => Fill::of(spot.listing, price, quantity).expect("checked at entry"),
            Self::Contract(contract) => contract.fill(price, quantity),
        }
    }

    /// Takes the order's cost of a fill out of a purse.
    pub(super) fn pay(&self, purse: &mut Purse, fill: &Fill, fee: FeeTerms) {
        match self {
            Self::Spot(spot) => spot.pay(purse, fill, fee),
            Self::Contract(contract) => contract.pay(purse, fill),
        }
    }

    /// The fee of one side for a fill, and its new carry.
    #[inline]
    pub(super) fn fee(&self, fill: &Fill, side: Side, fee: FeeTerms) -> (Amount, u32) {
        match self {
            Self::Spot(spot) => spot.fee(fill, side, fee),
            Self::Contract(contract) => contract.fee(fill, fee),
        }
    }

    /// Settles a fill of spot; `post` receives its postings. The open lots of both orders were already decreased. `None`
    /// for a contract, which settles into positions.
    #[inline]
    pub(super) fn settle(
        &self,
        fill: &Fill,
        maker: Settling<'_>,
        taker: Settling<'_>,
        post: impl FnMut(&Posting),
    ) -> Option<Settled> {
        match self {
            Self::Spot(spot) => Some(spot.settle(fill, maker, taker, post)),
            Self::Contract(_) => None,
        }
    }
}

/// Checks the terms of a new instrument and computes derived values. `scale` returns the scale of an existing asset.
pub(super) fn listing(
    terms: &ListInstrument,
    scale: impl Fn(AssetId) -> Result<u8, RejectReason>,
) -> Result<Listing, RejectReason> {
    let listing = spot::listing(terms, scale)?;
    // The fees of contracts are paid in the asset that they are settled in.
    if listing.product.is_contract() && listing.fee_asset != FeeAsset::Quote {
        return Err(RejectReason::OutOfRange);
    }
    Ok(listing)
}

/// Whether these can be the terms of a delisted instrument, whose assets may have had other scales.
pub(super) fn was_possible(listing: &Listing, is_known: impl Fn(AssetId) -> bool) -> bool {
    spot::was_possible(listing, is_known)
}

/// Checks that the venue can pay a fee table: in every combination of sides it receives at least what it pays.
pub(super) fn check_rates(listing: &Listing, table: &[Rates]) -> Result<(), RejectReason> {
    spot::check_rates(listing.fee_asset, table)
}

/// Whether the asset is the instrument's base or quote.
pub(super) fn trades(listing: &Listing, asset: AssetId) -> bool {
    spot::trades(listing, asset)
}

/// The amounts in the terms that are in minor units of this asset.
pub(super) fn amounts_in(asset: AssetId, listing: &Listing, limits: &OrderLimits) -> Vec<Amount> {
    let (mut listing, mut limits, mut amounts) = (*listing, *limits, Vec::new());
    convert(asset, &mut listing, &mut limits, |amount| {
        amounts.push(amount);
        amount
    });
    amounts
}

/// Converts the amounts in the terms that are in minor units of this asset, which the instrument trades.
pub(super) fn convert(
    asset: AssetId,
    listing: &mut Listing,
    limits: &mut OrderLimits,
    exact: impl FnMut(Amount) -> Amount,
) {
    spot::convert(asset, listing, limits, exact);
}
