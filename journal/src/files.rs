//! A journal's files in a folder of the operating system.

use crate::error::JournalError;
use crate::lock;
use crate::map::Mapping;
use crate::storage::{LockGuard, ReadAt, Region, Storage, UNFINISHED};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes written per call while a segment is made. The page cache keeps what one call wrote in one folio, and a folio is
/// written back as a whole: with 1 MiB a small sync would take twice as long, with one page a large sync costs half as
/// much processor time again.
const FOLIO_BYTES: usize = 16 << 10;
/// Bytes written between two syncs while a segment is made, so that the writer's own syncs never queue behind a whole
/// segment of zeros.
const BYTES_PER_SYNC: usize = 1 << 20;
/// Bytes gathered before they are written, of a file that comes as a stream.
const STREAM_BUFFER_BYTES: usize = 256 << 10;

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

    /// Lets `make` write a file and sync it under a name of its own, then gives it its name, durably.
    fn replace(&self, name: &str, make: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        if let Err(error) = File::create(&unfinished).and_then(make) {
            // Gives the space back; should that fail too, the next start removes the file.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        fs::rename(&unfinished, self.path(name))?;
        self.sync_dir()
    }

    /// Writes `start`, then zeros, in the pieces that suit later syncs.
    fn write_zeroed(mut file: File, bytes: u64, start: &[u8], cancel: &AtomicBool) -> io::Result<()> {
        let mut folio = [0; FOLIO_BYTES];
        let (mut rest, mut left, mut unsynced) = (start, bytes as usize, 0);
        while left > 0 {
            let piece = left.min(FOLIO_BYTES);
            let (now, later) = rest.split_at(rest.len().min(piece));
            folio[..now.len()].copy_from_slice(now);
            folio[now.len()..].fill(0);
            file.write_all(&folio[..piece])?;
            (rest, left, unsynced) = (later, left - piece, unsynced + piece);
            if unsynced >= BYTES_PER_SYNC {
                if cancel.load(Ordering::Relaxed) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                file.sync_data()?;
                unsynced = 0;
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
        self.replace(name, |file| Self::write_zeroed(file, bytes, start, cancel))
    }

    fn write(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.replace(name, |file| {
            let mut stream = BufWriter::with_capacity(STREAM_BUFFER_BYTES, file);
            fill(&mut stream)?;
            stream.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        })
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
