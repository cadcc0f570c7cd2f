//! The spot part of the built-in configuration as text, for tests that edit it.

use dojima::config::DEFAULT_TOML;
use std::sync::LazyLock;

/// The built-in file without its shards and contracts: the text of [`Config::spot`](dojima::config::Config::spot).
pub static SPOT_TOML: LazyLock<String> = LazyLock::new(|| {
    let without_shards = without(DEFAULT_TOML, "[[shards]]\n", "[fees]\n");
    let of_spot = without(&without_shards, "# Contracts (docs/FUTURES.md).", "# An account owns balances");
    let lines = of_spot.lines().filter(|line| !line.starts_with("deposits_in"));
    lines.fold(String::new(), |text, line| text + line + "\n")
});

/// The text without the part from one mark to the next.
fn without(text: &str, from: &str, to: &str) -> String {
    let (before, rest) = text.split_once(from).expect("the part begins");
    let at = rest.find(to).expect("the part ends");
    before.to_owned() + &rest[at..]
}
