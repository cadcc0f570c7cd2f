//! How money moves: changes of balances, and the one rule by which a trade makes them.
//!
//! The exchange's ledger applies these postings, and every reader of events that keeps balances adds them up. The checks are
//! the exception: `sql::check` and the naive exchange of the tests have the rule once more, written independently.

use super::{AccountId, Amount, AssetId, FeeAsset, Listing, Price, Quantity, Side};

/// A change of what an account has of one asset, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posting {
    /// Whose balance.
    pub account: AccountId,
    /// Of which asset.
    pub asset: AssetId,
    /// Change of what new orders can hold.
    pub available: i64,
    /// Change of what open orders hold.
    pub reserved: i64,
}

impl Posting {
    /// What an order holds changes by `reserved`, out of what is available, or back to it.
    #[inline]
    pub fn reserve(account: AccountId, asset: AssetId, reserved: i64) -> Self {
        Self { account, asset, available: -reserved, reserved }
    }

    /// Money comes in from outside or, below 0, goes out.
    pub fn transfer(account: AccountId, asset: AssetId, available: i64) -> Self {
        Self { account, asset, available, reserved: 0 }
    }

    /// Change of all that the account has of the asset; `None` when it does not fit an amount.
    pub fn total(&self) -> Option<i64> {
        self.available.checked_add(self.reserved)
    }
}

/// So many lots at a price, in money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Ticks.
    pub price: Price,
    /// Lots.
    pub quantity: Quantity,
    /// What they cost, minor units of the quote asset.
    pub notional: Amount,
    /// What they are, minor units of the base asset.
    pub base: Amount,
}

impl Fill {
    /// `None` when it does not fit an amount.
    #[inline]
    pub fn of(listing: &Listing, price: Price, quantity: Quantity) -> Option<Self> {
        let (notional, base) = (listing.notional(price, quantity)?, listing.base_amount(quantity)?);
        Some(Self { price, quantity, notional, base })
    }
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// The account that its order is for.
    pub account: AccountId,
    /// What it pays to the fee account, minor units of [`Listing::fee_paid_in`]; below 0 for a rebate.
    pub fee: Amount,
    /// Change of what its order holds, minor units of [`Listing::held_in`].
    pub reserved: i64,
}

/// The postings of one trade, in the order in which they are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postings {
    all: [Posting; Self::MAX],
    count: usize,
}

impl Postings {
    /// Both assets of buyer, seller and fee account.
    pub const MAX: usize = 6;

    /// What a trade moves: base from the seller to the buyer, its notional in quote from the buyer to the seller, and a fee from
    /// each to the fee account. What an order held for the lots is no longer reserved.
    ///
    /// The buyer pays before the seller is paid: where both are one account, it must not have more than there is even for a
    /// moment. For the same reason fees of one asset are one posting: one side's may pay the other's rebate.
    ///
    /// `None` when an amount does not fit, or a side or the fee account would pay where it receives: no event says so.
    #[inline]
    pub fn of_trade(listing: &Listing, fill: &Fill, buyer: &Party, seller: &Party) -> Option<Self> {
        let (base, quote, fees) = (listing.base, listing.quote, AccountId::FEES);
        let of_buyer =
            |available, asset, reserved: i64| Posting { account: buyer.account, asset, available, reserved };
        let of_seller =
            |available, asset, reserved: i64| Posting { account: seller.account, asset, available, reserved };
        let received = |amount: Amount| (amount.0 >= 0).then_some(amount.0);
        let less = |amount: Amount, fee: Amount| amount.0.checked_sub(fee.0).map(Amount);
        let (cost, bought) = match listing.fee_asset {
            FeeAsset::Quote => (fill.notional.0.checked_add(buyer.fee.0)?, fill.base),
            FeeAsset::Received => (fill.notional.0, less(fill.base, buyer.fee)?),
        };
        let after = |paid: i64, reserved: i64| paid.checked_neg()?.checked_sub(reserved);
        let paid = received(less(fill.notional, seller.fee)?)?;
        let mut all = [
            of_buyer(after(cost, buyer.reserved)?, quote, buyer.reserved),
            of_buyer(received(bought)?, base, 0),
            of_seller(after(fill.base.0, seller.reserved)?, base, seller.reserved),
            of_seller(paid, quote, 0),
            Posting::default(),
            Posting::default(),
        ];
        let count = match listing.fee_asset {
            FeeAsset::Quote => {
                let both = Amount(buyer.fee.0.checked_add(seller.fee.0)?);
                all[4] = Posting::transfer(fees, quote, received(both)?);
                5
            }
            FeeAsset::Received => {
                all[4] = Posting::transfer(fees, base, received(buyer.fee)?);
                all[5] = Posting::transfer(fees, quote, received(seller.fee)?);
                6
            }
        };
        Some(Self { all, count })
    }

    /// The same of the sides as an event names them.
    #[inline]
    pub fn of_sides(
        listing: &Listing,
        fill: &Fill,
        taker_side: Side,
        [maker, taker]: [&Party; 2],
    ) -> Option<Self> {
        let (buyer, seller) = if taker_side == Side::Buy { (taker, maker) } else { (maker, taker) };
        Self::of_trade(listing, fill, buyer, seller)
    }

    /// All of them.
    #[inline]
    pub fn as_slice(&self) -> &[Posting] {
        &self.all[..self.count]
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
        /// A trade makes no money and loses none, whoever its sides are.
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
            let postings = Postings::of_trade(&listing, &fill, &buyer, &seller).expect("it fits");
            let (mut totals, mut holds) = (BTreeMap::new(), 0);
            for posting in postings.as_slice() {
                *totals.entry(posting.asset).or_insert(0) += posting.total().expect("it fits");
                holds += posting.reserved;
            }
            prop_assert!(totals.values().all(|total| *total == 0), "{totals:?}");
            prop_assert_eq!(holds, buyer.reserved + seller.reserved);
        }
    }

    #[test]
    fn the_sides_are_those_of_the_event() {
        let listing = listing(FeeAsset::Quote);
        let fill = Fill::of(&listing, Price(5), Quantity(2)).expect("it fits");
        let party = |account| Party { account: AccountId(account), fee: Amount(1), reserved: 0 };
        let (maker, taker) = (party(1), party(2));
        let bought = Postings::of_sides(&listing, &fill, Side::Buy, [&maker, &taker]).expect("it fits");
        assert_eq!(bought.as_slice()[0].account, taker.account, "who buys pays first");
        assert_eq!(bought, Postings::of_trade(&listing, &fill, &taker, &maker).expect("it fits"));
        let sold = Postings::of_sides(&listing, &fill, Side::Sell, [&maker, &taker]);
        assert_eq!(sold, Postings::of_trade(&listing, &fill, &maker, &taker));
    }

    #[test]
    fn nobody_pays_where_they_receive() {
        let fee = |fee_asset, of_buyer, of_seller| {
            let listing = listing(fee_asset);
            let fill = Fill::of(&listing, Price(1), Quantity(1)).expect("it fits");
            let party = |fee| Party { account: AccountId(1), fee: Amount(fee), reserved: 0 };
            Postings::of_trade(&listing, &fill, &party(of_buyer), &party(of_seller))
        };
        assert!(fee(FeeAsset::Quote, 2, -2).is_some(), "one side's fee pays the other's rebate");
        assert_eq!(fee(FeeAsset::Quote, 1, -2), None);
        assert_eq!(fee(FeeAsset::Quote, 0, 4), None, "a seller gets 3");
        assert_eq!(fee(FeeAsset::Received, 8, 0), None, "a buyer gets 7");
        assert_eq!(fee(FeeAsset::Received, 2, -2), None, "they pay in different assets");
    }
}
