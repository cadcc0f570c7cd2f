//! The price levels of one side of a book, sorted by price.

use std::collections::BTreeMap;

/// All lots at one price of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Price units.
    pub price: u32,
    /// Lots.
    pub shares: u64,
    pub orders: u32,
}

/// Levels per page.
const PAGE: u32 = 16;
/// Entries of the cache of recent pages; a power of two.
const RECENT: usize = 64;

/// Prices are counted in steps. The step is the largest number of which all prices so far are multiples. Neighbouring prices
/// share a page. A recently used page is found by its key, without a search.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// Price units; 0 before the first price.
    step: u32,
    /// Page key to slot. The key is the price of the page's first level divided by the size of a page.
    order: BTreeMap<u32, u32>,
    slots: Vec<Page>,
    free: Vec<u32>,
    /// Cache of page keys and slots, indexed by the key modulo the size. An empty entry holds [`NOTHING`].
    recent: Box<[(u32, u32); RECENT]>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    /// One bit per level: set if the level exists.
    there: u16,
    /// Shares and orders.
    levels: [(u64, u32); PAGE as usize],
}

const NOTHING: (u32, u32) = (u32::MAX, 0);

impl Default for Levels {
    fn default() -> Self {
        let (order, slots, free) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { step: 0, order, slots, free, recent: Box::new([NOTHING; RECENT]) }
    }
}

impl Page {
    fn change(&mut self, at: u32, before: u64, now: u64) {
        let (shares, orders) = &mut self.levels[at as usize];
        *shares = (*shares + now).saturating_sub(before);
        *orders = (*orders + u32::from(before == 0)).saturating_sub(u32::from(now == 0));
        self.there = (self.there & !(1 << at)) | (u16::from(*orders > 0) << at);
        if *orders == 0 {
            *shares = 0;
        }
    }
}

impl Levels {
    /// Changes an order's lots at this price: from `before` (0: the order is new) to `now` (0: the order is removed).
    #[inline]
    pub(super) fn change(&mut self, price: u32, before: u64, now: u64) {
        if before == now {
            return;
        }
        if self.step == 0 || !price.is_multiple_of(self.step) {
            self.refine(price);
        }
        let at = price / self.step;
        let (key, at) = (at / PAGE, at % PAGE);
        let slot = self.slot(key);
        let page = &mut self.slots[slot as usize];
        page.change(at, before, now);
        if page.there == 0 {
            self.order.remove(&key);
            self.free.push(slot);
            self.recent[key as usize % RECENT] = NOTHING;
        }
    }

    /// The slot of a page; adds the page if it does not exist.
    #[inline]
    fn slot(&mut self, key: u32) -> u32 {
        let (recent, slot) = self.recent[key as usize % RECENT];
        if recent == key { slot } else { self.find(key) }
    }

    fn find(&mut self, key: u32) -> u32 {
        let (slots, free) = (&mut self.slots, &mut self.free);
        let slot = *self.order.entry(key).or_insert_with(|| match free.pop() {
            // A freed page is empty.
            Some(slot) => slot,
            None => {
                slots.push(Page::default());
                slots.len() as u32 - 1
            }
        });
        self.recent[key as usize % RECENT] = (key, slot);
        slot
    }

    /// Reduces the step so that this price is a multiple of it. The step at least halves, so this is rare.
    #[cold]
    fn refine(&mut self, price: u32) {
        let before: Vec<Level> = self.ascending().collect();
        let (mut step, mut rest) = (self.step, price);
        while rest > 0 {
            (step, rest) = (rest, step % rest);
        }
        *self = Self { step: step.max(1), ..Self::default() };
        for Level { price, shares, orders } in before {
            let at = price / self.step;
            let slot = self.find(at / PAGE);
            let page = &mut self.slots[slot as usize];
            page.levels[(at % PAGE) as usize] = (shares, orders);
            page.there |= 1 << (at % PAGE);
        }
    }

    /// The lowest price first.
    pub(super) fn ascending(&self) -> impl Iterator<Item = Level> {
        self.order.iter().flat_map(|(key, slot)| (0..PAGE).filter_map(|at| self.level(*key, *slot, at)))
    }

    /// The highest price first.
    pub(super) fn descending(&self) -> impl Iterator<Item = Level> {
        let pages = self.order.iter().rev();
        pages.flat_map(|(key, slot)| (0..PAGE).rev().filter_map(|at| self.level(*key, *slot, at)))
    }

    fn level(&self, key: u32, slot: u32, at: u32) -> Option<Level> {
        let page = &self.slots[slot as usize];
        let (shares, orders) = page.levels[at as usize];
        (page.there & 1 << at != 0).then(|| Level { price: (key * PAGE + at) * self.step, shares, orders })
    }
}

/// Compares only the levels, not how they are stored.
impl PartialEq for Levels {
    fn eq(&self, other: &Self) -> bool {
        self.ascending().eq(other.ascending())
    }
}

impl Eq for Levels {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prices on one grid, then on finer grids, including both ends of the price range.
    #[test]
    fn they_are_what_a_map_of_levels_is() {
        let (mut levels, mut map) = (Levels::default(), BTreeMap::<u32, Level>::new());
        let mut orders: Vec<(u32, u64)> = Vec::new();
        let (mut seed, mut steps) = (1_u64, Vec::new());
        for round in 0..60_000_u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = (seed >> 33) as u32;
            let (price, before, now) = if random & 3 == 0 && !orders.is_empty() {
                let (price, had) = orders.swap_remove(random as usize % orders.len());
                let has = if random & 4 == 0 { 0 } else { had / 2 };
                (price, had, has)
            } else if random & 3 == 1 && !orders.is_empty() {
                let (price, had) = orders.swap_remove(random as usize % orders.len());
                (price, had, 0)
            } else {
                let grid = [600, 200, 25, 1][round as usize / 15_000];
                let price = match random % 500 {
                    0 => u32::MAX / 600 * 600,
                    1 => 0,
                    2 if grid == 1 => u32::MAX,
                    3 => 6_000_000 + random / 500 % 9 * 600 * PAGE * RECENT as u32,
                    _ => 3_000_000 + random / 500 % 400 * grid,
                };
                (price, 0, u64::from(1 + random % 1_000))
            };
            if now > 0 {
                orders.push((price, now));
            }
            levels.change(price, before, now);
            let level = map.entry(price).or_insert(Level { price, ..Level::default() });
            level.shares = level.shares + now - before;
            level.orders = level.orders + u32::from(before == 0) - u32::from(now == 0);
            if level.orders == 0 {
                map.remove(&price);
            }
            if steps.last() != Some(&levels.step) {
                steps.push(levels.step);
            }
            if round % 64 == 0 {
                assert!(levels.ascending().eq(map.values().copied()), "round {round}");
                assert!(levels.descending().eq(map.values().rev().copied()), "round {round}");
            }
        }
        assert_eq!(steps.last(), Some(&1));
        assert!(steps.len() > 3, "{steps:?}");
        for (price, had) in orders {
            levels.change(price, had, 0);
        }
        assert!(levels == Levels::default() && levels.order.is_empty());
    }
}
