//! A replica of the exchange: all that the commands of a journal add up to, made by applying them.
//!
//! Recovery makes one and hands it to the stages; the shadow keeps one beside the engine, and a snapshot is one in a file.

mod error;
pub mod snapshot;
mod snapshots;

pub use error::SnapshotError;
pub use snapshots::{SnapshotInfo, Snapshots, is_snapshot_file};

use crate::domain::streams::StreamIndex;
use crate::domain::{Command, Event, EventRecord, Listings, Stamp, VenueLimits};
use crate::exchange::{EventSink, Exchange, ExchangeLimits, NameKey, Progress, Shards};
use std::hash::{BuildHasher, Hasher, RandomState};

/// All that a journal's commands add up to: what a snapshot holds.
#[derive(Clone, Debug)]
pub struct State {
    /// The exchange, by shards.
    pub shards: Shards,
    /// The stamp of the last command applied.
    pub last: Stamp,
    /// The number of the last event.
    pub last_event: u64,
    /// How many messages each login's stream has, and where they stand.
    pub streams: StreamIndex,
    /// The instruments as the events told them.
    pub listings: Listings,
    /// The first commands up to [`Open`](crate::domain::VenueCommand::Open): what the venue was opened with.
    pub opening: Vec<Command>,
}

/// Numbers the events of a command, notes them, and shows them to `on_event` until that fails.
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

/// A key that no client knows, so that none can choose numbers that are slow to find. No result depends on it.
fn name_key() -> NameKey {
    let random = || u128::from(RandomState::new().build_hasher().finish());
    NameKey { factor: random() << 64 | random(), offset: random() << 64 | random() }
}

impl State {
    /// Before the first command. The opening commands say what the exchange holds at most.
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

    /// Applies the next command, all its parts, and shows every event of it. No event is kept, however many there are.
    ///
    /// # Errors
    /// What `on_event` returns. The state is of no use then.
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

    /// Applies the first part of the next command. [`State::last`] is that command's from here on; the state is one that may be
    /// kept only when the command is done.
    ///
    /// # Errors
    /// What `on_event` returns. The state is of no use then.
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
    /// What `on_event` returns. The state is of no use then.
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
