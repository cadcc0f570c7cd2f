//! Examines a journal after a stop. A scan reads everything and writes nothing; its verdict is a row of the table in
//! `README.md`. [`Scanned::into_writer`] acts on the verdict.

use crate::content::Content;
use crate::error::JournalError;
use crate::layout::{BASE_SEQUENCE_AT, RECORD_HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES};
use crate::record::{Found, Kind, Parsed, Seed, parse};
use crate::segment::{Header, file_name, number_of, open_segment};
use crate::storage::{FileStorage, Storage};
use crate::tail::Remains;
use crate::window::Window;
use crate::writer::Options;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a journal ends. Damage to acknowledged data is not a verdict but the error [`JournalError::Damaged`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is no journal yet.
    Empty,
    /// It ends with a seal: the writer stopped cleanly, and every record before the seal is there.
    Clean,
    /// It ends after a complete record: the writer was killed between two records, or before it could write a seal.
    Unsealed,
    /// It ends with records that were never acknowledged and not all of which are readable. They will be cut.
    TornTail {
        /// The file in which the readable journal ends.
        file: PathBuf,
        /// Offset in that file of the first byte that will be cut.
        offset: u64,
        /// Bytes that will be cut, not counting zeros after the last nonzero byte.
        bytes: u64,
        /// How many records were certainly lost. There may have been more.
        records_lost_at_least: u64,
    },
}

/// One segment in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentSummary {
    /// The file.
    pub file: PathBuf,
    /// Its number.
    pub number: u64,
    /// Sequence of its first record; if it has none, the next sequence.
    pub base_sequence: u64,
    /// The epoch in which it was begun; 0 without a leader.
    pub epoch: u64,
    /// Readable records in it. For a segment that was skipped, the number that follows from the next segment's header.
    pub records: u64,
    /// Bytes in use from the start of the file, including the header. For a segment that was skipped, the whole file.
    pub bytes: u64,
}

/// The readable end of a journal.
#[derive(Debug, Clone)]
pub(crate) struct EndOfJournal {
    /// Header of the segment in which it ends; the header of a spare if no record was written to it.
    pub(crate) header: Header,
    pub(crate) offset: usize,
    /// Whether the tail segment must be rewritten up to `offset` before anything can be appended.
    pub(crate) needs_rebuild: bool,
    /// Later segments that contain records which will be cut.
    pub(crate) later_in_use: Vec<u64>,
}

/// A scanned journal: its verdict, and the way to a writer.
#[derive(Debug)]
pub struct Scanned {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) verdict: Verdict,
    pub(crate) segments: Vec<SegmentSummary>,
    pub(crate) next_sequence: u64,
    /// `None` if there are no segments.
    pub(crate) end: Option<EndOfJournal>,
    pub(crate) watermark: u64,
    pub(crate) sealed: bool,
    /// Shows whether anything was written since the scan; `None` if there are no segments.
    pub(crate) witness: Option<Witness>,
    last_time_ns: u64,
}

/// The bytes that the next write to the journal would change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Witness {
    number: u64,
    offset: u64,
    header: [u8; SEGMENT_HEADER_BYTES],
    next_record: [u8; RECORD_HEADER_BYTES],
}

impl Witness {
    fn take(storage: &dyn Storage, number: u64, offset: u64) -> io::Result<Self> {
        let (mut header, mut next_record) = ([0; SEGMENT_HEADER_BYTES], [0; RECORD_HEADER_BYTES]);
        let file = storage.open(&file_name(number))?;
        file.read_at(&mut header, 0)?;
        file.read_at(&mut next_record, offset)?;
        Ok(Self { number, offset, header, next_record })
    }

    /// Whether these bytes are unchanged.
    pub(crate) fn holds(&self, storage: &dyn Storage) -> bool {
        Self::take(storage, self.number, self.offset).is_ok_and(|now| now == *self)
    }
}

impl Scanned {
    /// Checks that a writer with these options may continue the journal. A journal that does not specify its content is
    /// older than the field and may contain anything, so it is accepted. Otherwise the kind must be the same and the
    /// version one that the options accept.
    ///
    /// # Errors
    /// [`JournalError::OtherContent`].
    pub fn check_content(&self, options: &Options) -> Result<(), JournalError> {
        let expected = options.content;
        match &self.end {
            Some(EndOfJournal { header: Header { number, content: found, .. }, .. })
                if *found != Content::NOT_SAID
                    && !(found.is_continued_by(expected) && found.version >= options.oldest_version) =>
            {
                let file = self.storage.path(&file_name(*number));
                Err(JournalError::OtherContent { file, found: *found, expected })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// How the journal ended.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The sequence after the last readable record; 1 for an empty journal.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The sequence of the oldest record, or [`Scanned::next_sequence`] if there is none. It is above 1 if old segments
    /// were removed; the caller must then check that its snapshot reaches this far.
    #[must_use]
    pub fn first_sequence(&self) -> u64 {
        self.segments.first().map_or(self.next_sequence, |segment| segment.base_sequence)
    }

    /// Number of readable records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.segments.iter().map(|segment| segment.records).sum()
    }

    /// Bytes in use, including the headers of segments and records.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The content in the header of the last segment; `None` without segments. Earlier segments may have older
    /// versions.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        self.end.as_ref().map(|end| end.header.content)
    }

    /// The epoch of the last segment in use, 0 without a leader; `None` without segments.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.segments.last().map(|segment| segment.epoch)
    }

    /// Whether the journal ends with a seal.
    #[must_use]
    pub fn sealed(&self) -> bool {
        self.sealed
    }

    /// The highest durable watermark of all records; 0 = none. Everything up to it was certainly synced.
    #[must_use]
    pub fn watermark(&self) -> u64 {
        self.watermark
    }

    /// Timestamp of the last record in nanoseconds; 0 without records.
    #[must_use]
    pub fn last_time_ns(&self) -> u64 {
        self.last_time_ns
    }

    /// The segments in use, oldest first.
    #[must_use]
    pub fn segments(&self) -> &[SegmentSummary] {
        &self.segments
    }
}

/// Scans the journal in `dir`. Reads only; a directory that does not exist is an empty journal.
///
/// # Errors
/// [`JournalError::Damaged`] if acknowledged data cannot be read, [`JournalError::UnknownVersion`],
/// [`JournalError::OtherContent`] if the segments have different kinds or a version decreases,
/// [`JournalError::EarlierEpoch`] if an epoch decreases, [`JournalError::Io`].
pub fn scan(dir: &Path) -> Result<Scanned, JournalError> {
    scan_storage(Arc::new(FileStorage::new(dir)))
}

/// Scans the journal in `storage`; see [`scan`].
///
/// # Errors
/// As [`scan`].
pub fn scan_storage(storage: Arc<dyn Storage>) -> Result<Scanned, JournalError> {
    scan_storage_from(storage, 0)
}

/// As [`scan_storage`], but reads records only from the segment that holds the record before `sequence`; a snapshot
/// covers the earlier ones. Of older segments it reads the headers, which must verify and be consecutive. If `sequence`
/// is the first of its segment, the end of the segment before is read too: if that end is torn, later records do not
/// count.
///
/// # Errors
/// As [`scan`].
pub fn scan_storage_from(storage: Arc<dyn Storage>, sequence: u64) -> Result<Scanned, JournalError> {
    let files = list(storage.as_ref())?;
    let journal_bytes = files.iter().map(|&(_, bytes)| bytes).sum();
    let mut walk = Progress::new(storage, journal_bytes);
    let skipped = walk.skip_before(sequence, &files)?;
    let mut buffer = Vec::new();
    for &(number, bytes) in &files[skipped..] {
        let mut window = Window::open(walk.storage.as_ref(), number, bytes, buffer)?;
        walk.segment(number, &mut window)?;
        buffer = window.into_buffer();
    }
    walk.finish()
}

/// Number and length in bytes of each segment file, in order.
pub(crate) fn list(storage: &dyn Storage) -> Result<Vec<(u64, u64)>, JournalError> {
    let files = storage.files().map_err(JournalError::io("list", storage.dir()))?;
    let mut files: Vec<_> =
        files.iter().filter_map(|(name, bytes)| Some((number_of(name)?, *bytes))).collect();
    files.sort_unstable();
    Ok(files)
}

/// Reads the first `bytes` bytes of a segment file into `data`; fewer if the file is shorter.
pub(crate) fn load(
    storage: &dyn Storage,
    number: u64,
    bytes: u64,
    data: &mut Vec<u8>,
) -> Result<(), JournalError> {
    let name = file_name(number);
    data.resize(bytes.min(SEGMENT_BYTES_MAX) as usize, 0);
    let read = storage.open(&name).and_then(|file| file.read_at(data, 0));
    data.truncate(read.map_err(JournalError::io("read", &storage.path(&name)))?);
    Ok(())
}

/// Iterates over the records of one segment.
pub(crate) struct Steps<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) seed: Seed,
    pub(crate) offset: usize,
    pub(crate) next_sequence: u64,
}

impl Steps<'_> {
    /// The record at `offset`, if it verifies and has the expected sequence; moves past it.
    pub(crate) fn step(&mut self) -> Option<Found> {
        let Parsed::Valid(found) = parse(&self.data[self.offset..], self.seed, None) else { return None };
        if found.sequence != self.next_sequence || found.watermark >= found.sequence {
            return None;
        }
        self.offset += found.bytes();
        if let Kind::Data(_) = found.kind {
            self.next_sequence += 1;
        }
        Some(found)
    }

    /// The number of bytes from `offset` that the record there needs, if it is incomplete only because the data ends.
    fn cut(&self) -> Option<usize> {
        match parse(&self.data[self.offset..], self.seed, None) {
            Parsed::Short(bytes) => Some(bytes),
            Parsed::Valid(_) | Parsed::Invalid => None,
        }
    }
}

/// Examines the bytes after the readable end. Usually they are all zero, which is checked without loading all of them.
fn look(
    remains: &mut Remains,
    window: &mut Window,
    offset: usize,
    header: &Header,
) -> Result<(), JournalError> {
    if !window.is_zero_from(offset)? {
        remains.look(window.whole()?, offset, Seed::of(header.salt));
    }
    Ok(())
}

/// The state of a scan between segments.
struct Progress {
    storage: Arc<dyn Storage>,
    journal_bytes: u64,
    segments: Vec<SegmentSummary>,
    next_sequence: u64,
    watermark: u64,
    sealed: bool,
    last_time_ns: u64,
    /// The header of the segment before.
    previous: Option<Header>,
    /// The file in which the journal ends is shorter than its header says.
    cut_short: bool,
    /// Set once the readable journal has ended.
    stop: Option<(EndOfJournal, Remains)>,
}

impl Progress {
    fn new(storage: Arc<dyn Storage>, journal_bytes: u64) -> Self {
        Self {
            storage,
            journal_bytes,
            segments: Vec::new(),
            next_sequence: 1,
            watermark: 0,
            sealed: false,
            last_time_ns: 0,
            previous: None,
            cut_short: false,
            stop: None,
        }
    }

    fn damaged(&self, number: u64, offset: usize, why: String) -> JournalError {
        let (file, sequence) = (self.storage.path(&file_name(number)), self.next_sequence);
        JournalError::Damaged { file, offset: offset as u64, sequence, why }
    }

    /// The error for a missing segment. `first` is the sequence of its first record; 0 if unknown.
    fn missing(&self, number: u64, first: u64) -> JournalError {
        let (file, why) = (self.storage.path(&file_name(number)), "the segment is missing".to_owned());
        JournalError::Damaged { file, offset: 0, sequence: first, why }
    }

    /// The error for a segment whose header does not verify, with the expected sequence if the segments before it were
    /// read.
    fn due(&self, error: JournalError) -> JournalError {
        match error {
            JournalError::Damaged { file, offset, sequence: 0, why }
                if self.stop.is_none() && !self.segments.is_empty() =>
            {
                JournalError::Damaged { file, offset, sequence: self.next_sequence, why }
            }
            error => error,
        }
    }

    /// As [`Self::due`], for a segment after `last`, which was not read yet.
    fn due_after(
        &self,
        last: Option<(Header, u64)>,
        error: JournalError,
    ) -> Result<JournalError, JournalError> {
        let (JournalError::Damaged { file, offset, sequence: 0, why }, Some((header, bytes))) =
            (&error, last)
        else {
            return Ok(error);
        };
        let (after, goes_on) = self.sequence_after(&header, bytes)?;
        let sequence = if goes_on { after } else { 0 };
        Ok(JournalError::Damaged { file: file.clone(), offset: *offset, sequence, why: why.clone() })
    }

    /// Reads a segment that would have been skipped. Returns the sequence after its last record, and whether the
    /// journal continues in the next segment.
    fn sequence_after(&self, header: &Header, bytes: u64) -> Result<(u64, bool), JournalError> {
        let mut reading = Self::new(Arc::clone(&self.storage), self.journal_bytes);
        let mut window = Window::open(self.storage.as_ref(), header.number, bytes, Vec::new())?;
        window.limit(header.segment_bytes);
        reading.walk(*header, &mut window)?;
        Ok((reading.next_sequence, reading.stop.is_none()))
    }

    /// Skips the segments before the one that holds the record before `sequence`, and returns how many were skipped.
    /// Reads only their headers and the header of that segment.
    fn skip_before(&mut self, sequence: u64, files: &[(u64, u64)]) -> Result<usize, JournalError> {
        if sequence == 0 {
            return Ok(0);
        }
        let mut last: Option<(Header, u64)> = None;
        for &(number, bytes) in files {
            let header = match open_segment(self.storage.as_ref(), number) {
                Ok((_, header)) => header,
                Err(error) => return Err(self.due_after(last, error)?),
            };
            let is_behind = header.base_sequence >= sequence && last.is_some();
            if header.is_spare() || header.base_sequence > sequence || is_behind {
                break;
            }
            if let Some((skipped, skipped_bytes)) = last.replace((header, bytes)) {
                self.skip(&skipped, skipped_bytes, &header)?;
            }
        }
        Ok(self.segments.len())
    }

    /// Skips a segment, relying on its own header and the next one for the number of its records.
    fn skip(&mut self, skipped: &Header, bytes: u64, next: &Header) -> Result<(), JournalError> {
        self.next_sequence = skipped.base_sequence;
        if next.number != skipped.number + 1 {
            let (after, goes_on) = self.sequence_after(skipped, bytes)?;
            return Err(self.missing(skipped.number + 1, if goes_on { after } else { 0 }));
        }
        if bytes < skipped.segment_bytes {
            self.next_sequence = self.sequence_after(skipped, bytes)?.0;
            return Err(self.damaged(skipped.number, bytes as usize, "the file ends here".to_owned()));
        }
        let Some(records) = next.base_sequence.checked_sub(skipped.base_sequence) else {
            self.next_sequence = self.sequence_after(skipped, bytes)?.0;
            let why = format!("the segment says it starts at sequence {}", next.base_sequence);
            return Err(self.damaged(next.number, BASE_SEQUENCE_AT, why));
        };
        let file = self.storage.path(&file_name(skipped.number));
        next.check_continues(&self.storage.path(&file_name(next.number)), skipped)?;
        let Header { number, base_sequence, epoch, .. } = *skipped;
        self.segments.push(SegmentSummary { file, number, base_sequence, epoch, records, bytes });
        (self.previous, self.next_sequence) = (Some(*skipped), next.base_sequence);
        Ok(())
    }

    /// Scans the next segment file.
    fn segment(&mut self, number: u64, window: &mut Window) -> Result<(), JournalError> {
        let file = self.storage.path(&file_name(number));
        let header = match Header::decode(window.at(0, SEGMENT_HEADER_BYTES)?, &file, number) {
            // Nothing was ever written after the end of the journal, so a file of zeros is a spare and nothing is
            // missing.
            Err(_) if self.stop.is_some() && window.is_zero_from(0)? => return Ok(()),
            header => header.map_err(|error| self.due(error))?,
        };
        window.limit(header.segment_bytes);
        let follows = self.previous.is_none_or(|previous| previous.number + 1 == number);
        match &mut self.stop {
            Some((end, remains)) => {
                if !header.is_spare() && !follows {
                    return Err(self.missing(number - 1, 0));
                }
                look(remains, window, SEGMENT_HEADER_BYTES, &header)?;
                if !header.is_spare() {
                    end.later_in_use.push(number);
                }
            }
            None if !follows => {
                let missing = self.previous.map_or(number, |previous| previous.number + 1);
                return Err(self.missing(missing, self.next_sequence));
            }
            None if header.is_spare() => self.reach_spare(header, window)?,
            None => self.walk(header, window)?,
        }
        if let Some(previous) = self.previous.replace(header) {
            header.check_continues(&file, &previous)?;
        }
        Ok(())
    }

    /// The journal ends at the start of a spare: the segment before it is full, or ends with an end marker.
    fn reach_spare(&mut self, header: Header, window: &mut Window) -> Result<(), JournalError> {
        if self.segments.is_empty() {
            // A segment is created ahead only while another one is in use.
            return Err(self.missing(header.number.saturating_sub(1), 0));
        }
        self.stop_at(header, SEGMENT_HEADER_BYTES, window)
    }

    /// Reads the records of a segment in use, up to its end marker or the end of the journal.
    fn walk(&mut self, header: Header, window: &mut Window) -> Result<(), JournalError> {
        if self.segments.is_empty() {
            self.next_sequence = header.base_sequence;
        } else if header.base_sequence != self.next_sequence {
            let why = format!("the segment says it starts at sequence {}", header.base_sequence);
            return Err(self.damaged(header.number, BASE_SEQUENCE_AT, why));
        }
        let seed = Seed::of(header.salt);
        let (mut offset, mut wanted, mut continues) = (SEGMENT_HEADER_BYTES, RECORD_HEADER_BYTES, false);
        loop {
            let data = window.at(offset, wanted)?;
            if data.len() < wanted {
                break;
            }
            let mut steps = Steps { data, seed, offset: 0, next_sequence: self.next_sequence };
            while !continues && let Some(found) = steps.step() {
                self.watermark = self.watermark.max(found.watermark);
                self.sealed = found.kind == Kind::Seal;
                match found.kind {
                    Kind::Data(_) => self.last_time_ns = found.time_ns,
                    Kind::Seal => {}
                    Kind::End => continues = true,
                }
            }
            offset += steps.offset;
            self.next_sequence = steps.next_sequence;
            match steps.cut() {
                Some(bytes) if !continues => wanted = bytes,
                _ => break,
            }
        }
        let records = self.next_sequence - header.base_sequence;
        let file = self.storage.path(&file_name(header.number));
        self.segments.push(SegmentSummary {
            file,
            number: header.number,
            base_sequence: header.base_sequence,
            epoch: header.epoch,
            records,
            bytes: offset as u64,
        });
        if !continues {
            self.stop_at(header, offset, window)?;
        }
        Ok(())
    }

    fn stop_at(&mut self, header: Header, offset: usize, window: &mut Window) -> Result<(), JournalError> {
        let mut remains = Remains::new(self.next_sequence, self.journal_bytes);
        look(&mut remains, window, offset, &header)?;
        self.cut_short = (window.length() as u64) < header.segment_bytes;
        let needs_rebuild = header.is_spare();
        let end = EndOfJournal { header, offset, needs_rebuild, later_in_use: Vec::new() };
        self.stop = Some((end, remains));
        Ok(())
    }

    fn finish(mut self) -> Result<Scanned, JournalError> {
        let Some((mut end, remains)) = self.stop.take() else {
            return match self.previous {
                Some(last) => Err(self.missing(last.number + 1, self.next_sequence)),
                None => Ok(self.scanned(Verdict::Empty, None, None)),
            };
        };
        if let Some(watermark) = remains.acknowledged() {
            let why =
                format!("the record does not verify, yet a later one says that {watermark} was durable");
            return Err(self.damaged(end.header.number, end.offset, why));
        }
        let verdict = if remains.bytes > 0 || !end.later_in_use.is_empty() || self.cut_short {
            end.needs_rebuild = true;
            Verdict::TornTail {
                file: self.storage.path(&file_name(end.header.number)),
                offset: end.offset as u64,
                bytes: remains.bytes,
                records_lost_at_least: remains.records_lost_at_least(),
            }
        } else if self.sealed {
            Verdict::Clean
        } else {
            Verdict::Unsealed
        };
        let (number, offset) = (end.header.number, end.offset as u64);
        let witness = Witness::take(self.storage.as_ref(), number, offset);
        let witness = witness.map_err(JournalError::io("read", &self.storage.path(&file_name(number))))?;
        Ok(self.scanned(verdict, Some(end), Some(witness)))
    }

    fn scanned(self, verdict: Verdict, end: Option<EndOfJournal>, witness: Option<Witness>) -> Scanned {
        let Self { storage, segments, next_sequence, watermark, sealed, last_time_ns, .. } = self;
        Scanned { storage, verdict, segments, next_sequence, end, watermark, sealed, witness, last_time_ns }
    }
}
