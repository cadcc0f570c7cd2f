//! A reader that follows a journal, live or at rest, with positioned reads. It never writes, takes no lock, and reports
//! no damage at the end: bytes that do not verify may be a record that is just being written, so they read as "no
//! record yet".

use crate::content::Content;
use crate::error::JournalError;
use crate::layout::{PAGE_BYTES, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::record::{Found, Kind, Parsed, Seed, parse};
use crate::recovery::list;
use crate::segment::{Header, file_name, open_segment};
use crate::storage::{FileStorage, ReadAt, Storage};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The most bytes read at once, unless a single record is longer.
const READ_BYTES_MAX: usize = 1 << 20;

/// The location of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Offset of the record's header in the segment's file, in bytes.
    pub offset: u64,
}

/// One record, borrowed from the reader until its next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's sequence.
    pub sequence: u64,
    /// Every sequence up to this one was on the disk when the record was appended; 0 = none.
    pub watermark: u64,
    /// Time in nanoseconds, as given to the writer.
    pub time_ns: u64,
    /// The bytes given to the writer.
    pub payload: &'a [u8],
    position: Position,
}

impl Record<'_> {
    /// The location of the record.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }
}

/// Reads records in sequence across segments, up to the live end, and further as the writer appends.
#[derive(Debug)]
pub struct Reader {
    storage: Arc<dyn Storage>,
    from_sequence: u64,
    /// `None` until there is a segment.
    place: Option<Place>,
    buffer: Buffer,
}

/// An open segment and the next record in it.
#[derive(Debug)]
struct Place {
    file: Box<dyn ReadAt>,
    header: Header,
    seed: Seed,
    offset: u64,
    next_sequence: u64,
}

/// A buffered part of the segment, from `offset` on.
#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    /// Offset in the segment of the first buffered byte.
    offset: u64,
    /// Bytes to read next: few while polling the live end, many while catching up.
    read_bytes: usize,
    /// The records that were complete in the file before these bytes were read, according to the writer.
    trusted: Trusted,
}

/// Records that this process has itself written out. Verifying their checksums would prove nothing new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trusted {
    /// The first trusted sequence.
    pub first: u64,
    /// The last trusted sequence. The writer moves its cursor after the bytes are in the file, and the caller reads the
    /// cursor before it reads the bytes.
    pub last: u64,
}

impl Trusted {
    /// No trusted records.
    pub const NONE: Self = Self { first: 1, last: 0 };

    fn has(&self, sequence: u64) -> bool {
        (self.first..=self.last).contains(&sequence)
    }
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: Vec::new(), filled: 0, offset: 0, read_bytes: READ_BYTES_MAX, trusted: Trusted::NONE }
    }

    fn clear(&mut self) {
        self.filled = 0;
    }

    /// The buffered bytes from `offset` on.
    fn from(&self, offset: u64) -> &[u8] {
        let at = offset.checked_sub(self.offset).map_or(usize::MAX, |at| at as usize);
        self.bytes[..self.filled].get(at..).unwrap_or_default()
    }

    fn fill(&mut self, place: &Place, bytes: usize, trusted: Trusted) -> std::io::Result<()> {
        let bytes = bytes.min((place.header.segment_bytes - place.offset) as usize);
        if self.bytes.len() < bytes {
            self.bytes.resize(bytes, 0);
        }
        self.filled = 0;
        self.filled = place.file.read_at(&mut self.bytes[..bytes], place.offset)?;
        (self.offset, self.trusted) = (place.offset, trusted);
        Ok(())
    }

    /// Parses the bytes at a place.
    fn parse(&self, place: &Place) -> Parsed {
        let trusted = self.trusted.has(place.next_sequence).then_some(place.next_sequence);
        parse(self.from(place.offset), place.seed, trusted)
    }
}

impl Reader {
    /// A reader of the journal in `dir`. Its first record will be `from_sequence` (0 counts as 1), or the first record
    /// written after it. The journal need not exist yet.
    ///
    /// # Errors
    /// [`JournalError::Gone`] if the journal starts later, [`JournalError::Damaged`], [`JournalError::UnknownVersion`],
    /// [`JournalError::Io`].
    pub fn open(dir: &Path, from_sequence: u64) -> Result<Self, JournalError> {
        Self::open_storage(Arc::new(FileStorage::new(dir)), from_sequence)
    }

    /// As [`Reader::open_storage`], but starts at the first record of the segment that holds `sequence`. The caller
    /// skips the records before it, at its own pace; [`Reader::open`] leaves all of that work to the first
    /// [`Reader::next`].
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_segment_of(storage: Arc<dyn Storage>, sequence: u64) -> Result<Self, JournalError> {
        let mut reader = Self::open_storage(storage, sequence)?;
        if let Some(place) = &reader.place {
            reader.from_sequence = place.next_sequence;
        }
        Ok(reader)
    }

    /// As [`Reader::open`] for the journal in `storage`.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_storage(storage: Arc<dyn Storage>, from_sequence: u64) -> Result<Self, JournalError> {
        let from_sequence = from_sequence.max(1);
        let place = locate(storage.as_ref(), from_sequence)?;
        Ok(Self { storage, from_sequence, place, buffer: Buffer::new() })
    }

    /// A reader at the start of a segment; `None` while the segment is a spare.
    ///
    /// # Errors
    /// [`JournalError`]; [`JournalError::Io`] with [`std::io::ErrorKind::NotFound`] if the segment does not exist.
    pub(crate) fn open_segment(
        storage: &Arc<dyn Storage>,
        number: u64,
    ) -> Result<Option<Self>, JournalError> {
        let place = place_in(storage.as_ref(), number)?;
        Ok(place.map(|place| Self {
            storage: Arc::clone(storage),
            from_sequence: place.next_sequence,
            place: Some(place),
            buffer: Buffer::new(),
        }))
    }

    /// The sequence of the first record of a segment; `None` while it is a spare.
    ///
    /// # Errors
    /// As [`Reader::open_segment`].
    pub(crate) fn segment_begin(storage: &dyn Storage, number: u64) -> Result<Option<u64>, JournalError> {
        Ok(place_in(storage, number)?.map(|place| place.next_sequence))
    }

    /// The sequence of the next record of the current segment, including records that are skipped; `None` while the
    /// journal does not exist.
    #[must_use]
    pub fn next_in_segment(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.next_sequence)
    }

    /// The content that the journal specifies; `None` while the journal does not exist.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        self.place.as_ref().map(|place| place.header.content)
    }

    /// The epoch of the current segment, 0 without a leader; `None` while the journal does not exist.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.header.epoch)
    }

    /// The next record, or `None` if there is none yet; call again later. Records that are not durable yet are returned
    /// too. A caller that may act only on durable records compares the sequence with the writer's
    /// [`durable`](crate::Writer::durable).
    ///
    /// # Errors
    /// [`JournalError::Io`]; [`JournalError::OtherContent`] and [`JournalError::EarlierEpoch`] if the next segment does
    /// not continue this one; and the errors of [`Reader::open`] if the journal did not exist yet.
    #[allow(
        clippy::should_implement_trait,
        reason = "the record borrows from the reader, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        self.next_trusting(Trusted::NONE)
    }

    /// As [`Reader::next`], but does not compute the checksums of the trusted records.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn next_trusting(&mut self, trusted: Trusted) -> Result<Option<Record<'_>>, JournalError> {
        if self.place.is_none() {
            self.place = locate(self.storage.as_ref(), self.from_sequence)?;
        }
        let Some(place) = &mut self.place else { return Ok(None) };
        let (found, position) = loop {
            let looked = look(place, &mut self.buffer, trusted).map_err(|source| {
                let path = self.storage.path(&file_name(place.header.number));
                JournalError::Io { action: "read", path, source }
            });
            let Some(found) = looked? else {
                self.buffer.read_bytes = PAGE_BYTES;
                return Ok(None);
            };
            let position = Position { segment: place.header.number, offset: place.offset };
            match found.kind {
                Kind::Data(_) => {
                    place.offset += found.bytes() as u64;
                    place.next_sequence += 1;
                    if found.sequence >= self.from_sequence {
                        break (found, position);
                    }
                }
                Kind::Seal => place.offset += found.bytes() as u64,
                Kind::End => match place_in(self.storage.as_ref(), place.header.number + 1) {
                    Ok(Some(next)) if next.next_sequence == place.next_sequence => {
                        let path = self.storage.path(&file_name(next.header.number));
                        next.header.check_continues(&path, &place.header)?;
                        *place = next;
                        self.buffer.clear();
                    }
                    // The end marker is written before the header of the next segment, so that header may be missing.
                    Ok(_) => return Ok(None),
                    Err(error) => return Err(retired(self.storage.as_ref(), place.next_sequence, error)),
                },
            }
        };
        let range = payload_range(&found, position, &self.buffer);
        let Found { sequence, watermark, time_ns, .. } = found;
        Ok(Some(Record { sequence, watermark, time_ns, payload: &self.buffer.bytes[range], position }))
    }
}

/// The error if the next segment cannot be opened: [`JournalError::Gone`] if it was retired meanwhile, which shows in a
/// later start of the journal.
#[cold]
fn retired(storage: &dyn Storage, sequence: u64, error: JournalError) -> JournalError {
    match (&error, locate(storage, sequence)) {
        (JournalError::Io { source, .. }, Err(gone @ JournalError::Gone { .. }))
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            gone
        }
        _ => error,
    }
}

fn payload_range(found: &Found, position: Position, buffer: &Buffer) -> Range<usize> {
    let start = (position.offset - buffer.offset) as usize + RECORD_HEADER_BYTES;
    start..start + found.payload_bytes()
}

/// The record at the place, from the buffer or from the file; `None` if there is no record (yet).
fn look(place: &Place, buffer: &mut Buffer, trusted: Trusted) -> std::io::Result<Option<Found>> {
    let expected = |found: Found| (found.sequence == place.next_sequence).then_some(found);
    if let Parsed::Valid(found) = buffer.parse(place) {
        return Ok(expected(found));
    }
    // The buffered bytes may be older than the record, or end inside it.
    buffer.fill(place, buffer.read_bytes, trusted)?;
    let mut parsed = buffer.parse(place);
    if let Parsed::Short(bytes) = parsed
        && bytes as u64 <= place.header.segment_bytes - place.offset
        && bytes > buffer.filled
    {
        buffer.fill(place, bytes.max(buffer.read_bytes), trusted)?;
        parsed = buffer.parse(place);
    }
    buffer.read_bytes = (buffer.read_bytes * 2).min(READ_BYTES_MAX);
    match parsed {
        Parsed::Valid(found) => Ok(expected(found)),
        Parsed::Short(_) | Parsed::Invalid => Ok(None),
    }
}

/// The start of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// The number of its oldest segment; 1 unless older segments were removed.
    pub segment: u64,
    /// The sequence of the first record in that segment.
    pub sequence: u64,
}

/// The start of the journal in `storage`; `None` if there is no journal. Reads one header.
///
/// # Errors
/// [`JournalError`] if the header does not verify or cannot be read.
pub fn beginning(storage: &dyn Storage) -> Result<Option<Beginning>, JournalError> {
    let Some((number, _)) = list(storage)?.first().copied() else { return Ok(None) };
    Ok(Reader::segment_begin(storage, number)?.map(|sequence| Beginning { segment: number, sequence }))
}

/// The newest segment that starts at or before `from_sequence`; `None` if there is no journal.
fn locate(storage: &dyn Storage, from_sequence: u64) -> Result<Option<Place>, JournalError> {
    let mut place = None;
    for (number, _) in list(storage)? {
        match place_in(storage, number)? {
            Some(found) if found.next_sequence <= from_sequence => place = Some(found),
            Some(found) if place.is_none() => {
                let (dir, first) = (storage.dir().to_owned(), found.next_sequence);
                return Err(JournalError::Gone { dir, first, asked: from_sequence });
            }
            Some(_) | None => break,
        }
    }
    Ok(place)
}

/// Opens a segment at its first record; `None` while it is a spare.
fn place_in(storage: &dyn Storage, number: u64) -> Result<Option<Place>, JournalError> {
    let (file, header) = open_segment(storage, number)?;
    let (seed, offset, next_sequence) =
        (Seed::of(header.salt), SEGMENT_HEADER_BYTES as u64, header.base_sequence);
    Ok((!header.is_spare()).then_some(Place { file, header, seed, offset, next_sequence }))
}
