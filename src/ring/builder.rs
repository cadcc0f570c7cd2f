//! Builds rings: which consumers a ring has, and which of them follow which.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::consumer::Consumer;
use super::producer::Producer;
use super::slots::connect;

/// The key of a consumer in a ring that is being built. Other consumers name it to follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerKey {
    ring: u64,
    index: usize,
}

/// Builds a ring and its handles.
///
/// ```
/// # use std::ops::ControlFlow;
/// # use dojima::ring::RingBuilder;
/// let mut ring = RingBuilder::<u64>::new(8);
/// let journaler = ring.consumer();
/// ring.consumer_after(&[journaler]);
/// let (mut producer, mut consumers) = ring.build();
/// producer.try_push(42).unwrap();
/// assert_eq!(consumers[1].poll(10, |_| ControlFlow::Continue(())), 0, "the journaler comes first");
/// assert_eq!(consumers[0].poll(10, |_| ControlFlow::Continue(())), 1);
/// assert_eq!(consumers[1].poll(10, |_| ControlFlow::Continue(())), 1);
/// ```
pub struct RingBuilder<T> {
    ring: u64,
    capacity: usize,
    gates: Vec<Vec<usize>>,
    values: PhantomData<fn() -> T>,
}

impl<T: Copy + Default + Send + Sync + 'static> RingBuilder<T> {
    /// Starts a ring of `capacity_slots` slots, all allocated by [`RingBuilder::build`].
    ///
    /// # Panics
    /// If `capacity_slots` is not a power of two. Rings are built at start-up, from validated limits.
    pub fn new(capacity_slots: usize) -> Self {
        static RINGS: AtomicU64 = AtomicU64::new(0);
        assert!(
            capacity_slots.is_power_of_two(),
            "ring capacity must be a power of two, not {capacity_slots}"
        );
        let ring = RINGS.fetch_add(1, Ordering::Relaxed);
        Self { ring, capacity: capacity_slots, gates: Vec::new(), values: PhantomData }
    }

    /// Adds a consumer that follows the producer.
    pub fn consumer(&mut self) -> ConsumerKey {
        self.consumer_after(&[])
    }

    /// Adds a consumer that may read only what all of `gates` have consumed; with none it follows the producer.
    ///
    /// # Panics
    /// If a key belongs to another ring.
    pub fn consumer_after(&mut self, gates: &[ConsumerKey]) -> ConsumerKey {
        assert!(gates.iter().all(|gate| gate.ring == self.ring), "a gate belongs to another ring");
        self.gates.push(gates.iter().map(|gate| gate.index).collect());
        ConsumerKey { ring: self.ring, index: self.gates.len() - 1 }
    }

    /// Allocates the ring and returns its producer and its consumers, these in the order they were added.
    ///
    /// # Panics
    /// If no consumer was added.
    pub fn build(self) -> (Producer<T>, Vec<Consumer<T>>) {
        let (write, reads) = connect(self.capacity, &self.gates);
        (Producer::new(write), reads.into_iter().map(Consumer::new).collect())
    }
}

/// A ring with one consumer.
///
/// # Panics
/// If `capacity_slots` is not a power of two.
pub fn spsc<T: Copy + Default + Send + Sync + 'static>(capacity_slots: usize) -> (Producer<T>, Consumer<T>) {
    let mut ring = RingBuilder::new(capacity_slots);
    ring.consumer();
    let (producer, mut consumers) = ring.build();
    (producer, consumers.remove(0))
}
