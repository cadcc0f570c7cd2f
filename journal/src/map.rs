//! The memory map of one segment, and the only unsafe code of this crate.
#![allow(unsafe_code, reason = "mapping a file is unsafe: the proof is at the one call")]

use memmap2::{Advice, MmapMut, MmapOptions};
use std::fs::File;
use std::io;
use std::ops::Range;

/// A segment file mapped for writing, shared with the page cache.
#[derive(Debug)]
pub struct Mapping(MmapMut);

impl Mapping {
    /// Maps the first `bytes` bytes of `file`.
    ///
    /// # Errors
    /// The file is shorter than that, or the operating system refuses.
    pub(crate) fn new(file: &File, bytes: usize) -> io::Result<Self> {
        if file.metadata()?.len() < bytes as u64 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the segment is shorter than its header says",
            ));
        }
        // SAFETY: the map is sound as long as nobody else changes the bytes or the length of the file. Every byte of
        // it is backed by written blocks (checked above for the length; the maker writes real zeros), so no store
        // can fault for want of disk. Only the holder of the exclusive lock on the directory maps segments, it maps
        // each at most once, this crate never shortens a file, and readers use positioned reads.
        let map = unsafe { MmapOptions::new().len(bytes).map_mut(file) }?;
        Ok(Self(map))
    }

    /// The mapped bytes.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Writes the pages that `range` touches to the disk and waits for it: `msync(MS_SYNC)`.
    ///
    /// # Errors
    /// The write failed; the pages may be lost, so this must not be retried.
    pub(crate) fn flush(&self, range: Range<usize>) -> io::Result<()> {
        self.0.flush_range(range.start, range.len())
    }

    /// Has the pages that `range` touches at hand and writable, so that the next store to them does not fault. Only a
    /// hint: where it fails, the stores do what it would have done.
    pub(crate) fn warm(&self, range: Range<usize>) {
        let _ = self.0.advise_range(Advice::PopulateWrite, range.start, range.len());
    }
}
