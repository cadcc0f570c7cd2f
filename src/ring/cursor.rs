//! A position that one party moves and all parties may read.

use crossbeam_utils::CachePadded;

use super::sync::{Arc, AtomicU64, Ordering};

/// Creates a cursor at position 0 and returns its only writer and a first reader.
///
/// Rings use cursors internally. A cursor can also stand alone as a gate between stages, such as "durable up to here".
pub fn cursor() -> (CursorWriter, CursorReader) {
    let cell = Arc::new(CachePadded::new(AtomicU64::new(0)));
    (CursorWriter { cell: Arc::clone(&cell), position: 0 }, CursorReader(cell))
}

/// The writing half of a cursor. It cannot be cloned, so a cursor has one writer.
pub struct CursorWriter {
    cell: Arc<CachePadded<AtomicU64>>,
    /// The value of `cell`. Kept here because the cell's cache line is shared with the readers, and because the model
    /// checker misses interleavings in which a thread reads back its own value before it writes.
    position: u64,
}

impl CursorWriter {
    /// Moves the cursor to `position` with a Release store: a reader of the new position sees everything that this
    /// thread did before. The cursor must not move backwards; debug builds check this.
    #[inline]
    pub fn set(&mut self, position: u64) {
        debug_assert!(position >= self.position, "a cursor only moves forward");
        self.position = position;
        self.cell.store(position, Ordering::Release);
    }

    /// Moves the cursor back, because the work that it counts must be done again. Use it only for cursors that report
    /// progress. Never use it for a gate: readers treat everything before a gate as done for good.
    pub fn move_back(&mut self, position: u64) {
        self.position = position;
        self.cell.store(position, Ordering::Release);
    }

    /// The position last set.
    #[inline]
    pub fn get(&self) -> u64 {
        self.position
    }

    /// Another reader of this cursor.
    pub fn reader(&self) -> CursorReader {
        CursorReader(Arc::clone(&self.cell))
    }
}

/// A reading half of a cursor; cheap to clone and to read from any thread.
#[derive(Clone)]
pub struct CursorReader(Arc<CachePadded<AtomicU64>>);

impl CursorReader {
    /// The position, by an Acquire load: the caller sees everything that the writer did before it set this position.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(all(test, not(dojima_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_reader_sees_what_the_writer_set() {
        let (mut writer, reader) = cursor();
        let other = writer.reader();
        assert_eq!((reader.get(), other.get()), (0, 0));
        writer.set(7);
        assert_eq!((writer.get(), reader.get(), other.clone().get()), (7, 7, 7));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "only moves forward")]
    fn going_back_is_caught() {
        let (mut writer, _reader) = cursor();
        writer.set(2);
        writer.set(1);
    }
}
