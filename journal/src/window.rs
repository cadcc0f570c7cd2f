//! Reads a segment file piece by piece, so that a scan works in the processor's cache and not on a copy of the whole
//! file.

use crate::error::JournalError;
use crate::layout::{PAGE_BYTES, SEGMENT_BYTES_MAX};
use crate::segment::file_name;
use crate::storage::{ReadAt, Storage};
use std::path::PathBuf;

/// Bytes per read, unless a record is longer.
const READ_BYTES: usize = 256 << 10;

/// A segment and the part of it that is buffered.
#[derive(Debug)]
pub(crate) struct Window {
    file: Box<dyn ReadAt>,
    path: PathBuf,
    /// Length of the segment in bytes.
    length: usize,
    buffer: Vec<u8>,
    /// Offset in the file of the first buffered byte. `filled` counts the buffered bytes.
    from: usize,
    filled: usize,
}

impl Window {
    /// Opens segment `number`, whose file has `bytes` bytes. `buffer` is reused.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn open(
        storage: &dyn Storage,
        number: u64,
        bytes: u64,
        buffer: Vec<u8>,
    ) -> Result<Self, JournalError> {
        let name = file_name(number);
        let path = storage.path(&name);
        let file = storage.open(&name).map_err(JournalError::io("read", &path))?;
        let length = bytes.min(SEGMENT_BYTES_MAX) as usize;
        Ok(Self { file, path, length, buffer, from: 0, filled: 0 })
    }

    /// Limits the segment to this many bytes.
    pub(crate) fn limit(&mut self, bytes: u64) {
        self.length = self.length.min(bytes as usize);
        self.filled = self.filled.min(self.length.saturating_sub(self.from));
    }

    /// Length of the segment in bytes; below the length in its header if the file was cut short.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The bytes from `offset` on: at least `wanted` of them, unless the segment ends before that.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn at(&mut self, offset: usize, wanted: usize) -> Result<&[u8], JournalError> {
        let end = self.from + self.filled;
        if offset < self.from || offset + wanted > end && end < self.length {
            let bytes = wanted.max(READ_BYTES).min(self.length.saturating_sub(offset));
            if self.buffer.len() < bytes {
                self.buffer.resize(bytes, 0);
            }
            self.filled = 0;
            let read = self.file.read_at(&mut self.buffer[..bytes], offset as u64);
            self.filled = read.map_err(JournalError::io("read", &self.path))?;
            self.from = offset;
            // The file became shorter after it was listed.
            if self.filled < bytes {
                self.length = offset + self.filled;
            }
        }
        Ok(self.buffer[..self.filled].get(offset - self.from..).unwrap_or_default())
    }

    /// Whether everything from `offset` on is zero, that is, never written.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn is_zero_from(&mut self, mut offset: usize) -> Result<bool, JournalError> {
        while offset < self.length {
            let piece = self.at(offset, READ_BYTES)?;
            // Processors compare whole pages quickly.
            if piece.chunks(PAGE_BYTES).any(|page| page != &[0; PAGE_BYTES][..page.len()]) {
                return Ok(false);
            }
            if piece.is_empty() {
                break;
            }
            offset += piece.len();
        }
        Ok(true)
    }

    /// The whole segment.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn whole(&mut self) -> Result<&[u8], JournalError> {
        self.at(0, self.length)
    }

    /// Returns the buffer for reuse.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}
