//! A segment whose bytes are buffered in memory and written with `pwrite`. There are no page faults, and a full or
//! failing disk is an error of a call.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The most bytes that are buffered, except for a single larger record.
const GATHERED_BYTES_MAX: usize = 256 << 10;

/// A file open for positioned writes. Only [`WriteAt::sync`] waits for the disk and, while the disk is busy,
/// [`WriteAt::start_write_back`].
pub trait WriteAt: fmt::Debug + Send + Sync {
    /// Writes some of `bytes` at `offset` and returns how many were written.
    ///
    /// # Errors
    /// Any error of the operating system; nothing was written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes everything in `range` durable.
    ///
    /// # Errors
    /// Must not be retried: what was not written may be lost.
    fn sync(&self, range: Range<u64>) -> io::Result<()>;

    /// Asks the system to start writing `range` to disk, so that a later sync has little to do. Only a hint.
    fn start_write_back(&self, range: Range<u64>);
}

/// The end of a segment. Written bytes are in the file; buffered bytes are not.
#[derive(Debug)]
pub struct Gathered {
    file: Arc<dyn WriteAt>,
    /// The offset in the file at which `bytes` begins.
    from: usize,
    /// How many of `bytes` are already in the file.
    written: usize,
    bytes: Vec<u8>,
    /// The offset from which write-back has not been requested yet. `None`: it is never requested, because syncs follow
    /// soon.
    behind_from: Option<usize>,
}

impl Gathered {
    /// A segment with an empty buffer.
    #[must_use]
    pub fn new(file: Arc<dyn WriteAt>) -> Self {
        Self { file, from: 0, written: 0, bytes: Vec::new(), behind_from: None }
    }

    /// The same for a segment that is not synced while it is written: write-back is requested from time to time.
    #[must_use]
    pub fn written_behind(self) -> Self {
        Self { behind_from: Some(0), ..self }
    }

    /// The same with its file wrapped by `front`, which injects faults.
    #[must_use]
    pub fn behind(mut self, front: impl FnOnce(Arc<dyn WriteAt>) -> Arc<dyn WriteAt>) -> Self {
        self.file = front(self.file);
        self
    }

    /// Whether `range` still fits into the buffer.
    pub(crate) fn has_room(&self, range: &Range<usize>) -> bool {
        self.bytes.is_empty() || range.end - self.from <= GATHERED_BYTES_MAX
    }

    /// Runs `edit` on the bytes in `range`, which are in the buffer or directly after it.
    ///
    /// # Panics
    /// If the range begins before the buffer, or after its end.
    pub(crate) fn edit<R>(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        if self.bytes.is_empty() {
            (self.from, self.written) = (range.start, 0);
        }
        let (from, to) = (range.start - self.from, range.end - self.from);
        if self.bytes.len() < to {
            self.bytes.resize(to, 0);
        }
        edit(&mut self.bytes[from..to])
    }

    /// Writes the buffer up to offset `to` to the file and discards the rest of the buffer.
    ///
    /// # Errors
    /// Any error of the operating system. Unwritten bytes stay in the buffer, and the next call continues with them.
    pub(crate) fn write_out(&mut self, to: usize) -> io::Result<()> {
        let end = to.saturating_sub(self.from).min(self.bytes.len());
        while self.written < end {
            let at = (self.from + self.written) as u64;
            match self.file.write_at(&self.bytes[self.written..end], at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.clear();
        (self.from, self.written) = (to, 0);
        Ok(())
    }

    /// As [`WriteAt::sync`].
    pub(crate) fn sync(&self, range: Range<usize>) -> io::Result<()> {
        self.file.sync(range.start as u64..range.end as u64)
    }

    /// The range for which write-back should be requested, if it has at least `least` bytes.
    pub(crate) fn take_write_back(&mut self, least: usize) -> Option<WriteBack> {
        let (from, end) = (self.behind_from?, self.from);
        if end < from + least {
            return None;
        }
        let range = from as u64..end as u64;
        self.behind_from = Some(end);
        Some(WriteBack { file: Arc::clone(&self.file), range })
    }

    /// The bytes before `offset` were written earlier; the buffer continues there.
    pub(crate) fn continue_at(&mut self, offset: usize) {
        self.from = offset;
        if let Some(from) = &mut self.behind_from {
            *from = offset;
        }
    }
}

/// A range of a file whose write-back should be started.
#[derive(Debug)]
pub(crate) struct WriteBack {
    file: Arc<dyn WriteAt>,
    range: Range<u64>,
}

impl WriteBack {
    /// Requests the write-back. May wait while the disk is busy.
    pub(crate) fn start(self) {
        self.file.start_write_back(self.range);
    }
}
