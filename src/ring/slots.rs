//! The memory of a ring and the two ends that touch it.
//!
//! This is the only file of the ring with unsafe code. All of it rests on one invariant, which the private
//! fields of [`WriteEnd`] and [`ReadEnd`] and their construction in [`connect`] keep:
//!
//! > **consumer position ≤ what its gates have passed ≤ published ≤ limit ≤ slowest consumer + capacity**
//!
//! A slot is therefore in one of two states. At positions from `published` up to the producer's limit it belongs to the
//! write end alone. Below `published`, until the last consumer has passed it, it is shared read-only. Each transition
//! is a Release store of a cursor that the other side reads with an Acquire load.
#![allow(unsafe_code)] // Slots are written and read in place by different threads, ordered by cursors.

use std::cell::UnsafeCell;

use super::barrier::Barrier;
use super::cursor::{CursorReader, CursorWriter, cursor};
use super::sync::{Arc, RaceDetector};

struct Slots<T> {
    cells: Box<[UnsafeCell<T>]>,
    mask: usize,
    races: RaceDetector,
}

// SAFETY: threads share `Slots` only inside the ends below. These never give out a `&mut T`; they write a
// cell only while no other end may read it, and lend `&T` to several threads at once only while nobody may
// write it. `T: Sync` allows that sharing and `T: Send` lets a value cross to the reading thread.
unsafe impl<T: Send + Sync> Sync for Slots<T> {}

impl<T> Slots<T> {
    #[inline(always)]
    fn index(&self, position: u64) -> usize {
        // Truncation is harmless: the capacity is a power of two and fits in usize.
        position as usize & self.mask
    }

    #[inline(always)]
    fn capacity(&self) -> usize {
        self.mask + 1
    }

    /// Prefetches the cache line of the slot at `position`. A hint: it has no visible effect, and correctness must not
    /// depend on it.
    #[inline(always)]
    fn prefetch(&self, position: u64) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let slot = self.cells.as_ptr().wrapping_add(self.index(position));
            debug_assert!(self.index(position) < self.cells.len());
            // SAFETY: the instruction takes any address and accesses no memory in the sense of the language.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = position;
    }
}

/// How many slots ahead of a write its cache line is prefetched. The line comes from the consumer's core, which takes
/// as long as writing about a dozen other slots. Measured gain: a tenth, for single and batched writes
/// (benches/ring.rs).
const PREFETCH_SLOTS: u64 = 12;

/// Builds a ring: the write end and one read end per entry of `gates`.
///
/// `gates[i]` names the consumers that consumer `i` may not overtake; empty means it follows the producer.
///
/// # Panics
/// If `capacity` is not a power of two, if there are no consumers, or if a gate is not an earlier consumer.
pub(super) fn connect<T: Copy + Default>(
    capacity: usize,
    gates: &[Vec<usize>],
) -> (WriteEnd<T>, Vec<ReadEnd<T>>) {
    assert!(capacity.is_power_of_two(), "ring capacity must be a power of two, not {capacity}");
    assert!(!gates.is_empty(), "a ring needs at least one consumer");
    let slots = Arc::new(Slots {
        cells: (0..capacity).map(|_| UnsafeCell::new(T::default())).collect(),
        mask: capacity - 1,
        races: RaceDetector::new(capacity),
    });
    let (published, published_at) = cursor();
    let (positions, positions_at): (Vec<_>, Vec<_>) = gates.iter().map(|_| cursor()).unzip();
    // A consumer that another consumer follows is never the slowest, so the producer waits only for the others.
    let last = (0..gates.len()).filter(|i| !gates.iter().any(|gate| gate.contains(i)));
    let consumers = Barrier::new(last.map(|i| positions_at[i].clone()));
    let readers = positions
        .into_iter()
        .enumerate()
        .map(|(i, position)| {
            assert!(gates[i].iter().all(|&gate| gate < i), "a consumer may follow earlier consumers only");
            let barrier = match gates[i].as_slice() {
                [] => Barrier::new([published_at.clone()]),
                after => Barrier::new(after.iter().map(|&gate| positions_at[gate].clone())),
            };
            let (slots, published) = (Arc::clone(&slots), published_at.clone());
            ReadEnd { slots, position, limit: 0, barrier, published }
        })
        .collect();
    (WriteEnd { slots, published, limit: capacity as u64, consumers }, readers)
}

/// The producing end: writes slots at `published..limit` and then publishes them.
pub(super) struct WriteEnd<T> {
    slots: Arc<Slots<T>>,
    published: CursorWriter,
    /// The first position that a consumer may still be reading, as of the last barrier read.
    limit: u64,
    consumers: Barrier,
}

impl<T: Copy> WriteEnd<T> {
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    #[inline(always)]
    pub(super) fn published(&self) -> u64 {
        self.published.get()
    }

    pub(super) fn published_reader(&self) -> CursorReader {
        self.published.reader()
    }

    /// The number of slots that may be written, according to the consumers' positions when last read.
    #[inline(always)]
    pub(super) fn known_free(&self) -> usize {
        (self.limit - self.published.get()) as usize
    }

    /// Reads the consumers' positions again and updates the limit.
    #[inline]
    pub(super) fn refresh(&mut self) {
        self.limit = self.consumers.min() + self.slots.capacity() as u64;
    }

    /// Writes the slot that is `ahead` slots after the next one to be published. Consumers do not see it yet.
    ///
    /// # Panics
    /// If that slot is not known to be free.
    #[inline(always)]
    pub(super) fn write(&mut self, ahead: usize, value: T) {
        let position = self.published.get() + ahead as u64;
        assert!(position < self.limit, "wrote more slots than were claimed");
        self.slots.prefetch(position + PREFETCH_SLOTS);
        let index = self.slots.index(position);
        self.slots.races.writing(index);
        debug_assert!(index < self.slots.cells.len());
        // SAFETY: `index` is masked with the length of `cells` minus one, a power of two.
        let cell = unsafe { self.slots.cells.get_unchecked(index) };
        debug_assert!(position >= self.published.get() && position < self.limit);
        // SAFETY: position < limit = min(consumers) + capacity, as the assert says, so every consumer has passed
        // this slot's former value, and their Release stores were acquired in `refresh`. No consumer reads at
        // or past `published`, and position ≥ published. There is no other writer: `&mut self`, not Clone.
        unsafe { cell.get().write(value) };
    }

    /// Publishes the next `count` slots. All of them must have been written; otherwise consumers would read the stale
    /// values of an earlier lap.
    ///
    /// # Panics
    /// If `count` slots are not known to be free.
    #[inline(always)]
    pub(super) fn publish(&mut self, count: usize) {
        assert!(count <= self.known_free(), "published more slots than were claimed");
        self.published.set(self.published.get() + count as u64);
    }
}

/// A consuming end: reads slots at `position..limit` and then releases them.
pub(super) struct ReadEnd<T> {
    slots: Arc<Slots<T>>,
    position: CursorWriter,
    /// The first position that some gate has not passed yet, as of the last barrier read.
    limit: u64,
    barrier: Barrier,
    published: CursorReader,
}

impl<T: Copy> ReadEnd<T> {
    #[inline(always)]
    pub(super) fn position(&self) -> u64 {
        self.position.get()
    }

    pub(super) fn position_reader(&self) -> CursorReader {
        self.position.reader()
    }

    #[inline]
    pub(super) fn published(&self) -> u64 {
        self.published.get()
    }

    /// The number of slots that may be read, at most `wanted`. Reads the gates only if fewer slots are known to be
    /// readable.
    #[inline(always)]
    pub(super) fn available(&mut self, wanted: usize) -> usize {
        let mut known = (self.limit - self.position.get()) as usize;
        if known < wanted {
            self.limit = self.barrier.min();
            known = (self.limit - self.position.get()) as usize;
        }
        known.min(wanted)
    }

    /// The next `count` slots, as two slices where they wrap around the end of the memory.
    ///
    /// # Panics
    /// If fewer than `count` are known to be available.
    #[inline(always)]
    pub(super) fn slices(&self, count: usize) -> (&[T], &[T]) {
        assert!(count as u64 <= self.limit - self.position.get(), "read more slots than are available");
        let start = self.slots.index(self.position.get());
        let first = count.min(self.slots.capacity() - start);
        (self.slice(start, first), self.slice(0, count - first))
    }

    #[inline(always)]
    fn slice(&self, start: usize, count: usize) -> &[T] {
        (start..start + count).for_each(|index| self.slots.races.reading(index));
        let cells = &self.slots.cells[start..start + count];
        debug_assert!(count as u64 <= self.limit - self.position.get());
        // SAFETY: pointer and length are those of a live slice, and `UnsafeCell<T>` has the layout of `T`. Every
        // cell of it was initialised in `connect`. The positions behind them are in position..limit (asserted by
        // `slices`, the only caller), so they were published and acquired through the barrier, and the producer
        // does not write them again before this end's cursor has passed them: that takes `release(&mut self)`,
        // which the borrow of `self` in the result forbids as long as the slice lives.
        unsafe { std::slice::from_raw_parts(cells.as_ptr().cast::<T>(), count) }
    }

    /// Releases the next `count` slots.
    ///
    /// # Panics
    /// If fewer than `count` are known to be available.
    #[inline(always)]
    pub(super) fn release(&mut self, count: usize) {
        assert!(count as u64 <= self.limit - self.position.get(), "released more slots than are available");
        if count > 0 {
            self.position.set(self.position.get() + count as u64);
        }
    }
}
