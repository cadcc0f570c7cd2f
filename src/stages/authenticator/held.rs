//! Delayed answers.

use crate::net::auth::{AuthAnswer, Inquiry};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// The most answers that are delayed: more than there can be waiting connections, unless some were closed meanwhile.
const HELD_MAX: usize = 65_536;

/// An answer and the time at which it is sent.
pub struct Held {
    /// When, ns.
    pub at: u64,
    /// The port to send it through.
    pub port: usize,
    pub answer: AuthAnswer,
    /// Whether the connection still waits for it.
    pub inquiry: Inquiry,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

/// The answers, ordered by time.
#[derive(Default)]
pub struct HeldAnswers(BinaryHeap<Reverse<Held>>);

impl HeldAnswers {
    /// Adds an answer; returns whether there was room.
    pub fn push(&mut self, held: Held) -> bool {
        if self.0.len() >= HELD_MAX {
            self.0.retain(|Reverse(held)| !held.inquiry.is_withdrawn());
        }
        let has_room = self.0.len() < HELD_MAX;
        if has_room {
            self.0.push(Reverse(held));
        }
        has_room
    }

    /// The next answer that is due.
    pub fn due(&mut self, now: u64) -> Option<Held> {
        if self.0.peek()?.0.at > now {
            return None;
        }
        self.0.pop().map(|Reverse(held)| held)
    }
}
