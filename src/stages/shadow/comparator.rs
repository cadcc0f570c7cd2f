//! Compares the event log, which has the matcher's events, with the shadow's events.

use crate::domain::{EventRecord, codec};
use crate::runtime::{Fatal, Halt};
use dojima_journal::storage::Storage;
use dojima_journal::{JournalError, Reader, Trusted, sync_segments};
use std::sync::Arc;

/// A reader of the event log, at the next event.
pub(super) struct EventLogComparator {
    files: Arc<dyn Storage>,
    reader: Reader,
    /// The first segment that may have bytes not yet on disk.
    unsynced_from: u64,
    segment: u64,
}

impl EventLogComparator {
    pub(super) fn open(files: Arc<dyn Storage>, first: u64) -> Result<Self, Fatal> {
        let open = |event| Reader::open_storage(Arc::clone(&files), event).map_err(Fatal::event_log);
        let reader = open(first)?;
        // The state that the shadow starts from has events too, and recovery may have just appended them.
        let segment = match first.checked_sub(1).map(open) {
            Some(Ok(mut before)) => {
                before.next().map_err(Fatal::event_log)?.map_or(0, |last| last.position().segment)
            }
            // That segment was retired, or the log was restarted: it has no events of the state.
            Some(Err(_)) | None => 0,
        };
        Ok(Self { files, reader, unsynced_from: 0, segment })
    }

    /// Compares the next event. The log has it, like all events up to `archived`. Every byte is compared, so checksums
    /// are not needed.
    ///
    /// # Errors
    /// [`Fatal::Diverged`] if the log has a different event; [`Fatal::EventLog`].
    pub(super) fn compare(&mut self, event: &EventRecord, archived: u64) -> Result<(), Halt> {
        let trusted = Trusted { first: 1, last: archived };
        let mut expected = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(event, &mut expected).expect("ENCODED_LEN_MAX bytes hold any event");
        let said = match self.reader.next_trusting(trusted).map_err(Halt::of(Fatal::event_log))? {
            Some(said) if said.payload == &expected[..len] => {
                self.segment = said.position().segment;
                return Ok(());
            }
            Some(said) => match codec::decode_event(said.payload) {
                Ok(said) => format!("{said:?}"),
                Err(error) => format!("an undecodable event ({error})"),
            },
            None => "nothing".to_owned(),
        };
        let (sequence, number) = (event.sequence, event.number);
        Err(Halt::Fatal(Fatal::diverged(format_args!(
            "command {sequence}: event {number} is {said} in the event log, but the shadow's replay gives {event:?}"
        ))))
    }

    /// Syncs everything that was compared.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        sync_segments(self.files.as_ref(), self.unsynced_from..=self.segment)?;
        self.unsynced_from = self.segment;
        Ok(())
    }
}
