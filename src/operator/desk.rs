//! Hands orders to the sequencer, one at a time, and reads their results from the event log.

use super::names::Names;
use super::order::{Order, Reply};
use crate::domain::Timestamp;
use crate::domain::codec::decode_event;
use crate::ring::{CursorReader, Producer};
use crate::runtime::Doorbell;
use dojima_journal::Reader;
use dojima_journal::storage::Storage;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long an order waits for its event, for example while journal or event log are short of space.
const PATIENCE: Duration = Duration::from_secs(10);

/// The interval between two checks of the event log.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The connections of the desk to the pipeline.
pub struct DeskPorts {
    pub commands: Producer<crate::domain::Command>,
    pub doorbell: Doorbell,
    /// The sequence of the last command that the sequencer took from the desk.
    pub taken: CursorReader,
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The session of the venue.
    pub session: CursorReader,
    pub event_log: Arc<dyn Storage>,
}

/// The only source of operators' commands.
pub struct Desk {
    ports: DeskPorts,
    names: Names,
}

impl Desk {
    /// A desk that resolves these names.
    pub fn new(ports: DeskPorts, names: Names) -> Self {
        Self { ports, names }
    }

    /// Executes an order, and waits until its events are durable and in the event log, or `is_stopping`.
    pub(super) fn carry_out(&mut self, order: &Order, is_stopping: impl Fn() -> bool) -> Reply {
        let session = u32::try_from(self.ports.session.get()).unwrap_or(u32::MAX);
        let command = match order.command(&self.names, session, now()) {
            Ok(command) => command,
            Err(reason) => return Reply::Refused { reason },
        };
        let (before, events) = (self.ports.taken.get(), self.ports.archived.get());
        if self.ports.commands.free() < self.ports.commands.capacity() {
            return Reply::refused(
                "an order before this one still waits to be sequenced; see the log of the engine",
            );
        }
        if self.ports.commands.try_push(command).is_err() {
            return Reply::refused("the engine takes nothing at the moment; try again");
        }
        self.ports.doorbell.ring();
        tracing::info!(?order, "an operator's order");
        let until = Instant::now() + PATIENCE;
        let is_over = || is_stopping() || Instant::now() >= until;
        let mut sequence = None;
        let mut log = None;
        loop {
            sequence = sequence.or(Some(self.ports.taken.get()).filter(|taken| *taken != before));
            if let Some(sequence) = sequence {
                match self.look(order, sequence, events + 1, &mut log) {
                    Ok(Some(reply)) => return reply,
                    Ok(None) => {}
                    Err(error) => {
                        return unknown(Some(sequence), format!("the event log cannot be read: {error}"));
                    }
                }
            }
            if is_over() {
                return unknown(
                    sequence,
                    "its event has not come to the event log; see the log of the engine",
                );
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Searches the new records of the event log for the result of the command.
    fn look(
        &mut self,
        order: &Order,
        sequence: u64,
        from: u64,
        log: &mut Option<Reader>,
    ) -> Result<Option<Reply>, String> {
        if self.ports.archived.get() < from {
            return Ok(None);
        }
        let reader = match log {
            Some(reader) => reader,
            None => {
                let opened = Reader::open_storage(Arc::clone(&self.ports.event_log), from);
                log.insert(opened.map_err(|error| error.to_string())?)
            }
        };
        while let Some(record) = reader.next().map_err(|error| error.to_string())? {
            let record = decode_event(record.payload).map_err(|error| error.to_string())?;
            if record.sequence == sequence
                && let Some(reply) = order.came_to(&record.event, sequence, &self.names)
            {
                self.names.learn(&record.event);
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }
}

/// The present time, of the machine's clock.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn unknown(sequence: Option<u64>, reason: impl Into<String>) -> Reply {
    Reply::Unknown { sequence, reason: reason.into() }
}
