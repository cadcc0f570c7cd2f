//! The writer: appends to the tail segment, makes batches durable, and continues in the next segment when one is full.

use crate::content::Content;
use crate::error::NotSynced;
use crate::error::{AppendError, JournalError, SyncError};
use crate::layout::{
    HEADER_CRC_AT, RECORD_HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES,
    TAIL_RESERVE_BYTES, record_bytes,
};
use crate::maker::{Maker, Pattern, Spare};
use crate::passing::{Told, is_out_of_space, is_passing};
use crate::record::{Found, Kind, Seed};
use crate::segment::{Header, file_name, segment_bytes_allowed};
use crate::storage::{LockGuard, Region, Storage, Writing};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};
use std::thread;
use std::time::Duration;

/// When a record counts as acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Once it was synced. It survives a power loss.
    Sync,
    /// Once it was appended and written out. It survives the end of the process; it survives a power loss after the
    /// owner's next [`Writer::sync`].
    Async,
}

/// Options of a journal writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Size of a segment file in bytes: a multiple of 4,096 from 4,096 to 2^30. Default 64 MiB.
    pub segment_bytes: u64,
    /// Number of segments that a helper thread keeps ready. 0: no thread; the writer creates each segment when it needs
    /// it. Default 2.
    pub spare_segments: u32,
    /// When a record counts as acknowledged. Default [`Durability::Sync`].
    pub durability: Durability,
    /// Sequence of the first record of an empty journal, at least 1. Default 1.
    pub first_sequence: u64,
    /// The kind and version of the payloads. A journal with another content is refused. A journal that does not specify
    /// its content, because it is older than the field, is continued and stays unspecified. Default
    /// [`Content::NOT_SAID`].
    pub content: Content,
    /// The oldest version of that content that the owner can read. Journals from this version on are continued.
    pub oldest_version: u16,
    /// The leadership term in which this writer writes, numbered by its owner and stored in every segment that it
    /// begins. It must not be below that of the journal's last segment; see also [`Writer::set_epoch`]. Default 0: no
    /// leader.
    pub epoch: u64,
    /// How bytes are written to segments. Default [`Writing::Mapped`].
    pub writing: Writing,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            spare_segments: 2,
            durability: Durability::Sync,
            first_sequence: 1,
            content: Content::NOT_SAID,
            oldest_version: 0,
            epoch: 0,
            writing: Writing::Mapped,
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
        Self { content, oldest_version: content.version, ..self }
    }

    /// These options with another oldest version; [`Options::with_content`] alone sets it to the content's version.
    #[must_use]
    pub fn with_oldest_version(self, oldest_version: u16) -> Self {
        Self { oldest_version, ..self }
    }

    /// These options with another epoch.
    #[must_use]
    pub fn with_epoch(self, epoch: u64) -> Self {
        Self { epoch, ..self }
    }

    /// These options with another way of writing.
    #[must_use]
    pub fn with_writing(self, writing: Writing) -> Self {
        Self { writing, ..self }
    }

    pub(crate) fn pattern(&self) -> Pattern {
        Pattern { segment_bytes: self.segment_bytes, content: self.content, writing: self.writing }
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

/// How many times the last sync of a journal is tried while errors are transient, and the pause between two tries.
const LAST_TRIES: u32 = 100;
const LAST_PAUSE: Duration = Duration::from_millis(10);

/// Write-back is requested in steps of this many bytes for data that nobody syncs while it is written. So any sync on
/// the same disk has to wait for little more than this.
const WRITE_BACK_BYTES: usize = 256 << 10;

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) header: Header,
    pub(crate) seed: Seed,
    pub(crate) region: Region,
    /// The offset of the next record.
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

    /// Writes a seal or an end marker at the offset. Both always fit.
    fn mark(&mut self, kind: Kind, sequence: u64, watermark: u64) {
        let (from, seed) = (self.offset, self.seed);
        let found = Found { kind, sequence, watermark, time_ns: 0 };
        self.region.edit(from..from + RECORD_HEADER_BYTES, |bytes| found.write(bytes, seed));
    }
}

/// Appends records. There is one writer per journal; it holds the directory's lock. Dropping it without
/// [`Writer::seal`] has the effect of a process crash.
#[derive(Debug)]
pub struct Writer {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) durability: Durability,
    /// The epoch of the segments that it begins.
    pub(crate) epoch: u64,
    pub(crate) tail: Tail,
    /// Offset in the tail segment of the first byte that no sync has covered.
    pub(crate) dirty_from: usize,
    /// The next segment, kept while the end of the tail segment cannot be written.
    pub(crate) next: Option<Tail>,
    /// Only an end marker may be written at the tail's offset: either one was written there, perhaps partly, or the
    /// segment has an older version of the content.
    pub(crate) ended: bool,
    /// The error of the last failed write, if any; shown by [`Writer::low_space_reason`].
    pub(crate) refused: Option<String>,
    pub(crate) next_sequence: u64,
    /// Every record up to this sequence is in the file.
    pub(crate) written: u64,
    /// Every record up to this sequence is on the disk.
    pub(crate) synced: u64,
    /// The oldest segment that may hold bytes that are not on the disk.
    pub(crate) unsynced_segment: u64,
    pub(crate) bytes_written: u64,
    pub(crate) payload_bytes_max: usize,
    /// Whether the last record written is a seal.
    pub(crate) sealed: bool,
    /// Whether a sync failed.
    pub(crate) poisoned: bool,
    /// Declared before the lock, so that the maker has stopped when the lock is released.
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

    /// Appends one record whose payload `fill` writes directly into the segment. `fill` gets a slice of `max_len` bytes
    /// with arbitrary content and returns how many it used. Returns the same number.
    ///
    /// # Errors
    /// See [`AppendError`]; the journal is unchanged. Also [`AppendError::TooLarge`] if `fill` returns more than
    /// `max_len`.
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
        if self.ended || !self.tail.room_for(record_bytes(max_len)) {
            self.roll_over()?;
        }
        let (offset, seed, watermark) = (self.tail.offset, self.tail.seed, self.synced);
        let range = offset..offset + record_bytes(max_len);
        if !self.tail.region.has_room(&range) {
            self.write_out()?;
        }
        let payload_bytes = self.tail.region.edit(range, |bytes| {
            let used = fill(&mut bytes[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + max_len]);
            // The bytes after the payload must be zero: they are padding or the space of the next record.
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

    /// Writes all appended records to where readers see them, and returns the last visible sequence. With
    /// [`Writing::Mapped`] records are visible as soon as they are appended.
    ///
    /// # Errors
    /// [`AppendError::NoSpace`] if the disk is full or the error is transient: nothing is lost, and the call may be
    /// repeated. [`AppendError::Unwritten`] for all other errors; every later call of any kind fails.
    pub fn write_out(&mut self) -> Result<u64, AppendError> {
        self.write_until(self.tail.offset)?;
        if let Some(bytes) = self.tail.region.take_write_back(WRITE_BACK_BYTES) {
            self.maker.write_back(bytes);
        }
        self.written = self.appended();
        Ok(self.written)
    }

    fn write_until(&mut self, offset: usize) -> Result<(), AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        match self.tail.region.write_out(offset) {
            Ok(()) => {
                self.refused = None;
                Ok(())
            }
            Err(error) if is_passing(&error) || is_out_of_space(&error) => {
                self.refused = Some(Told(&error).to_string());
                Err(AppendError::NoSpace)
            }
            Err(error) => {
                self.poisoned = true;
                let file = self.storage.path(&file_name(self.tail.header.number));
                Err(AppendError::Unwritten { file, why: error.to_string() })
            }
        }
    }

    /// Ends the tail segment and continues in a spare one. Does not sync: the next sync covers both.
    #[cold]
    fn roll_over(&mut self) -> Result<(), AppendError> {
        if self.next.is_none() {
            self.next = Some(Tail::from(self.maker.take().ok_or(AppendError::NoSpace)?));
        }
        self.write_until(self.tail.offset)?;
        self.tail.mark(Kind::End, self.next_sequence, self.synced);
        self.ended = true;
        let end = self.tail.offset + RECORD_HEADER_BYTES;
        self.write_until(end)?;
        let Some(mut next) = self.next.take() else { return Err(AppendError::NoSpace) };
        self.tail.offset = end;
        (next.header.base_sequence, next.header.epoch) = (self.next_sequence, self.epoch);
        // Base sequence and epoch are written before the checksum. If the page reaches the disk in between, the header
        // is recognized as that of a spare (`Header::decode`).
        let header = next.header.encode();
        next.region.edit(0..HEADER_CRC_AT, |bytes| bytes.copy_from_slice(&header[..HEADER_CRC_AT]));
        compiler_fence(Ordering::SeqCst);
        next.region
            .edit(HEADER_CRC_AT..header.len(), |bytes| bytes.copy_from_slice(&header[HEADER_CRC_AT..]));
        let mut full = std::mem::replace(&mut self.tail, next);
        if let Some(bytes) = full.region.take_write_back(0) {
            self.maker.write_back(bytes);
        }
        full.region.let_go(self.dirty_from..full.offset);
        self.maker.retire(full.region);
        (self.ended, self.dirty_from) = (false, 0);
        Ok(())
    }

    /// Sets the epoch of the segments that are begun from now on. A lower epoch than the present one is ignored: epochs
    /// never decrease.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
    }

    /// Makes everything appended so far durable and returns the last durable sequence (0 = none). Writes only the
    /// pages touched since the last sync, older segments first.
    ///
    /// # Errors
    /// [`SyncError`]. After an error every later call of any kind fails, except after [`SyncError::Later`].
    pub fn sync(&mut self) -> Result<u64, SyncError> {
        if self.poisoned {
            return Err(SyncError::Poisoned);
        }
        match self.write_out() {
            Ok(_) => {}
            Err(AppendError::Unwritten { file, why }) => {
                return Err(SyncError::Failed { file, source: io::Error::other(why) });
            }
            Err(error) => {
                let file = self.storage.path(&file_name(self.tail.header.number));
                let reason = self.refused.clone().unwrap_or_else(|| error.to_string());
                return Err(SyncError::Later { file, source: io::Error::other(reason) });
            }
        }
        while self.unsynced_segment < self.tail.header.number {
            let name = file_name(self.unsynced_segment);
            match self.storage.sync_file(&name) {
                Ok(()) => {}
                // Retired. Only segments that the owner has already synced are retired.
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
            self.tail.region.flush(range).map_err(|source| self.poison(&file_name(name), source))?;
            self.dirty_from = self.tail.offset;
        }
        self.synced = self.next_sequence - 1;
        Ok(self.synced)
    }

    /// Prepares the memory that the next append will write. After a sync the next store to a page faults, and a fault
    /// costs more than the append itself. Call this after a sync, once the durable sequence was published. Changes
    /// nothing that readers see.
    pub fn warm(&mut self) {
        self.tail.region.touch(self.tail.offset);
    }

    fn poison(&mut self, name: &str, source: std::io::Error) -> SyncError {
        self.poisoned = true;
        SyncError::Failed { file: self.storage.path(name), source }
    }

    /// Ends the journal with a seal, durably. A later scan then detects any damage before the seal.
    ///
    /// # Errors
    /// [`SyncError`]; the journal is then as after a crash. Retries for up to a second while errors are transient.
    pub fn seal(mut self) -> Result<(), SyncError> {
        self.sync_at_last()?;
        if !self.sealed {
            self.tail.mark(Kind::Seal, self.next_sequence, self.synced);
            self.tail.offset += RECORD_HEADER_BYTES;
            self.sealed = true;
            self.sync_at_last()?;
        }
        Ok(())
    }

    /// As [`Writer::sync`], for callers that will not retry: retries for up to a second while errors are transient.
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

    /// Whether that many records of up to that many payload bytes fit the current segment. If so, appending and syncing
    /// them opens no file.
    #[must_use]
    pub fn has_room_for(&self, records: usize, payload_bytes: usize) -> bool {
        !self.ended
            && self.unsynced_segment == self.tail.header.number
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

    /// The last acknowledged sequence, 0 = none: the last one synced or, with [`Durability::Async`], the last one
    /// written by [`Writer::write_out`].
    #[must_use]
    pub fn durable(&self) -> u64 {
        match self.durability {
            Durability::Sync => self.synced,
            Durability::Async => self.written,
        }
    }

    /// The last sequence on disk, 0 = none. Records carry it as their watermark.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Whether the last attempt to write or to create a segment failed, for example on a full disk. It is retried
    /// continually.
    #[must_use]
    pub fn low_space(&self) -> bool {
        self.refused.is_some() || self.maker.low_space()
    }

    /// The operating system's error behind [`Writer::low_space`].
    #[must_use]
    pub fn low_space_reason(&self) -> Option<String> {
        self.refused.clone().or_else(|| self.maker.low_space_reason())
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
