//! Contracts: what is traded are positions, valued in the asset that they are settled in. What an order must hold depends
//! on the mark and on the positions of its account, so it is asked of `contracts`, not here.

use super::asked::{FeeTerms, Purse, Short};
use super::fees;
use crate::domain::contracts::ContractValue;
use crate::domain::{Amount, Fill, Listing, Price, Quantity};

/// A contract.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Contract<'i> {
    pub(super) listing: &'i Listing,
}

impl Contract<'_> {
    /// The value of a trade of these lots.
    pub(super) fn value(&self, price: Price, quantity: Quantity) -> Option<Amount> {
        let value = ContractValue::of(self.listing).expect("a listing has a value of a tick");
        value.of_trade(quantity.0, price)
    }

    pub(super) fn fill(&self, price: Price, quantity: Quantity) -> Fill {
        let notional = self.value(price, quantity).expect("checked at entry");
        Fill { price, quantity, notional, base: Amount(0) }
    }

    pub(super) fn fee(&self, fill: &Fill, fee: FeeTerms) -> (Amount, u32) {
        fees::fee(fill.notional, fee.rate, fee.carry)
    }

    /// Only an order by amount is limited by money: by its amount.
    pub(super) fn affordable(
        &self,
        purse: &Purse,
        price: Price,
        wanted: Quantity,
    ) -> (Quantity, Option<Short>) {
        let Some(budget) = purse.budget else { return (wanted, None) };
        let lot = self.value(price, Quantity(1)).map_or(i64::MAX, |lot| lot.0.max(1));
        let lots = (budget / lot).unsigned_abs();
        if lots < wanted.0 { (Quantity(lots), Some(Short::Budget)) } else { (wanted, None) }
    }

    pub(super) fn pay(&self, purse: &mut Purse, fill: &Fill) {
        if let Some(budget) = &mut purse.budget {
            *budget -= fill.notional.0;
        }
    }
}
