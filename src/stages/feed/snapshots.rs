//! Snapshots of the books for those who come late. One is kept for as long as somebody takes it, so there are few. Where all of
//! them are held, by clients that are slow or mean to be, the next one gets the newest of these: it is older, and the stream has
//! more that follows.

use std::sync::{Arc, Weak};

/// How old a snapshot may be that is given to the next who asks, ns. The stream goes on from any of them.
const AGE_NS: u64 = 1_000_000_000;

/// Snapshots of one session in memory at one time.
const KEPT_MAX: usize = 8;

/// How long clients may take for a snapshot from when it was made, and each of them at least, ns.
const TAKE_NS: u64 = 120_000_000_000;
const TAKE_MIN_NS: u64 = 30_000_000_000;

/// The books as they were, as packets.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) bytes: Vec<u8>,
    /// When it was made, ns.
    made: u64,
}

impl Snapshot {
    /// How long a client may take for it that gets it now, ns.
    pub(super) fn take_ns(&self, now: u64) -> u64 {
        (self.made + TAKE_NS).saturating_sub(now).max(TAKE_MIN_NS)
    }

    /// Whether whoever comes may have it although it is not of the present: not for ever, or it would never go.
    fn may_still_be_given(&self, now: u64) -> bool {
        now.saturating_sub(self.made) < TAKE_NS
    }
}

/// Those of the present session.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// The one that is given to whoever asks.
    present: Option<Arc<Snapshot>>,
    /// All that somebody may still take, the oldest first.
    kept: Vec<Weak<Snapshot>>,
}

impl Snapshots {
    /// Another session has begun: what is there is given to nobody any more, and goes with those who take it.
    pub(super) fn begin_session(&mut self) {
        *self = Self::default();
    }

    /// The one that is given to whoever asks; `None`: it has to be made, or is to be asked for later.
    pub(super) fn present(&self) -> Option<&Arc<Snapshot>> {
        self.present.as_ref()
    }

    /// Whether one is to be made for somebody who asks now. Where there is no room for one more, the newest is the present one.
    pub(super) fn wants_another(&mut self, now: u64) -> bool {
        self.kept.retain(|kept| kept.strong_count() > 0);
        if self.kept.len() < KEPT_MAX {
            return true;
        }
        let newest = self.kept.last().and_then(Weak::upgrade);
        self.present = newest.filter(|newest| newest.may_still_be_given(now));
        false
    }

    /// Forgets the present one when it is old.
    pub(super) fn age(&mut self, now: u64) {
        self.present.take_if(|present| now.saturating_sub(present.made) >= AGE_NS);
    }

    /// One was made.
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

    /// Somebody comes: what it is given, made if need be.
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
        // Holders take whatever comes, and keep it for as long as they may.
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
