//! Which memory of a segment is ready for being written, and how far ahead it should be. Costs nothing but time if it is
//! wrong; it must never change a byte.

use crate::writer::Tail;
use std::ops::Range;

/// The least that is kept ready ahead of the end of the journal, in bytes.
const AHEAD_BYTES_MIN: usize = 256 << 10;
/// The most: a bit more than the journaler's largest batch.
const AHEAD_BYTES_MAX: usize = 4 << 20;

/// How far beyond its end a sync may leave pages that fault again: the folio in which it ends, which after a restart may
/// be larger than those that segments are made of.
const COLD_BYTES: usize = 64 << 10;

/// The memory of one segment that is ready: from the end of the journal on.
#[derive(Debug)]
pub(crate) struct Warm {
    /// Offset of the first byte that is not known to be ready.
    to: usize,
    /// What is next to the end of the journal was written by a sync, after which it faults again.
    end_is_cold: bool,
    /// How much to keep ready, in bytes: as much as batches use.
    ahead: usize,
}

impl Warm {
    pub(crate) fn nothing(tail: &Tail) -> Self {
        Self { to: tail.offset, end_is_cold: true, ahead: AHEAD_BYTES_MIN }
    }

    /// Takes note of what a sync is going to write.
    pub(crate) fn note_sync(&mut self, range: &Range<usize>) {
        self.end_is_cold = true;
        // Follows large batches at once and forgets them slowly.
        let wanted = (2 * range.len()).clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX);
        self.ahead = wanted.max(self.ahead - self.ahead / 64).max(AHEAD_BYTES_MIN);
    }

    /// Makes ready what the next appends to `tail` will touch, and says how many bytes of that are beyond its end.
    pub(crate) fn advance(&mut self, tail: &Tail) -> usize {
        let end = tail.header.segment_bytes as usize;
        if self.end_is_cold {
            tail.region.warm(tail.offset..(tail.offset + COLD_BYTES).min(end));
            self.end_is_cold = false;
        }
        let target = tail.offset + self.ahead;
        // In steps of half the distance: a system call for every page would cost more than it saves.
        if self.to < end && self.to < tail.offset + self.ahead / 2 {
            self.reach(tail, target);
        }
        target.saturating_sub(end)
    }

    /// Makes a segment ready up to offset `to`.
    pub(crate) fn reach(&mut self, tail: &Tail, to: usize) {
        let to = to.min(tail.header.segment_bytes as usize);
        let from = self.to.max(tail.offset);
        if from < to {
            tail.region.warm(from..to);
            self.to = to;
        }
    }
}
