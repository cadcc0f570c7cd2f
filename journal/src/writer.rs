//! The writer: appends into the mapped tail segment, makes batches durable, moves on when a segment is full.

use crate::error::{AppendError, JournalError, SyncError};
use crate::layout::{
    HEADER_CRC_AT, RECORD_HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES,
    TAIL_RESERVE_BYTES, record_bytes,
};
use crate::maker::{Maker, Spare};
use crate::passing::is_passing;
use crate::record::{Found, Kind, Seed};
use crate::segment::{Content, Header, file_name, segment_bytes_allowed};
use crate::storage::{LockGuard, NotSynced, Region, Storage};
use crate::warm::Warm;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};
use std::thread;
use std::time::Duration;

/// When a record counts as acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Once it was synced: it survives the loss of power.
    Sync,
    /// Once it was appended: it survives the end of the process, and the loss of power after the owner's next
    /// [`Writer::sync`].
    Async,
}

/// How a journal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Size of a segment file in bytes: a multiple of 4,096 from 4,096 to 2^30. Default 64 MiB.
    pub segment_bytes: u64,
    /// Segments that a helper thread keeps ready. 0: no thread, each is made by the writer when it needs it. Default 2.
    pub spare_segments: u32,
    /// When a record counts as acknowledged. Default [`Durability::Sync`].
    pub durability: Durability,
    /// Sequence of the first record of a journal that is empty, at least 1. Default 1.
    pub first_sequence: u64,
    /// What the payloads are. A journal that says something else is refused; one that says nothing (as all of them
    /// before there was such a field) is continued and goes on saying nothing. Default [`Content::NOT_SAID`].
    pub content: Content,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            spare_segments: 2,
            durability: Durability::Sync,
            first_sequence: 1,
            content: Content::NOT_SAID,
        }
    }
}

impl Options {
    /// These options with another segment size in bytes.
    #[must_use]
    pub fn with_segment_bytes(self, segment_bytes: u64) -> Self {
        Self { segment_bytes, ..self }
    }

    /// These options with another number of spare segments.
    #[must_use]
    pub fn with_spare_segments(self, spare_segments: u32) -> Self {
        Self { spare_segments, ..self }
    }

    /// These options with another durability.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// These options with another first sequence.
    #[must_use]
    pub fn with_first_sequence(self, first_sequence: u64) -> Self {
        Self { first_sequence, ..self }
    }

    /// These options with another content.
    #[must_use]
    pub fn with_content(self, content: Content) -> Self {
        Self { content, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), JournalError> {
        if !segment_bytes_allowed(self.segment_bytes) {
            let limits = format!("a multiple of {SEGMENT_BYTES_MIN} up to {SEGMENT_BYTES_MAX}");
            return Err(JournalError::Options(format!(
                "segment_bytes {} is not {limits}",
                self.segment_bytes
            )));
        }
        if self.spare_segments > 1024 {
            return Err(JournalError::Options(format!(
                "spare_segments {} is above 1024",
                self.spare_segments
            )));
        }
        if self.first_sequence == 0 {
            return Err(JournalError::Options("first_sequence is 0, but sequences start at 1".to_owned()));
        }
        Ok(())
    }
}

/// How often the last sync of a journal is tried while something passes, and the pause between.
const LAST_TRIES: u32 = 100;
const LAST_PAUSE: Duration = Duration::from_millis(10);

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) header: Header,
    pub(crate) seed: Seed,
    pub(crate) region: Region,
    /// Where the next record goes.
    pub(crate) offset: usize,
}

impl From<Spare> for Tail {
    fn from(spare: Spare) -> Self {
        let Spare { header, seed, region } = spare;
        Self { header, seed, region, offset: SEGMENT_HEADER_BYTES }
    }
}

impl Tail {
    fn room_for(&self, bytes: usize) -> bool {
        self.offset + bytes + TAIL_RESERVE_BYTES <= self.header.segment_bytes as usize
    }

    /// Writes a seal or an end marker, which always fit.
    fn mark(&mut self, kind: Kind, sequence: u64, watermark: u64) {
        let (from, seed) = (self.offset, self.seed);
        let found = Found { kind, sequence, watermark, time_ns: 0 };
        self.region.edit(|bytes| found.write(&mut bytes[from..from + RECORD_HEADER_BYTES], seed));
        self.offset += RECORD_HEADER_BYTES;
    }
}

/// Appends records. There is one per journal, and it holds the directory's lock. Dropping it without
/// [`Writer::seal`] is what a crash of the process would be.
#[derive(Debug)]
pub struct Writer {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) durability: Durability,
    pub(crate) tail: Tail,
    /// Offset in the tail segment of the first byte that no sync has covered.
    pub(crate) dirty_from: usize,
    /// Which of the tail's memory is ready for being written.
    pub(crate) warm: Warm,
    /// The segment after the tail, taken from the maker before it is needed.
    pub(crate) next: Option<(Tail, Warm)>,
    pub(crate) next_sequence: u64,
    /// Every record up to this sequence is on the disk.
    pub(crate) synced: u64,
    /// The oldest segment that may hold bytes that are not on the disk.
    pub(crate) unsynced_segment: u64,
    pub(crate) bytes_written: u64,
    pub(crate) payload_bytes_max: usize,
    /// The last record written is a seal.
    pub(crate) sealed: bool,
    /// A sync failed.
    pub(crate) poisoned: bool,
    /// Declared before the lock, so that the maker has stopped when the lock is given back.
    pub(crate) maker: Maker,
    pub(crate) _lock: LockGuard,
}

impl Writer {
    /// Appends one record. `sequence` must be the next one; `time_ns` is stored as given.
    ///
    /// # Errors
    /// See [`AppendError`]; the journal is unchanged.
    pub fn append(&mut self, sequence: u64, time_ns: u64, payload: &[u8]) -> Result<(), AppendError> {
        let fill = |buffer: &mut [u8]| {
            buffer.copy_from_slice(payload);
            payload.len()
        };
        self.append_with(sequence, time_ns, payload.len(), fill).map(drop)
    }

    /// Appends one record whose payload `fill` writes straight into the segment: it gets `max_len` bytes of any
    /// content and returns how many it used. Returns the same number.
    ///
    /// # Errors
    /// See [`AppendError`]; the journal is unchanged. [`AppendError::TooLarge`] too if `fill` claims more than it got.
    pub fn append_with(
        &mut self,
        sequence: u64,
        time_ns: u64,
        max_len: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        if sequence != self.next_sequence {
            return Err(AppendError::OutOfOrder { expected: self.next_sequence, got: sequence });
        }
        if max_len > self.payload_bytes_max {
            return Err(AppendError::TooLarge { bytes: max_len, max: self.payload_bytes_max });
        }
        if !self.tail.room_for(record_bytes(max_len)) {
            self.roll_over()?;
        }
        let (offset, seed, watermark) = (self.tail.offset, self.tail.seed, self.synced);
        let payload_bytes = self.tail.region.edit(|bytes| {
            let bytes = &mut bytes[offset..offset + record_bytes(max_len)];
            let used = fill(&mut bytes[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + max_len]);
            // What stands after the payload must be zero: it is padding, or space of the next record.
            bytes[RECORD_HEADER_BYTES + if used <= max_len { used } else { 0 }..].fill(0);
            if used <= max_len {
                Found { kind: Kind::Data(used), sequence, watermark, time_ns }.write(bytes, seed);
            }
            used
        });
        if payload_bytes > max_len {
            return Err(AppendError::TooLarge { bytes: payload_bytes, max: max_len });
        }
        self.tail.offset += record_bytes(payload_bytes);
        self.bytes_written += record_bytes(payload_bytes) as u64;
        self.next_sequence += 1;
        self.sealed = false;
        Ok(payload_bytes)
    }

    /// Ends the tail segment and goes on in a spare one. Syncs nothing: the next sync covers both.
    #[cold]
    fn roll_over(&mut self) -> Result<(), AppendError> {
        let (mut next, warm) = match self.next.take() {
            Some(next) => next,
            None => {
                let next = Tail::from(self.maker.take().ok_or(AppendError::NoSpace)?);
                let warm = Warm::nothing(&next);
                (next, warm)
            }
        };
        self.tail.mark(Kind::End, self.next_sequence, self.synced);
        next.header.base_sequence = self.next_sequence;
        // The base sequence before the checksum: a page that goes to the disk in between has a header that is known for what
        // it is (`Header::decode`).
        let header = next.header.encode();
        next.region.edit(|bytes| bytes[..HEADER_CRC_AT].copy_from_slice(&header[..HEADER_CRC_AT]));
        compiler_fence(Ordering::SeqCst);
        next.region
            .edit(|bytes| bytes[HEADER_CRC_AT..header.len()].copy_from_slice(&header[HEADER_CRC_AT..]));
        self.warm = warm;
        let full = std::mem::replace(&mut self.tail, next);
        self.maker.retire(full.region);
        self.dirty_from = 0;
        Ok(())
    }

    /// Makes everything appended so far durable and returns the last durable sequence (0 = none). Writes only the
    /// pages touched since the last sync, older segments first.
    ///
    /// # Errors
    /// [`SyncError`]. After an error every later call of any kind fails, but for [`SyncError::Later`].
    pub fn sync(&mut self) -> Result<u64, SyncError> {
        if self.poisoned {
            return Err(SyncError::Poisoned);
        }
        while self.unsynced_segment < self.tail.header.number {
            let name = file_name(self.unsynced_segment);
            match self.storage.sync_file(&name) {
                Ok(()) => {}
                // Retired, which happens only to what its owner has brought to the disk.
                Err(NotSynced::Unopened(gone)) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(NotSynced::Unopened(source)) if is_passing(&source) => {
                    return Err(SyncError::Later { file: self.storage.path(&name), source });
                }
                Err(why) => return Err(self.poison(&name, why.into())),
            }
            self.unsynced_segment += 1;
        }
        if self.dirty_from < self.tail.offset {
            let range = self.dirty_from..self.tail.offset;
            let name = self.tail.header.number;
            self.warm.note_sync(&range);
            self.tail.region.flush(range).map_err(|source| self.poison(&file_name(name), source))?;
            self.dirty_from = self.tail.offset;
        }
        self.synced = self.next_sequence - 1;
        Ok(self.synced)
    }

    /// Makes the memory ready that the next appends will touch. A sync leaves pages that the next store to them faults
    /// on, as does a fresh segment, and a fault costs more than the append itself; so the time to call this is after a
    /// sync, when what became durable has been told. Changes nothing that anybody can read.
    pub fn warm(&mut self) {
        let beyond = self.warm.advance(&self.tail);
        if beyond == 0 {
            return;
        }
        if self.next.is_none() {
            self.next = self.maker.take_ahead().map(|spare| {
                let next = Tail::from(spare);
                let warm = Warm::nothing(&next);
                (next, warm)
            });
        }
        if let Some((next, warm)) = &mut self.next {
            warm.reach(next, beyond);
        }
    }

    fn poison(&mut self, name: &str, source: std::io::Error) -> SyncError {
        self.poisoned = true;
        SyncError::Failed { file: self.storage.path(name), source }
    }

    /// Ends the journal with a seal, durably, so that any damage before it will be seen.
    ///
    /// # Errors
    /// [`SyncError`]; the journal is then as after a crash. Waits up to a second for what passes.
    pub fn seal(mut self) -> Result<(), SyncError> {
        self.sync_at_last()?;
        if !self.sealed {
            self.tail.mark(Kind::Seal, self.next_sequence, self.synced);
            self.sealed = true;
            self.sync_at_last()?;
        }
        Ok(())
    }

    /// As [`Writer::sync`], where nobody tries again later: waits up to a second for what passes.
    ///
    /// # Errors
    /// As [`Writer::sync`].
    pub fn sync_at_last(&mut self) -> Result<u64, SyncError> {
        for _ in 1..LAST_TRIES {
            match self.sync() {
                Err(SyncError::Later { .. }) => thread::sleep(LAST_PAUSE),
                done => return done,
            }
        }
        self.sync()
    }

    /// Whether so many records of up to so many payload bytes fit the segment that is being written: then appending and syncing
    /// them opens no file.
    #[must_use]
    pub fn has_room_for(&self, records: usize, payload_bytes: usize) -> bool {
        self.unsynced_segment == self.tail.header.number
            && self.tail.room_for(records.saturating_mul(record_bytes(payload_bytes)))
    }

    /// Whether everything that was appended is on the disk.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced == self.appended()
    }

    /// The next sequence to append.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The last sequence appended, 0 = none.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.next_sequence - 1
    }

    /// The last acknowledged sequence, 0 = none: the last one synced, or in [`Durability::Async`] the last appended.
    #[must_use]
    pub fn durable(&self) -> u64 {
        match self.durability {
            Durability::Sync => self.synced,
            Durability::Async => self.appended(),
        }
    }

    /// The last sequence that is on the disk, 0 = none. This is what records carry as their watermark.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Whether the last attempt to make a segment failed, as on a full disk. It is tried again all the time.
    #[must_use]
    pub fn low_space(&self) -> bool {
        self.maker.low_space()
    }

    /// The operating system's reason for [`Writer::low_space`].
    #[must_use]
    pub fn low_space_reason(&self) -> Option<String> {
        self.maker.low_space_reason()
    }

    /// Bytes of records appended since this writer was opened, headers and padding included.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// The largest payload in bytes.
    #[must_use]
    pub fn payload_bytes_max(&self) -> usize {
        self.payload_bytes_max
    }
}
