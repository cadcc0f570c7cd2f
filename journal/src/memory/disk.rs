//! The disk of in-memory files, and one of its files open for writing.

use super::faults::{self, Action, Fault, Faults, Step, injected};
use super::file::{Folder, MemoryFile, SharedFile, locked};
use crate::gathered::WriteAt;
use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) folder: Mutex<Folder>,
    pub(super) faults: Mutex<Faults>,
    /// Set while a writer holds the lock.
    pub(super) locked: Arc<AtomicBool>,
    pub(super) salts_given: Mutex<u64>,
}

/// The bytes of one file in memory, open for writing.
#[derive(Debug)]
pub struct MemoryRegion {
    pub(super) name: String,
    pub(super) file: SharedFile,
    pub(super) shared: Arc<Shared>,
}

impl Shared {
    pub(super) fn file(&self, name: &str) -> io::Result<SharedFile> {
        locked(&self.folder).files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Fails if `bytes` more bytes would exceed the capacity.
    pub(super) fn reserve(&self, bytes: u64) -> io::Result<()> {
        let used: u64 = locked(&self.folder).files.values().map(|file| locked(file).seen.len() as u64).sum();
        match locked(&self.faults).capacity_bytes {
            Some(capacity) if used + bytes > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn strike(&self, action: Action, file: &str, range: Range<u64>) -> Option<Fault> {
        locked(&self.faults).strike(&Step { action, file, range })
    }

    /// Runs one step: it either takes effect or fails.
    pub(super) fn step(
        &self,
        action: Action,
        file: &str,
        range: Range<u64>,
        effect: impl FnOnce(),
    ) -> io::Result<()> {
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
    pub(super) fn write(&self, name: &str, mut content: Vec<u8>) -> io::Result<()> {
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

    pub(super) fn sync(&self, name: &str, file: &SharedFile, range: Range<usize>) -> io::Result<()> {
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

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.file(name)?;
        self.step(Action::Remove, name, 0..0, || {
            locked(&self.folder).remove(name);
        })?;
        self.sync_dir()
    }

    pub(super) fn sync_dir(&self) -> io::Result<()> {
        self.step(Action::SyncDir, "", 0..0, || locked(&self.folder).sync())
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
                // All other faults make the append fail; only `DoneButFails` writes the bytes first.
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
