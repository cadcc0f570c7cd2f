//! The receiver of a command's events.

use crate::domain::Event;

/// Receives the events of commands in the order in which they happened.
///
/// The exchange does not store events, so a command with many events needs no memory for all of them.
pub trait EventSink {
    /// Takes the next event.
    fn push(&mut self, event: Event);
}

impl EventSink for Vec<Event> {
    fn push(&mut self, event: Event) {
        Self::push(self, event);
    }
}
