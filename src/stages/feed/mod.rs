//! The feed: follows the event log, converts events to ITCH 5.0 ([`crate::market::Feed`]), keeps every message in its
//! own log, and serves subscribers, snapshots and multicast from there.
//!
//! It reads the event log and never a ring, so no order ever waits for it, however slow it is. The event log has only
//! events of durable commands, so no undurable data is published. The messages of a command are complete when events of
//! a later command arrive, or when the matcher has finished the command and all its events were read here.
//!
//! Invariant: a restart republishes byte-identical messages under the same numbers. So a start compares, once, all
//! messages in the log with those that the events give.

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

/// The most events per duty cycle.
const EVENTS_MAX: usize = 2048;
/// The shortest time between two published market summaries, ns.
const VIEW_NS: u64 = 100_000_000;
/// The wait after a checkpoint that could not be written, ns.
const RETRY_NS: u64 = 10_000_000_000;

/// The sockets of both services.
pub struct FeedSockets {
    pub subscribers: Box<dyn Sockets>,
    pub snapshots: Box<dyn Sockets>,
}

pub struct FeedPublisher {
    settings: FeedSettings,
    /// The matcher's progress: applied commands, events in its ring, and the last event before this start.
    applied: CursorReader,
    in_ring: CursorReader,
    archived: CursorReader,
    synced: CursorReader,
    start: FeedStart,
    clock: Box<dyn Clock>,
    files: FeedFiles,
    events: Reader,
    feed: Feed,
    /// Messages that are not in the log yet.
    waiting: Vec<Published>,
    log: MessageLog,
    tail: Tail,
    session: SessionId,
    /// The session of the last message in the log.
    session_number: u32,
    session_first: u64,
    subscribers: Option<Server>,
    snapshots: Option<Server>,
    mold: Option<Mold>,
    books_given: Snapshots,
    /// Whether all messages from before this start were made again. Until then nothing is served, because clients would
    /// receive old messages as new ones.
    caught_up: bool,
    /// The first message that did not exist at the start, with its session.
    first_new: Option<(u64, Begun)>,
    watch: MarketWatch,
    next_view: u64,
    viewed: u64,
    /// A checkpoint that waits until its commands are on disk.
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
    /// Continues from the newest usable checkpoint, or from the first event. Without sockets it serves nothing.
    ///
    /// # Errors
    /// [`Fatal::MarketData`] if required events are gone, or the log of messages is damaged or cannot be written;
    /// [`Fatal::Io`] if multicast is not available.
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

    /// The descriptors that become readable when a client connects, sends, or can be sent to.
    pub fn descriptors(&self) -> Vec<RawFd> {
        let servers =
            [&self.subscribers, &self.snapshots].into_iter().flatten().filter_map(Server::descriptor);
        servers.chain(self.mold.as_ref().and_then(Mold::descriptor)).collect()
    }

    /// The market summary, always the newest.
    pub fn watch(&self) -> MarketWatch {
        self.watch.clone()
    }

    /// The last event of the newest checkpoint. Later events must stay in the event log.
    pub fn on_disk(&self) -> CursorReader {
        self.on_disk.reader()
    }

    /// The last event that was published.
    pub fn followed(&self) -> CursorReader {
        self.followed.reader()
    }

    /// Reads further in the event log and publishes. Returns the amount of work.
    fn follow(&mut self) -> Result<usize, Halt> {
        let before = self.log.next();
        if !self.flush()? {
            return Ok((self.log.next() - before) as usize);
        }
        // In this order: the events counted next include all events of commands up to `applied`.
        let applied = self.applied.get();
        let complete_at = self.start.event + self.in_ring.get();
        // Events that this process has logged need no checksum.
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

    /// Moves messages into the log and from there to the servers, but not across the start of a session, so that every
    /// client sees every session. `false` if some are left, for example for lack of space.
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
                // The message that begins a session comes after the end of the one before, which must still be sent.
                self.first_new = Some((number, (self.session, self.session_first.max(1))));
            }
            let begins = matches!(published.message, Message::SystemEvent(event)
                if event.code == event_code::START_OF_MESSAGES);
            if begins {
                // Session numbers have no gaps. (The feed may already be in a later session.)
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

    /// Whether no command is partly applied, so that the books are consistent.
    fn is_between_commands(&self) -> bool {
        self.waiting.is_empty() && self.feed.is_settled()
    }

    fn make_snapshot(&mut self, now: u64) {
        let wanted = self.snapshots.as_ref().is_some_and(Server::wants_snapshot);
        // An old snapshot is not given out any more: the next client waits for a new one.
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

    /// Whether everything from before this start was made again; from then on clients are served.
    fn catch_up(&mut self) -> bool {
        // The messages of the last command before this start are complete when later events arrive, or when it is
        // settled.
        let last = self.feed.last_event();
        let is_complete = last > self.start.event || (last == self.start.event && self.feed.is_settled());
        let is_made = is_complete && self.waiting.is_empty();
        if !self.caught_up && self.log.is_compared() && is_made {
            self.caught_up = true;
            let here = (self.log.next(), (self.session, self.session_first));
            // The messages in a lost log are unknown: multicast continues from here.
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

    /// Writes a checkpoint when it is due and its commands are on disk. A failure is reported and retried later; it
    /// only means a longer start and more events to keep.
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
        // The log on disk must contain everything that the checkpoint counts.
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

/// The newest checkpoint that the log can support, or the beginning.
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

/// The result that [`FeedPublisher::new`] would have for these files, without writing. The event log begins at
/// `first_event`.
///
/// # Errors
/// [`Fatal::MarketData`], as in [`FeedPublisher::new`].
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
        // Clients are served existing messages even while no new ones can be read.
        let followed = self.follow();
        let mut work = self.passing.settle(followed)?;
        work += self.serve(now)?;
        self.show(now);
        let kept = self.keep(now).map(|()| 0);
        work += self.keeping.settle(kept)?;
        Ok(work)
    }

    /// The event log is closed by now. Its events are published, and a checkpoint makes the next start short.
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
