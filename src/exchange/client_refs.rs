//! Which order a client means: (login, client's number) → handle, for live orders only.
//!
//! An open-addressing table in memory taken at start. It begins small, so that it lies in the cache while few orders are
//! live, and doubles into that memory as they become more: a pause of some milliseconds for a million. Clients number their orders upward, so four neighbouring numbers
//! of a login share one cache line; the lines themselves are scattered by a multiplicative hash. Nothing ever
//! iterates over it, so its layout cannot leak into results.

use super::book::Handle;
use crate::domain::{LoginId, UserRef};

/// Entries of one cache line.
const LINE: u64 = 4;

/// A slot: the key, 0 when empty (client numbers start at 1, so no key is 0), and where the order stands.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    handle: Option<Handle>,
}

const EMPTY: Entry = Entry { key: 0, handle: None };

/// Length of the table at first: it stays in the cache for as long as few orders are live.
const LEN_FIRST: usize = 1 << 13;

/// The table.
#[derive(Debug)]
pub(super) struct ClientRefs {
    entries: Vec<Entry>,
    /// Where the entries move when the table doubles.
    spare: Vec<Entry>,
    len_max: usize,
    live: usize,
    mask: u64,
    /// How far a hash is shifted down to name a line.
    shift: u32,
}

impl ClientRefs {
    /// Room for `orders_max` orders at half load.
    pub(super) fn new(orders_max: u32) -> Self {
        let len_max = (u64::from(orders_max) * 2).next_power_of_two().max(64) as usize;
        let (entries, spare) = (Vec::with_capacity(len_max), Vec::with_capacity(len_max));
        let mut table = Self { entries, spare, len_max, live: 0, mask: 0, shift: 0 };
        table.clear(len_max.min(LEN_FIRST));
        table
    }

    /// An empty table of this length in the memory of the old one.
    fn clear(&mut self, len: usize) {
        self.entries.clear();
        self.entries.resize(len, EMPTY);
        self.mask = len as u64 - 1;
        self.shift = 64 - (len as u64 / LINE).trailing_zeros();
    }

    /// Twice the length.
    fn grow(&mut self) {
        let len = self.entries.len() * 2;
        std::mem::swap(&mut self.entries, &mut self.spare);
        self.clear(len);
        for at in 0..self.spare.len() {
            let entry = self.spare[at];
            if entry.key != 0 {
                self.put(entry);
            }
        }
    }

    fn key(login: LoginId, user_ref: UserRef) -> u64 {
        (u64::from(login.0) << 32) | u64::from(user_ref.0)
    }

    /// The slot where the search for a key starts.
    fn home(&self, key: u64) -> u64 {
        let line = (key / LINE).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift;
        line * LINE + key % LINE
    }

    /// The live order of this name.
    pub(super) fn get(&self, login: LoginId, user_ref: UserRef) -> Option<Handle> {
        let key = Self::key(login, user_ref);
        let mut at = self.home(key);
        loop {
            let entry = &self.entries[at as usize];
            if entry.key == key {
                return entry.handle;
            }
            if entry.key == 0 {
                return None;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Names an order. The name is not in use.
    pub(super) fn insert(&mut self, login: LoginId, user_ref: UserRef, handle: Handle) {
        self.live += 1;
        if self.live * 2 > self.entries.len() && self.entries.len() < self.len_max {
            self.grow();
        }
        self.put(Entry { key: Self::key(login, user_ref), handle: Some(handle) });
    }

    fn put(&mut self, entry: Entry) {
        let mut at = self.home(entry.key);
        while self.entries[at as usize].key != 0 {
            at = (at + 1) & self.mask;
        }
        self.entries[at as usize] = entry;
    }

    /// Forgets a name, and closes the gap so that searches need no tombstones.
    pub(super) fn remove(&mut self, login: LoginId, user_ref: UserRef) {
        let key = Self::key(login, user_ref);
        let mut gap = self.home(key);
        while self.entries[gap as usize].key != key {
            if self.entries[gap as usize].key == 0 {
                return;
            }
            gap = (gap + 1) & self.mask;
        }
        self.live -= 1;
        let mut at = gap;
        loop {
            at = (at + 1) & self.mask;
            let entry = self.entries[at as usize];
            if entry.key == 0 {
                break;
            }
            // An entry may fill the gap if its search starts at or before it, going round.
            let from_home = at.wrapping_sub(self.home(entry.key)) & self.mask;
            let from_gap = at.wrapping_sub(gap) & self.mask;
            if from_home >= from_gap {
                self.entries[gap as usize] = entry;
                gap = at;
            }
        }
        self.entries[gap as usize] = Entry { key: 0, handle: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::book::{Order, OrderSlab};
    use std::collections::BTreeMap;

    /// Against a sorted map, with names from few logins so that searches collide and wrap around.
    #[test]
    fn agrees_with_a_sorted_map() {
        let mut slab = OrderSlab::new(40);
        let handles: Vec<Handle> = (0..40).map(|_| slab.insert(Order::default())).collect();
        let mut table = ClientRefs::new(32);
        let mut model = BTreeMap::new();
        let mut random = 7_u64;
        for step in 0..200_000_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let login = LoginId((random >> 60) as u32 & 3);
            let user_ref = UserRef((random >> 33) as u32 % 50 + 1);
            let name = (login, user_ref);
            assert_eq!(table.get(login, user_ref), model.get(&name).copied(), "step {step}");
            if model.remove(&name).is_some() {
                table.remove(login, user_ref);
            } else if model.len() < 32 {
                let handle = handles[(random >> 50) as usize % handles.len()];
                table.insert(login, user_ref, handle);
                model.insert(name, handle);
            }
        }
        for login in 0..4 {
            for user_ref in 1..=50 {
                let name = (LoginId(login), UserRef(user_ref));
                assert_eq!(table.get(name.0, name.1), model.get(&name).copied());
            }
        }
    }

    /// Through several doublings and back, with the names of one login in a row and of many logins scattered.
    #[test]
    fn keeps_every_name_as_it_grows() {
        let orders = 40_000;
        let mut slab = OrderSlab::new(orders);
        let mut table = ClientRefs::new(orders);
        let name = |at: u32| (LoginId(if at.is_multiple_of(2) { 0 } else { at }), UserRef(at + 1));
        let handles: Vec<Handle> = (0..orders).map(|_| slab.insert(Order::default())).collect();
        for (at, handle) in (0..orders).zip(&handles) {
            table.insert(name(at).0, name(at).1, *handle);
        }
        assert!(table.entries.len() > LEN_FIRST, "it has grown");
        for at in (0..orders).step_by(3) {
            table.remove(name(at).0, name(at).1);
        }
        for (at, handle) in (0..orders).zip(&handles) {
            let expected = (!at.is_multiple_of(3)).then_some(*handle);
            assert_eq!(table.get(name(at).0, name(at).1), expected, "name {at}");
        }
    }
}
