//! What goes wrong: disks that fill up or fail, and the ends of the process, each with what must then be found.

use super::client::Situation;
use super::disk::used_bytes;
use super::subscriber::Subscriber;
use super::world::{World, from_the_oldest};
use dojima::config::Durability;
use dojima::domain::{Stamp, Timestamp, codec};
use dojima::engine::{Environment, StartError, SteppedEngine};
use dojima::pipeline::FeedSockets;
use dojima::recovery::{AHEAD_MAX, BEHIND_MAX, RecoveryError};
use dojima::runtime::Fatal;
use dojima::sql::check::check;
use dojima::sql::reader::SqlReader;
use dojima_journal::storage::Storage;
use dojima_journal::{Action, Fault, JournalError, MemoryStorage, Reader, Verdict};
use std::io::ErrorKind;
use std::sync::Arc;

/// What is wrong at present.
#[derive(Debug, Default)]
pub struct Faults {
    /// The journal's disk is full until that turn.
    journal_full_until: Option<u64>,
    event_log_full_until: Option<u64>,
    /// Syncs of the journal fail since that turn, or will after a few more.
    sync_fails_since: Option<u64>,
    /// Segments of journal and event log when this life began.
    segments: [u64; 2],
    snapshots_fail_until: Option<u64>,
    /// What passes is in the way until that turn.
    passing_until: Option<u64>,
    damaged_snapshot: Option<DamagedSnapshot>,
    /// What the next start must find.
    expected: Expected,
}

/// A snapshot with a bit flipped, and as it was.
#[derive(Debug)]
struct DamagedSnapshot {
    position: u64,
    name: String,
    whole: Vec<u8>,
}

/// What a start must find.
#[derive(Clone, Copy, Debug, Default)]
struct Expected {
    /// At least the commands up to this one.
    commands_min: u64,
    /// Commands that were sequenced.
    sequenced: u64,
    /// Whether acknowledged commands may be lost.
    may_lose: bool,
}

/// How a process ends that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Killed,
    PowerLost,
}

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;
const HOUR: u64 = 3_600 * SECOND;

/// Turns in which a process whose disk fails must notice.
const FAILING_TURNS: u64 = 600;

impl World {
    /// Whether something goes wrong in this turn.
    pub(super) fn go_wrong(&mut self) -> Result<(), String> {
        let turn = self.turn;
        if self.faults.journal_full_until.is_some_and(|until| turn >= until) {
            self.faults.journal_full_until = None;
            self.disk.journal.set_capacity_bytes(u64::MAX);
        }
        if self.faults.event_log_full_until.is_some_and(|until| turn >= until) {
            self.faults.event_log_full_until = None;
            self.disk.event_log.set_capacity_bytes(u64::MAX);
        }
        if self.faults.passing_until.is_some_and(|until| turn >= until) {
            self.nothing_passes();
        }
        if self.random.once_in(self.plan.clock_step) {
            let most = self.random.pick(&[10 * MILLI, 3 * SECOND, 2 * HOUR, 2 * HOUR, 40 * 24 * HOUR]);
            let by = self.random.below(2 * most).cast_signed() - most.cast_signed();
            self.clock.step_wall(by);
            self.coverage.clock_steps += 1;
        }
        if self.random.once_in(self.plan.passing) {
            self.disk.dice.set(self.random.pick(&[2, 8, 50]));
            self.network.set_passing(self.random.pick(&[3, 20, 200]));
            self.market_network.set_passing(self.random.pick(&[3, 20, 200]));
            self.snapshot_network.set_passing(self.random.pick(&[3, 20, 200]));
            self.faults.passing_until = Some(turn + 1 + self.random.below(300));
        }
        if self.faults.snapshots_fail_until.is_some_and(|until| turn >= until) {
            self.faults.snapshots_fail_until = None;
            self.disk.snapshots.clear_faults();
        }
        if self.random.once_in(self.plan.snapshot_fault) {
            self.disk.snapshots.fail_after(self.random.below(6));
            self.faults.snapshots_fail_until = Some(turn + 1 + self.random.below(400));
        }
        if self.faults.sync_fails_since.is_some_and(|since| turn - since > FAILING_TURNS) {
            // Nothing was written since, so nobody could notice.
            return self.end(End::PowerLost);
        }
        if self.random.once_in(self.plan.disk_full) {
            let until = Some(turn + 1 + self.random.below(200));
            let spare = self.random.below(2 * self.plan.segment_bytes[0]);
            if self.random.once_in(2) {
                self.disk.journal.set_capacity_bytes(used_bytes(&self.disk.journal) + spare);
                self.faults.journal_full_until = until;
                self.coverage.disk_full += 1;
            } else {
                self.disk.event_log.set_capacity_bytes(used_bytes(&self.disk.event_log) + spare);
                self.faults.event_log_full_until = until;
                self.coverage.event_disk_full += 1;
            }
        }
        if self.faults.sync_fails_since.is_none() && self.random.once_in(self.plan.failing_sync) {
            self.fail_syncs();
            self.faults.sync_fails_since = Some(turn);
        }
        if self.random.once_in(400) {
            self.network.fail_accept();
            self.coverage.accept_errors += 1;
        }
        if self.random.once_in(150) {
            self.disk.remember_database();
            self.read_event_log()?;
        }
        if self.random.once_in(self.plan.crash) {
            return match self.random.below(8) {
                _ if self.faults.sync_fails_since.is_some() => self.end(End::PowerLost),
                0..3 => self.end(End::Killed),
                3..7 => self.end(End::PowerLost),
                _ => {
                    self.relent()?;
                    self.stop()?;
                    self.start()
                }
            };
        }
        Ok(())
    }

    /// The disk of the journal fails for good after a few more changes, or one of its writes or syncs does, in part or in whole.
    fn fail_syncs(&mut self) {
        let mut left = 1 + self.random.below(4);
        let mut action = self.random.pick(&[Action::Sync, Action::Append]);
        let fault = match self.random.below(4) {
            0 => return self.disk.journal.fail_after(left),
            1 => Fault::Refuse(ErrorKind::Other),
            2 => {
                // A write may be short, and goes on.
                action = Action::Sync;
                Fault::Short(self.random.below(4_096))
            }
            _ => Fault::DoneButFails,
        };
        self.disk.journal.set_faults(move |step| {
            if step.action != action || !step.file.ends_with(".seg") {
                return None;
            }
            left = left.checked_sub(1)?;
            (left == 0).then(|| fault.clone())
        });
    }

    /// Every call can be made again.
    fn nothing_passes(&mut self) {
        self.disk.dice.set(0);
        self.network.set_passing(0);
        self.market_network.set_passing(0);
        self.snapshot_network.set_passing(0);
        self.faults.passing_until = None;
        self.coverage.passing_files += self.disk.dice.take_struck();
        let networks = [&self.network, &self.market_network, &self.snapshot_network];
        self.coverage.passing_sockets += networks.map(|network| network.take_passed()).iter().sum::<u64>();
    }

    /// All is well again.
    pub(super) fn relent(&mut self) -> Result<(), String> {
        if self.faults.sync_fails_since.is_some() {
            // A disk that fails stays so until the node has another.
            self.end(End::PowerLost)?;
        }
        self.nothing_passes();
        self.disk.journal.set_capacity_bytes(u64::MAX);
        self.disk.event_log.set_capacity_bytes(u64::MAX);
        self.disk.snapshots.clear_faults();
        (self.faults.journal_full_until, self.faults.event_log_full_until) = (None, None);
        Ok(())
    }

    /// The process has ended by itself, which it must only when a write to the journal or a sync of it failed.
    pub(super) fn ends(&mut self, fatal: Fatal) -> Result<(), String> {
        let count = match fatal {
            _ if self.faults.sync_fails_since.is_none() => None,
            Fatal::JournalSync { .. } => Some(&mut self.coverage.failed_syncs),
            Fatal::JournalAppend { .. } => Some(&mut self.coverage.failed_writes),
            _ => None,
        };
        *count.ok_or_else(|| format!("the engine has ended: {fatal}"))? += 1;
        self.end(End::PowerLost)
    }

    /// The process ends here and now, and another one is started.
    fn end(&mut self, end: End) -> Result<(), String> {
        self.look()?;
        self.read_event_log()?;
        self.nothing_passes();
        let Some(engine) = self.engine.take() else { return Ok(()) };
        self.coverage.crashes_in_flight += u64::from(self.reference.in_flight() > 0);
        let watch = &engine.handles.watch;
        let is_async = self.plan.config.journal.durability == Durability::Async;
        self.faults.expected = Expected {
            commands_min: match (end, is_async) {
                (End::PowerLost, true) => self.synced,
                _ => watch.durable.get().max(self.acknowledged),
            },
            sequenced: watch.sequenced(),
            may_lose: end == End::PowerLost && is_async,
        };
        self.count_life(&engine);
        self.network.cut_all();
        self.market_network.cut_all();
        self.snapshot_network.cut_all();
        match end {
            End::Killed => {
                self.coverage.kills += 1;
                self.disk.survive_kill(|| drop(engine));
            }
            End::PowerLost => {
                self.coverage.power_losses += 1;
                self.disk.survive_power_loss(|| drop(engine), &mut self.random, self.plan.kept);
            }
        }
        self.cut_clients()?;
        self.put_clock_right()?;
        if self.random.once_in(4) {
            self.start_on_damage()?;
        }
        if self.random.once_in(8) {
            self.damage_snapshot();
        }
        self.clock.advance(self.random.below(2_000_000_000));
        self.start()
    }

    /// The time of the last command in the journal, as a start finds it.
    fn last_stamp(&self) -> Result<Option<u64>, String> {
        let mut reader = from_the_oldest(self.disk.data().journal())?;
        let mut last = None;
        while let Some(record) = reader.next().map_err(|error| error.to_string())? {
            last = Some(record.time_ns);
        }
        Ok(last)
    }

    /// With a wall clock that contradicts the journal the start is refused, until somebody sets it.
    fn put_clock_right(&mut self) -> Result<(), String> {
        let Some(last) = self.last_stamp()? else { return Ok(()) };
        let now = self.wall();
        let is_plausible =
            now + BEHIND_MAX.as_nanos() as u64 >= last && now <= last + AHEAD_MAX.as_nanos() as u64;
        if is_plausible {
            return Ok(());
        }
        match self.try_start() {
            Err(StartError::Recovery(RecoveryError::ImplausibleClock { .. })) => {}
            Err(other) => return Err(format!("the clock says {now} after {last}, and: {other}")),
            Ok(_) => return Err(format!("the clock says {now} after {last}, and the start was not refused")),
        }
        self.coverage.clock_refusals += 1;
        self.clock.step_wall(last.wrapping_sub(now).cast_signed() + self.random.below(SECOND).cast_signed());
        Ok(())
    }

    fn cut_clients(&mut self) -> Result<(), String> {
        let (now, time, mut budget) = (self.now(), self.time(), 0);
        for client in &mut self.clients {
            let mut situation = Situation {
                now,
                time,
                budget: &mut budget,
                settling: self.settling,
                network: &self.network,
                coverage: &mut self.coverage,
            };
            client.is_cut(&mut situation)?;
        }
        self.open.clear();
        for at in 0..self.subscribers.len() {
            self.with_subscriber(at, Subscriber::is_cut)?;
        }
        self.market_open.clear();
        self.onlooker.is_cut();
        Ok(())
    }

    /// An orderly end, after which everything must be where it belongs.
    pub(super) fn stop(&mut self) -> Result<(), String> {
        self.look()?;
        let Some(engine) = self.engine.take() else { return Ok(()) };
        self.count_life(&engine);
        let stopped = engine.stop().map_err(|fatal| format!("no orderly end: {fatal}"))?;
        self.coverage.clean_stops += 1;
        self.read_journal_to_its_end()?;
        self.look()?;
        self.read_event_log()?;
        let (last, last_event) = (self.reference.last(), self.reference.events.len() as u64);
        if self.logged != last_event {
            return Err(format!("the event log ends at {}, not at {last_event}", self.logged));
        }
        let exchange = stopped.shards.ok_or("the matcher did not hand back its exchange")?;
        exchange.audit().map_err(|error| format!("after the end: {error:?}"))?;
        if exchange.digest() != self.reference.digest() {
            return Err(format!(
                "the live exchange's digest after command {last} is not that of its commands"
            ));
        }
        self.reference.compare()?;
        self.check_database(last_event)?;
        self.faults.expected = Expected { commands_min: last, sequenced: last, may_lose: false };
        self.network.cut_all();
        self.market_network.cut_all();
        self.snapshot_network.cut_all();
        self.cut_clients()
    }

    fn read_journal_to_its_end(&mut self) -> Result<(), String> {
        let data = self.disk.data();
        let scanned = dojima_journal::scan_storage(Arc::clone(data.journal()));
        let end = scanned.map_err(|error| error.to_string())?.next_sequence() - 1;
        self.read_journal(end)
    }

    /// The database says what all events ever say, also those that the event log no longer has.
    fn check_database(&mut self, last_event: u64) -> Result<(), String> {
        let reader = SqlReader::open(&self.disk.database()).map_err(|error| error.to_string())?;
        let whole = self.reference.event_log()?;
        let report = check(&reader, &whole).map_err(|error| error.to_string())?;
        if let Some(difference) = report.first_difference() {
            return Err(format!("the database differs from the event log: {difference}"));
        }
        if report.watermark.event != last_event {
            return Err(format!("the database ends at event {}, not {last_event}", report.watermark.event));
        }
        self.coverage.sql_checks += 1;
        Ok(())
    }

    fn segments(&self) -> [u64; 2] {
        [&self.disk.journal, &self.disk.event_log].map(newest_segment)
    }

    /// Adds what the counters of a life say.
    fn count_life(&mut self, engine: &SteppedEngine) {
        for reading in engine.counters.snapshot() {
            let count = match &*reading.name {
                "gateway.inbound_full" => &mut self.coverage.inbound_full,
                "gateway.slow_disconnects" => &mut self.coverage.slow,
                "gateway.resend_chunks" => &mut self.coverage.resend_chunks,
                "sequencer.ring_full" => &mut self.coverage.command_ring_full,
                "journaler.inline_syncs" => &mut self.coverage.inline_syncs,
                "journaler.handed_over" => &mut self.coverage.handed_over,
                "matcher.ring_full" => &mut self.coverage.event_ring_full,
                "shadow.snapshots" => &mut self.coverage.snapshots,
                "shadow.snapshot_failures" => &mut self.coverage.snapshot_failures,
                "shadow.checkpoints" => &mut self.coverage.checkpoints,
                "feed.checkpoints" => &mut self.coverage.market_checkpoints,
                "shadow.retired" => &mut self.coverage.retired,
                _ => continue,
            };
            *count += reading.value;
        }
        let (before, now) = (self.faults.segments, self.segments());
        self.coverage.rollovers += now[0].saturating_sub(before[0]);
        self.coverage.event_rollovers += now[1].saturating_sub(before[1]);
    }

    fn try_start(&mut self) -> Result<SteppedEngine, StartError> {
        let surroundings = Environment {
            data: self.disk.unsteady_data(),
            segment_bytes: self.plan.segment_bytes,
            sockets: self.network.listen(),
            market_sockets: Some(FeedSockets {
                subscribers: self.market_network.listen(),
                snapshots: self.snapshot_network.listen(),
            }),
            clock: &self.clock,
            seed: self.random.next(),
        };
        SteppedEngine::start_in(&self.plan.config, surroundings)
    }

    /// Starts the node, and holds what it found against what must be there.
    pub(super) fn start(&mut self) -> Result<(), String> {
        self.put_clock_right()?;
        let mut engine = self.start_past_damage()?;
        let weights = self.plan.weights.clone();
        engine
            .stepper
            .favour(|agent| weights.iter().find(|(name, _)| *name == agent).map_or(1, |(_, weight)| *weight));
        self.faults = Faults { expected: self.faults.expected, ..Faults::default() };
        self.faults.segments = self.segments();
        let report = engine.report.clone();
        let position = report.snapshot.as_ref().map_or(0, |snapshot| snapshot.position);
        let found = position + report.commands + report.opening_commands;
        self.coverage.snapshot_starts += u64::from(position > 0);
        self.coverage.whole_starts += u64::from(position == 0);
        self.coverage.torn_tails += u64::from(matches!(report.verdict, Verdict::TornTail { .. }));
        self.coverage.events_cut += u64::from(report.events_cut > 0);
        self.coverage.events_logged += u64::from(report.events_logged > 0);
        let digest = engine.recovered;
        self.engine = Some(engine);
        self.compare_journal(found)?;
        let last = self.reference.commands.last().map(|(stamp, _)| *stamp);
        self.stamps.begin(self.now(), self.wall(), last);
        if digest != self.reference.digest() {
            return Err(format!(
                "recovered after command {found} with another digest than its commands have"
            ));
        }
        self.coverage.restarts_compared += 1;
        self.open_readers()?;
        self.logged = 0;
        self.read_event_log()?;
        if self.logged != self.reference.events.len() as u64 {
            let events = self.reference.events.len();
            return Err(format!("the start left the event log at {} of {events} events", self.logged));
        }
        let aside = self.disk.take_set_aside();
        if !aside.is_empty() {
            return Err(format!("the database was moved aside: {aside:?}"));
        }
        self.disk.remember_database();
        Ok(())
    }

    /// The journal holds what it held, up to where it ends, and that is far enough.
    fn compare_journal(&mut self, found: u64) -> Result<(), String> {
        let Expected { commands_min, sequenced, may_lose } = self.faults.expected;
        if found < commands_min {
            return Err(format!("command {commands_min} was acknowledged, and {found} are left"));
        }
        let known = self.reference.last();
        if found < known {
            if !may_lose {
                return Err(format!("command {known} was durable, and {found} are left"));
            }
            self.coverage.lost_async += known - found;
            self.reference.go_back_to(found)?;
            let end = self.reference.market.end();
            self.subscribers.iter_mut().for_each(|subscriber| subscriber.forget_from(end));
            self.onlooker.forget_from(end);
            self.market_sent = self.market_sent.min(end);
            for ((login, session), sent) in &mut self.sent {
                *sent = self.reference.messages(*login, *session).min(*sent);
            }
        }
        self.coverage.lost_unacknowledged += sequenced.saturating_sub(found.max(known));
        (self.acknowledged, self.synced) = (self.acknowledged.min(found), found);
        let data = self.disk.data();
        let mut reader = from_the_oldest(data.journal())?;
        while let Some(record) = reader.next().map_err(|error| error.to_string())? {
            let stamp = Stamp { sequence: record.sequence, time: Timestamp(record.time_ns) };
            let command = codec::decode_command(record.payload).map_err(|error| error.to_string())?;
            match self.reference.commands.get(record.sequence as usize - 1) {
                Some(known) if *known == (stamp, command) => {}
                Some(known) => {
                    return Err(format!("the journal has {command:?} at {stamp:?}, instead of {known:?}"));
                }
                None => self.reference.apply(stamp, &command)?,
            }
        }
        if self.reference.last() != found {
            return Err(format!("recovery counts {found} commands, the journal {}", self.reference.last()));
        }
        Ok(())
    }

    /// Position and name of the newest snapshot.
    fn newest_snapshot(&self) -> Option<(u64, String)> {
        let files = self.disk.snapshots.files().expect("memory can be listed");
        let snapshot = |(name, _): (String, u64)| Some((name.strip_suffix(".snap")?.parse().ok()?, name));
        files.into_iter().filter_map(snapshot).max()
    }

    /// Flips a bit of the newest snapshot.
    fn damage_snapshot(&mut self) {
        let Some((position, name)) = self.newest_snapshot() else { return };
        let Some(whole) = self.disk.snapshots.bytes(&name) else { return };
        let offset = self.random.below(whole.len() as u64);
        self.disk.snapshots.rot(&name, offset, 1 << self.random.below(8));
        self.faults.damaged_snapshot = Some(DamagedSnapshot { position, name, whole });
    }

    /// As [`World::try_start`]; where the newest snapshot is damaged, it must be passed over, or missed where nothing else
    /// will do.
    fn start_past_damage(&mut self) -> Result<SteppedEngine, String> {
        let started = self.try_start();
        let Some(damaged) = self.faults.damaged_snapshot.take() else {
            return started.map_err(|error| format!("the start was refused: {error}"));
        };
        match started {
            Ok(engine) => {
                let report = &engine.report;
                let skipped = report.skipped.iter().any(|skipped| skipped.position == damaged.position);
                if !skipped
                    || report.snapshot.as_ref().is_some_and(|taken| taken.position >= damaged.position)
                {
                    return Err(format!(
                        "snapshot {} is damaged and was taken: {report:?}",
                        damaged.position
                    ));
                }
                self.coverage.snapshots_skipped += 1;
                Ok(engine)
            }
            Err(StartError::Recovery(RecoveryError::NoSnapshot { first, .. })) if first > 1 => {
                self.coverage.no_snapshot += 1;
                self.disk.snapshots.put(&damaged.name, damaged.whole);
                self.try_start().map_err(|error| format!("the start was refused: {error}"))
            }
            Err(error) => Err(format!("snapshot {} is damaged, and: {error}", damaged.position)),
        }
    }

    /// Damages a record whose durability a later one attests, sees that the start is refused and names it, and repairs it.
    fn start_on_damage(&mut self) -> Result<(), String> {
        let data = self.disk.data();
        let scanned = dojima_journal::scan_storage(Arc::clone(data.journal()));
        let attested = scanned.map_err(|error| error.to_string())?.watermark();
        // What lies before the snapshot that a start begins at is not read.
        let from = self.newest_snapshot().map_or(0, |(position, _)| position);
        if attested <= from {
            return Ok(());
        }
        let sequence = from + 1 + self.random.below(attested - from);
        let open = Reader::open_storage(Arc::clone(data.journal()), sequence);
        let mut reader = open.map_err(|error| error.to_string())?;
        let record = reader.next().map_err(|error| error.to_string())?.ok_or("an attested record is gone")?;
        let (place, len) = (record.position(), 32 + record.payload.len() as u64);
        drop(reader);
        let name = segment_names(&self.disk.journal).into_iter().find(|(number, _)| *number == place.segment);
        let (_, name) = name.ok_or("the record's segment is gone")?;
        let whole = self.disk.journal.bytes(&name).ok_or("the record's segment cannot be read")?;
        let mut damaged = whole.clone();
        damaged[(place.offset + self.random.below(len)) as usize] ^= 1 << self.random.below(8);
        self.disk.journal.put(&name, damaged);
        match self.try_start() {
            Err(StartError::Recovery(RecoveryError::Journal(JournalError::Damaged {
                file,
                sequence: found,
                offset,
                ..
            }))) if file.ends_with(&name) && found == sequence && offset == place.offset => {}
            Err(other) => {
                return Err(format!("record {sequence} is damaged, and the start was refused: {other}"));
            }
            Ok(_) => return Err(format!("record {sequence} is damaged, and the start was not refused")),
        }
        self.disk.journal.put(&name, whole);
        self.coverage.bit_rot += 1;
        Ok(())
    }
}

/// Numbers and names of the segments.
fn segment_names(storage: &MemoryStorage) -> Vec<(u64, String)> {
    let files = storage.files().expect("memory can be listed");
    let segment = |(name, _): (String, u64)| Some((name.strip_suffix(".seg")?.parse().ok()?, name));
    files.into_iter().filter_map(segment).collect()
}

fn newest_segment(storage: &MemoryStorage) -> u64 {
    segment_names(storage).into_iter().map(|(number, _)| number).max().unwrap_or_default()
}
