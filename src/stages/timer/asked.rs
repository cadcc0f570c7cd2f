//! Phases that were asked for and are not known to be set.

use crate::domain::Phase;
use crate::runtime::UnixNanos;
use crate::stages::phases::PhaseAnswers;

/// How often the answers are looked at while one is missing, ns.
pub(super) const LOOK_EVERY: u64 = 100_000_000;

/// How long a phase that was refused is not asked for again, ns: at first, and at most.
const REST_FIRST: u64 = 1_000_000_000;
const REST_MAX: u64 = 60 * REST_FIRST;

/// A phase that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedPhase {
    pub(super) phase: Phase,
    /// The counts of the answers when it was asked for.
    set: u64,
    not_yet: u64,
    prices: u64,
    /// When it may be asked for again, ns since 1970.
    again_at: u64,
    rest: u64,
    is_told: bool,
}

/// What the answers say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing that is new.
    Unknown,
    /// The instrument has got a phase since.
    Set,
    /// It was refused, as far as one can tell.
    Refused,
    /// It was refused, and an index has had a price since: it is asked for again.
    Again,
}

impl AskedPhase {
    /// Asked now, for the watched instrument at this place.
    pub(super) fn new(phase: Phase, at: usize, answers: &PhaseAnswers, now: UnixNanos) -> Self {
        let (set, not_yet, prices) = (answers.set(at), answers.not_yet(), answers.prices());
        let again_at = now.0.saturating_add(REST_FIRST);
        Self { phase, set, not_yet, prices, again_at, rest: REST_FIRST, is_told: false }
    }

    pub(super) fn outcome(&mut self, at: usize, answers: &PhaseAnswers, now: UnixNanos) -> Outcome {
        if answers.set(at) != self.set {
            return Outcome::Set;
        }
        if answers.not_yet() == self.not_yet {
            return Outcome::Unknown;
        }
        if !std::mem::replace(&mut self.is_told, true) {
            return Outcome::Refused;
        }
        match answers.prices() != self.prices && now.0 >= self.again_at {
            true => Outcome::Again,
            false => Outcome::Unknown,
        }
    }

    /// Asked once more.
    pub(super) fn again(&self, at: usize, answers: &PhaseAnswers, now: UnixNanos) -> Self {
        let rest = (self.rest * 2).min(REST_MAX);
        let again_at = now.0.saturating_add(rest);
        Self { again_at, rest, is_told: true, ..Self::new(self.phase, at, answers, now) }
    }
}
