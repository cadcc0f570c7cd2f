//! What lots are worth.

use super::arbitrary::{any_sign, listed, lots, price, settlement, some_lots};
use super::{config, of_engine};
use crate::support::naive::contracts::exact::{half_even, up, whole};
use crate::support::naive::contracts::value::Listed;
use dojima::domain::contracts::{ContractValue, Leg, Settlement};
use dojima::domain::{Amount, Price, Side};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn values_agree(listed in listed(), lots in lots(), price in price()) {
        let engine = of_engine(&listed);
        let (value, notional) = (listed.of_trade(lots, price), listed.notional(lots, price));
        prop_assert_eq!(engine.of_trade(lots, Price(price)), value.map(Amount));
        prop_assert_eq!(engine.notional(lots, Price(price)), notional.map(Amount));
        let Some(value) = value else { return Ok(()) };
        for side in [Side::Buy, Side::Sell] {
            prop_assert_eq!(i128::from(engine.signed(side, Amount(value))), listed.signed(side, value));
        }
        prop_assert_eq!(engine.signed(Side::Buy, Amount(value)) + engine.signed(Side::Sell, Amount(value)), 0);
        let exact = listed.size(lots, price);
        prop_assert!(listed.settlement == Settlement::Inverse || whole(value) == exact, "whole if linear");
        prop_assert_eq!(whole(value), half_even(&exact));
        if let Some(notional) = notional {
            prop_assert_eq!(whole(notional), up(&exact));
            prop_assert!(notional >= value && notional - value <= 1);
        }
    }

    #[test]
    fn profits_agree(listed in listed(), lots in any_sign(32), cost in any_sign(63), mark in price()) {
        let leg = Leg { lots, cost };
        let profit = listed.profit(i128::from(lots), i128::from(cost), mark);
        prop_assert_eq!(leg.profit(&of_engine(&listed), Price(mark)), profit.map(Amount));
        if let Some(profit) = profit {
            let exact = listed.value(i128::from(lots), mark) - whole(cost);
            prop_assert!(whole(profit) <= exact && exact < whole(profit) + whole(1), "rounded down");
        }
    }

    /// A profit near what 64 bits have: of the value and the cost that cancel each other, and of those that do not.
    #[test]
    fn profits_near_the_ends_agree(listed in listed(), lots in any_sign(32), mark in price(), from_end in -3_i128..=3, lowest in any::<bool>()) {
        let end = if lowest { i128::from(i64::MIN) } else { i128::from(i64::MAX) };
        let value = listed.value(i128::from(lots), mark).floor().to_integer();
        let cost = i128::try_from(value).expect("within 128 bits") - end - from_end;
        let Ok(within) = i64::try_from(cost) else { return Ok(()) };
        let profit = listed.profit(i128::from(lots), cost, mark);
        prop_assert_eq!(Leg { lots, cost: within }.profit(&of_engine(&listed), Price(mark)), profit.map(Amount));
        prop_assert_eq!(profit.is_some(), if lowest { from_end >= 0 } else { from_end <= 0 });
    }

    #[test]
    fn average_entries_agree(listed in listed(), lots in any_sign(32), cost in any_sign(63)) {
        let average = listed.average_entry(i128::from(lots), i128::from(cost));
        prop_assert_eq!(Leg { lots, cost }.average_entry(&of_engine(&listed)), average.map(Price));
    }

    /// Of a leg that one trade made it is the price of the trade, as near as the value was rounded.
    #[test]
    fn the_average_of_one_linear_trade_is_its_price(unit in 1..1_i64 << 20, lots in some_lots(), price in price()) {
        let listed = Listed { settlement: Settlement::Linear, unit };
        let Some(value) = listed.of_trade(lots, price) else { return Ok(()) };
        let leg = Leg { lots: i64::try_from(lots).expect("32 bits"), cost: value };
        prop_assert_eq!(leg.average_entry(&of_engine(&listed)), Some(Price(price)));
    }

    #[test]
    fn a_unit_is_one_or_more(settlement in settlement(), unit in any_sign(63)) {
        prop_assert_eq!(ContractValue::new(settlement, Amount(unit)).is_some(), unit >= 1);
    }
}
