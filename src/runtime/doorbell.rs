//! Wakes a thread that sleeps because it has no work, without a system call if the thread is awake.
//!
//! The problem is a lost wake-up: the sleeper finds no work, and before it is asleep new work arrives; the producer
//! sees that the thread is not asleep and does not wake it. So the sleeper announces the sleep first and then looks for
//! work again:
//!
//! | sleeper | producer |
//! |---|---|
//! | 1. sets `sleeping` | 1. publishes its work |
//! | 2. fence (SeqCst) | 2. fence (SeqCst) |
//! | 3. looks for work once more | 3. reads `sleeping`; if set, clears it and wakes the sleeper |
//! | 4. sleeps if there was none | |
//!
//! The two fences have a total order. If the sleeper's comes first, the producer's step 3 sees `sleeping` and wakes it;
//! if the producer's comes first, the sleeper's step 3 sees the work. Both may happen, which costs one unnecessary
//! wake-up. A wake-up between steps 3 and 4 is not lost either: a thread's park token and an event in a poll both stay
//! until the sleeper collects them. `tests/loom.rs` checks all interleavings of this protocol.
//!
//! Step 3 is a whole duty cycle of the thread's agents. So [`Sleeper::arm`] returns to the runner, and the next call of
//! the idle strategy sleeps if that cycle found no work.

use std::sync::atomic::{AtomicBool as Flag, Ordering as FlagOrdering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[cfg(dojima_loom)]
use loom::{
    sync::atomic::{AtomicBool, Ordering, fence},
    thread::{self, Thread},
};
#[cfg(not(dojima_loom))]
use std::{
    sync::atomic::{AtomicBool, Ordering, fence},
    thread::{self, Thread},
};

use crossbeam_utils::CachePadded;

struct Shared {
    sleeping: CachePadded<AtomicBool>,
    waker: Waker,
}

enum Waker {
    /// The thread never sleeps.
    Nobody,
    /// A thread that parks. It is set when the thread arms for the first time.
    Thread(OnceLock<Thread>),
    /// A thread that waits in a `mio` poll.
    Poll(mio::Waker),
}

/// The waking side. Cheap to clone; any thread may ring.
#[derive(Clone)]
pub struct Doorbell {
    shared: Arc<Shared>,
    mute: Option<Mute>,
}

/// Silences doorbells while one agent rings for all agents on its thread. Set and read on that thread; clones share the
/// flag.
#[derive(Clone, Debug, Default)]
pub struct Mute(Arc<Flag>);

impl Mute {
    /// Sets whether the doorbells are silent. The agent that silences them must ring for the others afterwards.
    #[inline]
    pub fn set(&self, is_mute: bool) {
        self.0.store(is_mute, FlagOrdering::Relaxed);
    }

    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(FlagOrdering::Relaxed)
    }
}

impl Doorbell {
    /// A doorbell of a thread that never sleeps, for a consumer that spins or is stepped.
    pub fn silent() -> Self {
        Self::of(Arc::new(Shared {
            sleeping: CachePadded::new(AtomicBool::new(false)),
            waker: Waker::Nobody,
        }))
    }

    fn of(shared: Arc<Shared>) -> Self {
        Self { shared, mute: None }
    }

    /// The same doorbell for an agent that must not ring while `mute` is set.
    #[must_use]
    pub fn muted_by(self, mute: &Mute) -> Self {
        Self { mute: Some(mute.clone()), ..self }
    }

    /// Wakes the sleeper if it sleeps or is about to. Call it after publishing the work, once per batch. If the thread
    /// is awake, it costs a fence and a load.
    #[inline]
    pub fn ring(&self) {
        if self.mute.as_ref().is_some_and(Mute::is_set) {
            return;
        }
        fence(Ordering::SeqCst);
        if self.shared.sleeping.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        // If several producers ring, one wins the exchange and wakes; the others write nothing. Acquire pairs with the
        // Release in `arm` and makes the thread's handle visible.
        let sleeping = &self.shared.sleeping;
        if sleeping.compare_exchange(true, false, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return;
        }
        match &self.shared.waker {
            Waker::Nobody => {}
            Waker::Thread(thread) => {
                if let Some(thread) = thread.get() {
                    thread.unpark();
                }
            }
            Waker::Poll(waker) => {
                // Writing to an eventfd of this process fails only if the process closed its own descriptor by mistake,
                // and the sleeper's bounded sleep still ends.
                if let Err(error) = waker.wake() {
                    tracing::error!(%error, "doorbell failed");
                }
            }
        }
    }

    /// Whether the sleeper sleeps or is about to.
    pub fn is_armed(&self) -> bool {
        self.shared.sleeping.load(Ordering::Relaxed)
    }
}

/// The sleeping side. An idle strategy holds it and uses it from one thread.
pub struct Sleeper(Arc<Shared>);

impl Sleeper {
    /// A sleeper that parks its thread, which is the first thread that arms it.
    pub fn parking() -> Self {
        Self::new(Waker::Thread(OnceLock::new()))
    }

    /// A sleeper that waits in the poll that `waker` belongs to.
    pub fn polling(waker: mio::Waker) -> Self {
        Self::new(Waker::Poll(waker))
    }

    fn new(waker: Waker) -> Self {
        Self(Arc::new(Shared { sleeping: CachePadded::new(AtomicBool::new(false)), waker }))
    }

    /// A doorbell that wakes this sleeper.
    pub fn doorbell(&self) -> Doorbell {
        Doorbell::of(Arc::clone(&self.0))
    }

    /// Announces the sleep. The thread must look for work once more before it sleeps.
    pub fn arm(&mut self) {
        if let Waker::Thread(thread) = &self.0.waker {
            thread.get_or_init(thread::current);
        }
        self.0.sleeping.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// Withdraws the announcement.
    pub fn disarm(&mut self) {
        self.0.sleeping.store(false, Ordering::Relaxed);
    }

    /// Parks until the doorbell rings, `limit` has passed, or spuriously; then disarms.
    pub fn park(&mut self, limit: Duration) {
        park(limit);
        self.disarm();
    }
}

#[cfg(not(dojima_loom))]
fn park(limit: Duration) {
    thread::park_timeout(limit);
}

/// The model has no time: a lost wake-up is a deadlock in the model, and loom reports it.
#[cfg(dojima_loom)]
fn park(_limit: Duration) {
    thread::park();
}
