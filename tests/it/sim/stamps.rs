//! Stamps against the clocks: whatever is done to the wall clock, stamps count with the monotonic one, but for a tenth.

use dojima::domain::{Stamp, Timestamp};
use dojima::runtime::SLEW_DIVISOR;
use std::collections::VecDeque;

/// The stamps of one life of the node.
#[derive(Debug, Default)]
pub struct Stamps {
    /// The monotonic clock at the start, and the stamp that a command would have got then, ns.
    start: Option<(u64, u64)>,
    /// The last command that was stamped, and when, ns of the monotonic clock; the oldest first.
    marks: VecDeque<(u64, u64)>,
    marked: u64,
}

impl Stamps {
    /// A life begins after command `last`: at `now` of the monotonic clock and `time` of the wall clock.
    pub fn begin(&mut self, now: u64, time: u64, last: Option<Stamp>) {
        let last_time = last.map_or(0, |last| last.time.0);
        *self = Self {
            start: Some((now, time.max(last_time))),
            marks: VecDeque::new(),
            marked: last.map_or(0, |last| last.sequence),
        };
    }

    /// Commands up to this one are stamped by now. Time stands still within a duty cycle, so this is when they were.
    pub fn mark(&mut self, sequenced: u64, now: u64) {
        if sequenced > self.marked {
            self.marks.push_back((sequenced, now));
            self.marked = sequenced;
        }
    }

    /// Holds the stamp of a command of this life against the clocks; whether it is known when that was stamped.
    ///
    /// # Errors
    /// How far it is off.
    pub fn check(&mut self, stamp: Stamp) -> Result<bool, String> {
        while self.marks.front().is_some_and(|(until, _)| *until < stamp.sequence) {
            self.marks.pop_front();
        }
        let (Some((began, first)), Some((_, now))) = (self.start, self.marks.front()) else {
            return Ok(false);
        };
        let Timestamp(time) = stamp.time;
        let passed = now - began;
        let counted = time.checked_sub(first).ok_or_else(|| format!("{stamp:?} is from before the start"))?;
        if counted.abs_diff(passed) > passed / SLEW_DIVISOR + 1 {
            return Err(format!("{passed} ns after the start, {stamp:?} is {counted} ns after it"));
        }
        Ok(true)
    }
}
