//! A replica of the exchange: the state that results from applying a journal's commands.
//!
//! Recovery builds one and hands it to the stages. The shadow keeps one beside the engine. A snapshot is one in a file.

mod error;
pub mod snapshot;
mod snapshots;

pub use error::SnapshotError;
pub use snapshots::{SnapshotInfo, Snapshots, is_snapshot_file};

use crate::domain::streams::StreamIndex;
use crate::domain::{Command, Event, EventRecord, Listings, Stamp, VenueLimits};
use crate::exchange::{EventSink, Exchange, ExchangeLimits, NameKey, Progress, Shards};
use std::hash::{BuildHasher, Hasher, RandomState};

/// The state after a journal's commands. A snapshot contains it.
#[derive(Clone, Debug)]
pub struct State {
    /// The exchange, by shards.
    pub shards: Shards,
    /// The stamp of the last command applied.
    pub last: Stamp,
    /// The number of the last event.
    pub last_event: u64,
    /// Per login: the number of messages in its stream, and where they are in the event log.
    pub streams: StreamIndex,
    /// The listings, as built from the events.
    pub listings: Listings,
    /// The commands that opened the venue: all up to [`Open`](crate::domain::VenueCommand::Open).
    pub opening: Vec<Command>,
}

/// Numbers the events of a command, applies them to the derived tables, and calls `on_event` until it fails.
struct Numbering<'s, F, E> {
    stamp: Stamp,
    last_event: &'s mut u64,
    streams: &'s mut StreamIndex,
    listings: &'s mut Listings,
    on_event: F,
    outcome: Result<(), E>,
}

impl<F: FnMut(&EventRecord) -> Result<(), E>, E> EventSink for Numbering<'_, F, E> {
    fn push(&mut self, event: Event) {
        if self.outcome.is_err() {
            return;
        }
        *self.last_event += 1;
        let Stamp { sequence, time } = self.stamp;
        let record = EventRecord { number: *self.last_event, sequence, time, event };
        self.streams.note(&record);
        self.listings.note(&record);
        self.outcome = (self.on_event)(&record);
    }
}

/// A random hash key. Clients do not know it, so they cannot choose numbers that are slow to find. It affects no
/// result.
fn name_key() -> NameKey {
    let random = || u128::from(RandomState::new().build_hasher().finish());
    NameKey { factor: random() << 64 | random(), offset: random() << 64 | random() }
}

impl State {
    /// The state before the first command. The opening commands set the limits.
    pub fn empty() -> Self {
        Self {
            shards: Exchange::new(ExchangeLimits {
                limits: VenueLimits { orders_max: 1, ..VenueLimits::default() },
                name_key: name_key(),
            })
            .into(),
            last: Stamp::default(),
            last_event: 0,
            streams: StreamIndex::default(),
            listings: Listings::default(),
            opening: Vec::new(),
        }
    }

    /// Applies the next command, all its parts, and calls `on_event` with every event. Events are not stored, however
    /// many there are.
    ///
    /// # Errors
    /// The error of `on_event`. The state cannot be used after that.
    pub fn apply<E>(
        &mut self,
        stamp: Stamp,
        command: &Command,
        on_event: &mut impl FnMut(&EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut progress = self.begin(stamp, command, on_event)?;
        while progress == Progress::More {
            progress = self.proceed(on_event)?;
        }
        Ok(())
    }

    /// Applies the first part of the next command. [`State::last`] is that command's stamp from here on; the state may
    /// be saved only when the command is done.
    ///
    /// # Errors
    /// The error of `on_event`. The state cannot be used after that.
    pub fn begin<E>(
        &mut self,
        stamp: Stamp,
        command: &Command,
        on_event: &mut impl FnMut(&EventRecord) -> Result<(), E>,
    ) -> Result<Progress, E> {
        if self.shards.config_digest().is_none() {
            self.opening.push(*command);
        }
        self.last = stamp;
        self.part(on_event, |shards, events| shards.begin(stamp, command, events))
    }

    /// Applies the next part of the last command.
    ///
    /// # Errors
    /// The error of `on_event`. The state cannot be used after that.
    pub fn proceed<E>(
        &mut self,
        on_event: &mut impl FnMut(&EventRecord) -> Result<(), E>,
    ) -> Result<Progress, E> {
        self.part(on_event, |shards, events| shards.proceed(events))
    }

    fn part<E, F: FnMut(&EventRecord) -> Result<(), E>>(
        &mut self,
        on_event: F,
        work: impl FnOnce(&mut Shards, &mut Numbering<'_, F, E>) -> Progress,
    ) -> Result<Progress, E> {
        let Self { shards, last, last_event, streams, listings, .. } = self;
        let mut events = Numbering { stamp: *last, last_event, streams, listings, on_event, outcome: Ok(()) };
        let progress = work(shards, &mut events);
        events.outcome.map(|()| progress)
    }
}
