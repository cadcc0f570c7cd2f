//! The courier: brings transfers between shards to their end.
//!
//! It follows the event log, up to the archived events, all of whose commands are durable. For every transfer that a
//! shard has sent it publishes the transfer's arrival to the sequencer, on a ring of its own that nobody else writes. At
//! the start it does so for the transfers that the recovered exchange has on their way. Both shards recognise an arrival
//! that is not the next one, so one that is sent twice has no effect.
//!
//! It must never send an arrival that no shard has in its outbox. Nothing waits for it, and it waits for nothing: what
//! does not fit into its ring stays in its queue, which is no longer than all outboxes together.

use crate::domain::{Event, OrderEvent, ShardTransfer, codec};
use crate::ring::{CursorReader, CursorWriter, Producer, cursor};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal, Halt, Passing};
use dojima_journal::storage::Storage;
use dojima_journal::{Reader, Trusted};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most records per duty cycle: some tens of microseconds.
const RECORDS_MAX: usize = 4096;

/// Everything that the courier is connected to.
pub struct CourierPorts {
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The ring for arrivals. The sequencer makes a command of each.
    pub arrivals: Producer<ShardTransfer>,
    /// Rung after publishing.
    pub downstream: Vec<Doorbell>,
}

/// Stops the courier before the rest of the engine, so that the engine can finish what it sent.
#[derive(Clone, Debug, Default)]
pub struct CourierControl(Arc<AtomicBool>);

impl CourierControl {
    /// From now on it sends nothing. The next start sends what is on its way then.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }
}

pub struct Courier {
    ports: CourierPorts,
    log: Reader,
    /// The first event that this process has logged.
    first: u64,
    control: CourierControl,
    /// Transfers whose arrival was not published yet, in the order in which they were sent.
    waiting: VecDeque<ShardTransfer>,
    /// The last event that it has read.
    followed: CursorWriter,
    passing: Passing,
    counts: Counts,
}

struct Counts {
    followed: Counter,
    waiting: Counter,
    sent: Counter,
}

impl Courier {
    /// Starts with the transfers that the recovered exchange has on their way, each pair's by number, and goes on with
    /// the events after `last_event`.
    ///
    /// # Errors
    /// [`Fatal::EventLog`] if the log cannot be read.
    pub fn new(
        ports: CourierPorts,
        log: Arc<dyn Storage>,
        in_flight: impl Iterator<Item = ShardTransfer>,
        last_event: u64,
        counters: &Counters,
    ) -> Result<Self, Fatal> {
        let first = last_event + 1;
        let log = Reader::open_storage(log, first).map_err(Fatal::event_log)?;
        let counts = Counts {
            followed: counters.register("courier.followed", "event"),
            waiting: counters.register("courier.waiting", "transfers"),
            sent: counters.register("courier.sent", "transfers"),
        };
        let (mut followed, _) = cursor();
        followed.set(last_event);
        let (control, passing) = (CourierControl::default(), Passing::new("courier", counters));
        let is_forgotten = is_injected(InjectedFault::ForgetTransfers);
        let waiting = in_flight.filter(|_| !is_forgotten).collect();
        Ok(Self { ports, log, first, control, waiting, followed, passing, counts })
    }

    /// For an orderly stop.
    pub fn control(&self) -> CourierControl {
        self.control.clone()
    }

    /// The last event that it needs no more.
    pub fn followed(&self) -> CursorReader {
        self.followed.reader()
    }

    /// Reads new events; returns how many.
    fn follow(&mut self) -> Result<usize, Halt> {
        let archived = self.ports.archived.get();
        let mut at = self.followed.get();
        let mut read = 0;
        while at < archived && read < RECORDS_MAX {
            let trusted = Trusted { first: self.first, last: archived };
            let record = self.log.next_trusting(trusted).map_err(Halt::of(Fatal::event_log))?;
            let Some(record) = record else { break };
            at = record.sequence;
            if codec::is_transfer_sent(record.payload) {
                let event = codec::decode_event(record.payload).map_err(Fatal::event_log)?.event;
                if let Event::Order(OrderEvent::TransferSent(sent)) = event {
                    self.waiting.push_back(sent.transfer);
                }
            }
            read += 1;
            self.followed.set(at);
        }
        self.counts.followed.set(at);
        Ok(read)
    }

    /// Publishes as many arrivals as fit; returns how many.
    fn send(&mut self) -> usize {
        let mut claim = self.ports.arrivals.claim_up_to(self.waiting.len());
        let sent = claim.remaining();
        self.waiting.drain(..sent).for_each(|transfer| claim.push(transfer));
        claim.publish();
        self.counts.sent.add(sent as u64);
        self.counts.waiting.set(self.waiting.len() as u64);
        if sent > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        sent
    }
}

impl Agent for Courier {
    fn name(&self) -> &str {
        "courier"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        if self.control.0.load(Ordering::Acquire) {
            return Ok(0);
        }
        let followed = self.follow();
        let read = self.passing.settle(followed)?;
        Ok(read + self.send())
    }
}
