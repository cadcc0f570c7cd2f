//! The journaler on the hot thread, used while few commands wait.
//!
//! A single order that is handed to another thread waits for two wake-ups besides its sync; together they take as long
//! as the sync. So the hot thread appends and syncs the commands that the matcher has just applied, and the gateway
//! answers in the next duty cycle. During the sync nothing is read. The agent therefore stands back when that would
//! cost more than it saves: when many commands wait, while syncs are slow, and at the end of a segment. The disk thread
//! then does the work as if this agent did not exist.
//!
//! While this agent journals, the other stages of its thread do not ring the disk thread and the archiver ([`Mute`]);
//! this agent rings for them. It rings at once for commands that are left waiting. Events for the archiver can wait,
//! and a wake-up for each of them would take the core from the next order. It rings for them after the answer was sent,
//! at most once a millisecond, or when many wait.

use super::commit::GroupCommit;
use crate::domain::codec;
use crate::ring::CursorReader;
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{
    Agent, Clock, Counter, Counters, Doorbell, Fatal, Handover, MonotonicNanos, Mute, Soon,
};
use dojima_journal::{Durability, Writer};

/// The most commands per inline sync. With more, matching further commands during the sync saves more than the two
/// wake-ups.
pub const INLINE_MAX: u64 = 64;
/// The disk thread keeps the commands until at most [`INLINE_MAX`] have waited for this long.
const BUSY_NS: u64 = 1_000_000;
/// A sync of this length is slow. Single slow syncs are caused by the scheduler or by other writes: a few percent on a
/// busy machine. They would take as long on the other thread.
const SLOW_NS: u64 = 1_000_000;
/// This many slow syncs among the last 64 mean that the disk is slow. The two wake-ups then matter little, and the disk
/// thread takes the commands for a while.
const SLOW_MAX: u32 = 16;
const SLOW_REST_NS: u64 = 10_000_000_000;
/// The archiver is rung this long after the last ring, or after this many events.
const RING_EVERY_NS: u64 = 1_000_000;
const EVENTS_MAX: u64 = 64;

/// What the agent reads, and what it rings.
pub struct InlinePorts {
    /// The positions of the producer and of the journaler in the command ring.
    pub commands: [CursorReader; 2],
    /// The position of the producer in the event ring.
    pub events: CursorReader,
    /// Wakes the disk thread.
    pub disk: Vec<Doorbell>,
    pub archiver: Vec<Doorbell>,
    /// Mutes the bells of its thread's other agents for these two threads.
    pub mute: Mute,
    /// Limits its thread's sleep to the time for which the archiver's bell can wait.
    pub soon: Soon,
}

/// The agent. It runs after the matcher.
pub struct InlineJournaler {
    commit: Handover<GroupCommit>,
    ports: InlinePorts,
    clock: Box<dyn Clock>,
    /// Until then the disk thread does the work.
    stands_back_until: MonotonicNanos,
    /// Which of the last 64 syncs were slow; the last one is the lowest bit.
    slow: u64,
    /// The event ring's position at the last look, and the time of the last ring.
    seen_events: u64,
    rung_events: u64,
    /// Whether durable events wait for which the archiver was not rung.
    owes_ring: bool,
    last_ring: MonotonicNanos,
    /// Whether the next append would cause page faults.
    owes_warm: bool,
    /// Whether the waiting commands were left to the disk thread.
    is_handed_over: bool,
    counts: Counts,
}

struct Counts {
    syncs: Counter,
    handed_over: Counter,
}

impl InlineJournaler {
    pub(super) fn new(
        commit: Handover<GroupCommit>,
        ports: InlinePorts,
        mut clock: Box<dyn Clock>,
        counters: &Counters,
    ) -> Self {
        let counts = Counts {
            syncs: counters.register("journaler.inline_syncs", "syncs"),
            handed_over: counters.register("journaler.handed_over", "times"),
        };
        let (now, events) = (clock.now(), ports.events.get());
        ports.mute.set(true);
        Self {
            seen_events: events,
            rung_events: events,
            commit,
            ports,
            clock,
            stands_back_until: now,
            slow: 0,
            owes_ring: false,
            last_ring: now,
            owes_warm: false,
            is_handed_over: false,
            counts,
        }
    }

    fn waiting(&self) -> u64 {
        let [end, position] = &self.ports.commands;
        // The position is read before the end, so it never passes it.
        let position = position.get();
        end.get() - position
    }

    fn ring_archiver(&mut self, now: MonotonicNanos) {
        self.ports.archiver.iter().for_each(Doorbell::ring);
        self.last_ring = now;
        self.rung_events = self.seen_events;
        self.owe_ring(false);
    }

    fn owe_ring(&mut self, owes: bool) {
        if owes != self.owes_ring {
            self.owes_ring = owes;
            self.ports.soon.set(owes);
        }
    }

    /// Leaves the waiting commands to the disk thread and rings it. The journal must have been given back.
    fn hand_over(&mut self, now: MonotonicNanos) {
        if !std::mem::replace(&mut self.is_handed_over, true) {
            self.counts.handed_over.add(1);
        }
        self.ports.disk.iter().for_each(Doorbell::ring);
        self.ring_archiver(now);
    }

    /// Leaves all work to the disk thread until `until`.
    fn stand_back(&mut self, until: u64, now: MonotonicNanos) {
        self.stands_back_until = MonotonicNanos(until.max(self.stands_back_until.0));
        self.ports.mute.set(false);
        self.hand_over(now);
    }

    fn note_sync(&mut self, took: u64, now: MonotonicNanos) {
        self.slow = self.slow << 1 | u64::from(took >= SLOW_NS);
        if self.slow.count_ones() >= SLOW_MAX {
            self.slow = 0;
            self.stand_back(now.0 + SLOW_REST_NS, now);
        }
    }

    /// Appends the waiting commands, syncs, and moves the durable cursor. Returns false if something is left to do: the
    /// disk thread owns the journal, another file would have to be opened, or an error is transient.
    fn commit(&mut self, waiting: usize) -> Result<bool, Fatal> {
        let Some(mut commit) = self.commit.try_own() else { return Ok(false) };
        let has_room = |writer: &Writer| writer.has_room_for(waiting, codec::ENCODED_LEN_MAX);
        if !commit.writer.as_ref().is_some_and(has_room) {
            return Ok(false);
        }
        let appended = commit.append(waiting)?;
        let syncs =
            commit.settings.durability == Durability::Sync && !is_injected(InjectedFault::DurableBeforeSync);
        if syncs {
            commit.sync()?;
        }
        commit.publish()?;
        Ok(appended == waiting && (!syncs || commit.writer()?.is_synced()))
    }

    /// Nothing waits, so it does the work that would have delayed an answer.
    fn rest(&mut self) -> Result<(), Fatal> {
        self.is_handed_over = false;
        if self.owes_warm
            && let Some(mut commit) = self.commit.try_own()
        {
            self.owes_warm = false;
            if let Some(writer) = &mut commit.writer {
                writer.warm();
            }
        }
        Ok(())
    }
}

impl Agent for InlineJournaler {
    fn name(&self) -> &str {
        "inline-journaler"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let waiting = self.waiting();
        let events = self.ports.events.get();
        let is_news = std::mem::replace(&mut self.seen_events, events) != events;
        // The answers to commands synced in the last duty cycle were sent in this one.
        let owed_ring = self.owes_ring;
        if is_news && self.ports.mute.is_set() {
            self.owe_ring(true);
        }
        if waiting == 0 && !owed_ring {
            return self.rest().map(|()| 0);
        }
        let now = self.clock.now();
        if waiting > INLINE_MAX {
            self.stand_back(now.0 + BUSY_NS, now);
            return Ok(0);
        }
        let is_due = now.0 - self.last_ring.0 >= RING_EVERY_NS;
        if owed_ring && (is_due || events - self.rung_events >= EVENTS_MAX) {
            self.ring_archiver(now);
        }
        if waiting == 0 {
            return self.rest().map(|()| 0);
        }
        if now < self.stands_back_until {
            return Ok(0);
        }
        self.ports.mute.set(true);
        if !self.commit(waiting as usize)? {
            self.hand_over(now);
            return Ok(0);
        }
        self.is_handed_over = false;
        self.counts.syncs.add(1);
        self.owes_warm = true;
        self.owe_ring(true);
        let done = self.clock.now();
        self.note_sync(done.0 - now.0, done);
        Ok(waiting as usize)
    }
}
