//! A table of values by order number. The iteration order has no meaning.

/// Open addressing with linear probing. No order has the number 0.
#[derive(Clone, Debug)]
pub(super) struct Table<V> {
    /// A power of two; a key of 0 is a free slot.
    slots: Vec<(u64, V)>,
    len: usize,
}

impl<V: Copy + Default> Default for Table<V> {
    fn default() -> Self {
        Self { slots: vec![(0, V::default()); 64], len: 0 }
    }
}

impl<V: Copy + Default> Table<V> {
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (self.slots.len() - 1)
    }

    /// The slot of the key, or the free slot where it would be inserted.
    fn slot(&self, key: u64) -> usize {
        let mut at = self.home(key);
        while self.slots[at].0 != key && self.slots[at].0 != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    /// Inserts a value; the number must not be 0.
    pub(super) fn insert(&mut self, key: u64, value: V) {
        debug_assert_ne!(key, 0);
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.slot(key);
        self.len += usize::from(self.slots[at].0 == 0);
        self.slots[at] = (key, value);
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![(0, V::default()); self.slots.len() * 2];
        for (key, value) in std::mem::replace(&mut self.slots, larger) {
            if key != 0 {
                let at = self.slot(key);
                self.slots[at] = (key, value);
            }
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let at = self.slot(key);
        (key != 0 && self.slots[at].0 == key).then(|| &mut self.slots[at].1)
    }

    pub(super) fn get(&self, key: u64) -> Option<&V> {
        let at = self.slot(key);
        (key != 0 && self.slots[at].0 == key).then(|| &self.slots[at].1)
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        let mut hole = self.slot(key);
        if key == 0 || self.slots[hole].0 != key {
            return None;
        }
        let value = self.slots[hole].1;
        let mask = self.slots.len() - 1;
        let mut at = hole;
        // An entry after the hole moves into it if its home slot allows that.
        loop {
            at = (at + 1) & mask;
            let key = self.slots[at].0;
            if key == 0 {
                break;
            }
            let from_home = at.wrapping_sub(self.home(key)) & mask;
            let from_hole = at.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
        }
        self.slots[hole] = (0, V::default());
        self.len -= 1;
        Some(value)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All entries in arbitrary order: sort them before they become visible outside.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.slots.iter().filter(|(key, _)| *key != 0).map(|(key, value)| (*key, value))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_holds_what_a_map_holds() {
        let (mut table, mut map) = (Table::<u64>::default(), BTreeMap::new());
        let mut seed = 1_u64;
        for step in 0..200_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Few keys, from neighbouring and distant numbers, so that they collide.
            let key = 1 + (seed >> 33) % 300 + if seed & 1 << 40 == 0 { 0 } else { 1 << 63 };
            if seed & 1 << 41 == 0 {
                table.insert(key, step);
                map.insert(key, step);
            } else {
                assert_eq!(table.remove(key), map.remove(&key));
            }
            assert_eq!((table.len(), table.get(key)), (map.len(), map.get(&key)));
        }
        let mut all: Vec<_> = table.iter().map(|(key, value)| (key, *value)).collect();
        all.sort_unstable();
        assert_eq!(all, map.into_iter().collect::<Vec<_>>());
    }
}
