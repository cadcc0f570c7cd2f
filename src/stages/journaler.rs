//! The journaler: copies every command into the journal and says how far it is durable.
//!
//! A sync blocks, so it has a thread of its own in every mode. Where little waits, the way to that thread and back costs as
//! much as the sync: then, in shared mode, the hot thread does the same itself ([`InlineJournaler`]). The two own the journal
//! in turn and neither waits for the other ([`Handover`]). All commands that gathered during the last sync
//! are appended and then synced once: group commit. In [`Durability::Sync`] the durable cursor moves after the sync, so what
//! is acknowledged survives a power cut; in [`Durability::Async`] it moves after the copy into the file, so what is
//! acknowledged survives the process, and a sync follows every interval.

mod inline;

pub use inline::{INLINE_MAX, InlineJournaler, InlinePorts};

use super::space::SpaceLow;
use crate::domain::{Sequenced, codec};
use crate::ring::{Consumer, CursorWriter};
use crate::runtime::planted::{Bug, is_planted};
use crate::runtime::{Agent, Clock, Counter, Counters, Doorbell, Fatal, Handover, MonotonicNanos, Passing};
use dojima_journal::{AppendError, Durability, SyncError, Writer};
use std::ops::ControlFlow;
use std::time::Duration;

/// Commands of one duty cycle, and so of one sync. The more of them, the longer the first one waits.
const BATCH_MAX: usize = 16 * 1024;

/// What the journaler is joined to.
pub struct JournalerPorts {
    /// Where commands come from.
    pub commands: Consumer<Sequenced>,
    /// Says up to which sequence commands are durable: the gate of everybody who releases events.
    pub durable: CursorWriter,
    /// Says up to which sequence commands are on the disk; not before `durable` in sync mode.
    pub synced: CursorWriter,
    /// Says whether the journal is short of space.
    pub space: SpaceLow,
    /// Whom to wake after the durable cursor moved.
    pub downstream: Vec<Doorbell>,
}

/// When the journaler syncs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalerSettings {
    /// What an acknowledgement means; the same as the writer was opened with.
    pub durability: Durability,
    /// Of [`Durability::Async`]: from one sync to the next.
    pub sync_interval: Duration,
}

/// The agent that does it whenever nobody else does.
pub struct Journaler {
    commit: Handover<GroupCommit>,
    downstream: Vec<Doorbell>,
}

/// The reading end of the command ring, the journal and its cursors: whoever owns this is the journaler for the moment.
struct GroupCommit {
    commands: Consumer<Sequenced>,
    durable: CursorWriter,
    synced: CursorWriter,
    space: SpaceLow,
    writer: Option<Writer>,
    settings: JournalerSettings,
    clock: Box<dyn Clock>,
    last_sync: MonotonicNanos,
    passing: Passing,
    counts: Counts,
}

struct Counts {
    appended: Counter,
    durable: Counter,
    bytes: Counter,
    syncs: Counter,
    no_space: Counter,
}

impl Journaler {
    /// Goes on with a recovered journal.
    pub fn new(
        ports: JournalerPorts,
        writer: Writer,
        settings: JournalerSettings,
        mut clock: Box<dyn Clock>,
        counters: &Counters,
    ) -> Self {
        let JournalerPorts { commands, durable, synced, space, downstream } = ports;
        let counts = Counts {
            appended: counters.register("journaler.appended", "commands"),
            durable: counters.register("journaler.durable", "sequence"),
            bytes: counters.register("journaler.bytes", "bytes"),
            syncs: counters.register("journaler.syncs", "syncs"),
            no_space: counters.register("journaler.no_space", "cycles"),
        };
        counts.durable.set(durable.get());
        let last_sync = clock.now();
        let passing = Passing::new("journaler", counters);
        let writer = Some(writer);
        let commit = GroupCommit {
            commands,
            durable,
            synced,
            space,
            writer,
            settings,
            clock,
            last_sync,
            passing,
            counts,
        };
        Self { commit: Handover::new(commit), downstream }
    }

    /// The agent that does the same on the hot thread while little waits.
    pub fn inline(&self, ports: InlinePorts, clock: Box<dyn Clock>, counters: &Counters) -> InlineJournaler {
        InlineJournaler::new(self.commit.share(), ports, clock, counters)
    }
}

impl GroupCommit {
    fn writer(&mut self) -> Result<&mut Writer, Fatal> {
        self.writer.as_mut().ok_or_else(|| Fatal::invariant("the journaler works after its close"))
    }

    /// Copies what waits in the ring into the journal.
    fn append(&mut self, limit: usize) -> Result<usize, Fatal> {
        let Self { commands, space, writer, counts, settings: JournalerSettings { durability, .. }, .. } =
            self;
        let writer =
            writer.as_mut().ok_or_else(|| Fatal::invariant("the journaler works after its close"))?;
        let mut failed = None;
        let appended = commands.poll(limit, |sequenced| match append_one(writer, sequenced) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        match failed {
            None => {}
            // The command stays in the ring; those behind it wait with it until there is space again.
            Some(AppendError::NoSpace) => counts.no_space.add(1),
            Some(error) => return Err(Fatal::journal_append(error)),
        }
        if *durability == Durability::Async {
            match writer.write_out() {
                Ok(_) => {}
                Err(AppendError::NoSpace) => counts.no_space.add(1),
                Err(error) => return Err(Fatal::journal_append(error)),
            }
        }
        space.set(writer.low_space(), || writer.low_space_reason());
        counts.appended.add(appended as u64);
        counts.bytes.set(writer.bytes_written());
        Ok(appended)
    }

    /// Syncs what was appended. What cannot be opened for it now is tried again in the next duty cycle.
    fn sync(&mut self) -> Result<(), Fatal> {
        match self.writer()?.sync() {
            Ok(_) => self.passing.over(),
            Err(error @ SyncError::Later { .. }) => {
                self.passing.note(&error);
                return Ok(());
            }
            Err(_) if is_planted(Bug::IgnoreFailedSync) => {}
            Err(error) => return Err(Fatal::journal_sync(error)),
        }
        self.counts.syncs.add(1);
        Ok(())
    }

    /// Moves the durable cursor to what the journal says is durable.
    fn publish(&mut self) -> Result<bool, Fatal> {
        let writer = self.writer()?;
        let (appended, durable, synced) = (writer.appended(), writer.durable(), writer.synced());
        let is_early = is_planted(Bug::IgnoreFailedSync) || is_planted(Bug::DurableBeforeSync);
        let durable = if is_early { appended } else { durable };
        if synced != self.synced.get() {
            self.synced.set(synced);
        }
        if durable == self.durable.get() {
            return Ok(false);
        }
        self.durable.set(durable);
        self.counts.durable.set(durable);
        Ok(true)
    }

    /// In async mode: whether what was appended since the last sync has waited long enough.
    fn sync_is_due(&mut self) -> bool {
        let now = self.clock.now();
        let due =
            u128::from(now.0.saturating_sub(self.last_sync.0)) >= self.settings.sync_interval.as_nanos();
        if due {
            self.last_sync = now;
        }
        due
    }
}

fn append_one(writer: &mut Writer, sequenced: &Sequenced) -> Result<(), AppendError> {
    let Sequenced { stamp, command } = sequenced;
    writer
        .append_with(stamp.sequence, stamp.time.0, codec::ENCODED_LEN_MAX, |record| {
            codec::encode_command(command, record).expect("ENCODED_LEN_MAX bytes hold any command")
        })
        .map(drop)
}

impl Agent for Journaler {
    fn name(&self) -> &str {
        "journaler"
    }

    /// Without work while the hot thread is the journaler: what that leaves behind it rings for.
    fn do_work(&mut self) -> Result<usize, Fatal> {
        let Some(mut commit) = self.commit.try_own() else { return Ok(0) };
        let appended = commit.append(BATCH_MAX)?;
        let is_synced = commit.writer()?.is_synced();
        match commit.settings.durability {
            Durability::Sync if !is_synced => commit.sync()?,
            Durability::Sync => {}
            Durability::Async => {
                if commit.sync_is_due() {
                    commit.sync()?;
                }
            }
        }
        let moved = commit.publish()?;
        if moved {
            self.downstream.iter().for_each(Doorbell::ring);
        }
        if appended > 0 {
            commit.writer()?.warm();
        }
        Ok(appended + usize::from(moved))
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        let gone = || Fatal::invariant("the journal's last owner panicked");
        let mut commit = self.commit.own_at_last().ok_or_else(gone)?;
        while commit.append(BATCH_MAX)? > 0 {}
        commit.sync()?;
        if !is_planted(Bug::IgnoreFailedSync) {
            commit.writer()?.sync_at_last().map_err(Fatal::journal_sync)?;
        }
        if commit.publish()? {
            self.downstream.iter().for_each(Doorbell::ring);
        }
        let writer = commit.writer.take().ok_or_else(|| Fatal::invariant("the journaler is closed twice"))?;
        writer.seal().map_err(Fatal::journal_sync)?;
        // They were never acknowledged, but whoever stops the engine must learn that they are gone.
        match commit.commands.waiting() {
            0 => Ok(()),
            left => Err(Fatal::journal_full(format_args!("{left} commands were taken in and not answered"))),
        }
    }
}
