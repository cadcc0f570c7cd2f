//! Group commit: copies the waiting commands from the command ring into the journal and syncs once.

use super::super::space::SpaceLow;
use crate::domain::{Sequenced, codec};
use crate::ring::{Consumer, CursorWriter};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Clock, Counter, Fatal, MonotonicNanos, Passing};
use dojima_journal::{AppendError, Durability, SyncError, Writer};
use std::ops::ControlFlow;
use std::time::Duration;

/// When the journaler syncs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalerSettings {
    /// What an acknowledgement guarantees; must match the writer's options.
    pub durability: Durability,
    /// For [`Durability::Async`]: the time between two syncs.
    pub sync_interval: Duration,
}

/// The consumer of the command ring, the journal and its cursors. The agent that owns this is the journaler at the
/// moment.
pub(super) struct GroupCommit {
    pub(super) commands: Consumer<Sequenced>,
    pub(super) durable: CursorWriter,
    pub(super) synced: CursorWriter,
    pub(super) space: SpaceLow,
    pub(super) writer: Option<Writer>,
    pub(super) settings: JournalerSettings,
    pub(super) clock: Box<dyn Clock>,
    pub(super) last_sync: MonotonicNanos,
    pub(super) passing: Passing,
    pub(super) counts: Counts,
}

pub(super) struct Counts {
    pub(super) appended: Counter,
    pub(super) durable: Counter,
    pub(super) bytes: Counter,
    pub(super) syncs: Counter,
    pub(super) no_space: Counter,
}

impl GroupCommit {
    pub(super) fn writer(&mut self) -> Result<&mut Writer, Fatal> {
        self.writer.as_mut().ok_or_else(|| Fatal::invariant("the journaler was run after it was closed"))
    }

    /// Copies the waiting commands into the journal.
    pub(super) fn append(&mut self, limit: usize) -> Result<usize, Fatal> {
        let Self { commands, space, writer, counts, settings: JournalerSettings { durability, .. }, .. } =
            self;
        let writer =
            writer.as_mut().ok_or_else(|| Fatal::invariant("the journaler was run after it was closed"))?;
        let mut failed = None;
        let appended = commands.poll(limit, |sequenced| match append_one(writer, sequenced) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        let unwritten = match durability {
            Durability::Sync => None,
            Durability::Async => writer.write_out().err(),
        };
        for error in failed.into_iter().chain(unwritten) {
            match error {
                // A command that does not fit stays in the ring with all after it until there is space again.
                AppendError::NoSpace => counts.no_space.add(1),
                error => return Err(Fatal::journal_append(error)),
            }
        }
        space.set(writer.low_space(), || writer.low_space_reason());
        counts.appended.add(appended as u64);
        counts.bytes.set(writer.bytes_written());
        Ok(appended)
    }

    /// Syncs the appended commands. After a transient error the next duty cycle tries again.
    pub(super) fn sync(&mut self) -> Result<(), Fatal> {
        match self.writer()?.sync() {
            Ok(_) => self.passing.over(),
            Err(error @ SyncError::Later { .. }) => {
                self.passing.note(&error);
                return Ok(());
            }
            Err(_) if is_injected(InjectedFault::IgnoreFailedSync) => {}
            Err(error) => return Err(Fatal::journal_sync(error)),
        }
        self.counts.syncs.add(1);
        Ok(())
    }

    /// Moves the durable cursor to the journal's durable sequence.
    pub(super) fn publish(&mut self) -> Result<bool, Fatal> {
        let writer = self.writer()?;
        let (appended, durable, synced) = (writer.appended(), writer.durable(), writer.synced());
        let is_early =
            is_injected(InjectedFault::IgnoreFailedSync) || is_injected(InjectedFault::DurableBeforeSync);
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

    /// In async mode: whether the commands appended since the last sync have waited long enough.
    pub(super) fn sync_is_due(&mut self) -> bool {
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
