//! Sorted keys, each with a number, in a tree of wide blocks.
//!
//! A search counts the smaller keys of a block without a branch, four comparisons at once. The block of the highest
//! keys is cached, so that only keys far from them walk the tree. The walk is short: a tree of a million keys has four
//! levels. Entries are moved only within a block and its neighbour, so the worst case is bounded.

use super::handle::NONE;

/// Entries per block. There is one key more than entries, so that the keys fill whole vectors and a block has 512
/// bytes.
const WIDTH: usize = 63;
/// A block with fewer entries is joined with its neighbour, or takes some of its entries.
const LOW: usize = WIDTH / 4;
/// Two neighbours with at most this many entries are joined; the free space delays the next split.
const JOINED: usize = WIDTH * 3 / 4;
/// Fills unused keys; no price is as high.
const PAD: i32 = i32::MAX;
/// Enough for 2^32 keys in blocks with [`LOW`] entries.
const HEIGHT_MAX: usize = 9;

/// Increasing keys. In a leaf, each key has its number; above, each has a block whose keys are not below it, except
/// that the very first key counts as below all others.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Block {
    keys: [i32; WIDTH + 1],
    slots: [u32; WIDTH],
    len: u32,
}

const _: () = assert!(size_of::<Block>() == 512);

impl Block {
    const EMPTY: Self = Self { keys: [PAD; WIDTH + 1], slots: [NONE; WIDTH], len: 0 };

    fn len(&self) -> usize {
        self.len as usize
    }

    /// How many keys are below this one, which is its position.
    fn below(&self, key: i32) -> usize {
        self.keys.iter().fold(0_u32, |count, at| count.wrapping_add(u32::from(*at < key))) as usize
    }

    /// The child that holds this key.
    fn child(&self, key: i32) -> usize {
        self.below(key + 1) - 1
    }

    fn insert(&mut self, at: usize, key: i32, slot: u32) {
        let len = self.len();
        self.keys.copy_within(at..len, at + 1);
        self.slots.copy_within(at..len, at + 1);
        (self.keys[at], self.slots[at]) = (key, slot);
        self.len += 1;
    }

    fn remove(&mut self, at: usize) {
        let len = self.len();
        self.keys.copy_within(at + 1..len, at);
        self.slots.copy_within(at + 1..len, at);
        self.keys[len - 1] = PAD;
        self.len -= 1;
    }

    /// Moves the entries from `at` on to the front of `right`.
    fn give(&mut self, at: usize, right: &mut Self) {
        let (len, count, behind) = (self.len(), self.len() - at, right.len());
        right.keys.copy_within(..behind, count);
        right.slots.copy_within(..behind, count);
        right.keys[..count].copy_from_slice(&self.keys[at..len]);
        right.slots[..count].copy_from_slice(&self.slots[at..len]);
        self.keys[at..len].fill(PAD);
        (self.len, right.len) = (at as u32, right.len + count as u32);
    }

    /// Appends the first `count` entries of `right`, removing them there.
    fn take(&mut self, right: &mut Self, count: usize) {
        let (len, from) = (self.len(), right.len());
        self.keys[len..len + count].copy_from_slice(&right.keys[..count]);
        self.slots[len..len + count].copy_from_slice(&right.slots[..count]);
        right.keys.copy_within(count..from, 0);
        right.slots.copy_within(count..from, 0);
        right.keys[from - count..from].fill(PAD);
        (self.len, right.len) = ((len + count) as u32, (from - count) as u32);
    }
}

/// Blocks per allocation: 32 KiB.
const PIECE: usize = 64;

/// The blocks of all books. They are allocated in pieces, so that growth never moves existing ones.
#[derive(Clone, Debug)]
pub struct Blocks {
    pieces: Vec<Box<[Block; PIECE]>>,
    /// The first free block; each free block has the next one in its first slot.
    free: u32,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { pieces: Vec::new(), free: NONE }
    }
}

impl Blocks {
    #[inline]
    fn at(&self, block: u32) -> &Block {
        &self.pieces[block as usize / PIECE][block as usize % PIECE]
    }

    #[inline]
    fn at_mut(&mut self, block: u32) -> &mut Block {
        &mut self.pieces[block as usize / PIECE][block as usize % PIECE]
    }

    /// Returns an empty block.
    fn alloc(&mut self) -> u32 {
        if self.free == NONE {
            self.grow();
        }
        let block = self.free;
        self.free = self.at(block).slots[0];
        block
    }

    /// Returns an emptied block to the free list.
    fn free(&mut self, block: u32) {
        let free = self.free;
        self.at_mut(block).slots[0] = free;
        self.free = block;
    }

    fn grow(&mut self) {
        let first = self.pieces.len() * PIECE;
        self.pieces.push(Box::new([Block::EMPTY; PIECE]));
        (first..first + PIECE).rev().for_each(|block| self.free(block as u32));
    }

    /// Allocates the blocks that this many keys need in the worst case.
    pub fn reserve(&mut self, keys: usize) {
        // The blocks above the leaves are at most a fourteenth of them; a split takes a block before blocks are joined.
        let blocks = keys.div_ceil(LOW - 1) + 1;
        while self.pieces.len() * PIECE < blocks {
            self.grow();
        }
    }

    /// Copies of two blocks.
    fn pair(&self, left: u32, right: u32) -> (Block, Block) {
        (*self.at(left), *self.at(right))
    }
}

/// The position of a key, or where it would be inserted. Valid until the next insert or removal.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The key's number, if it exists.
    pub number: Option<u32>,
    leaf: u32,
    at: u32,
}

/// The sorted keys of one side.
#[derive(Clone, Debug)]
pub struct Ranks {
    root: u32,
    /// Levels from the root to a leaf.
    height: u32,
    /// The leaf of the highest keys, and the lowest key that belongs to it.
    last: u32,
    last_from: i32,
}

impl Default for Ranks {
    fn default() -> Self {
        Self { root: NONE, height: 0, last: NONE, last_from: PAD }
    }
}

impl Ranks {
    /// The highest key and its number.
    pub fn last(&self, blocks: &Blocks) -> Option<(i32, u32)> {
        if self.root == NONE {
            return None;
        }
        let leaf = blocks.at(self.last);
        let at = leaf.len() - 1;
        Some((leaf.keys[at], leaf.slots[at]))
    }

    #[inline]
    fn leaf(&self, blocks: &Blocks, key: i32) -> u32 {
        if key >= self.last_from { self.last } else { self.walk(blocks, key) }
    }

    fn walk(&self, blocks: &Blocks, key: i32) -> u32 {
        let mut at = self.root;
        for _ in 0..self.height {
            let block = blocks.at(at);
            at = block.slots[block.child(key)];
        }
        at
    }

    /// Searches for a key.
    #[inline]
    pub fn find(&self, blocks: &Blocks, key: i32) -> Place {
        let leaf = self.leaf(blocks, key);
        if leaf == NONE {
            return Place { number: None, leaf, at: 0 };
        }
        let block = blocks.at(leaf);
        let at = block.below(key);
        let number = (at < WIDTH && block.keys[at] == key).then(|| block.slots[at]);
        Place { number, leaf, at: at as u32 }
    }

    /// The highest key below this one, with its number. This key need not exist.
    pub fn below(&self, blocks: &Blocks, key: i32) -> Option<(i32, u32)> {
        if self.root == NONE {
            return None;
        }
        // The last block on the path that has a child before the one on the path, and the index of that child.
        let mut beside = None;
        let mut at = self.root;
        for step in 1..=self.height {
            let block = blocks.at(at);
            let child = block.child(key);
            if child > 0 {
                beside = Some((step, block.slots[child - 1]));
            }
            at = block.slots[child];
        }
        let mut leaf = blocks.at(at);
        let mut entry = leaf.below(key).checked_sub(1);
        if entry.is_none() {
            let (step, block) = beside?;
            leaf = blocks.at(block);
            for _ in step..self.height {
                leaf = blocks.at(leaf.slots[leaf.len() - 1]);
            }
            entry = leaf.len().checked_sub(1);
        }
        entry.map(|entry| (leaf.keys[entry], leaf.slots[entry]))
    }

    /// Inserts a key where [`Ranks::find`] did not find it.
    #[inline]
    pub fn insert(&mut self, blocks: &mut Blocks, place: Place, key: i32, number: u32) {
        if place.leaf != NONE && blocks.at(place.leaf).len() < WIDTH {
            return blocks.at_mut(place.leaf).insert(place.at as usize, key, number);
        }
        let leaf = self.make_room(blocks, key);
        let at = blocks.at(leaf).below(key);
        blocks.at_mut(leaf).insert(at, key, number);
    }

    /// Splits the full blocks on the path to the key's leaf, and returns that leaf.
    #[cold]
    fn make_room(&mut self, blocks: &mut Blocks, key: i32) -> u32 {
        if self.root == NONE {
            self.root = blocks.alloc();
            (self.last, self.last_from) = (self.root, i32::MIN);
            return self.root;
        }
        if blocks.at(self.root).len() == WIDTH {
            let above = blocks.alloc();
            blocks.at_mut(above).insert(0, i32::MIN, self.root);
            self.root = above;
            self.height += 1;
        }
        let mut at = self.root;
        for _ in 0..self.height {
            let child_at = blocks.at(at).child(key);
            let child = blocks.at(at).slots[child_at];
            if blocks.at(child).len() == WIDTH {
                let right = blocks.alloc();
                let (mut low, mut high) = blocks.pair(child, right);
                low.give(WIDTH / 2, &mut high);
                let from = high.keys[0];
                (*blocks.at_mut(child), *blocks.at_mut(right)) = (low, high);
                blocks.at_mut(at).insert(child_at + 1, from, right);
            }
            at = blocks.at(at).slots[blocks.at(at).child(key)];
        }
        self.find_last(blocks);
        at
    }

    /// Removes an existing key.
    #[inline]
    pub fn remove(&mut self, blocks: &mut Blocks, key: i32) {
        let leaf = self.leaf(blocks, key);
        let block = blocks.at_mut(leaf);
        let at = block.below(key);
        debug_assert_eq!(block.keys[at], key, "the key is there");
        block.remove(at);
        let enough = if self.height == 0 { 1 } else { LOW };
        if block.len() < enough {
            self.mend(blocks, key);
        }
    }

    /// Repairs the tree after a leaf became too small: fills or joins blocks, from the leaf of this key upwards.
    #[cold]
    fn mend(&mut self, blocks: &mut Blocks, key: i32) {
        let mut path = [(NONE, 0); HEIGHT_MAX];
        let mut at = self.root;
        for step in &mut path[..self.height as usize] {
            let child = blocks.at(at).child(key);
            *step = (at, child);
            at = blocks.at(at).slots[child];
        }
        for (above, child) in path[..self.height as usize].iter().rev() {
            if blocks.at(blocks.at(*above).slots[*child]).len() >= LOW {
                break;
            }
            let last_at = blocks.at(*above).len() - 1;
            Self::even_out(blocks, *above, last_at.min(child + 1));
        }
        while self.height > 0 && blocks.at(self.root).len() == 1 {
            let only = blocks.at(self.root).slots[0];
            blocks.at_mut(self.root).remove(0);
            blocks.free(self.root);
            self.root = only;
            self.height -= 1;
        }
        if blocks.at(self.root).len() == 0 {
            blocks.free(self.root);
            *self = Self::default();
            return;
        }
        self.find_last(blocks);
    }

    /// Joins the child at `right_at` with its left neighbour, or distributes their entries evenly.
    fn even_out(blocks: &mut Blocks, above: u32, right_at: usize) {
        let parent = *blocks.at(above);
        let (left, right) = (parent.slots[right_at - 1], parent.slots[right_at]);
        let (mut low, mut high) = blocks.pair(left, right);
        let both = low.len() + high.len();
        if both <= JOINED {
            let count = high.len();
            low.take(&mut high, count);
            blocks.at_mut(above).remove(right_at);
        } else if low.len() < high.len() {
            low.take(&mut high, both / 2 - low.len());
        } else {
            low.give(both / 2, &mut high);
        }
        (*blocks.at_mut(left), *blocks.at_mut(right)) = (low, high);
        if high.len() == 0 {
            blocks.free(right);
        } else {
            blocks.at_mut(above).keys[right_at] = high.keys[0];
        }
    }

    fn find_last(&mut self, blocks: &Blocks) {
        (self.last, self.last_from) = (self.root, i32::MIN);
        for _ in 0..self.height {
            let block = blocks.at(self.last);
            let at = block.len() - 1;
            if at > 0 {
                self.last_from = block.keys[at];
            }
            self.last = block.slots[at];
        }
    }

    /// All keys and numbers, highest key first.
    pub fn descend<'a>(&self, blocks: &'a Blocks) -> impl Iterator<Item = (i32, u32)> + 'a {
        let height = self.height as usize;
        // The path to the next entry: one block per level, and how many of its entries are left.
        let mut path = [(NONE, 0); HEIGHT_MAX];
        if self.root != NONE {
            path[0] = (self.root, blocks.at(self.root).len());
        }
        let mut depth = 0;
        std::iter::from_fn(move || {
            loop {
                let (block, left) = path[depth];
                if left == 0 {
                    depth = depth.checked_sub(1)?;
                    continue;
                }
                path[depth].1 = left - 1;
                let block = blocks.at(block);
                let (key, slot) = (block.keys[left - 1], block.slots[left - 1]);
                if depth == height {
                    return Some((key, slot));
                }
                depth += 1;
                path[depth] = (slot, blocks.at(slot).len());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(ranks: &Ranks, blocks: &Blocks, model: &BTreeMap<i32, u32>) {
        let expected = model.iter().rev().map(|(key, number)| (*key, *number));
        assert!(ranks.descend(blocks).eq(expected), "the keys are not those of the model");
    }

    /// Compared with a sorted map, up to a tree with four levels and down to nothing, with removals from both ends and
    /// anywhere.
    #[test]
    fn agrees_with_a_sorted_map() {
        let (mut ranks, mut blocks, mut model) = (Ranks::default(), Blocks::default(), BTreeMap::new());
        let (mut random, mut height) = (1_u64, 0);
        let mut below = |end: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % end
        };
        for wave in 0..4 {
            for step in 0..150_000_u32 {
                let key = below(1 << 21) as i32 - (1 << 20);
                let place = ranks.find(&blocks, key);
                assert_eq!(place.number, model.get(&key).copied());
                let lower = model.range(..key).next_back().map(|(key, number)| (*key, *number));
                assert_eq!(ranks.below(&blocks, key), lower, "the next below {key}");
                if place.number.is_none() {
                    ranks.insert(&mut blocks, place, key, step);
                    model.insert(key, step);
                } else if below(2) == 0 {
                    ranks.remove(&mut blocks, key);
                    model.remove(&key);
                }
                assert_eq!(ranks.last(&blocks), model.last_key_value().map(|(key, number)| (*key, *number)));
            }
            check(&ranks, &blocks, &model);
            height = height.max(ranks.height);
            while let Some((first, _)) = model.first_key_value() {
                let from = below(1 << 21) as i32 - (1 << 20);
                let any = model.range(from..).next().map_or(*first, |(key, _)| *key);
                let key = match wave {
                    0 => *first,
                    1 => *model.last_key_value().expect("it is not empty").0,
                    _ => any,
                };
                ranks.remove(&mut blocks, key);
                model.remove(&key);
                assert_eq!(ranks.last(&blocks), model.last_key_value().map(|(key, number)| (*key, *number)));
                let lower = model.range(..from).next_back().map(|(key, number)| (*key, *number));
                assert_eq!(ranks.below(&blocks, from), lower, "the next below {from}");
                if model.len() % 20_000 == 0 {
                    check(&ranks, &blocks, &model);
                }
            }
        }
        assert_eq!(height, 3, "steps from the root to a leaf");
    }
}
