//! A journal's files in memory, with the faults that disks have: lost power, full disks, failed syncs, writes that go
//! astray. The same calls in the same order give the same bytes, so a seed names a whole run.

mod faults;
mod file;

use crate::error::JournalError;
use crate::gathered::{Gathered, WriteAt};
use crate::storage::{LockGuard, NotSynced, ReadAt, Region, Storage, UNFINISHED, Writing};
use faults::{Faults, injected};
use file::{Folder, MemoryFile, SharedFile, locked};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub use faults::{Action, Fault, Kept, Step};

/// Files in memory. Clones share the same files, as two programs share a folder.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    folder: Mutex<Folder>,
    faults: Mutex<Faults>,
    /// Set while a writer holds the lock.
    locked: Arc<AtomicBool>,
    salts_given: Mutex<u64>,
}

/// The bytes of one file in memory, open for writing.
#[derive(Debug)]
pub struct MemoryRegion {
    name: String,
    file: SharedFile,
    shared: Arc<Shared>,
}

impl MemoryStorage {
    /// No files yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the sum of all file sizes: making a file beyond it fails as a full disk does.
    pub fn set_capacity_bytes(&self, bytes: u64) {
        locked(&self.shared.faults).capacity_bytes = Some(bytes);
    }

    /// Lets `changes` more changes of the disk (see [`Action::changes_disk`]) succeed and all later ones fail, as when
    /// the power is about to go.
    pub fn fail_after(&self, changes: u64) {
        locked(&self.shared.faults).changes_until_failure = Some(changes);
    }

    /// Asks `plan` before every step what goes wrong with it. It must not use the storage itself.
    pub fn set_faults(&self, plan: impl FnMut(&Step<'_>) -> Option<Fault> + Send + 'static) {
        locked(&self.shared.faults).plan = Some(Box::new(plan));
    }

    /// From now on everything works, but for a limit of capacity.
    pub fn clear_faults(&self) {
        let mut faults = locked(&self.shared.faults);
        (faults.plan, faults.changes_until_failure) = (None, None);
    }

    /// The bytes of a file as programs see them, if it exists.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.shared.file(name).ok()?;
        let bytes = locked(&file).seen.clone();
        Some(bytes)
    }

    /// Puts a durable file with these bytes, replacing one of the same name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let file = Arc::new(Mutex::new(MemoryFile::durable(bytes)));
        locked(&self.shared.folder).files.insert(name.to_owned(), file);
    }

    /// Flips the bits of `mask` in one byte of a file, on the disk and in the cache. Whoever has the file open sees it;
    /// nothing happens where there is no such byte.
    pub fn rot(&self, name: &str, offset: u64, mask: u8) {
        let Ok(file) = self.shared.file(name) else { return };
        let MemoryFile { seen, durable, .. } = &mut *locked(&file);
        for bytes in [seen, durable] {
            if let Some(byte) = bytes.get_mut(offset as usize) {
                *byte ^= mask;
            }
        }
    }

    /// What another process finds after a loss of power: all that was synced, and of the rest what `kept(file name,
    /// offset)` says of each 512-byte sector, and at offset `u64::MAX` of a change of the file's name that was not synced.
    /// With `|_, _| true` it is what a killed process leaves. The copy is unlocked and without faults; its salts
    /// continue from this one's.
    #[must_use]
    pub fn after_crash<K: Into<Kept>>(&self, mut kept: impl FnMut(&str, u64) -> K) -> Self {
        let after = Self::new();
        *locked(&after.shared.salts_given) = *locked(&self.shared.salts_given);
        let files = locked(&self.shared.folder).after_crash(|name, offset| kept(name, offset).into());
        let files = files.into_iter().map(|(name, file)| (name, Arc::new(Mutex::new(file))));
        locked(&after.shared.folder).files = files.collect();
        after
    }
}

impl Shared {
    fn file(&self, name: &str) -> io::Result<SharedFile> {
        locked(&self.folder).files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Refuses if so many bytes more than there are would not fit.
    fn reserve(&self, bytes: u64) -> io::Result<()> {
        let used: u64 = locked(&self.folder).files.values().map(|file| locked(file).seen.len() as u64).sum();
        match locked(&self.faults).capacity_bytes {
            Some(capacity) if used + bytes > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn strike(&self, action: Action, file: &str, range: Range<u64>) -> Option<Fault> {
        locked(&self.faults).strike(&Step { action, file, range })
    }

    /// A step that either happens or fails.
    fn step(&self, action: Action, file: &str, range: Range<u64>, effect: impl FnOnce()) -> io::Result<()> {
        match self.strike(action, file, range) {
            None => effect(),
            Some(Fault::DoneButFails) => {
                effect();
                return Err(injected(io::ErrorKind::Other));
            }
            Some(Fault::Ignore) if action == Action::SyncDir => {}
            Some(Fault::Refuse(kind)) => return Err(injected(kind)),
            Some(Fault::System(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Some(Fault::Ignore | Fault::Short(_) | Fault::Misdirect { .. }) => {
                return Err(injected(io::ErrorKind::Other));
            }
        }
        Ok(())
    }

    /// Writes a new file to the page cache.
    fn write(&self, name: &str, mut content: Vec<u8>) -> io::Result<()> {
        let make = |content| locked(&self.folder).make(name, MemoryFile::cached(content));
        match self.strike(Action::Write, name, 0..content.len() as u64) {
            Some(Fault::Short(bytes)) => {
                content.truncate(bytes as usize);
                make(content);
                Err(injected(io::ErrorKind::WriteZero))
            }
            Some(Fault::Ignore) => {
                make(vec![0; content.len()]);
                Ok(())
            }
            Some(Fault::DoneButFails) => {
                make(content);
                Err(injected(io::ErrorKind::Other))
            }
            Some(Fault::Misdirect { .. }) => Err(injected(io::ErrorKind::Other)),
            Some(Fault::Refuse(kind)) => Err(injected(kind)),
            Some(Fault::System(errno)) => Err(io::Error::from_raw_os_error(errno)),
            None => {
                make(content);
                Ok(())
            }
        }
    }

    fn sync(&self, name: &str, file: &SharedFile, range: Range<usize>) -> io::Result<()> {
        let fault = self.strike(Action::Sync, name, range.start as u64..range.end as u64);
        let synced = faults::sync(&mut locked(file), range, fault);
        if let Some((to, offset, bytes)) = synced.astray
            && let Ok(file) = self.file(&to)
        {
            let durable = &mut locked(&file).durable;
            let from = durable.len().min(offset as usize);
            let length = bytes.len().min(durable.len() - from);
            durable[from..from + length].copy_from_slice(&bytes[..length]);
        }
        synced.answer
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.file(name)?;
        self.step(Action::Remove, name, 0..0, || {
            locked(&self.folder).remove(name);
        })?;
        self.sync_dir()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.step(Action::SyncDir, "", 0..0, || locked(&self.folder).sync())
    }

    /// Makes a file as a real disk does: under another name, synced, renamed, the rename synced.
    fn replace(&self, name: &str, content: Vec<u8>) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED}");
        let length = content.len();
        let written = self
            .write(&unfinished, content)
            .and_then(|()| self.sync(&unfinished, &self.file(&unfinished)?, 0..length));
        if let Err(error) = written {
            let _ = self.remove(&unfinished);
            return Err(error);
        }
        self.step(Action::Rename, name, 0..0, || locked(&self.folder).rename(&unfinished, name))?;
        self.sync_dir()
    }
}

impl MemoryRegion {
    pub(crate) fn edit<R>(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        edit(&mut locked(&self.file).seen[range])
    }

    pub(crate) fn flush(&mut self, range: Range<usize>) -> io::Result<()> {
        self.shared.sync(&self.name, &self.file, range)
    }
}

impl WriteAt for MemoryRegion {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let range = offset..offset + bytes.len() as u64;
        let write = |bytes: &[u8]| {
            let seen = &mut locked(&self.file).seen;
            seen[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        };
        match self.shared.strike(Action::Append, &self.name, range.clone()) {
            Some(Fault::Short(most)) => {
                let some = &bytes[..bytes.len().min(most as usize)];
                write(some);
                Ok(some.len())
            }
            None => {
                write(bytes);
                Ok(bytes.len())
            }
            Some(fault) => {
                // Of the others, whatever was done is not told.
                if fault == Fault::DoneButFails {
                    write(bytes);
                }
                Err(match fault {
                    Fault::Refuse(kind) => injected(kind),
                    Fault::System(errno) => io::Error::from_raw_os_error(errno),
                    Fault::DoneButFails | Fault::Ignore | Fault::Short(_) | Fault::Misdirect { .. } => {
                        injected(io::ErrorKind::Other)
                    }
                })
            }
        }
    }

    fn sync(&self, range: Range<u64>) -> io::Result<()> {
        self.shared.sync(&self.name, &self.file, range.start as usize..range.end as usize)
    }

    fn start_write_back(&self, _range: Range<u64>) {}
}

/// Gives the lock back when dropped.
struct MemoryLock(Arc<AtomicBool>);

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// An open file of a [`MemoryStorage`].
#[derive(Debug)]
struct OpenFile {
    name: String,
    file: SharedFile,
    shared: Arc<Shared>,
}

impl ReadAt for OpenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let range = offset..offset.saturating_add(buffer.len() as u64);
        let mut bytes = 0;
        self.shared.step(Action::Read, &self.name, range, || {
            let file = locked(&self.file);
            let from = file.seen.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
            bytes = buffer.len().min(file.seen.len() - from);
            buffer[..bytes].copy_from_slice(&file.seen[from..from + bytes]);
        })?;
        Ok(bytes)
    }
}

impl Storage for MemoryStorage {
    fn prepare(&self) -> io::Result<()> {
        self.shared.step(Action::Prepare, "", 0..0, || ())
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
        let taken = self.shared.step(Action::Lock, "", 0..0, || ());
        taken.map_err(JournalError::io("lock", self.dir()))?;
        let flag = &self.shared.locked;
        if flag.swap(true, Ordering::Acquire) {
            return Err(JournalError::Locked {
                dir: self.dir().to_owned(),
                holder: Some(std::process::id()),
            });
        }
        Ok(Box::new(MemoryLock(Arc::clone(flag))))
    }

    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        self.shared.step(Action::List, "", 0..0, || ())?;
        let folder = locked(&self.shared.folder);
        let length = |file: &SharedFile| locked(file).seen.len() as u64;
        Ok(folder.files.iter().map(|(name, file)| (name.clone(), length(file))).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        let file = self.shared.file(name)?;
        self.shared.step(Action::Open, name, 0..0, || ())?;
        Ok(Box::new(OpenFile { name: name.to_owned(), file, shared: Arc::clone(&self.shared) }))
    }

    fn create(
        &self,
        name: &str,
        bytes: u64,
        start: &[u8],
        _writing: Writing,
        _cancel: &AtomicBool,
    ) -> io::Result<()> {
        self.shared.reserve(bytes)?;
        let mut content = start.to_vec();
        content.resize(bytes as usize, 0);
        self.shared.replace(name, content)
    }

    fn write(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut content = Vec::new();
        fill(&mut content)?;
        self.shared.reserve(content.len() as u64)?;
        self.shared.replace(name, content)
    }

    fn open_to_write(&self, name: &str, bytes: u64, writing: Writing) -> io::Result<Region> {
        let file = self.shared.file(name)?;
        if (locked(&file).seen.len() as u64) < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.shared.step(Action::Map, name, 0..bytes, || ())?;
        let region = MemoryRegion { name: name.to_owned(), file, shared: Arc::clone(&self.shared) };
        Ok(match writing {
            Writing::Mapped => Region::Memory(region),
            Writing::Pwrite => Region::Gathered(Gathered::new(Arc::new(region))),
            Writing::PwriteReserved => Region::Gathered(Gathered::new(Arc::new(region)).written_behind()),
        })
    }

    fn sync_file(&self, name: &str) -> Result<(), NotSynced> {
        let file = self.shared.file(name).map_err(NotSynced::Unopened)?;
        self.shared.step(Action::Open, name, 0..0, || ()).map_err(NotSynced::Unopened)?;
        let length = locked(&file).seen.len();
        self.shared.sync(name, &file, 0..length).map_err(NotSynced::Failed)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.shared.remove(name)
    }

    fn new_salt(&self) -> u64 {
        let mut given = locked(&self.shared.salts_given);
        *given += 1;
        // Spreads the count over all bits, so that a flipped bit of a salt is not another file's salt.
        given.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn dir(&self) -> &Path {
        Path::new("(memory)")
    }
}
