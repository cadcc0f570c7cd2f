//! One record: bytes to values and back. A record is valid only if its checksum, seeded with the segment's salt,
//! matches and its padding is zero.

use crate::layout::{
    CRC_AT, END, LENGTH_AT, RECORD_HEADER_BYTES, SEAL, SEQUENCE_AT, TIME_AT, WATERMARK_AT, record_bytes,
    u32_at, u64_at,
};
use std::sync::LazyLock;

/// The salt of a segment, prepared as the initial value of its records' checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed {
    seed: u32,
    /// The checksum after a length field of 0.
    behind_zero: u32,
}

impl Seed {
    pub(crate) fn of(salt: u64) -> Self {
        let seed = crc32c::crc32c(&salt.to_le_bytes());
        Self { seed, behind_zero: crc32c::crc32c_append(seed, &[0; 4]) }
    }

    /// The checksum after a length field. Checksumming four bytes takes as long as a hundred, and most lengths are
    /// short, so the effect of a length is taken from a table. It is the same for every seed, because checksums are
    /// linear.
    #[inline]
    fn behind(self, length: u32) -> u32 {
        match LENGTHS.get(length as usize) {
            Some(changed) => self.behind_zero ^ changed,
            None => crc32c::crc32c_append(self.seed, &length.to_le_bytes()),
        }
    }
}

/// For each length below 1,024, the difference between its checksum and that of length 0.
static LENGTHS: LazyLock<[u32; 1024]> = LazyLock::new(|| {
    let zero = crc32c::crc32c(&[0; 4]);
    std::array::from_fn(|length| crc32c::crc32c(&(length as u32).to_le_bytes()) ^ zero)
});

/// The kind of a record, from its length field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A record with a payload of this many bytes.
    Data(usize),
    /// A clean stop. Its sequence is that of the next record and is not used up.
    Seal,
    /// The segment continues in the next one. Its sequence is the base sequence of that segment.
    End,
}

impl Kind {
    fn of(length: u32) -> Self {
        match length {
            END => Self::End,
            SEAL => Self::Seal,
            length => Self::Data(length as usize),
        }
    }

    fn length(self) -> u32 {
        match self {
            // The segment size bounds payloads, so their lengths stay below the two markers.
            Self::Data(bytes) => bytes as u32,
            Self::Seal => SEAL,
            Self::End => END,
        }
    }

    fn payload_bytes(self) -> usize {
        match self {
            Self::Data(bytes) => bytes,
            Self::Seal | Self::End => 0,
        }
    }
}

/// The header of a record that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) watermark: u64,
    pub(crate) time_ns: u64,
}

impl Found {
    /// Bytes of the payload.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.kind.payload_bytes()
    }

    /// Bytes from this record to the next one.
    pub(crate) fn bytes(&self) -> usize {
        record_bytes(self.payload_bytes())
    }

    /// Writes the header of this record at the start of `bytes`, which already contains the payload.
    pub(crate) fn write(&self, bytes: &mut [u8], seed: Seed) {
        bytes[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&self.kind.length().to_le_bytes());
        bytes[SEQUENCE_AT..SEQUENCE_AT + 8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[WATERMARK_AT..WATERMARK_AT + 8].copy_from_slice(&self.watermark.to_le_bytes());
        bytes[TIME_AT..TIME_AT + 8].copy_from_slice(&self.time_ns.to_le_bytes());
        let crc = checksum(bytes, self.payload_bytes(), seed);
        bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    }
}

/// The result of parsing bytes at a record boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    Valid(Found),
    /// The bytes end before the record does, according to its length field. The record needs this many bytes.
    Short(usize),
    Invalid,
}

/// Parses the bytes at a record boundary; `bytes` reaches to the end of the readable part. A data record with the
/// sequence `trusted` is accepted without checking its checksum.
pub(crate) fn parse(bytes: &[u8], seed: Seed, trusted: Option<u64>) -> Parsed {
    if bytes.len() < RECORD_HEADER_BYTES {
        return Parsed::Short(RECORD_HEADER_BYTES);
    }
    let sequence = u64_at(bytes, SEQUENCE_AT);
    // Sequences start at 1, so the zeros of unused space are rejected here.
    if sequence == 0 {
        return Parsed::Invalid;
    }
    let kind = Kind::of(u32_at(bytes, LENGTH_AT));
    let payload_bytes = kind.payload_bytes();
    let whole = record_bytes(payload_bytes);
    if bytes.len() < whole {
        return Parsed::Short(whole);
    }
    let padding = &bytes[RECORD_HEADER_BYTES + payload_bytes..whole];
    // A trusted record is complete, because its writer says so.
    let is_whole = trusted == Some(sequence) && matches!(kind, Kind::Data(_))
        || checksum(bytes, payload_bytes, seed) == u32_at(bytes, CRC_AT)
            && padding.iter().all(|&byte| byte == 0);
    if !is_whole {
        return Parsed::Invalid;
    }
    let (watermark, time_ns) = (u64_at(bytes, WATERMARK_AT), u64_at(bytes, TIME_AT));
    Parsed::Valid(Found { kind, sequence, watermark, time_ns })
}

fn checksum(bytes: &[u8], payload_bytes: usize, seed: Seed) -> u32 {
    let crc = seed.behind(u32_at(bytes, LENGTH_AT));
    crc32c::crc32c_append(crc, &bytes[SEQUENCE_AT..RECORD_HEADER_BYTES + payload_bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_its_bytes_whatever_the_length_field() {
        for salt in [0, 1, 0xDEAD_BEEF_0123_4567, u64::MAX] {
            let seed = Seed::of(salt);
            for length in (0..3_000).chain([65_535, 1 << 20, SEAL, END]) {
                let plain = crc32c::crc32c(&[&salt.to_le_bytes()[..], &length.to_le_bytes()[..]].concat());
                assert_eq!(seed.behind(length), plain, "salt {salt:x}, length {length}");
            }
        }
    }
}
