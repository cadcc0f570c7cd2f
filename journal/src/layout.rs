//! Every offset, size and limit of the file format, version 1. The same table is in `README.md`, and a test compares
//! the two. All integers are little-endian.

/// First eight bytes of every segment file.
pub const MAGIC: [u8; 8] = *b"DOJIJRNL";
/// The format version that this build reads and writes.
pub const VERSION: u32 = 1;

/// Bytes of the header at the start of a segment.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// Offset of the magic in the segment header.
pub const MAGIC_AT: usize = 0;
/// Offset of the format version (u32).
pub const VERSION_AT: usize = 8;
/// Offset of the header length (u32), [`SEGMENT_HEADER_BYTES`] in version 1.
pub const HEADER_LENGTH_AT: usize = 12;
/// Offset of the segment number (u64), which is also the file's name.
pub const SEGMENT_NUMBER_AT: usize = 16;
/// Offset of the base sequence (u64): the sequence of the first record; 0 while the segment is a spare.
pub const BASE_SEQUENCE_AT: usize = 24;
/// Offset of the size of the whole file in bytes (u64).
pub const SEGMENT_BYTES_AT: usize = 32;
/// Offset of the salt (u64), random for every file made.
pub const SALT_AT: usize = 40;
/// Offset of the kind of the payloads (u16); see [`Content`](crate::Content).
pub const CONTENT_KIND_AT: usize = 48;
/// Offset of the version of the payloads (u16).
pub const CONTENT_VERSION_AT: usize = 50;
/// Offset of the epoch (u64): the leadership term in which the segment was begun, 0 without a leader. Not aligned.
pub const EPOCH_AT: usize = 52;
/// Offset of the CRC-32C (u32) over the 60 bytes before it.
pub const HEADER_CRC_AT: usize = 60;

/// Bytes of the header of a record.
pub const RECORD_HEADER_BYTES: usize = 32;
/// Offset of the payload length (u32), or of one of the two markers below, in a record header.
pub const LENGTH_AT: usize = 0;
/// Offset of the CRC-32C (u32) over the other 28 header bytes and the payload, seeded with the segment's salt.
pub const CRC_AT: usize = 4;
/// Offset of the record's sequence (u64).
pub const SEQUENCE_AT: usize = 8;
/// Offset of the durable watermark (u64): when the record was written, every sequence up to it was synced; 0 = none.
pub const WATERMARK_AT: usize = 16;
/// Offset of the time in nanoseconds (u64), as the writer's owner stamped it.
pub const TIME_AT: usize = 24;

/// Records start at multiples of this many bytes; the gap is filled with zeros and verified to be zeros.
pub const RECORD_ALIGN: usize = 8;
/// Value of the length field that marks a clean stop (a seal). The seal carries the next sequence but does not use it
/// up.
pub const SEAL: u32 = 0xFFFF_FFFE;
/// Value of the length field that marks the end of a segment that continues in the next one.
pub const END: u32 = 0xFFFF_FFFF;
/// Bytes at the end of a segment that no record uses, so that a seal and an end marker always fit.
pub const TAIL_RESERVE_BYTES: usize = 2 * RECORD_HEADER_BYTES;

/// Sizes of segments are multiples of this many bytes.
pub const PAGE_BYTES: usize = 4096;
/// The smallest segment, in bytes.
pub const SEGMENT_BYTES_MIN: u64 = PAGE_BYTES as u64;
/// The largest segment, in bytes; a scan holds one segment in memory at a time.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

const _: () = assert!(MAGIC_AT + MAGIC.len() == VERSION_AT);
const _: () = assert!(VERSION_AT + 4 == HEADER_LENGTH_AT);
const _: () = assert!(HEADER_LENGTH_AT + 4 == SEGMENT_NUMBER_AT);
const _: () = assert!(SEGMENT_NUMBER_AT + 8 == BASE_SEQUENCE_AT);
const _: () = assert!(BASE_SEQUENCE_AT + 8 == SEGMENT_BYTES_AT);
const _: () = assert!(SEGMENT_BYTES_AT + 8 == SALT_AT);
const _: () = assert!(SALT_AT + 8 == CONTENT_KIND_AT);
const _: () = assert!(CONTENT_KIND_AT + 2 == CONTENT_VERSION_AT && CONTENT_VERSION_AT + 2 == EPOCH_AT);
const _: () = assert!(EPOCH_AT + 8 == HEADER_CRC_AT && HEADER_CRC_AT + 4 == SEGMENT_HEADER_BYTES);
const _: () = assert!(LENGTH_AT == 0 && LENGTH_AT + 4 == CRC_AT && CRC_AT + 4 == SEQUENCE_AT);
const _: () = assert!(SEQUENCE_AT + 8 == WATERMARK_AT && WATERMARK_AT + 8 == TIME_AT);
const _: () = assert!(TIME_AT + 8 == RECORD_HEADER_BYTES);
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(RECORD_ALIGN));
const _: () = assert!(RECORD_HEADER_BYTES.is_multiple_of(RECORD_ALIGN));
const _: () = assert!(SEGMENT_BYTES_MAX < SEAL as u64);

/// The number of bytes in a segment of a record with a payload of `payload_bytes` bytes.
#[must_use]
pub const fn record_bytes(payload_bytes: usize) -> usize {
    (RECORD_HEADER_BYTES + payload_bytes).next_multiple_of(RECORD_ALIGN)
}

/// The largest payload that fits an empty segment of `segment_bytes` bytes.
#[must_use]
pub const fn payload_bytes_max(segment_bytes: usize) -> usize {
    segment_bytes - SEGMENT_HEADER_BYTES - TAIL_RESERVE_BYTES - RECORD_HEADER_BYTES
}

/// The little-endian u16 at `at`.
///
/// # Panics
/// If it is not inside `bytes`.
#[inline]
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let mut value = [0; 2];
    value.copy_from_slice(&bytes[at..at + 2]);
    u16::from_le_bytes(value)
}

/// The little-endian u32 at `at`.
///
/// # Panics
/// If it is not inside `bytes`.
#[inline]
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

/// The little-endian u64 at `at`.
///
/// # Panics
/// If it is not inside `bytes`.
#[inline]
#[must_use]
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}
