//! The barrier of one party: the minimum of the cursors that it must not overtake.

use super::cursor::CursorReader;

/// One or more cursors, read as their minimum.
pub(super) struct Barrier(Box<[CursorReader]>);

impl Barrier {
    /// # Panics
    /// If `cursors` is empty. An empty barrier would not limit its owner at all.
    pub(super) fn new(cursors: impl IntoIterator<Item = CursorReader>) -> Self {
        let cursors: Box<[_]> = cursors.into_iter().collect();
        assert!(!cursors.is_empty(), "a barrier needs at least one cursor");
        Self(cursors)
    }

    /// The position of the party furthest behind. The read is an Acquire load of every cursor: the caller sees
    /// everything that each party did before it reached this position.
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
