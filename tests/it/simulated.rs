//! A few seeds of the simulator in every run of the tests; `.ci/run` has many more, with optimisation, and injects faults.

use crate::sim::coverage::Coverage;
use crate::sim::world::{Report, run};

#[track_caller]
fn report(seed: u64, commands: u64) -> Report {
    match run(seed, commands) {
        Ok(report) => report,
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 1..=4 {
        assert_eq!(report(seed, 700).trace, report(seed, 700).trace, "seed {seed}");
    }
    assert_ne!(report(1, 700).trace, report(2, 700).trace, "the seed matters");
}

#[test]
fn nothing_that_goes_wrong_breaks_a_promise() {
    let mut coverage = Coverage::default();
    assert!(coverage.missing().len() > 80, "a set that exercises nothing is seen");
    for seed in 100..112 {
        coverage.add(&report(seed, 5_000).coverage);
    }
    let missing = coverage.missing();
    assert!(
        missing.len() < 12,
        "these seeds exercise too little: never met: {}\n{coverage}",
        missing.join(", ")
    );
}
