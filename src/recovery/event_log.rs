//! The event log brought up to the journal: events that it has are compared with those of the replay, events that it lacks
//! are appended, events beyond the journal are cut.

use super::RecoveryError;
use crate::domain::{EventRecord, Stamp, Timestamp, codec};
use crossbeam_channel::{Receiver, Sender, bounded};
use dojima_journal::storage::Storage;
use dojima_journal::{AppendError, Options, Reader, Scanned, Writer, scan_storage, scan_storage_from};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The event log while it is held against a replay and brought up to it.
pub(super) struct EventLog {
    files: Arc<dyn Storage>,
    options: Options,
    /// The number of the first event in it when it was opened, or of the next.
    pub(super) first: u64,
    /// The number of the last event in it when it was opened.
    pub(super) last: u64,
    /// Until the first event that has to be appended.
    scanned: Option<Scanned>,
    writer: Option<Writer>,
    /// At the next event that is to be compared, once there was one.
    reader: Option<Reader>,
    pub(super) compared: u64,
    pub(super) appended: u64,
    lacking: Lacking,
}

/// What becomes of events that the log lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Appended,
    /// They are counted as appended, and nothing is written.
    Counted,
}

impl EventLog {
    /// The log as it is; what lies before the segment of event `from` is not looked at.
    pub(super) fn open(files: Arc<dyn Storage>, options: Options, from: u64) -> Result<Self, RecoveryError> {
        let scanned = match from {
            0 => scan_storage(Arc::clone(&files)),
            from => scan_storage_from(Arc::clone(&files), from),
        };
        let scanned = scanned.map_err(RecoveryError::EventLog)?;
        scanned.check_content(&options).map_err(RecoveryError::EventLog)?;
        let (first, last) = (scanned.first_sequence(), scanned.next_sequence() - 1);
        Ok(Self {
            files,
            options,
            first,
            last,
            scanned: Some(scanned),
            writer: None,
            reader: None,
            compared: 0,
            appended: 0,
            lacking: Lacking::Appended,
        })
    }

    /// Whether there is no event in it.
    pub(super) fn is_empty(&self) -> bool {
        self.last < self.first
    }

    /// The command of its last event, as far as that can be read.
    pub(super) fn last_sequence(&self) -> Result<Option<u64>, RecoveryError> {
        if self.is_empty() {
            return Ok(None);
        }
        let opened = Reader::open_storage(Arc::clone(&self.files), self.last);
        let mut reader = opened.map_err(RecoveryError::EventLog)?;
        let last = reader.next().map_err(RecoveryError::EventLog)?;
        Ok(last.and_then(|last| codec::decode_event(last.payload).ok()).map(|last| last.sequence))
    }

    /// A log without events that goes on after `event`.
    pub(super) fn start_after(&mut self, event: u64) {
        self.options = self.options.with_first_sequence(event + 1);
        (self.first, self.last) = (event + 1, event);
    }

    /// The log for a start that writes nothing.
    pub(super) fn unwritten(self) -> Self {
        Self { lacking: Lacking::Counted, ..self }
    }

    /// Takes the next event of the replay: compares it if the log has it, appends it if not.
    pub(super) fn take(&mut self, record: &EventRecord) -> Result<(), RecoveryError> {
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(record, &mut payload).expect("ENCODED_LEN_MAX bytes hold any event");
        if record.number > self.last {
            return self.append(record, &payload[..len]);
        }
        // Older ones have been retired.
        if record.number >= self.first { self.compare(record, &payload[..len]) } else { Ok(()) }
    }

    fn append(&mut self, record: &EventRecord, payload: &[u8]) -> Result<(), RecoveryError> {
        self.appended += 1;
        if self.lacking == Lacking::Counted {
            return Ok(());
        }
        if let Some(scanned) = self.scanned.take() {
            self.writer = Some(scanned.into_writer(self.options).map_err(RecoveryError::EventLog)?);
        }
        let writer = self.writer.as_mut().expect("the scan became a writer");
        append_patiently(writer, self.files.dir(), record.number, record.time, payload)
    }

    fn compare(&mut self, record: &EventRecord, payload: &[u8]) -> Result<(), RecoveryError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let opened = Reader::open_storage(Arc::clone(&self.files), record.number);
                self.reader.insert(opened.map_err(RecoveryError::EventLog)?)
            }
        };
        self.compared += 1;
        let logged = match reader.next().map_err(RecoveryError::EventLog)? {
            Some(logged) if logged.payload == payload && logged.sequence == record.number => return Ok(()),
            Some(logged) => match codec::decode_event(logged.payload) {
                Ok(logged) => format!("{logged:?}"),
                Err(error) => format!("unreadable ({error})"),
            },
            None => "missing".to_owned(),
        };
        Err(RecoveryError::EventLogDiverged {
            dir: self.files.dir().to_owned(),
            sequence: record.sequence,
            number: record.number,
            logged,
            replayed: format!("{record:?}"),
        })
    }

    /// Runs `replay` with a place to put its events, and takes them on another thread meanwhile.
    pub(super) fn beside<R>(
        mut self,
        replay: impl FnOnce(&mut Feed) -> Result<R, RecoveryError>,
    ) -> Result<(R, Self), RecoveryError> {
        let (full, full_in) = bounded(BATCHES_WAITING);
        let (used, used_in) = bounded(BATCHES_WAITING + 2);
        let (failed, failed_in) = bounded(1);
        std::thread::scope(|scope| {
            let log = scope.spawn(move || {
                for batch in full_in {
                    let batch: Vec<EventRecord> = batch;
                    if let Err(error) = batch.iter().try_for_each(|record| self.take(record)) {
                        let _ = failed.send(error);
                        return None;
                    }
                    let _ = used.try_send(batch);
                }
                Some(self)
            });
            let mut feed = Feed { batch: Vec::new(), full, used: used_in, failed: failed_in };
            let replayed = replay(&mut feed).and_then(|replayed| feed.flush().map(|()| replayed));
            let failed = feed.failed.clone();
            drop(feed);
            let log = log.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // The log may have failed at the last batch, after the replay ended.
            match (replayed, log, failed.try_recv()) {
                (Err(error), ..) | (Ok(_), _, Ok(error)) => Err(error),
                (Ok(replayed), Some(log), Err(_)) => Ok((replayed, log)),
                (Ok(_), None, Err(_)) => unreachable!("a log that failed said why"),
            }
        })
    }

    /// Whether the log can be brought to end with `last_event`, as [`Self::into_writer`] does.
    pub(super) fn check_end(&self, last_event: u64, last: Stamp) -> Result<(), RecoveryError> {
        if let Some(scanned) = &self.scanned {
            scanned.check_content(&self.options).map_err(RecoveryError::EventLog)?;
        }
        // A log of another history is not cut to fit. When nothing was replayed (a snapshot is of the journal's last
        // command), nothing could be compared but where the last command's events end.
        if self.last > last_event
            && self.compared == 0
            && last_event >= self.first
            && !ends_at(&self.files, last_event, last)?
        {
            return Err(RecoveryError::EventLogDiverged {
                dir: self.files.dir().to_owned(),
                sequence: 0,
                number: last_event + 1,
                logged: "there".to_owned(),
                replayed: "nothing".to_owned(),
            });
        }
        Ok(())
    }

    /// The log's writer. What the log has beyond the journal's last event is cut: after a power cut in async mode the
    /// journal may have lost commands whose events were logged, and those were never durable.
    /// `last` is the stamp of the command whose events end with `last_event`.
    pub(super) fn into_writer(self, last_event: u64, last: Stamp) -> Result<Writer, RecoveryError> {
        self.check_end(last_event, last)?;
        match (self.writer, self.scanned) {
            (Some(mut writer), _) => {
                // Whoever reads the log from now on finds in it what recovery says is there.
                writer.write_out().map_err(|source| RecoveryError::Append {
                    dir: self.files.dir().to_owned(),
                    source,
                    reason: writer.low_space_reason(),
                })?;
                Ok(writer)
            }
            (None, Some(scanned)) if self.last > last_event => {
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

/// Whether the log too has all events of commands up to `last` by `last_event`, and no later ones.
fn ends_at(files: &Arc<dyn Storage>, last_event: u64, last: Stamp) -> Result<bool, RecoveryError> {
    let opened = Reader::open_storage(Arc::clone(files), last_event);
    let mut reader = opened.map_err(RecoveryError::EventLog)?;
    let mut next = || -> Result<Option<EventRecord>, RecoveryError> {
        let found = reader.next().map_err(RecoveryError::EventLog)?;
        Ok(found.and_then(|found| codec::decode_event(found.payload).ok()))
    };
    let (Some(event), Some(later)) = (next()?, next()?) else { return Ok(false) };
    let is_past = event.sequence <= last.sequence && event.time <= last.time;
    Ok(is_past && later.sequence > last.sequence && later.time >= last.time)
}

/// Events that are handed over at once, and how many times that many may wait.
const BATCH_EVENTS: usize = 4096;
const BATCHES_WAITING: usize = 8;

/// Where a replay puts its events.
pub(super) struct Feed {
    batch: Vec<EventRecord>,
    full: Sender<Vec<EventRecord>>,
    used: Receiver<Vec<EventRecord>>,
    failed: Receiver<RecoveryError>,
}

impl Feed {
    /// Takes an event.
    ///
    /// # Errors
    /// Why an earlier event could not be compared or appended.
    pub(super) fn take(&mut self, record: &EventRecord) -> Result<(), RecoveryError> {
        self.batch.push(*record);
        if self.batch.len() < BATCH_EVENTS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), RecoveryError> {
        let mut next = self.used.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_EVENTS));
        next.clear();
        match self.full.send(std::mem::replace(&mut self.batch, next)) {
            Ok(()) => Ok(()),
            // The other thread ends before its time only after it has said why.
            Err(_) => self.failed.recv().map_or_else(|_| unreachable!("a log that ends says why"), Err),
        }
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
