//! What an engine leaves behind, held against itself: journal, event log and SQL.

use dojima::config::Config;
use dojima::exchange::Digest;
use dojima::recovery::{DataDir, replay};
use dojima::replica::State;
use dojima::sql::check::check;
use dojima::sql::reader::SqlReader;
use dojima_journal::ArchivedStorage;
use std::path::Path;
use std::sync::Arc;

/// What the files say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Of the replayed journal.
    pub digest: Digest,
    /// The last event that the journal gives.
    pub last_event: u64,
    /// The last event in SQL.
    pub in_sql: u64,
}

/// Replays the journal from its first command on, out of archived segments where it must, checks every invariant of the state, and holds SQL against the event log as far as it got. No
/// engine may be running there.
pub fn examine(config: &Config, data: &Path) -> Remains {
    let dir = DataDir::new(data);
    let mut state = State::empty();
    let journal = Arc::new(ArchivedStorage::new(Arc::clone(dir.journal())));
    replay(&mut state, &(journal as _), 0, None, &mut |_| Ok(()), &mut |_| {}).expect("the journal replays");
    state.shards.audit().expect("all invariants hold");
    let sql = SqlReader::open(&data.join(&config.sql.path)).expect("the database opens");
    let report = check(&sql, dir.event_log()).expect("the database and the event log can be read");
    assert_eq!(report.first_difference(), None);
    Remains { digest: state.shards.digest(), last_event: state.last_event, in_sql: report.watermark.event }
}
