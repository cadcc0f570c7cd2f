//! What must be true: the journal's durable commands through the naive exchange, and what follows from its events: every
//! login's stream to the byte, and the state.
//!
//! A replica of the real exchange is kept beside it, which is never restarted: its digest is what every start of the engine
//! must come to.

use super::copies::Copies;
use super::happened::Happened;
use super::market::Market;
use super::money::Money;
use crate::support::compare::same_state;
use crate::support::naive::NaiveVenue;
use dojima::domain::audience::Audience;
use dojima::domain::{
    ClockCommand, Command, Event, EventRecord, IndexId, Listings, LoginId, OrderCommand, Stamp, VenueCommand,
    VenueEvent, VenueLimits, codec,
};
use dojima::exchange::Digest;
use dojima::replica::State;
use dojima::wire::ouch::{SEQUENCED_LEN_MAX, encode_sequenced};
use dojima_journal::storage::Storage;
use dojima_journal::{MemoryStorage, Options, scan_storage};
use std::convert::Infallible;
use std::sync::Arc;

/// A whole comparison of the two exchanges after so many commands.
const COMPARE_EVERY: usize = 512;

/// One login's messages in one session.
#[derive(Default)]
struct Stream {
    session: u32,
    bytes: Vec<u8>,
    /// By message: where it ends in `bytes`, and the command that caused it.
    messages: Vec<(usize, u64)>,
}

pub struct Reference {
    limits: VenueLimits,
    /// Who may send prices of which index.
    sources: Vec<(LoginId, IndexId)>,
    naive: NaiveVenue,
    replica: State,
    listings: Listings,
    audience: Audience,
    copies: Copies,
    money: Money,
    pub market: Market,
    pub commands: Vec<(Stamp, Command)>,
    /// By event: what it is.
    pub events: Vec<EventRecord>,
    /// By login: its sessions so far.
    streams: Vec<Vec<Stream>>,
    pub happened: Happened,
}

impl Reference {
    pub fn new(limits: VenueLimits, sources: Vec<(LoginId, IndexId)>) -> Self {
        Self {
            limits,
            sources,
            naive: NaiveVenue::new(limits),
            replica: State::empty(),
            listings: Listings::default(),
            audience: Audience::default(),
            copies: Copies::default(),
            money: Money::default(),
            market: Market::default(),
            commands: Vec::new(),
            events: Vec::new(),
            streams: Vec::new(),
            happened: Happened::default(),
        }
    }

    /// The last command.
    pub fn last(&self) -> u64 {
        self.commands.len() as u64
    }

    /// Applies the next durable command.
    ///
    /// # Errors
    /// When the two exchanges disagree, or money was made or lost.
    pub fn apply(&mut self, stamp: Stamp, command: &Command) -> Result<(), String> {
        if stamp.sequence != self.last() + 1 {
            return Err(format!("command {} follows command {} in the journal", stamp.sequence, self.last()));
        }
        if self.commands.last().is_some_and(|(last, _)| stamp.time < last.time) {
            return Err(format!("time goes back at command {}", stamp.sequence));
        }
        if let Command::Order(OrderCommand::SendIndex(sent)) = command
            && !self.sources.contains(&(sent.login, sent.index))
        {
            return Err(format!("{sent:?} is of a login that may not send it"));
        }
        self.commands.push((stamp, *command));
        let naive = self.naive.apply(stamp, command);
        let mut engine = Vec::with_capacity(naive.len());
        let taken = self.replica.apply(stamp, command, &mut |record| {
            engine.push(*record);
            Ok::<(), Infallible>(())
        });
        taken.unwrap_or_else(|never| match never {});
        if !engine.iter().map(|record| &record.event).eq(&naive) {
            let engine: Vec<&Event> = engine.iter().map(|record| &record.event).collect();
            return Err(format!("{command:?} at {stamp:?}: events {engine:?}, but naive {naive:?}"));
        }
        for record in &engine {
            self.note(record)?;
        }
        self.money.check(&self.replica.shards, &self.listings)?;
        self.market.note(&engine)?;
        self.happened.commands += 1;
        self.happened.ticks += u64::from(*command == Command::Clock(ClockCommand::Tick));
        let starts =
            |record: &EventRecord| matches!(record.event, Event::Venue(VenueEvent::SessionStarted { .. }));
        let is_reset =
            matches!(command, Command::Venue(VenueCommand::ResetUserRef { .. })) && engine.iter().any(starts);
        self.happened.user_ref_resets += u64::from(is_reset);
        if self.commands.len().is_multiple_of(COMPARE_EVERY) { self.compare() } else { Ok(()) }
    }

    fn note(&mut self, record: &EventRecord) -> Result<(), String> {
        self.listings.note(record);
        self.audience.note(record);
        self.copies.note(record);
        self.events.push(*record);
        let mut to_whom = Vec::new();
        self.audience.each(record, |to| to_whom.push(to));
        self.happened.copies += self.copies.check(record, &to_whom)?;
        match record.event {
            Event::Venue(VenueEvent::LoginOpened { .. }) => {
                let session = self.replica.shards.session();
                self.streams.push(vec![Stream { session, ..Stream::default() }]);
            }
            Event::Venue(VenueEvent::SessionStarted { login, session }) => {
                self.streams[login.0 as usize].push(Stream { session, ..Stream::default() });
            }
            _ => {}
        }
        let mut told = Ok(());
        to_whom.into_iter().for_each(|to| {
            let mut packet = [0; SEQUENCED_LEN_MAX];
            let Some(len) = encode_sequenced(record, to, &self.listings, &mut packet) else {
                told = Err(format!("event {} has no message for login {}", record.number, to.login));
                return;
            };
            let stream = self.streams[to.login.0 as usize].last_mut().expect("it is open");
            stream.bytes.extend_from_slice(&packet[..len]);
            stream.messages.push((stream.bytes.len(), record.sequence));
        });
        told?;
        let (_, command) = self.commands.last().expect("its events are noted");
        self.happened.note(&record.event, command, &self.listings);
        self.money.note(record, &self.listings)?;
        Ok(())
    }

    /// Every balance, book and order that waits, and the sum of all money.
    ///
    /// # Errors
    /// What differs first.
    pub fn compare(&self) -> Result<(), String> {
        let shards = &self.replica.shards;
        shards.audit().map_err(|error| format!("after command {}: {error:?}", self.last()))?;
        shards.iter().zip(self.naive.shards()).try_for_each(|(shard, naive)| {
            let same = same_state(shard, naive);
            same.map_err(|error| format!("shard {} after command {}: {error}", shard.shard(), self.last()))
        })
    }

    /// How many transfers between shards are on their way.
    pub fn in_flight(&self) -> usize {
        self.replica.shards.in_flight().count()
    }

    pub fn digest(&self) -> Digest {
        self.replica.shards.digest()
    }

    /// The number of the last order.
    pub fn last_order(&self) -> u64 {
        self.happened.last_order
    }

    /// The session of the venue.
    pub fn session(&self) -> u32 {
        self.replica.shards.session()
    }

    /// A login's present session.
    pub fn session_of(&self, login: LoginId) -> u32 {
        self.streams.get(login.0 as usize).and_then(|all| all.last()).map_or(0, |stream| stream.session)
    }

    fn stream(&self, login: LoginId, session: u32) -> Option<&Stream> {
        self.streams.get(login.0 as usize)?.iter().find(|stream| stream.session == session)
    }

    /// How many messages a login has in a session.
    pub fn messages(&self, login: LoginId, session: u32) -> u64 {
        self.stream(login, session).map_or(0, |stream| stream.messages.len() as u64)
    }

    /// The packet of a login's message (from 1) in a session, and the command that caused it.
    pub fn message(&self, login: LoginId, session: u32, number: u64) -> Option<(&[u8], u64)> {
        let stream = self.stream(login, session)?;
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        let (end, sequence) = *stream.messages.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| stream.messages[before].0);
        Some((&stream.bytes[start..end], sequence))
    }

    /// All events as an event log.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn event_log(&self) -> Result<Arc<dyn Storage>, String> {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let scanned = scan_storage(Arc::clone(&storage)).map_err(|error| error.to_string())?;
        let options = Options::default().with_segment_bytes(1 << 20).with_spare_segments(0);
        let mut log = scanned.into_writer(options).map_err(|error| error.to_string())?;
        for event in &self.events {
            let mut payload = [0; codec::ENCODED_LEN_MAX];
            let len = codec::encode_event(event, &mut payload).map_err(|error| error.to_string())?;
            log.append(event.number, event.time.0, &payload[..len]).map_err(|error| error.to_string())?;
        }
        Ok(storage)
    }

    /// Forgets all commands after `last`, as a loss of power does in `async` mode. What happened stays counted.
    ///
    /// # Errors
    /// As [`Reference::apply`].
    pub fn go_back_to(&mut self, last: u64) -> Result<(), String> {
        if last == self.last() {
            return Ok(());
        }
        let mut again = Self::new(self.limits, self.sources.clone());
        for (stamp, command) in &self.commands[..last as usize] {
            again.apply(*stamp, command)?;
        }
        again.happened = std::mem::take(&mut self.happened);
        *self = again;
        Ok(())
    }
}
