//! The gate of one party: the least of the cursors it must not overtake.

use super::cursor::CursorReader;

/// One or more cursors, read as their minimum.
pub(super) struct Barrier(Box<[CursorReader]>);

impl Barrier {
    /// # Panics
    /// Without cursors: the minimum of nothing would let its owner run anywhere.
    pub(super) fn new(cursors: impl IntoIterator<Item = CursorReader>) -> Self {
        let cursors: Box<[_]> = cursors.into_iter().collect();
        assert!(!cursors.is_empty(), "a barrier needs at least one cursor");
        Self(cursors)
    }

    /// The position of the party furthest behind. Reading it acquires what every one of the parties did
    /// before it got there.
    #[inline]
    pub(super) fn min(&self) -> u64 {
        let mut least = self.0[0].get();
        for cursor in &self.0[1..] {
            least = least.min(cursor.get());
        }
        least
    }
}

#[cfg(all(test, not(dojima_loom)))]
mod tests {
    use super::super::cursor::cursor;
    use super::*;

    #[test]
    fn the_slowest_decides() {
        let ((mut a, a_at), (mut b, b_at)) = (cursor(), cursor());
        let barrier = Barrier::new([a_at, b_at]);
        a.set(5);
        assert_eq!(barrier.min(), 0);
        b.set(3);
        assert_eq!(barrier.min(), 3);
        b.set(9);
        assert_eq!(barrier.min(), 5);
    }
}
