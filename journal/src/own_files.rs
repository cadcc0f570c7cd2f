//! Which files of a folder are a journal's.

use crate::segment::number_of;
use crate::storage::UNFINISHED;
use crate::{archive, lock};

/// Whether a journal makes files of this name in its folder: segments, archived ones, those that are still being made, and
/// the lock.
#[must_use]
pub fn is_journal_file(name: &str) -> bool {
    let finished = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let segment = finished.strip_suffix(archive::SUFFIX).unwrap_or(finished);
    number_of(segment).is_some() || name == lock::FILE_NAME
}
