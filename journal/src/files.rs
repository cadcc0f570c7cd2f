//! A journal's files in a directory of the operating system.

use crate::error::JournalError;
use crate::error::NotSynced;
use crate::folder::{make_folder, private_file};
use crate::gathered::{Gathered, WriteAt};
use crate::lock;
use crate::map::{self, Mapping};
use crate::passing::retry;
use crate::storage::{LockGuard, ReadAt, Region, Storage, UNFINISHED, Writing};
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes per write call while a segment is created. The page cache keeps the bytes of one call in one folio, and a
/// folio is written back as a whole. With folios of 1 MiB a small sync takes twice as long; with folios of one page a
/// large sync costs half as much processor time again.
const FOLIO_BYTES: usize = 16 << 10;
/// Bytes written between two syncs while a segment is created, so that the writer's own syncs never queue behind a
/// whole segment of zeros.
const BYTES_PER_SYNC: usize = 1 << 20;
/// Buffer size for files that are written as a stream.
const STREAM_BUFFER_BYTES: usize = 256 << 10;

/// A directory of real files.
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
        retry(|| File::open(&self.dir))?.sync_all()
    }

    /// Calls `make` to write and sync a file under a temporary name, then renames the file durably.
    fn replace(&self, name: &str, make: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        if let Err(error) = retry(|| private_file().truncate(true).open(&unfinished)).and_then(make) {
            // Frees the space. If this fails too, the next start removes the file.
            let _ = retry(|| fs::remove_file(&unfinished));
            return Err(error);
        }
        retry(|| fs::rename(&unfinished, self.path(name)))?;
        self.sync_dir()
    }

    /// Names and lengths of all files.
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
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
                // Renamed or removed since the directory was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Writes `start`, then zeros, in pieces of the size that later syncs need.
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

    /// Writes `start` and allocates the remaining space without writing it; it reads as zeros.
    fn set_aside(mut file: File, bytes: u64, start: &[u8], cancel: &AtomicBool) -> io::Result<()> {
        match retry(|| fallocate(&file, FallocateFlags::empty(), 0, bytes).map_err(io::Error::from)) {
            Ok(()) => {}
            // This file system does not support it.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                return Self::write_zeroed(file, bytes, start, cancel);
            }
            Err(error) => return Err(error),
        }
        file.write_all(start)?;
        file.sync_all()
    }
}

/// A file that is written sequentially. The system is asked to start writing each piece to disk, so that the final sync
/// is short. Other syncs queue behind that one.
struct Streamed {
    file: File,
    bytes: u64,
}

impl Write for Streamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)? as u64;
        map::start_write_back(&self.file, self.bytes..self.bytes + written);
        self.bytes += written;
        Ok(written as usize)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteAt for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync(&self, _range: Range<u64>) -> io::Result<()> {
        self.sync_data()
    }

    fn start_write_back(&self, range: Range<u64>) {
        map::start_write_back(self, range);
    }
}

impl Storage for FileStorage {
    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        retry(|| self.list())
    }

    fn prepare(&self) -> io::Result<()> {
        make_folder(&self.dir)
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
        Ok(Box::new(lock::acquire(&self.dir)?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        let path = self.path(name);
        // Opening a named pipe would block until a process opens it for writing.
        if !retry(|| fs::metadata(&path))?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        Ok(Box::new(retry(|| File::open(&path))?))
    }

    fn create(
        &self,
        name: &str,
        bytes: u64,
        start: &[u8],
        writing: Writing,
        cancel: &AtomicBool,
    ) -> io::Result<()> {
        self.replace(name, |file| match writing {
            Writing::Mapped | Writing::Pwrite => Self::write_zeroed(file, bytes, start, cancel),
            Writing::PwriteReserved => Self::set_aside(file, bytes, start, cancel),
        })
    }

    fn write(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.replace(name, |file| {
            let mut stream = BufWriter::with_capacity(STREAM_BUFFER_BYTES, Streamed { file, bytes: 0 });
            fill(&mut stream)?;
            stream.into_inner().map_err(io::IntoInnerError::into_error)?.file.sync_all()
        })
    }

    fn open_to_write(&self, name: &str, bytes: u64, writing: Writing) -> io::Result<Region> {
        let file = retry(|| OpenOptions::new().read(true).write(true).open(self.path(name)))?;
        match writing {
            Writing::Mapped => Mapping::new(file, bytes as usize).map(Region::Mapped),
            Writing::Pwrite => Ok(Region::Gathered(Gathered::new(Arc::new(file)))),
            Writing::PwriteReserved => Ok(Region::Gathered(Gathered::new(Arc::new(file)).written_behind())),
        }
    }

    fn sync_file(&self, name: &str) -> Result<(), NotSynced> {
        let file = retry(|| File::open(self.path(name))).map_err(NotSynced::Unopened)?;
        file.sync_data().map_err(NotSynced::Failed)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        retry(|| fs::remove_file(self.path(name)))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Opening a named pipe for reading would block until a process opens it for writing.
    #[test]
    fn what_is_no_file_is_refused_at_once() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir().expect("a folder");
        mknodat(CWD, folder.path().join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        fs::create_dir(folder.path().join("folder")).expect("made");
        let files = FileStorage::new(folder.path());
        let (answers_in, answers) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for name in ["pipe", "folder", "none"] {
                answers_in
                    .send(files.open(name).map(drop).map_err(|error| error.kind()))
                    .expect("somebody waits");
            }
        });
        let answer = || answers.recv_timeout(std::time::Duration::from_secs(60)).expect("it does not wait");
        let invalid = Err(io::ErrorKind::InvalidInput);
        assert_eq!([answer(), answer(), answer()], [invalid, invalid, Err(io::ErrorKind::NotFound)]);
    }
}
