//! Where the files of a journal live. The writer, the reader and recovery are the same code over a folder of real
//! files and over [`MemoryStorage`](crate::MemoryStorage), in which tests and simulations inject faults.

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

/// Suffix of a file that is still being made.
pub const UNFINISHED: &str = ".tmp";

/// Removes the files that [`Storage::create`] or [`Storage::write`] had not finished when the process ended. Only for
/// the holder of the lock, before it makes anything itself.
///
/// # Errors
/// Whatever the operating system says.
pub fn remove_unfinished(storage: &dyn Storage) -> io::Result<()> {
    for (name, _) in storage.files()? {
        if name.ends_with(UNFINISHED) {
            storage.remove(&name)?;
        }
    }
    Ok(())
}

/// How the bytes of a journal come to its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// By way of a memory map, over blocks that were written before: what is appended is in the page cache at once, without a
    /// call of the system. For what must survive the end of the process as soon as it is appended.
    Mapped,
    /// They gather in memory, and [`Writer::write_out`](crate::Writer::write_out), which every sync begins with, writes them with
    /// `pwrite` over blocks that were written before. For what is synced on the way: a sync costs less than one of mapped pages,
    /// each of which faults at its next store and is protected at its next sync.
    Pwrite,
    /// The same into space that was set aside and not written: nothing is written twice. For what is not synced on the way, since
    /// the first sync of a block also has to note that it is in use now.
    PwriteReserved,
}

/// Keeps the exclusive right to write; dropping it gives the right back.
pub type LockGuard = Box<dyn Any + Send>;

/// A place that holds the files of one journal.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Makes the place if it is not there yet.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn prepare(&self) -> io::Result<()>;

    /// Takes the exclusive right to write.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if somebody else has it.
    fn lock(&self) -> Result<LockGuard, JournalError>;

    /// Names and lengths in bytes of all files, in no order. A place that is not there has none.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn files(&self) -> io::Result<Vec<(String, u64)>>;

    /// Opens a file for positioned reads.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>>;

    /// Makes a file of `bytes` bytes, a multiple of the page size: `start`, then zeros, with space for all of them, made so that it can
    /// be written as `writing` says. It is durable, under its name, when this returns; until then the name is not touched. A file
    /// of that name is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] without space, [`io::ErrorKind::Interrupted`] once `cancel` is set.
    fn create(
        &self,
        name: &str,
        bytes: u64,
        start: &[u8],
        writing: Writing,
        cancel: &AtomicBool,
    ) -> io::Result<()>;

    /// Writes a whole file of whatever length `fill` gives: under another name first, synced, then renamed, and the
    /// rename made durable. Until this returns `Ok` the file that had the name is untouched, or already replaced by a
    /// whole new one. [`Storage::prepare`] must have been called once.
    ///
    /// # Errors
    /// What `fill` returns, or whatever the operating system says.
    fn write(&self, name: &str, fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>)
    -> io::Result<()>;

    /// Opens a whole file of `bytes` bytes for being written this way. Only the holder of the lock may call this.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn open_to_write(&self, name: &str, bytes: u64, writing: Writing) -> io::Result<Region>;

    /// Makes everything written to a file durable.
    ///
    /// # Errors
    /// [`NotSynced`].
    fn sync_file(&self, name: &str) -> Result<(), NotSynced>;

    /// Removes a file, durably.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// A number that no file of this journal has used as its salt.
    fn new_salt(&self) -> u64;

    /// The place itself, for messages.
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
    /// Whatever the operating system says.
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
    /// A file whose bytes gather in memory until they are written.
    Gathered(Gathered),
}

impl Region {
    /// Runs `edit` on the bytes in `range`. Of what gathers the range may only begin where it does, or goes on.
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

    /// Brings everything before offset `to` to where readers see it.
    ///
    /// # Errors
    /// Whatever the operating system says; it may be called again, and nothing is lost.
    pub(crate) fn write_out(&mut self, to: usize) -> io::Result<()> {
        match self {
            Self::Mapped(_) | Self::Memory(_) => Ok(()),
            Self::Gathered(gathered) => gathered.write_out(to),
        }
    }

    /// What was written and the disk should begin with, when it is as much as `least` bytes.
    pub(crate) fn take_write_back(&mut self, least: usize) -> Option<WriteBack> {
        match self {
            Self::Mapped(_) | Self::Memory(_) => None,
            Self::Gathered(gathered) => gathered.take_write_back(least),
        }
    }

    /// What lies before `offset` is in the file.
    pub(crate) fn continue_at(&mut self, offset: usize) {
        if let Self::Gathered(gathered) = self {
            gathered.continue_at(offset);
        }
    }

    /// Nothing in `range` will be written any more.
    pub(crate) fn let_go(&mut self, range: Range<usize>) {
        if let Self::Mapped(mapping) = self {
            mapping.let_go(range);
        }
    }

    /// Makes the byte at `offset`, which is zero, ready for being written; changes nothing.
    pub(crate) fn touch(&mut self, offset: usize) {
        if let Self::Mapped(mapping) = self {
            mapping.bytes()[offset] = black_box(0);
        }
    }

    /// Makes the bytes in `range`, which are written out, durable. All that was edited since the last call lies there.
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
