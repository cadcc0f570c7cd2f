//! The reading handle of a ring.

use std::ops::ControlFlow;

use super::cursor::CursorReader;
use super::slots::ReadEnd;

/// One reader of a ring. It sees every value once, in order. It can be sent to another thread but not cloned.
pub struct Consumer<T> {
    end: ReadEnd<T>,
}

impl<T: Copy> Consumer<T> {
    pub(super) fn new(end: ReadEnd<T>) -> Self {
        Self { end }
    }

    /// Calls `f` with the next values, at most `limit`, and returns how many were consumed.
    ///
    /// `Break` means that the value is *not* consumed: polling stops, and the next poll starts with the same value. The
    /// consumed slots are released together at the end. If `f` panics, the values before the panic are released.
    #[inline]
    pub fn poll(&mut self, limit: usize, mut f: impl FnMut(&T) -> ControlFlow<()>) -> usize {
        let available = self.end.available(limit);
        let mut progress = Progress { end: &mut self.end, consumed: 0 };
        let (first, second) = progress.end.slices(available);
        for part in [first, second] {
            for value in part {
                if f(value).is_break() {
                    return progress.consumed;
                }
                progress.consumed += 1;
            }
        }
        progress.consumed
    }

    /// Borrows the next values, at most `limit`, possibly none. Nothing is consumed until [`Batch::release`].
    #[inline]
    pub fn batch(&mut self, limit: usize) -> Batch<'_, T> {
        let len = self.end.available(limit);
        Batch { end: &mut self.end, len }
    }

    /// The number of values consumed since the ring was built.
    #[inline]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// The number of published values that this consumer has not consumed yet, including those its gates still hold
    /// back.
    #[inline]
    pub fn waiting(&self) -> u64 {
        self.end.published() - self.end.position()
    }

    /// A cursor with [`Consumer::position`] for other threads, such as a gauge.
    pub fn cursor(&self) -> CursorReader {
        self.end.position_reader()
    }
}

/// Releases the consumed slots when dropped, also during a panic.
struct Progress<'a, T: Copy> {
    end: &'a mut ReadEnd<T>,
    consumed: usize,
}

impl<T: Copy> Drop for Progress<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.end.release(self.consumed);
    }
}

/// Values borrowed by [`Consumer::batch`]. Dropping the batch consumes nothing.
#[must_use = "a batch consumes nothing until it is released"]
pub struct Batch<'a, T: Copy> {
    end: &'a mut ReadEnd<T>,
    len: usize,
}

impl<T: Copy> Batch<'_, T> {
    /// The number of values in the batch.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the batch is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values in order, as two slices: up to the end of the ring's memory, and from its start.
    #[inline]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        self.end.slices(self.len)
    }

    /// The value at `index`; index 0 is the oldest of the batch.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let (first, second) = self.as_slices();
        if index < first.len() { first.get(index) } else { second.get(index - first.len()) }
    }

    /// The values in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (first, second) = self.as_slices();
        first.iter().chain(second)
    }

    /// Consumes the oldest `count` values of the batch.
    ///
    /// # Panics
    /// If the batch has fewer.
    #[inline]
    pub fn release(self, count: usize) {
        assert!(count <= self.len, "released {count} values of a batch of {}", self.len);
        self.end.release(count);
    }
}
