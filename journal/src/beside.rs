//! A scan of a journal that another process may be writing. Such a scan can see damage that is not there, because it
//! reads different parts of the journal at different times: it may miss a record that is just being written and then
//! see a later record whose watermark covers it; or it may miss a segment that was created or retired meanwhile.
//! Therefore trouble counts only if a second scan finds it at the same place. A record that only looked damaged was
//! complete by the end of the first scan, because otherwise no later record could have said that it was durable.

use crate::error::JournalError;
use crate::recovery::{Scanned, Verdict, scan_storage_from};
use crate::storage::Storage;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The pause before the second scan: far longer than it takes to write a record or a header.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the scan is repeated while the end of the journal moves. After that the journal counts as live.
const MOVING_ENDS_MAX: usize = 20;

/// The result of scanning a journal that may have a writer.
#[derive(Debug)]
pub struct FoundBeside {
    /// The scan. If it was repeated, it may have read only the headers of the segments before the last trouble.
    pub scanned: Scanned,
    /// Whether the journal was written to during the scan. If so, the verdict about its end means nothing.
    pub is_live: bool,
}

/// The place where a scan found something that does not verify.
struct Trouble {
    place: Place,
    /// The sequence expected there; 0 if unknown. Whether it is known may depend on where the scan started.
    sequence: u64,
}

#[derive(PartialEq, Eq)]
struct Place {
    file: PathBuf,
    offset: u64,
    is_error: bool,
}

/// Scans a journal that may have a writer at work. Reads only and takes no lock. See
/// [`scan_storage`](crate::scan_storage).
///
/// # Errors
/// As [`scan_storage`](crate::scan_storage), if the journal is damaged or cannot be read and no writer explains it.
pub fn scan_beside(storage: &Arc<dyn Storage>) -> Result<FoundBeside, JournalError> {
    scan_beside_from(storage, 0)
}

/// As [`scan_beside`], but reads records only from `sequence` on; see [`scan_storage_from`].
///
/// # Errors
/// As [`scan_beside`].
pub fn scan_beside_from(storage: &Arc<dyn Storage>, sequence: u64) -> Result<FoundBeside, JournalError> {
    let mut scanned = scan_storage_from(Arc::clone(storage), sequence);
    let (mut is_live, mut moving_ends) = (false, 0);
    while let Some(found) = trouble(&scanned) {
        std::thread::sleep(PAUSE);
        // Everything before this place verified. The place may be the end of a segment, with the expected record in the
        // next one, so the scan starts at the segment of the record before it.
        let again = scan_storage_from(Arc::clone(storage), found.sequence.saturating_sub(1).max(sequence));
        is_live = trouble(&again).is_none_or(|again| again.place != found.place);
        moving_ends += usize::from(!found.place.is_error);
        scanned = again;
        if !is_live || moving_ends == MOVING_ENDS_MAX && scanned.is_ok() {
            break;
        }
    }
    Ok(FoundBeside { scanned: scanned?, is_live })
}

fn trouble(scanned: &Result<Scanned, JournalError>) -> Option<Trouble> {
    let (file, offset, sequence) = match scanned {
        Err(JournalError::Damaged { file, offset, sequence, .. }) => (file, *offset, *sequence),
        Err(JournalError::UnknownVersion { file, offset, .. }) => (file, *offset, 0),
        Err(
            JournalError::Io { path, .. }
            | JournalError::OtherContent { file: path, .. }
            | JournalError::EarlierEpoch { file: path, .. },
        ) => (path, 0, 0),
        Err(_) => return None,
        Ok(scanned) => match scanned.verdict() {
            Verdict::TornTail { file, offset, .. } => (file, *offset, scanned.next_sequence()),
            Verdict::Empty | Verdict::Clean | Verdict::Unsealed => return None,
        },
    };
    let place = Place { file: file.clone(), offset, is_error: scanned.is_err() };
    Some(Trouble { place, sequence })
}
