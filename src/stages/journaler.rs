//! The journaler: copies every command into the journal and publishes how far the journal is durable.
//!
//! A sync blocks, so the journaler has its own thread in every mode. While few commands wait, handing them to that
//! thread and back costs as much as the sync. Then, in shared mode, the hot thread does the work itself
//! ([`InlineJournaler`]). The two own the journal in turn and never wait for each other ([`Handover`]). All commands
//! that arrived during the last sync are appended and then synced once: group commit. In [`Durability::Sync`] the
//! durable cursor moves after the sync, so acknowledged commands survive a power cut. In [`Durability::Async`] it moves
//! after the copy into the file, so acknowledged commands survive the end of the process, and a sync follows every
//! interval.

mod commit;
mod inline;

pub use commit::JournalerSettings;
pub use inline::{INLINE_MAX, InlineJournaler, InlinePorts};

use super::space::SpaceLow;
use crate::domain::Sequenced;
use crate::ring::{Consumer, CursorWriter};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Clock, Counters, Doorbell, Fatal, Handover, Passing};
use commit::{Counts, GroupCommit};
use dojima_journal::{Durability, Writer};

/// The most commands per duty cycle, and so per sync. A larger batch makes its first command wait longer.
const BATCH_MAX: usize = 16 * 1024;

/// Everything that the journaler is connected to.
pub struct JournalerPorts {
    pub commands: Consumer<Sequenced>,
    /// The last durable sequence: the gate of all agents that release events.
    pub durable: CursorWriter,
    /// The last sequence on disk. In sync mode it is never behind `durable`.
    pub synced: CursorWriter,
    /// Reports whether the journal is short of space.
    pub space: SpaceLow,
    /// Rung after the durable cursor moved.
    pub downstream: Vec<Doorbell>,
}

/// The agent that journals whenever the inline journaler does not.
pub struct Journaler {
    commit: Handover<GroupCommit>,
    downstream: Vec<Doorbell>,
}

impl Journaler {
    /// Continues a recovered journal.
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

    /// The agent that journals on the hot thread while few commands wait.
    pub fn inline(&self, ports: InlinePorts, clock: Box<dyn Clock>, counters: &Counters) -> InlineJournaler {
        InlineJournaler::new(self.commit.share(), ports, clock, counters)
    }
}

impl Agent for Journaler {
    fn name(&self) -> &str {
        "journaler"
    }

    /// Has no work while the hot thread journals; that thread rings for what it leaves behind.
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
        if !is_injected(InjectedFault::IgnoreFailedSync) {
            commit.writer()?.sync_at_last().map_err(Fatal::journal_sync)?;
        }
        if commit.publish()? {
            self.downstream.iter().for_each(Doorbell::ring);
        }
        let writer =
            commit.writer.take().ok_or_else(|| Fatal::invariant("the journaler was closed twice"))?;
        writer.seal().map_err(Fatal::journal_sync)?;
        // They were never acknowledged, but the operator who stops the engine must learn that they are lost.
        match commit.commands.waiting() {
            0 => Ok(()),
            left => Err(Fatal::journal_full(format_args!(
                "{left} commands were accepted but could not be journaled"
            ))),
        }
    }
}
