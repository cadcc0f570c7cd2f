//! What orders of contracts add to positions, what they hold, and whether an account can have them.

use super::Naive;
use super::checks::Ask;
use super::contracts::margin::leverage_max;
use super::contracts::orders::{Entered, at_risk_hedge, at_risk_one_way};
use super::orders::Order;
use super::positions::Place;
use dojima::domain::{
    AccountId, AssetId, Effect, FeeRate, Instructions, InstrumentId, OrderId, OrderPrice, PositionLeg,
    QuantityUnit, RejectReason, Side,
};

type Checked<T> = Result<T, RejectReason>;

/// Positions that an account may have lots of, or orders for.
const POSITIONS_MAX: usize = 64;

fn refuse_if(refused: bool, reason: RejectReason) -> Checked<()> {
    if refused { Err(reason) } else { Ok(()) }
}

impl Order {
    pub(super) fn only_reduces(&self) -> bool {
        reduces(self.asked.effect)
    }
}

impl Ask {
    pub(super) fn only_reduces(&self) -> bool {
        reduces(self.instructions.effect)
    }

    /// Whether it takes all the lots that there are.
    pub(super) fn closes(&self) -> bool {
        self.instructions.effect == Effect::ClosePosition
    }
}

fn reduces(effect: Effect) -> bool {
    matches!(effect, Effect::ReduceOnly | Effect::ClosePosition)
}

/// `E` without an order and with it.
#[derive(Clone, Copy)]
pub(super) struct AtRisk {
    pub without: i128,
    pub with: i128,
}

impl AtRisk {
    pub fn increases(self) -> bool {
        self.with > self.without
    }
}

impl Naive {
    /// The lots with which an order counts: of the second of two linked ones those that it has beyond the first.
    fn counts_with(&self, order: &Order) -> i128 {
        if order.only_reduces() {
            return 0;
        }
        // A new order has no number yet. Linked to another, it is the second.
        let first = order.oco.filter(|other| order.id == OrderId(0) || *other < order.id);
        let first = first.and_then(|id| self.find(id)).map_or(0, |at| self.orders[at].open);
        (order.open - first).max(0)
    }

    /// `bids` or `asks`, but for one order.
    fn on_order(&self, account: AccountId, instrument: InstrumentId, side: Side, but: OrderId) -> i128 {
        let counts = |order: &&Order| {
            order.account == account
                && order.instrument == instrument
                && order.side == side
                && order.id != but
        };
        self.orders.iter().filter(counts).map(|order| self.counts_with(order)).sum()
    }

    /// `E` of a position, with so many more lots on order.
    fn at_risk_with_more(&self, place: Place, more: (Side, i128), but: OrderId) -> i128 {
        let (account, instrument, leg) = place;
        let lots = |side| {
            let added = if side == more.0 { more.1 } else { 0 };
            (self.on_order(account, instrument, side, but) + added) as u64
        };
        let has = self.leg(place).lots;
        match leg {
            PositionLeg::Net => at_risk_one_way(has, lots(Side::Buy), lots(Side::Sell)),
            PositionLeg::Long => at_risk_hedge(has as u64, lots(Side::Buy)),
            PositionLeg::Short => at_risk_hedge(-has as u64, lots(Side::Sell)),
        }
    }

    /// `E` of a position as it is.
    pub(super) fn at_risk(&self, place: Place) -> i128 {
        self.at_risk_with_more(place, (Side::Buy, 0), OrderId(0))
    }

    /// `E` of the position that an order is for.
    pub(super) fn at_risk_with(&self, order: &Order) -> AtRisk {
        let (place, side) = (self.place_of_order(order), order.side);
        AtRisk {
            without: self.at_risk_with_more(place, (side, 0), order.id),
            with: self.at_risk_with_more(place, (side, self.counts_with(order)), order.id),
        }
    }

    /// `R` of an account and asset.
    pub(super) fn required(&self, account: AccountId, asset: AssetId) -> i128 {
        let here = self.contracts().into_iter().filter(|id| self.settled_in(*id) == asset);
        let places = here.flat_map(|id| self.places(account, id));
        places.map(|place| self.required_for(place, self.at_risk(place))).sum::<i128>()
            + self.holding(account, asset).reserved
    }

    /// What all open lots of an order hold, if it increases `E`: `l`, open loss and fee.
    fn holds_alone(&self, order: &Order) -> i128 {
        let mark = self.mark_of(order.instrument);
        let (lowest, highest) = self.price_limits(order.instrument);
        let limit = match (order.price, order.waiting, order.side) {
            (Some(price), ..) => price as i64,
            (None, Some(_), _) => mark,
            (None, None, Side::Buy) => highest,
            (None, None, Side::Sell) => lowest,
        };
        let fee = self.maker_rate(order).max(self.taker_rate(order)).max(FeeRate(0));
        let (lots, fee) = (order.open as u64, fee.0 as u32);
        let entered = Entered { side: order.side, lots, limit, mark, fee };
        i128::from(entered.held(&self.listed_as(order.instrument)).expect("limits keep it small"))
    }

    /// What an order holds when it is measured; the first one is what it is linked to.
    pub(super) fn hold(&self, order: &Order, first: Option<&Order>) -> i128 {
        if !self.at_risk_with(order).increases() {
            return 0;
        }
        (self.holds_alone(order) - first.map_or(0, |first| first.reserved)).max(0)
    }

    /// An order has lost lots: it holds their part less.
    pub(super) fn hold_part(order: &mut Order, before: i128) {
        if before > 0 {
            let (held, left) = (order.reserved as i64, order.open as u64);
            order.reserved = i128::from(super::contracts::orders::part(held, left, before as u64));
        }
    }

    /// Whether an account of this mode can have orders of this effect.
    pub(super) fn right_side(&self, ask: &Ask) -> Checked<()> {
        let wrong = match ask.instructions.effect {
            Effect::Any => self.is_hedge(ask.account),
            Effect::Open => !self.is_hedge(ask.account),
            Effect::ReduceOnly | Effect::ClosePosition => false,
        };
        refuse_if(wrong && self.is_contract(ask.instrument), RejectReason::WrongPositionSide)
    }

    /// Check 10, from the positions to the open interest.
    pub(super) fn position_limits(&self, ask: &Ask, order: &Order) -> Checked<()> {
        let at_risk = self.at_risk_with(order);
        if !at_risk.increases() {
            return Ok(());
        }
        let Ask { account, instrument, .. } = *ask;
        let known = self.instrument(instrument);
        let its = self.place_of_order(order);
        let counts = |place: &Place| *place == its || self.leg(*place).lots != 0 || self.at_risk(*place) > 0;
        let places = self.contracts().into_iter().flat_map(|id| self.places(account, id));
        let has = places.filter(counts).count();
        refuse_if(has > POSITIONS_MAX, RejectReason::TooManyPositions)?;
        let notional = self.notional_of(instrument, at_risk.with);
        let highest = leverage_max(&known.contract.tiers, notional);
        refuse_if(self.leverage(account, instrument) > i64::from(highest), RejectReason::LeverageAboveTier)?;
        let risk = known.contract.risk.expect("a contract that trades has it");
        let above = Self::is_above(known.limits.position_max, at_risk.with)
            || Self::is_above(self.account(account).limits.position_max, at_risk.with)
            || at_risk.with > i128::from(risk.position_limit);
        refuse_if(above, RejectReason::PositionAboveLimit)?;
        self.open_interest_left(order)
    }

    /// Whether there may be more lots at all.
    pub(super) fn open_interest_left(&self, order: &Order) -> Checked<()> {
        let risk = self.instrument(order.instrument).contract.risk.expect("a contract that trades has it");
        let there = Self::open_interest(&self.legs, order.instrument);
        let full = there >= i128::from(risk.open_interest_limit);
        refuse_if(full && self.at_risk_with(order).increases(), RejectReason::OpenInterestLimit)
    }

    /// Check 12a: a limit must be within the price limits, unless it waits.
    pub(super) fn within_price_limits(&self, order: &Order) -> Checked<()> {
        let Some(price) = order.price else { return Ok(()) };
        let outside = self.is_outside(order.instrument, order.side, price);
        refuse_if(outside && order.waiting.is_none(), RejectReason::PriceOutsideLimits)
    }

    /// What so many lots at risk add to `R`: what is behind lots of an isolated position is in its pot.
    fn required_for(&self, place: Place, at_risk: i128) -> i128 {
        let (account, instrument, _) = place;
        let margin = |lots| self.initial_margin(account, instrument, lots);
        match self.is_isolated(account, instrument) {
            true => (margin(at_risk) - margin(self.leg(place).lots)).max(0),
            false => margin(at_risk),
        }
    }

    /// What is available where profit that is not realised does not count.
    pub(super) fn available_to_pots(&self, account: AccountId, asset: AssetId) -> i128 {
        let losses = self.unrealised(&self.legs, account, asset).min(0);
        self.wallet(account, asset) + losses - self.required(account, asset)
    }

    /// What is available in an asset.
    pub(super) fn available_for_orders(&self, account: AccountId, asset: AssetId) -> i128 {
        let equity = self.wallet(account, asset) + self.unrealised(&self.legs, account, asset);
        equity - self.required(account, asset)
    }

    /// Check 13: what the order is to hold.
    pub(super) fn margin_for(&self, order: &Order, first: Option<&Order>) -> Checked<i128> {
        let at_risk = self.at_risk_with(order);
        if !at_risk.increases() {
            return Ok(0);
        }
        refuse_if(self.is_stale(order.instrument), RejectReason::IndexStale)?;
        let Order { account, instrument, .. } = *order;
        let asset = self.settled_in(instrument);
        let held = self.hold(order, first);
        let isolated = self.is_isolated(account, instrument);
        refuse_if(isolated && self.has_stale_cross_lots(account, asset), RejectReason::IndexStale)?;
        let required = |lots| self.required_for(self.place_of_order(order), lots);
        let more = required(at_risk.with) - required(at_risk.without);
        let available = match isolated {
            true => self.available_to_pots(account, asset),
            false => self.available_for_orders(account, asset),
        };
        let left = available - more - held;
        refuse_if(left < 0, RejectReason::InsufficientMargin)?;
        Ok(held)
    }

    /// What an order that is released is held against, beyond what its lots come to; what it holds then.
    pub(super) fn release_checks(&self, order: &Order) -> Checked<i128> {
        let nothing = self.reduces(order) && self.closable(order.account, order.instrument, order.side) == 0;
        refuse_if(nothing, RejectReason::NotReducing)?;
        self.open_interest_left(order)?;
        self.within_price_limits(order)?;
        let held = self.margin_for(order, None)?;
        self.room_to_reduce(order)?;
        Ok(held)
    }

    /// Instructions that no order of the instrument can have, for what it is.
    pub(super) fn not_for_product(&self, ask: &Ask) -> bool {
        let by_amount = ask.instructions.unit == QuantityUnit::QuoteAmount;
        let Instructions { effect, min_quantity, display_quantity, trigger, .. } = ask.instructions;
        if !self.is_contract(ask.instrument) {
            return matches!(effect, Effect::Open | Effect::ClosePosition);
        }
        let limit_at_once = ask.price != OrderPrice::Market && trigger.is_none();
        let sized = min_quantity > 0 || display_quantity > 0 || by_amount;
        let cannot_close = ask.closes() && (limit_at_once || sized);
        let inverse = super::futures::is_inverse(self.listing(ask.instrument).product);
        cannot_close || (by_amount && (inverse || ask.only_reduces()))
    }

    /// Whether an order can be linked to this one, as far as both may only reduce.
    pub(super) fn reduce_alike(&self, ask: &Ask, first: &Order) -> bool {
        let reduces = ask.only_reduces();
        let both_at_once = ask.instructions.trigger.is_none() && first.waiting.is_none();
        !self.is_contract(ask.instrument) || (reduces == first.only_reduces() && !(reduces && both_at_once))
    }
}
