//! Retention of segments that are no longer needed. It works beside a writer, only on files, and never touches a
//! segment with a record that may still wait for a sync.

use crate::archive::archive;
use crate::error::JournalError;
use crate::recovery::list;
use crate::segment::{file_name, open_segment};
use crate::storage::Storage;
use std::ops::RangeInclusive;

/// What happens to retired segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retire {
    /// They are deleted.
    Delete,
    /// They are compressed to `NAME.seg.zst` in the same directory and then deleted;
    /// [`ArchivedStorage`](crate::ArchivedStorage) reads the compressed files.
    Archive,
}

/// The result of a retirement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retired {
    /// Number of segments removed.
    pub segments: u64,
    /// Their size in bytes before compression.
    pub bytes: u64,
}

/// Syncs these segments; segments that no longer exist were retired and are skipped. For a log whose writer never
/// syncs: a reader of the log calls this.
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

/// Removes the segments that hold only records before `sequence`, oldest first. The segment of the record before
/// `sequence` and the segment in use always stay. The caller guarantees that everything before `sequence` is synced and
/// that no reader needs the removed records. A writer may be at work meanwhile.
///
/// # Errors
/// [`JournalError::Io`], or [`JournalError::Damaged`] if a header does not verify. Segments not yet removed stay.
pub fn retire_before(storage: &dyn Storage, sequence: u64, how: Retire) -> Result<Retired, JournalError> {
    let mut retired = Retired::default();
    for pair in list(storage)?.windows(2) {
        let [(number, bytes), (next_number, _)] = *pair else { continue };
        let (_, next) = open_segment(storage, next_number)?;
        // A synced record in the next segment proves that this segment and its end marker were synced before: a sync
        // goes from the oldest segment to the newest. So the writer will not need this file again.
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
