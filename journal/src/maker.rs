//! Creates segments ahead of need: allocated, synced, named and open, so that the writer only swaps to the next one. It
//! also does the writer's work that could block. It runs on its own thread, or on demand where there must be no
//! threads.

use crate::content::Content;
use crate::gathered::WriteBack;
use crate::passing::{Told, is_passing};
use crate::record::Seed;
use crate::segment::{Header, file_name};
use crate::storage::{Region, Storage, Writing};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the maker waits after a failure, usually a full disk, before it retries.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How many transient errors in a row are not reported; together with the pauses, one second.
const PASSING_MAX: u32 = 10;

/// A segment that nothing was written to yet.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) header: Header,
    pub(crate) seed: Seed,
    pub(crate) region: Region,
}

/// The properties shared by all segments of a writer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) segment_bytes: u64,
    pub(crate) content: Content,
    pub(crate) writing: Writing,
}

/// The first sequence and the epoch of a segment that comes into use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) base_sequence: u64,
    pub(crate) epoch: u64,
}

impl Place {
    /// For a spare: neither sequence nor epoch is known yet.
    const NONE: Self = Self { base_sequence: 0, epoch: 0 };
}

/// Creates and opens segment `number`.
pub(crate) fn make(
    storage: &dyn Storage,
    number: u64,
    Place { base_sequence, epoch }: Place,
    pattern: Pattern,
    cancel: &AtomicBool,
) -> io::Result<Spare> {
    let Pattern { segment_bytes, content, writing } = pattern;
    let salt = storage.new_salt();
    let header = Header { number, base_sequence, segment_bytes, salt, content, epoch };
    let name = file_name(number);
    storage.create(&name, segment_bytes, &header.encode(), writing, cancel)?;
    let region = storage.open_to_write(&name, segment_bytes, writing)?;
    Ok(Spare { header, seed: Seed::of(header.salt), region })
}

/// State that the maker thread and the writer share.
#[derive(Debug, Default)]
struct Shared {
    /// Whether the last attempt to create a segment failed.
    low_space: AtomicBool,
    /// The error of that attempt.
    reason: Mutex<Option<String>>,
    /// Set when the writer is gone.
    cancel: AtomicBool,
}

impl Shared {
    fn note(&self, outcome: Option<&io::Error>) {
        let reason = outcome.map(|error| Told(error).to_string());
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        self.low_space.store(outcome.is_some(), Ordering::Release);
    }
}

/// The source of the next segment.
#[derive(Debug)]
pub(crate) struct Maker {
    shared: Arc<Shared>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// A thread that keeps a fixed number of spares ready.
    Ahead(Line),
    /// The writer creates each segment when it needs one.
    OnDemand { storage: Arc<dyn Storage>, next_number: u64, pattern: Pattern },
}

/// The queues between the writer and the maker. The writer only tries to lock them: if the maker is interrupted while
/// it holds the lock, the writer must not stop.
#[derive(Debug, Default)]
struct Belt {
    /// Oldest first.
    ready: VecDeque<Spare>,
    /// Full segments, to be unmapped by the maker: unmapping takes time in proportion to the size.
    full: Vec<Region>,
    write_back: Vec<WriteBack>,
}

#[derive(Debug)]
struct Line {
    belt: Arc<Mutex<Belt>>,
    /// Full segments that are not in the queue yet because the lock was taken.
    full: Vec<Region>,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    /// Runs `change` on the queues and wakes the maker. Returns `None` if the maker holds the lock.
    fn try_change<R>(&mut self, change: impl FnOnce(&mut Belt) -> R) -> Option<R> {
        let mut belt = match self.belt.try_lock() {
            Ok(belt) => belt,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        belt.full.append(&mut self.full);
        let changed = change(&mut belt);
        drop(belt);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        Some(changed)
    }
}

fn lock(belt: &Mutex<Belt>) -> MutexGuard<'_, Belt> {
    belt.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Maker {
    /// Starts to create segments from `next_number` on, `spares` ahead. With 0 spares they are created on demand.
    pub(crate) fn start(
        storage: Arc<dyn Storage>,
        next_number: u64,
        pattern: Pattern,
        spares: u32,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        if spares == 0 {
            return Ok(Self { shared, source: Source::OnDemand { storage, next_number, pattern } });
        }
        let belt = Arc::new(Mutex::new(Belt::default()));
        let of_thread = (Arc::clone(&belt), Arc::clone(&shared));
        let thread = thread::Builder::new().name("journal-maker".to_owned()).spawn(move || {
            let (belt, shared) = of_thread;
            work(storage.as_ref(), next_number, pattern, spares as usize, &belt, &shared);
        })?;
        let line = Line { belt, full: Vec::new(), thread: Some(thread) };
        Ok(Self { shared, source: Source::Ahead(line) })
    }

    /// The next segment, if one is ready.
    pub(crate) fn take(&mut self) -> Option<Spare> {
        match &mut self.source {
            Source::Ahead(line) => line.try_change(|belt| belt.ready.pop_front()).flatten(),
            Source::OnDemand { storage, next_number, pattern } => {
                let made = make(storage.as_ref(), *next_number, Place::NONE, *pattern, &self.shared.cancel);
                self.shared.note(made.as_ref().err());
                let spare = made.ok()?;
                *next_number += 1;
                Some(spare)
            }
        }
    }

    /// Hands over a full segment, to be unmapped.
    pub(crate) fn retire(&mut self, full: Region) {
        if let Source::Ahead(line) = &mut self.source {
            line.full.push(full);
            line.try_change(|_| ());
        }
    }

    /// Hands over a range whose write-back should be started. Does nothing if there is no maker thread.
    pub(crate) fn write_back(&mut self, bytes: WriteBack) {
        if let Source::Ahead(line) = &mut self.source {
            line.try_change(|belt| belt.write_back.push(bytes));
        }
    }

    /// Whether the last attempt to create a segment failed.
    pub(crate) fn low_space(&self) -> bool {
        self.shared.low_space.load(Ordering::Acquire)
    }

    /// The error of that attempt.
    pub(crate) fn low_space_reason(&self) -> Option<String> {
        self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The maker thread's loop; it ends when the writer is gone.
fn work(
    storage: &dyn Storage,
    next_number: u64,
    pattern: Pattern,
    spares: usize,
    belt: &Mutex<Belt>,
    shared: &Shared,
) {
    let mut number = next_number;
    while !shared.cancel.load(Ordering::Acquire) {
        let (full, write_back, wanted) = {
            let belt = &mut *lock(belt);
            let wanted = belt.ready.len() < spares;
            (std::mem::take(&mut belt.full), std::mem::take(&mut belt.write_back), wanted)
        };
        let handed_in = full.len() + write_back.len();
        drop(full);
        write_back.into_iter().for_each(WriteBack::start);
        if wanted {
            let Some(spare) = make_stubbornly(storage, number, pattern, shared) else { return };
            number += 1;
            lock(belt).ready.push_back(spare);
        } else if handed_in == 0 {
            thread::park();
        }
    }
}

/// Creates a segment, retrying for as long as the disk is full; `None` once the writer is gone.
fn make_stubbornly(storage: &dyn Storage, number: u64, pattern: Pattern, shared: &Shared) -> Option<Spare> {
    let mut passed: u32 = 0;
    while !shared.cancel.load(Ordering::Acquire) {
        match make(storage, number, Place::NONE, pattern, &shared.cancel) {
            Ok(spare) => {
                shared.note(None);
                return Some(spare);
            }
            // Usually there are spares left, so a transient error is not reported at once.
            Err(error) if is_passing(&error) && passed < PASSING_MAX => {
                passed += 1;
                thread::park_timeout(RETRY_AFTER);
            }
            Err(error) => {
                shared.note(Some(&error));
                thread::park_timeout(RETRY_AFTER);
            }
        }
    }
    None
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.shared.cancel.store(true, Ordering::Release);
        if let Source::Ahead(line) = &mut self.source
            && let Some(thread) = line.thread.take()
        {
            thread.thread().unpark();
            // Waits, so that no segment is created after the directory's lock was released.
            let _ = thread.join();
        }
    }
}
