//! The missing beginning of a log: deleted by retention, or lost. The files cannot tell which.

use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, Beginning, JournalError, beginning};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The segments and records before the first existing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The numbers of the segments; empty if the log was restarted in the middle, after a snapshot.
    pub segments: RangeInclusive<u64>,
    /// The sequences of the records.
    pub records: RangeInclusive<u64>,
}

impl Missing {
    /// What is missing before the first record of this log, counting archived segments as present; `None` if nothing
    /// is.
    ///
    /// # Errors
    /// [`JournalError`] if the first segment or its archive cannot be read.
    pub fn before(log: &Arc<dyn Storage>) -> Result<Option<Self>, JournalError> {
        let found = beginning(&ArchivedStorage::new(Arc::clone(log)))?;
        Ok(found.and_then(|Beginning { segment, sequence }| {
            let missing = Self { segments: 1..=segment - 1, records: 1..=sequence - 1 };
            (sequence > 1).then_some(missing)
        }))
    }
}
