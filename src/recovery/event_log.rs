//! The event log brought up to the journal: events that it lacks are appended, events beyond the journal are cut.

use super::RecoveryError;
use crate::domain::{EventRecord, Timestamp, codec};
use dojima_journal::storage::Storage;
use dojima_journal::{AppendError, Options, Reader, Scanned, Writer, scan_storage};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The event log while it is held against the replay and brought up to it.
pub(super) struct EventLog {
    files: Arc<dyn Storage>,
    options: Options,
    /// The number of the last event in it when it was opened.
    pub(super) last: u64,
    /// Until the first event that has to be appended.
    scanned: Option<Scanned>,
    writer: Option<Writer>,
    pub(super) appended: u64,
    /// The last event that the replay gave.
    regenerated: Option<EventRecord>,
}

impl EventLog {
    pub(super) fn open(files: Arc<dyn Storage>, options: Options) -> Result<Self, RecoveryError> {
        let scanned = scan_storage(Arc::clone(&files)).map_err(RecoveryError::EventLog)?;
        let last = scanned.next_sequence() - 1;
        Ok(Self {
            files,
            options,
            last,
            scanned: Some(scanned),
            writer: None,
            appended: 0,
            regenerated: None,
        })
    }

    /// Takes the next event of the replay: appends it if the log lacks it, compares it if it is the log's last.
    pub(super) fn take(&mut self, record: &EventRecord) -> Result<(), RecoveryError> {
        if record.number < self.last {
            self.regenerated = Some(*record);
            return Ok(());
        }
        if record.number == self.last {
            return compare(&self.files, record);
        }
        if let Some(scanned) = self.scanned.take() {
            self.writer = Some(scanned.into_writer(self.options).map_err(RecoveryError::EventLog)?);
        }
        let writer = self.writer.as_mut().expect("the scan became a writer");
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(record, &mut payload).expect("ENCODED_LEN_MAX bytes hold any event");
        self.appended += 1;
        append_patiently(writer, self.files.dir(), record.number, record.time, &payload[..len])
    }

    /// The log's writer. What the log has beyond the journal's last event is cut: after a power cut in async mode the
    /// journal may have lost commands whose events were logged, and those were never durable.
    pub(super) fn into_writer(self, last_event: u64) -> Result<Writer, RecoveryError> {
        match (self.writer, self.scanned) {
            (Some(writer), _) => Ok(writer),
            (None, Some(scanned)) if self.last > last_event => {
                // What stays must be of this journal: a log of another history is not cut to fit.
                if let Some(last) = &self.regenerated {
                    compare(&self.files, last)?;
                }
                tracing::warn!(
                    "the event log has {} events beyond the journal's {last_event}: they were never durable and are cut",
                    self.last - last_event,
                );
                scanned.into_writer_truncated(last_event, self.options).map_err(RecoveryError::EventLog)
            }
            (None, Some(scanned)) => scanned.into_writer(self.options).map_err(RecoveryError::EventLog),
            (None, None) => unreachable!("a log is scanned or written"),
        }
    }
}

/// The log was written by the same commands if its record of an event is what they give now: events are numbered densely,
/// and a record that does not verify would have ended the log before it.
fn compare(files: &Arc<dyn Storage>, record: &EventRecord) -> Result<(), RecoveryError> {
    let mut reader =
        Reader::open_storage(Arc::clone(files), record.number).map_err(RecoveryError::EventLog)?;
    let logged =
        reader.next().map_err(RecoveryError::EventLog)?.map(|logged| codec::decode_event(logged.payload));
    match logged {
        Some(Ok(logged)) if logged == *record => Ok(()),
        _ => Err(RecoveryError::EventLogDiverged { dir: files.dir().to_owned(), number: record.number }),
    }
}

/// How long recovery waits for the next segment to be prepared.
const SPACE_PATIENCE: Duration = Duration::from_secs(30);

/// Appends, and waits for the helper that prepares segments where a replay is faster than it.
pub(super) fn append_patiently(
    writer: &mut Writer,
    dir: &Path,
    sequence: u64,
    time: Timestamp,
    payload: &[u8],
) -> Result<(), RecoveryError> {
    let started = Instant::now();
    loop {
        match writer.append(sequence, time.0, payload) {
            Ok(()) => return Ok(()),
            Err(AppendError::NoSpace) if started.elapsed() < SPACE_PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(source) => {
                let reason = writer.low_space_reason();
                return Err(RecoveryError::Append { dir: dir.to_owned(), source, reason });
            }
        }
    }
}
