//! A replica of the exchange: all that the commands of a journal add up to, made by applying them.
//!
//! Recovery makes one and hands it to the stages; the shadow keeps one beside the engine, and a snapshot is one in a file.

pub mod snapshot;
mod snapshots;

pub use snapshots::{SnapshotError, SnapshotInfo, Snapshots};

use crate::domain::streams::StreamIndex;
use crate::domain::{Command, Event, EventRecord, Listings, Stamp, VenueLimits};
use crate::exchange::{Exchange, ExchangeLimits, NameKey};
use std::hash::{BuildHasher, Hasher, RandomState};

/// All that a journal's commands add up to: what a snapshot holds.
#[derive(Clone, Debug)]
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
            exchange: Exchange::new(ExchangeLimits {
                limits: VenueLimits { orders_max: 1, ..VenueLimits::default() },
                name_key: name_key(),
            }),
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
