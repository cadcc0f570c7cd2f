//! The feed: follows the event log, turns events into ITCH 5.0 ([`crate::market::Feed`]), keeps every message in a log of its
//! own, and serves subscribers, snapshots and multicast from there.
//!
//! It reads the event log and never a ring, so it can be as slow as it likes: no order ever waits for it. And since the
//! log has only events of durable commands, nothing passes the gate. What a command gives is complete when the next command's
//! events come, or when the matcher has said that it is done with the command and all that it said has been read here.
//!
//! Invariant: a restart republishes byte-identical messages under the same numbers. So a start compares all messages in the
//! log with what the events give, once.

mod check;
mod checkpoint;
mod close_reason;
mod history_readers;
mod log;
mod messages;
mod mold;
mod server;
mod settings;
mod snapshots;
mod subscriber;
mod tail;

pub use check::{LogCheck, LogOutcome};
pub use checkpoint::{is_checkpoint_file, newest_checkpoint, newest_checkpoint_sequence};
pub use log::{TakeMessage, read_log};
pub use settings::{FeedFiles, FeedPorts, FeedSettings, FeedStart, MoldSettings};

use crate::domain::codec;
use crate::market::{Feed, MarketView, MarketWatch, Published};
use crate::net::Sockets;
use crate::ring::{CursorReader, CursorWriter, cursor};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Clock, Counter, Counters, Fatal, Halt, Passing};
use crate::wire::itch::{EndOfSnapshot, MESSAGE_LEN_MAX, Message, event_code};
use crate::wire::soup::{self, SessionId, kind};
use checkpoint::{Checkpoint, Encoded};
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, JournalError, Reader, Trusted, retire_before};
use log::{FoundLog, MessageLog};
use messages::Messages;
use mold::{Begun, Mold};
use server::{Server, Service};
use snapshots::Snapshots;
use std::os::fd::RawFd;
use std::sync::Arc;
use tail::Tail;

/// Events of one duty cycle.
const EVENTS_MAX: usize = 2048;
/// How often a new view of the market is published at most, ns.
const VIEW_NS: u64 = 100_000_000;
/// How long to wait after a checkpoint that could not be written, ns.
const RETRY_NS: u64 = 10_000_000_000;

/// The sockets of both services.
pub struct FeedSockets {
    pub subscribers: Box<dyn Sockets>,
    pub snapshots: Box<dyn Sockets>,
}

pub struct FeedPublisher {
    settings: FeedSettings,
    /// Where the matcher is: applied commands, events in its ring, and the last event before this start.
    applied: CursorReader,
    in_ring: CursorReader,
    archived: CursorReader,
    synced: CursorReader,
    start: FeedStart,
    clock: Box<dyn Clock>,
    files: FeedFiles,
    events: Reader,
    feed: Feed,
    /// Messages that are made and not yet in the log.
    waiting: Vec<Published>,
    log: MessageLog,
    tail: Tail,
    session: SessionId,
    /// Of the last message in the log.
    session_number: u32,
    session_first: u64,
    subscribers: Option<Server>,
    snapshots: Option<Server>,
    mold: Option<Mold>,
    books_given: Snapshots,
    /// Whether all that was said before this start has been made again. Until then nobody is served: they would be told old
    /// messages as new ones.
    caught_up: bool,
    /// The first message that was not there at the start, with its session.
    first_new: Option<(u64, Begun)>,
    watch: MarketWatch,
    next_view: u64,
    viewed: u64,
    /// A checkpoint that waits for its commands to be on the disk.
    checkpoint: Option<Encoded>,
    checkpoint_at: u64,
    retry_at: u64,
    on_disk: CursorWriter,
    followed: CursorWriter,
    passing: Passing,
    keeping: Passing,
    counts: Counts,
}

struct Counts {
    messages: Counter,
    bytes: Counter,
    checkpoints: Counter,
    no_space: Counter,
    orders: Counter,
}

impl Counts {
    fn register(counters: &Counters) -> Self {
        Self {
            messages: counters.register("feed.messages", "messages"),
            bytes: counters.register("feed.log_bytes", "bytes"),
            checkpoints: counters.register("feed.checkpoints", "checkpoints"),
            no_space: counters.register("feed.no_space", "cycles"),
            orders: counters.register("feed.orders", "orders"),
        }
    }
}

impl FeedPublisher {
    /// Goes on from the newest checkpoint that can be used, or from the first event. Without sockets it serves nobody.
    ///
    /// # Errors
    /// [`Fatal::MarketData`] when the events that it needs are gone, or the log of messages is damaged or cannot be written;
    /// [`Fatal::Io`] when multicast cannot be had.
    pub fn new(
        settings: FeedSettings,
        files: FeedFiles,
        ports: FeedPorts,
        sockets: Option<FeedSockets>,
        start: FeedStart,
        clock: Box<dyn Clock>,
        counters: &Counters,
    ) -> Result<Self, Fatal> {
        settings.check()?;
        checkpoint::prepare(files.market_data.as_ref())?;
        let (Checkpoint { feed, messages, session_first }, log) = find_start(&files, start)?;
        let log = log.open(&files.market_data, settings.log)?;
        let events = open_events(&files, feed.last_event() + 1)?;
        let session_number = feed.session();
        let session = session_of(&settings, session_number)?;
        let FeedPorts { applied, in_ring, archived, synced, subscribers, snapshots, authenticator } = ports;
        let serve = |service, sockets, auth| {
            Server::new(service, sockets, (auth, authenticator.clone()), &settings, session_first, counters)
        };
        let (subscribers, snapshots) = sockets
            .map(|sockets| {
                let stream = serve(Service::Stream, sockets.subscribers, subscribers);
                (stream, serve(Service::Snapshots, sockets.snapshots, snapshots))
            })
            .unzip();
        let mold = settings.mold.as_ref().map(|mold| Mold::open(mold, counters)).transpose()?;
        let ((mut on_disk, _), (mut followed, _)) = (cursor(), cursor());
        on_disk.set(feed.last_event());
        followed.set(feed.last_event());
        Ok(Self {
            tail: Tail::new(settings.tail_messages, messages + 1),
            checkpoint_at: messages + settings.checkpoint_every,
            settings,
            applied,
            in_ring,
            archived,
            synced,
            start,
            clock,
            files,
            events,
            feed,
            waiting: Vec::new(),
            log,
            session,
            session_number,
            session_first,
            subscribers,
            snapshots,
            mold,
            books_given: Snapshots::default(),
            caught_up: false,
            first_new: None,
            watch: MarketWatch::default(),
            next_view: 0,
            viewed: 0,
            checkpoint: None,
            retry_at: 0,
            on_disk,
            followed,
            passing: Passing::new("feed", counters),
            keeping: Passing::new("feed.checkpoint", counters),
            counts: Counts::register(counters),
        })
    }

    /// What becomes readable when somebody connects, sends or can be sent to.
    pub fn descriptors(&self) -> Vec<RawFd> {
        let servers =
            [&self.subscribers, &self.snapshots].into_iter().flatten().filter_map(Server::descriptor);
        servers.chain(self.mold.as_ref().and_then(Mold::descriptor)).collect()
    }

    /// The market at a glance, always the newest.
    pub fn watch(&self) -> MarketWatch {
        self.watch.clone()
    }

    /// The last event of the newest checkpoint: later ones must stay in the event log.
    pub fn on_disk(&self) -> CursorReader {
        self.on_disk.reader()
    }

    /// The last event that it has published.
    pub fn followed(&self) -> CursorReader {
        self.followed.reader()
    }

    /// Reads on in the event log, and publishes. Returns the amount of work.
    fn follow(&mut self) -> Result<usize, Halt> {
        let before = self.log.next();
        if !self.flush()? {
            return Ok((self.log.next() - before) as usize);
        }
        // In this order: all events of commands up to `applied` are among those counted after.
        let applied = self.applied.get();
        let complete_at = self.start.event + self.in_ring.get();
        // What this process has logged is whole.
        let trusted = Trusted { first: self.start.event + 1, last: self.archived.get() };
        let mut read = 0;
        while read < EVENTS_MAX {
            let record = self.events.next_trusting(trusted).map_err(Halt::of(Fatal::event_log))?;
            let Some(record) = record else { break };
            let record = codec::decode_event(record.payload).map_err(Fatal::event_log)?;
            self.feed.apply(&record, &mut self.waiting);
            read += 1;
        }
        if !self.feed.is_settled()
            && self.feed.last_event() >= complete_at
            && self.feed.sequence() <= applied.max(self.start.sequence)
        {
            self.feed.complete(&mut self.waiting);
        }
        self.flush()?;
        self.counts.orders.set(self.feed.orders() as u64);
        Ok(read + (self.log.next() - before) as usize)
    }

    /// Moves messages into the log and from there on, but not beyond the beginning of a session, so that all who are served
    /// see every session; `false` when some are left, as for want of space.
    fn flush(&mut self) -> Result<bool, Halt> {
        let (mut done, mut halted) = (0, None);
        for published in &self.waiting {
            let mut bytes = [0; MESSAGE_LEN_MAX];
            let len = published.message.encode(&mut bytes).unwrap_or(0);
            let number = self.log.next();
            match self.log.put(published, &bytes[..len]) {
                Ok(true) => {}
                Ok(false) => {
                    self.counts.no_space.add(1);
                    break;
                }
                Err(halt) => {
                    halted = Some(halt);
                    break;
                }
            }
            done += 1;
            if number > self.log.found_last() && self.first_new.is_none() {
                // A message that begins a session comes after the end of the one before, which is still to be told.
                self.first_new = Some((number, (self.session, self.session_first.max(1))));
            }
            let begins = matches!(published.message, Message::SystemEvent(event)
                if event.code == event_code::START_OF_MESSAGES);
            if begins {
                // Sessions follow one another without a gap. (The feed may be in a later one already.)
                self.session_number += u32::from(number > 1);
                self.session_first = number;
                self.session = session_of(&self.settings, self.session_number)?;
                self.books_given.begin_session();
            }
            if is_injected(InjectedFault::GarbleMarketData) && number.is_multiple_of(97) {
                bytes[len - 1] ^= 1;
            }
            self.tail.push(&bytes[..len]);
            if begins {
                break;
            }
        }
        self.waiting.drain(..done);
        let written = self.log.write_out()?;
        self.counts.no_space.add(u64::from(!written));
        self.counts.messages.set(self.log.next() - 1);
        self.counts.bytes.set(self.log.bytes_written());
        let all = self.waiting.is_empty() && written;
        if all {
            self.followed.set(self.feed.last_event());
        }
        halted.map_or(Ok(all), Err)
    }

    /// Whether nothing is half said: the books are those after some command.
    fn is_between_commands(&self) -> bool {
        self.waiting.is_empty() && self.feed.is_settled()
    }

    fn make_snapshot(&mut self, now: u64) {
        let wanted = self.snapshots.as_ref().is_some_and(Server::wants_snapshot);
        // An old one is given to nobody: whoever comes waits for the next.
        self.books_given.age(now);
        let can_be_made = self.books_given.present().is_none() && self.is_between_commands();
        if !wanted || !can_be_made || !self.books_given.wants_another(now) {
            return;
        }
        let mut bytes = Vec::new();
        self.feed.snapshot(|message| {
            let mut out = [0; MESSAGE_LEN_MAX];
            let len = message.encode(&mut out).unwrap_or(0);
            let _ = soup::push_packet(kind::SEQUENCED, &out[..len], &mut bytes);
        });
        let ahead = u64::from(is_injected(InjectedFault::SnapshotAhead));
        let sequence = self.log.next() - self.session_first + 1 + ahead;
        let _ = soup::push_packet(kind::SEQUENCED, &EndOfSnapshot { sequence }.encode(), &mut bytes);
        self.books_given.put(bytes, now);
    }

    /// Whether all that was said before this start is behind us; from then on others are served.
    fn catch_up(&mut self) -> bool {
        // What the last command before this start gives is complete when the next one's events have come, or when it is settled.
        let last = self.feed.last_event();
        let is_complete = last > self.start.event || (last == self.start.event && self.feed.is_settled());
        let is_made = is_complete && self.waiting.is_empty();
        if !self.caught_up && self.log.is_compared() && is_made {
            self.caught_up = true;
            let here = (self.log.next(), (self.session, self.session_first));
            // What a log that was lost had said cannot be known: multicast goes on from here.
            let is_remade = self.log.found_last() == 0 && self.start.event > 0 && !self.start.is_first;
            let (next, session) = self.first_new.filter(|_| !is_remade).unwrap_or(here);
            if let Some(mold) = &mut self.mold {
                mold.begin(next, session);
            }
        }
        self.caught_up
    }

    fn serve(&mut self, now: u64) -> Result<usize, Fatal> {
        if !self.catch_up() {
            return Ok(0);
        }
        self.make_snapshot(now);
        let messages = Messages {
            tail: &self.tail,
            log: self.log.old(),
            session: self.session,
            session_first: self.session_first,
            snapshot: self.books_given.present().cloned(),
        };
        let mut work = 0;
        for server in [&mut self.subscribers, &mut self.snapshots].into_iter().flatten() {
            work += server.work(&self.settings, &messages, now)?;
        }
        if let Some(mold) = &mut self.mold {
            work += mold.work(&messages, now);
        }
        Ok(work)
    }

    fn show(&mut self, now: u64) {
        let message = self.log.next() - 1;
        if now < self.next_view || message == self.viewed || !self.is_between_commands() {
            return;
        }
        (self.next_view, self.viewed) = (now.saturating_add(VIEW_NS), message);
        let number = (message + 1).saturating_sub(self.session_first);
        self.watch.publish(MarketView::of(&self.feed, number));
    }

    /// Writes a checkpoint when it is time and its commands are on the disk. One that cannot be written is reported and tried
    /// again later: nothing but a longer start and more events to keep comes of it.
    fn keep(&mut self, now: u64) -> Result<(), Halt> {
        let due = self.log.next() > self.checkpoint_at && now >= self.retry_at;
        if due && self.checkpoint.is_none() && self.is_between_commands() && self.log.is_compared() {
            self.take_checkpoint();
        }
        if self.checkpoint.as_ref().is_some_and(|made| made.sequence <= self.synced.get()) {
            self.write_checkpoint(now)?;
        }
        Ok(())
    }

    fn take_checkpoint(&mut self) {
        let messages = self.log.next() - 1;
        self.checkpoint = Some(Checkpoint::encode(&self.feed, messages, self.session_first));
        self.checkpoint_at = messages + self.settings.checkpoint_every;
    }

    fn write_checkpoint(&mut self, now: u64) -> Result<(), Halt> {
        // The log must have on the disk what the checkpoint says that it has.
        self.log.sync()?;
        let Some(made) = self.checkpoint.take() else { return Ok(()) };
        if let Err(error) = checkpoint::write(self.files.market_data.as_ref(), &made) {
            tracing::warn!("market data: no checkpoint of event {}, trading goes on: {error}", made.event);
            self.retry_at = now + RETRY_NS;
            self.checkpoint_at = 0;
            return Ok(());
        }
        self.counts.checkpoints.add(1);
        self.on_disk.set(made.event);
        let read = self.subscribers.as_ref().and_then(Server::oldest_read);
        let wanted = self.mold.as_ref().and_then(Mold::oldest_wanted);
        let oldest = read.into_iter().chain(wanted).fold(self.session_first, u64::min);
        if let Some(how) = self.settings.retire
            && let Err(error) = retire_before(self.files.market_data.as_ref(), oldest, how)
        {
            tracing::warn!("market data: old segments could not be retired, and are kept for now: {error}");
        }
        Ok(())
    }
}

/// The id of a session.
fn session_of(settings: &FeedSettings, session: u32) -> Result<SessionId, Fatal> {
    settings.session.after(session).ok_or_else(|| {
        Fatal::market_data(format_args!("session {session} after {} has no name", settings.session))
    })
}

/// The newest checkpoint that fits what the log has, or the beginning.
fn find_start(files: &FeedFiles, start: FeedStart) -> Result<(Checkpoint, FoundLog), Fatal> {
    let storage = files.market_data.as_ref();
    let there = checkpoint::all(storage)
        .map_err(|error| Fatal::market_data(format_args!("{}: {error}", storage.dir().display())))?;
    let look = |messages| FoundLog::look(&files.market_data, messages, start.sequence);
    for event in there.into_iter().filter(|event| *event <= start.event) {
        match checkpoint::read(storage, event) {
            Ok(found) => {
                if let Some(log) = look(found.messages)? {
                    return Ok((found, log));
                }
                tracing::warn!(
                    "market data: the log has fewer messages than the checkpoint of event {event}"
                );
            }
            Err(why) => tracing::warn!("market data: the checkpoint of event {event} cannot be used: {why}"),
        }
    }
    let log =
        look(0)?.ok_or_else(|| Fatal::invariant("the market-data log cannot be opened at message 0"))?;
    Ok((Checkpoint::default(), log))
}

fn open_events(files: &FeedFiles, event: u64) -> Result<Reader, Fatal> {
    let archived: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::clone(&files.event_log)));
    Reader::open_storage(archived, event).map_err(|error| match error {
        JournalError::Gone { first, asked, .. } => events_gone(files, first, asked),
        error => Fatal::event_log(error),
    })
}

fn events_gone(files: &FeedFiles, first: u64, asked: u64) -> Fatal {
    Fatal::market_data(format_args!(
        "it has to be made from event {asked} on, and {} begins at event {first}: put the older segments (or \
         their archives) back, restore a checkpoint in {}, or turn it off (market_data.enabled = false)",
        files.event_log.dir().display(),
        files.market_data.dir().display()
    ))
}

/// What [`FeedPublisher::new`] would say of these files, without writing to them, where the event log begins at `first_event`.
///
/// # Errors
/// [`Fatal::MarketData`], as there.
pub fn rehearse(files: &FeedFiles, start: FeedStart, first_event: u64) -> Result<(), Fatal> {
    let (Checkpoint { feed, .. }, _) = find_start(files, start)?;
    let asked = feed.last_event() + 1;
    if asked < first_event { Err(events_gone(files, first_event, asked)) } else { Ok(()) }
}

impl Agent for FeedPublisher {
    fn name(&self) -> &str {
        "feed"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now().0;
        // Whoever is served gets what is there, also while nothing more can be read.
        let followed = self.follow();
        let mut work = self.passing.settle(followed)?;
        work += self.serve(now)?;
        self.show(now);
        let kept = self.keep(now).map(|()| 0);
        work += self.keeping.settle(kept)?;
        Ok(work)
    }

    /// The event log is closed by now. What it has is published, and a checkpoint makes the next start short.
    fn on_close(&mut self) -> Result<(), Fatal> {
        loop {
            let followed = self.follow();
            if self.passing.settle(followed)? == 0 {
                break;
            }
        }
        let now = self.clock.now().0;
        let messages = Messages {
            tail: &self.tail,
            log: self.log.old(),
            session: self.session,
            session_first: self.session_first,
            snapshot: None,
        };
        for server in [&mut self.subscribers, &mut self.snapshots].into_iter().flatten() {
            server.shut(&self.settings, &messages, now);
        }
        if self.is_between_commands() && self.feed.sequence() <= self.synced.get() && self.log.is_compared() {
            self.take_checkpoint();
            let written = self.write_checkpoint(now).map(|()| 0);
            self.keeping.settle(written)?;
        }
        self.show(u64::MAX);
        self.log.seal()
    }
}
