//! Brings the event log up to date with the journal: existing events are compared with those of the replay, missing
//! events are appended, and events beyond the journal are cut.

use super::RecoveryError;
use crate::domain::{EventRecord, Stamp, Timestamp, codec};
use crossbeam_channel::{Receiver, Sender, bounded};
use dojima_journal::storage::Storage;
use dojima_journal::{AppendError, Options, Reader, Scanned, Writer, scan_storage, scan_storage_from};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The event log while it is compared with a replay and extended.
pub(super) struct EventLog {
    files: Arc<dyn Storage>,
    options: Options,
    /// The number of the first event in it when it was opened; the next number if it had none.
    pub(super) first: u64,
    /// The number of the last event in it when it was opened.
    pub(super) last: u64,
    /// `None` once an event was appended.
    scanned: Option<Scanned>,
    writer: Option<Writer>,
    /// Positioned at the next event to compare, once there was one.
    reader: Option<Reader>,
    pub(super) compared: u64,
    pub(super) appended: u64,
    lacking: Lacking,
}

/// What happens to events that the log lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Appended,
    /// They are counted as appended, but nothing is written.
    Counted,
}

impl EventLog {
    /// The log as it is; events before the segment of event `from` are not read.
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

    /// Whether it has no events.
    pub(super) fn is_empty(&self) -> bool {
        self.last < self.first
    }

    /// The command of its last event, if that can be read.
    pub(super) fn last_sequence(&self) -> Result<Option<u64>, RecoveryError> {
        if self.is_empty() {
            return Ok(None);
        }
        let opened = Reader::open_storage(Arc::clone(&self.files), self.last);
        let mut reader = opened.map_err(RecoveryError::EventLog)?;
        let last = reader.next().map_err(RecoveryError::EventLog)?;
        Ok(last.and_then(|last| codec::decode_event(last.payload).ok()).map(|last| last.sequence))
    }

    /// A log without events that continues after `event`.
    pub(super) fn start_after(&mut self, event: u64) {
        self.options = self.options.with_first_sequence(event + 1);
        (self.first, self.last) = (event + 1, event);
    }

    /// The same log, for a start that writes nothing.
    pub(super) fn unwritten(self) -> Self {
        Self { lacking: Lacking::Counted, ..self }
    }

    /// Takes the next event of the replay: compares it if the log has it, otherwise appends it.
    pub(super) fn take(&mut self, record: &EventRecord) -> Result<(), RecoveryError> {
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(record, &mut payload).expect("ENCODED_LEN_MAX bytes hold any event");
        if record.number > self.last {
            return self.append(record, &payload[..len]);
        }
        // Older events were retired.
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

    /// Runs `replay` with a function that takes its events; another thread processes them meanwhile.
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

    /// Checks that the log can be brought to end with `last_event`, as [`Self::into_writer`] does.
    pub(super) fn check_end(&self, last_event: u64, last: Stamp) -> Result<(), RecoveryError> {
        if let Some(scanned) = &self.scanned {
            scanned.check_content(&self.options).map_err(RecoveryError::EventLog)?;
        }
        // A log that belongs to another journal must not be cut. If nothing was replayed (the snapshot is of the
        // journal's last command), only the end of the last command's events can be compared.
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

    /// The log's writer. Events beyond the journal's last event are cut: after a power cut in async mode the journal
    /// may have lost commands whose events were logged; those commands were never durable. `last` is the stamp of the
    /// command whose events end with `last_event`.
    pub(super) fn into_writer(self, last_event: u64, last: Stamp) -> Result<Writer, RecoveryError> {
        self.check_end(last_event, last)?;
        match (self.writer, self.scanned) {
            (Some(mut writer), _) => {
                // Readers of the log must from now on find everything that recovery reports.
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

/// Whether the log's events of commands up to `last` also end with `last_event`.
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

/// Events per batch to the other thread, and how many batches may wait.
const BATCH_EVENTS: usize = 4096;
const BATCHES_WAITING: usize = 8;

/// Takes the events of a replay.
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
    /// The error of an earlier event that could not be compared or appended.
    pub(super) fn take(&mut self, record: &EventRecord) -> Result<(), RecoveryError> {
        self.batch.push(*record);
        if self.batch.len() < BATCH_EVENTS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), RecoveryError> {
        let mut next = self.used.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_EVENTS));
        next.clear();
        match self.full.send(std::mem::replace(&mut self.batch, next)) {
            Ok(()) => Ok(()),
            // The other thread ends early only after it has reported the error.
            Err(_) => self.failed.recv().map_or_else(|_| unreachable!("a log that ends says why"), Err),
        }
    }
}

/// How long recovery waits for the next segment to be created.
const SPACE_PATIENCE: Duration = Duration::from_secs(30);

/// Appends, and waits for the thread that creates segments if the replay is faster than that thread.
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
