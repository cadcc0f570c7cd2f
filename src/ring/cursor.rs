//! A position that one party moves and any party reads.

use crossbeam_utils::CachePadded;

use super::sync::{Arc, AtomicU64, Ordering};

/// Makes a cursor at 0 and returns its only writing half and a first reading half.
///
/// Rings use cursors inside; by itself a cursor is a gate between stages, such as "durable up to here".
pub fn cursor() -> (CursorWriter, CursorReader) {
    let cell = Arc::new(CachePadded::new(AtomicU64::new(0)));
    (CursorWriter { cell: Arc::clone(&cell), position: 0 }, CursorReader(cell))
}

/// The writing half of a cursor. It cannot be cloned, so a cursor has one writer.
pub struct CursorWriter {
    cell: Arc<CachePadded<AtomicU64>>,
    /// What `cell` holds. Kept here because the cell's cache line is for the readers, and because the model checker
    /// overlooks interleavings in which a thread reads back what it is about to write.
    position: u64,
}

impl CursorWriter {
    /// Moves the cursor to `position`. Everything this thread did before is visible to whoever reads the
    /// new position (a Release store). A cursor never moves backwards; debug builds check it.
    #[inline]
    pub fn set(&mut self, position: u64) {
        debug_assert!(position >= self.position, "a cursor only moves forward");
        self.position = position;
        self.cell.store(position, Ordering::Release);
    }

    /// Moves the cursor back: what it counts has to be done again. Only for a cursor that tells how far something has
    /// got. Whoever gates on a cursor takes what is before it for done, for good.
    pub fn move_back(&mut self, position: u64) {
        self.position = position;
        self.cell.store(position, Ordering::Release);
    }

    /// The position last set.
    #[inline]
    pub fn get(&self) -> u64 {
        self.position
    }

    /// Another reading half.
    pub fn reader(&self) -> CursorReader {
        CursorReader(Arc::clone(&self.cell))
    }
}

/// A reading half of a cursor; cheap to clone and to read from any thread.
#[derive(Clone)]
pub struct CursorReader(Arc<CachePadded<AtomicU64>>);

impl CursorReader {
    /// The position, with everything that its writer did before it got there (an Acquire load).
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
