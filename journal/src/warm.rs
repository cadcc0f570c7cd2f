//! Which memory of a segment is ready for being written, and how far ahead it should be. Costs nothing but time if it is
//! wrong; it must never change a byte.

use crate::writer::Tail;
use std::ops::Range;

/// The least that is kept ready ahead of the end of the journal, in bytes: a large batch, as gathers while a disk stalls.
const AHEAD_BYTES_MIN: usize = 2 << 20;
/// How much is made ready at once: a system call for every page would cost more than it saves, and much more than this
/// would make the next batch wait.
const STEP_BYTES: usize = 64 << 10;
/// The most, for owners with very large batches.
const AHEAD_BYTES_MAX: usize = 16 << 20;

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
        self.reach(tail, target);
        target.saturating_sub(end)
    }

    /// Makes a segment ready up to offset `to`.
    pub(crate) fn reach(&mut self, tail: &Tail, to: usize) {
        let end = tail.header.segment_bytes as usize;
        let (from, to) = (self.to.max(tail.offset), to.min(end));
        if from + STEP_BYTES <= to || from < to && to == end {
            tail.region.warm(from..to);
            self.to = to;
        }
    }
}
