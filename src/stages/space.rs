//! The interface between the agents that notice a full disk and the sequencer, which then refuses new orders.
//!
//! Journal and event log each have a gauge. Without space for the event log the archiver stops reading, and the rings
//! before it fill up, just as they do for the journaler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The writing end, for the owner of a log: whether no new segment of it can be created.
#[derive(Debug)]
pub struct SpaceLow {
    flag: Arc<AtomicBool>,
    log: &'static str,
}

/// The reading end, for the sequencer.
#[derive(Clone, Debug)]
pub struct SpaceWatch(Arc<AtomicBool>);

/// Both ends for the log of this name. Initially there is space.
pub fn space_gauge(log: &'static str) -> (SpaceLow, SpaceWatch) {
    let flag = Arc::new(AtomicBool::new(false));
    (SpaceLow { flag: Arc::clone(&flag), log }, SpaceWatch(flag))
}

impl SpaceLow {
    /// Sets the present state. A change is also reported to the operator, with the system's `reason`.
    #[inline]
    pub fn set(&self, low: bool, reason: impl FnOnce() -> Option<String>) {
        // This end is the only writer, so it reads its own last value. The flag is a hint: it publishes no other data,
        // and it does not matter if a single command passes in between.
        if self.flag.load(Ordering::Relaxed) != low {
            self.flag.store(low, Ordering::Relaxed);
            self.tell(low, reason());
        }
    }

    #[cold]
    fn tell(&self, low: bool, reason: Option<String>) {
        let log = self.log;
        match low {
            true => {
                let reason = reason.unwrap_or_default();
                tracing::error!(
                    "no more room for the {log}: new orders are refused, cancels are taken: {reason}"
                );
            }
            false => tracing::warn!("there is room for the {log} again"),
        }
    }
}

impl SpaceWatch {
    /// Whether space is low.
    #[inline]
    pub fn is_low(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
