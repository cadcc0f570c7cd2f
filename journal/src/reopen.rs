//! From a verdict to a writer: takes the lock, cuts records that were never acknowledged, and continues at the end of
//! the journal.
//!
//! Every step of a cut is atomic: a file is only ever replaced by another one that is already on the disk, and a scan
//! accepts every intermediate state.

use crate::content::Content;
use crate::error::JournalError;
use crate::layout::{PAGE_BYTES, SEGMENT_HEADER_BYTES, payload_bytes_max};
use crate::maker::{self, Maker, Pattern};
use crate::record::Seed;
use crate::recovery::{EndOfJournal, Scanned, Steps, list, load};
use crate::segment::{Header, check_epoch, file_name};
use crate::storage::{Storage, Writing, remove_unfinished};
use crate::writer::{Options, Tail, Writer};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl Scanned {
    /// Locks the journal, cuts a torn tail if there is one, makes everything that was read durable, and returns the
    /// writer. Only records after the readable end are removed.
    ///
    /// # Errors
    /// [`JournalError::Locked`], [`JournalError::Changed`], [`JournalError::OtherContent`],
    /// [`JournalError::EarlierEpoch`], [`JournalError::Options`], [`JournalError::Io`].
    pub fn into_writer(self, options: Options) -> Result<Writer, JournalError> {
        options.check()?;
        let storage = Arc::clone(&self.storage);
        storage.prepare().map_err(JournalError::io("create", storage.dir()))?;
        let lock = storage.lock()?;
        self.check_unchanged()?;
        self.check_content(&options)?;
        self.check_epoch(options.epoch)?;
        remove_unfinished(storage.as_ref()).map_err(JournalError::io("tidy up", storage.dir()))?;
        let (tail, next_sequence) = match &self.end {
            Some(end) => (self.continue_tail(end, &options)?, self.next_sequence),
            None => (first_tail(storage.as_ref(), &options)?, options.first_sequence),
        };
        let number = tail.header.number;
        let content = continued(tail.header.content, options.content);
        let pattern = Pattern { content, ..options.pattern() };
        let maker = Maker::start(Arc::clone(&storage), number + 1, pattern, options.spare_segments)
            .map_err(JournalError::io("start the maker thread for", storage.dir()))?;
        Ok(Writer {
            durability: options.durability,
            epoch: options.epoch,
            dirty_from: tail.offset,
            ended: tail.header.content != content,
            tail,
            next: None,
            refused: None,
            next_sequence,
            written: next_sequence - 1,
            synced: next_sequence - 1,
            unsynced_segment: number,
            bytes_written: 0,
            payload_bytes_max: payload_bytes_max(options.segment_bytes as usize),
            sealed: self.sealed,
            poisoned: false,
            maker,
            storage,
            _lock: lock,
        })
    }

    /// As [`Scanned::into_writer`], but first removes every record after `after_sequence`, acknowledged or not. Meant
    /// for a log that is derived from another one and has run ahead of it.
    ///
    /// # Errors
    /// As [`Scanned::into_writer`]; [`JournalError::Gone`] if the oldest record is after `after_sequence` + 1;
    /// [`JournalError::Damaged`] if the cut meets records that [`scan_storage_from`](crate::scan_storage_from) did not
    /// read.
    pub fn into_writer_truncated(
        mut self,
        after_sequence: u64,
        options: Options,
    ) -> Result<Writer, JournalError> {
        let next_sequence = after_sequence.saturating_add(1);
        if next_sequence >= self.next_sequence {
            return self.into_writer(options);
        }
        let keep = self.segments.partition_point(|segment| segment.base_sequence <= next_sequence);
        let Some(last) = keep.checked_sub(1).map(|index| self.segments[index].clone()) else {
            let (dir, first) = (self.storage.dir().to_owned(), self.first_sequence());
            return Err(JournalError::Gone { dir, first, asked: next_sequence });
        };
        let mut data = Vec::new();
        load(self.storage.as_ref(), last.number, last.bytes, &mut data)?;
        let header = Header::decode(&data, &last.file, last.number)?;
        let (seed, offset) = (Seed::of(header.salt), SEGMENT_HEADER_BYTES);
        let mut steps = Steps { data: &data, seed, offset, next_sequence: last.base_sequence };
        while steps.next_sequence < next_sequence {
            if steps.step().is_none() {
                // Either another process writes, or the scan started later and never read these records.
                self.check_unchanged()?;
                return Err(JournalError::Damaged {
                    file: last.file,
                    offset: steps.offset as u64,
                    sequence: steps.next_sequence,
                    why: "the record does not verify, yet later segments are in use".to_owned(),
                });
            }
        }
        let mut later_in_use: Vec<_> = self.segments[keep..].iter().map(|segment| segment.number).collect();
        if let Some(end) = &self.end {
            later_in_use.extend(&end.later_in_use);
        }
        self.end = Some(EndOfJournal { header, offset: steps.offset, needs_rebuild: true, later_in_use });
        self.segments.truncate(keep);
        (self.next_sequence, self.sealed) = (next_sequence, false);
        self.watermark = self.watermark.min(after_sequence);
        self.into_writer(options)
    }

    /// Fails if `epoch` is below the epoch of the last segment.
    fn check_epoch(&self, epoch: u64) -> Result<(), JournalError> {
        self.segments.last().map_or(Ok(()), |last| check_epoch(&last.file, epoch, last.epoch))
    }

    /// Fails if another writer was at work between the scan and the lock. Any writer that appends or seals changes the
    /// bytes at the end of the journal or the header of a spare.
    fn check_unchanged(&self) -> Result<(), JournalError> {
        let changed = || JournalError::Changed { dir: self.storage.dir().to_owned() };
        match &self.witness {
            None if list(self.storage.as_ref())?.is_empty() => Ok(()),
            Some(witness) if witness.holds(self.storage.as_ref()) => Ok(()),
            None | Some(_) => Err(changed()),
        }
    }

    /// Cuts what must be cut and opens the last segment at the readable end.
    fn continue_tail(&self, end: &EndOfJournal, options: &Options) -> Result<Tail, JournalError> {
        let (storage, writing) = (self.storage.as_ref(), options.writing);
        // Spares are removed first, because their space may be needed below. New ones are cheaper to create than to
        // verify.
        remove_after(storage, end.later_in_use.last().copied().unwrap_or(end.header.number))?;
        self.sync_segments()?;
        let mut header = end.header;
        if header.is_spare() {
            (header.base_sequence, header.epoch) = (self.next_sequence, options.epoch);
            header.content = continued(header.content, options.content);
        }
        let name = file_name(header.number);
        if end.needs_rebuild {
            for &number in end.later_in_use.iter().rev() {
                blank(storage, number, &header, writing)?;
            }
            let mut kept = Vec::new();
            load(storage, header.number, end.offset as u64, &mut kept)?;
            kept[..SEGMENT_HEADER_BYTES].copy_from_slice(&header.encode());
            create(storage, &name, header.segment_bytes, &kept, writing)?;
            remove_after(storage, header.number)?;
        }
        let region = storage.open_to_write(&name, header.segment_bytes, writing);
        let mut region = region.map_err(JournalError::io("open for writing", &storage.path(&name)))?;
        region.continue_at(end.offset);
        Ok(Tail { header, seed: Seed::of(header.salt), region, offset: end.offset })
    }

    /// Syncs every segment that has records above the durable watermark. A killed process leaves its last records only
    /// in the page cache, and from here on they count as durable.
    fn sync_segments(&self) -> Result<(), JournalError> {
        for (index, segment) in self.segments.iter().enumerate() {
            let next_base = self.segments.get(index + 1).map_or(u64::MAX, |next| next.base_sequence);
            if next_base > self.watermark {
                let synced = self.storage.sync_file(&file_name(segment.number));
                synced.map_err(JournalError::not_synced(&segment.file))?;
            }
        }
        Ok(())
    }
}

/// The content of new segments in a journal whose last segment has `found`: a journal that does not specify its content
/// stays that way.
fn continued(found: Content, asked: Content) -> Content {
    if found == Content::NOT_SAID { found } else { asked }
}

/// Removes all segments after `number`, the last one first, so that there is never a gap.
fn remove_after(storage: &dyn Storage, number: u64) -> Result<(), JournalError> {
    for (later, _) in list(storage)?.into_iter().rev().take_while(|&(later, _)| later > number) {
        let name = file_name(later);
        storage.remove(&name).map_err(JournalError::io("remove", &storage.path(&name)))?;
    }
    Ok(())
}

/// Replaces a segment by a small spare. Its predecessor may say that the journal continues here, so the file must exist
/// until the predecessor was replaced too.
fn blank(
    storage: &dyn Storage,
    number: u64,
    previous: &Header,
    writing: Writing,
) -> Result<(), JournalError> {
    let segment_bytes = PAGE_BYTES as u64;
    let salt = storage.new_salt();
    let header = Header { number, base_sequence: 0, epoch: 0, segment_bytes, salt, ..*previous };
    create(storage, &file_name(number), segment_bytes, &header.encode(), writing)
}

fn create(
    storage: &dyn Storage,
    name: &str,
    bytes: u64,
    start: &[u8],
    writing: Writing,
) -> Result<(), JournalError> {
    let created = storage.create(name, bytes, start, writing, &AtomicBool::new(false));
    created.map_err(JournalError::io("create", &storage.path(name)))
}

/// The first segment of a new journal.
fn first_tail(storage: &dyn Storage, options: &Options) -> Result<Tail, JournalError> {
    let cancel = AtomicBool::new(false);
    let place = maker::Place { base_sequence: options.first_sequence, epoch: options.epoch };
    let made = maker::make(storage, 1, place, options.pattern(), &cancel);
    made.map(Tail::from).map_err(JournalError::io("create the first segment in", storage.dir()))
}
