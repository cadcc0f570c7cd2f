//! The publishing handle of a ring.

use super::cursor::CursorReader;
use super::slots::WriteEnd;

/// There is not enough room in the ring now. Try again after the consumers have moved: this is back-pressure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full")]
pub struct Full;

/// The only writer of a ring: it can be sent to another thread but not cloned.
///
/// It waits for the consumers furthest behind, whose positions it caches and reads again only when the ring
/// looks full.
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

    /// Claims `count` slots, all or none, to be published together.
    ///
    /// # Errors
    /// [`Full`] if fewer are free; the ring is then unchanged.
    ///
    /// # Panics
    /// If `count` exceeds the capacity, for which no amount of waiting would ever make room.
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

    /// How many values were published since the ring was built.
    #[inline]
    pub fn published(&self) -> u64 {
        self.end.published()
    }

    /// How many slots are free now. Reads the consumers' positions.
    #[inline]
    pub fn free(&mut self) -> usize {
        self.end.refresh();
        self.end.known_free()
    }

    /// How many of the published values every consumer has consumed. Reads the consumers' positions.
    #[inline]
    pub fn consumed(&mut self) -> u64 {
        self.published() - (self.capacity() - self.free()) as u64
    }

    /// The number of slots of the ring.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }

    /// A reader of [`Producer::published`] for other threads, such as a gauge.
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

/// Claimed slots. What was pushed is published, at once, when the claim is dropped; the rest of the claim is
/// simply given up.
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
    /// If nothing of the claim remains.
    #[inline]
    pub fn push(&mut self, value: T) {
        assert!(self.remaining > 0, "pushed more values than were claimed");
        self.end.write(self.pushed, value);
        self.remaining -= 1;
        self.pushed += 1;
    }

    /// How many values were pushed so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.pushed
    }

    /// Whether nothing was pushed so far.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// How many values may still be pushed.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// Publishes what was pushed; the same as dropping the claim, but said aloud.
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
