//! Tiers, maintenance and initial margin, leverage; what is left of a position when the mark moves.

use super::arbitrary::{any_sign, any_tiers, listed_to, price, tiers};
use super::{config, of_engine};
use crate::support::naive::contracts::exact::{ppm, up, whole};
use crate::support::naive::contracts::{margin, value::Listed};
use dojima::domain::contracts::{Leg, Leverage, Settlement, Tier, TierFault, Tiers};
use dojima::domain::{Amount, Ppm, Price};
use proptest::prelude::*;

fn leverage() -> impl Strategy<Value = u8> {
    1..=125_u8
}

/// A notional of any size, often one at a floor or beside it.
fn notional(tiers: &[Tier]) -> impl Strategy<Value = i64> + use<> {
    let floors: Vec<i64> = tiers.iter().map(|tier| tier.floor.0).collect();
    let near =
        (prop::sample::select(floors), -3..=3_i64).prop_map(|(floor, off)| floor.saturating_add(off).max(0));
    prop_oneof![near, super::arbitrary::amount()]
}

fn tiers_and_notional() -> impl Strategy<Value = (Vec<Tier>, i64)> {
    tiers().prop_flat_map(|(tiers, _)| {
        let notional = notional(&tiers);
        (Just(tiers), notional)
    })
}

fn taken(tiers: &[Tier]) -> Tiers {
    Tiers::new(tiers, Ppm(0)).expect("a table that is taken")
}

fn with(leverage: u8) -> Leverage {
    Leverage::new(leverage).expect("1 to 125")
}

#[test]
fn leverage_is_1_to_125() {
    for leverage in 0..=u8::MAX {
        let there = Leverage::new(leverage).map(Leverage::get);
        assert_eq!(there, (1..=125).contains(&leverage).then_some(leverage));
    }
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn tables_that_hold_are_taken((tiers, costs) in tiers()) {
        prop_assert_eq!(margin::faults(&tiers, costs), vec![]);
        let table = Tiers::new(&tiers, Ppm(costs));
        prop_assert!(table.is_ok(), "{:?}", table);
        let table = table.expect("just asked");
        prop_assert_eq!(table.rows().collect::<Vec<_>>(), tiers.clone());
        let amounts: Vec<_> = table.amounts().map(|amount| whole(amount.0)).collect();
        prop_assert_eq!(amounts, margin::amounts(&tiers));
    }

    /// What is refused is refused for something that is wrong with it.
    #[test]
    fn tables_that_do_not_hold_are_refused((tiers, costs) in any_tiers()) {
        let faults = margin::faults(&tiers, costs);
        match Tiers::new(&tiers, Ppm(costs)) {
            Ok(_) => prop_assert_eq!(faults, vec![]),
            Err(fault) => prop_assert!(faults.contains(&fault), "{:?} is none of {:?}", fault, faults),
        }
    }

    #[test]
    fn margins_agree((tiers, notional) in tiers_and_notional(), leverage in leverage()) {
        let table = taken(&tiers);
        prop_assert_eq!(table.tier_of(Amount(notional)), margin::tier_of(&tiers, notional));
        prop_assert_eq!(table.maintenance(Amount(notional)).0, margin::maintenance(&tiers, notional));
        prop_assert_eq!(table.initial(Amount(notional), with(leverage)).0, margin::initial(&tiers, notional, leverage));
        prop_assert_eq!(table.leverage_max(Amount(notional)).get(), margin::leverage_max(&tiers, notional));
    }

    #[test]
    fn maintenance_margin_is_continuous_and_never_falls((tiers, notional) in tiers_and_notional()) {
        let table = taken(&tiers);
        let here = table.maintenance(Amount(notional)).0;
        prop_assert!((0..=notional).contains(&here));
        if let Some(next) = notional.checked_add(1) {
            let next = table.maintenance(Amount(next)).0;
            prop_assert!(next == here || next == here + 1, "{} after {}", next, here);
        }
        for row in 1..tiers.len() {
            let floor = tiers[row].floor.0;
            let sides = [row - 1, row].map(|row| margin::maintenance_of_row(&tiers, row, floor));
            prop_assert_eq!([table.maintenance(Amount(floor)).0; 2], sides, "at the floor of row {}", row);
        }
    }

    #[test]
    fn maintenance_margin_rises_with_the_notional(
        (tiers, some) in tiers_and_notional(),
        more in super::arbitrary::amount(),
    ) {
        let table = taken(&tiers);
        let more = some.saturating_add(more);
        let (some, more) = (table.maintenance(Amount(some)).0, table.maintenance(Amount(more)).0);
        prop_assert!(some <= more);
    }

    /// Also above what the tier permits: a leverage that was chosen before the position grew.
    #[test]
    fn initial_margin_is_never_below_maintenance((tiers, notional) in tiers_and_notional(), leverage in leverage()) {
        let table = taken(&tiers);
        let initial = table.initial(Amount(notional), with(leverage)).0;
        prop_assert!(initial >= table.maintenance(Amount(notional)).0 && initial <= notional);
        prop_assert!(whole(initial) >= up(&(whole(notional) * ppm(tiers[margin::tier_of(&tiers, notional)].initial.0))));
        // What the leverage says is put up, and the least leverage puts up all of it.
        prop_assert!(whole(initial) * whole(leverage) >= whole(notional));
        prop_assert_eq!(table.initial(Amount(notional), with(1)).0, notional);
    }

    /// At the highest leverage it is the tier's rate that counts; one step more would come to less than it.
    #[test]
    fn the_highest_leverage_is_that_of_the_tier((tiers, notional) in tiers_and_notional()) {
        let table = taken(&tiers);
        let rate = i64::from(tiers[table.tier_of(Amount(notional))].initial.0);
        let highest = i64::from(table.leverage_max(Amount(notional)).get());
        prop_assert!(highest * rate <= 1_000_000);
        prop_assert!(highest == 125 || (highest + 1) * rate > 1_000_000);
    }

    /// Money, profit and maintenance margin together, at two marks.
    #[test]
    fn a_mark_in_its_favour_never_costs_a_leg_more_than_it_brings(
        (tiers, _) in tiers_and_notional(),
        listed in listed_to(30),
        lots in any_sign(32),
        marks in prop_oneof![
            (price(), price()),
            price().prop_map(|mark| (mark, mark + 1)),
            (1..1_000_i64).prop_map(|mark| (mark, mark + 1)),
        ],
    ) {
        prop_assume!(lots != 0);
        let (low, high) = (marks.0.min(marks.1), marks.0.max(marks.1));
        let (worse, better) = if lots > 0 { (low, high) } else { (high, low) };
        let worse = left(&listed, &taken(&tiers), lots, worse);
        let better = left(&listed, &taken(&tiers), lots, better);
        let (Some(worse), Some(better)) = (worse, better) else { return Ok(()) };
        // The value of an inverse short is rounded down for the profit and up for the margin: a unit in between.
        let rounding = i64::from(listed.settlement == Settlement::Inverse && lots < 0);
        prop_assert!(better >= worse - rounding, "{} and {}", worse, better);
    }
}

/// Profit less maintenance margin of a leg without cost; the money behind it is the same at all marks.
fn left(listed: &Listed, tiers: &Tiers, lots: i64, mark: i64) -> Option<i64> {
    let engine = of_engine(listed);
    let profit = Leg { lots, cost: 0 }.profit(&engine, Price(mark))?.0;
    let notional = engine.notional(lots.unsigned_abs(), Price(mark))?;
    profit.checked_sub(tiers.maintenance(notional).0)
}

/// 200 over 20 is 10, over 19 it is 10.53: the same profit when rounded down, one more of margin when rounded up.
#[test]
fn an_inverse_short_may_lose_the_unit_that_rounding_takes() {
    let row = Tier { floor: Amount(0), initial: Ppm(200_000), maintenance: Ppm(100_000) };
    let short = |mark| left(&super::inverse(200), &taken(&[row]), -1, mark);
    assert_eq!((short(20), short(19)), (Some(9), Some(8)));
}

#[test]
fn the_fault_names_the_row() {
    let row = |floor, initial, maintenance| Tier {
        floor: Amount(floor),
        initial: Ppm(initial),
        maintenance: Ppm(maintenance),
    };
    let refused = |tiers: &[Tier], costs| Tiers::new(tiers, Ppm(costs)).err();
    let (first, second) = (row(0, 20_000, 10_000), row(1_000, 30_000, 11_000));
    assert_eq!(refused(&[first, second], 9_999), None);
    assert_eq!(refused(&[first, second], 10_000), Some(TierFault::Costs));
    assert_eq!(refused(&[], 0), Some(TierFault::Rows(0)));
    assert_eq!(refused(&[first; 11], 0), Some(TierFault::Rows(11)));
    assert_eq!(refused(&[row(1, 20_000, 10_000)], 0), Some(TierFault::Floor(0)));
    assert_eq!(refused(&[first, row(0, 30_000, 11_000)], 0), Some(TierFault::Floor(1)));
    assert_eq!(refused(&[first, row(1_000, 20_000, 11_000)], 0), Some(TierFault::NotRising(1)));
    assert_eq!(refused(&[first, row(1_000, 30_000, 10_000)], 0), Some(TierFault::NotRising(1)));
    assert_eq!(refused(&[first, row(999, 30_000, 11_000)], 0), Some(TierFault::Amount(1)));
    assert_eq!(refused(&[row(0, 20_000, 20_000)], 0), Some(TierFault::Rates(0)));
    assert_eq!(refused(&[row(0, 20_000, 0)], 0), Some(TierFault::Rates(0)));
    assert_eq!(refused(&[row(0, 1_000_001, 10_000)], 0), Some(TierFault::Rates(0)));
}
