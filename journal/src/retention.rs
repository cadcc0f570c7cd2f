//! What becomes of segments that nobody needs any more. Works beside a writer, on its files alone: it never touches a
//! segment in which a record may still wait for a sync.

use crate::archive::archive;
use crate::error::JournalError;
use crate::recovery::list;
use crate::segment::{file_name, open_segment};
use crate::storage::Storage;
use std::ops::RangeInclusive;

/// How segments go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retire {
    /// They are removed.
    Delete,
    /// They are compressed beside their old place, `NAME.seg.zst`, and then removed;
    /// [`ArchivedStorage`](crate::ArchivedStorage) reads them there.
    Archive,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retired {
    /// Segments removed.
    pub segments: u64,
    /// The bytes they took, before compression.
    pub bytes: u64,
}

/// Brings what was written to these segments to the disk; those that are gone were retired. For a log whose writer never
/// syncs, by somebody who reads it.
///
/// # Errors
/// [`JournalError::Io`].
pub fn sync_segments(storage: &dyn Storage, numbers: RangeInclusive<u64>) -> Result<(), JournalError> {
    for (number, _) in list(storage)?.into_iter().filter(|(number, _)| numbers.contains(number)) {
        let name = file_name(number);
        storage.sync_file(&name).map_err(JournalError::not_synced(&storage.path(&name)))?;
    }
    Ok(())
}

/// Removes the segments that hold only records before `sequence`, oldest first. The one that holds the record before
/// `sequence` stays, and so does always the one in use. The caller guarantees that everything before `sequence` is
/// synced and that nothing will ask for what is removed. A writer may be at work meanwhile.
///
/// # Errors
/// [`JournalError::Io`], or [`JournalError::Damaged`] if a header does not verify; the segments not yet removed stay.
pub fn retire_before(storage: &dyn Storage, sequence: u64, how: Retire) -> Result<Retired, JournalError> {
    let mut retired = Retired::default();
    for pair in list(storage)?.windows(2) {
        let [(number, bytes), (next_number, _)] = *pair else { continue };
        let (_, next) = open_segment(storage, next_number)?;
        // That a record of the next segment is synced says that this one, with its end marker, was synced before it: a
        // sync goes from the oldest segment to the newest. So the writer will not ask for this file again.
        if next.is_spare() || next.base_sequence >= sequence {
            break;
        }
        let name = file_name(number);
        if how == Retire::Archive {
            archive(storage, &name, bytes)?;
        }
        storage.remove(&name).map_err(JournalError::io("remove", &storage.path(&name)))?;
        retired.segments += 1;
        retired.bytes += bytes;
    }
    Ok(retired)
}
