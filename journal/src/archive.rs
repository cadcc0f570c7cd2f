//! Archived segments: each is one zstd file in the same directory as the segments that are still in use.

use crate::error::JournalError;
use crate::error::NotSynced;
use crate::layout::SEGMENT_BYTES_MAX;
use crate::passing::is_passing;
use crate::segment::number_of;
use crate::storage::{LockGuard, ReadAt, Region, Storage, Writing};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use zstd::stream::{read::Decoder, write::Encoder};
use zstd::zstd_safe::get_frame_content_size;

/// The suffix that is added to a segment's file name when it is archived.
pub(crate) const SUFFIX: &str = ".zst";
/// Compression level: low, because segments are compressed while the engine runs.
const LEVEL: i32 = 3;
/// An upper bound on the size of a zstd frame header, which holds the original length.
const FRAME_HEADER_BYTES: usize = 18;
/// Bytes copied per step.
const PIECE_BYTES: usize = 256 << 10;

/// Compresses segment `name`, of `bytes` bytes, to a durable archive file, then reads the archive back to verify it.
pub(crate) fn archive(storage: &dyn Storage, name: &str, bytes: u64) -> Result<(), JournalError> {
    let archived = format!("{name}{SUFFIX}");
    let path = storage.path(&archived);
    let segment = storage.open(name).map_err(JournalError::io("open", &storage.path(name)))?;
    let written = storage.write(&archived, &mut |out| {
        let mut encoder = Encoder::new(out, LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.set_pledged_src_size(Some(bytes))?;
        io::copy(&mut At::start_of(segment.as_ref()), &mut encoder)?;
        encoder.finish()?.flush()
    });
    written.map_err(JournalError::io("archive a segment in", &path))?;
    let back = storage.open(&archived).and_then(|file| {
        let mut back = Decoder::new(At::start_of(file))?;
        same(&mut At::start_of(segment.as_ref()), &mut back)
    });
    back.map_err(JournalError::io("read back", &path))
}

/// Fails unless both readers give the same bytes.
fn same(one: &mut dyn Read, other: &mut dyn Read) -> io::Result<()> {
    let (mut left, mut right) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    loop {
        let bytes = one.read(&mut left)?;
        if bytes == 0 {
            return match other.read(&mut right[..1])? {
                0 => Ok(()),
                _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than the segment")),
            };
        }
        other.read_exact(&mut right[..bytes])?;
        if left[..bytes] != right[..bytes] {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not give the segment back"));
        }
    }
}

/// Reads a file sequentially from its start.
struct At<F> {
    file: F,
    offset: u64,
}

impl<F> At<F> {
    fn start_of(file: F) -> Self {
        Self { file, offset: 0 }
    }
}

impl<F: std::ops::Deref<Target: ReadAt>> Read for At<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read_at(buffer, self.offset)?;
        self.offset += bytes as u64;
        Ok(bytes)
    }
}

/// A journal including its archived segments: readers and scans see them as ordinary segments. Read-only.
#[derive(Debug, Clone)]
pub struct ArchivedStorage {
    inner: Arc<dyn Storage>,
}

impl ArchivedStorage {
    /// A view of the files in `inner` that also contains the segments archived there.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner }
    }

    /// Opens the archive of segment `name` and returns it with the segment's length in bytes.
    fn open_archive(&self, name: &str) -> io::Result<(Box<dyn ReadAt>, u64)> {
        let file = self.inner.open(&format!("{name}{SUFFIX}"))?;
        let mut start = [0; FRAME_HEADER_BYTES];
        let filled = file.read_at(&mut start, 0)?;
        match get_frame_content_size(&start[..filled]) {
            Ok(Some(bytes)) if bytes <= SEGMENT_BYTES_MAX => Ok((file, bytes)),
            _ => Err(damaged(name, "it does not begin like an archived segment")),
        }
    }

    /// A decoder at the start of the archive of segment `name`, and the segment's length in bytes.
    fn decoder(&self, name: &str) -> io::Result<(FileDecoder, u64)> {
        let (file, bytes) = self.open_archive(name)?;
        Ok((Decoder::new(At::start_of(file))?, bytes))
    }
}

fn damaged(name: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name}{SUFFIX} is damaged: {why}"))
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "a journal with its archive can only be read")
}

/// An archived segment, decompressed as far as it has been read.
struct ArchivedFile {
    name: String,
    archive: ArchivedStorage,
    state: RefCell<Decompressed>,
}

type FileDecoder = Decoder<'static, BufReader<At<Box<dyn ReadAt>>>>;

struct Decompressed {
    /// `None` after an error: the decoder's state is lost, so decompression starts again.
    decoder: Option<FileDecoder>,
    /// The bytes decompressed so far.
    bytes: Vec<u8>,
    /// The number of bytes of the whole segment.
    total: usize,
}

impl fmt::Debug for ArchivedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivedFile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Decompressed {
    /// Decompresses up to offset `end` if that has not been done yet.
    fn reach(&mut self, end: usize, open: impl FnOnce() -> io::Result<FileDecoder>) -> io::Result<()> {
        if end <= self.bytes.len() {
            return Ok(());
        }
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => {
                self.bytes.clear();
                open()?
            }
        };
        let have = self.bytes.len();
        // The decoder works in pieces of this size; asking for less is not cheaper.
        let end = end.max(have + PIECE_BYTES).min(self.total);
        self.bytes.resize(end, 0);
        let read = decoder.read_exact(&mut self.bytes[have..]);
        if read.is_err() {
            self.bytes.truncate(have);
        }
        read?;
        // The checksum of the frame follows its last byte.
        if end == self.total && decoder.read(&mut [0])? > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than it says"));
        }
        self.decoder = Some(decoder);
        Ok(())
    }
}

impl ReadAt for ArchivedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(state.total);
        let end = from.saturating_add(buffer.len()).min(state.total);
        let open = || self.archive.decoder(&self.name).map(|(decoder, _)| decoder);
        state.reach(end, open).map_err(|error| match is_passing(&error) {
            true => error,
            false => damaged(&self.name, &error.to_string()),
        })?;
        buffer[..end - from].copy_from_slice(&state.bytes[from..end]);
        Ok(end - from)
    }
}

impl Storage for ArchivedStorage {
    fn prepare(&self) -> io::Result<()> {
        Err(read_only())
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
        Err(JournalError::Io { action: "lock", path: self.dir().to_owned(), source: read_only() })
    }

    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = self.inner.files()?;
        let there: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
        for (name, bytes) in &mut files {
            if let Some(segment) = name.strip_suffix(SUFFIX)
                && number_of(segment).is_some()
                && !there.contains(segment)
            {
                (*name, *bytes) = (segment.to_owned(), self.open_archive(segment)?.1);
            }
        }
        Ok(files)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        match self.inner.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && number_of(name).is_some() => {
                let (decoder, bytes) = self.decoder(name)?;
                let (decoder, total) = (Some(decoder), bytes as usize);
                let state = RefCell::new(Decompressed { decoder, bytes: Vec::new(), total });
                Ok(Box::new(ArchivedFile { name: name.to_owned(), archive: self.clone(), state }))
            }
            opened => opened,
        }
    }

    fn create(
        &self,
        _name: &str,
        _bytes: u64,
        _start: &[u8],
        _writing: Writing,
        _cancel: &AtomicBool,
    ) -> io::Result<()> {
        Err(read_only())
    }

    fn write(&self, _name: &str, _fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        Err(read_only())
    }

    fn open_to_write(&self, _name: &str, _bytes: u64, _writing: Writing) -> io::Result<Region> {
        Err(read_only())
    }

    fn sync_file(&self, _name: &str) -> Result<(), NotSynced> {
        Err(NotSynced::Unopened(read_only()))
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn new_salt(&self) -> u64 {
        self.inner.new_salt()
    }

    fn dir(&self) -> &Path {
        self.inner.dir()
    }
}
