//! Checks passwords against their hashes: one at a time, outside the authenticator's thread.
//!
//! A check takes tens of milliseconds of processor time. It runs on a thread that uses only idle cores and gives them
//! up at once ([`Priority::Idle`]). With any other priority it could keep an order waiting until the system's next
//! tick, 4 ms, if both meet on one core. If that thread has no verdict within [`BACKGROUND_MAX`], no core is idle; a
//! second thread of normal priority then makes the same check, and the first verdict counts.

use super::password::{Checker, Hash};
use crate::domain::Password;
use crate::runtime::handoff::{Giver, Taker, handoff};
use crate::runtime::{Doorbell, Next, Priority, SideThread};
use std::io;
use std::time::Duration;

/// How long a check may take in the background. The most expensive hash allowed takes about this long on its own core.
const BACKGROUND_MAX: Duration = Duration::from_millis(100);

/// A check and its number.
#[derive(Clone)]
struct Check {
    number: u64,
    password: Password,
    hash: Hash,
}

/// The result of a check: whether the password is right.
#[derive(Debug)]
struct Verdict {
    number: u64,
    is_right: bool,
}

/// Checks passwords, one at a time.
pub struct Hasher(Place);

enum Place {
    /// On the thread that asks.
    Here {
        checker: Checker,
        verdict: Option<bool>,
    },
    Threads(Threads),
}

impl Hasher {
    /// Checks on the calling thread, for processes with a single thread.
    pub fn here() -> Self {
        Self(Place::Here { checker: Checker::default(), verdict: None })
    }

    /// Checks on two threads, which ring `bells` when they have a verdict.
    ///
    /// # Errors
    /// If the system cannot create a thread.
    pub fn on_threads(bells: &[Doorbell]) -> io::Result<Self> {
        let background = Worker::begin("passwords-idle", Priority::Idle, bells)?;
        let foreground = Worker::begin("passwords", Priority::Low, bells)?;
        Ok(Self(Place::Threads(Threads { background, foreground, underway: None, number: 0 })))
    }

    /// Starts a check. The previous one must have a verdict.
    pub(super) fn begin(&mut self, password: &Password, hash: &Hash, now: u64) {
        match &mut self.0 {
            Place::Here { checker, verdict } => *verdict = Some(checker.matches(password, hash)),
            Place::Threads(threads) => threads.begin(*password, hash.clone(), now),
        }
    }

    /// The verdict; it is returned once.
    pub(super) fn verdict(&mut self, now: u64) -> Option<bool> {
        match &mut self.0 {
            Place::Here { verdict, .. } => verdict.take(),
            Place::Threads(threads) => threads.verdict(now),
        }
    }
}

struct Threads {
    background: Worker,
    foreground: Worker,
    underway: Option<Underway>,
    number: u64,
}

/// A check without a verdict yet.
struct Underway {
    check: Check,
    /// When the second thread gets the check, ns; `None` if it already has.
    foreground_from: Option<u64>,
}

impl Threads {
    fn begin(&mut self, password: Password, hash: Hash, now: u64) {
        self.number += 1;
        let check = Check { number: self.number, password, hash };
        let given = self.background.give(&check);
        let wait = if given { BACKGROUND_MAX.as_nanos() as u64 } else { 0 };
        self.underway = Some(Underway { check, foreground_from: Some(now + wait) });
    }

    fn verdict(&mut self, now: u64) -> Option<bool> {
        let Self { background, foreground, underway, number } = self;
        let of_both = [background.take(), foreground.take()];
        let found = of_both.into_iter().flatten().find(|verdict| verdict.number == *number);
        let waiting = underway.as_mut()?;
        if let Some(Verdict { is_right, .. }) = found {
            *underway = None;
            return Some(is_right);
        }
        if waiting.foreground_from.is_some_and(|from| now >= from) && foreground.give(&waiting.check) {
            waiting.foreground_from = None;
        }
        None
    }
}

/// A thread that makes one check at a time.
struct Worker {
    checks: Giver<Check>,
    verdicts: Taker<Verdict>,
    /// Whether it has a check whose verdict was not taken.
    is_busy: bool,
    thread: SideThread,
}

impl Worker {
    fn begin(name: &str, priority: Priority, bells: &[Doorbell]) -> io::Result<Self> {
        let (checks, asked) = handoff::<Check>(1);
        let (answers, verdicts) = handoff(1);
        let (bells, mut checker) = (bells.to_vec(), Checker::default());
        let thread = SideThread::begin(name, priority, move || {
            let Some(check) = asked.try_take() else { return Next::Sleep };
            let is_right = checker.matches(&check.password, &check.hash);
            // There is room: the previous verdict was taken before this check came.
            let _ = answers.give(Verdict { number: check.number, is_right });
            bells.iter().for_each(Doorbell::ring);
            Next::Work
        })?;
        Ok(Self { checks, verdicts, is_busy: false, thread })
    }

    /// Gives it a check. Returns false if it is still busy with another one.
    fn give(&mut self, check: &Check) -> bool {
        if self.is_busy || self.checks.try_give(check.clone()).is_err() {
            return false;
        }
        self.is_busy = true;
        self.thread.wake();
        true
    }

    fn take(&mut self) -> Option<Verdict> {
        let verdict = self.verdicts.try_take()?;
        self.is_busy = false;
        Some(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::super::password::Secret;
    use super::*;
    use crate::wire::soup;

    const MS: u64 = 1_000_000;

    fn password(text: &str) -> Password {
        soup::password(text).expect("a password")
    }

    fn hash(of: &str) -> Hash {
        let text = super::super::hash(&password(of)).expect("a hash");
        let secret = Secret::from_hash(&text).expect("readable");
        secret.as_hash().expect("it is one").clone()
    }

    fn wait_for(mut verdict: impl FnMut() -> Option<bool>) -> bool {
        loop {
            if let Some(is_right) = verdict() {
                return is_right;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_verdict_is_of_the_check_that_was_begun_last() {
        let mut hasher = Hasher::on_threads(&[]).expect("threads");
        let hash = hash("RIGHT");
        for (text, is_right) in [("RIGHT", true), ("WRONG", false), ("RIGHT", true)] {
            hasher.begin(&password(text), &hash, 0);
            assert_eq!(wait_for(|| hasher.verdict(0)), is_right, "{text}");
            assert_eq!(hasher.verdict(0), None, "it is told once");
        }
    }

    #[test]
    fn a_check_that_the_background_does_not_get_done_is_made_by_the_other_thread() {
        let hash = hash("RIGHT");
        let mut hasher = Hasher::on_threads(&[]).expect("threads");
        let Place::Threads(threads) = &mut hasher.0 else { panic!("threads") };
        // As if the thread were at another check that never ends.
        threads.background.is_busy = true;
        threads.begin(password("RIGHT"), hash.clone(), 0);
        assert!(wait_for(|| threads.verdict(0)));

        // The thread has the check, but no core.
        let (checks, never_taken) = handoff(1);
        (threads.background.checks, threads.background.is_busy) = (checks, false);
        threads.begin(password("WRONG"), hash.clone(), 1_000 * MS);
        assert_eq!(never_taken.len(), 1, "the background has it first");
        let late = 1_000 * MS + BACKGROUND_MAX.as_nanos() as u64;
        assert_eq!(threads.verdict(late - 1), None);
        assert!(!threads.foreground.is_busy, "not yet");
        assert!(!wait_for(|| threads.verdict(late)), "the other thread made it");

        // The background thread gives its verdict late; the next check has its own verdict.
        let stale = never_taken.try_take().expect("the check");
        let (answers, verdicts) = handoff(1);
        threads.background.verdicts = verdicts;
        threads.begin(password("RIGHT"), hash, late);
        answers.give(Verdict { number: stale.number, is_right: false }).expect("room");
        assert!(wait_for(|| threads.verdict(late)), "of the check that was begun last");
        assert!(!threads.background.is_busy, "it can be given checks again");
    }
}
