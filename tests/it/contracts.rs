//! The arithmetic of contracts against the same in exact fractions (`support/naive/contracts`), and the sentences of
//! docs/FUTURES.md that hold for any numbers.

mod arbitrary;
mod funding;
mod impact;
mod legs;
mod margin;
mod marks;
mod orders;
mod paths;
mod price_limits;
mod values;
mod worked;

use crate::support::naive::contracts::value::Listed;
use dojima::domain::Amount;
use dojima::domain::contracts::{ContractValue, Settlement};
use proptest::test_runner::Config;

/// What the engine computes with.
fn of_engine(listed: &Listed) -> ContractValue {
    ContractValue::new(listed.settlement, Amount(listed.unit)).expect("a unit of 1 or more")
}

fn linear(unit: i64) -> Listed {
    Listed { settlement: Settlement::Linear, unit }
}

fn inverse(unit: i64) -> Listed {
    Listed { settlement: Settlement::Inverse, unit }
}

fn config(usual: u32) -> Config {
    Config { cases: crate::exchange::properties::cases(usual), ..Config::default() }
}
