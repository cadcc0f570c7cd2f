//! Trades among many legs: what is won is what others lose.

use super::arbitrary::{listed_to, price, some_lots};
use super::{config, of_engine};
use crate::support::naive::contracts::leg::Position;
use crate::support::naive::contracts::value::Listed;
use dojima::domain::contracts::{Leg, Settlement};
use dojima::domain::{Amount, Price, Side};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

/// Of which leg to which other, lots, ticks.
type Trade = (usize, usize, u64, i64);

const LEGS: usize = 5;

fn trades() -> impl Strategy<Value = Vec<Trade>> {
    let near = (1..=30_u64, 1..=200_i64);
    let far = (some_lots(), price());
    let size = prop_oneof![4 => near, 1 => far];
    prop::collection::vec(
        (0..LEGS, 1..LEGS, size)
            .prop_map(|(buyer, on, (lots, price))| (buyer, (buyer + on) % LEGS, lots, price)),
        1..40,
    )
}

#[derive(Default)]
struct Table {
    legs: [Leg; LEGS],
    naive: [Position; LEGS],
    wallets: [i64; LEGS],
}

impl Table {
    /// Both sides of a trade, in both. (Sums stay far below 64 bits: values are those of units of 20 bits.)
    fn trade(&mut self, listed: &Listed, (buyer, seller, lots, price): Trade) -> Result<(), TestCaseError> {
        let engine = of_engine(listed);
        let value = engine.of_trade(lots, Price(price));
        prop_assert_eq!(value, listed.of_trade(lots, price).map(Amount));
        let Some(value) = value.filter(|value| value.0 < 1 << 56) else { return Ok(()) };
        for (leg, side) in [(buyer, Side::Buy), (seller, Side::Sell)] {
            let booked = self.legs[leg].book(&engine, side, lots, value);
            let fill = self.naive[leg].book(listed, side, lots, value.0);
            prop_assert_eq!(i128::from(booked.realised), fill.realised);
            prop_assert_eq!((booked.closed, booked.opened), (fill.closed, fill.opened));
            let Leg { lots, cost } = self.legs[leg];
            prop_assert_eq!(
                (i128::from(lots), i128::from(cost)),
                (self.naive[leg].lots, self.naive[leg].cost)
            );
            self.wallets[leg] += booked.realised;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn trades_among_legs_make_and_lose_nothing(listed in listed_to(20), trades in trades(), mark in price()) {
        let mut table = Table::default();
        for &trade in &trades {
            table.trade(&listed, trade)?;
            prop_assert_eq!(table.legs.iter().map(|leg| leg.lots).sum::<i64>(), 0);
            let cost: i64 = table.legs.iter().map(|leg| leg.cost).sum();
            prop_assert_eq!(table.wallets.iter().sum::<i64>() - cost, 0);
            prop_assert!(table.legs.iter().all(|leg| leg.lots != 0 || leg.cost == 0));
        }
        let engine = of_engine(&listed);
        let profits: Option<Vec<i64>> = table.legs.iter().map(|leg| Some(leg.profit(&engine, Price(mark))?.0)).collect();
        let Some(profits) = profits else { return Ok(()) };
        // With what is realised, nothing; an inverse leg may lose less than a unit by rounding.
        let all: i128 = profits.iter().chain(&table.wallets).map(|&amount| i128::from(amount)).sum();
        match listed.settlement {
            Settlement::Linear => prop_assert_eq!(all, 0),
            Settlement::Inverse => prop_assert!(all <= 0 && all > -(LEGS as i128), "{}", all),
        }
    }

    /// Everybody closes at one price: nobody has lots or cost, and the wallets sum to nothing but the rounding of trades.
    #[test]
    fn when_all_are_flat_the_wallets_sum_to_nothing(listed in listed_to(20), trades in trades(), last in 1..1_000_i64) {
        let mut table = Table::default();
        for &trade in &trades {
            table.trade(&listed, trade)?;
        }
        loop {
            let (longest, shortest) = (0..LEGS).fold((0, 0), |(most, least), leg| {
                let lots = |leg: usize| table.legs[leg].lots;
                (if lots(leg) > lots(most) { leg } else { most }, if lots(leg) < lots(least) { leg } else { least })
            });
            let lots = table.legs[longest].lots.min(-table.legs[shortest].lots);
            if lots <= 0 {
                break;
            }
            let trade = (shortest, longest, lots.unsigned_abs(), last);
            let before = table.legs[longest].lots;
            table.trade(&listed, trade)?;
            prop_assume!(table.legs[longest].lots != before);
        }
        prop_assert_eq!(table.legs, [Leg::default(); LEGS]);
        prop_assert_eq!(table.wallets.iter().sum::<i64>(), 0);
    }
}
