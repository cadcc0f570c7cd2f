//! All shards of a venue together, for replay, replicas and tests. The engine instead gives each shard its own matcher
//! and merges the events in the same order: by command, then by shard.

use super::agenda::Progress;
use super::audit::{self, AuditError};
use super::digest::Digest;
use super::login::Login;
use super::sink::EventSink;
use super::state::Exchange;
use super::venue::Venue;
use crate::domain::{AccountId, Command, Listing, LoginId, ShardId, ShardTransfer, Stamp};
use sha2::{Digest as _, Sha256};

/// The shards of a venue, by id.
#[derive(Clone, Debug)]
pub struct Shards {
    all: Vec<Exchange>,
    /// The present command and the shard that executes it; only if there are several shards.
    present: Option<(Stamp, Command, usize)>,
}

impl From<Exchange> for Shards {
    /// A venue with one shard.
    fn from(exchange: Exchange) -> Self {
        Self { all: vec![exchange], present: None }
    }
}

impl Shards {
    /// Combines shards that executed the same commands. `None` if they are not all shards of one venue.
    pub fn of(mut all: Vec<Exchange>) -> Option<Self> {
        all.sort_by_key(|exchange| exchange.id);
        let first = all.first()?;
        let whole = all.len() == usize::from(first.venue.shards)
            && (0..)
                .zip(&all)
                .all(|(id, shard)| shard.id == ShardId(id) && shard.venue.is_that_of(&first.venue));
        whole.then_some(Self { all, present: None })
    }

    /// Begins a command in all shards, one after another: [`Exchange::begin`].
    ///
    /// # Panics
    /// If the previous command is not done.
    pub fn begin(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) -> Progress {
        let mut progress = self.all[0].begin(stamp, command, events);
        if self.all.len() > 1 {
            assert!(self.present.is_none(), "the command before this one is not done");
            self.present = Some((stamp, *command, 0));
            progress = self.go_on(progress, events);
        }
        if progress == Progress::Done {
            self.open_siblings();
        }
        progress
    }

    /// Does the next part of a command.
    pub fn proceed(&mut self, events: &mut impl EventSink) -> Progress {
        let at = self.present.map_or(0, |(_, _, at)| at);
        let progress = self.all[at].proceed(events);
        if self.all.len() > 1 { self.go_on(progress, events) } else { progress }
    }

    /// Does a whole command: all its parts in sequence.
    pub fn apply(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) {
        let mut progress = self.begin(stamp, command, events);
        while progress == Progress::More {
            progress = self.proceed(events);
        }
    }

    /// Continues with the shards after the present one.
    fn go_on(&mut self, mut progress: Progress, events: &mut impl EventSink) -> Progress {
        let Some((stamp, command, mut at)) = self.present.take() else { return progress };
        while progress == Progress::Done && at + 1 < self.all.len() {
            at += 1;
            progress = self.all[at].begin(stamp, &command, events);
        }
        if progress == Progress::More {
            self.present = Some((stamp, command, at));
        }
        progress
    }

    /// Adds the shards that the last command may have opened.
    fn open_siblings(&mut self) {
        while self.all.len() < usize::from(self.all[0].venue.shards) {
            let id = ShardId(self.all.len() as u8);
            let sibling = self.all[0].sibling(id);
            self.all.push(sibling);
        }
    }

    /// The number of orders touched by the last part, in the shard that did it.
    pub fn touched(&self) -> u32 {
        self.all[self.present.map_or(self.all.len() - 1, |(_, _, at)| at)].touched()
    }

    /// The single shards, by id.
    pub fn into_vec(self) -> Vec<Exchange> {
        self.all
    }

    /// The shards, by id; there is at least one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Exchange> {
        self.all.iter()
    }

    /// The first shard, which every venue has.
    pub fn first(&self) -> &Exchange {
        &self.all[0]
    }

    /// The first shard, mutable.
    pub fn first_mut(&mut self) -> &mut Exchange {
        &mut self.all[0]
    }

    /// A shard; `None` if it does not exist.
    pub fn get(&self, shard: ShardId) -> Option<&Exchange> {
        self.all.get(usize::from(shard.0))
    }

    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// [`Exchange::warm`] for all shards.
    pub fn warm(&mut self) {
        self.all.iter_mut().for_each(Exchange::warm);
    }

    /// The digest of all shards' state; for one shard it is that shard's digest.
    pub fn digest(&self) -> Digest {
        match &self.all[..] {
            [one] => one.digest(),
            several => {
                let mut hash = Sha256::new();
                several.iter().for_each(|shard| hash.update(shard.digest().0));
                Digest(hash.finalize().into())
            }
        }
    }

    /// Checks every invariant of every shard, and that all shards have the same venue state.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn audit(&self) -> Result<(), AuditError> {
        self.all.iter().try_for_each(Exchange::audit)?;
        match self.all.iter().find(|shard| !shard.venue.is_that_of(self.venue())) {
            Some(shard) => Err(AuditError::Venue { shard: shard.id }),
            None => self.audit_transfers(),
        }
    }

    /// Checks that shards agree about the transfers between them.
    ///
    /// # Errors
    /// The first disagreement.
    pub fn audit_transfers(&self) -> Result<(), AuditError> {
        audit::audit_between(&self.all)
    }

    /// The transfers on their way between shards, by source, destination and number.
    pub fn in_flight(&self) -> impl Iterator<Item = ShardTransfer> + '_ {
        self.all.iter().flat_map(Exchange::in_flight)
    }

    fn venue(&self) -> &Venue {
        &self.all[0].venue
    }

    /// The number of open orders in all shards.
    pub fn open_orders(&self) -> usize {
        self.all.iter().map(Exchange::open_orders).sum()
    }

    /// The number of trades in all shards.
    pub fn trades(&self) -> u64 {
        self.all.iter().map(|shard| shard.last_trade().count()).sum()
    }

    /// The listings by id, each from the shard in which it trades.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        let ids = self.all[0].listings();
        ids.filter_map(|listing| self.get(listing.shard)?.listing(listing.instrument))
    }

    /// [`Exchange::accounts_count`].
    pub fn accounts_count(&self) -> usize {
        self.all[0].accounts_count()
    }

    /// The logins by id, as the first shard knows them.
    pub fn logins(&self) -> &[Login] {
        self.all[0].logins()
    }

    /// [`Exchange::config_digest`].
    pub fn config_digest(&self) -> Option<u64> {
        self.all[0].config_digest()
    }

    /// [`Exchange::session`].
    pub fn session(&self) -> u32 {
        self.all[0].session()
    }

    /// [`Exchange::copies`].
    pub fn copies(&self) -> impl Iterator<Item = (AccountId, LoginId, u64)> + '_ {
        self.all[0].copies()
    }
}
