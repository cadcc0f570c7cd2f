//! Retention: keeps the newest snapshots, and the parts of journal and event log that they, SQL or a resuming client
//! need.

use crate::domain::Timestamp;
use crate::replica::{SnapshotError, SnapshotInfo, Snapshots};
use dojima_journal::storage::Storage;
use dojima_journal::{JournalError, Reader, Retire, retire_before};
use std::sync::Arc;

/// What happens to segments that are no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// They are kept.
    Keep,
    /// They are compressed in the same directory.
    Archive,
    /// They are deleted.
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many valid snapshots are kept, at least 1: if the newest cannot be read, a start uses the one before.
    pub snapshots_kept: usize,
    /// What happens to old segments.
    pub segments: Segments,
    /// Events younger than this stay in the event log for clients that resume, ns.
    pub resend_ns: u64,
}

/// Why retention failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RetentionError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Retention {
    /// Deletes old snapshots, and retires segments before the oldest position that kept snapshots, SQL, market data and
    /// resuming clients need. `needed_from` are the last events that SQL and market data have on disk. Returns the
    /// number of segments.
    pub(super) fn apply(
        &self,
        snapshots: &Snapshots,
        journal: &Arc<dyn Storage>,
        event_log: &Arc<dyn Storage>,
        needed_from: &[u64],
        now: Timestamp,
    ) -> Result<u64, RetentionError> {
        // With fewer snapshots than must be kept, a start may have to begin at the first command.
        let Some(oldest) = self.oldest_kept(snapshots)? else { return Ok(0) };
        for old in snapshots.positions()?.into_iter().filter(|position| *position < oldest.position) {
            snapshots.remove(old)?;
        }
        let how = match self.segments {
            Segments::Keep => return Ok(0),
            Segments::Archive => Retire::Archive,
            Segments::Delete => Retire::Delete,
        };
        let commands = retire_before(journal.as_ref(), oldest.position + 1, how)?;
        let needed = needed_from.iter().copied().fold(oldest.last_event, u64::min);
        let young = Timestamp(now.0.saturating_sub(self.resend_ns));
        let events = retire_before(event_log.as_ref(), first_since(event_log, needed, young)?, how)?;
        Ok(commands.segments + events.segments)
    }

    /// The oldest of the snapshots to keep; `None` while there are fewer. Snapshots that do not verify do not count,
    /// because no start could use them.
    fn oldest_kept(&self, snapshots: &Snapshots) -> Result<Option<SnapshotInfo>, SnapshotError> {
        let mut left = self.snapshots_kept;
        for position in snapshots.positions()? {
            match snapshots.check(position) {
                Ok(info) if left <= 1 => return Ok(Some(info)),
                Ok(_) => left -= 1,
                Err(error) => tracing::warn!(
                    "the snapshot of command {position} is not counted by retention, because it cannot be verified: {error}"
                ),
            }
        }
        Ok(None)
    }
}

/// The first event of the segment in which events of this time begin, at most `last + 1`.
fn first_since(event_log: &Arc<dyn Storage>, last: u64, time: Timestamp) -> Result<u64, JournalError> {
    let (mut from, mut until) = (0, last + 1);
    // The times of the segments' first events increase with their numbers: binary search for one segment.
    while from + 1 < until {
        let middle = from + (until - from) / 2;
        let mut reader = match Reader::open_segment_of(Arc::clone(event_log), middle) {
            Ok(reader) => reader,
            Err(JournalError::Gone { .. }) => {
                from = middle;
                continue;
            }
            Err(error) => return Err(error),
        };
        match reader.next()? {
            // All records before this one are older than it, and it is itself too old.
            Some(first) if first.time_ns < time.0 => from = middle,
            Some(first) if first.sequence > from => until = first.sequence.min(middle),
            _ => until = middle,
        }
    }
    // The segment that holds `from` began before the time, so some of its events may be younger: it is kept.
    Ok(from.max(1))
}
