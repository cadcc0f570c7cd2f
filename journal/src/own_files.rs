//! Which files of a directory belong to a journal.

use crate::segment::number_of;
use crate::storage::UNFINISHED;
use crate::{archive, lock};

/// Whether the name is that of a file that a journal creates: a segment, an archived or unfinished one, or the lock.
#[must_use]
pub fn is_journal_file(name: &str) -> bool {
    let finished = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let segment = finished.strip_suffix(archive::SUFFIX).unwrap_or(finished);
    number_of(segment).is_some() || name == lock::FILE_NAME
}
