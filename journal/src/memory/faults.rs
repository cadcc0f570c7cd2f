//! What a disk in memory can be told to do wrong, and when.

use super::file::MemoryFile;
use std::fmt;
use std::io;
use std::ops::Range;

/// What is done to a file or to the folder. [`Storage::create`](crate::storage::Storage::create) and
/// [`Storage::write`](crate::storage::Storage::write) are four of these in a row, as on a real disk: write and sync under
/// another name, rename, sync the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The folder is made.
    Prepare,
    /// The exclusive right to write is taken.
    Lock,
    /// The folder is listed.
    List,
    /// A file is opened for reading.
    Open,
    /// Bytes are read.
    Read,
    /// A segment is opened for writing.
    Map,
    /// A new file is written, to the page cache.
    Write,
    /// Bytes of a segment that is not mapped are written, to the page cache.
    Append,
    /// Bytes of a file are made durable.
    Sync,
    /// A file gets its name; the step is named by the new name.
    Rename,
    /// A file is removed.
    Remove,
    /// Names are made durable.
    SyncDir,
}

impl Action {
    /// Whether the disk is changed by it. The other actions a read-only disk allows, but for [`Action::Map`] and
    /// [`Action::Lock`], which open files for writing.
    #[must_use]
    pub fn changes_disk(self) -> bool {
        matches!(self, Self::Write | Self::Append | Self::Sync | Self::Rename | Self::Remove | Self::SyncDir)
    }
}

/// One action that a fault may strike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is about to be done.
    pub action: Action,
    /// To which file; empty for the folder itself.
    pub file: &'a str,
    /// To which bytes of it.
    pub range: Range<u64>,
}

/// What goes wrong. A fault that makes no sense for an action is as `Refuse(Other)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The action fails and does nothing. After a sync that failed so, the pages count as clean, as in a kernel: a later
    /// sync of them succeeds and writes nothing.
    Refuse(io::ErrorKind),
    /// The same with this error number of the system, such as one that passes.
    System(i32),
    /// The action is done, and reports failure all the same.
    DoneButFails,
    /// A write, a sync, or a sync of the folder reports success and does nothing. As for a failed one, what it should
    /// have written counts as clean.
    Ignore,
    /// Of a write or a sync only so many bytes are done, then it fails; an append says how many.
    Short(u64),
    /// A sync reports success, but the bytes went to another place.
    Misdirect {
        /// The file that gets them; nothing happens if it is not there.
        file: String,
        /// Where in it.
        offset: u64,
    },
}

/// Decides of each step what goes wrong with it.
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
    /// What goes wrong with this step.
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

/// The error of a fault.
pub(super) fn injected(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "injected failure")
}

/// What a sync did, and what it says.
pub(super) struct Synced {
    pub(super) answer: io::Result<()>,
    /// Bytes that belong somewhere else: file, offset, content.
    pub(super) astray: Option<(String, u64, Vec<u8>)>,
}

/// Syncs a range of a file as the fault has it.
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
