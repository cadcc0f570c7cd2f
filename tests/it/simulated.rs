//! A few seeds in every run of the tests; `.ci/run` has many more, with optimisation (`cargo sim --seeds A..B`).

use crate::sim::coverage::Coverage;
use crate::sim::world::run;

#[test]
fn a_seed_can_be_run_again() {
    for seed in [1, 2, 3] {
        let (first, again) = (run(seed, 600), run(seed, 600));
        match (first, again) {
            (Ok(first), Ok(again)) => assert_eq!(first.trace, again.trace, "seed {seed}"),
            (Err(failure), _) | (_, Err(failure)) => panic!("{failure}"),
        }
    }
    let (one, other) = (run(1, 600), run(2, 600));
    assert_ne!(one.map(|report| report.trace).ok(), other.map(|report| report.trace).ok());
}

#[test]
fn some_seeds() {
    let mut coverage = Coverage::default();
    for seed in 100..108 {
        match run(seed, 1_500) {
            Ok(report) => coverage.add(&report.coverage),
            Err(failure) => panic!("{failure}"),
        }
    }
    println!("{coverage}");
}
