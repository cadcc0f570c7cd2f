//! What is due by time: ends of orders, dead-man's switches, ends of interruptions.

use super::tournament::Tournament;
use crate::domain::{InstrumentId, LoginId, OrderId, Timestamp};
use std::collections::BTreeMap;

/// Seconds of a day.
pub(super) const DAY_S: u64 = 86_400;

/// The UTC day of a time, counted from 1970.
pub(super) fn day(time: Timestamp) -> u64 {
    time.seconds() / DAY_S
}

/// What is due next.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// No command before this time has anything to do here, ns.
    pub(super) next: u64,
    /// Good-till-time orders by their extras: the second of their end, then the number.
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
    /// An order that ends at this second.
    pub(super) fn add_expiry(&mut self, extra: u32, expire_s: u32, order: OrderId) {
        self.expiries.set(extra, (expire_s, order));
        self.next = self.next.min(u64::from(expire_s) * Timestamp::SECOND);
    }

    /// A good-till-time order is gone.
    pub(super) fn remove_expiry(&mut self, extra: u32) {
        self.expiries.clear(extra);
    }

    /// When a login's dead-man's switch cancels its orders; 0: it has none.
    pub(super) fn set_switch(&mut self, login: LoginId, at: Timestamp) {
        match at {
            Timestamp(0) => self.switches.clear(login.0),
            Timestamp(at) => self.switches.set(login.0, at),
        }
        self.next = self.next.min(self.switches.least().unwrap_or(u64::MAX));
    }

    /// When an instrument's interruption ends, ns; [`u64::MAX`]: there is none.
    pub(super) fn set_interruption(&mut self, instrument: InstrumentId, at: u64) {
        match at {
            u64::MAX => self.interruptions.clear(instrument.0),
            at => self.interruptions.set(instrument.0, at),
        }
        self.next = self.next.min(at);
    }

    /// Whether nothing else is kept than this (one that never comes is none): good-till-time orders by extra, switches by login, interruptions by instrument.
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

    /// The extra of the next order whose time has come: by time, then by number. It stays until it is removed.
    pub(super) fn next_expired(&self, now: Timestamp) -> Option<u32> {
        let first = self.expiries.least().filter(|(expire_s, _)| u64::from(*expire_s) <= now.seconds())?;
        self.expiries.first_within(first)
    }

    /// The next login, by its id, whose dead-man's switch is due. It stays until it is set anew.
    pub(super) fn next_switch(&self, now: Timestamp) -> Option<LoginId> {
        self.switches.first_within(now.0).map(LoginId)
    }

    /// The next instrument, by its id, whose interruption is over. It stays until it is set anew.
    pub(super) fn next_interruption(&self, now: Timestamp) -> Option<InstrumentId> {
        self.interruptions.first_within(now.0).map(InstrumentId)
    }

    /// Works out when something is due next; `other`: what is due beside what is kept here.
    pub(super) fn find_next(&mut self, other: Option<u64>) {
        let expiry = self.expiries.least().map(|(expire_s, _)| u64::from(expire_s) * Timestamp::SECOND);
        let times = [expiry, self.switches.least(), self.interruptions.least(), other];
        self.next = times.into_iter().flatten().min().unwrap_or(u64::MAX);
    }
}
