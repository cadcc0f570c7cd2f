//! The matcher: applies every command to the exchange, or to one shard of it, and puts the events into the event ring.
//!
//! It runs in parallel with the journaler and never waits for the disk. Readers of the event ring hold its events back
//! until the command is durable. A part of a command can have more events than fit the ring: the rest waits here, and
//! later commands wait too. A duty cycle ends when it has touched many orders, so that between the parts of a long
//! command the thread's other agents can run.

use crate::domain::{
    Checkpoint, ClockCommand, Command, Event, EventRecord, Sequenced, ShardId, Stamp, VenueCommand,
};
use crate::exchange::{EventSink, Exchange, FORESEEN, Progress};
use crate::ring::{Claim, Consumer, CursorWriter, Producer};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal};
use crossbeam_channel::Sender;

/// The most commands, and the most events, per duty cycle.
const COMMANDS_MAX: usize = 512;
const EVENTS_MAX: usize = 2048;
/// The most orders touched per duty cycle; the last command can exceed it by the work of one part.
const ORDERS_TOUCHED_MAX: u32 = 2048;

/// Initial capacity for the events of one part of a command. A part with more events makes it grow once.
const EVENTS_PER_PART: usize = 32 * 1024;

/// Everything that the matcher is connected to.
pub struct MatcherPorts {
    pub commands: Consumer<Sequenced>,
    pub events: Producer<EventRecord>,
    /// The last sequence whose events are all in the ring.
    pub applied: CursorWriter,
    /// Rung after publishing.
    pub downstream: Vec<Doorbell>,
    /// Whether downstream must also be woken for commands without events; true for a merge.
    pub wakes_always: bool,
    /// Receives the exchange when the matcher is closed, so that its last state can be examined.
    pub last_state: Option<Sender<Exchange>>,
}

pub struct Matcher {
    /// That of its agent: with the shard's number, if it is not the first.
    name: String,
    ports: MatcherPorts,
    exchange: Option<Exchange>,
    outbox: Outbox,
    /// Whether the last command is done.
    progress: Progress,
    commands: Counter,
    parts: Counter,
    events_sent: Counter,
    trades: Counter,
    ring_full: Counter,
}

/// The events of the last part that are not in the ring yet.
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

    fn next_record(&mut self, event: Event) -> EventRecord {
        self.last_number += 1;
        let Stamp { sequence, time } = self.stamp;
        EventRecord { number: self.last_number, sequence, time, event }
    }

    /// Moves events into the ring while there is room.
    fn drain_into(&mut self, claim: &mut Claim<'_, EventRecord>) {
        let until = self.events.len().min(self.sent + claim.remaining());
        while self.sent < until {
            let record = self.next_record(self.events[self.sent]);
            claim.push(record);
            self.sent += 1;
        }
        if self.is_empty() {
            self.events.clear();
            self.sent = 0;
        }
    }
}

/// The output of a part's events: the ring, or the outbox once the ring is full.
struct Outlet<'o, 'c> {
    outbox: &'o mut Outbox,
    claim: &'o mut Claim<'c, EventRecord>,
}

impl EventSink for Outlet<'_, '_> {
    #[inline]
    fn push(&mut self, event: Event) {
        if self.claim.remaining() > 0 {
            let record = self.outbox.next_record(event);
            self.claim.push(record);
        } else {
            self.outbox.events.push(event);
        }
    }
}

impl Matcher {
    /// Continues with a recovered exchange; `last_event` is the number of its last event. The event numbers of one of
    /// several shards are meaningless: the merge assigns them.
    pub fn new(ports: MatcherPorts, exchange: Exchange, last_event: u64, counters: &Counters) -> Self {
        let events = Vec::with_capacity(EVENTS_PER_PART);
        let stamp = Stamp { sequence: ports.applied.get(), ..Stamp::default() };
        let named = |what: &str| match exchange.shard() {
            ShardId::FIRST => format!("matcher.{what}"),
            ShardId(shard) => format!("matcher.{shard}.{what}"),
        };
        let name = match exchange.shard() {
            ShardId::FIRST => "matcher".to_owned(),
            ShardId(shard) => format!("matcher-{shard}"),
        };
        let trades = counters.register(named("trades"), "trades");
        let [commands, parts, events_sent, ring_full] = [
            ("commands", "commands"),
            ("further_parts", "parts"),
            ("events", "events"),
            ("ring_full", "cycles"),
        ]
        .map(|(what, unit)| counters.register(named(what), unit));
        trades.set(exchange.last_trade().count());
        Self {
            name,
            ports,
            exchange: Some(exchange),
            outbox: Outbox { events, sent: 0, stamp, last_number: last_event },
            progress: Progress::Done,
            commands,
            parts,
            events_sent,
            trades,
            ring_full,
        }
    }
}

/// What is executed instead of a command under an injected fault.
#[inline]
fn altered(exchange: &Exchange, command: &Command) -> Option<Command> {
    if is_injected(InjectedFault::AnySession) {
        return Some(of_present_session(exchange, *command));
    }
    let is_missed = is_injected(InjectedFault::MissTicks)
        && exchange.shard() != ShardId::FIRST
        && *command == Command::Clock(ClockCommand::Tick);
    is_missed.then_some(Command::Venue(VenueCommand::Checkpoint(Checkpoint::default())))
}

/// The fault [`InjectedFault::AnySession`].
fn of_present_session(exchange: &Exchange, command: Command) -> Command {
    let login = command.sender().and_then(|sender| exchange.logins().get(sender.login.0 as usize));
    login.map_or(command, |login| command.in_session(login.session))
}

impl Agent for Matcher {
    fn name(&self) -> &str {
        &self.name
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let idle = self.outbox.is_empty() && self.progress == Progress::Done;
        if idle && self.ports.commands.waiting() == 0 {
            return Ok(0);
        }
        let exchange = self
            .exchange
            .as_mut()
            .ok_or_else(|| Fatal::invariant("the matcher was run after it was closed"))?;
        let mut claim = self.ports.events.claim_up_to(EVENTS_MAX);
        let (outbox, progress) = (&mut self.outbox, &mut self.progress);
        outbox.drain_into(&mut claim);
        let (mut touched, mut parts) = (0, 0);
        while *progress == Progress::More && claim.remaining() > 0 && touched < ORDERS_TOUCHED_MAX {
            *progress = exchange.proceed(&mut Outlet { outbox, claim: &mut claim });
            touched += exchange.touched();
            parts += 1;
        }
        let batch = self.ports.commands.batch(COMMANDS_MAX);
        let mut commands = 0;
        for sequenced in batch.iter() {
            if *progress == Progress::More || claim.remaining() == 0 || touched >= ORDERS_TOUCHED_MAX {
                break;
            }
            if commands % FORESEEN == 0 && batch.len() - commands > 1 {
                exchange.foresee(batch.iter().skip(commands).take(FORESEEN).map(|next| &next.command));
            }
            outbox.stamp = sequenced.stamp;
            let mut outlet = Outlet { outbox, claim: &mut claim };
            let Sequenced { stamp, command } = sequenced;
            *progress = match altered(exchange, command) {
                Some(altered) => exchange.begin(*stamp, &altered, &mut outlet),
                None => exchange.begin(*stamp, command, &mut outlet),
            };
            touched += exchange.touched();
            commands += 1;
        }
        batch.release(commands);
        let events = claim.len();
        claim.publish();
        if outbox.is_empty() && *progress == Progress::Done {
            self.ports.applied.set(outbox.stamp.sequence);
        }
        self.parts.add(parts);
        self.commands.add(commands as u64);
        self.events_sent.add(events as u64);
        self.trades.set(exchange.last_trade().count());
        if commands + events == 0 && parts == 0 {
            self.ring_full.add(1);
            return Ok(0);
        }
        if events > 0 || self.ports.wakes_always {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        Ok(commands + events + parts as usize)
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        if let (Some(to), Some(exchange)) = (&self.ports.last_state, self.exchange.take()) {
            // The receiver may be gone.
            let _ = to.try_send(exchange);
        }
        Ok(())
    }
}
