//! Limits how many messages of one client are in progress in the engine.
//!
//! The rings are large, so that a long sync stops nobody. A client that sends faster than the engine works would fill
//! them, and every other client's orders would wait behind a hundred thousand of its messages. So each client may have
//! a limited number of unanswered messages; further ones wait in its socket.
//!
//! Answers cannot be told apart from other events, so they are not counted individually. A round ends when the answers
//! to everything taken in before the round are released; in one round a client may send half of its limit.

use super::owed::Owed;
use super::settings::Progress;
use crate::domain::Command;
use crate::ring::Producer;

/// One client's use of a round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    round: u64,
    taken: usize,
}

pub(super) struct Rounds {
    number: u64,
    /// The answers to everything taken in before this round.
    before: Owed,
    /// The most messages of one client per round.
    share_max: usize,
}

impl Rounds {
    /// The first round. A client may have `unanswered_max` unanswered messages, at least 2.
    pub(super) fn new(unanswered_max: usize, inbound: &Producer<Command>) -> Self {
        Self { number: 0, before: Owed::since(inbound), share_max: unanswered_max / 2 }
    }

    /// Starts the next round if this one is over, after `released` events.
    pub(super) fn turn(&mut self, inbound: &mut Producer<Command>, progress: &Progress, released: u64) {
        if self.before.is_released(inbound, progress, released) {
            self.number += 1;
            self.before = Owed::since(inbound);
        }
    }

    /// How many more messages a client may send in this round.
    pub(super) fn left(&self, share: Share) -> usize {
        match share.round == self.number {
            true => self.share_max - share.taken,
            false => self.share_max,
        }
    }

    /// Counts messages taken from a client.
    pub(super) fn took(&self, share: &mut Share, messages: usize) {
        let before = if share.round == self.number { share.taken } else { 0 };
        *share = Share { round: self.number, taken: before + messages };
    }
}
