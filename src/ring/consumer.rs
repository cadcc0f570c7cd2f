//! The reading handle of a ring.

use std::ops::ControlFlow;

use super::cursor::CursorReader;
use super::slots::ReadEnd;

/// One reader of a ring: it sees every value once, in order. It can be sent to another thread, not cloned.
pub struct Consumer<T> {
    end: ReadEnd<T>,
}

impl<T: Copy> Consumer<T> {
    pub(super) fn new(end: ReadEnd<T>) -> Self {
        Self { end }
    }

    /// Hands the next values, at most `limit`, to `f` and returns how many were consumed.
    ///
    /// `Break` means that this value is *not* consumed: polling stops and the value comes again. The
    /// consumed slots are given back together at the end; if `f` panics, those before the panic are.
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

    /// Lends the next values, at most `limit`, possibly none. Nothing is consumed until [`Batch::release`].
    #[inline]
    pub fn batch(&mut self, limit: usize) -> Batch<'_, T> {
        let len = self.end.available(limit);
        Batch { end: &mut self.end, len }
    }

    /// How many values were consumed since the ring was built.
    #[inline]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// How many published values this consumer has not consumed yet, whether or not its gates let it.
    #[inline]
    pub fn waiting(&self) -> u64 {
        self.end.published() - self.end.position()
    }

    /// A reader of [`Consumer::position`] for other threads, such as a gauge.
    pub fn cursor(&self) -> CursorReader {
        self.end.position_reader()
    }
}

/// Gives back what was consumed, also on the way out of a panic.
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

/// Values lent by [`Consumer::batch`]. Dropping it consumes nothing.
#[must_use = "a batch consumes nothing until it is released"]
pub struct Batch<'a, T: Copy> {
    end: &'a mut ReadEnd<T>,
    len: usize,
}

impl<T: Copy> Batch<'_, T> {
    /// How many values are lent.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values in order, as the parts before and after the end of the ring's memory.
    #[inline]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        self.end.slices(self.len)
    }

    /// The value at `index`, counted from the oldest of the batch.
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
