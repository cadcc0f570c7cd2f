//! A scan beside a writer. What is just being written may look damaged to a scan, which reads one part of a journal before and
//! another after: a record that was not there yet, and a later one that says it was durable; a segment that was not listed
//! yet, or is gone by now. So trouble counts only when it is found twice at the same place. What a first scan took for
//! damage was whole by the end of that scan, or no later record could have vouched for it.

use crate::error::JournalError;
use crate::recovery::{Scanned, Verdict, scan_storage_from};
use crate::storage::Storage;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The pause before a second look: far longer than a record or a header takes to be written.
const PAUSE: Duration = Duration::from_millis(100);
/// How often an end that moves is looked at again before it is taken for one that cannot be seen.
const MOVING_ENDS_MAX: usize = 20;

/// A journal as it was found beside whoever writes to it.
#[derive(Debug)]
pub struct FoundBeside {
    /// The scan. Of what lies before the last trouble it may have looked at the headers only, the second time.
    pub scanned: Scanned,
    /// It was written to meanwhile, so that how it ends means nothing.
    pub is_live: bool,
}

/// Where a scan found what does not hold.
struct Trouble {
    place: Place,
    /// What is due there; 0 if unknown, which may depend on where the scan began.
    sequence: u64,
}

#[derive(PartialEq, Eq)]
struct Place {
    file: PathBuf,
    offset: u64,
    is_error: bool,
}

/// Judges a journal beside which a writer may be at work; reads only, takes no lock. See [`scan_storage`](crate::scan_storage).
///
/// # Errors
/// As [`scan_storage`](crate::scan_storage), of a journal that is damaged or cannot be read while nobody writes there.
pub fn scan_beside(storage: &Arc<dyn Storage>) -> Result<FoundBeside, JournalError> {
    scan_beside_from(storage, 0)
}

/// As [`scan_beside`], but looks at the records only from `sequence` on; see [`scan_storage_from`].
///
/// # Errors
/// As [`scan_beside`].
pub fn scan_beside_from(storage: &Arc<dyn Storage>, sequence: u64) -> Result<FoundBeside, JournalError> {
    let mut scanned = scan_storage_from(Arc::clone(storage), sequence);
    let (mut is_live, mut moving_ends) = (false, 0);
    while let Some(found) = trouble(&scanned) {
        std::thread::sleep(PAUSE);
        // What lies before it has been read and was good. It may be the end of a segment, so that what is due there is in the
        // next one: the record before it is in its own.
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
