//! Orders as their accounts can have them: near the mark, and of the mode of positions of the account.

use super::super::values::Wish;
use super::venue::FIRST_PRICE;
use crate::support::naive::Naive;
use dojima::domain::{
    AccountId, Effect, Instructions, InstrumentId, OrderPrice, PostOnly, Quantity, QuantityUnit, Side,
    TimeInForce, TriggerKind, UserRef,
};

/// How far the mark is from the first one, price units.
pub fn mark_moved(naive: &Naive, instrument: InstrumentId) -> i64 {
    let [_, mark, _] = naive.prices(instrument);
    let tick = i64::from(naive.listings()[instrument.0 as usize].tick_units);
    mark.map_or(0, |mark| mark.0 * tick - i64::from(FIRST_PRICE))
}

pub fn shifted(units: u32, by: i64) -> u32 {
    u32::try_from(i64::from(units) + by).unwrap_or(units)
}

/// Prices are as far from the mark as they were from the first one. What is no price stays none.
pub fn near_mark((side, price, time, quantity, mut asks): Wish, by: i64) -> Wish {
    let price = match price {
        OrderPrice::Limit(units @ 1..10_000) => OrderPrice::Limit(units + by),
        other => other,
    };
    if let Some(trigger) = asks.as_mut().and_then(|asks| asks.trigger.as_mut())
        && trigger.kind != TriggerKind::TrailingStop
    {
        trigger.price = shifted(trigger.price, by);
    }
    (side, price, time, quantity, asks)
}

/// Who enters or replaces an order.
pub struct Holder {
    hedge: bool,
    /// Whether a buy, and a sell, has something to reduce.
    reduces: [bool; 2],
    /// Of a replace: the side is what it was.
    fixed: bool,
}

impl Holder {
    pub fn of(naive: &Naive, account: AccountId, instrument: InstrumentId, fixed: bool) -> Self {
        let positions = naive.positions(account, instrument);
        let any = |sign: i128| positions.iter().any(|(_, lots, ..)| lots.signum() == sign);
        Self { hedge: positions.len() == 2, reduces: [any(-1), any(1)], fixed }
    }

    fn can_reduce(&self, side: Side) -> bool {
        self.reduces[usize::from(side == Side::Sell)]
    }

    /// The order as this holder can have it, but for one in some.
    pub fn fitting(&self, (mut side, mut price, mut time, mut quantity, asks): Wish) -> Wish {
        let mut asks = asks.unwrap_or_default();
        let opens = if self.hedge { Effect::Open } else { Effect::Any };
        let roll = quantity.0 % 16;
        if matches!(asks.effect, Effect::ReduceOnly | Effect::ClosePosition) && roll % 4 != 0 {
            if !self.can_reduce(side) && !self.fixed {
                side = side.opposite();
            }
            if !self.can_reduce(side) {
                asks.effect = opens;
            }
        }
        match asks.effect {
            Effect::Any | Effect::Open if roll == 9 => {
                asks.effect = if self.hedge { Effect::Any } else { Effect::Open };
            }
            Effect::Any | Effect::Open => asks.effect = opens,
            Effect::ClosePosition if roll != 13 => {
                quantity = Quantity(0);
                asks = Instructions {
                    min_quantity: 0,
                    display_quantity: 0,
                    unit: QuantityUnit::default(),
                    post_only: PostOnly::No,
                    ..asks
                };
                if asks.trigger.is_none() {
                    (price, time) = (OrderPrice::Market, TimeInForce::ImmediateOrCancel);
                    (asks.oco, asks.visibility) = (UserRef(0), Default::default());
                }
            }
            _ => {}
        }
        (side, price, time, quantity, (asks != Instructions::default()).then_some(asks))
    }
}
