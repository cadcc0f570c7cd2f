//! The memory map of one segment, and a system call without a safe wrapper: the only unsafe code of this crate.
#![allow(
    unsafe_code,
    reason = "mapping a file is unsafe, as are calls of the system: the proofs are at the calls"
)]

use memmap2::{MmapMut, MmapOptions, UncheckedAdvice};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;

use crate::layout::PAGE_BYTES;
use crate::passing::retry;

/// A segment file mapped for writing, shared with the page cache.
#[derive(Debug)]
pub struct Mapping {
    map: MmapMut,
    file: File,
}

impl Mapping {
    /// Maps the first `bytes` bytes of `file`.
    ///
    /// # Errors
    /// The file is shorter than `bytes`, or the operating system reports an error.
    pub(crate) fn new(file: File, bytes: usize) -> io::Result<Self> {
        if retry(|| file.metadata())?.len() < bytes as u64 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the segment is shorter than its header says",
            ));
        }
        // SAFETY: the map is sound as long as nobody else changes the bytes or the length of the file. Every byte of
        // it is backed by written blocks (checked above for the length; the maker writes real zeros), so no store
        // can fault for want of disk. Only the holder of the exclusive lock on the directory maps segments, it maps
        // each at most once, this crate never shortens a file, and readers use positioned reads.
        let map = retry(|| unsafe { MmapOptions::new().len(bytes).map_mut(&file) })?;
        Ok(Self { map, file })
    }

    /// The mapped bytes.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// Writes all changes to the disk and waits for it. Uses `fdatasync`, because `msync` waits for other users of the
    /// process's memory map. All changes since the last call must be in `range`; the remaining pages then cost nothing.
    ///
    /// # Errors
    /// The write failed; the pages may be lost, so this must not be retried.
    pub(crate) fn flush(&mut self, range: Range<usize>) -> io::Result<()> {
        self.let_go(range);
        self.file.sync_data()
    }

    /// Removes the pages of `range` from the page table, all at once. The next access maps them again. Pages that stay
    /// mapped are write-protected one by one during write-back, each with an interrupt to every processor that runs a
    /// thread of this process; for 40 pages that takes four times as long as the rest of their sync. A single page is
    /// cheaper to keep mapped.
    pub(crate) fn let_go(&mut self, range: Range<usize>) {
        let pages = range.end.div_ceil(PAGE_BYTES) - range.start / PAGE_BYTES;
        if pages < 2 {
            return;
        }
        // SAFETY: the map shares the file's pages in the page cache (`map_mut`, never `map_copy`), and the bytes stay
        // there: the advice removes only page-table entries and passes on their dirty bits. The next access maps the
        // same pages, so no reader sees a different byte before and after. `&mut self` also ensures that there is no
        // reference into the range, although the proof does not need it. The call is a hint; if it is refused nothing
        // is lost, so its result is ignored.
        let _ =
            unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
    }
}

/// Asks the system to start writing `range` of a file to disk. Waits only while the disk queue is full. A hint: nothing
/// is durable afterwards, and if it fails the next sync has more to do.
pub(crate) fn start_write_back(file: &File, range: Range<u64>) {
    let (from, bytes) = (range.start as libc::off64_t, (range.end - range.start) as libc::off64_t);
    // SAFETY: the call accesses no memory of this process, and the descriptor is open while `file` is borrowed.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), from, bytes, libc::SYNC_FILE_RANGE_WRITE) };
}
