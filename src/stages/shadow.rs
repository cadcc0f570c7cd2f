//! The shadow: a second exchange beside the engine's, built from the journal alone.
//!
//! It follows the journal with its own [`State`], up to the commands on disk. So it has, off the hot path, the state
//! that a restart would have, and does the slow work with it:
//!
//! - it compares each of its own events with the event log, which has the matcher's events. A difference means that one
//!   of the two exchanges is wrong, by a memory error or a defect of the program, and ends the process at once;
//! - at an interval of commands it writes the digest of its state into the journal ([`VenueCommand::Checkpoint`]), for
//!   later replays to compare;
//! - at an interval of commands, on request and at a clean stop it writes a snapshot, and then retires what is no
//!   longer needed;
//! - it watches the size of the engine's files.
//!
//! It must never write a snapshot of a command that a power loss could remove, or of a state that was not compared. It
//! must never make another agent wait.

mod comparator;
mod quota;
mod retention;

pub use quota::{Quota, QuotaCounts, QuotaFiles, QuotaFolder};
pub use retention::{Retention, Segments};

use crate::domain::{Checkpoint, Command, EventRecord, Stamp, Timestamp, VenueCommand, codec};
use crate::exchange::{Digest, Progress};
use crate::replica::{Snapshots, State};
use crate::ring::{CursorReader, CursorWriter, Producer, cursor};
use crate::runtime::{Agent, Clock, Counter, Counters, Doorbell, Fatal, Halt, Passing};
use comparator::EventLogComparator;
use dojima_journal::Reader;
use dojima_journal::storage::Storage;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most commands per duty cycle: some hundred microseconds.
const COMMANDS_MAX: usize = 1024;
/// The most events that wait for the archiver. One part of a command may exceed it.
const EVENTS_WAITING_MAX: usize = 64 * 1024;
/// The time between two checks of the directory's size and of requests, ns.
const LOOK_EVERY_NS: u64 = 1_000_000_000;
/// A file of this name among the snapshots requests a snapshot; it is deleted once that is written.
pub const REQUEST_FILE: &str = "request";

/// Everything that the shadow is connected to.
pub struct ShadowPorts {
    /// The last command on disk.
    pub synced: CursorReader,
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The last event in SQL that survives a power loss; `None` without SQL.
    pub in_sql: Option<CursorReader>,
    /// The last event of the newest checkpoint of market data; `None` without market data.
    pub in_market_data: Option<CursorReader>,
    /// The last event that the courier needs no more; `None` without a courier.
    pub couriered: Option<CursorReader>,
    /// The ring for checkpoint commands.
    pub commands: Producer<Command>,
    /// Rung after publishing.
    pub downstream: Vec<Doorbell>,
}

/// The files that the shadow reads and writes.
#[derive(Clone, Debug)]
pub struct ShadowFiles {
    /// The journal of commands.
    pub journal: Arc<dyn Storage>,
    pub event_log: Arc<dyn Storage>,
    pub snapshots: Arc<dyn Storage>,
}

/// The intervals of the shadow's work.
#[derive(Debug)]
pub struct ShadowSettings {
    /// A snapshot at every multiple of this many commands; 0: only on request and at a clean stop.
    pub snapshot_every: u64,
    /// A checkpoint at every multiple of this many commands; 0: none.
    pub checkpoint_every: u64,
    pub retention: Retention,
    /// The limit on the size of the engine's files.
    pub quota: Quota,
}

/// Requests to the shadow from outside.
#[derive(Clone, Debug, Default)]
pub struct ShadowControl(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    no_more_commands: AtomicBool,
    snapshot: AtomicBool,
}

impl ShadowControl {
    /// Stops checkpoints: the first step of an orderly stop.
    pub fn stop_asking(&self) {
        self.0.no_more_commands.store(true, Ordering::Release);
    }

    /// Requests a snapshot as soon as all commands taken in so far have been compared.
    pub fn request_snapshot(&self) {
        self.0.snapshot.store(true, Ordering::Release);
    }
}

pub struct Shadow {
    ports: ShadowPorts,
    settings: ShadowSettings,
    control: ShadowControl,
    clock: Box<dyn Clock>,
    state: State,
    journal: Reader,
    snapshots: Snapshots,
    files: ShadowFiles,
    comparator: EventLogComparator,
    /// Events of the state that were not compared with the event log yet.
    events: VecDeque<EventRecord>,
    /// Whether the last command is done.
    progress: Progress,
    /// A snapshot of the present state is due; nothing is applied before it is written.
    snapshot_due: bool,
    position: CursorWriter,
    /// The position of the last snapshot.
    last_snapshot: u64,
    /// A checkpoint that did not fit into the ring yet.
    checkpoint: Option<Checkpoint>,
    next_look: u64,
    passing: Passing,
    counts: Counts,
}

struct Counts {
    position: Counter,
    snapshots: Counter,
    failures: Counter,
    checkpoints: Counter,
    retired: Counter,
}

impl Shadow {
    /// Continues from a recovered state. `last_snapshot` is the position of the newest snapshot (0: none).
    ///
    /// # Errors
    /// [`Fatal::JournalDamaged`] or [`Fatal::EventLog`] if journal or event log cannot be read.
    pub fn new(
        ports: ShadowPorts,
        files: ShadowFiles,
        settings: ShadowSettings,
        state: State,
        last_snapshot: u64,
        clock: Box<dyn Clock>,
        counters: &Counters,
    ) -> Result<Self, Fatal> {
        let reader = Reader::open_storage(Arc::clone(&files.journal), state.last.sequence + 1)
            .map_err(Fatal::journal_damaged)?;
        let comparator = EventLogComparator::open(Arc::clone(&files.event_log), state.last_event + 1)?;
        let counts = Counts {
            position: counters.register("shadow.position", "sequence"),
            snapshots: counters.register("shadow.snapshots", "snapshots"),
            failures: counters.register("shadow.snapshot_failures", "failures"),
            checkpoints: counters.register("shadow.checkpoints", "checkpoints"),
            retired: counters.register("shadow.retired", "segments"),
        };
        counts.position.set(state.last.sequence);
        let (mut position, _) = cursor();
        position.set(state.last.sequence);
        Ok(Self {
            ports,
            settings,
            control: ShadowControl::default(),
            clock,
            state,
            journal: reader,
            snapshots: Snapshots::new(Arc::clone(&files.snapshots)),
            files,
            comparator,
            events: VecDeque::new(),
            progress: Progress::Done,
            snapshot_due: false,
            position,
            last_snapshot,
            checkpoint: None,
            next_look: 0,
            passing: Passing::new("shadow", counters),
            counts,
        })
    }

    /// The last command that it has applied.
    pub fn position(&self) -> CursorReader {
        self.position.reader()
    }

    /// For requests from outside.
    pub fn control(&self) -> ShadowControl {
        self.control.clone()
    }

    /// Applies commands that are on disk, up to the next one whose state must be saved.
    fn apply(&mut self) -> Result<usize, Halt> {
        let synced = self.ports.synced.get();
        let mut applied = 0;
        while applied < COMMANDS_MAX && self.events.len() < EVENTS_WAITING_MAX {
            if self.progress == Progress::More {
                self.part(None);
                applied += 1;
                continue;
            }
            if self.state.last.sequence >= synced || self.snapshot_due {
                break;
            }
            let Some(record) = self.journal.next().map_err(Halt::of(Fatal::journal_damaged))? else { break };
            let command = codec::decode_command(record.payload).map_err(Fatal::journal_damaged)?;
            let stamp = Stamp { sequence: record.sequence, time: Timestamp(record.time_ns) };
            if stamp.sequence != self.state.last.sequence + 1 {
                return Err(Fatal::journal_damaged(format_args!(
                    "the shadow read command {} after command {}: commands between are missing",
                    stamp.sequence, self.state.last.sequence
                ))
                .into());
            }
            self.part(Some((stamp, &command)));
            applied += 1;
        }
        self.counts.position.set(self.state.last.sequence);
        self.position.set(self.state.last.sequence);
        Ok(applied)
    }

    /// Applies the first part of the next command, or the next part of the last one. After the last part of a command
    /// the state may be saved.
    fn part(&mut self, next: Option<(Stamp, &Command)>) {
        let events = &mut self.events;
        let mut on_event = |event: &EventRecord| -> Result<(), Infallible> {
            events.push_back(*event);
            Ok(())
        };
        let Ok(progress) = match next {
            Some((stamp, command)) => self.state.begin(stamp, command, &mut on_event),
            None => self.state.proceed(&mut on_event),
        };
        self.progress = progress;
        if progress == Progress::More {
            return;
        }
        let sequence = self.state.last.sequence;
        if is_multiple(sequence, self.settings.checkpoint_every) {
            self.checkpoint = Some(Checkpoint { of: sequence, digest: self.digest().0 });
        }
        self.snapshot_due |= is_multiple(sequence, self.settings.snapshot_every);
    }

    fn digest(&self) -> Digest {
        self.state.shards.digest()
    }

    /// Compares events with the event log as far as it goes.
    fn compare(&mut self) -> Result<usize, Halt> {
        let archived = self.ports.archived.get();
        let mut compared = 0;
        while let Some(event) = self.events.front().filter(|event| event.number <= archived) {
            self.comparator.compare(event, archived)?;
            self.events.pop_front();
            compared += 1;
        }
        Ok(compared)
    }

    fn send_checkpoint(&mut self) -> usize {
        let Some(checkpoint) = self.checkpoint else { return 0 };
        if self.control.0.no_more_commands.load(Ordering::Acquire) {
            self.checkpoint = None;
            return 0;
        }
        if self.ports.commands.try_push(Command::Venue(VenueCommand::Checkpoint(checkpoint))).is_err() {
            return 0;
        }
        self.checkpoint = None;
        self.counts.checkpoints.add(1);
        self.ports.downstream.iter().for_each(Doorbell::ring);
        1
    }

    /// Writes a snapshot of the state, all of whose events were compared, and retires what it makes superfluous. If the
    /// disk fails, this is reported and tried again at the next occasion; trading continues. Only an event log that
    /// cannot be synced ends the process, because it would be unknown which of its events are on disk.
    fn save(&mut self) -> Result<(), Fatal> {
        self.snapshot_due = false;
        let position = self.state.last.sequence;
        if position > self.last_snapshot {
            // A start from the snapshot continues in the event log after the snapshot's last event, so that event must
            // be on disk.
            let synced = match self.comparator.sync() {
                Err(error) if error.is_failed_sync() => return Err(Fatal::event_log(error)),
                synced => synced.map_err(|error| error.to_string()),
            };
            let saved = synced.and_then(|()| {
                self.snapshots.save(&self.state, self.digest()).map_err(|error| error.to_string())
            });
            match saved {
                Ok(info) => {
                    tracing::info!("snapshot of command {position} written, {} bytes", info.bytes);
                    self.last_snapshot = position;
                    self.counts.snapshots.add(1);
                }
                Err(error) => {
                    self.counts.failures.add(1);
                    tracing::warn!("no snapshot of command {position}, trading goes on: {error}");
                    return Ok(());
                }
            }
        }
        if self.files.snapshots.open(REQUEST_FILE).is_ok() {
            // If this fails, the next check makes another snapshot, which does no harm.
            let _ = self.files.snapshots.remove(REQUEST_FILE);
        }
        self.retire();
        Ok(())
    }

    fn retire(&mut self) {
        let readers = [&self.ports.in_sql, &self.ports.in_market_data, &self.ports.couriered];
        let needed_from: Vec<u64> = readers.into_iter().flatten().map(CursorReader::get).collect();
        // Ages are computed from stamps, so changes of the wall clock have no effect.
        let now = self.state.last.time;
        let retention = &self.settings.retention;
        let ShadowFiles { journal, event_log, .. } = &self.files;
        match retention.apply(&self.snapshots, journal, event_log, &needed_from, now) {
            Ok(segments) => self.counts.retired.add(segments),
            Err(error) => {
                tracing::warn!("old files could not be retired, and are kept for now: {error}");
            }
        }
    }

    fn cycle(&mut self) -> Result<usize, Halt> {
        let mut work = self.compare()?;
        if self.snapshot_due && self.progress == Progress::Done && self.events.is_empty() {
            self.save()?;
            work += 1;
        }
        work += self.apply()?;
        work += self.compare()?;
        work += self.send_checkpoint();
        Ok(work)
    }

    /// Checks that are not needed in every duty cycle.
    fn look(&mut self, now: u64) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY_NS;
        self.settings.quota.look();
        if self.files.snapshots.open(REQUEST_FILE).is_ok() {
            self.control.request_snapshot();
        }
    }
}

fn is_multiple(sequence: u64, of: u64) -> bool {
    of > 0 && sequence.is_multiple_of(of)
}

impl Agent for Shadow {
    fn name(&self) -> &str {
        "shadow"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now().0;
        self.look(now);
        if self.control.0.snapshot.swap(false, Ordering::AcqRel) {
            self.snapshot_due = true;
        }
        let cycle = self.cycle();
        self.passing.settle(cycle)
    }

    /// Journal and event log are closed by now. A snapshot at their end makes the next start short.
    fn on_close(&mut self) -> Result<(), Fatal> {
        while self.do_work()? > 0 {}
        if self.events.is_empty() && self.state.last.sequence == self.ports.synced.get() {
            self.save()?;
        }
        Ok(())
    }
}
