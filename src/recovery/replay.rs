//! Applies a journal to a state.
//!
//! Two threads: one reads records, verifies and decodes them; the other applies them. The first is a fixed number of
//! commands ahead. This has a second purpose: a checkpoint is some commands after the command whose state it describes,
//! and must be known when that state is reached.

use super::RecoveryError;
use crate::domain::{Checkpoint, Command, EventRecord, Stamp, Timestamp, VenueCommand, codec};
use crate::exchange::Digest;
use crate::replica::State;
use crossbeam_channel::{Receiver, Sender, bounded};
use dojima_journal::Reader;
use dojima_journal::storage::Storage;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The progress of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub commands: u64,
    /// The number of commands in the journal.
    pub commands_total: u64,
}

/// The result of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub commands: u64,
    /// How many checkpoints were read in time and matched.
    pub checkpoints: u64,
}

/// Commands per batch between the threads.
const BATCH_COMMANDS: usize = 4096;
/// How many batches are read ahead. A checkpoint is compared if it is at most this far after its command.
const BATCHES_AHEAD: usize = 32;

type Batch = Vec<(Stamp, Command)>;

/// Replays a journal from the state's position to its end, or to command `until`.
///
/// # Errors
/// [`RecoveryError::Decode`], [`RecoveryError::Gap`], [`RecoveryError::StateDiverged`], a journal that cannot be read,
/// or an error of `on_event`.
pub fn replay(
    state: &mut State,
    journal: &Arc<dyn Storage>,
    total: u64,
    until: Option<u64>,
    on_event: &mut impl FnMut(&EventRecord) -> Result<(), RecoveryError>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Replayed, RecoveryError> {
    let reader = Reader::open_storage(Arc::clone(journal), state.last.sequence + 1)?;
    let (batches, batches_in) = bounded(2);
    let (used, used_in) = bounded(BATCHES_AHEAD + 4);
    let mut source =
        Source { reader, journal, last: state.last.sequence, end: until.unwrap_or(u64::MAX), used: used_in };
    std::thread::scope(|scope| {
        scope.spawn(move || source.send_all(&batches));
        let window = Window { batches: batches_in, ahead: VecDeque::new(), due: BTreeMap::new(), used };
        window.apply_all(state, total, on_event, on_progress)
    })
}

/// The reading end.
struct Source<'a> {
    reader: Reader,
    journal: &'a Arc<dyn Storage>,
    last: u64,
    end: u64,
    used: Receiver<Batch>,
}

impl Source<'_> {
    /// Runs until the journal ends, an error occurs, or the receiver is gone.
    fn send_all(&mut self, batches: &Sender<Result<Batch, RecoveryError>>) {
        loop {
            let mut batch = self.used.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_COMMANDS));
            batch.clear();
            let filled = self.fill(&mut batch);
            let ended = batch.len() < BATCH_COMMANDS;
            // Commands before an error are applied before the error is reported.
            if batches.send(Ok(batch)).is_err() {
                return;
            }
            if let Err(error) = filled {
                let _ = batches.send(Err(error));
                return;
            }
            if ended {
                return;
            }
        }
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<(), RecoveryError> {
        while batch.len() < BATCH_COMMANDS && self.last < self.end {
            let Some(record) = self.reader.next()? else { return Ok(()) };
            let (sequence, last) = (record.sequence, self.last);
            let dir = || self.journal.dir().to_owned();
            if sequence != last + 1 {
                return Err(RecoveryError::Gap { dir: dir(), last, found: sequence });
            }
            let command = codec::decode_command(record.payload).map_err(|source| RecoveryError::Decode {
                dir: dir(),
                sequence,
                source,
            })?;
            batch.push((Stamp { sequence, time: Timestamp(record.time_ns) }, command));
            self.last = sequence;
        }
        Ok(())
    }
}

/// The applying end, with the commands read but not applied yet.
struct Window {
    batches: Receiver<Result<Batch, RecoveryError>>,
    ahead: VecDeque<Result<Batch, RecoveryError>>,
    /// Recorded digests, by the command whose state they describe.
    due: BTreeMap<u64, [u8; 32]>,
    used: Sender<Batch>,
}

impl Window {
    /// Takes batches until the window is full, so that the checkpoints known in time do not depend on the timing of the
    /// threads.
    fn look_ahead(&mut self) {
        while self.ahead.len() < BATCHES_AHEAD
            && let Ok(read) = self.batches.recv()
        {
            for (_, command) in read.iter().flatten() {
                if let Command::Venue(VenueCommand::Checkpoint(Checkpoint { of, digest })) = command {
                    self.due.insert(*of, *digest);
                }
            }
            self.ahead.push_back(read);
        }
    }

    fn apply_all(
        mut self,
        state: &mut State,
        total: u64,
        on_event: &mut impl FnMut(&EventRecord) -> Result<(), RecoveryError>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Replayed, RecoveryError> {
        let mut done = Replayed::default();
        loop {
            self.look_ahead();
            let Some(batch) = self.ahead.pop_front() else { break };
            let batch = batch?;
            self.due = self.due.split_off(&(state.last.sequence + 1));
            let mut next_due = self.due.keys().next().copied();
            for (stamp, command) in &batch {
                state.apply(*stamp, command, on_event)?;
                if next_due == Some(stamp.sequence) {
                    self.compare(state)?;
                    done.checkpoints += 1;
                    next_due = self.due.keys().next().copied();
                }
            }
            done.commands += batch.len() as u64;
            on_progress(Progress { commands: done.commands, commands_total: total });
            let _ = self.used.try_send(batch);
        }
        Ok(done)
    }

    fn compare(&mut self, state: &State) -> Result<(), RecoveryError> {
        let of = state.last.sequence;
        let Some(recorded) = self.due.remove(&of).map(Digest) else { return Ok(()) };
        let replayed = state.shards.digest();
        if replayed == recorded {
            Ok(())
        } else {
            Err(RecoveryError::StateDiverged { of, recorded, replayed })
        }
    }
}
