//! Order flows for benches of the book alone, and venues that take them: one instrument, no money, one core.
//!
//! Everything here is made from fixed seeds with integers only, so that every machine measures the same work.
#![allow(dead_code, reason = "each bench that includes this uses a part of it")]

pub mod flow;
pub mod generator;
pub mod naive;
pub mod prices;
pub mod replay;
pub mod structures;
pub mod venue;
pub mod worst;

/// A fixed stream of numbers (SplitMix64), the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}
