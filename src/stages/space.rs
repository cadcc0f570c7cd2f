//! The seam between the journaler, which sees the disk fill up, and the sequencer, which then takes no new orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Written by the journaler: whether the journal cannot make new segments.
#[derive(Debug)]
pub struct SpaceLow(Arc<AtomicBool>);

/// Read by the sequencer.
#[derive(Clone, Debug)]
pub struct SpaceWatch(Arc<AtomicBool>);

/// Both ends; there is space at first.
pub fn space_gauge() -> (SpaceLow, SpaceWatch) {
    let flag = Arc::new(AtomicBool::new(false));
    (SpaceLow(Arc::clone(&flag)), SpaceWatch(flag))
}

impl SpaceLow {
    /// Says how it is now.
    pub fn set(&self, low: bool) {
        // A hint: nothing else is published by it, and a command more or less gets in either way.
        self.0.store(low, Ordering::Relaxed);
    }
}

impl SpaceWatch {
    /// Whether space is low.
    pub fn is_low(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
