//! The journaler on the hot thread, for as long as little waits.
//!
//! A lone order that is handed to another thread waits for two wake-ups beside its sync, which together take as long as the
//! sync. So the hot thread appends and syncs itself what the matcher has just applied, and the gateway answers in
//! the next duty cycle. While it syncs nothing is read, so it stands back where that would cost more than it saves: when many
//! commands wait, while syncs are slow, and where the segment ends. The disk thread then does it as if this agent
//! were not there.
//!
//! While this agent is in charge, the stages of its thread ring neither the disk thread nor the archiver ([`Mute`]); what they would have rung
//! for is owed here. Commands that are left waiting are rung for at once. Events for the archiver can wait, and waking it for
//! each would take the core from the next order: they are rung for after the answer has left, and once a millisecond, or when
//! many wait.

use super::commit::GroupCommit;
use crate::domain::codec;
use crate::ring::CursorReader;
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{
    Agent, Clock, Counter, Counters, Doorbell, Fatal, Handover, MonotonicNanos, Mute, Soon,
};
use dojima_journal::{Durability, Writer};

/// Commands of one inline sync. With more of them, matching the next ones during the sync is worth more than the two wake-ups.
pub const INLINE_MAX: u64 = 64;
/// Until so much time has passed without more than [`INLINE_MAX`] commands waiting, the disk thread has them.
const BUSY_NS: u64 = 1_000_000;
/// A sync this long is slow. Single ones are the scheduler's doing or another's write: on a busy machine some in a hundred, and
/// whoever waits for one waits on either thread.
const SLOW_NS: u64 = 1_000_000;
/// So many slow ones among the last 64 are the disk's doing: the two wake-ups are then the lesser part, and the disk thread has
/// the commands for a while.
const SLOW_MAX: u32 = 16;
const SLOW_REST_NS: u64 = 10_000_000_000;
/// The archiver is rung for so long after the last time, or after so many events.
const RING_EVERY_NS: u64 = 1_000_000;
const EVENTS_MAX: u64 = 64;

/// What the agent looks at, and whom it rings.
pub struct InlinePorts {
    /// Commands in the command ring, and how many of them are in the journal.
    pub commands: [CursorReader; 2],
    /// Events that were put into the event ring.
    pub events: CursorReader,
    /// Wakes the disk thread.
    pub disk: Vec<Doorbell>,
    pub archiver: Vec<Doorbell>,
    /// Silences the bells of its thread's other agents that wake either.
    pub mute: Mute,
    /// Makes its thread sleep for no longer than what is owed to the archiver can wait.
    pub soon: Soon,
}

/// The agent; it sits behind the matcher.
pub struct InlineJournaler {
    commit: Handover<GroupCommit>,
    ports: InlinePorts,
    clock: Box<dyn Clock>,
    /// Until then the disk thread has the commands.
    stands_back_until: MonotonicNanos,
    /// Of the last 64 syncs, which were slow; the last one in the lowest bit.
    slow: u64,
    /// Events in the ring, when this agent last looked, and when it last rang.
    seen_events: u64,
    rung_events: u64,
    /// Events wait that the archiver was not rung for since they are durable.
    owes_ring: bool,
    last_ring: MonotonicNanos,
    /// What was appended has left pages that the next append faults on.
    owes_warm: bool,
    /// The commands that wait were left to the disk thread.
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
        // The position first: it never passes the end.
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

    /// Leaves what waits to the disk thread, which nobody else wakes. The journal must have been given back.
    fn hand_over(&mut self, now: MonotonicNanos) {
        if !std::mem::replace(&mut self.is_handed_over, true) {
            self.counts.handed_over.add(1);
        }
        self.ports.disk.iter().for_each(Doorbell::ring);
        self.ring_archiver(now);
    }

    /// Leaves everything to the disk thread until then.
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

    /// Appends what waits, syncs it, and says that it is durable. Whether all that is done: not if the disk thread owns the
    /// journal, nor where another file would have to be opened, nor while something passes.
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

    /// Nothing waits: time for what would have made an answer wait.
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
        // The answers to what was synced in the last duty cycle have left in this one.
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
