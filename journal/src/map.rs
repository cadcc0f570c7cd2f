//! The memory map of one segment and a system call without a safe form: the only unsafe code of this crate.
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
    /// The file is shorter than that, or the operating system refuses.
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

    /// Writes what was changed to the disk and waits for it: `fdatasync`, for `msync` waits for others who change the
    /// process's memory map. All changes since the last call must lie in `range`, so that the rest costs nothing.
    ///
    /// # Errors
    /// The write failed; the pages may be lost, so this must not be retried.
    pub(crate) fn flush(&mut self, range: Range<usize>) -> io::Result<()> {
        self.let_go(range);
        self.file.sync_data()
    }

    /// Takes the pages that `range` touches out of the map, all at once; whoever touches them next maps them again. Pages that
    /// are still mapped are protected one by one as they are written back, each with an interrupt to every processor that runs a
    /// thread of this process: of 40 pages that takes four times as long as all the rest of their sync. A single page
    /// is cheaper left as it is.
    pub(crate) fn let_go(&mut self, range: Range<usize>) {
        let pages = range.end.div_ceil(PAGE_BYTES) - range.start / PAGE_BYTES;
        if pages < 2 {
            return;
        }
        // SAFETY: the map is shared with the file's pages in the page cache (`map_mut`, never `map_copy`), and there the
        // bytes stay: the advice takes nothing but the entries of the page table, and hands on what they say of
        // changes. The next access maps the same pages, so no byte that anybody reads differs before and after. That nobody
        // holds a reference into the range is not even needed for this, but `&mut self` says it. Of a hint that is
        // refused nothing is lost, so its answer is not looked at.
        let _ =
            unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
    }
}

/// Has the system begin to write `range` of a file to the disk; waits only while the disk has too much to do. A hint: nothing
/// is durable by it, and where it fails the next sync has more to do.
pub(crate) fn start_write_back(file: &File, range: Range<u64>) {
    let (from, bytes) = (range.start as libc::off64_t, (range.end - range.start) as libc::off64_t);
    // SAFETY: the call reads and writes no memory of this process, and the descriptor is open as long as `file` is borrowed.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), from, bytes, libc::SYNC_FILE_RANGE_WRITE) };
}
