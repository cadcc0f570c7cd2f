//! The journaler: copies every command into the journal and says how far it is durable.
//!
//! It has a thread of its own in every mode, because a sync blocks. All commands that gathered during the last sync
//! are appended and then synced once: group commit. In [`Durability::Sync`] the durable cursor moves after the sync, so what
//! is acknowledged survives a power cut; in [`Durability::Async`] it moves after the copy into the mapped file, so what is
//! acknowledged survives the process, and a sync follows every interval.

use super::space::SpaceLow;
use crate::domain::{Sequenced, codec};
use crate::ring::{Consumer, CursorWriter};
use crate::runtime::planted::{Bug, is_planted};
use crate::runtime::{Agent, Clock, Counter, Counters, Doorbell, Fatal, MonotonicNanos, Passing};
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

/// The agent.
pub struct Journaler {
    ports: JournalerPorts,
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
        let counts = Counts {
            appended: counters.register("journaler.appended", "commands"),
            durable: counters.register("journaler.durable", "sequence"),
            bytes: counters.register("journaler.bytes", "bytes"),
            syncs: counters.register("journaler.syncs", "syncs"),
            no_space: counters.register("journaler.no_space", "cycles"),
        };
        counts.durable.set(ports.durable.get());
        let last_sync = clock.now();
        let passing = Passing::new("journaler", counters);
        Self { ports, writer: Some(writer), settings, clock, last_sync, counts, passing }
    }

    fn writer(&mut self) -> Result<&mut Writer, Fatal> {
        self.writer.as_mut().ok_or_else(|| Fatal::invariant("the journaler works after its close"))
    }

    /// Copies what waits in the ring into the mapped file.
    fn append(&mut self) -> Result<usize, Fatal> {
        let Self { ports, writer, counts, .. } = self;
        let writer =
            writer.as_mut().ok_or_else(|| Fatal::invariant("the journaler works after its close"))?;
        let mut failed = None;
        let appended = ports.commands.poll(BATCH_MAX, |sequenced| match append_one(writer, sequenced) {
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
        ports.space.set(writer.low_space(), || writer.low_space_reason());
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
        let durable = if is_planted(Bug::IgnoreFailedSync) { appended } else { durable };
        if synced != self.ports.synced.get() {
            self.ports.synced.set(synced);
        }
        if durable == self.ports.durable.get() {
            return Ok(false);
        }
        self.ports.durable.set(durable);
        self.counts.durable.set(durable);
        self.ports.downstream.iter().for_each(Doorbell::ring);
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

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let appended = self.append()?;
        let is_synced = self.writer()?.is_synced();
        match self.settings.durability {
            Durability::Sync if !is_synced => self.sync()?,
            Durability::Sync => {}
            Durability::Async => {
                if self.sync_is_due() {
                    self.sync()?;
                }
            }
        }
        let moved = self.publish()?;
        if appended > 0 {
            self.writer()?.warm();
        }
        Ok(appended + usize::from(moved))
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        while self.append()? > 0 {}
        self.sync()?;
        if !is_planted(Bug::IgnoreFailedSync) {
            self.writer()?.sync_at_last().map_err(Fatal::journal_sync)?;
        }
        self.publish()?;
        let writer = self.writer.take().ok_or_else(|| Fatal::invariant("the journaler is closed twice"))?;
        writer.seal().map_err(Fatal::journal_sync)?;
        // They were never acknowledged, but whoever stops the engine must learn that they are gone.
        match self.ports.commands.waiting() {
            0 => Ok(()),
            left => Err(Fatal::journal_full(format_args!("{left} commands were taken in and not answered"))),
        }
    }
}
