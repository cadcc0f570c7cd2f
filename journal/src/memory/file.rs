//! One in-memory file, and the names of the files: what processes see, and what a power loss leaves.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much of an unsynced sector, or of an unsynced change of names, survives a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: the old content remains.
    Nothing,
    /// The first so many new bytes of the sector; the old bytes follow. This is a torn sector.
    First(usize),
    /// All of it.
    All,
}

impl From<bool> for Kept {
    fn from(all: bool) -> Self {
        if all { Self::All } else { Self::Nothing }
    }
}

/// The unit in which a disk writes atomically, in bytes.
const SECTOR_BYTES: usize = 512;
/// The offset that stands for an unsynced change of the file's name.
pub(super) const NAME_OFFSET: u64 = u64::MAX;

/// Locks a mutex even if it is poisoned: a panic in a test must not cause a second panic here.
pub(super) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) type SharedFile = Arc<Mutex<MemoryFile>>;

#[derive(Debug, Default, Clone)]
pub(super) struct MemoryFile {
    /// The bytes that processes see: the page cache.
    pub(super) seen: Vec<u8>,
    /// The bytes that certainly survive a power loss; as long as `seen`.
    pub(super) durable: Vec<u8>,
    /// Sectors that count as clean although they are not on the disk, with their bytes when the sync failed.
    forgotten: BTreeMap<usize, Vec<u8>>,
}

/// The bytes of sector `index` in a file of `length` bytes.
fn sector(index: usize, length: usize) -> Range<usize> {
    index * SECTOR_BYTES..length.min((index + 1) * SECTOR_BYTES)
}

fn sectors_of(range: &Range<usize>) -> Range<usize> {
    range.start / SECTOR_BYTES..range.end.div_ceil(SECTOR_BYTES)
}

impl MemoryFile {
    /// A file whose bytes are on the disk.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { durable: bytes.clone(), seen: bytes, forgotten: BTreeMap::new() }
    }

    /// A file whose bytes are only in the page cache; its length is on the disk.
    pub(super) fn cached(bytes: Vec<u8>) -> Self {
        Self { durable: vec![0; bytes.len()], seen: bytes, forgotten: BTreeMap::new() }
    }

    /// Writes a range to the disk, except sectors that count as clean.
    pub(super) fn persist(&mut self, range: Range<usize>) {
        for index in sectors_of(&range) {
            let whole = sector(index, self.seen.len());
            if let Some(clean) = self.forgotten.get(&index) {
                if self.seen[whole.clone()] == clean[..] {
                    continue;
                }
                self.forgotten.remove(&index);
            }
            let part = whole.start.max(range.start)..whole.end.min(range.end);
            self.durable[part.clone()].copy_from_slice(&self.seen[part]);
        }
    }

    /// Marks a range as clean without writing it.
    pub(super) fn forget(&mut self, range: Range<usize>) {
        for index in sectors_of(&range) {
            let whole = sector(index, self.seen.len());
            if self.seen[whole.clone()] != self.durable[whole.clone()] {
                self.forgotten.insert(index, self.seen[whole].to_vec());
            }
        }
    }

    /// The bytes of the file after a power loss.
    fn after_crash(&self, mut kept: impl FnMut(u64) -> Kept) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for index in sectors_of(&(0..bytes.len())) {
            let range = sector(index, bytes.len());
            // A sector that counts as clean is never written again.
            let clean = self.forgotten.get(&index).is_some_and(|clean| self.seen[range.clone()] == clean[..]);
            if self.seen[range.clone()] == bytes[range.clone()] || clean {
                continue;
            }
            let new = match kept(range.start as u64) {
                Kept::Nothing => 0,
                Kept::First(new) => new.min(range.len()),
                Kept::All => range.len(),
            };
            let torn = range.start..range.start + new;
            bytes[torn.clone()].copy_from_slice(&self.seen[torn]);
        }
        bytes
    }
}

/// A change of names that is not on the disk yet.
#[derive(Debug)]
enum Change {
    Made(String),
    Renamed { from: String, to: String, replaced: Option<SharedFile> },
    Removed(String, SharedFile),
}

/// The names of the files.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) files: BTreeMap<String, SharedFile>,
    /// Oldest first.
    unsynced: Vec<Change>,
}

impl Folder {
    pub(super) fn make(&mut self, name: &str, file: MemoryFile) {
        self.files.insert(name.to_owned(), Arc::new(Mutex::new(file)));
        self.unsynced.push(Change::Made(name.to_owned()));
    }

    /// Whether a file of that name existed.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Some(file) = self.files.remove(name) else { return false };
        self.unsynced.push(Change::Removed(name.to_owned(), file));
        true
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(file) = self.files.remove(from) {
            let replaced = self.files.insert(to.to_owned(), file);
            self.unsynced.push(Change::Renamed { from: from.to_owned(), to: to.to_owned(), replaced });
        }
    }

    pub(super) fn sync(&mut self) {
        self.unsynced.clear();
    }

    /// The files after a power loss, by name.
    pub(super) fn after_crash(
        &self,
        mut kept: impl FnMut(&str, u64) -> Kept,
    ) -> BTreeMap<String, MemoryFile> {
        let mut files = self.files.clone();
        // Undone from the newest to the oldest, so that each change meets the names as they were right after it. A file
        // system keeps the order of changes: if a change is on the disk, all changes before it are too.
        for change in self.unsynced.iter().rev() {
            let (Change::Made(name) | Change::Renamed { to: name, .. } | Change::Removed(name, _)) = change;
            if kept(name, NAME_OFFSET) != Kept::Nothing {
                break;
            }
            match change {
                Change::Made(name) => drop(files.remove(name)),
                Change::Removed(name, file) => drop(files.insert(name.clone(), Arc::clone(file))),
                Change::Renamed { from, to, replaced } => {
                    if let Some(file) = files.remove(to) {
                        files.insert(from.clone(), file);
                    }
                    if let Some(replaced) = replaced {
                        files.insert(to.clone(), Arc::clone(replaced));
                    }
                }
            }
        }
        let after = files.iter().map(|(name, file)| {
            let bytes = locked(file).after_crash(|offset| kept(name, offset));
            (name.clone(), MemoryFile::durable(bytes))
        });
        after.collect()
    }
}
