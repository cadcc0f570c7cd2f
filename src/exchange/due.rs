//! Timed actions: expiries, dead-man's switches, ends of interruptions.

use super::tournament::Tournament;
use crate::domain::{InstrumentId, LoginId, OrderId, Timestamp};
use std::collections::BTreeMap;

/// Seconds in a day.
pub(super) const DAY_S: u64 = 86_400;

/// The UTC day of a time, counted from 1970.
pub(super) fn day(time: Timestamp) -> u64 {
    time.seconds() / DAY_S
}

/// The next timed actions.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// No action is due before this time, ns.
    pub(super) next: u64,
    /// Good-till-time orders by extra: the second of expiry, then the number.
    expiries: Tournament<(u32, OrderId)>,
    /// Dead-man's switches by login, ns.
    switches: Tournament<u64>,
    /// Ends of interruptions by instrument, ns.
    interruptions: Tournament<u64>,
}

impl Default for Due {
    fn default() -> Self {
        Self {
            next: u64::MAX,
            expiries: Tournament::new((u32::MAX, OrderId(u64::MAX))),
            switches: Tournament::new(u64::MAX),
            interruptions: Tournament::new(u64::MAX),
        }
    }
}

impl Due {
    /// Adds an order that expires at this second.
    pub(super) fn add_expiry(&mut self, extra: u32, expire_s: u32, order: OrderId) {
        self.expiries.set(extra, (expire_s, order));
        self.next = self.next.min(u64::from(expire_s) * Timestamp::SECOND);
    }

    /// Removes a good-till-time order.
    pub(super) fn remove_expiry(&mut self, extra: u32) {
        self.expiries.clear(extra);
    }

    /// Sets when a login's dead-man's switch fires; 0: off.
    pub(super) fn set_switch(&mut self, login: LoginId, at: Timestamp) {
        match at {
            Timestamp(0) => self.switches.clear(login.0),
            Timestamp(at) => self.switches.set(login.0, at),
        }
        self.next = self.next.min(self.switches.least().unwrap_or(u64::MAX));
    }

    /// Sets when an instrument's interruption ends, ns; [`u64::MAX`]: there is none.
    pub(super) fn set_interruption(&mut self, instrument: InstrumentId, at: u64) {
        match at {
            u64::MAX => self.interruptions.clear(instrument.0),
            at => self.interruptions.set(instrument.0, at),
        }
        self.next = self.next.min(at);
    }

    /// Whether exactly these actions are stored (ignoring those that never come): expiries by extra, switches by login,
    /// interruptions by instrument.
    pub(super) fn is(
        &self,
        expiries: &BTreeMap<u32, (u32, OrderId)>,
        switches: impl Iterator<Item = u64>,
        interruptions: impl Iterator<Item = u64>,
    ) -> bool {
        self.expiries.iter().eq(expiries.iter().map(|(extra, key)| (*extra, *key)))
            && self.switches.iter().eq((0..).zip(switches).filter(|(_, at)| ![0, u64::MAX].contains(at)))
            && self.interruptions.iter().eq((0..).zip(interruptions).filter(|(_, at)| *at != u64::MAX))
    }

    /// The extra of the next expired order: by time, then by number. It stays until it is removed.
    pub(super) fn next_expired(&self, now: Timestamp) -> Option<u32> {
        let first = self.expiries.least().filter(|(expire_s, _)| u64::from(*expire_s) <= now.seconds())?;
        self.expiries.first_within(first)
    }

    /// The next login, by id, whose dead-man's switch is due. It stays until it is set again.
    pub(super) fn next_switch(&self, now: Timestamp) -> Option<LoginId> {
        self.switches.first_within(now.0).map(LoginId)
    }

    /// The instruments, by id, whose interruption has ended. They stay until they are set again.
    pub(super) fn interruptions_over(&self, now: Timestamp) -> impl Iterator<Item = InstrumentId> + '_ {
        let over = self.interruptions.iter().filter(move |(_, at)| *at <= now.0);
        over.map(|(instrument, _)| InstrumentId(instrument))
    }

    /// Computes when the next action is due; `others` are the times of actions stored elsewhere.
    pub(super) fn find_next(&mut self, others: [Option<u64>; 2]) {
        let expiry = self.expiries.least().map(|(expire_s, _)| u64::from(expire_s) * Timestamp::SECOND);
        let times = [expiry, self.switches.least(), self.interruptions.least()];
        self.next = times.into_iter().chain(others).flatten().min().unwrap_or(u64::MAX);
    }
}
