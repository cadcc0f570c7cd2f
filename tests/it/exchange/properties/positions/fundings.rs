//! Random runs through fundings and expiries: perpetuals whose intervals differ, dated contracts, and a second shard to which
//! money goes.

use super::funding_cases::FUNDING_CASES;
use super::moves::{self, Act, Move};
use super::venue::Setting;
use super::{Run, TICKS, Taste, case_count, run_in, touched_at_most};
use crate::exchange::scripts::shown::Seen;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Amounts so large that fundings come to something.
const SCALE: i64 = 1_000;
/// As many accounts as a sweep looks at; the traders come after them.
const IDLE: u32 = 10_000;

pub fn setting(fees: [[i32; 2]; 2]) -> Setting {
    Setting { fees, dated: true, scale: SCALE, idle: 0 }
}

fn orders(taste: &Taste, reduce: u32) -> Vec<(u32, BoxedStrategy<Act>)> {
    moves::orders_of(taste, reduce, moves::any_contract())
}

/// Much time passes. The index moves by much, so that many have nothing left.
fn fundings() -> BoxedStrategy<Move> {
    let taste =
        Taste { market: 30, immediate: 10, min: 12, show: 8, oco: 5, trigger: 5, ..Taste::plain(TICKS) };
    let mut acts = orders(&taste, 25);
    acts.extend([
        (35, moves::index(50)),
        (18, moves::tick()),
        (16, moves::transfers(SCALE)),
        (2, moves::settle()),
        (6, moves::halts()),
        (1, moves::same_terms()),
        (1, moves::mark()),
    ]);
    moves::moves_after(moves::long_waits(), acts)
}

/// Little time passes but for that in which a contract expires.
fn before_expiry() -> BoxedStrategy<Move> {
    let taste = Taste { market: 20, show: 8, oco: 8, trigger: 10, ..Taste::plain(TICKS) };
    let mut acts = orders(&taste, 10);
    acts.extend([
        (25, moves::index(20)),
        (10, moves::tick()),
        (4, moves::transfers(SCALE)),
        (1, moves::halts()),
    ]);
    moves::moves_of(acts)
}

fn expiries() -> impl Strategy<Value = Vec<Move>> {
    let last = moves::last_half_hour().prop_map(|act| Move { wait: 0, act });
    let some = || prop::collection::vec(before_expiry(), 20..60);
    let after = prop::collection::vec(fundings(), 10..60);
    (some(), last.clone(), some(), last, after).prop_map(|(mut steps, one, more, other, after)| {
        steps.push(one);
        steps.extend(more);
        steps.push(other);
        steps.extend(after);
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(300), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn fundings_agree(
        fees in super::fees(),
        narrow in prop::bool::weighted(0.2),
        steps in prop::collection::vec(fundings(), 20..250),
    ) {
        let touched = if narrow { super::super::FEW_TOUCHED } else { 5_000 };
        run_in(setting(fees), true, touched_at_most(touched), &steps, None)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(40), max_shrink_iters: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn expiries_agree(fees in super::fees(), steps in expiries()) {
        run_in(setting(fees), true, touched_at_most(5_000), &steps, None)?;
    }

    /// Sweeps that do not come to their end in one tick.
    #[test]
    fn long_sweeps_agree(fees in super::fees(), steps in prop::collection::vec(fundings(), 50..200)) {
        let setting = Setting { idle: IDLE, ..setting(fees) };
        run_in(setting, true, touched_at_most(5_000), &steps, None)?;
    }
}

/// Runs come to these by luck only. The scenes, the script `contract_ends` and the tests of `src/exchange/contracts/tests`
/// show them.
const BY_LUCK: [&str; 9] = [
    "a position charged before a fill that is not made",
    "a position charged in an auction",
    "a position charged before a withdrawal",
    "a withdrawal that is refused to somebody who is not charged",
    "a position charged before a transfer",
    "a position charged before a settlement",
    "a funding that ends by the last touch",
    "an order that goes because its account is below 0",
    "a withdrawal that is refused for the fund",
];

/// A generator that exercises nothing would agree with anything.
#[test]
fn a_fixed_run_exercises_fundings_and_ends() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    let subjects = [prop::collection::vec(fundings(), 250).boxed(), expiries().boxed()];
    for (subject, rounds) in subjects.into_iter().zip([150, 12]) {
        for round in 0..rounds {
            let steps = subject.new_tree(&mut runner).expect("steps").current();
            let setting = setting([[-1_000, 4_000], [500, 3_000]]);
            let one = run_in(setting, false, touched_at_most(5_000), &steps, Some(Seen::default()));
            let Run { seen: one, .. } = one.unwrap_or_else(|error| panic!("{round}: {error}"));
            seen.add(one.expect("it was there before"));
        }
    }
    for event in ["funding", "funding-paid", "funding-closed", "settlement-pending", "settled", "fund-paid"] {
        assert!(seen.events.contains(event), "no {event}");
    }
    assert!(seen.events.contains("deficit") && seen.cancels.contains("ContractExpired"));
    let counted = |what: &str| seen.counts.get(what).copied().unwrap_or_default();
    let rare: Vec<_> =
        FUNDING_CASES.iter().filter(|case| !BY_LUCK.contains(case) && counted(case) == 0).collect();
    assert!(rare.is_empty(), "{rare:?} of {:?}", seen.counts);
}
