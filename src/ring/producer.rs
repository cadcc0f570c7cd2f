//! The publishing handle of a ring.

use super::cursor::CursorReader;
use super::slots::WriteEnd;

/// The ring does not have enough free slots now. This is back-pressure: try again after the consumers have moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full")]
pub struct Full;

/// The only writer of a ring. It can be sent to another thread but not cloned.
///
/// It must not overtake the slowest consumers. It caches their positions and reads them again only when the ring looks
/// full.
pub struct Producer<T> {
    end: WriteEnd<T>,
}

impl<T: Copy> Producer<T> {
    pub(super) fn new(end: WriteEnd<T>) -> Self {
        Self { end }
    }

    /// Publishes one value.
    ///
    /// # Errors
    /// [`Full`] if there is no free slot; the ring is then unchanged.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), Full> {
        if self.known_or_refreshed(1) == 0 {
            return Err(Full);
        }
        self.end.write(0, value);
        self.end.publish(1);
        Ok(())
    }

    /// Claims `count` slots, all or none. The values pushed into the claim are published together.
    ///
    /// # Errors
    /// [`Full`] if fewer are free; the ring is then unchanged.
    ///
    /// # Panics
    /// If `count` exceeds the capacity: waiting would never make enough room.
    #[inline]
    pub fn try_claim(&mut self, count: usize) -> Result<Claim<'_, T>, Full> {
        if self.known_or_refreshed(count) < count {
            let capacity = self.capacity();
            assert!(count <= capacity, "a claim of {count} slots can never fit a ring of {capacity}");
            return Err(Full);
        }
        Ok(Claim { remaining: count, pushed: 0, end: &mut self.end })
    }

    /// Claims as many slots as are free, at most `max`, possibly none.
    #[inline]
    pub fn claim_up_to(&mut self, max: usize) -> Claim<'_, T> {
        let remaining = self.known_or_refreshed(max).min(max);
        Claim { remaining, pushed: 0, end: &mut self.end }
    }

    /// The number of values published since the ring was built.
    #[inline]
    pub fn published(&self) -> u64 {
        self.end.published()
    }

    /// The number of free slots. Reads the consumers' positions.
    #[inline]
    pub fn free(&mut self) -> usize {
        self.end.refresh();
        self.end.known_free()
    }

    /// The number of published values that all consumers have consumed. Reads the consumers' positions.
    #[inline]
    pub fn consumed(&mut self) -> u64 {
        self.published() - (self.capacity() - self.free()) as u64
    }

    /// The number of slots of the ring.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }

    /// A cursor with [`Producer::published`] for other threads, such as a gauge.
    pub fn cursor(&self) -> CursorReader {
        self.end.published_reader()
    }

    #[inline(always)]
    fn known_or_refreshed(&mut self, wanted: usize) -> usize {
        if self.end.known_free() < wanted {
            self.end.refresh();
        }
        self.end.known_free()
    }
}

/// Claimed slots. Dropping the claim publishes all pushed values together and gives back the unused slots.
#[must_use = "a claim publishes only what is pushed into it"]
pub struct Claim<'a, T: Copy> {
    end: &'a mut WriteEnd<T>,
    remaining: usize,
    pushed: usize,
}

impl<T: Copy> Claim<'_, T> {
    /// Writes the next claimed slot.
    ///
    /// # Panics
    /// If all slots of the claim are used.
    #[inline]
    pub fn push(&mut self, value: T) {
        assert!(self.remaining > 0, "pushed more values than were claimed");
        self.end.write(self.pushed, value);
        self.remaining -= 1;
        self.pushed += 1;
    }

    /// The number of values pushed so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.pushed
    }

    /// Whether no value was pushed yet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// The number of values that can still be pushed.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// Publishes the pushed values. Same as dropping the claim, but explicit.
    #[inline]
    pub fn publish(self) {}
}

impl<T: Copy> Drop for Claim<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Storing an unchanged cursor would still take its cache line from the consumers.
        if self.pushed > 0 {
            self.end.publish(self.pushed);
        }
    }
}
