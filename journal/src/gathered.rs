//! A segment whose bytes gather in memory and are written with `pwrite`: no page faults, and a full disk or one that fails is an
//! error of a call.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that gather at most, but for a single record that is larger.
const GATHERED_BYTES_MAX: usize = 256 << 10;

/// A file open for positioned writes. Nothing of it waits for the disk but [`WriteAt::sync`] and, while the disk is busy,
/// [`WriteAt::start_write_back`].
pub trait WriteAt: fmt::Debug + Send + Sync {
    /// Writes some of `bytes` at `offset` and returns how many.
    ///
    /// # Errors
    /// Whatever the operating system says; nothing was written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes everything in `range` durable.
    ///
    /// # Errors
    /// Must not be retried: what was not written may be lost.
    fn sync(&self, range: Range<u64>) -> io::Result<()>;

    /// Has the system begin to bring `range` to the disk, so that a later sync finds little to do. Only a hint.
    fn start_write_back(&self, range: Range<u64>);
}

/// The end of a segment: what is written is in the file, what gathers is not.
#[derive(Debug)]
pub struct Gathered {
    file: Arc<dyn WriteAt>,
    /// Where in the file `bytes` begins.
    from: usize,
    /// How many of `bytes` the file has.
    written: usize,
    bytes: Vec<u8>,
    /// From where on the disk was not asked to begin with its work; `None`: it is not asked, since syncs follow soon.
    behind_from: Option<usize>,
}

impl Gathered {
    /// A segment of which nothing gathers yet.
    #[must_use]
    pub fn new(file: Arc<dyn WriteAt>) -> Self {
        Self { file, from: 0, written: 0, bytes: Vec::new(), behind_from: None }
    }

    /// The same where nobody syncs on the way: the disk is asked to begin with its work now and then.
    #[must_use]
    pub fn written_behind(self) -> Self {
        Self { behind_from: Some(0), ..self }
    }

    /// The same with another file in front of its own, which injects faults.
    #[must_use]
    pub fn behind(mut self, front: impl FnOnce(Arc<dyn WriteAt>) -> Arc<dyn WriteAt>) -> Self {
        self.file = front(self.file);
        self
    }

    /// Whether `range` can gather beside what does.
    pub(crate) fn has_room(&self, range: &Range<usize>) -> bool {
        self.bytes.is_empty() || range.end - self.from <= GATHERED_BYTES_MAX
    }

    /// Runs `edit` on the bytes in `range`: what gathers there, or new ones behind it.
    ///
    /// # Panics
    /// If the range begins before what gathers, or beyond its end.
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

    /// Brings what gathers up to offset `to` to the file; what lies beyond is forgotten.
    ///
    /// # Errors
    /// Whatever the operating system says. What was not written still gathers, and the next call goes on with it.
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

    /// What the disk should begin with, when it is as much as `least` bytes.
    pub(crate) fn take_write_back(&mut self, least: usize) -> Option<WriteBack> {
        let (from, end) = (self.behind_from?, self.from);
        if end < from + least {
            return None;
        }
        let range = from as u64..end as u64;
        self.behind_from = Some(end);
        Some(WriteBack { file: Arc::clone(&self.file), range })
    }

    /// What lies before `offset` was written long ago.
    pub(crate) fn continue_at(&mut self, offset: usize) {
        self.from = offset;
        if let Some(from) = &mut self.behind_from {
            *from = offset;
        }
    }
}

/// Bytes of a file that the disk should begin with.
#[derive(Debug)]
pub(crate) struct WriteBack {
    file: Arc<dyn WriteAt>,
    range: Range<u64>,
}

impl WriteBack {
    /// May wait while the disk is busy.
    pub(crate) fn start(self) {
        self.file.start_write_back(self.range);
    }
}
