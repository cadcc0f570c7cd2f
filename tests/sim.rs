//! The simulator by hand, and for CI: `cargo sim --help`.
//!
//! What it does is in tests/it/sim; a few seeds run there with every `cargo test`.

#[path = "it/sim/mod.rs"]
mod sim;
#[allow(dead_code, reason = "the simulator uses a part of it")]
#[path = "it/support/mod.rs"]
mod support;

use clap::Parser;
use sim::coverage::Coverage;
use sim::world::{Failure, Report, run};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

/// Runs the whole node in a simulated world, everything decided by a seed, and holds all that it does against a reference.
///
/// A failure says which seed, and how to run it again: it is then the same to the byte.
#[derive(Parser)]
#[command(name = "cargo sim")]
struct Arguments {
    /// The seed to run.
    #[arg(required_unless_present_any = ["seeds", "injected_faults"])]
    seed: Option<u64>,
    /// Runs many: A..B is from A to B - 1.
    #[arg(long, value_name = "A..B", value_parser = range, conflicts_with = "seed")]
    seeds: Option<Range<u64>>,
    /// Messages that the clients of a run make.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    commands: u64,
    /// Injects each of the known faults in turn and shows how many seeds it takes to find it. Needs a build with the feature
    /// `injected-faults`.
    #[arg(long, conflicts_with_all = ["seed", "seeds"])]
    injected_faults: bool,
    /// Goes on after a failure.
    #[arg(long)]
    keep_going: bool,
    /// Fails when something that should be met never was.
    #[arg(long)]
    require_coverage: bool,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("{text:?} is no range of seeds such as 0..200");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let range = from.parse().map_err(|_| wrong())?..to.parse().map_err(|_| wrong())?;
    if range.is_empty() { Err(wrong()) } else { Ok(range) }
}

/// A panic is a failure like any other.
fn run_seed(seed: u64, commands: u64) -> Result<Report, Failure> {
    catch_unwind(AssertUnwindSafe(|| run(seed, commands))).unwrap_or_else(|_| {
        Err(Failure { seed, commands, turn: 0, what: "a panic; its message is above".to_owned() })
    })
}

#[cfg(not(feature = "injected-faults"))]
fn find_injected(_commands: u64) -> ExitCode {
    println!(
        "this build has no injected faults: cargo test --features injected-faults --test sim -- --injected-faults"
    );
    ExitCode::FAILURE
}

/// Every fault must be found within a few seeds; the same seeds find nothing without it.
#[cfg(feature = "injected-faults")]
fn find_injected(commands: u64) -> ExitCode {
    use dojima::runtime::injected_fault::{InjectedFault, inject};
    /// Seeds that a fault may take.
    const SEEDS_MAX: u64 = 40;
    let mut code = ExitCode::SUCCESS;
    let mut longest = 1;
    for fault in InjectedFault::ALL {
        inject(Some(fault));
        match (0..SEEDS_MAX).find_map(|seed| run_seed(seed, commands).err()) {
            Some(found) => {
                longest = longest.max(found.seed + 1);
                let what: String = found.what.chars().take(160).collect();
                println!("{fault:?}: found by seed {} (of 0..), in turn {}: {what}", found.seed, found.turn);
            }
            None => {
                println!("{fault:?}: NOT FOUND by {SEEDS_MAX} seeds");
                code = ExitCode::FAILURE;
            }
        }
    }
    inject(None);
    if let Some(failure) = (0..longest).find_map(|seed| run_seed(seed, commands).err()) {
        println!("without any of them: {failure}");
        return ExitCode::FAILURE;
    }
    println!("without any of them: the same {longest} seeds find nothing");
    code
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.injected_faults {
        return find_injected(arguments.commands);
    }
    let seeds = arguments.seeds.or(arguments.seed.map(|seed| seed..seed + 1));
    let seeds = seeds.expect("one of the two is required");
    let (started, many) = (Instant::now(), seeds.end - seeds.start > 1);
    let mut coverage = Coverage::default();
    let mut failures: u64 = 0;
    for seed in seeds {
        match run_seed(seed, arguments.commands) {
            Ok(report) => {
                if !many {
                    println!("seed {seed}: all is well; trace {:016x}", report.trace);
                }
                coverage.add(&report.coverage);
            }
            Err(failure) => {
                println!("{failure}");
                failures += 1;
                if !arguments.keep_going {
                    break;
                }
            }
        }
    }
    println!("\n{coverage}");
    println!("{failures} failures, {:.1} s", started.elapsed().as_secs_f64());
    let missing = coverage.missing();
    if arguments.require_coverage && !missing.is_empty() {
        println!("never met: {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    if failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
