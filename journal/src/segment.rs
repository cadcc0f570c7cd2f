//! Segment files: names and headers. A header is always complete, because it is synced before the file gets its name
//! and lies within one disk sector; the only exception is the first use of a spare. Therefore a header that verifies
//! neither as it is nor as the spare it was is damage and never the result of a crash.

use crate::content::Content;
use crate::error::JournalError;
use crate::layout::{
    BASE_SEQUENCE_AT, CONTENT_KIND_AT, CONTENT_VERSION_AT, EPOCH_AT, HEADER_CRC_AT, HEADER_LENGTH_AT, MAGIC,
    MAGIC_AT, SALT_AT, SEGMENT_BYTES_AT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES,
    SEGMENT_NUMBER_AT, VERSION, VERSION_AT, u16_at, u32_at, u64_at,
};
use crate::storage::{ReadAt, Storage};
use std::path::Path;

/// How often a header that does not verify is read again: it may have been read while it was being written.
const HEADER_READS: usize = 3;

/// The header of one segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    /// Sequence of the first record; 0 while the segment is a spare.
    pub(crate) base_sequence: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) salt: u64,
    pub(crate) content: Content,
    /// The leadership term in which the segment was begun; 0 without a leader, and for a spare.
    pub(crate) epoch: u64,
}

impl Header {
    /// Whether the segment was never used.
    pub(crate) fn is_spare(&self) -> bool {
        self.base_sequence == 0
    }

    /// The header assumed for a segment file that is all zeros.
    fn of_zeros(number: u64) -> Self {
        let (base_sequence, salt, content, epoch) = (0, 0, Content::NOT_SAID, 0);
        Self { number, base_sequence, segment_bytes: SEGMENT_BYTES_MIN, salt, content, epoch }
    }

    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(MAGIC_AT, &MAGIC);
        put(VERSION_AT, &VERSION.to_le_bytes());
        put(HEADER_LENGTH_AT, &(SEGMENT_HEADER_BYTES as u32).to_le_bytes());
        put(SEGMENT_NUMBER_AT, &self.number.to_le_bytes());
        put(BASE_SEQUENCE_AT, &self.base_sequence.to_le_bytes());
        put(SEGMENT_BYTES_AT, &self.segment_bytes.to_le_bytes());
        put(SALT_AT, &self.salt.to_le_bytes());
        put(CONTENT_KIND_AT, &self.content.kind.to_le_bytes());
        put(CONTENT_VERSION_AT, &self.content.version.to_le_bytes());
        put(EPOCH_AT, &self.epoch.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header at the start of `bytes`, the content of `file`.
    ///
    /// # Errors
    /// [`JournalError::UnknownVersion`] for another version, [`JournalError::Damaged`] for anything else that does not
    /// verify.
    pub(crate) fn decode(bytes: &[u8], file: &Path, number: u64) -> Result<Self, JournalError> {
        let damaged = |offset: usize, why: &str| JournalError::Damaged {
            file: file.to_owned(),
            offset: offset as u64,
            sequence: 0,
            why: why.to_owned(),
        };
        let Some(bytes) = bytes.first_chunk::<SEGMENT_HEADER_BYTES>() else {
            return Err(damaged(bytes.len(), "the file ends inside the segment header"));
        };
        if bytes[MAGIC_AT..VERSION_AT] != MAGIC {
            return Err(damaged(MAGIC_AT, "not a journal segment: the magic is missing"));
        }
        let found = u32_at(bytes, VERSION_AT);
        if found != VERSION {
            let (file, offset) = (file.to_owned(), VERSION_AT as u64);
            return Err(JournalError::UnknownVersion { file, offset, found, supported: VERSION });
        }
        let mut bytes = *bytes;
        if u32_at(&bytes, HEADER_CRC_AT) != crc32c::crc32c(&bytes[..HEADER_CRC_AT]) {
            // A power loss may have torn the first use of a spare: base sequence and epoch are written, but the
            // checksum is still the spare's. Nothing in such a segment was synced, so it counts as the spare it was.
            bytes[BASE_SEQUENCE_AT..SEGMENT_BYTES_AT].fill(0);
            bytes[EPOCH_AT..HEADER_CRC_AT].fill(0);
            if u32_at(&bytes, HEADER_CRC_AT) != crc32c::crc32c(&bytes[..HEADER_CRC_AT]) {
                return Err(damaged(MAGIC_AT, "the segment header does not match its checksum"));
            }
        }
        let bytes = &bytes;
        if u32_at(bytes, HEADER_LENGTH_AT) as usize != SEGMENT_HEADER_BYTES {
            return Err(damaged(HEADER_LENGTH_AT, "the header length is not that of this version"));
        }
        let header = Self {
            number: u64_at(bytes, SEGMENT_NUMBER_AT),
            base_sequence: u64_at(bytes, BASE_SEQUENCE_AT),
            segment_bytes: u64_at(bytes, SEGMENT_BYTES_AT),
            salt: u64_at(bytes, SALT_AT),
            content: Content {
                kind: u16_at(bytes, CONTENT_KIND_AT),
                version: u16_at(bytes, CONTENT_VERSION_AT),
            },
            epoch: u64_at(bytes, EPOCH_AT),
        };
        if header.number != number {
            return Err(damaged(SEGMENT_NUMBER_AT, &format!("the header says segment {}", header.number)));
        }
        if !segment_bytes_allowed(header.segment_bytes) {
            return Err(damaged(SEGMENT_BYTES_AT, "the segment size is outside the limits of the format"));
        }
        Ok(header)
    }

    /// Fails if a segment does not continue `previous`: its content has another kind or an older version, or its epoch
    /// is lower. A spare has no epoch yet.
    pub(crate) fn check_continues(&self, file: &Path, previous: &Self) -> Result<(), JournalError> {
        if !previous.content.is_continued_by(self.content) {
            let (found, expected) = (self.content, previous.content);
            return Err(JournalError::OtherContent { file: file.to_owned(), found, expected });
        }
        if self.is_spare() { Ok(()) } else { check_epoch(file, self.epoch, previous.epoch) }
    }
}

/// Fails if the epoch is below that of the segment before.
pub(crate) fn check_epoch(file: &Path, found: u64, previous: u64) -> Result<(), JournalError> {
    if found < previous {
        return Err(JournalError::EarlierEpoch { file: file.to_owned(), found, previous });
    }
    Ok(())
}

/// Opens segment `number` and reads its header, which a writer may be replacing at the same time. A file of zeros is
/// taken for a spare that lost its header; the scan decides whether records may follow it.
///
/// # Errors
/// As [`Header::decode`], and [`JournalError::Io`].
pub(crate) fn open_segment(
    storage: &dyn Storage,
    number: u64,
) -> Result<(Box<dyn ReadAt>, Header), JournalError> {
    let name = file_name(number);
    let path = storage.path(&name);
    let file = storage.open(&name).map_err(JournalError::io("open", &path))?;
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let mut reads = 0;
    loop {
        let filled = file.read_at(&mut bytes, 0).map_err(JournalError::io("read", &path))?;
        reads += 1;
        match Header::decode(&bytes[..filled], &path, number) {
            Ok(header) => return Ok((file, header)),
            Err(_) if reads < HEADER_READS => {}
            Err(_) if bytes == [0; SEGMENT_HEADER_BYTES] => return Ok((file, Header::of_zeros(number))),
            Err(error) => return Err(error),
        }
    }
}

/// Whether this is a valid segment size.
pub(crate) fn segment_bytes_allowed(bytes: u64) -> bool {
    (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes) && bytes.is_multiple_of(SEGMENT_BYTES_MIN)
}

/// File name of segment `number`: at least ten digits, then `.seg`.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:010}.seg")
}

/// The segment number in a file name, if the name is one that [`file_name`] produces.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".seg")?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}
