//! Snapshots of the books for clients that join late. A snapshot is kept while a client still reads it, so their number
//! is limited. If slow or malicious clients hold all of them, the next client gets the newest of these; it is older,
//! and more messages of the stream follow it.

use std::sync::{Arc, Weak};

/// The largest age of a snapshot that is given to a new client, ns. The stream continues from any snapshot.
const AGE_NS: u64 = 1_000_000_000;

/// The most snapshots of one session in memory.
const KEPT_MAX: usize = 8;

/// How long clients may take to read a snapshot after it was made, and the least time for each client, ns.
const TAKE_NS: u64 = 120_000_000_000;
const TAKE_MIN_NS: u64 = 30_000_000_000;

/// The books at one time, as packets.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) bytes: Vec<u8>,
    /// When it was made, ns.
    made: u64,
}

impl Snapshot {
    /// How long a client that gets it now may take to read it, ns.
    pub(super) fn take_ns(&self, now: u64) -> u64 {
        (self.made + TAKE_NS).saturating_sub(now).max(TAKE_MIN_NS)
    }

    /// Whether an old snapshot may still be given to a new client. This ends at some time; otherwise it would never be
    /// freed.
    fn may_still_be_given(&self, now: u64) -> bool {
        now.saturating_sub(self.made) < TAKE_NS
    }
}

/// The snapshots of the present session.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// The snapshot for new clients.
    present: Option<Arc<Snapshot>>,
    /// All snapshots that a client may still be reading, the oldest first.
    kept: Vec<Weak<Snapshot>>,
}

impl Snapshots {
    /// A new session has begun: no new client gets an existing snapshot; each is freed with its last reader.
    pub(super) fn begin_session(&mut self) {
        *self = Self::default();
    }

    /// The snapshot for new clients; `None`: it must be made, or the client must ask later.
    pub(super) fn present(&self) -> Option<&Arc<Snapshot>> {
        self.present.as_ref()
    }

    /// Whether a snapshot must be made for a client that asks now. If there is no room for another, the newest is used.
    pub(super) fn wants_another(&mut self, now: u64) -> bool {
        self.kept.retain(|kept| kept.strong_count() > 0);
        if self.kept.len() < KEPT_MAX {
            return true;
        }
        let newest = self.kept.last().and_then(Weak::upgrade);
        self.present = newest.filter(|newest| newest.may_still_be_given(now));
        false
    }

    /// Drops the present snapshot if it is too old.
    pub(super) fn age(&mut self, now: u64) {
        self.present.take_if(|present| now.saturating_sub(present.made) >= AGE_NS);
    }

    /// Adds a new snapshot.
    pub(super) fn put(&mut self, bytes: Vec<u8>, now: u64) {
        let snapshot = Arc::new(Snapshot { bytes, made: now });
        self.kept.push(Arc::downgrade(&snapshot));
        self.present = Some(snapshot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A new client: the snapshot it gets, made if necessary.
    fn come(snapshots: &mut Snapshots, now: u64) -> Option<Arc<Snapshot>> {
        snapshots.age(now);
        if snapshots.present().is_none() && snapshots.wants_another(now) {
            snapshots.put(vec![1], now);
        }
        snapshots.present().cloned()
    }

    #[test]
    fn nobody_waits_for_those_who_hold_all_that_there_may_be() {
        let mut snapshots = Snapshots::default();
        // Slow clients take each snapshot and keep it for as long as allowed.
        let mut held: Vec<(u64, Arc<Snapshot>)> = Vec::new();
        for now in (0..600 * SECOND).step_by(SECOND as usize / 2) {
            held.retain(|(until, _)| now < *until);
            let given = come(&mut snapshots, now).expect("nobody waits");
            assert!(now - given.made <= TAKE_NS, "it is not older than so");
            held.push((now + given.take_ns(now), given));
            let mut different: Vec<_> = held.iter().map(|(_, one)| Arc::as_ptr(one)).collect();
            different.sort_unstable();
            different.dedup();
            assert!(different.len() <= KEPT_MAX);
        }
        drop(held);
        let given = come(&mut snapshots, 1_000 * SECOND).expect("there is room");
        assert_eq!(given.made, 1_000 * SECOND);
    }

    #[test]
    fn one_is_shared_for_a_second_and_never_with_another_session() {
        let mut snapshots = Snapshots::default();
        let first = come(&mut snapshots, 0).expect("made");
        let same = come(&mut snapshots, SECOND - 1).expect("shared");
        assert!(Arc::ptr_eq(&first, &same));
        let all: Vec<_> = (1..KEPT_MAX as u64).filter_map(|at| come(&mut snapshots, at * SECOND)).collect();
        let last = come(&mut snapshots, KEPT_MAX as u64 * SECOND).expect("the newest");
        assert_eq!(last.made, (KEPT_MAX as u64 - 1) * SECOND);
        snapshots.begin_session();
        let next = come(&mut snapshots, KEPT_MAX as u64 * SECOND).expect("made");
        assert_eq!((next.made, all.len()), (KEPT_MAX as u64 * SECOND, KEPT_MAX - 1));
    }
}
