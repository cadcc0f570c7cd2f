//! What is held, reserved, paid and charged.

use super::orders::Order;
use super::{AMOUNT_MAX, Naive};
use dojima::domain::{
    AccountId, AdminEvent, Amount, AssetId, Event, FeeAsset, FeeRate, InstrumentId, RejectReason, Side,
    Switch, Transfer,
};
use rust_decimal::Decimal;

/// What an account holds of an asset: all of it, and how much of that open orders hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Available and reserved together, minor units.
    pub total: i128,
    /// Held for open orders, minor units.
    pub reserved: i128,
}

/// What an order pays for a further amount, and its carry after that: its fees come to what the rates make of its
/// amounts, rounded up once. A rebate is rounded down each time and leaves the carry alone, so that no trade costs the
/// fee account anything.
pub fn fee(amount: i128, rate: FeeRate, carry: Decimal) -> (i128, Decimal) {
    // A rate is in millionths, and so has six decimals as a fraction.
    let due = Decimal::from_i128_with_scale(amount * i128::from(rate.0), 6);
    let whole = |value: Decimal| i128::try_from(value).expect("a whole number");
    if rate.0 < 0 {
        return (whole(due.ceil()), carry);
    }
    let paid = (due - carry).ceil();
    (whole(paid), paid - (due - carry))
}

/// Who pays for a market buy.
pub struct Buyer {
    pub account: AccountId,
    pub instrument: InstrumentId,
    /// What its fees so far were rounded up by.
    pub carry: Decimal,
}

impl Order {
    pub(super) fn buyer(&self) -> Buyer {
        Buyer { account: self.account, instrument: self.instrument, carry: self.carry }
    }
}

impl Naive {
    /// What an account holds of an asset.
    pub fn holding(&self, account: AccountId, asset: AssetId) -> Holding {
        let total = self.assets[asset.0 as usize].held[account.0 as usize];
        let of_it = |order: &&Order| order.account == account && self.given_in(order) == asset;
        Holding { total, reserved: self.orders.iter().filter(of_it).map(|order| order.reserved).sum() }
    }

    pub(super) fn available(&self, account: AccountId, asset: AssetId) -> i128 {
        let holding = self.holding(account, asset);
        holding.total - holding.reserved
    }

    pub(super) fn held(&mut self, account: AccountId, asset: AssetId) -> &mut i128 {
        &mut self.assets[asset.0 as usize].held[account.0 as usize]
    }

    /// What an order gives and holds in reserve.
    pub(super) fn given_in(&self, order: &Order) -> AssetId {
        let listing = self.listing(order.instrument);
        match order.side {
            _ if self.is_contract(order.instrument) => self.settled_in(order.instrument),
            Side::Buy => listing.quote,
            Side::Sell => listing.base,
        }
    }

    pub(super) fn notional(&self, instrument: InstrumentId, price: i128, lots: i128) -> i128 {
        price * lots * i128::from(self.listing(instrument).tick_value.0)
    }

    /// Whether a side pays its fee out of base.
    pub(super) fn pays_in_base(&self, instrument: InstrumentId, side: Side) -> bool {
        side == Side::Buy && self.listing(instrument).fee_asset == FeeAsset::Received
    }

    /// What an order must hold: a sell its base; a buy its notional at its limit and, if it pays in quote, the highest fee
    /// that any row has on it. `None`: more than an amount can be.
    pub(super) fn needs(&self, order: &Order) -> Option<i128> {
        let needed = match (order.side, order.price) {
            (Side::Sell, _) => order.open * i128::from(self.listing(order.instrument).lot.0),
            (Side::Buy, None) => match (order.waiting, order.money) {
                (None, _) => 0,
                (Some(_), Some(money)) => self.with_highest_fee(order, money),
                (Some(waiting), None) => {
                    let listing = self.listing(order.instrument);
                    let per_unit = waiting.held_units * i128::from(listing.tick_value.0) * order.open;
                    self.with_highest_fee(order, per_unit / i128::from(listing.tick_units))
                }
            },
            (Side::Buy, Some(price)) => {
                self.with_highest_fee(order, self.notional(order.instrument, price, order.open))
            }
        };
        (needed <= AMOUNT_MAX).then_some(needed)
    }

    /// What a buy must hold to pay so much, with the highest fee that any row has on it if it pays in quote.
    fn with_highest_fee(&self, order: &Order, notional: i128) -> i128 {
        if notional > AMOUNT_MAX || self.pays_in_base(order.instrument, Side::Buy) {
            return notional;
        }
        let rows = self.instrument(order.instrument).fees.iter();
        let highest = rows.flat_map(|(maker, taker)| [*maker, *taker]).max().expect("rows");
        notional + fee(notional, highest.max(FeeRate(0)), order.carry).0
    }

    /// An order has lost lots, of so many.
    pub(super) fn reserve_less(&self, order: &mut Order, before: i128) {
        if self.is_contract(order.instrument) {
            Self::hold_part(order, before);
        } else {
            self.reserve(order);
        }
    }

    /// An order's reserve is worked out anew; it only ever becomes less here, or what is free covers it.
    pub(super) fn reserve(&self, order: &mut Order) {
        order.reserved = match self.is_contract(order.instrument) {
            true => self.hold(order, None),
            false => self.needs(order).expect("it held more before"),
        };
    }

    /// The rate of the account's row.
    pub(super) fn taker_rate(&self, order: &Order) -> FeeRate {
        self.instrument(order.instrument).fees[self.account(order.account).tier].1
    }

    pub(super) fn maker_rate(&self, order: &Order) -> FeeRate {
        self.instrument(order.instrument).fees[self.account(order.account).tier].0
    }

    /// What a market buy has to pay for these lots at this price, its fee included; it does not count on a rebate.
    pub(super) fn cost(&self, buyer: &Buyer, price: i128, lots: i128) -> i128 {
        let Buyer { account, instrument, carry } = *buyer;
        let notional = self.notional(instrument, price, lots);
        if notional > AMOUNT_MAX || self.pays_in_base(instrument, Side::Buy) {
            return notional;
        }
        let rate = self.instrument(instrument).fees[self.account(account).tier].1;
        notional + fee(notional, rate, carry).0.max(0)
    }

    /// What a market buy must reach for: one lot at the best price; nothing where there is no such price.
    pub(super) fn cost_of_first_lot(&self, buyer: &Buyer) -> i128 {
        self.best(buyer.instrument, Side::Sell).map_or(0, |best| self.cost(buyer, best, 1))
    }

    /// How many of these lots a market buy can pay for with so much money.
    pub(super) fn affordable(&self, order: &Order, price: i128, wanted: i128, money: i128) -> i128 {
        // The search halves a range; more lots never cost less.
        let (mut fits, mut too_many) = (0, wanted + 1);
        while too_many - fits > 1 {
            let middle = (fits + too_many) / 2;
            if self.cost(&order.buyer(), price, middle) <= money { fits = middle } else { too_many = middle }
        }
        fits
    }

    /// The lots that an amount pays for, walking the price levels of the other side.
    pub(super) fn lots_for(&self, buyer: &Buyer, side: Side, mut money: i128) -> Result<i128, RejectReason> {
        let Buyer { account, instrument, .. } = *buyer;
        self.walked.set(0);
        let mut displayed = self.in_trading_order(instrument, side.opposite());
        displayed.retain(|other| other.is_displayed());
        let best = displayed.first().ok_or(RejectReason::NothingToTradeWith)?.limit();
        if money < self.notional(instrument, best, 1) {
            return Err(RejectReason::AmountTooSmall);
        }
        let listing = self.listing(instrument);
        let (asset, first_lot) = match side {
            Side::Buy => (listing.quote, self.cost_of_first_lot(buyer)),
            Side::Sell => (listing.base, i128::from(listing.lot.0)),
        };
        let contract = self.is_contract(instrument);
        if !contract && first_lot > self.available(account, asset) {
            return Err(RejectReason::InsufficientFunds);
        }
        let levels = displayed.chunk_by(|one, next| one.limit() == next.limit()).take(100);
        let (mut lots, mut lot_costs) = (0, 0);
        for level in levels {
            self.walked.set(self.walked.get() + 1);
            lot_costs = self.notional(instrument, level[0].limit(), 1);
            let there: i128 = level.iter().map(|other| other.at_once()).sum();
            let bought = there.min(money / lot_costs);
            lots += bought;
            money -= bought * lot_costs;
            if bought < there {
                break;
            }
        }
        // What is left over counts at the last price, as far as a sell has the lots.
        let mut more = money / lot_costs;
        if side == Side::Sell && !contract {
            let held = self.available(account, listing.base) / i128::from(listing.lot.0);
            more = more.min((held - lots).max(0));
        }
        lots += more;
        Ok(lots.min(i128::from(listing.max_quantity.0)))
    }

    /// The prices of a side from the best one on, and the lots that count there. Of two linked orders only the first would
    /// trade.
    pub(super) fn counted_levels(&self, instrument: InstrumentId, side: Side) -> Vec<(i128, i128)> {
        let others = self.in_trading_order(instrument, side);
        let mut passed = Vec::new();
        let mut levels: Vec<(i128, i128)> = Vec::new();
        for other in others {
            if levels.last().is_none_or(|(price, _)| *price != other.limit()) {
                levels.push((other.limit(), 0));
            }
            if other.oco.is_none_or(|first| !passed.contains(&first)) {
                levels.last_mut().expect("it has just been made").1 += other.open;
            }
            passed.push(other.id);
        }
        levels
    }

    /// One side of a trade pays and is paid. Its fee.
    pub(super) fn settle(&mut self, order: &mut Order, price: i128, lots: i128, rate: FeeRate) -> i128 {
        let listing = *self.listing(order.instrument);
        let notional = self.notional(order.instrument, price, lots);
        let base = lots * i128::from(listing.lot.0);
        let in_base = self.pays_in_base(order.instrument, order.side);
        let (paid_in, of) = if in_base { (listing.base, base) } else { (listing.quote, notional) };
        let (fee, carry) = fee(of, rate, order.carry);
        order.carry = carry;
        order.open -= lots;
        order.slice -= lots.min(order.slice);
        self.reserve(order);
        let sign = if order.side == Side::Buy { 1 } else { -1 };
        *self.held(order.account, listing.base) += sign * base;
        *self.held(order.account, listing.quote) -= sign * notional;
        *self.held(order.account, paid_in) -= fee;
        *self.held(AccountId::FEES, paid_in) += fee;
        fee
    }

    /// Whether so much may leave a wallet, as if its owner were charged for all fundings.
    pub(super) fn may_leave(
        &self,
        account: AccountId,
        asset: AssetId,
        amount: Amount,
    ) -> Result<(), RejectReason> {
        self.fund_is_sound(asset)?;
        let charged = self.as_if_charged(account, asset);
        let fits = i128::from(amount.0) <= charged.withdrawable(account, asset);
        if fits { Ok(()) } else { Err(RejectReason::InsufficientFunds) }
    }

    pub(super) fn transfer(&mut self, transfer: Transfer, inward: bool) -> Result<Event, RejectReason> {
        let Transfer { account, asset, amount, reference, shard } = transfer;
        let known = self.accounts.get(account.0 as usize).ok_or(RejectReason::UnknownAccount)?;
        let held = self.assets.get(asset.0 as usize).ok_or(RejectReason::UnknownAsset)?;
        if shard.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        if amount.0 < 1 {
            return Err(RejectReason::OutOfRange);
        }
        if reference <= known.last_transfer {
            return Err(RejectReason::DuplicateReference);
        }
        let settings = held.settings;
        let (switch, least, off) = if inward {
            (settings.deposits, settings.min_deposit, RejectReason::DepositsOff)
        } else {
            (settings.withdrawals, settings.min_withdrawal, RejectReason::WithdrawalsOff)
        };
        if switch == Switch::Off {
            return Err(off);
        }
        if amount < least {
            return Err(RejectReason::TransferBelowMinimum);
        }
        let change = i128::from(amount.0) * if inward { 1 } else { -1 };
        let supply = self.supply(asset) + self.in_flight_of(asset);
        if supply + change > AMOUNT_MAX || !self.may_deposit(asset, change) {
            return Err(RejectReason::SupplyTooLarge);
        }
        if !inward {
            self.may_leave(account, asset, amount)?;
            self.charge_all(account, asset);
        }
        *self.held(account, asset) += change;
        self.note_deposit(asset, change);
        self.accounts[account.0 as usize].last_transfer = reference;
        Ok(if inward {
            Event::Admin(AdminEvent::Deposited(transfer))
        } else {
            Event::Admin(AdminEvent::Withdrawn(transfer))
        })
    }
}
