//! What became of the phases that a schedule has asked for: the archiver tells the timer, which cannot see events.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::domain::{AdminEvent, ContractEvent, Event, InstrumentId, MarketEvent, RejectReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of events in the event log since the start.
#[derive(Debug, Default)]
struct Counts {
    /// By place of the instrument among those that are watched: how often its phase was set, by whomever.
    set: Vec<AtomicU64>,
    /// Commands that were refused because a contract is not complete or its index is stale, whatever they asked.
    not_yet: AtomicU64,
    /// Prices of indexes that were taken.
    prices: AtomicU64,
}

/// The archiver's side.
#[derive(Debug)]
pub struct PhaseNotes {
    instruments: Vec<InstrumentId>,
    counts: Arc<Counts>,
}

/// The timer's side.
#[derive(Debug)]
pub struct PhaseAnswers(Arc<Counts>);

/// Watches these instruments.
pub fn phase_answers(instruments: Vec<InstrumentId>) -> (PhaseNotes, PhaseAnswers) {
    let set = instruments.iter().map(|_| AtomicU64::new(0)).collect();
    let counts = Arc::new(Counts { set, ..Counts::default() });
    (PhaseNotes { instruments, counts: Arc::clone(&counts) }, PhaseAnswers(counts))
}

impl PhaseNotes {
    /// Takes note of an event that is in the event log.
    pub fn note(&self, event: &Event) {
        let counted = match event {
            Event::Market(MarketEvent::PhaseSet { instrument, .. }) => {
                let at = self.instruments.iter().position(|watched| watched == instrument);
                at.map(|at| &self.counts.set[at])
            }
            Event::Admin(AdminEvent::Refused {
                reason: RejectReason::ContractIncomplete | RejectReason::IndexStale,
            }) => Some(&self.counts.not_yet),
            Event::Contract(ContractEvent::IndexSet(_)) => Some(&self.counts.prices),
            Event::Order(_) | Event::Venue(_) | Event::Admin(_) | Event::Market(_) | Event::Contract(_) => {
                None
            }
        };
        if let Some(counted) = counted {
            counted.fetch_add(1, Ordering::Release);
        }
    }
}

impl PhaseAnswers {
    /// How often the phase of the watched instrument at this place was set.
    pub fn set(&self, at: usize) -> u64 {
        self.0.set[at].load(Ordering::Acquire)
    }

    /// How many commands were refused because a contract is not complete or its index is stale.
    pub fn not_yet(&self) -> u64 {
        self.0.not_yet.load(Ordering::Acquire)
    }

    /// How many prices of indexes were taken.
    pub fn prices(&self) -> u64 {
        self.0.prices.load(Ordering::Acquire)
    }
}
