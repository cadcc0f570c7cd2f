//! Ways to rank the prices of one side, behind one interface: the exchange's own and those it was chosen from.

use dojima::exchange::{Blocks, PricePages, Prices, Ranks};
use std::collections::BTreeMap;

/// Prices as keys that rise towards the best, each with the number of its level.
pub trait PriceIndex: Default {
    const NAME: &str;
    /// The level of this key; `level` becomes that when there is none.
    fn join(&mut self, key: i32, level: u32) -> u32;
    /// Forgets a key that is there.
    fn close(&mut self, key: i32);
    /// The highest key and its level.
    fn best(&self) -> Option<(i32, u32)>;
}

/// The exchange's own: pages of 32 ticks, found through the pages of late or through a tree.
#[derive(Default)]
pub struct Paged {
    prices: Prices,
    pages: PricePages,
    best: Option<(i32, u32)>,
}

impl PriceIndex for Paged {
    const NAME: &str = "pages in a tree";

    fn join(&mut self, key: i32, level: u32) -> u32 {
        let (level, is_new) = self.prices.find_or_insert(&mut self.pages, key, || level);
        if is_new && self.best.is_none_or(|(best, _)| key > best) {
            self.best = Some((key, level));
        }
        level
    }

    fn close(&mut self, key: i32) {
        let beside = self.prices.remove(&mut self.pages, key);
        if self.best.is_some_and(|(best, _)| best == key) {
            self.best = beside.or_else(|| self.prices.last(&self.pages));
        }
    }

    fn best(&self) -> Option<(i32, u32)> {
        self.best
    }
}

/// The tree alone: blocks of 63 keys.
#[derive(Default)]
pub struct Tree {
    ranks: Ranks,
    blocks: Blocks,
}

impl PriceIndex for Tree {
    const NAME: &str = "tree of blocks";

    fn join(&mut self, key: i32, level: u32) -> u32 {
        let place = self.ranks.find(&self.blocks, key);
        place.number.unwrap_or_else(|| {
            self.ranks.insert(&mut self.blocks, place, key, level);
            level
        })
    }

    fn close(&mut self, key: i32) {
        self.ranks.remove(&mut self.blocks, key);
    }

    fn best(&self) -> Option<(i32, u32)> {
        self.ranks.last(&self.blocks)
    }
}

/// One sorted array, best last.
#[derive(Default)]
pub struct Sorted(Vec<(i32, u32)>);

impl Sorted {
    /// Most orders are near the best price, so the end is looked at first.
    fn position(&self, key: i32) -> Result<usize, usize> {
        const NEAR: usize = 8;
        let len = self.0.len();
        let near = len.saturating_sub(NEAR);
        if near > 0 && key <= self.0[near].0 {
            return self.0[..=near].binary_search_by_key(&key, |rank| rank.0);
        }
        let above = self.0[near..].iter().filter(|rank| rank.0 >= key).count();
        let at = len - above;
        if self.0.get(at).is_some_and(|rank| rank.0 == key) { Ok(at) } else { Err(at) }
    }
}

impl PriceIndex for Sorted {
    const NAME: &str = "sorted array";

    fn join(&mut self, key: i32, level: u32) -> u32 {
        match self.position(key) {
            Ok(at) => self.0[at].1,
            Err(at) => {
                self.0.insert(at, (key, level));
                level
            }
        }
    }

    fn close(&mut self, key: i32) {
        let at = self.position(key).expect("the key is there");
        self.0.remove(at);
    }

    fn best(&self) -> Option<(i32, u32)> {
        self.0.last().copied()
    }
}

/// The standard library's B-tree, nodes of 11.
#[derive(Default)]
pub struct Std(BTreeMap<i32, u32>);

impl PriceIndex for Std {
    const NAME: &str = "std BTreeMap";

    fn join(&mut self, key: i32, level: u32) -> u32 {
        *self.0.entry(key).or_insert(level)
    }

    fn close(&mut self, key: i32) {
        self.0.remove(&key);
    }

    fn best(&self) -> Option<(i32, u32)> {
        self.0.last_key_value().map(|(key, level)| (*key, *level))
    }
}

const NONE: u32 = u32::MAX;

/// 64 neighbours: which there are, and for each a page (above) or a level (below).
#[derive(Clone)]
#[repr(align(64))]
struct Page {
    bits: u64,
    slots: [u32; 64],
}

/// Bitmaps over bitmaps of ticks in pages of 64, made as prices appear, with the pages of late at hand.
pub struct Bitmap {
    pages: Vec<Page>,
    free: Vec<u32>,
    best: Option<(i32, u32)>,
    recent: [(u32, u32); 32],
}

impl Default for Bitmap {
    fn default() -> Self {
        let root = Page { bits: 0, slots: [NONE; 64] };
        Self { pages: vec![root], free: Vec::new(), best: None, recent: [(NONE, NONE); 32] }
    }
}

impl Bitmap {
    /// Shifts of the six steps down from the root: 2 bits, then 6 each.
    const SHIFTS: [u32; 6] = [30, 24, 18, 12, 6, 0];

    fn ticks(key: i32) -> u32 {
        key as u32 ^ 1 << 31
    }

    fn page(&mut self) -> u32 {
        if let Some(page) = self.free.pop() {
            return page;
        }
        self.pages.push(Page { bits: 0, slots: [NONE; 64] });
        (self.pages.len() - 1) as u32
    }

    fn leaf(&mut self, ticks: u32) -> u32 {
        let recent = self.recent[(ticks >> 6) as usize % 32];
        if recent.0 == ticks >> 6 {
            return recent.1;
        }
        let mut at = 0;
        for shift in &Self::SHIFTS[..5] {
            let slot = (ticks >> shift & 63) as usize;
            if self.pages[at as usize].bits & 1 << slot == 0 {
                let below = self.page();
                let page = &mut self.pages[at as usize];
                page.bits |= 1 << slot;
                page.slots[slot] = below;
            }
            at = self.pages[at as usize].slots[slot];
        }
        self.recent[(ticks >> 6) as usize % 32] = (ticks >> 6, at);
        at
    }

    fn highest(&self) -> Option<(i32, u32)> {
        let (mut at, mut ticks) = (0, 0);
        for shift in Self::SHIFTS {
            let page = &self.pages[at as usize];
            if page.bits == 0 {
                return None;
            }
            let slot = 63 - page.bits.leading_zeros();
            ticks |= slot << shift;
            at = page.slots[slot as usize];
        }
        Some(((ticks ^ 1 << 31) as i32, at))
    }
}

impl PriceIndex for Bitmap {
    const NAME: &str = "paged bitmaps";

    fn join(&mut self, key: i32, level: u32) -> u32 {
        let ticks = Self::ticks(key);
        let leaf = self.leaf(ticks);
        let page = &mut self.pages[leaf as usize];
        let slot = (ticks & 63) as usize;
        if page.bits & 1 << slot != 0 {
            return page.slots[slot];
        }
        page.bits |= 1 << slot;
        page.slots[slot] = level;
        if self.best.is_none_or(|(best, _)| key > best) {
            self.best = Some((key, level));
        }
        level
    }

    fn close(&mut self, key: i32) {
        let ticks = Self::ticks(key);
        let leaf = self.leaf(ticks);
        let page = &mut self.pages[leaf as usize];
        page.bits &= !(1 << (ticks & 63));
        let left = page.bits;
        if left == 0 {
            let mut path = [0; 6];
            for step in 0..5 {
                let slot = (ticks >> Self::SHIFTS[step] & 63) as usize;
                path[step + 1] = self.pages[path[step] as usize].slots[slot];
            }
            for step in (0..5).rev() {
                self.free.push(path[step + 1]);
                let page = &mut self.pages[path[step] as usize];
                page.bits &= !(1 << (ticks >> Self::SHIFTS[step] & 63));
                if page.bits != 0 {
                    break;
                }
            }
            self.recent[(ticks >> 6) as usize % 32] = (NONE, NONE);
        }
        if self.best.is_some_and(|(best, _)| best == key) {
            let below = left & ((1 << (ticks & 63)) - 1);
            self.best = if below != 0 {
                let slot = 63 - below.leading_zeros();
                let key = (ticks & !63 | slot) ^ 1 << 31;
                Some((key as i32, self.pages[leaf as usize].slots[slot as usize]))
            } else {
                self.highest()
            };
        }
    }

    fn best(&self) -> Option<(i32, u32)> {
        self.best
    }
}
