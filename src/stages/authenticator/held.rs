//! Answers that are given later.

use crate::net::auth::{AuthAnswer, Inquiry};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Answers that are held back at most: more than there can be connections that wait for one, unless somebody waits no more.
const HELD_MAX: usize = 65_536;

/// An answer, and when it is given.
pub struct Held {
    /// When, ns.
    pub at: u64,
    /// Through which port.
    pub port: usize,
    pub answer: AuthAnswer,
    /// Whether somebody still waits for it.
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

/// The answers, the next one first.
#[derive(Default)]
pub struct HeldAnswers(BinaryHeap<Reverse<Held>>);

impl HeldAnswers {
    /// Holds an answer back; whether there was room.
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

    /// The next answer whose time has come.
    pub fn due(&mut self, now: u64) -> Option<Held> {
        if self.0.peek()?.0.at > now {
            return None;
        }
        self.0.pop().map(|Reverse(held)| held)
    }
}
