//! How much of one client may be on its way through the engine.
//!
//! The rings are deep, so that no long sync stops anybody. A client that sends faster than the engine works would fill them, and
//! then everybody's orders would stand behind a hundred thousand of its own. So each client may have so many messages taken in that
//! are not answered yet, and no more; the rest waits in its socket.
//!
//! Answers cannot be told from the events of others, so they are not counted one by one: a round is over when the answers to all
//! that was taken in before it began are released, and in a round a client gets half of what it may have.

use super::owed::Owed;
use super::settings::Progress;
use crate::domain::Command;
use crate::ring::Producer;

/// What one client has had of a round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    round: u64,
    taken: usize,
}

pub(super) struct Rounds {
    number: u64,
    /// The answers to all that was taken in before this round.
    before: Owed,
    /// Messages of one client in a round.
    share_max: usize,
}

impl Rounds {
    /// The first one. A client may have `unanswered_max` messages on their way, at least 2.
    pub(super) fn new(unanswered_max: usize, inbound: &Producer<Command>) -> Self {
        Self { number: 0, before: Owed::since(inbound), share_max: unanswered_max / 2 }
    }

    /// Begins the next one if this one is over, after `released` events.
    pub(super) fn turn(&mut self, inbound: &mut Producer<Command>, progress: &Progress, released: u64) {
        if self.before.is_released(inbound, progress, released) {
            self.number += 1;
            self.before = Owed::since(inbound);
        }
    }

    /// How many messages a client may still send in this round.
    pub(super) fn left(&self, share: Share) -> usize {
        match share.round == self.number {
            true => self.share_max - share.taken,
            false => self.share_max,
        }
    }

    /// So many messages of a client were taken in.
    pub(super) fn took(&self, share: &mut Share, messages: usize) {
        let before = if share.round == self.number { share.taken } else { 0 };
        *share = Share { round: self.number, taken: before + messages };
    }
}
