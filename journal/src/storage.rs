//! Where the files of a journal are stored. Writer, reader and recovery run the same code on a directory of real files
//! and on [`MemoryStorage`](crate::MemoryStorage), in which tests and simulations inject faults.

use crate::error::{JournalError, NotSynced};
use crate::gathered::{Gathered, WriteBack};
use crate::map::Mapping;
use crate::memory::disk::MemoryRegion;
use crate::passing::retry;
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::hint::black_box;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub use crate::files::FileStorage;
pub use crate::folder::{make_folder, private_file};
pub use crate::gathered::WriteAt;

/// Suffix of an unfinished file.
pub const UNFINISHED: &str = ".tmp";

/// Removes the files that [`Storage::create`] or [`Storage::write`] had not finished when the process ended. Only the
/// holder of the lock may call this, before it creates any file.
///
/// # Errors
/// Any error of the operating system.
pub fn remove_unfinished(storage: &dyn Storage) -> io::Result<()> {
    for (name, _) in storage.files()? {
        if name.ends_with(UNFINISHED) {
            storage.remove(&name)?;
        }
    }
    Ok(())
}

/// How bytes are written to segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Through a memory map over blocks that were written before. An appended record is in the page cache at once,
    /// without a system call. For records that must survive the end of the process as soon as they are appended.
    Mapped,
    /// Bytes are buffered in memory. [`Writer::write_out`](crate::Writer::write_out), which every sync calls first,
    /// writes them with `pwrite` over blocks that were written before. For journals that are synced regularly: a sync
    /// costs less than with mapped pages, each of which faults at its next store and is write-protected at its next
    /// sync.
    Pwrite,
    /// As [`Writing::Pwrite`], but into space that was allocated and not written, so nothing is written twice. For
    /// journals that are not synced regularly, because the first sync of a block must also record that the block is in
    /// use.
    PwriteReserved,
}

/// Holds the exclusive right to write; dropping it releases the right.
pub type LockGuard = Box<dyn Any + Send>;

/// Storage for the files of one journal.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Creates the storage if it does not exist.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn prepare(&self) -> io::Result<()>;

    /// Takes the exclusive right to write.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if another writer holds the lock.
    fn lock(&self) -> Result<LockGuard, JournalError>;

    /// Names and lengths in bytes of all files, in no order. A storage that does not exist has no files.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn files(&self) -> io::Result<Vec<(String, u64)>>;

    /// Opens a file for positioned reads.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>>;

    /// Creates a file of `bytes` bytes, a multiple of the page size: `start`, then zeros. Space for all bytes is
    /// allocated so that the file can be written as `writing` says. When this returns, the file is durable under its
    /// name and has replaced any file of that name; until then the name is not touched.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] if the disk is full, [`io::ErrorKind::Interrupted`] once `cancel` is set.
    fn create(
        &self,
        name: &str,
        bytes: u64,
        start: &[u8],
        writing: Writing,
        cancel: &AtomicBool,
    ) -> io::Result<()>;

    /// Writes a whole file with the bytes that `fill` writes: under another name first, synced, then renamed, and the
    /// rename made durable. Until this returns `Ok`, the name refers either to the old file, untouched, or to the
    /// complete new one. [`Storage::prepare`] must have been called once.
    ///
    /// # Errors
    /// The error that `fill` returns, or any error of the operating system.
    fn write(&self, name: &str, fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>)
    -> io::Result<()>;

    /// Opens an existing file of `bytes` bytes for writing. Only the holder of the lock may call this.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn open_to_write(&self, name: &str, bytes: u64, writing: Writing) -> io::Result<Region>;

    /// Makes everything written to a file durable.
    ///
    /// # Errors
    /// [`NotSynced`].
    fn sync_file(&self, name: &str) -> Result<(), NotSynced>;

    /// Removes a file, durably.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// A number that no file of this journal has used as its salt.
    fn new_salt(&self) -> u64;

    /// The path of the storage, for messages.
    fn dir(&self) -> &Path;

    /// The path of a file, for messages.
    fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }
}

/// A file open for positioned reads.
pub trait ReadAt: fmt::Debug + Send {
    /// Reads up to `buffer.len()` bytes from `offset` and returns how many; fewer only at the end of the file.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match retry(|| FileExt::read_at(self, &mut buffer[done..], offset + done as u64))? {
                0 => break,
                bytes => done += bytes,
            }
        }
        Ok(done)
    }
}

/// The bytes of one segment, open for writing.
#[derive(Debug)]
pub enum Region {
    /// A mapped file.
    Mapped(Mapping),
    /// A file in memory.
    Memory(MemoryRegion),
    /// A file whose bytes are buffered in memory until they are written.
    Gathered(Gathered),
}

impl Region {
    /// Runs `edit` on the bytes in `range`. For a buffered region the range must begin inside the buffer or directly
    /// after it.
    pub fn edit<R>(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        match self {
            Self::Mapped(mapping) => edit(&mut mapping.bytes()[range]),
            Self::Memory(region) => region.edit(range, edit),
            Self::Gathered(gathered) => gathered.edit(range, edit),
        }
    }

    /// Whether `range` can be edited before [`Region::write_out`].
    pub(crate) fn has_room(&self, range: &Range<usize>) -> bool {
        match self {
            Self::Mapped(_) | Self::Memory(_) => true,
            Self::Gathered(gathered) => gathered.has_room(range),
        }
    }

    /// Writes everything before offset `to` to where readers see it.
    ///
    /// # Errors
    /// Any error of the operating system. Nothing is lost, and the call may be repeated.
    pub(crate) fn write_out(&mut self, to: usize) -> io::Result<()> {
        match self {
            Self::Mapped(_) | Self::Memory(_) => Ok(()),
            Self::Gathered(gathered) => gathered.write_out(to),
        }
    }

    /// The written range for which write-back should be requested, if it has at least `least` bytes.
    pub(crate) fn take_write_back(&mut self, least: usize) -> Option<WriteBack> {
        match self {
            Self::Mapped(_) | Self::Memory(_) => None,
            Self::Gathered(gathered) => gathered.take_write_back(least),
        }
    }

    /// Tells the region that the bytes before `offset` are already in the file.
    pub(crate) fn continue_at(&mut self, offset: usize) {
        if let Self::Gathered(gathered) = self {
            gathered.continue_at(offset);
        }
    }

    /// Tells the region that nothing in `range` will be written any more.
    pub(crate) fn let_go(&mut self, range: Range<usize>) {
        if let Self::Mapped(mapping) = self {
            mapping.let_go(range);
        }
    }

    /// Prepares the memory at `offset`, whose byte is zero, for a write; changes nothing.
    pub(crate) fn touch(&mut self, offset: usize) {
        if let Self::Mapped(mapping) = self {
            mapping.bytes()[offset] = black_box(0);
        }
    }

    /// Makes the written bytes in `range` durable. All edits since the last call must be in the range.
    ///
    /// # Errors
    /// Must not be retried: what was not written may be lost.
    pub fn flush(&mut self, range: Range<usize>) -> io::Result<()> {
        match self {
            Self::Mapped(mapping) => mapping.flush(range),
            Self::Memory(region) => region.flush(range),
            Self::Gathered(gathered) => gathered.sync(range),
        }
    }
}
