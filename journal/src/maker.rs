//! Makes segments before they are needed: zeroed, synced, named and mapped, so that the writer only swaps. On a
//! thread of its own, or at the moment of need where there must be no threads.

use crate::passing::{Told, is_passing};
use crate::record::Seed;
use crate::segment::{Content, Header, file_name};
use crate::storage::{Region, Storage};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the maker waits after a failure, usually a full disk, before it tries again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// So often in a row, one second in all, an error that passes is not told.
const PASSING_MAX: u32 = 10;

/// A segment that nothing was written to yet.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) header: Header,
    pub(crate) seed: Seed,
    pub(crate) region: Region,
}

/// What all segments of a writer have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) segment_bytes: u64,
    pub(crate) content: Content,
}

/// Makes and maps segment `number`. With a base sequence of 0 it is a spare.
pub(crate) fn make(
    storage: &dyn Storage,
    number: u64,
    base_sequence: u64,
    pattern: Pattern,
    cancel: &AtomicBool,
) -> io::Result<Spare> {
    let Pattern { segment_bytes, content } = pattern;
    let header = Header { number, base_sequence, segment_bytes, salt: storage.new_salt(), content };
    let name = file_name(number);
    storage.create(&name, segment_bytes, &header.encode(), cancel)?;
    let region = storage.map(&name, segment_bytes)?;
    Ok(Spare { header, seed: Seed::of(header.salt), region })
}

/// What the maker and the writer both look at.
#[derive(Debug, Default)]
struct Shared {
    /// The last attempt to make a segment failed.
    low_space: AtomicBool,
    /// Why it failed.
    reason: Mutex<Option<String>>,
    /// The writer is gone.
    cancel: AtomicBool,
}

impl Shared {
    fn note(&self, outcome: Option<&io::Error>) {
        let reason = outcome.map(|error| Told(error).to_string());
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        self.low_space.store(outcome.is_some(), Ordering::Release);
    }
}

/// Where the next segment comes from.
#[derive(Debug)]
pub(crate) struct Maker {
    shared: Arc<Shared>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// A thread that keeps a fixed number of spares.
    Ahead(Line),
    /// Made by the writer when it needs one.
    OnDemand { storage: Arc<dyn Storage>, next_number: u64, pattern: Pattern },
}

#[derive(Debug)]
struct Line {
    /// One order per spare wanted. With it travels a full segment's map, so that unmapping, which takes time in
    /// proportion to the segment, happens on the maker's thread.
    orders: Option<SyncSender<Option<Region>>>,
    ready: Receiver<Spare>,
    thread: Option<JoinHandle<()>>,
}

impl Maker {
    /// Starts making segments from `next_number` on, `spares` ahead; none ahead means on demand.
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
        let (orders, orders_in) = sync_channel(spares as usize);
        let (ready_out, ready) = sync_channel(spares as usize);
        for _ in 0..spares {
            // The channel was made with room for them.
            let _ = orders.try_send(None);
        }
        let seen = Arc::clone(&shared);
        let thread = thread::Builder::new().name("journal-maker".to_owned()).spawn(move || {
            for (number, order) in (next_number..).zip(orders_in) {
                drop(order);
                let Some(spare) = make_stubbornly(storage.as_ref(), number, pattern, &seen) else {
                    return;
                };
                if ready_out.send(spare).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { shared, source: Source::Ahead(Line { orders: Some(orders), ready, thread: Some(thread) }) })
    }

    /// The next segment, if one was made ahead and is ready.
    pub(crate) fn take_ahead(&mut self) -> Option<Spare> {
        match &mut self.source {
            Source::Ahead(line) => line.ready.try_recv().ok(),
            Source::OnDemand { .. } => None,
        }
    }

    /// The next segment, if one is ready.
    pub(crate) fn take(&mut self) -> Option<Spare> {
        match &mut self.source {
            Source::Ahead(line) => line.ready.try_recv().ok(),
            Source::OnDemand { storage, next_number, pattern } => {
                let made = make(storage.as_ref(), *next_number, 0, *pattern, &self.shared.cancel);
                self.shared.note(made.as_ref().err());
                let spare = made.ok()?;
                *next_number += 1;
                Some(spare)
            }
        }
    }

    /// Hands in a full segment after [`Maker::take`], which orders a new spare.
    pub(crate) fn retire(&mut self, full: Region) {
        if let Source::Ahead(Line { orders: Some(orders), .. }) = &self.source {
            // There is room: one spare was taken for every order that is sent.
            let _ = orders.try_send(Some(full));
        }
    }

    /// Whether the last attempt to make a segment failed.
    pub(crate) fn low_space(&self) -> bool {
        self.shared.low_space.load(Ordering::Acquire)
    }

    /// Why it failed.
    pub(crate) fn low_space_reason(&self) -> Option<String> {
        self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Makes a segment however long the disk stays full; `None` once the writer is gone.
fn make_stubbornly(storage: &dyn Storage, number: u64, pattern: Pattern, shared: &Shared) -> Option<Spare> {
    let mut passed: u32 = 0;
    while !shared.cancel.load(Ordering::Acquire) {
        match make(storage, number, 0, pattern, &shared.cancel) {
            Ok(spare) => {
                shared.note(None);
                return Some(spare);
            }
            // There are spares, as a rule, so nobody need know of it.
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
        if let Source::Ahead(line) = &mut self.source {
            line.orders = None;
            if let Some(thread) = line.thread.take() {
                thread.thread().unpark();
                // Waits, so that nothing is made after the directory's lock has been given back.
                let _ = thread.join();
            }
        }
    }
}
