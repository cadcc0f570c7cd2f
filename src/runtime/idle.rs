//! What a thread does between duty cycles.

use dojima_journal::passing::is_passing;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use super::doorbell::{Doorbell, Sleeper};

/// Decides how a thread waits when its agents found no work.
pub trait IdleStrategy: Send {
    /// Called after every duty cycle with the work it did; may wait if that was 0.
    fn idle(&mut self, work_count: usize);

    /// The doorbell that other threads ring after publishing work for this one. Silent if the thread never sleeps.
    fn doorbell(&self) -> Doorbell {
        Doorbell::silent()
    }
}

/// Never sleeps: lowest latency, but it occupies a whole core. For pinned threads with their own core.
#[derive(Debug, Default, Clone, Copy)]
pub struct BusySpin;

impl IdleStrategy for BusySpin {
    fn idle(&mut self, work_count: usize) {
        if work_count == 0 {
            std::hint::spin_loop();
        }
    }
}

/// How long an idle strategy stays awake without work, and its longest sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleLimits {
    /// How long the thread spins without work before it prepares to sleep; 0: it does not spin.
    pub awake: Duration,
    /// The longest sleep. Timers of the agents are late by up to this much.
    pub sleep_max: Duration,
}

impl Default for IdleLimits {
    /// Awake for 10 µs, then asleep for at most 25 ms. A longer spin would take the core from another thread with work.
    /// With few cores, that can be the thread whose work this one waits for.
    fn default() -> Self {
        Self { awake: Duration::from_micros(10), sleep_max: Duration::from_millis(25) }
    }
}

/// The next step after a duty cycle.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Work,
    Spin,
    /// Announce the sleep, and run one more duty cycle before it.
    Arm,
    Sleep,
    /// Work was found while armed.
    Disarm,
}

/// The transition from awake to asleep, shared by the strategies that sleep.
#[derive(Debug)]
struct Descent {
    limits: IdleLimits,
    idle_since: Option<Instant>,
    armed: bool,
}

impl Descent {
    fn new(limits: IdleLimits) -> Self {
        Self { limits, idle_since: None, armed: false }
    }

    #[inline]
    fn next(&mut self, work_count: usize, now: impl FnOnce() -> Instant) -> Step {
        if work_count > 0 {
            self.idle_since = None;
            return if std::mem::take(&mut self.armed) { Step::Disarm } else { Step::Work };
        }
        if self.armed {
            // After the sleep, the next duty cycle decides: with work the transition starts from the beginning, without
            // work it arms again immediately.
            self.armed = false;
            return Step::Sleep;
        }
        if !self.limits.awake.is_zero() {
            let now = now();
            let since = *self.idle_since.get_or_insert(now);
            if now.duration_since(since) < self.limits.awake {
                return Step::Spin;
            }
        }
        self.armed = true;
        Step::Arm
    }
}

/// Spins, then parks until its doorbell rings.
pub struct Backoff {
    descent: Descent,
    sleeper: Sleeper,
}

impl Backoff {
    /// A strategy for one thread.
    pub fn new(limits: IdleLimits) -> Self {
        Self { descent: Descent::new(limits), sleeper: Sleeper::parking() }
    }
}

impl IdleStrategy for Backoff {
    fn idle(&mut self, work_count: usize) {
        match self.descent.next(work_count, Instant::now) {
            Step::Work => {}
            Step::Spin => std::hint::spin_loop(),
            Step::Arm => self.sleeper.arm(),
            Step::Sleep => self.sleeper.park(self.descent.limits.sleep_max),
            Step::Disarm => self.sleeper.disarm(),
        }
    }

    fn doorbell(&self) -> Doorbell {
        self.sleeper.doorbell()
    }
}

/// Spins, then waits until a watched socket poll has events or its doorbell rings.
///
/// The agent keeps its own [`mio::Poll`] and reads it without waiting. That poll's descriptor is registered in the poll
/// of this strategy, so sockets wake the thread without any code in the agent. The kernel reports each new event of the
/// inner poll once; an event between the last duty cycle and the sleep is reported as soon as the sleep begins.
pub struct SocketWait {
    descent: Descent,
    sleeper: Sleeper,
    poll: Poll,
    events: Events,
    rest: Option<Rest>,
    soon: Soon,
}

/// With this an agent asks its thread to run it again within a millisecond without a wake-up. Set and read on that
/// thread; clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Soon(Arc<AtomicBool>);

impl Soon {
    /// The longest sleep while the flag is set. A poll has no shorter timeout.
    const SLEEP_MAX: Duration = Duration::from_millis(1);

    /// Sets whether the next sleeps are short.
    #[inline]
    pub fn set(&self, soon: bool) {
        self.0.store(soon, Ordering::Relaxed);
    }

    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A pause after little work. During it, producers need not ring, and the thread does not interrupt others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    pub pause: Duration,
    /// No pause after at least this much work, because then more work is usually waiting.
    pub work_max: usize,
}

const DOORBELL: Token = Token(0);
const SOCKETS: Token = Token(1);

impl SocketWait {
    /// A strategy for one thread that watches no sockets yet.
    ///
    /// # Errors
    /// If the system provides no poll or no event descriptor.
    pub fn new(limits: IdleLimits) -> io::Result<Self> {
        let poll = Poll::new()?;
        let sleeper = Sleeper::polling(Waker::new(poll.registry(), DOORBELL)?);
        Ok(Self {
            descent: Descent::new(limits),
            sleeper,
            poll,
            events: Events::with_capacity(8),
            rest: None,
            soon: Soon::default(),
        })
    }

    /// The flag that makes the sleeps of this thread short.
    pub fn soon(&self) -> Soon {
        self.soon.clone()
    }

    /// Batches work: after little work the thread pauses, so that it wakes once for many pieces instead of once for
    /// each.
    #[must_use]
    pub fn with_rest(self, rest: Rest) -> Self {
        Self { rest: Some(rest), ..self }
    }

    /// Also wakes when `sockets`, an agent's own poll, has events. That poll may be closed at any time.
    ///
    /// # Errors
    /// If the system refuses to watch the descriptor.
    pub fn watch(&mut self, sockets: &impl AsRawFd) -> io::Result<()> {
        self.poll.registry().register(&mut SourceFd(&sockets.as_raw_fd()), SOCKETS, Interest::READABLE)
    }

    fn sleep(&mut self) {
        let sleep_max = match self.soon.is_set() {
            true => Soon::SLEEP_MAX.min(self.descent.limits.sleep_max),
            false => self.descent.limits.sleep_max,
        };
        match self.poll.poll(&mut self.events, Some(sleep_max)) {
            Ok(()) => {}
            // The next duty cycle finds pending work without the poll's report, too.
            Err(error) if is_passing(&error) => {}
            Err(error) => panic!("waiting for sockets failed: {error}"),
        }
        self.sleeper.disarm();
    }
}

impl IdleStrategy for SocketWait {
    fn idle(&mut self, work_count: usize) {
        match self.descent.next(work_count, Instant::now) {
            Step::Work => {}
            Step::Spin => std::hint::spin_loop(),
            Step::Arm => self.sleeper.arm(),
            Step::Sleep => self.sleep(),
            Step::Disarm => self.sleeper.disarm(),
        }
        if let Some(Rest { pause, work_max }) = self.rest
            && (1..work_max).contains(&work_count)
        {
            std::thread::sleep(pause);
        }
    }

    fn doorbell(&self) -> Doorbell {
        self.sleeper.doorbell()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs duty cycles 4 µs apart that did this much work.
    fn descend(descent: &mut Descent, work: &[usize]) -> Vec<Step> {
        let start = Instant::now();
        let at = |cycle| start + cycle * Duration::from_micros(4);
        (0..).zip(work).map(|(cycle, &count)| descent.next(count, || at(cycle))).collect()
    }

    #[test]
    fn the_descent_arms_before_every_sleep() {
        use Step::{Arm, Disarm, Sleep, Spin, Work};
        let limits = IdleLimits { awake: Duration::from_micros(10), sleep_max: Duration::from_secs(1) };
        let mut descent = Descent::new(limits);
        let seen = descend(&mut descent, &[0, 0, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0, 0, 3, 0]);
        let still_idle = [Spin, Spin, Spin, Arm, Sleep, Arm, Sleep];
        assert_eq!(seen[..7], still_idle, "no spinning between two sleeps");
        assert_eq!(seen[7..10], [Work, Work, Spin], "work starts it at the top");
        assert_eq!(seen[10..], [Spin, Spin, Arm, Disarm, Spin]);
    }

    #[test]
    fn without_time_awake_it_arms_at_once() {
        let limits = IdleLimits { awake: Duration::ZERO, sleep_max: Duration::from_secs(1) };
        let mut descent = Descent::new(limits);
        assert_eq!(descend(&mut descent, &[0, 0, 0]), [Step::Arm, Step::Sleep, Step::Arm]);
    }

    #[test]
    fn a_strategy_that_never_sleeps_has_a_silent_doorbell() {
        let doorbell = BusySpin.doorbell();
        doorbell.ring();
        assert!(!doorbell.is_armed());
    }
}
