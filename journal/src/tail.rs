//! Examines the bytes after the first record that does not verify: they are unused, or a torn tail, or they prove that
//! acknowledged data is damaged.

use crate::layout::{
    LENGTH_AT, PAGE_BYTES, RECORD_ALIGN, RECORD_HEADER_BYTES, SEAL, SEQUENCE_AT, WATERMARK_AT, u32_at, u64_at,
};
use crate::record::{Found, Kind, Parsed, Seed, parse};

/// The findings about the bytes after the end of the readable journal, over all segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remains {
    /// The sequence that was expected at that end and not found.
    next_sequence: u64,
    /// The highest sequence that a record after the end can have: there is no room for more records before it.
    sequence_max: u64,
    /// Bytes from the end of the journal (or the start of a later segment's records) to the last nonzero byte.
    pub(crate) bytes: u64,
    /// The highest sequence of a lost record; 0 = none.
    highest_sequence: u64,
    /// The highest watermark of a record that verifies after one that does not; 0 = none.
    highest_watermark: u64,
}

impl Remains {
    /// Starts without findings; `journal_bytes` is the size of all segments.
    pub(crate) fn new(next_sequence: u64, journal_bytes: u64) -> Self {
        let sequence_max = next_sequence.saturating_add(journal_bytes / RECORD_HEADER_BYTES as u64);
        Self { next_sequence, sequence_max, bytes: 0, highest_sequence: 0, highest_watermark: 0 }
    }

    /// Examines the segment `data` from `offset` on.
    pub(crate) fn look(&mut self, data: &[u8], offset: usize, seed: Seed) {
        let Some(rest) = data.get(offset..).map(without_trailing_zeros).filter(|rest| !rest.is_empty())
        else {
            return;
        };
        self.bytes += rest.len() as u64;
        // Zeros after the last nonzero byte may belong to its record, so parsing may read past `rest`.
        let (mut at, data) = (0, &data[offset..]);
        if data.len() >= RECORD_HEADER_BYTES && self.is_cut_record(data) {
            self.highest_sequence = self.highest_sequence.max(self.next_sequence);
        }
        // A damaged length hides where the next record starts, so every possible offset is tried.
        while at < rest.len() {
            match self.plausible(&data[at..], seed) {
                Some(found) => {
                    self.note(found);
                    at += found.bytes();
                }
                None => at += RECORD_ALIGN,
            }
        }
    }

    /// Whether these bytes, which do not verify, have the sequence of the expected record.
    fn is_cut_record(&self, bytes: &[u8]) -> bool {
        u64_at(bytes, SEQUENCE_AT) == self.next_sequence && u32_at(bytes, LENGTH_AT) < SEAL
    }

    /// A record that verifies and belongs after the expected one. The cheap checks come first, so that the scan stays
    /// linear whatever the payloads contain.
    fn plausible(&self, bytes: &[u8], seed: Seed) -> Option<Found> {
        if bytes.len() < RECORD_HEADER_BYTES {
            return None;
        }
        let (sequence, watermark) = (u64_at(bytes, SEQUENCE_AT), u64_at(bytes, WATERMARK_AT));
        if sequence < self.next_sequence || sequence > self.sequence_max || watermark >= sequence {
            return None;
        }
        match parse(bytes, seed, None) {
            Parsed::Valid(found) => Some(found),
            Parsed::Short(_) | Parsed::Invalid => None,
        }
    }

    fn note(&mut self, found: Found) {
        if let Kind::Data(_) = found.kind {
            self.highest_sequence = self.highest_sequence.max(found.sequence);
        }
        self.highest_watermark = self.highest_watermark.max(found.watermark);
    }

    /// The watermark that proves that an unreadable record had been acknowledged, if there is one.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        (self.highest_watermark >= self.next_sequence).then_some(self.highest_watermark)
    }

    /// How many records were certainly lost.
    pub(crate) fn records_lost_at_least(&self) -> u64 {
        (self.highest_sequence + 1).saturating_sub(self.next_sequence)
    }
}

/// The slice without its trailing zeros. Compares a page at a time, because the unused part of a segment is long.
fn without_trailing_zeros(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some((before, page)) = rest.split_last_chunk::<PAGE_BYTES>() {
        if page != &[0; PAGE_BYTES] {
            break;
        }
        rest = before;
    }
    let used = rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &rest[..used]
}
