//! The seam between those who see the disk fill up and the sequencer, which then takes no new orders.
//!
//! Journal and event log each have a gauge of their own: without space for the event log the archiver stops reading, and
//! the rings fill up behind it just as they do behind the journaler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Written by who writes a log: whether no new segment of it can be made.
#[derive(Debug)]
pub struct SpaceLow {
    flag: Arc<AtomicBool>,
    log: &'static str,
}

/// Read by the sequencer.
#[derive(Clone, Debug)]
pub struct SpaceWatch(Arc<AtomicBool>);

/// Both ends for the log of this name; there is space at first.
pub fn space_gauge(log: &'static str) -> (SpaceLow, SpaceWatch) {
    let flag = Arc::new(AtomicBool::new(false));
    (SpaceLow { flag: Arc::clone(&flag), log }, SpaceWatch(flag))
}

impl SpaceLow {
    /// Says how it is now. When that is news, the operator is told too, with the system's `reason`.
    #[inline]
    pub fn set(&self, low: bool, reason: impl FnOnce() -> Option<String>) {
        // This end is the only writer, so what it reads is what it wrote. A hint: nothing else is published by it, and
        // a command more or less gets in either way.
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
