//! Two threads for one background agent: one with [`Priority::Idle`](super::Priority::Idle), which gets only idle
//! cores, and one with normal priority. A thread cannot leave the idle class without privilege. So the agent moves to
//! the second thread when its lag exceeds a limit, and back when it has caught up.
//!
//! It moves between two duty cycles. If the idle thread gets a core only rarely, one duty cycle can take long, and the
//! second thread waits for its end. The lag may exceed the limit a little meanwhile.

use super::agent::Agent;
use super::counters::{Counter, Counters};
use super::fatal::Fatal;
use super::try_lock::try_lock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The limit of an agent's lag.
pub struct Lag {
    /// The approximate lag in bytes.
    pub bytes: Box<dyn Fn() -> u64 + Send>,
    /// Above this many bytes the agent moves to the normal thread, below half of it back.
    pub bytes_max: u64,
    /// Whether others wait for the agent even if the lag is small.
    pub waits: Waits,
}

/// How long a background agent may make no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Without limit while the lag is small enough.
    Long,
    /// Until the normal thread has checked twice; that thread then runs one duty cycle of the agent. The idle thread
    /// must never sleep longer than that between its duty cycles.
    Short,
}

/// The agent and its state.
enum Slot {
    /// Not started yet. The idle thread starts it, however late it gets a core.
    New(Box<dyn Agent>),
    Started(Box<dyn Agent>),
    Closed,
}

struct Shared {
    slot: Mutex<Slot>,
    /// The lag is too large for the idle thread.
    urgent: AtomicBool,
    /// Duty cycles on the idle thread.
    cycles: AtomicU64,
}

impl Shared {
    /// Waits for the other thread to finish with the agent, and locks it.
    fn have(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<(), Fatal> {
        let mut slot = self.have();
        if let Slot::New(mut agent) = std::mem::replace(&mut *slot, Slot::Closed) {
            agent.on_start()?;
            *slot = Slot::Started(agent);
        }
        Ok(())
    }

    fn work(&self) -> Result<usize, Fatal> {
        match try_lock(&self.slot).as_deref_mut() {
            Some(Slot::Started(agent)) => agent.do_work(),
            Some(Slot::New(_) | Slot::Closed) | None => Ok(0),
        }
    }

    /// Closes the agent. The first of the two threads that ends does it.
    fn close(&self) -> Result<(), Fatal> {
        match std::mem::replace(&mut *self.have(), Slot::Closed) {
            Slot::New(mut agent) | Slot::Started(mut agent) => agent.on_close(),
            Slot::Closed => Ok(()),
        }
    }
}

/// The agent's part on the idle thread.
pub struct Background {
    name: String,
    shared: Arc<Shared>,
}

/// The agent's part on the normal thread. It checks the lag, and runs the agent while the lag is too large.
pub struct Foreground {
    name: String,
    shared: Arc<Shared>,
    lag: Lag,
    /// The idle thread's duty cycles at the last check, and the number of checks since they last changed.
    seen_cycles: u64,
    still: u32,
    lag_bytes: Counter,
    urgent: Counter,
}

/// Gives an agent two threads. The first must run with [`Priority::Idle`](super::Priority::Idle).
pub fn two_chairs(agent: Box<dyn Agent>, lag: Lag, counters: &Counters) -> (Background, Foreground) {
    let name = agent.name().to_owned();
    let shared = Arc::new(Shared {
        slot: Mutex::new(Slot::New(agent)),
        urgent: AtomicBool::new(false),
        cycles: AtomicU64::new(0),
    });
    let foreground = Foreground {
        lag_bytes: counters.register(format!("{name}.lag_bytes"), "bytes"),
        urgent: counters.register(format!("{name}.urgent"), "1 = yes"),
        name: name.clone(),
        shared: Arc::clone(&shared),
        lag,
        seen_cycles: 0,
        still: 0,
    };
    (Background { name: format!("{name}-idle"), shared }, foreground)
}

impl Agent for Background {
    fn name(&self) -> &str {
        &self.name
    }

    fn on_start(&mut self) -> Result<(), Fatal> {
        self.shared.start()
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        self.shared.cycles.fetch_add(1, Ordering::Relaxed);
        if self.shared.urgent.load(Ordering::Acquire) {
            return Ok(0);
        }
        self.shared.work()
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        self.shared.close()
    }
}

impl Foreground {
    /// Whether the idle thread has run no duty cycle since the check before the last, and others wait for the agent.
    fn stands_still(&mut self) -> bool {
        let cycles = self.shared.cycles.load(Ordering::Relaxed);
        let is_still = std::mem::replace(&mut self.seen_cycles, cycles) == cycles;
        self.still = if is_still { self.still + 1 } else { 0 };
        if self.lag.waits == Waits::Long || self.still < 2 {
            return false;
        }
        self.still = 0;
        true
    }
}

impl Agent for Foreground {
    fn name(&self) -> &str {
        &self.name
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let (bytes, max) = ((self.lag.bytes)(), self.lag.bytes_max);
        self.lag_bytes.set(bytes);
        let urgent = self.shared.urgent.load(Ordering::Relaxed);
        let (name, mib) = (&self.name, bytes >> 20);
        if !urgent && bytes > max {
            tracing::warn!(
                "{name} is {mib} MiB behind, the limit is {} MiB: it takes its share of the cores now",
                max >> 20
            );
            self.shared.urgent.store(true, Ordering::Release);
            self.urgent.set(1);
        } else if urgent && bytes <= max / 2 {
            tracing::info!("{name} is {mib} MiB behind: it works in the background again");
            self.shared.urgent.store(false, Ordering::Release);
            self.urgent.set(0);
        }
        if self.shared.urgent.load(Ordering::Relaxed) || self.stands_still() {
            return self.shared.work();
        }
        Ok(0)
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        self.shared.close()
    }
}

#[cfg(test)]
mod tests {
    use super::super::agent::scripted::{Journal, Scripted};
    use super::*;
    use std::sync::atomic::AtomicU64;

    fn chairs(
        waits: Waits,
        work: impl IntoIterator<Item = Result<usize, Fatal>>,
    ) -> (Background, Foreground, Journal, Arc<AtomicU64>, Counters) {
        let behind = Arc::new(AtomicU64::new(0));
        let (journal, counters) = (Journal::default(), Counters::new());
        let agent = Box::new(Scripted::new("sql", &journal, work));
        let shown = Arc::clone(&behind);
        let bytes = Box::new(move || shown.load(Ordering::Relaxed));
        let lag = Lag { bytes, bytes_max: 100, waits };
        let (background, foreground) = two_chairs(agent, lag, &counters);
        (background, foreground, journal, behind, counters)
    }

    #[test]
    fn it_is_handed_over_when_it_is_behind_and_back_when_it_has_caught_up() {
        let (mut background, mut foreground, journal, behind, counters) =
            chairs(Waits::Long, [Ok(1), Ok(2), Ok(3), Ok(4)]);
        let shown = |name: &str| {
            let all = counters.snapshot();
            all.into_iter().find(|reading| reading.name == name).map(|reading| reading.value)
        };
        background.on_start().unwrap();
        behind.store(100, Ordering::Relaxed);
        assert_eq!((foreground.do_work(), background.do_work()), (Ok(0), Ok(1)), "at the limit");
        behind.store(110, Ordering::Relaxed);
        assert_eq!((foreground.do_work(), background.do_work()), (Ok(2), Ok(0)), "beyond it");
        assert_eq!((shown("sql.lag_bytes"), shown("sql.urgent")), (Some(110), Some(1)));
        behind.store(60, Ordering::Relaxed);
        assert_eq!((foreground.do_work(), background.do_work()), (Ok(3), Ok(0)), "still more than half");
        behind.store(50, Ordering::Relaxed);
        assert_eq!((foreground.do_work(), background.do_work()), (Ok(0), Ok(4)));
        assert_eq!((shown("sql.lag_bytes"), shown("sql.urgent")), (Some(50), Some(0)));
        assert_eq!(journal.lines(), ["start sql", "sql", "sql", "sql", "sql"]);
    }

    /// Without any lag in bytes: a client that has connected is waiting, too.
    #[test]
    fn an_agent_that_is_waited_for_does_not_stand_still_for_want_of_a_core() {
        for (waits, cycles) in [(Waits::Short, 5), (Waits::Long, 0)] {
            let (mut background, mut foreground, journal, _, _) =
                chairs(waits, std::iter::repeat_n(Ok(0), 20));
            (0..9).for_each(|_| assert_eq!(foreground.do_work(), Ok(0)));
            assert_eq!(journal.lines(), [""; 0], "the background starts it, however late it gets a core");
            background.on_start().unwrap();
            (0..9).for_each(|_| assert_eq!(foreground.do_work(), Ok(0)));
            let works = || journal.lines().iter().filter(|line| *line == "sql").count();
            assert_eq!(works(), cycles, "{waits:?}");
            for _ in 0..9 {
                assert_eq!((background.do_work(), foreground.do_work()), (Ok(0), Ok(0)));
            }
            assert_eq!(works(), cycles + 9, "the background has a core: it alone works");
        }
    }

    #[test]
    fn while_one_is_at_work_the_other_does_not_wait() {
        let (mut background, mut foreground, journal, behind, _) = chairs(Waits::Long, [Ok(1)]);
        background.on_start().unwrap();
        behind.store(1_000, Ordering::Relaxed);
        let shared = Arc::clone(&foreground.shared);
        let at_work = shared.slot.lock().unwrap();
        assert_eq!(foreground.do_work(), Ok(0));
        drop(at_work);
        assert_eq!(foreground.do_work(), Ok(1));
        assert_eq!(journal.lines(), ["start sql", "sql"]);
    }

    #[test]
    fn it_is_closed_once_by_whoever_ends_first() {
        let (mut background, mut foreground, journal, _, _) = chairs(Waits::Long, []);
        foreground.on_close().unwrap();
        background.on_close().unwrap();
        assert_eq!((foreground.do_work(), background.do_work()), (Ok(0), Ok(0)));
        assert_eq!(journal.lines(), ["close sql"]);
    }
}
