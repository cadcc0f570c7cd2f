//! The sequencer: the only writer of the command ring.
//!
//! It merges its sources, one inbound ring each, and stamps every command with the next sequence and the time. No other
//! part assigns times. It never drops a command: if the command ring is full it reads no sources, and their rings fill
//! up.

#![deny(clippy::wildcard_enum_match_arm)]

use super::space::SpaceWatch;
use crate::domain::{
    Command, Enter, OrderCommand, RefuseEnter, RefuseReplace, RejectReason, Replace, Sequenced, Stamp,
    Timestamp,
};
use crate::ring::{Consumer, CursorWriter, Producer};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal, StampClock};
use std::ops::ControlFlow;

/// The most commands per duty cycle.
const BATCH_MAX: usize = 512;

/// The most sources.
pub const SOURCES_MAX: usize = 8;

/// Everything that the sequencer is connected to.
pub struct SequencerPorts {
    /// The sources, at most [`SOURCES_MAX`], polled in turn. A source's cursor moves after its commands are in the
    /// command ring.
    pub sources: Vec<Consumer<Command>>,
    /// Operators' commands, and the cursor that reports the sequence of the last of them.
    pub operator: Option<(Consumer<Command>, CursorWriter)>,
    pub commands: Producer<Sequenced>,
    /// Whether journal, event log or data directory are short of space.
    pub space: Vec<SpaceWatch>,
    /// Rung after publishing.
    pub downstream: Vec<Doorbell>,
}

pub struct Sequencer {
    ports: SequencerPorts,
    stamps: StampClock,
    last: Stamp,
    /// The source that is polled first in the next cycle.
    first: usize,
    sequenced: Counter,
    ring_full: Counter,
}

impl Sequencer {
    /// Continues after `last`, the stamp of the last command in the journal.
    pub fn new(ports: SequencerPorts, stamps: StampClock, last: Stamp, counters: &Counters) -> Self {
        assert!(ports.sources.len() <= SOURCES_MAX, "the sequencer has too many sources");
        let reused = u64::from(is_injected(InjectedFault::ReuseSequence));
        Self {
            ports,
            stamps,
            last: Stamp { sequence: last.sequence - reused, ..last },
            first: 0,
            sequenced: counters.register("sequencer.commands", "commands"),
            ring_full: counters.register("sequencer.ring_full", "cycles"),
        }
    }
}

impl Agent for Sequencer {
    fn name(&self) -> &str {
        "sequencer"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        // Also when there are no commands: the stamp clock follows the wall clock only while it is read.
        let time = Timestamp(self.stamps.now().0).max(self.last.time);
        let of_operators = self.ports.operator.iter().map(|(source, _)| source);
        if self.ports.sources.iter().chain(of_operators).all(|source| source.waiting() == 0) {
            return Ok(0);
        }
        let space_low = self.ports.space.iter().any(SpaceWatch::is_low);
        let mut claim = self.ports.commands.claim_up_to(BATCH_MAX);
        if claim.remaining() == 0 {
            self.ring_full.add(1);
            return Ok(0);
        }
        // Operators come first: they send few commands, and the other sources could fill every cycle.
        if let Some((source, taken)) = &mut self.ports.operator {
            source.poll(claim.remaining(), |command| {
                self.last = Stamp { sequence: self.last.sequence + 1, time };
                claim.push(Sequenced { stamp: self.last, command: *command });
                taken.set(self.last.sequence);
                ControlFlow::Continue(())
            });
        }
        let count = self.ports.sources.len();
        let mut taken = [0; SOURCES_MAX];
        for turn in 0..count {
            let at = (self.first + turn) % count;
            let batch = self.ports.sources[at].batch(claim.remaining());
            for command in batch.iter() {
                self.last = Stamp { sequence: self.last.sequence + 1, time };
                let command = if space_low { refuse_new_orders(command) } else { *command };
                claim.push(Sequenced { stamp: self.last, command });
            }
            taken[at] = batch.len();
        }
        self.first = (self.first + 1) % count;
        let work = claim.len();
        claim.publish();
        // Only now: an observer that sees the commands as taken must find them in the command ring.
        for (source, taken) in self.ports.sources.iter_mut().zip(taken) {
            source.batch(taken).release(taken);
        }
        self.sequenced.add(work as u64);
        if work > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        Ok(work)
    }
}

/// Refuses new orders and replaces while the journal or event log is short of space, so that the remaining space is
/// used for cancels. The refusal is a command like any other: it is journaled and answered.
fn refuse_new_orders(command: &Command) -> Command {
    let reason = RejectReason::JournalSpaceLow;
    let order = match *command {
        Command::Order(order) => order,
        other @ (Command::Venue(_) | Command::Admin(_) | Command::Contract(_) | Command::Clock(_)) => {
            return other;
        }
    };
    Command::Order(match order {
        OrderCommand::Enter(Enter { login, session, user_ref, echo, .. }) => {
            let cl_ord_id = echo.cl_ord_id;
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
        OrderCommand::Replace(Replace { login, session, orig_user_ref, user_ref, echo, .. }) => {
            let cl_ord_id = echo.cl_ord_id;
            let refused = RefuseReplace { login, session, orig_user_ref, user_ref, reason, cl_ord_id };
            OrderCommand::RefuseReplace(refused)
        }
        other @ (OrderCommand::RefuseEnter(_)
        | OrderCommand::RefuseReplace(_)
        | OrderCommand::Cancel(_)
        | OrderCommand::Amend(_)
        | OrderCommand::CancelOrder { .. }
        | OrderCommand::MassCancel(_)
        | OrderCommand::Modify(_)
        | OrderCommand::QueryAccount(_)
        | OrderCommand::SetOrderEntry(_)
        | OrderCommand::NameOrder(_)
        | OrderCommand::CancelLogin { .. }) => other,
    })
}
