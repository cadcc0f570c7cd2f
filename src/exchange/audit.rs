//! The invariants of the state, checked on demand: after every command in tests, and at any time in production.

use super::book::Handle;
use super::book::{LevelView, Order};
use super::contract::Exposed;
use super::extras::Extra;
use super::instrument::Instrument;
use super::outboxes::Between;
use super::products::Demand;
use super::state::Exchange;
use super::usage::{Pair, Use};
use crate::domain::{
    AccountId, Amount, AssetId, InstrumentId, LoginId, OrderId, OrderState, Phase, Price, ShardId,
    ShardTransfer, Side, TimeInForce,
};
use std::collections::BTreeMap;

/// A violated invariant: a bug, or damaged memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Money was created or lost.
    #[error("asset {asset}: the accounts hold {held} minor units, the supply is {supply}")]
    NotConserved {
        asset: AssetId,
        /// Sum over all accounts, and what is on its way to other shards.
        held: i128,
        /// Deposits minus withdrawals, and what came from other shards less what went to them.
        supply: i64,
    },
    /// A balance is below zero.
    #[error("account {account} holds a negative amount of asset {asset}")]
    Negative { account: AccountId, asset: AssetId },
    /// An account's reserved amount differs from what its open orders need.
    #[error("account {account}, asset {asset}: {reserved} reserved, the open orders hold {orders}")]
    Reserved {
        account: AccountId,
        asset: AssetId,
        /// In the ledger.
        reserved: i64,
        /// The sum over the orders.
        orders: i128,
    },
    /// An order's own record is inconsistent.
    #[error("order {order}: {what}")]
    Order { order: OrderId, what: &'static str },
    /// A shard's venue state differs from that of the first shard.
    #[error("shard {shard} and the first shard disagree about the venue")]
    Venue { shard: ShardId },
    /// A shard's transfers contradict one another, or those of another shard.
    #[error("shard {shard}: {what}")]
    Transfers { shard: ShardId, what: &'static str },
    /// Transfers between shards made or lost money.
    #[error("asset {asset}: transfers between shards come to {moved} minor units over all of them")]
    Moved {
        asset: AssetId,
        /// The sum over all shards of what came less what went.
        moved: i128,
    },
    /// A book is crossed, or a level is not the sum of its orders.
    #[error("instrument {instrument}: {what}")]
    Book { instrument: InstrumentId, what: &'static str },
}

impl Exchange {
    /// Checks every invariant of the state. It reads the whole state, which takes seconds for millions of orders.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn audit(&self) -> Result<(), AuditError> {
        let mut reserved = BTreeMap::new();
        let (mut orders, mut extras, mut expiries) = (0, 0, BTreeMap::new());
        let (mut counted, mut exposed) = (BTreeMap::new(), Exposed::default());
        let mut of_account = vec![0_u32; self.shared.accounts.len()];
        let mut waiting = vec![0_u32; self.shared.accounts.len()];
        let mut of_login = vec![0_u32; self.venue.logins.len()];
        for instrument in &self.instruments {
            self.audit_book(instrument)?;
            if let Some(Err(what)) =
                instrument.triggers.as_ref().map(|waiting| waiting.audit(&self.shared.extras))
            {
                return Err(AuditError::Book { instrument: instrument.listing.instrument, what });
            }
            let resting = [Side::Buy, Side::Sell].into_iter();
            let resting = resting.flat_map(|side| instrument.book.orders(side, &self.shared.orders));
            let resting = resting.map(|(handle, order)| (handle, order, OrderState::Live));
            let dormant = instrument.triggers.iter().flat_map(|waiting| waiting.handles(&self.shared.extras));
            let dormant = dormant.map(|handle| (handle, self.shared.orders.get(handle), OrderState::Dormant));
            for (handle, order, state) in resting.chain(dormant) {
                self.audit_order(instrument, handle, &order, state)?;
                self.expose(&mut exposed, instrument.listing.instrument, &order, state);
                let listing = &instrument.listing;
                let given = instrument.product().held_in(order.side);
                *reserved.entry((order.account, given)).or_default() += i128::from(order.reserved.0);
                of_account[order.account.0 as usize] += 1;
                waiting[order.account.0 as usize] += u32::from(state == OrderState::Dormant);
                of_login[order.login.0 as usize] += 1;
                let used: &mut (u32, u64) = counted.entry((listing.instrument, order.account)).or_default();
                used.0 += 1;
                used.1 += if order.side == Side::Buy { self.open_lots(&order).0 } else { 0 };
                orders += 1;
                extras += usize::from(order.extra != Order::NO_EXTRA);
                if order.time_in_force == TimeInForce::GoodTillTime {
                    let expire_s = self.shared.extras.at(order.extra).expire_s;
                    expiries.insert(order.extra, (expire_s, order.id));
                }
            }
        }
        let bad = |what| Err(AuditError::Book { instrument: InstrumentId(0), what });
        if orders != self.shared.orders.len() {
            return bad("number of orders in the slab differs from the books and triggers");
        }
        let switches = self.venue.logins.iter().map(|login| login.cancel_at.0);
        let interruptions = self.instruments.iter().map(|instrument| instrument.resume_at);
        if !self.shared.due.is(&expiries, switches, interruptions) {
            return bad(
                "due list differs from the expiries, switches and interruptions of orders, logins and instruments",
            );
        }
        if extras != self.shared.extras.len() {
            return bad("number of extras differs from the orders that have one");
        }
        if self.shared.accounts.iter().zip(&of_account).any(|(account, count)| account.open_orders != *count)
        {
            return bad("an account's count of open orders is wrong");
        }
        if self.shared.accounts.iter().zip(&waiting).any(|(account, count)| account.waiting_orders != *count)
        {
            return bad("an account's count of dormant orders is wrong");
        }
        for (login, count) in (0..).map(LoginId).zip(&of_login) {
            self.audit_chain(login, *count).or_else(bad)?;
        }
        if let Some(usage) = &self.shared.usage {
            let right = |(pair, used): &(Pair, Use)| {
                (used.open_orders, used.open_buys) == counted.get(pair).copied().unwrap_or_default()
            };
            if !usage.sorted().iter().all(right) || !counted.keys().all(|pair| usage.get(*pair).is_some()) {
                return bad("an account's usage counters of an instrument are wrong");
            }
        }
        self.audit_positions(&exposed)?;
        self.audit_transfers()?;
        self.audit_balances(&reserved)
    }

    /// The chain of a login must have all of its open orders, by increasing number.
    fn audit_chain(&self, login: LoginId, count: u32) -> Result<(), &'static str> {
        let (mut last, mut chained) = (OrderId(0), 0);
        let mut next = self.shared.first_of(login);
        while let Some(handle) = next {
            let order = self.shared.orders.hot(handle);
            if order.login != login || order.id <= last {
                return Err("a chain of a login's orders is out of order");
            }
            (last, chained, next) = (order.id, chained + 1, self.shared.after_of_login(handle));
        }
        if (chained, self.open_orders_of(login)) == (count, count) {
            Ok(())
        } else {
            Err("a login's chain has not all of its open orders")
        }
    }

    /// Checks the bounds of transfers and the counts of the accounts.
    fn audit_transfers(&self) -> Result<(), AuditError> {
        let bad = |what| Err(AuditError::Transfers { shard: self.id, what });
        let mut of_account = vec![0_usize; self.shared.accounts.len()];
        for money in self.transfers.in_flight() {
            of_account[money.account.0 as usize] += 1;
        }
        let counts = self.shared.accounts.iter().map(|account| usize::from(account.in_flight));
        if !counts.eq(of_account.iter().copied()) {
            return bad("an account's count of transfers on their way is wrong");
        }
        if of_account.iter().any(|count| *count > usize::from(ShardTransfer::OF_ACCOUNT_MAX)) {
            return bad("an account has too many transfers on their way");
        }
        let is_in_bounds = |pair: &Between| pair.outbox.len() <= ShardTransfer::OF_PAIR_MAX;
        if !self.transfers.pairs().all(|(_, pair)| is_in_bounds(pair))
            || *self.transfers.pair(self.id) != Between::default()
        {
            return bad("an outbox is longer than it may be, or leads to its own shard");
        }
        Ok(())
    }

    fn audit_balances(&self, reserved: &BTreeMap<(AccountId, AssetId), i128>) -> Result<(), AuditError> {
        for asset in (0..self.venue.assets.len()).map(|id| AssetId(id as u16)) {
            let mut held = self.transfers.sum(asset);
            for (account, balance) in self.shared.ledger.balances(asset).iter().enumerate() {
                let account = AccountId(account as u32);
                // Profits of positions may stand behind what is not there.
                let may_owe = !self.contracts.by_ordinal.is_empty();
                if (balance.available.0 < 0 && !may_owe) || balance.reserved.0 < 0 {
                    return Err(AuditError::Negative { account, asset });
                }
                let orders = reserved.get(&(account, asset)).copied().unwrap_or_default();
                if i128::from(balance.reserved.0) != orders {
                    let reserved = balance.reserved.0;
                    return Err(AuditError::Reserved { account, asset, reserved, orders });
                }
                held += i128::from(balance.available.0) + i128::from(balance.reserved.0);
            }
            held += i128::from(self.shared.funds.amount(asset).0);
            held += self.in_clearing(asset) - self.cost_of_positions(asset);
            let supply = self.shared.ledger.supply(asset).0;
            if held != i128::from(supply) {
                return Err(AuditError::NotConserved { asset, held, supply });
            }
        }
        Ok(())
    }

    fn audit_book(&self, instrument: &Instrument) -> Result<(), AuditError> {
        let id = instrument.listing.instrument;
        let bad = |what| Err(AuditError::Book { instrument: id, what });
        // A post-only order may rest although it crosses a hidden one.
        let shown = |side| instrument.book.best_shown(side);
        if let (Some(bid), Some(ask)) = (shown(Side::Buy), shown(Side::Sell))
            && bid >= ask
            && instrument.listing.phase == Phase::Continuous
        {
            return bad("the best displayed bid is not below the best displayed ask");
        }
        for side in [Side::Buy, Side::Sell] {
            let book = &instrument.book;
            let orders = |hidden| {
                let all = book.orders(side, &self.shared.orders).map(|(_, order)| order);
                all.filter(move |order| order.hidden == hidden)
            };
            let lots = |order: &Order| {
                let extra = self.shared.extras.find(order.extra);
                let counts = order.open.0 as i64 + extra.map_or(0, |extra| extra.unseen(order.open));
                (order.price(), counts as u64)
            };
            let counted = book.counted_levels(side, &self.shared.orders);
            let all = book.orders(side, &self.shared.orders).map(|(_, order)| lots(&order));
            audit_counted(counted, all).or_else(bad)?;
            audit_levels(side, book.levels(side, &self.shared.orders), orders(false)).or_else(bad)?;
            audit_levels(side, book.hidden_levels(side, &self.shared.orders), orders(true)).or_else(bad)?;
        }
        Ok(())
    }

    fn audit_order(
        &self,
        instrument: &Instrument,
        handle: Handle,
        order: &Order,
        state: OrderState,
    ) -> Result<(), AuditError> {
        let listing = &instrument.listing;
        let bad = |what| Err(AuditError::Order { order: order.id, what });
        let extra = self.shared.extras.find(order.extra);
        let stands = extra.map_or(OrderState::Live, |extra| extra.state);
        if order.instrument != listing.instrument || order.open.0 == 0 || stands != state {
            return bad("has an instrument, quantity or state that contradicts its place");
        }
        if (order.flags & super::extras::HAS_EXTRA != 0) != extra.is_some() {
            return bad("is marked as having an extra and has none, or the reverse");
        }
        if extra.is_some_and(|extra| (extra.links.order, extra.links.handle) != (order.id, handle)) {
            return bad("has an extra that belongs to another order");
        }
        let due = super::absent::is_due(self.shared.orders.hot(handle));
        let held_up = listing.phase == Phase::Halted && self.shared.absent.contains(&order.login);
        if due && !held_up {
            return bad(
                "is marked for cancellation, but its instrument is not halted or its login not absent",
            );
        }
        let open = self.open_lots(order);
        if !self.audit_reducing(handle, order, state) {
            return bad("is reduce-only and not listed as such, or the reverse");
        }
        let needs = instrument.product().required_reserve(&Demand::of(order, extra, open));
        let of_first = match extra {
            Some(Extra { partner: Some(first), is_second: true, .. }) => {
                self.shared.orders.hot(*first).reserved.0
            }
            _ => 0,
        };
        let right = Some(order.reserved) == needs.map(|needs| Amount((needs.0 - of_first).max(0)));
        // What an order of a contract holds was measured once.
        if !right && !instrument.product().is_contract() {
            return bad("has a reserve that differs from what it requires");
        }
        if let Some(partner) = extra.and_then(|extra| extra.partner) {
            let back = self.shared.extras.find(self.shared.orders.cold(partner).extra);
            if back.and_then(|extra| extra.partner) != Some(handle) {
                return bad("has a partner that is not linked back to it");
            }
        }
        let sits_out = extra.and_then(|extra| extra.partner).is_some_and(|partner| {
            let (own, other) = (self.shared.orders.hot(handle), self.shared.orders.hot(partner));
            let others = self.shared.extras.find(self.shared.orders.cold(partner).extra);
            let both_rest = state == OrderState::Live && others.is_some_and(|other| other.state == state);
            both_rest && other.rank() < own.rank()
        });
        if extra.is_some_and(|extra| extra.sits_out != sits_out) {
            return bad("has an auction sit-out mark that contradicts its link");
        }
        if self.shared.named(order.login, order.user_ref) != Some(handle) {
            return bad("is not found by its UserRefNum");
        }
        Ok(())
    }
}

/// Checks what two shards know of one another, and that transfers between all of them have made and lost nothing.
pub(super) fn audit_between(shards: &[Exchange]) -> Result<(), AuditError> {
    for (from, to) in shards.iter().flat_map(|from| shards.iter().map(move |to| (from, to))) {
        if from.id != to.id && from.transfers.pair(to.id).head() != to.transfers.pair(from.id).received + 1 {
            let what = "the next transfer to another shard is not the one that is next there";
            return Err(AuditError::Transfers { shard: from.id, what });
        }
    }
    let assets = shards.first().map_or(0, |first| first.venue.assets.len());
    for asset in (0..assets).map(|id| AssetId(id as u16)) {
        let moved: i128 = shards.iter().map(|shard| i128::from(shard.shared.ledger.moved(asset))).sum();
        if moved != 0 {
            return Err(AuditError::Moved { asset, moved });
        }
    }
    Ok(())
}

/// Levels must be in order of price, and each must be the sum of its orders.
fn audit_levels(
    side: Side,
    levels: impl Iterator<Item = LevelView>,
    orders: impl Iterator<Item = Order>,
) -> Result<(), &'static str> {
    let mut orders = orders.peekable();
    let mut last = None;
    for level in levels {
        let worse = |last: Price| match side {
            Side::Buy => level.price < last,
            Side::Sell => level.price > last,
        };
        if !last.is_none_or(worse) {
            return Err("levels are out of order");
        }
        last = Some(level.price);
        let (mut total, mut count) = (0, 0);
        while let Some(order) = orders.next_if(|order| order.price() == level.price) {
            total += order.open.0;
            count += 1;
        }
        if (total, count) != (level.quantity.0, level.orders) || count == 0 {
            return Err("a level's quantity or count differs from the sum of its orders");
        }
    }
    match orders.next() {
        Some(_) => Err("orders at a price without a level"),
        None => Ok(()),
    }
}

/// The counted lots at each price must be the sum of the counted lots of its orders, which come price by price.
fn audit_counted(
    levels: impl Iterator<Item = (Price, u64)>,
    orders: impl Iterator<Item = (Price, u64)>,
) -> Result<(), &'static str> {
    let mut orders = orders.peekable();
    for (price, lots) in levels {
        let mut total = 0;
        while let Some((_, of_order)) = orders.next_if(|order| order.0 == price) {
            total += of_order;
        }
        if total != lots {
            return Err("a price's counted lots differ from the sum of its orders");
        }
    }
    match orders.next() {
        Some(_) => Err("orders at a price without counted lots"),
        None => Ok(()),
    }
}
