//! A journal's files in memory, with the faults that disks have: lost power, full disks, failed syncs, flipped bits.

use crate::error::JournalError;
use crate::storage::{LockGuard, ReadAt, Region, Storage};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a disk writes as one piece.
const SECTOR_BYTES: usize = 512;

/// Files in memory. Clones share the same files, as two programs share a folder.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Arc<Mutex<MemoryFile>>>>,
    faults: Mutex<Faults>,
    /// Set while a writer holds the lock.
    locked: Arc<AtomicBool>,
    salts_given: Mutex<u64>,
}

#[derive(Debug, Default)]
struct Faults {
    capacity_bytes: Option<u64>,
    changes_until_failure: Option<u64>,
}

#[derive(Debug, Default, Clone)]
struct MemoryFile {
    /// What programs see: the page cache.
    seen: Vec<u8>,
    /// What a loss of power leaves for certain.
    durable: Vec<u8>,
}

/// The bytes of one file in memory, open for writing.
#[derive(Debug)]
pub struct MemoryRegion {
    file: Arc<Mutex<MemoryFile>>,
    shared: Arc<Shared>,
}

/// A panic in a test must not turn into a second one here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Lets `changes` more changes of the disk (files made, removed or synced) succeed and all later ones fail.
    pub fn fail_after(&self, changes: u64) {
        locked(&self.shared.faults).changes_until_failure = Some(changes);
    }

    /// The bytes of a file as programs see them, if it exists.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let file = locked(&self.shared.files).get(name).cloned()?;
        let bytes = locked(&file).seen.clone();
        Some(bytes)
    }

    /// Puts a durable file with these bytes, replacing one of the same name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let file = MemoryFile { seen: bytes.clone(), durable: bytes };
        locked(&self.shared.files).insert(name.to_owned(), Arc::new(Mutex::new(file)));
    }

    /// What another process finds after a loss of power: all that was synced, and of the rest each 512-byte sector
    /// for which `keeps(file name, offset)` answers yes. With `|_, _| true` it is what a killed process leaves. The
    /// copy is unlocked and without faults; its salts continue from this one's.
    #[must_use]
    pub fn after_crash(&self, mut keeps: impl FnMut(&str, u64) -> bool) -> Self {
        let after = Self::new();
        *locked(&after.shared.salts_given) = *locked(&self.shared.salts_given);
        for (name, file) in locked(&self.shared.files).iter() {
            let mut file = locked(file).clone();
            let sectors = file.durable.chunks_mut(SECTOR_BYTES).zip(file.seen.chunks(SECTOR_BYTES));
            for (index, (durable, seen)) in sectors.enumerate() {
                if durable != seen && keeps(name, (index * SECTOR_BYTES) as u64) {
                    durable.copy_from_slice(seen);
                }
            }
            after.put(name, file.durable);
        }
        after
    }

    fn file(&self, name: &str) -> io::Result<Arc<Mutex<MemoryFile>>> {
        locked(&self.shared.files).get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Shared {
    fn pass(&self) -> io::Result<()> {
        match &mut locked(&self.faults).changes_until_failure {
            Some(0) => Err(io::Error::other("injected failure")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl MemoryRegion {
    pub(crate) fn edit<R>(&mut self, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        edit(&mut locked(&self.file).seen)
    }

    pub(crate) fn flush(&mut self, range: Range<usize>) -> io::Result<()> {
        self.shared.pass()?;
        let MemoryFile { seen, durable } = &mut *locked(&self.file);
        durable[range.clone()].copy_from_slice(&seen[range]);
        Ok(())
    }
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
struct OpenFile(Arc<Mutex<MemoryFile>>);

impl ReadAt for OpenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let file = locked(&self.0);
        let from = file.seen.len().min(offset as usize);
        let bytes = buffer.len().min(file.seen.len() - from);
        buffer[..bytes].copy_from_slice(&file.seen[from..from + bytes]);
        Ok(bytes)
    }
}

impl Storage for MemoryStorage {
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
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
        let files = locked(&self.shared.files);
        Ok(files.iter().map(|(name, file)| (name.clone(), locked(file).seen.len() as u64)).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(OpenFile(self.file(name)?)))
    }

    fn create(&self, name: &str, bytes: u64, start: &[u8], _cancel: &AtomicBool) -> io::Result<()> {
        let used: u64 = self.files()?.iter().map(|(_, length)| length).sum();
        if locked(&self.shared.faults).capacity_bytes.is_some_and(|capacity| used + bytes > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.shared.pass()?;
        let mut content = start.to_vec();
        content.resize(bytes as usize, 0);
        self.put(name, content);
        Ok(())
    }

    fn write(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut content = Vec::new();
        fill(&mut content)?;
        self.shared.pass()?;
        self.put(name, content);
        Ok(())
    }

    fn map(&self, name: &str, _bytes: u64) -> io::Result<Region> {
        Ok(Region::Memory(MemoryRegion { file: self.file(name)?, shared: Arc::clone(&self.shared) }))
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        self.shared.pass()?;
        let file = self.file(name)?;
        let MemoryFile { seen, durable } = &mut *locked(&file);
        durable.copy_from_slice(seen);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.shared.pass()?;
        locked(&self.shared.files).remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
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
