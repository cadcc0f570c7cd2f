//! Pseudorandom numbers that are the same on every machine, for simulations, generated flows, tests and benches.

/// The generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), with the
/// constants of Vigna's splitmix64.c. The sequence of a seed must never change: golden files and published figures
/// depend on it.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The generator with this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    #[inline]
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, computed from the high bits; the bias is under `end` in 2⁶⁴.
    #[inline]
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.draw() as u128 * end as u128) >> 64) as u64
    }

    /// A number below `end`, computed as the remainder. `end` must not be 0. The numbers differ from those of
    /// [`Self::below`].
    #[inline]
    pub const fn remainder(&mut self, end: u64) -> u64 {
        self.draw() % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // First outputs of splitmix64.c for the seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let first = [random.draw(), random.draw(), random.draw()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        let (mut high, mut low) = (SplitMix64::new(1_234_567), SplitMix64::new(1_234_567));
        assert_eq!((high.below(100), low.remainder(100)), (35, 17));
    }
}
