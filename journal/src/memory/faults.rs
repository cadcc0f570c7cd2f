//! Faults that can be injected into an in-memory disk.

use super::file::MemoryFile;
use std::fmt;
use std::io;
use std::ops::Range;

/// An operation on a file or on the directory. [`Storage::create`](crate::storage::Storage::create) and
/// [`Storage::write`](crate::storage::Storage::write) consist of four of these, as on a real disk: write and sync under
/// another name, rename, sync the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The directory is created.
    Prepare,
    /// The exclusive right to write is taken.
    Lock,
    /// The directory is listed.
    List,
    /// A file is opened for reading.
    Open,
    /// Bytes are read.
    Read,
    /// A segment is opened for writing.
    Map,
    /// A new file is written, to the page cache.
    Write,
    /// Bytes are written to a segment that is not mapped, into the page cache.
    Append,
    /// Bytes of a file are made durable.
    Sync,
    /// A file is renamed; the step carries the new name.
    Rename,
    /// A file is removed.
    Remove,
    /// Names are made durable.
    SyncDir,
}

impl Action {
    /// Whether the action changes the disk. A read-only disk allows the other actions, except [`Action::Map`] and
    /// [`Action::Lock`], which open files for writing.
    #[must_use]
    pub fn changes_disk(self) -> bool {
        matches!(self, Self::Write | Self::Append | Self::Sync | Self::Rename | Self::Remove | Self::SyncDir)
    }
}

/// One action that a fault can affect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    /// The action about to be run.
    pub action: Action,
    /// The name of the file; empty for the directory itself.
    pub file: &'a str,
    /// The range of bytes.
    pub range: Range<u64>,
}

/// An injected fault. A fault that does not apply to the action acts as `Refuse(Other)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The action fails and has no effect. After such a failed sync the pages count as clean, as in a kernel: a later
    /// sync of them succeeds and writes nothing.
    Refuse(io::ErrorKind),
    /// The same with this system error number, for example a transient one.
    System(i32),
    /// The action takes effect but reports failure.
    DoneButFails,
    /// A write, a sync, or a sync of the directory reports success but has no effect. As after a failed sync, the pages
    /// count as clean.
    Ignore,
    /// Only this many bytes of a write or sync take effect, then it fails; an append reports how many were written.
    Short(u64),
    /// A sync reports success, but the bytes went to another place.
    Misdirect {
        /// The file that receives the bytes; nothing happens if it does not exist.
        file: String,
        /// The offset in that file.
        offset: u64,
    },
}

/// Decides for each step which fault it has, if any.
type Plan = Box<dyn FnMut(&Step<'_>) -> Option<Fault> + Send>;

/// The faults of one disk.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) capacity_bytes: Option<u64>,
    pub(super) changes_until_failure: Option<u64>,
    pub(super) plan: Option<Plan>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { capacity_bytes, changes_until_failure, plan } = self;
        f.debug_struct("Faults")
            .field("capacity_bytes", capacity_bytes)
            .field("changes_until_failure", changes_until_failure)
            .field("plan", &plan.is_some())
            .finish()
    }
}

impl Faults {
    /// The fault of this step, if any.
    pub(super) fn strike(&mut self, step: &Step<'_>) -> Option<Fault> {
        if step.action.changes_disk()
            && let Some(left) = &mut self.changes_until_failure
        {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => return Some(Fault::Refuse(io::ErrorKind::Other)),
            }
        }
        self.plan.as_mut().and_then(|plan| plan(step))
    }
}

/// The error that a fault reports.
pub(super) fn injected(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "injected failure")
}

/// The effect and the result of a sync.
pub(super) struct Synced {
    pub(super) answer: io::Result<()>,
    /// Misdirected bytes: file, offset, content.
    pub(super) astray: Option<(String, u64, Vec<u8>)>,
}

/// Syncs a range of a file with the given fault.
pub(super) fn sync(file: &mut MemoryFile, range: Range<usize>, fault: Option<Fault>) -> Synced {
    let (mut answer, mut astray) = (Ok(()), None);
    match fault {
        None => file.persist(range),
        Some(Fault::DoneButFails) => {
            file.persist(range);
            answer = Err(injected(io::ErrorKind::Other));
        }
        Some(Fault::Ignore) => file.forget(range),
        Some(Fault::Refuse(kind)) => {
            file.forget(range);
            answer = Err(injected(kind));
        }
        Some(Fault::System(errno)) => {
            file.forget(range);
            answer = Err(io::Error::from_raw_os_error(errno));
        }
        Some(Fault::Short(bytes)) => {
            let middle = range.start + range.len().min(bytes as usize);
            file.persist(range.start..middle);
            file.forget(middle..range.end);
            answer = Err(injected(io::ErrorKind::Other));
        }
        Some(Fault::Misdirect { file: to, offset }) => {
            astray = Some((to, offset, file.seen[range.clone()].to_vec()));
            file.forget(range);
        }
    }
    Synced { answer, astray }
}
