//! What a client is owed that has asked for the end: the answers to what it sent before.

use super::settings::Progress;
use crate::domain::Command;
use crate::ring::Producer;

/// How far the answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    /// So many commands of the gateway have to be sequenced.
    Sequencing(u64),
    /// The commands up to this sequence have to be applied.
    Applying(u64),
    /// So many events have to be released.
    Releasing(u64),
}

impl Owed {
    /// The answers to all commands up to now.
    pub(super) fn since(inbound: &Producer<Command>) -> Self {
        Self::Sequencing(inbound.published())
    }

    /// Whether they are all in the streams, after `released` events. Each step is looked at after the one before it was seen
    /// to be done, so that nothing is passed over.
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
