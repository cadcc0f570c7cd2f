//! Random runs of traders with a long and a short position in each contract.

use super::hedge_cases::HEDGE_CASES;
use super::moves::{self, Act, Move};
use super::venue::{ACCOUNTS, Setting};
use super::{Run, TICKS, Taste, case_count, fundings, owner_moves, run_in, touched_at_most, with_index};
use crate::exchange::scripts::shown::Seen;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// All traders begin so.
const ALL: u8 = (1 << ACCOUNTS) - 1;

fn more() -> Vec<(u32, BoxedStrategy<Act>)> {
    vec![
        (8, owner_moves::margin_mode()),
        (8, owner_moves::margin()),
        (6, owner_moves::position_mode()),
        (3, moves::self_trade()),
        (3, moves::phase()),
        (8, moves::resume()),
        (1, moves::mark()),
        (1, moves::set_risk()),
        (2, moves::fees()),
    ]
}

/// Orders of all effects, many of them with triggers.
fn pairs() -> BoxedStrategy<Move> {
    let taste = Taste {
        market: 20,
        immediate: 8,
        min: 6,
        show: 10,
        hidden: 4,
        oco: 12,
        trigger: 25,
        money: 3,
        self_trade: 8,
        ..Taste::plain(TICKS)
    };
    with_index(moves::orders(&taste, 50), 15, more())
}

/// Marks that move so much that many have nothing left.
fn poor_pairs() -> BoxedStrategy<Move> {
    let taste = Taste { market: 35, immediate: 10, min: 8, show: 8, trigger: 8, ..Taste::plain(TICKS) };
    with_index(moves::orders(&taste, 45), 60, more())
}

/// Fundings of isolated positions too, and ends of contracts.
fn fundings_of_pairs() -> BoxedStrategy<Move> {
    let owners = [(3, owner_moves::margin_mode()), (3, owner_moves::margin()), (2, owner_moves::leverage())];
    fundings::fundings_with(owners.into())
}

fn setting(fees: [[i32; 2]; 2], one_way: u8) -> Setting {
    Setting { hedges: ALL & !one_way, ..Setting::plain(fees) }
}

/// Nobody in one-way mode as a rule, or one trader.
fn one_way() -> BoxedStrategy<u8> {
    prop_oneof![2 => Just(0), 1 => (0..ACCOUNTS).prop_map(|trader| 1 << trader)].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(400), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn pairs_agree(
        fees in super::fees(),
        one_way in one_way(),
        narrow in prop::bool::weighted(0.2),
        steps in prop::collection::vec(pairs(), 20..250),
    ) {
        let touched = if narrow { super::super::FEW_TOUCHED } else { 5_000 };
        run_in(setting(fees, one_way), true, touched_at_most(touched), &steps, None)?;
    }

    #[test]
    fn fundings_of_pairs_agree(
        fees in super::fees(),
        one_way in one_way(),
        steps in prop::collection::vec(fundings_of_pairs(), 20..250),
    ) {
        let setting = Setting { hedges: ALL & !one_way, ..fundings::setting(fees) };
        run_in(setting, true, touched_at_most(5_000), &steps, None)?;
    }

    #[test]
    fn pairs_without_money_agree(
        fees in super::fees(),
        one_way in one_way(),
        steps in prop::collection::vec(poor_pairs(), 20..250),
    ) {
        run_in(setting(fees, one_way), true, touched_at_most(5_000), &steps, None)?;
    }
}

/// A generator that exercises nothing would agree with anything.
#[test]
fn a_fixed_run_exercises_pairs_of_positions() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    let fees = [[-1_000, 4_000], [500, 3_000]];
    let with_fundings = Setting { hedges: ALL, ..fundings::setting(fees) };
    let plain = setting(fees, 0b100);
    for (subject, setting) in [(pairs(), plain), (poor_pairs(), plain), (fundings_of_pairs(), with_fundings)]
    {
        let steps = prop::collection::vec(subject, 250);
        for round in 0..60 {
            let steps = steps.new_tree(&mut runner).expect("steps").current();
            let one = run_in(setting, false, touched_at_most(5_000), &steps, Some(Seen::default()));
            let Run { seen: one, .. } = one.unwrap_or_else(|error| panic!("{round}: {error}"));
            seen.add(one.expect("it was there before"));
        }
    }
    let counted = |what: &str| seen.counts.get(what).copied().unwrap_or_default();
    let rare: Vec<_> = HEDGE_CASES.iter().filter(|case| counted(case) == 0).collect();
    assert!(rare.is_empty(), "{rare:?} of {:?}", seen.counts);
}
