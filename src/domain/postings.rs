//! How money moves: changes of balances, and the rule by which a trade causes them.
//!
//! The exchange's ledger applies these postings, and every reader of events that tracks balances adds them up. Only the
//! independent checks, `sql::check` and the tests' naive exchange, implement the rule a second time.

use super::contracts::ContractValue;
use super::{AccountId, Amount, AssetId, FeeAsset, Listing, Price, Quantity, Side};

/// A change of what an account has of one asset, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: AccountId,
    /// The asset.
    pub asset: AssetId,
    /// Change of the amount that new orders can reserve.
    pub available: i64,
    /// Change of the amount that open orders reserve.
    pub reserved: i64,
}

impl Posting {
    /// Moves `reserved` from the available to the reserved balance; back if negative.
    #[inline]
    pub fn reserve(account: AccountId, asset: AssetId, reserved: i64) -> Self {
        Self { account, asset, available: -reserved, reserved }
    }

    /// A deposit from outside; a withdrawal if negative.
    pub fn transfer(account: AccountId, asset: AssetId, available: i64) -> Self {
        Self { account, asset, available, reserved: 0 }
    }

    /// Change of the account's total balance of the asset; `None` if it does not fit an amount.
    pub fn total(&self) -> Option<i64> {
        self.available.checked_add(self.reserved)
    }
}

/// The price, quantity and values of a trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Ticks.
    pub price: Price,
    /// Lots.
    pub quantity: Quantity,
    /// Their value, minor units of the quote asset; of a contract in the asset that it is settled in.
    pub notional: Amount,
    /// The quantity, minor units of the base asset; 0 for a contract, of which no asset moves.
    pub base: Amount,
}

impl Fill {
    /// `None` if a value does not fit an amount.
    #[inline]
    pub fn of(listing: &Listing, price: Price, quantity: Quantity) -> Option<Self> {
        if listing.product.is_contract() {
            let notional = ContractValue::of(listing)?.of_trade(quantity.0, price)?;
            return Some(Self { price, quantity, notional, base: Amount(0) });
        }
        let (notional, base) = (listing.notional(price, quantity)?, listing.base_amount(quantity)?);
        Some(Self { price, quantity, notional, base })
    }
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// The account of its order.
    pub account: AccountId,
    /// The fee it pays to the fee account, minor units of [`Listing::fee_paid_in`]; negative for a rebate.
    pub fee: Amount,
    /// Change of the amount reserved for its order, minor units of [`Listing::held_in`].
    pub reserved: i64,
}

/// Both sides of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Receives base, pays quote.
    pub buyer: Party,
    /// Receives quote, pays base.
    pub seller: Party,
}

impl Parties {
    /// The sides of a trade in an event.
    #[inline]
    pub fn of(taker_side: Side, [maker, taker]: [Party; 2]) -> Self {
        match taker_side {
            Side::Buy => Self { buyer: taker, seller: maker },
            Side::Sell => Self { buyer: maker, seller: taker },
        }
    }

    /// Computes the postings of a trade: base from the seller to the buyer, the notional in quote from the buyer to the
    /// seller, and a fee from each side to the fee account. The amounts that the orders reserved for these lots are
    /// released. Calls `post` with the postings one by one, in the order in which they must be applied.
    ///
    /// The buyer pays before the seller is paid: if both are one account, its balance must never be too high, even for
    /// a moment. For the same reason, fees in the same asset are one posting: one side's fee may pay the other's
    /// rebate.
    ///
    /// Returns `None` and posts nothing if an amount does not fit, or if a side or the fee account would pay what it
    /// should receive. No valid event has such values.
    #[inline]
    pub fn post(&self, listing: &Listing, fill: &Fill, mut post: impl FnMut(&Posting)) -> Option<()> {
        if listing.product.is_contract() {
            return self.post_of_contract(listing, post);
        }
        let Self { buyer, seller } = self;
        let (base, quote) = (listing.base, listing.quote);
        let paid_from = |cost: i64, reserved: i64| cost.checked_neg()?.checked_sub(reserved);
        let received = |amount: i64, fee: Amount| amount.checked_sub(fee.0).filter(|left| *left >= 0);
        let (cost, bought) = match listing.fee_asset {
            FeeAsset::Quote => (fill.notional.0.checked_add(buyer.fee.0)?, fill.base.0),
            FeeAsset::Received => (fill.notional.0, received(fill.base.0, buyer.fee)?),
        };
        let sold_for = received(fill.notional.0, seller.fee)?;
        let of_buyer = paid_from(cost, buyer.reserved)?;
        let of_seller = paid_from(fill.base.0, seller.reserved)?;
        let (in_base, in_quote) = match listing.fee_asset {
            FeeAsset::Quote => (None, buyer.fee.0.checked_add(seller.fee.0)?),
            FeeAsset::Received => (Some(buyer.fee.0), seller.fee.0),
        };
        if in_quote < 0 || in_base.is_some_and(|fee| fee < 0) {
            return None;
        }
        post(&Posting {
            account: buyer.account,
            asset: quote,
            available: of_buyer,
            reserved: buyer.reserved,
        });
        post(&Posting::transfer(buyer.account, base, bought));
        post(&Posting {
            account: seller.account,
            asset: base,
            available: of_seller,
            reserved: seller.reserved,
        });
        post(&Posting::transfer(seller.account, quote, sold_for));
        post(&Posting::transfer(AccountId::FEES, quote, in_quote));
        if let Some(fee) = in_base {
            post(&Posting::transfer(AccountId::FEES, base, fee));
        }
        Some(())
    }

    /// The postings of a trade of a contract: what the orders hold no longer, and the fees that account 0 gets. What the
    /// parties pay and gain comes with the changes of their positions ([`super::PositionChanged`]).
    fn post_of_contract(&self, listing: &Listing, mut post: impl FnMut(&Posting)) -> Option<()> {
        let asset = listing.settled_in();
        let fees = self.buyer.fee.0.checked_add(self.seller.fee.0).filter(|fees| *fees >= 0)?;
        for Party { account, reserved, .. } in [self.buyer, self.seller] {
            post(&Posting::reserve(account, asset, reserved));
        }
        post(&Posting::transfer(AccountId::FEES, asset, fees));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn listing(fee_asset: FeeAsset) -> Listing {
        let (lot, tick_value) = (Amount(7), Amount(3));
        Listing { base: AssetId(1), quote: AssetId(2), lot, tick_value, fee_asset, ..Listing::default() }
    }

    proptest! {
        /// A trade neither creates nor destroys money, whoever its sides are.
        #[test]
        fn postings_of_a_trade_sum_to_zero(
            received in any::<bool>(),
            accounts in (0_u32..3, 0_u32..3),
            fees in (0_i64..50, 0_i64..50),
            price in 20_i64..1 << 20,
            quantity in 10_u64..1 << 20,
            reserved in (0_i64..1 << 40, 0_i64..1 << 40),
        ) {
            let listing = listing(if received { FeeAsset::Received } else { FeeAsset::Quote });
            let fill = Fill::of(&listing, Price(price), Quantity(quantity)).expect("it fits");
            let party = |account, fee, reserved: i64| {
                Party { account: AccountId(account), fee: Amount(fee), reserved: -reserved }
            };
            let buyer = party(accounts.0, fees.0, reserved.0);
            let seller = party(accounts.1, fees.1, reserved.1);
            let (mut totals, mut holds) = (BTreeMap::new(), 0);
            let posted = Parties { buyer, seller }.post(&listing, &fill, |posting| {
                *totals.entry(posting.asset).or_insert(0) += posting.total().expect("it fits");
                holds += posting.reserved;
            });
            prop_assert_eq!(posted, Some(()));
            prop_assert!(totals.values().all(|total| *total == 0), "{totals:?}");
            prop_assert_eq!(holds, buyer.reserved + seller.reserved);
        }
    }

    #[test]
    fn the_sides_are_those_of_the_event() {
        let party = |account| Party { account: AccountId(account), fee: Amount(1), reserved: 0 };
        let (maker, taker) = (party(1), party(2));
        let bought = Parties { buyer: taker, seller: maker };
        assert_eq!(Parties::of(Side::Buy, [maker, taker]), bought);
        assert_eq!(Parties::of(Side::Sell, [taker, maker]), bought);
    }

    #[test]
    fn who_buys_pays_before_anybody_is_paid() {
        let party = |account| Party { account: AccountId(account), fee: Amount(1), reserved: 0 };
        let listing = listing(FeeAsset::Quote);
        let fill = Fill::of(&listing, Price(5), Quantity(2)).expect("it fits");
        let mut all = Vec::new();
        let parties = Parties { buyer: party(1), seller: party(2) };
        parties.post(&listing, &fill, |posting| all.push(*posting)).expect("it fits");
        let moved =
            |account, asset, available| Posting::transfer(AccountId(account), AssetId(asset), available);
        let right = [moved(1, 2, -31), moved(1, 1, 14), moved(2, 1, -14), moved(2, 2, 29), moved(0, 2, 2)];
        assert_eq!(all, right);
    }

    #[test]
    fn nobody_pays_where_they_receive() {
        let fee = |fee_asset, of_buyer, of_seller| {
            let listing = listing(fee_asset);
            let fill = Fill::of(&listing, Price(1), Quantity(1)).expect("it fits");
            let party = |fee| Party { account: AccountId(1), fee: Amount(fee), reserved: 0 };
            let parties = Parties { buyer: party(of_buyer), seller: party(of_seller) };
            let mut count = 0;
            let posted = parties.post(&listing, &fill, |_| count += 1);
            assert!(posted.is_some() || count == 0, "all of a trade or nothing");
            posted
        };
        assert!(fee(FeeAsset::Quote, 2, -2).is_some(), "one side's fee pays the other's rebate");
        assert_eq!(fee(FeeAsset::Quote, 1, -2), None);
        assert_eq!(fee(FeeAsset::Quote, 0, 4), None, "a seller gets 3");
        assert_eq!(fee(FeeAsset::Received, 8, 0), None, "a buyer gets 7");
        assert_eq!(fee(FeeAsset::Received, 2, -2), None, "they pay in different assets");
    }
}
