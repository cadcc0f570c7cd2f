//! The sequencer: the only writer of the command ring.
//!
//! It merges its sources, one inbound ring each, and stamps every command with the next sequence and the time. No other
//! part assigns times. It never drops a command: if the command ring is full it reads no sources, and their rings fill
//! up. Of several shards it refuses new orders for those that are behind, before they fill the ring for all.

#![deny(clippy::wildcard_enum_match_arm)]

mod shard_lags;

pub use shard_lags::ShardLags;

use super::space::SpaceWatch;
use crate::domain::{
    AdminCommand, Command, Enter, OrderCommand, RefuseEnter, RefuseReplace, RejectReason, Replace, Sequenced,
    ShardTransfer, Stamp, Timestamp,
};
use crate::ring::{Claim, Consumer, CursorWriter, Producer};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal, StampClock};
use shard_lags::Behind;
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
    /// The arrivals of transfers, from the courier; `None` if there is one shard. No other source may send arrivals:
    /// the destination of a transfer cannot check what its source has sent.
    pub courier: Option<Consumer<ShardTransfer>>,
    pub commands: Producer<Sequenced>,
    /// Whether journal, event log or data directory are short of space.
    pub space: Vec<SpaceWatch>,
    /// How far the matchers of several shards are behind; `None` if there is one.
    pub lags: Option<ShardLags>,
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
    busy_refused: Counter,
    batch_max: usize,
}

impl Sequencer {
    /// Continues after `last`, the stamp of the last command in the journal.
    pub fn new(ports: SequencerPorts, stamps: StampClock, last: Stamp, counters: &Counters) -> Self {
        assert!(ports.sources.len() <= SOURCES_MAX, "the sequencer has too many sources");
        let reused = u64::from(is_injected(InjectedFault::ReuseSequence));
        let batch_max = match &ports.lags {
            Some(_) => BATCH_MAX.min(ShardLags::batch_max(ports.commands.capacity())),
            None => BATCH_MAX,
        };
        Self {
            ports,
            stamps,
            last: Stamp { sequence: last.sequence - reused, ..last },
            first: 0,
            sequenced: counters.register("sequencer.commands", "commands"),
            ring_full: counters.register("sequencer.ring_full", "cycles"),
            busy_refused: counters.register("sequencer.busy_refused", "commands"),
            batch_max,
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
        let arrivals = self.ports.courier.as_ref().map_or(0, Consumer::waiting);
        if arrivals == 0 && self.ports.sources.iter().chain(of_operators).all(|source| source.waiting() == 0)
        {
            return Ok(0);
        }
        let space_low = self.ports.space.iter().any(SpaceWatch::is_low);
        let published = self.ports.commands.published();
        let behind = self.ports.lags.as_ref().map(|lags| lags.behind(published)).unwrap_or_default();
        let mut claim = self.ports.commands.claim_up_to(self.batch_max);
        if claim.remaining() == 0 {
            self.ring_full.add(1);
            return Ok(0);
        }
        // Operators and the courier come first: they send few commands, and the other sources could fill every cycle.
        let lags = self.ports.lags.as_mut();
        let mut stamping = Stamping { last: &mut self.last, time, is_forged: false, lags };
        let mut busy_refused = 0;
        if let Some((source, taken)) = &mut self.ports.operator {
            source.poll(claim.remaining(), |command| {
                stamping.put(command, &mut claim);
                taken.set(stamping.last.sequence);
                ControlFlow::Continue(())
            });
        }
        let mut arrived = 0;
        if let Some(source) = &mut self.ports.courier {
            let batch = source.batch(claim.remaining());
            batch.iter().for_each(|transfer| stamping.arrival(*transfer, &mut claim));
            arrived = batch.len();
        }
        let is_refusing = space_low || behind.is_any();
        let count = self.ports.sources.len();
        let mut taken = [0; SOURCES_MAX];
        for turn in 0..count {
            let at = (self.first + turn) % count;
            let batch = self.ports.sources[at].batch(claim.remaining());
            for command in batch.iter() {
                match is_refusing {
                    true => {
                        let reason = stamping.reason(command, space_low, behind);
                        busy_refused += u64::from(reason == Some(RejectReason::ShardBusy));
                        stamping.put(&reason.map_or(*command, |reason| refuse(command, reason)), &mut claim);
                    }
                    false => stamping.put(command, &mut claim),
                }
            }
            taken[at] = batch.len();
        }
        stamping.check()?;
        self.first = (self.first + 1) % count;
        let work = claim.len();
        claim.publish();
        // Only now: an observer that sees the commands as taken must find them in the command ring.
        for (source, taken) in self.ports.sources.iter_mut().zip(taken) {
            source.batch(taken).release(taken);
        }
        if let Some(source) = &mut self.ports.courier {
            source.batch(arrived).release(arrived);
        }
        self.sequenced.add(work as u64);
        self.busy_refused.add(busy_refused);
        if work > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        Ok(work)
    }
}

/// Gives stamps to the commands of one duty cycle.
struct Stamping<'a> {
    last: &'a mut Stamp,
    time: Timestamp,
    /// Whether a source other than the courier has sent an arrival, which got no stamp.
    is_forged: bool,
    lags: Option<&'a mut ShardLags>,
}

impl Stamping<'_> {
    /// Stamps a command of any source but the courier.
    #[inline]
    fn put(&mut self, command: &Command, claim: &mut Claim<'_, Sequenced>) {
        if let Command::Admin(command) = command {
            if matches!(command, AdminCommand::TransferIn(_)) {
                self.is_forged = true;
                return;
            }
            if let Some(lags) = &mut self.lags {
                lags.note(command);
            }
        }
        self.stamp(*command, claim);
    }

    /// Why the command is refused, if it is a new order or a replace.
    #[cold]
    fn reason(&self, command: &Command, space_low: bool, behind: Behind) -> Option<RejectReason> {
        let is_busy = || self.lags.as_ref().is_some_and(|lags| lags.refuses(behind, command));
        match space_low {
            true => Some(RejectReason::JournalSpaceLow),
            false => is_busy().then_some(RejectReason::ShardBusy),
        }
    }

    /// Stamps the arrival of a transfer, from the courier.
    fn arrival(&mut self, transfer: ShardTransfer, claim: &mut Claim<'_, Sequenced>) {
        self.stamp(Command::Admin(AdminCommand::TransferIn(transfer)), claim);
    }

    #[inline]
    fn stamp(&mut self, command: Command, claim: &mut Claim<'_, Sequenced>) {
        *self.last = Stamp { sequence: self.last.sequence + 1, time: self.time };
        claim.push(Sequenced { stamp: *self.last, command });
    }

    fn check(&self) -> Result<(), Fatal> {
        match self.is_forged {
            true => Err(Fatal::invariant("a transfer's arrival did not come from the courier")),
            false => Ok(()),
        }
    }
}

/// Refuses new orders and replaces for this reason: while the journal or event log is short of space, so that the remaining
/// space is used for cancels, and while a shard is behind. The refusal is a command like any other: it is journaled and
/// answered.
fn refuse(command: &Command, reason: RejectReason) -> Command {
    let order = match *command {
        Command::Order(order) => order,
        other @ (Command::Venue(_)
        | Command::Admin(_)
        | Command::Contract(_)
        | Command::Owner(_)
        | Command::Clock(_)) => return other,
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
        | OrderCommand::CancelLogin { .. }
        | OrderCommand::TransferOut(_)
        | OrderCommand::SendIndex(_)
        | OrderCommand::QueryWallet(_)) => other,
    })
}
