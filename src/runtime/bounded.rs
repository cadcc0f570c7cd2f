//! A bounded table for keys that untrusted clients choose.

use std::collections::HashMap;
use std::hash::Hash;

/// The most entries kept.
pub const ENTRIES_MAX: usize = 8192;

/// The divisor of the entries that are removed when the table is full. Removing many at once keeps the average cost
/// low.
const PART: usize = 8;

/// At most [`ENTRIES_MAX`] entries. If there are more, the oldest are removed.
#[derive(Debug)]
pub struct Bounded<K, V>(HashMap<K, V>);

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, V> Bounded<K, V> {
    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entry of a key, inserted as `new` if there is none. `age` returns the time of an entry's last change, in any
    /// unit.
    pub fn entry(&mut self, key: K, new: V, age: impl Fn(&V) -> u64) -> &mut V {
        if self.0.len() >= ENTRIES_MAX && !self.0.contains_key(&key) {
            let mut ages: Vec<u64> = self.0.values().map(&age).collect();
            let (_, oldest, _) = ages.select_nth_unstable(ENTRIES_MAX / PART);
            let oldest = *oldest;
            self.0.retain(|_, entry| age(entry) > oldest);
        }
        self.0.entry(key).or_insert(new)
    }

    /// The entry of a key, if there is one.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// Removes the entry of a key.
    pub fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut table = Bounded::default();
        let last = 3 * ENTRIES_MAX as u64;
        for number in 0..=last {
            *table.entry(number, number, |age| *age) = number;
            assert!(table.0.len() <= ENTRIES_MAX);
        }
        assert!(table.0.len() >= ENTRIES_MAX - ENTRIES_MAX / PART - 1);
        let newest = (last - ENTRIES_MAX as u64 / 2)..=last;
        assert!(newest.into_iter().all(|number| table.0.contains_key(&number)), "the newest are there");
    }

    #[test]
    fn there_is_room_although_all_are_of_one_age() {
        let mut table = Bounded::default();
        for number in 0..2 * ENTRIES_MAX {
            table.entry(number, 7, |age| *age);
            assert!(table.0.len() <= ENTRIES_MAX);
        }
    }
}
