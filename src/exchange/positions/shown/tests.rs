//! The liquidation price is that of a walk over all ticks, and that of the worked numbers of docs/FUTURES.md.

use super::super::{Ordinal, Position, Positions};
use super::*;
use crate::domain::contracts::{ContractValue, Settlement, Tier, Tiers};
use crate::domain::{AccountId, Ppm, Side};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// A table of maintenance rates with twice as much initial margin, each from its floor on.
fn tiers(rows: &[(i64, u32)]) -> Tiers {
    let tier = |&(floor, rate): &(i64, u32)| Tier {
        floor: Amount(floor),
        initial: Ppm((2 * rate).min(Ppm::ONE)),
        maintenance: Ppm(rate),
    };
    Tiers::new(&rows.iter().map(tier).collect::<Vec<_>>(), Ppm(0)).expect("a table")
}

fn quoted(settlement: Settlement, unit: i64, mark: i64, tiers: Tiers) -> Quoted {
    let value = ContractValue::new(settlement, Amount(unit)).expect("a value");
    Quoted { value, asset: AssetId(0), mark: Price(mark), tiers, stale_from: u64::MAX }
}

const AT: At = At { account: AccountId(1), contract: Ordinal(0) };

/// A position that one trade at the mark opened.
fn leg(quoted: &Quoted, side: Side, lots: u64) -> Leg {
    let mut leg = Leg::default();
    leg.book(&quoted.value, side, lots, quoted.value.of_trade(lots, quoted.mark).expect("it fits"));
    leg
}

/// The liquidation price of a position that was opened at the mark, with this pot; without one in cross mode.
fn liquidation(quoted: &Quoted, side: Side, lots: u64, pot: Option<i64>, wallet: i64) -> Option<i64> {
    let mut positions = Positions::default();
    positions.quote(Ordinal(0), *quoted);
    let opened = leg(quoted, side, lots);
    positions.change(AT, |holding| {
        holding.mode = if pot.is_some() { MarginMode::Isolated } else { MarginMode::Cross };
        holding.positions[0] = Position { leg: opened, pot: pot.unwrap_or(0), ..Position::default() };
    });
    let range = PriceRange::new(1, 20_000_000, 1).expect("a range");
    let shown = positions.shown(AT, 0, wallet, Some(&range)).expect("it has a mark");
    shown.liquidation.map(|price| price.0)
}

#[test]
fn isolated_with_tiers() {
    let rows = [4, 5, 10, 25, 50, 100, 125, 150, 250, 500].map(|tenth| tenth * 1_000);
    let floors = [0, 50_000, 250_000, 1_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000];
    let floors = floors.into_iter().chain([200_000_000, 300_000_000]).map(|floor| floor * 100_000);
    let table = tiers(&floors.zip(rows).collect::<Vec<_>>());
    let (dollar, pot) = (100_000, 153_544_301_000);
    let high = quoted(Settlement::Linear, 1, 3_248_198, table);
    assert_eq!(liquidation(&high, Side::Buy, 109_488, Some(pot), 0), Some(1_877_872));
    let table = tiers(&[(0, 50_000), (2_707_300 * dollar, 100_000)]);
    let low = quoted(Settlement::Linear, 1, 145_684, table);
    assert_eq!(liquidation(&low, Side::Buy, 3_683_979, Some(pot), 0), Some(111_478));
}

#[test]
fn isolated_on_both_sides() {
    let table = tiers(&[(0, 5_000), (200_000_000, 10_000)]);
    let at_10 = quoted(Settlement::Linear, 10, 10_000_000, table);
    let at_8 = quoted(Settlement::Linear, 10, 8_000_000, table);
    for (quoted, lots, pot, short, long) in [
        (at_10, 10, 200_000_000, 11_891_090, 8_070_707),
        (at_10, 10, 333_333_333, 13_211_222, 6_723_905),
        (at_10, 6, 120_000_000, 11_897_690, 8_063_973),
        (at_8, 10, 160_000_000, 9_514_852, 6_454_545),
    ] {
        assert_eq!(liquidation(&quoted, Side::Sell, lots, Some(pot), 0), Some(short), "{pot}");
        assert_eq!(liquidation(&quoted, Side::Buy, lots, Some(pot), 0), Some(long), "{pot}");
    }
}

#[test]
fn inverse_maintenance() {
    let table = tiers(&[(0, 5_000)]);
    let at_50_000 = quoted(Settlement::Inverse, 20_000_000_000, 100_000, table);
    assert_eq!(liquidation(&at_50_000, Side::Buy, 600, Some(12_000_000), 0), Some(91_363));
    assert_eq!(liquidation(&at_50_000, Side::Sell, 600, Some(12_000_000), 0), Some(110_556));
    let at_8_000 = quoted(Settlement::Inverse, 20_000_000_000, 16_000, table);
    assert_eq!(liquidation(&at_8_000, Side::Buy, 100, None, 49_906_250), Some(11_491));
}

#[test]
fn maintenance_is_strict() {
    let at_100 = quoted(Settlement::Linear, 1, 10_000, tiers(&[(0, 5_000)]));
    assert_eq!(liquidation(&at_100, Side::Buy, 1, Some(100), 0), Some(9_949), "rounded up, the margin is 50");
    let cents = quoted(Settlement::Linear, 1_000, 10_000, tiers(&[(0, 5_000)]));
    assert_eq!(liquidation(&cents, Side::Buy, 1, Some(100_000), 0), Some(9_949));
    let at_2_000 = quoted(Settlement::Linear, 1_000, 200_000, tiers(&[(0, 50_000)]));
    assert_eq!(liquidation(&at_2_000, Side::Buy, 10, None, 1_000_000_000), Some(105_263));
    assert_eq!(liquidation(&at_2_000, Side::Sell, 5, None, 500_000_000), Some(285_715));
    // Nothing is lost by a long position without leverage, however low the mark.
    assert_eq!(liquidation(&at_2_000, Side::Buy, 10, None, 2_000_000_000), None);
    assert_eq!(liquidation(&at_2_000, Side::Buy, 10, None, 1), Some(200_000), "it is below at the mark");
}

/// Numbers that are the same in every run.
struct Random(TestRunner);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        (0..end).new_tree(&mut self.0).expect("a number").current()
    }
}

/// A margin account of one contract, and of something else, as `random` says.
fn stand(random: &mut Random, pair: bool) -> (Quoted, [Leg; 2], i128) {
    let settlement = if random.below(2) == 0 { Settlement::Linear } else { Settlement::Inverse };
    let mark = 200 + random.below(400) as i64;
    // Inverse: small values, and lots × K that many prices divide.
    let unit = match settlement {
        Settlement::Linear => 1 + random.below(20) as i64,
        Settlement::Inverse => 720_720 * (1 + random.below(4) as i64) / (1 + random.below(300) as i64),
    };
    let (floor, rate) = (1_000 * (1 + random.below(5)) as i64, 10_000 + random.below(20) as u32 * 1_000);
    let table = tiers(&[(0, rate), (floor, rate * 2), (floor * 4, 490_000)]);
    let quoted = quoted(settlement, unit.max(1_000), mark, table);
    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    let mut legs = [leg(&quoted, side, 1 + random.below(60)), Leg::default()];
    if pair {
        legs[1] = leg(&quoted, side.opposite(), 1 + random.below(60));
    }
    let size = legs.iter().map(|leg| leg.cost.unsigned_abs()).max().unwrap_or(0);
    let fixed = random.below(size + 10) as i128 - (size / 40) as i128;
    (quoted, legs, fixed)
}

fn walk(stand: &Stand<'_>, down: bool, range: &PriceRange) -> Option<Price> {
    let mark = stand.quoted.mark.0;
    let mut down_there = (range.lowest().0..=mark).rev().map(Price);
    let mut up_there = (mark..=range.highest().0).map(Price);
    let is_below = |at: &Price| stand.surplus(*at, false) < 0;
    if down { down_there.find(is_below) } else { up_there.find(is_below) }
}

#[test]
fn the_liquidation_price_is_that_of_a_walk_over_all_ticks() {
    let range = PriceRange::new(20, 1_500, 1).expect("a range");
    let mut found = [0; 2];
    let mut random = Random(TestRunner::deterministic());
    for round in 0..20_000 {
        let (quoted, legs, fixed) = stand(&mut random, false);
        let stand = Stand { quoted: &quoted, legs: &legs, fixed };
        let down = legs[0].lots > 0;
        let expected = walk(&stand, down, &range);
        assert_eq!(stand.liquidation(down, &range), expected, "round {round}: {quoted:?} {legs:?} {fixed}");
        found[usize::from(expected.is_some())] += 1;
    }
    assert!(found.into_iter().all(|count| count > 1_000), "{found:?}");
}

/// Each of the two amounts of each leg is rounded by less than a unit, and the notional before its margin.
#[test]
fn with_a_long_and_a_short_leg_it_is_right_to_within_the_rounding() {
    const ROUNDING: i128 = 6;
    let range = PriceRange::new(20, 1_500, 1).expect("a range");
    let mut random = Random(TestRunner::deterministic());
    for round in 0..5_000 {
        let (quoted, legs, fixed) = stand(&mut random, true);
        let stand = Stand { quoted: &quoted, legs: &legs, fixed };
        for down in [true, false] {
            let ends = [stand.liquidation(down, &range), walk(&stand, down, &range)];
            let told = format!("round {round}: {ends:?}");
            let steps = |price: Option<Price>| {
                price.map_or(i64::MAX, |price| (price.0 - quoted.mark.0) * if down { -1 } else { 1 })
            };
            let [found, walked] = ends.map(steps);
            if found < walked {
                // Too early, by no more than the rounding.
                assert!(stand.surplus(ends[0].expect("found"), false) <= ROUNDING, "{told}");
            }
            // Not too late: it is not below by more than the rounding at any tick before.
            let end = if down { quoted.mark.0 - range.lowest().0 } else { range.highest().0 - quoted.mark.0 };
            for step in walked..found.min(end + 1) {
                let mark = quoted.mark.0 + step * if down { -1 } else { 1 };
                assert!(stand.surplus(Price(mark), false) >= -ROUNDING, "{told}, at {mark}");
            }
        }
    }
}
