//! A table of values by order number. Numbers are assigned in sequence, and most are removed soon. The iteration order
//! has no meaning.

use super::table::Table;

/// The home slot of a number is the number modulo the size, so neighbouring numbers are neighbours in memory. If two numbers
/// have the same home, the later one uses it and the earlier one moves to the separate table `away`. So a lookup never scans
/// a run of occupied slots, however many old numbers are adjacent. No order has the number 0.
#[derive(Clone, Debug)]
pub(super) struct Dense<V> {
    /// A power of two; a key of 0 is a free slot.
    homes: Vec<(u64, V)>,
    at_home: usize,
    away: Table<V>,
}

impl<V: Copy + Default> Default for Dense<V> {
    fn default() -> Self {
        Self { homes: vec![(0, V::default()); 64], at_home: 0, away: Table::default() }
    }
}

impl<V: Copy + Default> Dense<V> {
    fn home(&self, key: u64) -> usize {
        key as usize & (self.homes.len() - 1)
    }

    /// Inserts a value; the number must not be 0.
    pub(super) fn insert(&mut self, key: u64, value: V) {
        debug_assert_ne!(key, 0);
        if self.len() * 2 >= self.homes.len() {
            self.grow();
        }
        let home = self.home(key);
        let there = std::mem::replace(&mut self.homes[home], (key, value));
        if there.0 == key {
            return;
        }
        if self.away.len() > 0 {
            self.away.remove(key);
        }
        match there.0 {
            0 => self.at_home += 1,
            other => self.away.insert(other, there.1),
        }
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![(0, V::default()); self.homes.len() * 2];
        let homes = std::mem::replace(&mut self.homes, larger);
        let away = std::mem::take(&mut self.away);
        self.at_home = 0;
        let before = away.iter().map(|(key, value)| (key, *value)).chain(homes);
        for (key, value) in before.filter(|(key, _)| *key != 0) {
            let home = self.home(key);
            match std::mem::replace(&mut self.homes[home], (key, value)) {
                (0, _) => self.at_home += 1,
                (other, value) => self.away.insert(other, value),
            }
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let home = self.home(key);
        if key != 0 && self.homes[home].0 == key {
            return Some(&mut self.homes[home].1);
        }
        if self.away.len() == 0 { None } else { self.away.get_mut(key) }
    }

    #[inline]
    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        let home = self.home(key);
        if key != 0 && self.homes[home].0 == key {
            self.homes[home].0 = 0;
            self.at_home -= 1;
            return Some(self.homes[home].1);
        }
        if self.away.len() == 0 { None } else { self.away.remove(key) }
    }

    pub(super) fn len(&self) -> usize {
        self.at_home + self.away.len()
    }

    /// All entries in arbitrary order: sort them before they become visible outside.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        let homes = self.homes.iter().filter(|(key, _)| *key != 0).map(|(key, value)| (*key, value));
        homes.chain(self.away.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Mostly new numbers, a few of which stay long, as orders do; and some distant numbers.
    #[test]
    fn it_holds_what_a_map_holds() {
        let (mut table, mut map) = (Dense::<u64>::default(), BTreeMap::new());
        let (mut seed, mut last, mut most_away) = (1_u64, 0, 0);
        for step in 0..300_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = seed >> 33;
            let key = match random % 8 {
                0..=2 => {
                    last += 1;
                    last
                }
                3 => 1 + random % 200,
                4 => (1 << 36) + random % 100,
                _ => last.saturating_sub(random % 70).max(1),
            };
            if random % 8 < 5 {
                table.insert(key, step);
                map.insert(key, step);
            } else {
                assert_eq!(table.remove(key), map.remove(&key), "{key}");
            }
            most_away = most_away.max(table.away.len());
            assert_eq!((table.len(), table.get_mut(key).copied()), (map.len(), map.get(&key).copied()));
            let other = 1 + random % (last + 10);
            assert_eq!(table.get_mut(other).copied(), map.get(&other).copied(), "{other}");
        }
        assert!(most_away > 50, "{most_away}");
        let mut all: Vec<_> = table.iter().map(|(key, value)| (key, *value)).collect();
        all.sort_unstable();
        assert_eq!(all, map.into_iter().collect::<Vec<_>>());
        assert!(table.get_mut(0).is_none() && table.remove(0).is_none());
    }

    /// The worst case for a scan of neighbouring slots: adjacent old numbers, and new numbers that wrap around to them.
    #[test]
    fn old_numbers_side_by_side_are_stepped_over() {
        let mut table = Dense::<u64>::default();
        (1..=1_000).for_each(|key| table.insert(key, key));
        for key in 1_001..=100_000 {
            table.insert(key, key);
            assert_eq!(table.remove(key), Some(key));
        }
        assert_eq!((table.homes.len(), table.away.len()), (2_048, 1_000));
        assert!((1..=1_000).all(|key| table.get_mut(key) == Some(&mut { key })));
    }
}
