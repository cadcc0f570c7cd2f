//! What must always be true, checked on demand: after every command in tests, at will in production.

use super::orders::reserve_for;
use super::{Exchange, Instrument, LevelView, Order};
use crate::domain::{AccountId, AssetId, InstrumentId, OrderId, Side};
use std::collections::BTreeMap;

/// An invariant that does not hold: a bug, or damaged memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Money was made or lost.
    #[error("asset {asset}: the accounts hold {held} minor units, deposits less withdrawals are {supply}")]
    NotConserved {
        /// Of which asset.
        asset: AssetId,
        /// Sum over all accounts.
        held: i128,
        /// Deposits less withdrawals.
        supply: i64,
    },
    /// A balance is below zero.
    #[error("account {account} holds a negative amount of asset {asset}")]
    Negative {
        /// Whose balance.
        account: AccountId,
        /// Of which asset.
        asset: AssetId,
    },
    /// An account's reserved amount is not what its open orders need.
    #[error("account {account}, asset {asset}: {reserved} reserved, the open orders hold {orders}")]
    Reserved {
        /// Whose balance.
        account: AccountId,
        /// Of which asset.
        asset: AssetId,
        /// In the ledger.
        reserved: i64,
        /// Summed over the orders.
        orders: i128,
    },
    /// An order's own record is inconsistent.
    #[error("order {order}: {what}")]
    Order {
        /// Which order.
        order: OrderId,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A book would trade with itself, or its levels do not add up.
    #[error("instrument {instrument}: {what}")]
    Book {
        /// Which instrument.
        instrument: InstrumentId,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Exchange {
    /// Checks every invariant of the state. Walks over everything: seconds for millions of orders.
    ///
    /// # Errors
    /// The first invariant found broken.
    pub fn audit(&self) -> Result<(), AuditError> {
        let mut reserved = BTreeMap::new();
        let mut orders = 0;
        for instrument in &self.instruments {
            self.audit_book(instrument)?;
            for side in [Side::Buy, Side::Sell] {
                orders += self.audit_orders(instrument, side, &mut reserved)?;
            }
        }
        if orders != self.orders.len() {
            let what = "orders in the slab that are in no book";
            return Err(AuditError::Book { instrument: InstrumentId(0), what });
        }
        self.audit_balances(&reserved)
    }

    fn audit_balances(&self, reserved: &BTreeMap<(AccountId, AssetId), i128>) -> Result<(), AuditError> {
        for asset in (0..self.assets.len()).map(|id| AssetId(id as u16)) {
            let mut held = 0_i128;
            for (account, balance) in self.ledger.balances(asset).iter().enumerate() {
                let account = AccountId(account as u32);
                if balance.available.0 < 0 || balance.reserved.0 < 0 {
                    return Err(AuditError::Negative { account, asset });
                }
                let orders = reserved.get(&(account, asset)).copied().unwrap_or_default();
                if i128::from(balance.reserved.0) != orders {
                    let reserved = balance.reserved.0;
                    return Err(AuditError::Reserved { account, asset, reserved, orders });
                }
                held += i128::from(balance.available.0) + i128::from(balance.reserved.0);
            }
            let supply = self.ledger.supply(asset).0;
            if held != i128::from(supply) {
                return Err(AuditError::NotConserved { asset, held, supply });
            }
        }
        Ok(())
    }

    fn audit_book(&self, instrument: &Instrument) -> Result<(), AuditError> {
        let id = instrument.listing.instrument;
        let bad = |what| Err(AuditError::Book { instrument: id, what });
        let best = |side| instrument.book.best(side).map(|(price, _)| price);
        if let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell))
            && bid >= ask
        {
            return bad("the best bid is not below the best ask");
        }
        for side in [Side::Buy, Side::Sell] {
            let book = &instrument.book;
            let orders = |hidden| {
                let all = book.orders(side, &self.orders).map(|(_, order)| order);
                all.filter(move |order| order.hidden == hidden)
            };
            audit_levels(side, book.levels(side, &self.orders), orders(false)).or_else(bad)?;
            audit_levels(side, book.hidden_levels(side, &self.orders), orders(true)).or_else(bad)?;
        }
        Ok(())
    }

    fn audit_orders(
        &self,
        instrument: &Instrument,
        side: Side,
        reserved: &mut BTreeMap<(AccountId, AssetId), i128>,
    ) -> Result<usize, AuditError> {
        let listing = &instrument.listing;
        let asset = listing.given_by(side);
        let mut count = 0;
        for (handle, order) in instrument.book.orders(side, &self.orders) {
            let bad = |what| Err(AuditError::Order { order: order.id, what });
            if order.side != side || order.instrument != listing.instrument || order.open.0 == 0 {
                return bad("rests where it does not belong");
            }
            if Some(order.reserved) != reserve_for(listing, side, order.price, order.open, order.fee_carry) {
                return bad("does not hold what it needs");
            }
            if self.client_refs.get(&self.orders, order.login, order.user_ref) != Some(handle) {
                return bad("cannot be found by its client's number");
            }
            *reserved.entry((order.account, asset)).or_default() += i128::from(order.reserved.0);
            count += 1;
        }
        Ok(count)
    }
}

/// Levels must get worse one by one, and each must be the sum of its orders.
fn audit_levels(
    side: Side,
    levels: impl Iterator<Item = LevelView>,
    orders: impl Iterator<Item = Order>,
) -> Result<(), &'static str> {
    let mut orders = orders.peekable();
    let mut last = None;
    for level in levels {
        let worse = |last: crate::domain::Price| match side {
            Side::Buy => level.price < last,
            Side::Sell => level.price > last,
        };
        if !last.is_none_or(worse) {
            return Err("levels are out of order");
        }
        last = Some(level.price);
        let (mut total, mut count) = (0, 0);
        while let Some(order) = orders.next_if(|order| order.price == level.price) {
            total += order.open.0;
            count += 1;
        }
        if (total, count) != (level.quantity.0, level.orders) || count == 0 {
            return Err("a level is not the sum of its orders");
        }
    }
    match orders.next() {
        Some(_) => Err("orders beyond the last level"),
        None => Ok(()),
    }
}
