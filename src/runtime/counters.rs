//! Named counters. Each is written by the agent that owns it, and read by monitoring.

use std::borrow::Cow;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_utils::CachePadded;

/// All counters of a process. Clones share them. Registering takes a lock and is for start-up only; counting is
/// lock-free.
#[derive(Clone, Default)]
pub struct Counters(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    name: Cow<'static, str>,
    unit: &'static str,
    cell: Arc<CachePadded<AtomicU64>>,
}

/// One counter's value at the time of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The name given at registration, such as `gateway.orders`.
    pub name: Cow<'static, str>,
    /// What the value counts, such as `orders`, `bytes` or `ns`.
    pub unit: &'static str,
    pub value: u64,
}

impl Counters {
    /// Without counters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a counter at 0 and returns its only writer.
    ///
    /// # Panics
    /// If the name is already registered: two writers under one name would be a wiring mistake.
    pub fn register(&self, name: impl Into<Cow<'static, str>>, unit: &'static str) -> Counter {
        let name = name.into();
        let cell = Arc::new(CachePadded::new(AtomicU64::new(0)));
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(entries.iter().all(|entry| entry.name != name), "counter {name} is registered twice");
        entries.push(Entry { name, unit, cell: Arc::clone(&cell) });
        Counter { cell, single_writer: PhantomData }
    }

    /// Every counter in order of registration. The values are current but not from a single instant.
    pub fn snapshot(&self) -> Vec<Reading> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |entry: &Entry| Reading {
            name: entry.name.clone(),
            unit: entry.unit,
            value: entry.cell.load(Ordering::Relaxed),
        };
        entries.iter().map(read).collect()
    }
}

/// The writer of one counter. It may move to another thread but not be shared between threads, so adding needs no
/// locked instruction.
#[derive(Debug)]
pub struct Counter {
    cell: Arc<CachePadded<AtomicU64>>,
    /// Makes the counter `Send` but not `Sync`, like `Cell`.
    single_writer: PhantomData<Cell<u64>>,
}

impl Counter {
    /// Adds `amount`. Wraps at 2⁶⁴.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.set(self.get().wrapping_add(amount));
    }

    /// Replaces the value, for levels such as the length of a queue.
    #[inline]
    pub fn set(&self, value: u64) {
        self.cell.store(value, Ordering::Relaxed);
    }

    #[inline]
    pub fn get(&self) -> u64 {
        self.cell.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_shows_every_counter_in_order() {
        let counters = Counters::new();
        let orders = counters.register("gateway.orders", "orders");
        let depth = counters.clone().register(format!("ring{}.depth", 0), "slots");
        std::thread::spawn(move || {
            orders.add(2);
            orders.add(3);
            depth.set(9);
            depth.set(4);
        })
        .join()
        .unwrap();
        let reading = |name, unit, value| Reading { name: Cow::Borrowed(name), unit, value };
        assert_eq!(
            counters.snapshot(),
            [reading("gateway.orders", "orders", 5), reading("ring0.depth", "slots", 4)]
        );
    }

    #[test]
    #[should_panic(expected = "registered twice")]
    fn a_name_has_one_writer() {
        let counters = Counters::new();
        counters.register("x", "orders");
        counters.register("x", "bytes");
    }
}
