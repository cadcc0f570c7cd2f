//! How long whoever failed before has to wait.

use crate::wire::soup::Username;
use std::collections::HashMap;
use std::net::IpAddr;

/// The delay after a first failure; it doubles with every further one, up to the longest, ns.
const FIRST_NS: u64 = 100_000_000;
const LONGEST_NS: u64 = 8_000_000_000;

/// A failure is forgotten when there was none after it for this long, ns.
const MEMORY_NS: u64 = 600_000_000_000;

/// Addresses and names that are remembered; of more, those that failed longest ago are forgotten.
const ENTRIES_MAX: usize = 8192;

/// Whose failures are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Those from an address.
    Address(IpAddr),
    /// Those for a name, from anywhere where it may come from and has not come in.
    Name(Username),
    /// Those for a name from where it may not come from: they are nobody's but a guesser's.
    Outside(Username),
    /// Those for a name from an address where it has come in.
    Regular(Username, IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    last: u64,
    free_at: u64,
}

/// The failures.
#[derive(Debug, Default)]
pub struct Delays(HashMap<Key, Entry>);

impl Delays {
    /// Until when the next question of any of these has to wait, ns; 0: it need not.
    pub fn free_at(&self, keys: &[Key]) -> u64 {
        keys.iter().filter_map(|key| self.0.get(key)).map(|entry| entry.free_at).max().unwrap_or(0)
    }

    /// Counts a failure; when its answer is to be given, ns.
    pub fn failed(&mut self, keys: &[Key], now: u64) -> u64 {
        let mut at = now;
        for key in keys {
            self.make_room(key, now);
            let entry = self.0.entry(*key).or_insert(Entry { failures: 0, last: now, free_at: now });
            if now.saturating_sub(entry.last) > MEMORY_NS {
                entry.failures = 0;
            }
            let delay = FIRST_NS.saturating_mul(1 << entry.failures.min(20)).min(LONGEST_NS);
            *entry = Entry { failures: entry.failures.saturating_add(1), last: now, free_at: now + delay };
            at = at.max(entry.free_at);
        }
        at
    }

    /// Forgets the failures that are counted here.
    pub fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }

    fn make_room(&mut self, key: &Key, now: u64) {
        if self.0.len() < ENTRIES_MAX || self.0.contains_key(key) {
            return;
        }
        self.0.retain(|_, entry| now.saturating_sub(entry.last) <= MEMORY_NS);
        if self.0.len() >= ENTRIES_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, entry)| entry.last).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: u32) -> Key {
        Key::Address(IpAddr::V4(Ipv4Addr::from(number)))
    }

    #[test]
    fn delays_double_up_to_the_longest_and_are_forgotten() {
        let mut delays = Delays::default();
        let key = [address(1)];
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..9 {
            let at = delays.failed(&key, now);
            assert_eq!(delays.free_at(&key), at);
            waits.push((at - now) / 100_000_000);
            now = at;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 80, 80]);
        assert_eq!(delays.free_at(&[address(2)]), 0, "others do not wait");
        now += MEMORY_NS + 1;
        assert_eq!(delays.failed(&key, now) - now, FIRST_NS);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut delays = Delays::default();
        for number in 0..3 * ENTRIES_MAX as u32 {
            delays.failed(&[address(number)], u64::from(number));
        }
        assert_eq!(delays.0.len(), ENTRIES_MAX);
        assert!(delays.free_at(&[address(3 * ENTRIES_MAX as u32 - 1)]) > 0, "the newest are there");
    }
}
