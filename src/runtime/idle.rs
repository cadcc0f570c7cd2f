//! What a thread does between duty cycles.

use dojima_journal::passing::is_passing;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use super::doorbell::{Doorbell, Sleeper};

/// Decides how a thread waits when its agents had nothing to do.
pub trait IdleStrategy: Send {
    /// Called after every duty cycle with the work it did; waits, or not, when that was 0.
    fn idle(&mut self, work_count: usize);

    /// What others ring after publishing work for this thread. Silent where it never sleeps.
    fn doorbell(&self) -> Doorbell {
        Doorbell::silent()
    }
}

/// Never sleeps: lowest latency, a whole core. For pinned threads with a core of their own.
#[derive(Debug, Default, Clone, Copy)]
pub struct BusySpin;

impl IdleStrategy for BusySpin {
    fn idle(&mut self, work_count: usize) {
        if work_count == 0 {
            std::hint::spin_loop();
        }
    }
}

/// How long an idle strategy stays awake, and how long it sleeps at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleLimits {
    /// Duty cycles without work before it starts to yield.
    pub spins: u32,
    /// Duty cycles without work, after the spins, before it prepares to sleep.
    pub yields: u32,
    /// The longest sleep. Timers of the agents are late by up to this much.
    pub sleep_max: Duration,
}

impl Default for IdleLimits {
    /// Awake for some tens of microseconds, then asleep for 25 ms at most.
    fn default() -> Self {
        Self { spins: 100, yields: 20, sleep_max: Duration::from_millis(25) }
    }
}

/// What to do after one more duty cycle.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Work,
    Spin,
    Yield,
    /// Announce the sleep, and run one more duty cycle before it.
    Arm,
    Sleep,
    /// Work came while armed.
    Disarm,
}

/// The way down from awake to asleep, common to the strategies that sleep.
#[derive(Debug)]
struct Descent {
    limits: IdleLimits,
    idle_cycles: u32,
    armed: bool,
}

impl Descent {
    fn new(limits: IdleLimits) -> Self {
        Self { limits, idle_cycles: 0, armed: false }
    }

    #[inline]
    fn next(&mut self, work_count: usize) -> Step {
        if work_count > 0 {
            self.idle_cycles = 0;
            return if std::mem::take(&mut self.armed) { Step::Disarm } else { Step::Work };
        }
        if self.armed {
            // Whatever ends the sleep, the duty cycle after it decides: with work the descent starts again at the
            // top, without it arms again at once.
            self.armed = false;
            return Step::Sleep;
        }
        if self.idle_cycles < self.limits.spins {
            self.idle_cycles += 1;
            return Step::Spin;
        }
        if self.idle_cycles - self.limits.spins < self.limits.yields {
            self.idle_cycles += 1;
            return Step::Yield;
        }
        self.armed = true;
        Step::Arm
    }
}

/// Spins, then yields, then parks until its doorbell rings.
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
        match self.descent.next(work_count) {
            Step::Work => {}
            Step::Spin => std::hint::spin_loop(),
            Step::Yield => std::thread::yield_now(),
            Step::Arm => self.sleeper.arm(),
            Step::Sleep => self.sleeper.park(self.descent.limits.sleep_max),
            Step::Disarm => self.sleeper.disarm(),
        }
    }

    fn doorbell(&self) -> Doorbell {
        self.sleeper.doorbell()
    }
}

/// Spins, then yields, then waits until a watched socket poll has events or its doorbell rings.
///
/// The agent keeps its own [`mio::Poll`] and reads it without waiting. That poll's descriptor is registered in
/// the one of this strategy, so that sockets wake the thread although the agent knows nothing of sleeping. The
/// kernel reports each new event of the inner poll once; one that comes between the last duty cycle and the
/// sleep is reported as soon as the sleep begins.
pub struct SocketWait {
    descent: Descent,
    sleeper: Sleeper,
    poll: Poll,
    events: Events,
    rest: Option<Rest>,
}

/// A pause after little work, in which nobody needs to ring and nobody is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// How long.
    pub pause: Duration,
    /// After this much work or more there is none: more waits, as a rule.
    pub work_max: usize,
}

const DOORBELL: Token = Token(0);
const SOCKETS: Token = Token(1);

impl SocketWait {
    /// A strategy for one thread that watches no sockets yet.
    ///
    /// # Errors
    /// If the system gives no poll or no event descriptor.
    pub fn new(limits: IdleLimits) -> io::Result<Self> {
        let poll = Poll::new()?;
        let sleeper = Sleeper::polling(Waker::new(poll.registry(), DOORBELL)?);
        Ok(Self {
            descent: Descent::new(limits),
            sleeper,
            poll,
            events: Events::with_capacity(8),
            rest: None,
        })
    }

    /// Gathers work: after little of it the thread pauses, so that it wakes once for much, and not for each piece.
    #[must_use]
    pub fn with_rest(self, rest: Rest) -> Self {
        Self { rest: Some(rest), ..self }
    }

    /// Also wakes when `sockets`, an agent's own poll, has events. It may be closed at any time.
    ///
    /// # Errors
    /// If the system refuses to watch the descriptor.
    pub fn watch(&mut self, sockets: &impl AsRawFd) -> io::Result<()> {
        self.poll.registry().register(&mut SourceFd(&sockets.as_raw_fd()), SOCKETS, Interest::READABLE)
    }

    fn sleep(&mut self) {
        match self.poll.poll(&mut self.events, Some(self.descent.limits.sleep_max)) {
            Ok(()) => {}
            // What waits is found by looking, too.
            Err(error) if is_passing(&error) => {}
            Err(error) => panic!("waiting for sockets failed: {error}"),
        }
        self.sleeper.disarm();
    }
}

impl IdleStrategy for SocketWait {
    fn idle(&mut self, work_count: usize) {
        match self.descent.next(work_count) {
            Step::Work => {}
            Step::Spin => std::hint::spin_loop(),
            Step::Yield => std::thread::yield_now(),
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

    fn descend(descent: &mut Descent, work: &[usize]) -> Vec<Step> {
        work.iter().map(|&count| descent.next(count)).collect()
    }

    #[test]
    fn the_descent_arms_before_every_sleep() {
        use Step::{Arm, Disarm, Sleep, Spin, Work, Yield};
        let limits = IdleLimits { spins: 2, yields: 1, sleep_max: Duration::from_secs(1) };
        let mut descent = Descent::new(limits);
        assert_eq!(descend(&mut descent, &[0, 0, 0, 0, 0]), [Spin, Spin, Yield, Arm, Sleep]);
        assert_eq!(descend(&mut descent, &[0, 0, 0]), [Arm, Sleep, Arm], "still idle: no spinning again");
        assert_eq!(descend(&mut descent, &[1, 5, 0]), [Disarm, Work, Spin], "work starts it at the top");
        assert_eq!(descend(&mut descent, &[0, 0, 0, 0, 3, 0]), [Spin, Yield, Arm, Sleep, Work, Spin]);
    }

    #[test]
    fn a_strategy_that_never_sleeps_has_a_silent_doorbell() {
        let doorbell = BusySpin.doorbell();
        doorbell.ring();
        assert!(!doorbell.is_armed());
    }
}
