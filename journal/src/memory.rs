//! A journal's files in memory, with the faults of real disks: lost power, full disks, failed syncs, misdirected
//! writes. The same calls in the same order give the same bytes, so a seed identifies a whole run.

pub(crate) mod disk;
mod faults;
mod file;

use crate::error::JournalError;
use crate::error::NotSynced;
use crate::gathered::Gathered;
use crate::storage::{LockGuard, ReadAt, Region, Storage, UNFINISHED, Writing};
use disk::{MemoryRegion, Shared};
use file::{MemoryFile, SharedFile, locked};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub use faults::{Action, Fault, Step};
pub use file::Kept;

/// Files in memory. Clones share the same files, like two processes that share a directory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<Shared>,
}

impl MemoryStorage {
    /// A storage without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the sum of all file sizes. Creating a file beyond the limit fails with a disk-full error.
    pub fn set_capacity_bytes(&self, bytes: u64) {
        locked(&self.shared.faults).capacity_bytes = Some(bytes);
    }

    /// Lets the next `changes` disk changes (see [`Action::changes_disk`]) succeed and all later ones fail, as just
    /// before a power loss.
    pub fn fail_after(&self, changes: u64) {
        locked(&self.shared.faults).changes_until_failure = Some(changes);
    }

    /// Calls `plan` before every step; it returns the fault of the step, if any. It must not use the storage itself.
    pub fn set_faults(&self, plan: impl FnMut(&Step<'_>) -> Option<Fault> + Send + 'static) {
        locked(&self.shared.faults).plan = Some(Box::new(plan));
    }

    /// Removes all faults except the limit of capacity.
    pub fn clear_faults(&self) {
        let mut faults = locked(&self.shared.faults);
        (faults.plan, faults.changes_until_failure) = (None, None);
    }

    /// The bytes of a file as processes see them; `None` if it does not exist.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.shared.file(name).ok()?;
        let bytes = locked(&file).seen.clone();
        Some(bytes)
    }

    /// Stores a durable file with these bytes, replacing any file of the same name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let file = Arc::new(Mutex::new(MemoryFile::durable(bytes)));
        locked(&self.shared.folder).files.insert(name.to_owned(), file);
    }

    /// Flips the bits of `mask` in one byte of a file, on the disk and in the cache. Open handles of the file see the
    /// change. Does nothing if the byte does not exist.
    pub fn rot(&self, name: &str, offset: u64, mask: u8) {
        let Ok(file) = self.shared.file(name) else { return };
        let MemoryFile { seen, durable, .. } = &mut *locked(&file);
        for bytes in [seen, durable] {
            if let Some(byte) = bytes.get_mut(offset as usize) {
                *byte ^= mask;
            }
        }
    }

    /// Creates a file like a real disk: written under another name, synced, renamed, and the rename synced.
    fn replace(&self, name: &str, content: Vec<u8>) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED}");
        let length = content.len();
        let written = self
            .shared
            .write(&unfinished, content)
            .and_then(|()| self.shared.sync(&unfinished, &self.shared.file(&unfinished)?, 0..length));
        if let Err(error) = written {
            let _ = self.shared.remove(&unfinished);
            return Err(error);
        }
        self.shared
            .step(Action::Rename, name, 0..0, || locked(&self.shared.folder).rename(&unfinished, name))?;
        self.shared.sync_dir()
    }

    /// The storage that another process finds after a power loss. It has everything that was synced. For each unsynced
    /// 512-byte sector `kept(file name, offset)` decides what survives; for an unsynced change of the file's name,
    /// `kept` is called with offset `u64::MAX`. With `|_, _| true` the result is what a killed process leaves. The copy
    /// is unlocked and has no faults; its salts continue from those of this storage.
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

/// Releases the lock when dropped.
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
        self.replace(name, content)
    }

    fn write(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut content = Vec::new();
        fill(&mut content)?;
        self.shared.reserve(content.len() as u64)?;
        self.replace(name, content)
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
