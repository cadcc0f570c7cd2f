//! Where the files of a journal live. The writer, the reader and recovery are the same code over a folder of real
//! files and over [`MemoryStorage`](crate::MemoryStorage), in which tests and simulations inject faults.

use crate::error::JournalError;
use crate::layout::PAGE_BYTES;
use crate::lock;
use crate::map::Mapping;
use crate::memory::MemoryRegion;
use std::any::Any;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Suffix of a file that is still being made.
pub(crate) const UNFINISHED: &str = ".tmp";
/// Pages written between two syncs while a segment is being made, so that the writer's own syncs never queue behind
/// a whole segment of zeros.
const PAGES_PER_SYNC: usize = 1024;

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

    /// Makes a file of `bytes` bytes, a multiple of the page size: `start`, then zeros. It is durable, under its
    /// name, when this returns; until then the name is not touched. A file of that name is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] without space, [`io::ErrorKind::Interrupted`] once `cancel` is set.
    fn create(&self, name: &str, bytes: u64, start: &[u8], cancel: &AtomicBool) -> io::Result<()>;

    /// Gives the bytes of a whole file for writing. Only the holder of the lock may call this.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn map(&self, name: &str, bytes: u64) -> io::Result<Region>;

    /// Makes everything written to a file durable.
    ///
    /// # Errors
    /// Must not be retried: what was not written may be lost.
    fn sync_file(&self, name: &str) -> io::Result<()>;

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
            match FileExt::read_at(self, &mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
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
}

impl Region {
    /// Runs `edit` on the bytes.
    pub fn edit<R>(&mut self, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        match self {
            Self::Mapped(mapping) => edit(mapping.bytes()),
            Self::Memory(region) => region.edit(edit),
        }
    }

    /// Makes the bytes in `range` durable (whole pages are written).
    ///
    /// # Errors
    /// Must not be retried: what was not written may be lost.
    pub fn flush(&mut self, range: Range<usize>) -> io::Result<()> {
        match self {
            Self::Mapped(mapping) => mapping.flush(range),
            Self::Memory(region) => region.flush(range),
        }
    }
}

/// A folder of real files.
#[derive(Debug, Clone)]
pub struct FileStorage {
    dir: PathBuf,
}

impl FileStorage {
    /// The journal in `dir`, which need not exist yet.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    /// Writes one page per call: larger writes make the page cache build large folios, and every later sync of a few
    /// bytes would write a whole folio back.
    fn write_pages(path: &Path, bytes: u64, start: &[u8], cancel: &AtomicBool) -> io::Result<()> {
        let mut file = File::create(path)?;
        let mut rest = start;
        for page_index in 0..bytes as usize / PAGE_BYTES {
            let mut page = [0; PAGE_BYTES];
            let (now, later) = rest.split_at(rest.len().min(PAGE_BYTES));
            page[..now.len()].copy_from_slice(now);
            rest = later;
            file.write_all(&page)?;
            if page_index % PAGES_PER_SYNC == PAGES_PER_SYNC - 1 {
                if cancel.load(Ordering::Relaxed) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                file.sync_data()?;
            }
        }
        file.sync_all()
    }
}

impl Storage for FileStorage {
    fn prepare(&self) -> io::Result<()> {
        if self.dir.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.dir)?;
        match self.dir.canonicalize()?.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
        Ok(Box::new(lock::acquire(&self.dir)?))
    }

    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => {
                    files.push((entry.file_name().to_string_lossy().into_owned(), metadata.len()));
                }
                Ok(_) => {}
                // Renamed or removed since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(File::open(self.path(name))?))
    }

    fn create(&self, name: &str, bytes: u64, start: &[u8], cancel: &AtomicBool) -> io::Result<()> {
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        let written = Self::write_pages(&unfinished, bytes, start, cancel);
        if let Err(error) = written {
            // Gives the space back; should that fail too, the next start removes the file.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        fs::rename(&unfinished, self.path(name))?;
        self.sync_dir()
    }

    fn map(&self, name: &str, bytes: u64) -> io::Result<Region> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Mapping::new(&file, bytes as usize).map(Region::Mapped)
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        File::open(self.path(name))?.sync_data()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))?;
        self.sync_dir()
    }

    fn new_salt(&self) -> u64 {
        // The keys of a `RandomState` come from the operating system's random source.
        RandomState::new().hash_one(self.dir.as_path())
    }

    fn dir(&self) -> &Path {
        &self.dir
    }
}
