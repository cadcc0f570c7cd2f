//! Tracks the answers that a client must still receive after a logout request.

use super::settings::Progress;
use crate::domain::Command;
use crate::ring::Producer;

/// The progress of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    /// This many commands of the gateway must be sequenced.
    Sequencing(u64),
    /// The commands up to this sequence must be applied.
    Applying(u64),
    /// This many events must be released.
    Releasing(u64),
}

impl Owed {
    /// The answers to all commands so far.
    pub(super) fn since(inbound: &Producer<Command>) -> Self {
        Self::Sequencing(inbound.published())
    }

    /// Whether all of them are in the streams, after `released` events. Each step is checked only after the previous
    /// one was seen to be done, so that nothing is missed.
    pub(super) fn is_released(
        &mut self,
        inbound: &mut Producer<Command>,
        progress: &Progress,
        released: u64,
    ) -> bool {
        if let Self::Sequencing(commands) = *self
            && inbound.consumed() >= commands
        {
            *self = Self::Applying(progress.sequence_base + progress.sequenced.get());
        }
        if let Self::Applying(sequence) = *self
            && progress.applied.get() >= sequence
        {
            *self = Self::Releasing(progress.in_ring.get());
        }
        matches!(*self, Self::Releasing(events) if released >= events)
    }
}
