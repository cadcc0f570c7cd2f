//! Where the events of a command go.

use crate::domain::Event;

/// Takes the events of commands, one after another, in the order in which they happened.
///
/// The exchange keeps none of them, so that a command with many events needs no memory for all of them at once.
pub trait EventSink {
    /// Takes the next event.
    fn push(&mut self, event: Event);
}

impl EventSink for Vec<Event> {
    fn push(&mut self, event: Event) {
        Self::push(self, event);
    }
}
