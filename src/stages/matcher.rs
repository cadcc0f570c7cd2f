//! The matcher: applies every command to the exchange and puts the events into the event ring.
//!
//! It runs in parallel with the journaler and never waits for the disk; what it says is held back by whoever reads
//! the event ring until the command is durable. A command may have more events than the ring has room for: the rest
//! waits here, and the next command waits with it.

use crate::domain::{Event, EventRecord, Sequenced, Stamp};
use crate::exchange::Exchange;
use crate::ring::{Claim, Consumer, CursorWriter, Producer};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal};
use crossbeam_channel::Sender;
use std::ops::ControlFlow;

/// Commands and events of one duty cycle.
const COMMANDS_MAX: usize = 512;
const EVENTS_MAX: usize = 2048;

/// Room for the events of one command, taken at start; a command with more makes it grow once.
const EVENTS_PER_COMMAND: usize = 4096;

/// What the matcher is joined to.
pub struct MatcherPorts {
    /// Where commands come from.
    pub commands: Consumer<Sequenced>,
    /// Where events go.
    pub events: Producer<EventRecord>,
    /// Says up to which sequence the events of commands are all in the ring.
    pub applied: CursorWriter,
    /// Whom to wake after publishing.
    pub downstream: Vec<Doorbell>,
    /// Where the exchange goes when the matcher is closed, for whoever wants to look at its last state.
    pub last_state: Option<Sender<Exchange>>,
}

/// The agent.
pub struct Matcher {
    ports: MatcherPorts,
    exchange: Option<Exchange>,
    outbox: Outbox,
    commands: Counter,
    events_sent: Counter,
    trades: Counter,
    ring_full: Counter,
}

/// The events of the last command that are not in the ring yet.
struct Outbox {
    events: Vec<Event>,
    sent: usize,
    stamp: Stamp,
    last_number: u64,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.sent == self.events.len()
    }

    /// Moves events into the ring for as long as there is room.
    fn drain_into(&mut self, claim: &mut Claim<'_, EventRecord>) {
        let room = claim.remaining().min(self.events.len() - self.sent);
        for event in &self.events[self.sent..self.sent + room] {
            self.last_number += 1;
            let Stamp { sequence, time } = self.stamp;
            claim.push(EventRecord { number: self.last_number, sequence, time, event: *event });
        }
        self.sent += room;
        if self.is_empty() {
            self.events.clear();
            self.sent = 0;
        }
    }
}

impl Matcher {
    /// Goes on with a recovered exchange; `last_event` is the number of the last event that it said.
    pub fn new(ports: MatcherPorts, exchange: Exchange, last_event: u64, counters: &Counters) -> Self {
        let events = Vec::with_capacity(EVENTS_PER_COMMAND);
        let stamp = Stamp { sequence: ports.applied.get(), ..Stamp::default() };
        let trades = counters.register("matcher.trades", "trades");
        trades.set(exchange.last_trade().0);
        Self {
            ports,
            exchange: Some(exchange),
            outbox: Outbox { events, sent: 0, stamp, last_number: last_event },
            commands: counters.register("matcher.commands", "commands"),
            events_sent: counters.register("matcher.events", "events"),
            trades,
            ring_full: counters.register("matcher.ring_full", "cycles"),
        }
    }
}

impl Agent for Matcher {
    fn name(&self) -> &str {
        "matcher"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        if self.outbox.is_empty() && self.ports.commands.waiting() == 0 {
            return Ok(0);
        }
        let exchange =
            self.exchange.as_mut().ok_or_else(|| Fatal::invariant("the matcher works after its close"))?;
        let mut claim = self.ports.events.claim_up_to(EVENTS_MAX);
        let outbox = &mut self.outbox;
        outbox.drain_into(&mut claim);
        let commands = self.ports.commands.poll(COMMANDS_MAX, |sequenced| {
            if claim.remaining() == 0 {
                return ControlFlow::Break(());
            }
            outbox.stamp = sequenced.stamp;
            exchange.apply(sequenced.stamp, &sequenced.command, &mut outbox.events);
            outbox.drain_into(&mut claim);
            ControlFlow::Continue(())
        });
        let events = claim.len();
        claim.publish();
        if outbox.is_empty() {
            self.ports.applied.set(outbox.stamp.sequence);
        }
        self.commands.add(commands as u64);
        self.events_sent.add(events as u64);
        self.trades.set(exchange.last_trade().0);
        if commands + events == 0 {
            self.ring_full.add(1);
            return Ok(0);
        }
        if events > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        Ok(commands + events)
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        if let (Some(to), Some(exchange)) = (&self.ports.last_state, self.exchange.take()) {
            // Nobody may be waiting for it any more.
            let _ = to.try_send(exchange);
        }
        Ok(())
    }
}
