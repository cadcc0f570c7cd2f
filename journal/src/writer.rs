//! The writer: appends to the tail segment, makes batches durable, moves on when a segment is full.

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
    /// Once it was synced: it survives the loss of power.
    Sync,
    /// Once it was appended and written out: it survives the end of the process, and the loss of power after the owner's next
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
    /// The oldest version of that content that the owner still reads: a journal of one from it on is continued.
    pub oldest_version: u16,
    /// The reign in which this writer writes, as its owner numbers it: every segment that it begins says so. Not below that of
    /// the journal's last segment; see also [`Writer::set_epoch`]. Default 0: nobody leads.
    pub epoch: u64,
    /// How the bytes come to the segments. Default [`Writing::Mapped`].
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

    /// The oldest version of the content that is continued, where it is not that of [`Options::with_content`] alone.
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

/// How often the last sync of a journal is tried while something passes, and the pause between.
const LAST_TRIES: u32 = 100;
const LAST_PAUSE: Duration = Duration::from_millis(10);

/// The disk is asked to begin with so many bytes at a time of what nobody syncs on the way, so that a sync, by whomever and of
/// whatever, never finds much more than this before it.
const WRITE_BACK_BYTES: usize = 256 << 10;

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

    /// Writes a seal or an end marker, which always fit, at the offset.
    fn mark(&mut self, kind: Kind, sequence: u64, watermark: u64) {
        let (from, seed) = (self.offset, self.seed);
        let found = Found { kind, sequence, watermark, time_ns: 0 };
        self.region.edit(from..from + RECORD_HEADER_BYTES, |bytes| found.write(bytes, seed));
    }
}

/// Appends records. There is one per journal, and it holds the directory's lock. Dropping it without
/// [`Writer::seal`] is what a crash of the process would be.
#[derive(Debug)]
pub struct Writer {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) durability: Durability,
    /// What the segments say that it begins.
    pub(crate) epoch: u64,
    pub(crate) tail: Tail,
    /// Offset in the tail segment of the first byte that no sync has covered.
    pub(crate) dirty_from: usize,
    /// The segment after the tail, while what the tail lacks cannot be written.
    pub(crate) next: Option<Tail>,
    /// Nothing else may be written at the tail's offset than an end marker: it has one there, perhaps not all of it, or it is of an
    /// older version of the content.
    pub(crate) ended: bool,
    /// Why what gathers could not be written.
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

    /// Brings what was appended to where readers see it, and returns the last sequence that they see. With [`Writing::Mapped`]
    /// they see it at once.
    ///
    /// # Errors
    /// [`AppendError::NoSpace`] if the disk takes no more: nothing is lost, and it may be called again.
    /// [`AppendError::Unwritten`] for all other reasons; every later call of any kind fails.
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

    /// Ends the tail segment and goes on in a spare one. Syncs nothing: the next sync covers both.
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
        // Base sequence and epoch before the checksum: a page that goes to the disk in between has a header that is known for what
        // it is (`Header::decode`).
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

    /// The epoch of the segments that are begun from now on. One below the present epoch changes nothing: epochs never go back.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.epoch = self.epoch.max(epoch);
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
            self.tail.region.flush(range).map_err(|source| self.poison(&file_name(name), source))?;
            self.dirty_from = self.tail.offset;
        }
        self.synced = self.next_sequence - 1;
        Ok(self.synced)
    }

    /// Makes the memory ready that the next append will touch. A sync leaves a page that the next store to it faults on, and a
    /// fault costs more than the append itself; so the time to call this is after a sync, when what became durable has been
    /// told. Changes nothing that anybody can read.
    pub fn warm(&mut self) {
        self.tail.region.touch(self.tail.offset);
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
            self.tail.offset += RECORD_HEADER_BYTES;
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

    /// The last acknowledged sequence, 0 = none: the last one synced, or in [`Durability::Async`] the last one that
    /// [`Writer::write_out`] was called after.
    #[must_use]
    pub fn durable(&self) -> u64 {
        match self.durability {
            Durability::Sync => self.synced,
            Durability::Async => self.written,
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
        self.refused.is_some() || self.maker.low_space()
    }

    /// The operating system's reason for [`Writer::low_space`].
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
