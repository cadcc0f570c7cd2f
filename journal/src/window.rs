//! A segment file read piece by piece, so that a scan works in the processor's cache and not through a copy of the
//! whole file.

use crate::error::JournalError;
use crate::layout::{PAGE_BYTES, SEGMENT_BYTES_MAX};
use crate::segment::file_name;
use crate::storage::{ReadAt, Storage};
use std::path::PathBuf;

/// Bytes read at once, as long as records are not longer.
const READ_BYTES: usize = 256 << 10;

/// The bytes of a segment, some of them at hand.
#[derive(Debug)]
pub(crate) struct Window {
    file: Box<dyn ReadAt>,
    path: PathBuf,
    /// Bytes of the file that belong to the segment.
    length: usize,
    buffer: Vec<u8>,
    /// Offset in the file of the first byte at hand, and how many there are.
    from: usize,
    filled: usize,
}

impl Window {
    /// Opens segment `number`, whose file is `bytes` long. `buffer` is reused.
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

    /// Takes it that the segment is no longer than this.
    pub(crate) fn limit(&mut self, bytes: u64) {
        self.length = self.length.min(bytes as usize);
        self.filled = self.filled.min(self.length.saturating_sub(self.from));
    }

    /// Bytes of the segment; fewer than its header says if the file was cut short.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The bytes from `offset` on: at least `wanted` of them, unless the segment ends before.
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
            // It became shorter than it was when it was listed.
            if self.filled < bytes {
                self.length = offset + self.filled;
            }
        }
        Ok(self.buffer[..self.filled].get(offset - self.from..).unwrap_or_default())
    }

    /// Whether everything from `offset` on is zero: space that was never written to.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn is_zero_from(&mut self, mut offset: usize) -> Result<bool, JournalError> {
        while offset < self.length {
            let piece = self.at(offset, READ_BYTES)?;
            // A page at a time: comparing whole pages is what processors are fast at.
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

    /// Gives the buffer back.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}
