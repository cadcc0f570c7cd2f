//! The price levels of one side of a book, in the order of their prices.

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

/// Levels in a page.
const PAGE: u32 = 16;
/// Pages that are found at once, a power of two.
const RECENT: usize = 64;

/// Prices are counted in steps, the largest that all of them have been multiples of, and those that are next to one another
/// share a page. A page that was touched lately is found by its key alone, without a search.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// Price units; 0 before the first price.
    step: u32,
    /// The slots of pages, by their keys: the price of the first level, in pages.
    order: BTreeMap<u32, u32>,
    slots: Vec<Page>,
    free: Vec<u32>,
    /// Keys and slots of pages, each at its key modulo the size. A key that no page has: nothing.
    recent: Box<[(u32, u32); RECENT]>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    /// A bit for each level that is there.
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
    /// An order at this price had so many lots before (0: it was not there), and has so many now (0: it is gone).
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

    /// The slot of a page, a new one if it is not there.
    #[inline]
    fn slot(&mut self, key: u32) -> u32 {
        let (recent, slot) = self.recent[key as usize % RECENT];
        if recent == key { slot } else { self.find(key) }
    }

    fn find(&mut self, key: u32) -> u32 {
        let (slots, free) = (&mut self.slots, &mut self.free);
        let slot = *self.order.entry(key).or_insert_with(|| match free.pop() {
            // What was emptied has nothing in it.
            Some(slot) => slot,
            None => {
                slots.push(Page::default());
                slots.len() as u32 - 1
            }
        });
        self.recent[key as usize % RECENT] = (key, slot);
        slot
    }

    /// Takes smaller steps, of which this price is a multiple. That halves them at least, so it is seldom.
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

/// What was there before makes no difference.
impl PartialEq for Levels {
    fn eq(&self, other: &Self) -> bool {
        self.ascending().eq(other.ascending())
    }
}

impl Eq for Levels {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prices of one grid and then of finer ones, the ends of the range among them.
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
