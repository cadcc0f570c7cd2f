//! Running the stages: agents and the three ways to schedule them, idle strategies, clocks, counters, fatal errors.
//!
//! The runtime does not depend on orders or bytes. A stage is an [`Agent`]. At start-up, [`ThreadingMode`] decides
//! whether it has its own thread, shares one in a [`CompositeAgent`], or is driven by a seeded [`Stepper`]; the stage
//! works the same in each. Waiting always happens outside an agent, in an [`IdleStrategy`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub mod affinity;
pub mod agent;
pub mod bounded;
pub mod budget;
pub mod chairs;
pub mod clock;
pub mod composite;
pub mod counters;
pub mod descriptors;
pub mod doorbell;
pub mod fatal;
pub mod handoff;
pub mod handover;
pub mod idle;
pub mod injected_fault;
pub mod log;
pub mod pace;
pub mod passing;
pub mod priority;
pub mod random;
pub mod runner;
pub mod side_thread;
pub mod stamps;
pub mod stepper;
#[cfg(all(test, not(dojima_loom)))]
mod tests;
pub mod thread_time;
mod try_lock;

pub use affinity::{AffinityError, CoreIndex};
pub use agent::Agent;
pub use bounded::Bounded;
pub use budget::{Budget, Rate};
pub use clock::{Clock, Clocks, ManualClock, MonotonicNanos, SystemClocks, UnixNanos, WallClock};
pub use composite::CompositeAgent;
pub use counters::{Counter, Counters, Reading};
pub use doorbell::{Doorbell, Mute};
pub use fatal::Fatal;
pub use handover::Handover;
pub use idle::{Backoff, BusySpin, IdleLimits, IdleStrategy, Rest, SocketWait, Soon};
pub use pace::Pace;
pub use passing::{Halt, Passing};
pub use priority::Priority;
pub use random::SplitMix64;
pub use runner::{FatalPolicy, Place, Runner, RunningAgent, Shutdown};
pub use side_thread::{Next, SideThread};
pub use stamps::{SLEW_DIVISOR, StampClock, StampReader};
pub use stepper::{Settled, Stepper};
pub use thread_time::thread_time;

/// How the agents are assigned to threads. Their behaviour is the same in each mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThreadingMode {
    /// One thread for all agents that never block, one for those that wait for the disk, one for SQL.
    Shared,
    /// One thread per agent, pinned where cores are given.
    Dedicated,
    /// No threads: a seeded [`Stepper`] selects the next agent to run. For simulations.
    Stepped,
}

impl ThreadingMode {
    const NAMES: [(Self, &str); 3] =
        [(Self::Shared, "shared"), (Self::Dedicated, "dedicated"), (Self::Stepped, "stepped")];
}

impl fmt::Display for ThreadingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = Self::NAMES[*self as usize];
        f.pad(name)
    }
}

/// The text is not a threading mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown threading mode {0:?}: expected shared, dedicated or stepped")]
pub struct UnknownThreadingMode(String);

impl FromStr for ThreadingMode {
    type Err = UnknownThreadingMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(mode, _)| *mode).ok_or_else(|| UnknownThreadingMode(text.to_owned()))
    }
}
