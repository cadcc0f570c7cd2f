//! The arithmetic of contracts once more, written from docs/FUTURES.md in exact fractions.
//!
//! It shares with the engine the values (sides, tiers, contracts' kinds) and no code that computes. Everything is a fraction of
//! whole numbers of any size, so nothing is rounded but where the page says so, and nothing overflows. What the page calls money
//! is an `Option`: `None` is what does not fit 64 bits.

pub mod exact;
pub mod funding;
pub mod judged;
pub mod leg;
pub mod margin;
pub mod orders;
pub mod prices;
pub mod value;
