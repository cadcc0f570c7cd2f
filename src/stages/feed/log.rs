//! The log of messages: a journal in `market-data/` with one record per message, numbered over all sessions. The
//! payload is the sequence of the message's command (u64, little-endian), then the message.
//!
//! It is not synced as it is written. Messages lost in a power loss are made again from the events, and existing
//! messages are compared with those that the events give.

use crate::market::Published;
use crate::runtime::{Fatal, Halt};
use crate::wire::itch::MESSAGE_LEN_MAX;
use dojima_journal::storage::Storage;
use dojima_journal::{
    AppendError, ArchivedStorage, JournalError, Options, Reader, Scanned, SegmentIndex, SyncError, Writer,
    scan_storage_from,
};
use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bytes before the message in a record.
const PREFIX_LEN: usize = 8;

/// A message as it is in the log.
pub(super) struct Logged<'a> {
    pub(super) number: u64,
    pub(super) sequence: u64,
    pub(super) message: &'a [u8],
}

/// Reads the log from a given message on.
pub(super) struct LogReader {
    reader: Reader,
    files: Arc<dyn Storage>,
}

impl LogReader {
    /// Starts with exactly this message; the first [`Self::next`] reads through the records before it in its segment.
    ///
    /// # Errors
    /// [`JournalError`]; [`JournalError::Gone`] if the message was retired.
    pub(super) fn open_at(files: &Arc<dyn Storage>, message: u64) -> Result<Self, JournalError> {
        let reader = Reader::open_storage(Arc::clone(files), message)?;
        Ok(Self { reader, files: Arc::clone(files) })
    }

    /// The next message, if it exists.
    ///
    /// # Errors
    /// [`JournalError`]: the log cannot be read, or the message was retired meanwhile.
    pub(super) fn next(&mut self) -> Result<Option<Logged<'_>>, JournalError> {
        let Some(record) = self.reader.next()? else { return Ok(None) };
        let Some((sequence, message)) = record.payload.split_first_chunk::<PREFIX_LEN>() else {
            return Err(JournalError::Damaged {
                file: self.files.dir().to_owned(),
                offset: record.position().offset,
                sequence: record.sequence,
                why: "the record is not a market-data message".to_owned(),
            });
        };
        Ok(Some(Logged { number: record.sequence, sequence: u64::from_le_bytes(*sequence), message }))
    }
}

/// Access to old messages, for the servers.
pub(super) struct OldMessages {
    files: Arc<dyn Storage>,
    segments: RefCell<SegmentIndex>,
}

impl OldMessages {
    /// The messages in this log.
    pub(super) fn of(files: &Arc<dyn Storage>) -> Self {
        Self { files: Arc::clone(files), segments: RefCell::new(SegmentIndex::new(Arc::clone(files))) }
    }

    /// A reader at the start of the message's segment, which is before the message.
    ///
    /// # Errors
    /// [`JournalError`]; [`JournalError::Gone`] if the message was retired.
    pub(super) fn read_from(&self, message: u64) -> Result<LogReader, JournalError> {
        let reader = self.segments.borrow_mut().reader_of(message)?;
        Ok(LogReader { reader, files: Arc::clone(&self.files) })
    }

    /// The path of the log, for error messages.
    pub(super) fn dir(&self) -> &Path {
        self.files.dir()
    }
}

/// The writer of the log. It first compares the messages that already exist.
pub(super) struct MessageLog {
    files: Arc<dyn Storage>,
    old: OldMessages,
    writer: Option<Writer>,
    /// The first and the last message at the start.
    found: (u64, u64),
    /// Reads the messages to be compared.
    comparing: Option<LogReader>,
    /// The number of the next message.
    next: u64,
}

/// The log as found, before anything is changed.
pub(super) struct FoundLog {
    scanned: Scanned,
    /// The first message in it.
    first: u64,
    last: u64,
    /// The last message to keep.
    keep: u64,
    known: u64,
}

impl FoundLog {
    /// Examines the log. Its messages of commands after `last_sequence` will be cut: those commands were never durable
    /// and were lost in a power loss. `known` is the number of messages up to the checkpoint from which the feed
    /// continues. `None` if the log does not have that many, so that the checkpoint cannot be used.
    ///
    /// # Errors
    /// [`Fatal::MarketData`] if the log is damaged or cannot be read.
    pub(super) fn look(
        files: &Arc<dyn Storage>,
        known: u64,
        last_sequence: u64,
    ) -> Result<Option<Self>, Fatal> {
        let scanned = scan_storage_from(Arc::clone(files), known.max(1)).map_err(unusable(files))?;
        let (first, last) = (scanned.first_sequence(), scanned.next_sequence() - 1);
        if last < known {
            return Ok(None);
        }
        let keep = match last > known {
            true => keep_until(files, first.max(known + 1), last, last_sequence)?,
            false => last,
        };
        Ok(Some(Self { scanned, first, last, keep, known }))
    }

    /// Opens it for writing.
    ///
    /// # Errors
    /// [`Fatal::MarketData`] if it cannot be written.
    pub(super) fn open(self, files: &Arc<dyn Storage>, options: Options) -> Result<MessageLog, Fatal> {
        let Self { scanned, first, last, keep, known } = self;
        let writer = if keep < last {
            tracing::warn!(
                "market data: messages {} to {last} are of commands that were never durable, and are cut",
                keep + 1
            );
            scanned.into_writer_truncated(keep, options)
        } else {
            scanned.into_writer(options)
        };
        Ok(MessageLog {
            files: Arc::clone(files),
            old: OldMessages::of(files),
            writer: Some(writer.map_err(unusable(files))?),
            found: (first, keep),
            comparing: None,
            next: known + 1,
        })
    }
}

/// Adapter for `map_err`: adds advice for a damaged log.
fn unusable(files: &Arc<dyn Storage>) -> impl Fn(JournalError) -> Fatal {
    move |error| {
        if matches!(error, JournalError::Io { .. } | JournalError::Locked { .. }) {
            return Fatal::market_data(error);
        }
        Fatal::market_data(format_args!(
            "{error}; it is made from the event log: remove {} to have it made again",
            files.dir().display()
        ))
    }
}

impl MessageLog {
    /// The number of the next message.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The old messages.
    pub(super) fn old(&self) -> &OldMessages {
        &self.old
    }

    /// Adds the next message: compares it if the log already has it, otherwise appends it. `false`, and nothing done,
    /// while there is no space.
    ///
    /// # Errors
    /// [`Fatal::Diverged`] if the log has a different message in its place; [`Fatal::MarketData`]. Nothing is done
    /// then.
    pub(super) fn put(&mut self, published: &Published, message: &[u8]) -> Result<bool, Halt> {
        if self.next <= self.found.1 {
            self.compare(published, message)?;
        } else {
            let mut payload = [0; PREFIX_LEN + MESSAGE_LEN_MAX];
            payload[..PREFIX_LEN].copy_from_slice(&published.sequence.to_le_bytes());
            payload[PREFIX_LEN..PREFIX_LEN + message.len()].copy_from_slice(message);
            let writer = self
                .writer
                .as_mut()
                .ok_or_else(|| Fatal::invariant("the market-data feed was run after it was closed"))?;
            match writer.append(self.next, published.time.0, &payload[..PREFIX_LEN + message.len()]) {
                Ok(()) => {}
                Err(AppendError::NoSpace) => return Ok(false),
                Err(error) => return Err(Fatal::market_data(error).into()),
            }
        }
        self.next += 1;
        Ok(true)
    }

    fn compare(&mut self, published: &Published, message: &[u8]) -> Result<(), Halt> {
        let number = self.next;
        if number < self.found.0 {
            return Ok(());
        }
        let logged = match &mut self.comparing {
            Some(reader) => reader.next(),
            none => {
                let opened = LogReader::open_at(&self.files, number).map_err(Halt::of(Fatal::market_data))?;
                none.insert(opened).next()
            }
        };
        let logged = logged.map_err(Halt::of(Fatal::market_data))?;
        let is_same = logged.as_ref().is_some_and(|logged| {
            (logged.number, logged.sequence, logged.message) == (number, published.sequence, message)
        });
        if is_same {
            return Ok(());
        }
        let found =
            logged.map(|logged| (logged.number, logged.sequence, logged.message.escape_ascii().to_string()));
        Err(Halt::Fatal(Fatal::diverged(format_args!(
            "{}: message {number} of command {} is {:?} by the events, and the log has {found:?}; if another version of \
             this program wrote it, remove the directory to have it made again",
            self.files.dir().display(),
            published.sequence,
            published.message,
        ))))
    }

    /// Makes the appended messages visible to readers. `false` while there is no space.
    ///
    /// # Errors
    /// [`Fatal::MarketData`].
    pub(super) fn write_out(&mut self) -> Result<bool, Halt> {
        match self.writer.as_mut().map(Writer::write_out) {
            Some(Err(AppendError::NoSpace)) => Ok(false),
            Some(Err(error)) => Err(Fatal::market_data(error).into()),
            Some(Ok(_)) | None => Ok(true),
        }
    }

    /// Syncs the log.
    pub(super) fn sync(&mut self) -> Result<(), Halt> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        match writer.sync() {
            Ok(_) => Ok(()),
            Err(error @ SyncError::Later { .. }) => Err(Halt::Later(error.to_string())),
            Err(error) => Err(Fatal::market_data(error).into()),
        }
    }

    /// The last message at the start; 0: none.
    pub(super) fn found_last(&self) -> u64 {
        self.found.1
    }

    /// Whether all messages that existed at the start were compared.
    pub(super) fn is_compared(&self) -> bool {
        self.next > self.found.1
    }

    /// Bytes appended since the start.
    pub(super) fn bytes_written(&self) -> u64 {
        self.writer.as_ref().map_or(0, Writer::bytes_written)
    }

    pub(super) fn seal(&mut self) -> Result<(), Fatal> {
        self.writer.take().map_or(Ok(()), |writer| writer.seal().map_err(Fatal::market_data))
    }
}

/// The last message, from `from` on, of a command up to `last_sequence`.
fn keep_until(files: &Arc<dyn Storage>, from: u64, last: u64, last_sequence: u64) -> Result<u64, Fatal> {
    let mut reader = LogReader::open_at(files, last).map_err(Fatal::market_data)?;
    if reader.next().map_err(Fatal::market_data)?.is_some_and(|logged| logged.sequence <= last_sequence) {
        return Ok(last);
    }
    let mut reader = OldMessages::of(files).read_from(from).map_err(Fatal::market_data)?;
    while let Some(logged) = reader.next().map_err(Fatal::market_data)? {
        if logged.number >= from && logged.sequence > last_sequence {
            return Ok(logged.number - 1);
        }
    }
    Ok(last)
}

/// Called with each message: its number over all sessions, its command's sequence, and its bytes.
pub type TakeMessage<'a> = dyn FnMut(u64, u64, &[u8]) -> io::Result<()> + 'a;

/// Reads the log from a message to its present end, and calls `take` with every message.
///
/// # Errors
/// [`JournalError`] as an [`io::Error`] if the log cannot be read, and the errors of `take`.
pub fn read_log(files: &Arc<dyn Storage>, from: u64, take: &mut TakeMessage<'_>) -> io::Result<()> {
    let archived: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::clone(files)));
    let first = match Reader::open_storage(Arc::clone(&archived), from) {
        Err(JournalError::Gone { first, .. }) => first,
        _ => from,
    };
    let mut reader = LogReader::open_at(&archived, first).map_err(io::Error::other)?;
    while let Some(logged) = reader.next().map_err(io::Error::other)? {
        take(logged.number, logged.sequence, logged.message)?;
    }
    Ok(())
}
