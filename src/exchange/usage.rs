//! Usage per account and instrument, counted once a limit needs it.
//!
//! An open-addressing table of indexes into a dense list. The exchange numbers accounts and instruments, so clients
//! cannot cause collisions. Entries are never removed, so once every pair has been seen nothing is allocated; until
//! then the table doubles occasionally. Iteration that affects results goes by pair, not by list order.

use super::accounts::Rate;
use crate::domain::{AccountId, InstrumentId};

/// An account's usage in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) open_orders: u32,
    /// Open lots of its buys.
    pub(super) open_buys: u64,
    /// Its order rate in the present second.
    pub(super) rate: Rate,
}

/// An account in an instrument.
pub(super) type Pair = (InstrumentId, AccountId);

const EMPTY: u32 = u32::MAX;
const LEN_FIRST: usize = 1 << 10;

#[derive(Clone, Debug)]
pub(super) struct Usage {
    /// At least twice as many as there are entries.
    places: Vec<u32>,
    entries: Vec<(Pair, Use)>,
}

impl Default for Usage {
    fn default() -> Self {
        Self { places: vec![EMPTY; LEN_FIRST], entries: Vec::new() }
    }
}

impl Usage {
    /// The index of a pair in the table, or where it would be inserted.
    fn find(&self, pair: Pair) -> usize {
        let mask = self.places.len() - 1;
        let key = u64::from(pair.0.0) << 32 | u64::from(pair.1.0);
        let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        while self.places[at] != EMPTY && self.entries[self.places[at] as usize].0 != pair {
            at = (at + 1) & mask;
        }
        at
    }

    /// The counts of a pair; `None` if it was never seen.
    pub(super) fn get(&self, pair: Pair) -> Option<&Use> {
        self.entries.get(self.places[self.find(pair)] as usize).map(|(_, used)| used)
    }

    /// The counts of a pair, added if necessary.
    pub(super) fn of(&mut self, pair: Pair) -> &mut Use {
        let mut at = self.find(pair);
        if self.places[at] == EMPTY {
            if 2 * (self.entries.len() + 1) > self.places.len() {
                self.grow();
                at = self.find(pair);
            }
            self.places[at] = self.entries.len() as u32;
            self.entries.push((pair, Use::default()));
        }
        &mut self.entries[self.places[at] as usize].1
    }

    #[cold]
    fn grow(&mut self) {
        self.places = vec![EMPTY; 2 * self.places.len()];
        self.place_all();
    }

    fn place_all(&mut self) {
        for entry in 0..self.entries.len() {
            let at = self.find(self.entries[entry].0);
            self.places[at] = entry as u32;
        }
    }

    /// Sorts all entries by pair, so that their order does not depend on how they were found.
    pub(super) fn sort(&mut self) {
        self.entries.sort_unstable_by_key(|(pair, _)| *pair);
        self.places.fill(EMPTY);
        self.place_all();
    }

    /// Restarts the counting of an instrument's rates.
    pub(super) fn reset_rates(&mut self, instrument: InstrumentId) {
        let of_it = self.entries.iter_mut().filter(|((of, _), _)| *of == instrument);
        of_it.for_each(|(_, used)| used.rate = Rate::default());
    }

    /// All entries in the order in which they were first seen.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Pair, Use)> {
        self.entries.iter()
    }

    /// The number of pairs seen.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All entries by pair.
    pub(super) fn sorted(&self) -> Vec<(Pair, Use)> {
        let mut all = self.entries.clone();
        all.sort_unstable_by_key(|(pair, _)| *pair);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn agrees_with_a_sorted_map() {
        let (mut table, mut model) = (Usage::default(), BTreeMap::new());
        let mut random = 3_u64;
        for _ in 0..50_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pair = (InstrumentId((random >> 60) as u32), AccountId((random >> 40) as u32 % 700));
            assert_eq!(table.get(pair), model.get(&pair));
            table.of(pair).open_buys += random >> 50;
            model.entry(pair).or_insert(Use::default()).open_buys += random >> 50;
        }
        assert!(table.sorted().into_iter().eq(model));
    }
}
