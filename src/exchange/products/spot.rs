//! Spot: one asset, the base, for another, the quote. A buy reserves its notional at its limit and, if it pays its fee
//! in quote, the highest fee on it. A sell reserves what it sells. A market buy reserves nothing: what it may spend is
//! determined when it is matched.

use super::super::book::Order;
use super::super::ledger::Balance;
use super::asked::{Counted, Demand, FeeTerms, Purse, Rates, Settled, Settling, Short};
use super::fees;
use crate::domain::{
    Amount, AssetId, FeeAsset, FeeRate, Fill, ListInstrument, Listing, OrderLimits, Parties, Party, Phase,
    Posting, Price, Quantity, RejectReason, Side,
};

/// A spot instrument.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Spot<'i> {
    pub(super) listing: &'i Listing,
    pub(super) highest_fee: FeeRate,
}

impl Spot<'_> {
    #[inline]
    pub(super) fn required_reserve(&self, demand: &Demand) -> Option<Amount> {
        match (demand.side, demand.limit) {
            (Side::Sell, _) => self.listing.base_amount(demand.open),
            (Side::Buy, None) => match demand.counted {
                None => Some(Amount(0)),
                Some(counted) => self.reserve_while_waiting(counted, demand),
            },
            (Side::Buy, Some(price)) => {
                self.reserve_for_amount(self.listing.notional(price, demand.open)?, demand.fee_carry)
            }
        }
    }

    #[cold]
    fn reserve_while_waiting(&self, counted: Counted, demand: &Demand) -> Option<Amount> {
        let amount = match counted {
            Counted::Amount(amount) => Amount(amount),
            Counted::At(units) => self.listing.notional_at_units(units, demand.open)?,
        };
        self.reserve_for_amount(amount, demand.fee_carry)
    }

    /// The reserve of a buy that spends an amount, with the fee in addition.
    #[inline]
    fn reserve_for_amount(&self, amount: Amount, fee_carry: u32) -> Option<Amount> {
        match self.listing.fee_asset {
            FeeAsset::Quote => fees::with_fee(amount, self.highest_fee, fee_carry),
            FeeAsset::Received => Some(amount),
        }
    }

    pub(super) fn reserves_fees(&self) -> bool {
        self.listing.fee_asset == FeeAsset::Quote
    }

    pub(super) fn position(&self, balance: impl Fn(AssetId) -> Balance) -> u64 {
        let Balance { available, reserved } = balance(self.listing.base);
        ((available.0 + reserved.0) / self.listing.lot.0).unsigned_abs()
    }

    pub(super) fn lots_held(&self, side: Side, available: Amount) -> u64 {
        match side {
            Side::Buy => u64::MAX,
            Side::Sell => (available.0 / self.listing.lot.0).unsigned_abs(),
        }
    }

    #[inline]
    pub(super) fn funds(&self, order: &Order, available: impl Fn(AssetId) -> Amount) -> Option<i64> {
        let is_market_buy = order.limit.is_none() && order.side == Side::Buy;
        is_market_buy.then(|| available(self.listing.quote).0 + order.reserved.0)
    }

    pub(super) fn cost(&self, price: Price, quantity: Quantity, fee: FeeTerms) -> Option<Amount> {
        let notional = self.listing.notional(price, quantity)?;
        match self.listing.fee_asset {
            FeeAsset::Quote => fees::with_fee(notional, fee.rate.max(FeeRate(0)), fee.carry),
            FeeAsset::Received => Some(notional),
        }
    }

    pub(super) fn affordable(
        &self,
        purse: &Purse,
        price: Price,
        wanted: Quantity,
        fee: FeeTerms,
    ) -> (Quantity, Option<Short>) {
        let lot = self.listing.notional(price, Quantity(1));
        let mut found = (wanted, None);
        if let Some(budget) = purse.budget {
            let lots = lot.map_or(0, |lot| budget / lot.0).unsigned_abs();
            if lots < wanted.0 {
                found = (Quantity(lots), Some(Short::Budget));
            }
        }
        let Some(funds) = purse.funds else { return found };
        let lot = lot.map_or(i64::MAX, |lot| lot.0);
        let paid = match self.listing.fee_asset {
            FeeAsset::Quote => {
                fees::units_paid(Amount(funds), Amount(lot), fee.rate.max(FeeRate(0)), fee.carry)
            }
            FeeAsset::Received => (funds / lot).unsigned_abs(),
        };
        if paid < found.0.0 { (Quantity(paid), Some(Short::Funds)) } else { found }
    }

    pub(super) fn pay(&self, purse: &mut Purse, fill: &Fill, fee: FeeTerms) {
        if let Some(funds) = &mut purse.funds {
            let fee = match self.listing.fee_asset {
                FeeAsset::Quote => fees::fee(fill.notional, fee.rate, fee.carry).0.0.max(0),
                FeeAsset::Received => 0,
            };
            *funds -= fill.notional.0 + fee;
        }
        if let Some(budget) = &mut purse.budget {
            *budget -= fill.notional.0;
        }
    }

    #[inline]
    pub(super) fn fee(&self, fill: &Fill, side: Side, fee: FeeTerms) -> (Amount, u32) {
        let from = match (self.listing.fee_asset, side) {
            (FeeAsset::Received, Side::Buy) => fill.base,
            _ => fill.notional,
        };
        fees::fee(from, fee.rate, fee.carry)
    }

    #[inline]
    pub(super) fn settle(
        &self,
        fill: &Fill,
        maker: Settling<'_>,
        taker: Settling<'_>,
        post: impl FnMut(&Posting),
    ) -> Settled {
        let taker_side = taker.order.side;
        let (maker, taker) = (self.settle_side(fill, maker), self.settle_side(fill, taker));
        let posted = Parties::of(taker_side, [maker, taker]).post(self.listing, fill, post);
        posted.expect("what is received is not paid");
        Settled { fees: [maker.fee, taker.fee], volume: (self.listing.quote, fill.notional) }
    }

    #[inline]
    fn settle_side(&self, fill: &Fill, side: Settling<'_>) -> Party {
        let Settling { order, open, rate } = side;
        let (fee, carry) = self.fee(fill, order.side, FeeTerms { rate, carry: order.fee_carry });
        order.fee_carry = carry;
        let before = order.reserved;
        order.reserved = match order.side {
            Side::Buy if open.0 == 0 => Amount(0),
            Side::Buy => {
                let (side, limit) = (order.side, order.limit());
                let rest = Demand { side, limit, open, fee_carry: carry, counted: None };
                self.required_reserve(&rest).expect("a part needs no more than the whole")
            }
            Side::Sell => {
                let left = Amount(before.0 - fill.base.0);
                assert!(left.0 >= 0, "a sell holds what it sells");
                left
            }
        };
        Party { account: order.account, fee, reserved: order.reserved.0 - before.0 }
    }
}

pub(super) fn listing(
    terms: &ListInstrument,
    scale: impl Fn(AssetId) -> Result<u8, RejectReason>,
) -> Result<Listing, RejectReason> {
    let (base_scale, quote_scale) = (scale(terms.base)?, scale(terms.quote)?);
    let quantities = 1..=Listing::QUANTITY_MAX;
    let in_range = terms.base != terms.quote
        && terms.price_decimals <= ListInstrument::PRICE_DECIMALS_MAX
        && (1..Listing::PRICE_END).contains(&u64::from(terms.tick_units))
        && terms.lot.0 > 0
        && quantities.contains(&terms.min_quantity.0)
        && quantities.contains(&terms.max_quantity.0)
        && terms.min_quantity <= terms.max_quantity
        && terms.min_notional.0 >= 0
        && [terms.maker_fee, terms.taker_fee]
            .iter()
            .all(|rate| (-FeeRate::ONE..=FeeRate::ONE).contains(&rate.0));
    if !in_range {
        return Err(RejectReason::OutOfRange);
    }
    let tick_value = terms.tick_value(base_scale, quote_scale)?;
    if terms.phase == Phase::Delisted {
        return Err(RejectReason::InvalidPhase);
    }
    check_rates(terms.fee_asset, &[Rates { maker: terms.maker_fee, taker: terms.taker_fee }])?;
    Ok(Listing::of(terms, tick_value))
}

pub(super) fn was_possible(listing: &Listing, is_known: impl Fn(AssetId) -> bool) -> bool {
    let positive = listing.lot.0 > 0 && listing.tick_value.0 > 0 && listing.tick_units > 0;
    [listing.base, listing.quote].into_iter().all(is_known) && positive && listing.min_quantity.0 > 0
}

pub(super) fn check_rates(fee_asset: FeeAsset, table: &[Rates]) -> Result<(), RejectReason> {
    let range = -FeeRate::ONE..=FeeRate::ONE;
    if table.iter().any(|row| !range.contains(&row.maker.0) || !range.contains(&row.taker.0)) {
        return Err(RejectReason::OutOfRange);
    }
    let maker = table.iter().map(|row| row.maker.0).min().expect("a table has rows");
    let taker = table.iter().map(|row| row.taker.0).min().expect("a table has rows");
    // Each side receives a different asset, so one side's fee cannot pay the other's rebate.
    let below_zero = match fee_asset {
        FeeAsset::Quote => maker + taker < 0,
        FeeAsset::Received => maker < 0 || taker < 0,
    };
    if below_zero { Err(RejectReason::RebateAboveFee) } else { Ok(()) }
}

pub(super) fn trades(listing: &Listing, asset: AssetId) -> bool {
    listing.base == asset || listing.quote == asset
}

pub(super) fn convert(
    asset: AssetId,
    listing: &mut Listing,
    limits: &mut OrderLimits,
    mut exact: impl FnMut(Amount) -> Amount,
) {
    if listing.base == asset {
        listing.lot = exact(listing.lot);
    } else {
        for amount in [&mut listing.tick_value, &mut listing.min_notional, &mut limits.notional_max] {
            *amount = exact(*amount);
        }
    }
}
