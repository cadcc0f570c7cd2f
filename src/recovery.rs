//! From the files of a data directory to a warm exchange.
//!
//! Recovery replays the journal into a [`State`] through the same [`Exchange::apply`] that served it, so state and
//! events come out bit for bit as they were. Events that the event log lacks are appended to it on the way; SQL then
//! catches up from the event log by its own watermark. The state that a replay starts from is empty today; a snapshot
//! is another [`State`] with a later position, and goes where [`State::empty`] is called.
//!
//! What must never happen here: a start on a journal whose acknowledged part is damaged, an event log that says
//! something else than the journal, an opening of the venue that is half done.

use crate::domain::streams::StreamIndex;
use crate::domain::{Command, Event, EventRecord, Listings, Stamp, Timestamp, codec};
use crate::exchange::{Exchange, ExchangeLimits, NameKey};
use dojima_journal::storage::{FileStorage, LockGuard, Storage};
use dojima_journal::{AppendError, JournalError, Options, Reader, Scanned, SyncError, Verdict, Writer};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The files of one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir(pub PathBuf);

impl DataDir {
    /// Where the journal of commands is.
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// Where the log of events is.
    pub fn event_log(&self) -> PathBuf {
        self.0.join("events")
    }

    /// Makes the directory if it is not there and keeps other engines out of it.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if another engine holds it, [`JournalError::Io`].
    fn lock(&self) -> Result<LockGuard, JournalError> {
        let storage = FileStorage::new(&self.0);
        let unmade = |source| JournalError::Io { action: "create", path: self.0.clone(), source };
        storage.prepare().map_err(unmade)?;
        storage.lock()
    }
}

/// Why recovery refuses to go on. Nothing was changed, but for a torn tail that was cut.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The journal cannot be opened, read or trusted.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The event log cannot be opened, read or trusted. It can be moved away: the next start rebuilds it.
    #[error(
        "event log: {0}; if the journal is whole, move the event log away and start again: it will be rebuilt"
    )]
    EventLog(JournalError),
    /// A record could not be appended.
    #[error(
        "appending to {} while recovering: {source}{}; make space there and start again", dir.display(),
        reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
    )]
    Append {
        /// The journal or event log.
        dir: PathBuf,
        /// The error below.
        source: AppendError,
        /// What the system says about the space, where it says something.
        reason: Option<String>,
    },
    /// The opening commands could not be made durable.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A record verifies but holds no command or event of this version.
    #[error("{}: record {sequence} cannot be read ({source}); was it written by another version of dojima?", dir.display())]
    Decode {
        /// The journal or event log.
        dir: PathBuf,
        /// The record.
        sequence: u64,
        /// The error below.
        source: bincode::error::DecodeError,
    },
    /// Sequences or numbers are not dense.
    #[error("{}: record {found} follows record {last}; the records between them are missing", dir.display())]
    Gap {
        /// The journal or event log.
        dir: PathBuf,
        /// The last record before the gap.
        last: u64,
        /// The record after it.
        found: u64,
    },
    /// The event log says something else than a replay of the journal.
    #[error(
        "event {number} in {} is not what a replay of the journal gives; if the journal is right, move the event log \
         away and start again: it will be rebuilt", dir.display()
    )]
    EventLogDiverged {
        /// The event log.
        dir: PathBuf,
        /// The event.
        number: u64,
    },
    /// An earlier first start stopped half way, and the configuration was changed since.
    #[error(
        "{} holds the first {journaled} opening commands of another configuration; start once with that configuration, \
         or remove the data directory (no order was ever taken in it)", dir.display()
    )]
    OpeningChanged {
        /// The journal.
        dir: PathBuf,
        /// How many commands it holds.
        journaled: u64,
    },
    /// The configuration asks for something that the exchange refuses.
    #[error("opening command {number} was refused: {reason}")]
    OpeningRefused {
        /// Its place among the opening commands, from 1.
        number: u64,
        /// Why.
        reason: crate::domain::RejectReason,
    },
}

/// All that a journal's commands add up to: what a snapshot will hold.
#[derive(Debug)]
pub struct State {
    /// The exchange.
    pub exchange: Exchange,
    /// The stamp of the last command applied.
    pub last: Stamp,
    /// The number of the last event.
    pub last_event: u64,
    /// How many messages each login's stream has, and where they stand.
    pub streams: StreamIndex,
    /// The instruments as the events told them.
    pub listings: Listings,
    /// The first commands up to [`Command::Open`]: what the venue was opened with.
    pub opening: Vec<Command>,
    scratch: Vec<Event>,
}

/// A key that no client knows, so that none can choose numbers that are slow to find. No result depends on it.
fn name_key() -> NameKey {
    let random = || u128::from(RandomState::new().build_hasher().finish());
    NameKey { factor: random() << 64 | random(), offset: random() << 64 | random() }
}

impl State {
    /// Before the first command. The opening commands say what the exchange holds at most.
    pub fn empty() -> Self {
        Self {
            exchange: Exchange::new(ExchangeLimits { orders_max: 1, name_key: name_key() }),
            last: Stamp::default(),
            last_event: 0,
            streams: StreamIndex::default(),
            listings: Listings::default(),
            opening: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Applies the next command and shows every event of it.
    ///
    /// # Errors
    /// What `on_event` returns.
    pub fn apply<E>(
        &mut self,
        stamp: Stamp,
        command: &Command,
        on_event: &mut impl FnMut(&EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.exchange.config_digest().is_none() {
            self.opening.push(*command);
        }
        self.scratch.clear();
        self.exchange.apply(stamp, command, &mut self.scratch);
        self.last = stamp;
        for event in &self.scratch {
            self.last_event += 1;
            let Stamp { sequence, time } = stamp;
            let record = EventRecord { number: self.last_event, sequence, time, event: *event };
            self.streams.note(&record);
            self.listings.note(&record);
            on_event(&record)?;
        }
        Ok(())
    }
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Commands applied.
    pub commands: u64,
    /// Commands in the journal.
    pub commands_total: u64,
}

/// Progress is told every so many commands.
const PROGRESS_EVERY: u64 = 1 << 14;

/// Replays a journal from the state's position to its end, or to command `until`.
///
/// # Errors
/// [`RecoveryError::Decode`], [`RecoveryError::Gap`], a journal that cannot be read, or what `on_event` returns.
pub fn replay(
    state: &mut State,
    journal: &Path,
    total: u64,
    until: Option<u64>,
    on_event: &mut impl FnMut(&EventRecord) -> Result<(), RecoveryError>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), RecoveryError> {
    let mut reader = Reader::open(journal, state.last.sequence + 1)?;
    let end = until.unwrap_or(u64::MAX);
    let mut commands = 0;
    while state.last.sequence < end {
        let Some(record) = reader.next()? else { break };
        let (sequence, last) = (record.sequence, state.last.sequence);
        if sequence != last + 1 {
            return Err(RecoveryError::Gap { dir: journal.to_owned(), last, found: sequence });
        }
        let command = codec::decode_command(record.payload).map_err(|source| RecoveryError::Decode {
            dir: journal.to_owned(),
            sequence,
            source,
        })?;
        state.apply(Stamp { sequence, time: Timestamp(record.time_ns) }, &command, on_event)?;
        commands += 1;
        if commands % PROGRESS_EVERY == 0 {
            on_progress(Progress { commands, commands_total: total });
        }
    }
    on_progress(Progress { commands, commands_total: total });
    Ok(())
}

/// What recovery needs to know.
#[derive(Clone, Debug)]
pub struct RecoverySettings {
    /// How the journal is written.
    pub journal: Options,
    /// How the event log is written.
    pub event_log: Options,
    /// What a first start journals before anything else.
    pub opening: Vec<Command>,
    /// The time of those commands.
    pub now: Timestamp,
}

/// A warm engine: everything that the stages start with.
#[derive(Debug)]
pub struct Recovered {
    /// The exchange and what surrounds it.
    pub state: State,
    /// The journal, after its last record.
    pub journal: Writer,
    /// The event log, after its last record.
    pub event_log: Writer,
    /// What was found and done.
    pub report: RecoveryReport,
    /// Keeps other engines out of the directory. Journal and event log have locks of their own, but those are given back
    /// before SQL has caught up.
    pub lock: LockGuard,
}

/// What recovery found and did.
#[derive(Clone, Debug)]
pub struct RecoveryReport {
    /// What the scan of the journal says.
    pub verdict: Verdict,
    /// Commands replayed.
    pub commands: u64,
    /// Events that the replay gave.
    pub events: u64,
    /// Of those, events that the event log lacked.
    pub events_logged: u64,
    /// Events that the event log had beyond the journal, and that were cut.
    pub events_cut: u64,
    /// Opening commands that this start journaled.
    pub opening_commands: u64,
    /// From the scan to the warm exchange.
    pub elapsed: Duration,
}

/// Recovers a data directory, or opens a new one.
///
/// # Errors
/// See [`RecoveryError`]; a second engine on the same directory is [`JournalError::Locked`].
pub fn recover(
    data: &DataDir,
    settings: &RecoverySettings,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Recovered, RecoveryError> {
    let started = Instant::now();
    // Before the scan: what another engine is just writing would look damaged.
    let lock = data.lock()?;
    let journal_dir = data.journal();
    let scanned = dojima_journal::scan(&journal_dir)?;
    let verdict = scanned.verdict().clone();
    let total = scanned.records();
    let mut journal = scanned.into_writer(settings.journal)?;
    let mut log = EventLog::open(data.event_log(), settings.event_log)?;

    let mut state = State::empty();
    replay(&mut state, &journal_dir, total, None, &mut |record| log.take(record), on_progress)?;
    let commands = state.last.sequence;
    let opening_commands = open_venue(&mut state, &mut journal, &journal_dir, settings, &mut log)?;
    let events_cut = log.last.saturating_sub(state.last_event);
    let events_logged = log.appended;
    let event_log = log.into_writer(state.last_event)?;
    let report = RecoveryReport {
        verdict,
        commands,
        events: state.last_event,
        events_logged,
        events_cut,
        opening_commands,
        elapsed: started.elapsed(),
    };
    Ok(Recovered { state, journal, event_log, report, lock })
}

/// Journals the opening commands that are not in the journal yet, makes them durable and applies them. A first start
/// that was killed half way is finished by the next.
fn open_venue(
    state: &mut State,
    journal: &mut Writer,
    dir: &Path,
    settings: &RecoverySettings,
    log: &mut EventLog,
) -> Result<u64, RecoveryError> {
    if state.exchange.config_digest().is_some() {
        return Ok(0);
    }
    let done = state.opening.len();
    if settings.opening.get(..done) != Some(&state.opening[..]) {
        return Err(RecoveryError::OpeningChanged { dir: dir.to_owned(), journaled: done as u64 });
    }
    let stamps = (done..settings.opening.len()).map(|at| {
        let time = settings.now.max(state.last.time);
        (Stamp { sequence: at as u64 + 1, time }, settings.opening[at])
    });
    let commands: Vec<(Stamp, Command)> = stamps.collect();
    check_opening(&commands, settings, done)?;
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for (stamp, command) in &commands {
        let len =
            codec::encode_command(command, &mut payload).expect("ENCODED_LEN_MAX bytes hold any command");
        append_patiently(journal, dir, stamp.sequence, stamp.time, &payload[..len])?;
    }
    journal.sync()?;
    for (stamp, command) in &commands {
        state.apply(*stamp, command, &mut |record| log.take(record))?;
    }
    Ok(commands.len() as u64)
}

/// Tries the opening on an exchange of its own, so that nothing that would be refused is ever journaled.
fn check_opening(
    commands: &[(Stamp, Command)],
    settings: &RecoverySettings,
    done: usize,
) -> Result<(), RecoveryError> {
    let mut trial = State::empty();
    let first = settings.opening[..done].iter().map(|command| (Stamp::default(), *command));
    for (number, (stamp, command)) in first.chain(commands.iter().copied()).enumerate() {
        trial.apply(stamp, &command, &mut |record| match record.event {
            Event::Refused { reason } => {
                Err(RecoveryError::OpeningRefused { number: number as u64 + 1, reason })
            }
            _ => Ok(()),
        })?;
    }
    Ok(())
}

/// The event log while it is held against the replay and brought up to it.
struct EventLog {
    dir: PathBuf,
    options: Options,
    /// The number of the last event in it when it was opened.
    last: u64,
    /// Until the first event that has to be appended.
    scanned: Option<Scanned>,
    writer: Option<Writer>,
    appended: u64,
    /// The last event that the replay gave.
    regenerated: Option<EventRecord>,
}

impl EventLog {
    fn open(dir: PathBuf, options: Options) -> Result<Self, RecoveryError> {
        let scanned = dojima_journal::scan(&dir).map_err(RecoveryError::EventLog)?;
        let last = scanned.next_sequence() - 1;
        Ok(Self { dir, options, last, scanned: Some(scanned), writer: None, appended: 0, regenerated: None })
    }

    /// Takes the next event of the replay: appends it if the log lacks it, compares it if it is the log's last.
    fn take(&mut self, record: &EventRecord) -> Result<(), RecoveryError> {
        if record.number < self.last {
            self.regenerated = Some(*record);
            return Ok(());
        }
        if record.number == self.last {
            return compare(&self.dir, record);
        }
        if let Some(scanned) = self.scanned.take() {
            self.writer = Some(scanned.into_writer(self.options).map_err(RecoveryError::EventLog)?);
        }
        let writer = self.writer.as_mut().expect("the scan became a writer");
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(record, &mut payload).expect("ENCODED_LEN_MAX bytes hold any event");
        self.appended += 1;
        append_patiently(writer, &self.dir, record.number, record.time, &payload[..len])
    }

    /// The log's writer. What the log has beyond the journal's last event is cut: after a power cut in async mode the
    /// journal may have lost commands whose events were logged, and those were never durable.
    fn into_writer(self, last_event: u64) -> Result<Writer, RecoveryError> {
        match (self.writer, self.scanned) {
            (Some(writer), _) => Ok(writer),
            (None, Some(scanned)) if self.last > last_event => {
                // What stays must be of this journal: a log of another history is not cut to fit.
                if let Some(last) = &self.regenerated {
                    compare(&self.dir, last)?;
                }
                tracing::warn!(
                    "the event log has {} events beyond the journal's {last_event}: they were never durable and are cut",
                    self.last - last_event,
                );
                scanned.into_writer_truncated(last_event, self.options).map_err(RecoveryError::EventLog)
            }
            (None, Some(scanned)) => scanned.into_writer(self.options).map_err(RecoveryError::EventLog),
            (None, None) => unreachable!("a log is scanned or written"),
        }
    }
}

/// The log was written by the same commands if its record of an event is what they give now: events are numbered densely,
/// and a record that does not verify would have ended the log before it.
fn compare(dir: &Path, record: &EventRecord) -> Result<(), RecoveryError> {
    let mut reader = Reader::open(dir, record.number).map_err(RecoveryError::EventLog)?;
    let logged =
        reader.next().map_err(RecoveryError::EventLog)?.map(|logged| codec::decode_event(logged.payload));
    match logged {
        Some(Ok(logged)) if logged == *record => Ok(()),
        _ => Err(RecoveryError::EventLogDiverged { dir: dir.to_owned(), number: record.number }),
    }
}

/// How long recovery waits for the next segment to be prepared.
const SPACE_PATIENCE: Duration = Duration::from_secs(30);

/// Appends, and waits for the helper that prepares segments where a replay is faster than it.
fn append_patiently(
    writer: &mut Writer,
    dir: &Path,
    sequence: u64,
    time: Timestamp,
    payload: &[u8],
) -> Result<(), RecoveryError> {
    let started = Instant::now();
    loop {
        match writer.append(sequence, time.0, payload) {
            Ok(()) => return Ok(()),
            Err(AppendError::NoSpace) if started.elapsed() < SPACE_PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(source) => {
                let reason = writer.low_space_reason();
                return Err(RecoveryError::Append { dir: dir.to_owned(), source, reason });
            }
        }
    }
}
