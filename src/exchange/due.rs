//! What happens because time has passed: orders expire, dead-man's switches go off, interruptions end, days begin.

use super::agenda::Task;
use super::sink::EventSink;
use super::tournament::Tournament;
use super::{Exchange, accounts::Volumes};
use crate::domain::{AccountId, CancelReason, InstrumentId, LoginId, OrderId, Phase, Timestamp};
use std::collections::BTreeMap;

const DAY_S: u64 = 86_400;

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
}

impl Exchange {
    /// Cancels good-till-time orders whose time has come.
    pub(super) fn expire(&mut self, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        while let Some(extra) = self.shared.due.next_expired(self.shared.now) {
            if self.shared.touched >= limit {
                return self.agenda.push(Task::Expire);
            }
            let handle = self.shared.extras.at(extra).links.handle;
            let instrument = self.shared.orders.cold(handle).instrument;
            // It costs three times what another cancel costs, which counts once.
            self.shared.touched += 2;
            self.market(instrument, events).cancel_whole(handle, CancelReason::Expired);
        }
    }

    /// Ends interruptions that are over, one after another.
    pub(super) fn end_interruptions(&mut self) {
        if let Some(instrument) = self.shared.due.next_interruption(self.shared.now) {
            // Its phase begins before this task comes again.
            self.agenda.push(Task::EndInterruptions);
            self.change_phase(instrument, Phase::Continuous);
        }
    }

    /// Starts the volumes of another day, if there are any and this is one. Accounts follow when they are looked at.
    pub(super) fn begin_day(&mut self) -> bool {
        let today = day(self.shared.now);
        let begun = self.shared.volumes.as_mut().filter(|volumes| today > volumes.day);
        begun.map(|volumes| volumes.day = today).is_some()
    }

    /// Puts the accounts from this one on that have no row assigned on those that their volumes reach, for as long as the present
    /// part may. An account counts like an order.
    pub(super) fn find_tiers(&mut self, first: AccountId, events: &mut impl EventSink) {
        let count = self.shared.limits.orders_touched_max.saturating_sub(self.shared.touched);
        let next = self.find_tiers_from(first, count as usize, events);
        self.shared.touched += count.min(self.shared.accounts.len() as u32 - first.0);
        if let Some(next) = next {
            self.agenda.push(Task::FindTiers(next));
        }
    }

    /// The same for so many accounts at most, in the order of their ids; the next one, if there is one.
    pub(super) fn find_tiers_from(
        &mut self,
        first: AccountId,
        count: usize,
        events: &mut impl EventSink,
    ) -> Option<AccountId> {
        let accounts = self.shared.accounts.len();
        let end = accounts.min((first.0 as usize).saturating_add(count));
        (first.0..end as u32).for_each(|account| self.find_tier(AccountId(account), events));
        (end < accounts).then_some(AccountId(end as u32))
    }

    /// Works out when something is due next.
    pub(super) fn next_due(&mut self) {
        let midnight = |volumes: &Volumes| ((volumes.day + 1) * DAY_S).saturating_mul(Timestamp::SECOND);
        let day = self.shared.volumes.as_deref().map(midnight);
        let due = &mut self.shared.due;
        let expiry = due.expiries.least().map(|(expire_s, _)| u64::from(expire_s) * Timestamp::SECOND);
        let times = [expiry, due.switches.least(), due.interruptions.least(), day];
        due.next = times.into_iter().flatten().min().unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AdminEvent, AssetId, Event, FeeTier, VolumeTiers};
    use crate::exchange::accounts::Account;

    #[test]
    fn tiers_are_found_in_parts_and_in_the_order_of_accounts() {
        let mut exchange = Exchange::new(Default::default());
        let off_their_row = Account { tier: FeeTier(1), ..Account::default() };
        exchange.shared.accounts = vec![off_their_row; 5];
        let tiers = VolumeTiers { asset: AssetId(0), ..VolumeTiers::default() };
        exchange.shared.volumes = Some(Box::new(Volumes::new(tiers, 0, 5)));
        let mut events = Vec::new();
        assert_eq!(exchange.find_tiers_from(AccountId(0), 2, &mut events), Some(AccountId(2)));
        assert_eq!(events.len(), 2);
        assert_eq!(exchange.find_tiers_from(AccountId(2), 2, &mut events), Some(AccountId(4)));
        assert_eq!(exchange.find_tiers_from(AccountId(4), 2, &mut events), None);
        let told: Vec<Event> = (0..5)
            .map(|at| Event::Admin(AdminEvent::TierSet { account: AccountId(at), tier: FeeTier(0) }))
            .collect();
        assert_eq!(events, told);
    }
}
