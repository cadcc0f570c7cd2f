//! A journal's files in a folder of the operating system.

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
        retry(|| File::open(&self.dir))?.sync_all()
    }

    /// Lets `make` write a file and sync it under a name of its own, then gives it its name, durably.
    fn replace(&self, name: &str, make: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        if let Err(error) = retry(|| private_file().truncate(true).open(&unfinished)).and_then(make) {
            // Gives the space back; should that fail too, the next start removes the file.
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
                // Renamed or removed since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
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

    /// Writes `start`, and sets the rest aside, which then reads as zeros.
    fn set_aside(mut file: File, bytes: u64, start: &[u8], cancel: &AtomicBool) -> io::Result<()> {
        match retry(|| fallocate(&file, FallocateFlags::empty(), 0, bytes).map_err(io::Error::from)) {
            Ok(()) => {}
            // This file system cannot.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                return Self::write_zeroed(file, bytes, start, cancel);
            }
            Err(error) => return Err(error),
        }
        file.write_all(start)?;
        file.sync_all()
    }
}

/// A file that is written from its start to its end. The system is asked to begin with the disk's part of each piece, so that
/// the sync at the end, which others' syncs wait behind, finds little to do.
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
        // Opening a named pipe would wait for somebody to write to it.
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

    /// Opening a named pipe for reading would wait for a writer, for as long as there is none.
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
