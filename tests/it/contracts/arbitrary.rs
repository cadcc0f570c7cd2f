//! Numbers of every size, and tables of tiers.

use crate::support::naive::contracts::value::Listed;
use dojima::domain::contracts::{Settlement, Tier};
use dojima::domain::{Amount, Ppm, Side};
use proptest::prelude::*;

/// Of each length in bits as often as of any other, up to this many; never 0.
pub fn of_bits(bits: u32) -> impl Strategy<Value = u64> {
    let sized = (0..bits, any::<u64>()).prop_map(|(bit, rest)| (1 << bit) | (rest & ((1 << bit) - 1)));
    let highest = u64::MAX >> (64 - bits);
    prop_oneof![1 => Just(highest), 30 => sized]
}

fn signed(bits: u32) -> impl Strategy<Value = i64> {
    of_bits(bits).prop_map(|number| i64::try_from(number).expect("fewer than 64 bits"))
}

/// Of every length, of both signs, and 0.
pub fn any_sign(bits: u32) -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0), 10 => signed(bits), 10 => signed(bits).prop_map(|number| -number)]
}

pub fn price() -> impl Strategy<Value = i64> {
    signed(31)
}

pub fn lots() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 1 => Just(1 << 32), 20 => of_bits(32)]
}

pub fn some_lots() -> impl Strategy<Value = u64> {
    of_bits(32)
}

/// An amount of 0 or more.
pub fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0), 20 => signed(63)]
}

pub fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

pub fn settlement() -> impl Strategy<Value = Settlement> {
    prop_oneof![Just(Settlement::Linear), Just(Settlement::Inverse)]
}

pub fn listed() -> impl Strategy<Value = Listed> {
    listed_to(40)
}

pub fn listed_to(bits: u32) -> impl Strategy<Value = Listed> {
    (settlement(), signed(bits)).prop_map(|(settlement, unit)| Listed { settlement, unit })
}

pub fn rate(to: u32) -> impl Strategy<Value = u32> {
    let sized = of_bits(20).prop_map(move |rate| u32::try_from(rate).expect("20 bits").min(to));
    prop_oneof![1 => Just(0), 10 => sized, 10 => 0..=to]
}

/// A table that is taken, and costs that go with it.
pub fn tiers() -> impl Strategy<Value = (Vec<Tier>, u32)> {
    let step = prop_oneof![Just(1_u32), Just(500), Just(5_000)];
    let rates = step.prop_flat_map(|step| {
        let rate = 1..=(999_999 / step);
        let rates = prop::collection::btree_set(rate, 10);
        (Just(step), rates.clone(), rates, 1_usize..=10)
    });
    let floors = prop::collection::vec(of_bits(50), 9);
    (rates, floors, any::<prop::sample::Index>()).prop_map(|((step, some, others, count), floors, costs)| {
        let rates: Vec<(u32, u32)> =
            some.iter().zip(&others).map(|(a, b)| (a.min(b) * step, a.max(b) * step)).collect();
        let mut tiers: Vec<Tier> = Vec::new();
        for (row, &(maintenance, initial)) in rates.iter().take(count).enumerate() {
            let floor = match tiers.last() {
                None => Some(0),
                Some(before) => floor_after(before, maintenance, floors[row - 1]),
            };
            let Some(floor) = floor else { break };
            let (maintenance, initial) =
                (Ppm(maintenance), Ppm(initial.max(maintenance) + u32::from(initial <= maintenance)));
            tiers.push(Tier { floor: Amount(floor), initial, maintenance });
        }
        rising(&mut tiers);
        let below = tiers[0].maintenance.0;
        (tiers, costs.index(below as usize) as u32)
    })
}

/// A floor above that of the row before, whose amount is whole.
fn floor_after(before: &Tier, maintenance: u32, above: u64) -> Option<i64> {
    const MILLION: u32 = 1_000_000;
    let common = common_divisor(MILLION, maintenance - before.maintenance.0);
    let step = u64::from(MILLION / common);
    let steps = u64::try_from(before.floor.0).ok()? / step + above / step + 1;
    i64::try_from(steps.checked_mul(step)?).ok()
}

fn common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { common_divisor(other, one % other) }
}

/// Ends the table before the first row whose initial rate is not above the one before.
fn rising(tiers: &mut Vec<Tier>) {
    let falls = tiers.windows(2).position(|rows| rows[1].initial <= rows[0].initial);
    tiers.truncate(falls.map_or(tiers.len(), |row| row + 1));
}

/// A table of any kind: one that is taken with a number changed, or of small numbers with no order.
pub fn any_tiers() -> impl Strategy<Value = (Vec<Tier>, u32)> {
    let number = prop_oneof![any_sign(63), any_sign(21), (0_i64..=12).prop_map(|n| n * 100_000)];
    let change = (any::<prop::sample::Index>(), 0..5_u8, number);
    let changed = (tiers(), change).prop_map(|((mut tiers, mut costs), (row, field, number))| {
        let count = tiers.len();
        let to = u32::try_from(number.abs() & 0x1F_FFFF).expect("21 bits");
        let tier = &mut tiers[row.index(count)];
        match field {
            0 => tier.floor = Amount(number),
            1 => tier.initial = Ppm(to),
            2 => tier.maintenance = Ppm(to),
            3 => tier.initial = Ppm(tier.maintenance.0),
            _ => costs = to,
        }
        (tiers, costs)
    });
    let row = (0..4_i64, 0..6_u32, 0..6_u32).prop_map(|(floor, initial, maintenance)| Tier {
        floor: Amount(floor * 10),
        initial: Ppm(initial * 200_001),
        maintenance: Ppm(maintenance * 100_000),
    });
    let loose = (prop::collection::vec(row, 0..=3), 0..300_000_u32);
    let long = tiers().prop_map(|(mut tiers, costs)| {
        let mut last = *tiers.last().expect("a row");
        while tiers.len() < 11 {
            last.floor.0 = last.floor.0.saturating_add(1_000_000);
            last.initial.0 += 2;
            last.maintenance.0 += 1;
            tiers.push(last);
        }
        (tiers, costs)
    });
    prop_oneof![8 => changed, 4 => loose, 1 => long]
}
