//! Finds the smallest key of numbered items, and the first item whose key is within a bound.

use super::chunks::Chunks;

/// The number of items, or of blocks of the level below, in a block.
const WIDTH: u32 = 8;

/// Keys of items numbered from 0, at most one per item. A tree of blocks, in which each block has the smallest key of
/// each block below it. A change or a search takes as many steps as the tree has levels. The tree grows with the
/// highest number and never shrinks; growing moves nothing.
#[derive(Clone, Debug)]
pub(super) struct Tournament<K> {
    /// The items first. The last level is one block.
    levels: Vec<Chunks<[K; WIDTH as usize], 16>>,
    /// Above every key; the value of items without a key.
    never: K,
}

impl<K: Copy + Ord> Tournament<K> {
    pub(super) fn new(never: K) -> Self {
        Self { levels: Vec::new(), never }
    }

    /// Sets an item's key, replacing its earlier one.
    pub(super) fn set(&mut self, item: u32, key: K) {
        self.make_place(item / WIDTH);
        self.put(item, key);
    }

    /// Removes an item's key.
    pub(super) fn clear(&mut self, item: u32) {
        if self.levels.first().is_some_and(|items| ((item / WIDTH) as usize) < items.len()) {
            self.put(item, self.never);
        }
    }

    fn put(&mut self, mut at: u32, mut key: K) {
        let mut above = self.levels.len();
        for level in &mut self.levels {
            #[cfg(test)]
            super::steps::count();
            let block = level.at_mut(at / WIDTH);
            let before = std::mem::replace(&mut block[(at % WIDTH) as usize], key);
            above -= 1;
            if above == 0 || before == key {
                return;
            }
            key = least(block);
            at /= WIDTH;
        }
    }

    fn make_place(&mut self, block: u32) {
        if self.levels.first().is_some_and(|items| (block as usize) < items.len()) {
            return;
        }
        let (mut blocks, mut level) = (block as usize + 1, 0);
        loop {
            if level == self.levels.len() {
                let mut first = [self.never; WIDTH as usize];
                if let Some(below) = self.levels.last() {
                    first[0] = least(below.at(0));
                }
                self.levels.push(Chunks::default());
                self.levels[level].push(first);
            }
            while self.levels[level].len() < blocks {
                self.levels[level].push([self.never; WIDTH as usize]);
            }
            if self.levels[level].len() == 1 {
                return;
            }
            blocks = self.levels[level].len().div_ceil(WIDTH as usize);
            level += 1;
        }
    }

    /// The least key.
    #[inline]
    pub(super) fn least(&self) -> Option<K> {
        let least = least(self.levels.last()?.at(0));
        (least != self.never).then_some(least)
    }

    /// All items that have keys, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, K)> + '_ {
        let blocks =
            self.levels.first().into_iter().flat_map(|items| (0..items.len() as u32).map(|at| items.at(at)));
        (0..).zip(blocks.flatten().copied()).filter(|(_, key)| *key != self.never)
    }

    /// The item with the lowest number among those whose keys are at most `bound`.
    pub(super) fn first_within(&self, bound: K) -> Option<u32> {
        if self.least()? > bound {
            return None;
        }
        let mut at = 0;
        for level in self.levels.iter().rev() {
            #[cfg(test)]
            super::steps::count();
            let block = level.at(at).iter();
            let found = (0..).zip(block).find(|(_, key)| **key <= bound && **key != self.never);
            at = at * WIDTH + found.expect("a block has the least key of the one below it").0;
        }
        Some(at)
    }
}

fn least<K: Copy + Ord>(block: &[K; WIDTH as usize]) -> K {
    block.iter().copied().fold(block[0], K::min)
}

#[cfg(test)]
mod tests {
    use super::super::steps;
    use super::Tournament;
    use std::collections::BTreeMap;

    #[test]
    fn finds_what_a_search_through_all_finds() {
        let mut random = crate::exchange::triggers::tests::Random(7);
        let (mut tournament, mut plain) = (Tournament::new(u64::MAX), BTreeMap::new());
        assert_eq!((tournament.least(), tournament.first_within(5)), (None, None));
        for round in 0..20_000_u64 {
            let item = random.below(1 + round / 10) as u32;
            if random.below(3) == 0 {
                tournament.clear(item);
                plain.remove(&item);
            } else {
                let key = random.below(1_000);
                tournament.set(item, key);
                plain.insert(item, key);
            }
            let bound = random.below(1_000);
            let first = plain.iter().find(|(_, key)| **key <= bound).map(|(item, _)| *item);
            assert_eq!(tournament.first_within(bound), first);
            assert_eq!(tournament.least(), plain.values().min().copied());
        }
        assert!(tournament.iter().eq(plain));
    }

    #[test]
    fn a_change_costs_as_many_steps_as_the_tree_is_high() {
        let mut tournament = Tournament::new(u64::MAX);
        for item in 0..100_000_u32 {
            assert!(steps::of(|| tournament.set(item, 1_000_000 - u64::from(item))) <= 6);
        }
        for item in (0..100_000).rev() {
            assert!(steps::of(|| assert_eq!(tournament.first_within(u64::MAX), Some(0))) <= 6);
            assert!(steps::of(|| tournament.clear(item)) <= 6);
            if item == 0 {
                assert_eq!(tournament.least(), None);
            }
        }
    }
}
