//! Positions: who has how many lots of which contract, what they cost, and what a margin account comes to at the marks.

use super::contracts::leg::Position;
use super::contracts::margin::initial;
use super::contracts::value::Listed;
use super::futures::is_inverse;
use super::orders::Order;
use super::{AMOUNT_MAX, Naive};
use dojima::domain::contracts::Settlement;
use dojima::domain::{
    AccountId, AssetId, Executed, InstrumentId, PositionLeg, Product, Quantity, RejectReason, Side,
};
use std::collections::BTreeMap;

/// Which position: whose, of which contract, and which of the two if there are two.
pub(super) type Place = (AccountId, InstrumentId, PositionLeg);

/// Every position that there ever was, flat ones too; long before short.
pub(super) type Legs = BTreeMap<Place, Position>;

/// Leverage of an account that never set it, at most.
const LEVERAGE_DEFAULT: i64 = 20;

impl Naive {
    // What the tests ask.

    /// The positions that an account may have in a contract, with their lots, costs and pots.
    pub fn positions(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Vec<(PositionLeg, i128, i128, i128)> {
        let told = |place: Place| {
            let leg = self.leg(place);
            (place.2, leg.lots, leg.cost, self.pot(place))
        };
        self.places(account, instrument).into_iter().map(told).collect()
    }

    /// What maker and taker of a trade pay at least, at the rates of now and whatever their orders have paid before.
    pub fn least_fees(&self, trade: &Executed) -> [i128; 2] {
        let (price, lots) = (i128::from(trade.price.0), i128::from(trade.quantity.0));
        let value = self.value(trade.instrument, price, lots).expect("it was traded");
        let fees = |login| self.instrument(trade.instrument).fees[self.account(self.account_of(login)).tier];
        let rates = [fees(trade.maker_login).0, fees(trade.taker_login).1];
        rates.map(|rate| value * i128::from(rate.0) / 1_000_000 - 1)
    }

    /// Whether the index of a contract is stale at a time.
    pub fn stale_at(&self, instrument: InstrumentId, now: u64) -> bool {
        let index = self.instrument(instrument).contract.index();
        index.is_none_or(|index| self.indexes[usize::from(index.0)].is_stale(now))
    }

    /// Whether an interruption that is over at a time waits for its index.
    pub fn waits_for_index(&self, now: u64) -> bool {
        let mut contracts = self.contracts().into_iter();
        contracts.any(|id| {
            let end = self.instrument(id).interrupted_until;
            end.is_some_and(|end| end <= i128::from(now)) && self.stale_at(id, now)
        })
    }

    /// What would be if everybody had more money than can be needed.
    pub fn make_rich(&mut self) {
        self.assets.iter_mut().flat_map(|asset| &mut asset.held).for_each(|held| *held += 1 << 40);
    }

    // What the other files ask.

    pub(super) fn is_contract(&self, instrument: InstrumentId) -> bool {
        self.listing(instrument).product != Product::Spot
    }

    /// Kind and constant of a contract.
    pub(super) fn listed_as(&self, instrument: InstrumentId) -> Listed {
        let listing = self.listing(instrument);
        let inverse = is_inverse(listing.product);
        let settlement = if inverse { Settlement::Inverse } else { Settlement::Linear };
        Listed { settlement, unit: listing.tick_value.0 }
    }

    pub(super) fn settled_in(&self, instrument: InstrumentId) -> AssetId {
        let listing = self.listing(instrument);
        if is_inverse(listing.product) { listing.base } else { listing.quote }
    }

    /// What a trade is worth in the asset that it is settled in; `None`: more than an amount can be.
    pub(super) fn value(&self, instrument: InstrumentId, price: i128, lots: i128) -> Option<i128> {
        let worth = if self.is_contract(instrument) {
            let lots = u64::try_from(lots).expect("lots");
            i128::from(self.listed_as(instrument).of_trade(lots, price as i64)?)
        } else {
            self.notional(instrument, price, lots)
        };
        (worth <= AMOUNT_MAX).then_some(worth)
    }

    /// The positions that an account may have in a contract, long before short.
    pub(super) fn places(&self, account: AccountId, instrument: InstrumentId) -> Vec<Place> {
        let legs: &[PositionLeg] = match self.is_hedge(account) {
            true => &[PositionLeg::Long, PositionLeg::Short],
            false => &[PositionLeg::Net],
        };
        legs.iter().map(|leg| (account, instrument, *leg)).collect()
    }

    /// The position that an order is for: in hedge mode a buy opens the long one or reduces the short one.
    pub(super) fn place_of(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        reduces: bool,
    ) -> Place {
        let leg = match (self.is_hedge(account), side, reduces) {
            (false, ..) => PositionLeg::Net,
            (true, Side::Buy, false) | (true, Side::Sell, true) => PositionLeg::Long,
            (true, Side::Sell, false) | (true, Side::Buy, true) => PositionLeg::Short,
        };
        (account, instrument, leg)
    }

    pub(super) fn place_of_order(&self, order: &Order) -> Place {
        self.place_of(order.account, order.instrument, order.side, order.only_reduces())
    }

    /// The buyer's position and the seller's.
    pub(super) fn places_of(&self, one: &Order, other: &Order) -> [Place; 2] {
        let (buy, sell) = if one.side == Side::Buy { (one, other) } else { (other, one) };
        [buy, sell].map(|order| self.place_of_order(order))
    }

    pub(super) fn leg(&self, place: Place) -> Position {
        self.legs.get(&place).copied().unwrap_or_default()
    }

    /// Whether anybody has lots of a contract.
    pub(super) fn has_legs(&self, instrument: InstrumentId) -> bool {
        self.legs.iter().any(|((_, of, _), leg)| *of == instrument && leg.lots != 0)
    }

    pub(super) fn no_legs(&self, instrument: InstrumentId) -> Result<(), RejectReason> {
        if self.has_legs(instrument) { Err(RejectReason::PositionsOpen) } else { Ok(()) }
    }

    /// The lots of all who are long.
    pub(super) fn open_interest(legs: &Legs, instrument: InstrumentId) -> i128 {
        let here = legs.iter().filter(|((_, of, _), _)| *of == instrument);
        here.map(|(_, leg)| leg.lots.max(0)).sum()
    }

    pub(super) fn mark_of(&self, instrument: InstrumentId) -> i64 {
        self.instrument(instrument).mark.expect("a contract that trades has a mark") as i64
    }

    /// What the account has chosen, or the usual one.
    pub(super) fn leverage(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        if let Some(chosen) = self.chosen.leverage.get(&(account, instrument)) {
            return i64::from(*chosen);
        }
        let first = self.instrument(instrument).contract.tiers[0].initial.0;
        LEVERAGE_DEFAULT.min(1_000_000 / i64::from(first))
    }

    /// `N`; what is above all amounts is in the last tier as they are.
    pub(super) fn notional_of(&self, instrument: InstrumentId, lots: i128) -> i64 {
        let lots = u64::try_from(lots.abs()).expect("lots");
        self.listed_as(instrument).notional(lots, self.mark_of(instrument)).unwrap_or(i64::MAX)
    }

    /// `IM` of so many lots.
    pub(super) fn initial_margin(&self, account: AccountId, instrument: InstrumentId, lots: i128) -> i128 {
        if lots == 0 {
            return 0;
        }
        let notional = self.notional_of(instrument, lots);
        let leverage = self.leverage(account, instrument) as u8;
        i128::from(initial(&self.instrument(instrument).contract.tiers, notional, leverage))
    }

    /// The cross positions of an account that have lots and are settled in the asset.
    pub(super) fn with_lots<'a>(
        &'a self,
        legs: &'a Legs,
        account: AccountId,
        asset: AssetId,
    ) -> impl Iterator<Item = (InstrumentId, Position)> + 'a {
        let its = legs.iter().filter(move |((of, instrument, _), leg)| {
            *of == account
                && leg.lots != 0
                && self.settled_in(*instrument) == asset
                && !self.is_isolated(account, *instrument)
        });
        its.map(|((_, instrument, _), leg)| (*instrument, *leg))
    }

    /// `U`: what all positions would bring at the marks.
    pub(super) fn unrealised(&self, legs: &Legs, account: AccountId, asset: AssetId) -> i128 {
        let its = self.with_lots(legs, account, asset);
        its.map(|(instrument, leg)| self.profit_of(instrument, leg)).sum()
    }

    /// The initial margin of all positions.
    pub(super) fn margin_of_legs(&self, legs: &Legs, account: AccountId, asset: AssetId) -> i128 {
        let its = self.with_lots(legs, account, asset);
        its.map(|(instrument, leg)| self.initial_margin(account, instrument, leg.lots)).sum()
    }

    pub(super) fn wallet(&self, account: AccountId, asset: AssetId) -> i128 {
        self.assets[usize::from(asset.0)].held[account.0 as usize]
    }

    /// What the costs of all positions have taken out of wallets, less what is in pots.
    pub(super) fn costs(&self, asset: AssetId) -> i128 {
        let settled =
            self.legs.iter().filter(|((_, instrument, _), _)| self.settled_in(*instrument) == asset);
        settled.map(|(_, leg)| leg.cost).sum::<i128>() - self.money_in_pots(asset)
    }

    /// What may leave a wallet.
    pub(super) fn withdrawable(&self, account: AccountId, asset: AssetId) -> i128 {
        if self.has_stale_cross_lots(account, asset) {
            return 0;
        }
        self.available_to_pots(account, asset).max(0)
    }

    /// Whether the account would have more lots than this limit allows; 0 is no limit.
    pub(super) fn is_above(most: Quantity, lots: i128) -> bool {
        most.0 > 0 && lots > i128::from(most.0)
    }
}
