//! What happens because time has passed: orders expire, dead-man's switches go off, interruptions end, days begin.

use super::book::Handle;
use super::sink::EventSink;
use super::{Exchange, accounts::Volumes};
use crate::domain::{AccountId, CancelReason, InstrumentId, OrderId, Phase, Timestamp};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
    /// Good-till-time orders by the second of their end, then by number. Those that are gone stay in it until their time
    /// comes or too many have gathered.
    expiries: BinaryHeap<Reverse<(u32, OrderId, Handle)>>,
    /// How many of them are open.
    open: usize,
}

impl Default for Due {
    fn default() -> Self {
        Self { next: u64::MAX, expiries: BinaryHeap::new(), open: 0 }
    }
}

impl Due {
    /// What is kept of these open orders.
    pub(super) fn of_all(expiries: Vec<(u32, OrderId, Handle)>) -> Self {
        let open = expiries.len();
        Self { next: u64::MAX, expiries: expiries.into_iter().map(Reverse).collect(), open }
    }

    /// An order that ends at this second.
    pub(super) fn add(&mut self, expire_s: u32, order: OrderId, handle: Handle) {
        self.open += 1;
        self.expiries.push(Reverse((expire_s, order, handle)));
        // With too many that are gone, the next command tidies up.
        let at = if self.is_stale() { 0 } else { u64::from(expire_s) * Timestamp::SECOND };
        self.next = self.next.min(at);
    }

    /// A good-till-time order is gone.
    pub(super) fn order_gone(&mut self) {
        self.open = self.open.checked_sub(1).expect("it was counted when it came");
    }

    /// Whether most of what is kept is of orders that are gone.
    fn is_stale(&self) -> bool {
        self.expiries.len() > 2 * self.open + 64
    }
}

impl Exchange {
    /// Cancels good-till-time orders whose time has come.
    pub(super) fn expire(&mut self, events: &mut impl EventSink) {
        let now = self.shared.now;
        while let Some(Reverse((expire_s, id, handle))) = self.shared.due.expiries.peek().copied() {
            if u64::from(expire_s) > now.seconds() {
                break;
            }
            self.shared.due.expiries.pop();
            if self.shared.is_live(handle, id) {
                let instrument = self.shared.orders.get(handle).instrument;
                self.market(instrument, events).cancel_whole(handle, CancelReason::Expired);
            }
        }
    }

    /// Ends interruptions that are over.
    pub(super) fn end_interruptions(&mut self, events: &mut impl EventSink) {
        for at in 0..self.instruments.len() {
            if self.instruments[at].resume_at <= self.shared.now.0 {
                self.market(InstrumentId(at as u32), events).change_phase(Phase::Continuous);
            }
        }
    }

    /// Starts the volumes of another day, if there are any and this is one. Accounts follow when they are looked at.
    pub(super) fn begin_day(&mut self) -> bool {
        let today = day(self.shared.now);
        let begun = self.shared.volumes.as_mut().filter(|volumes| today > volumes.day);
        begun.map(|volumes| volumes.day = today).is_some()
    }

    /// Puts every account that has no row assigned on the one that its volume reaches.
    pub(super) fn find_tiers(&mut self, events: &mut impl EventSink) {
        self.find_tiers_from(AccountId(0), usize::MAX, events);
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
        if self.shared.due.is_stale() {
            let mut expiries = std::mem::take(&mut self.shared.due.expiries);
            expiries.retain(|Reverse((_, id, handle))| self.shared.is_live(*handle, *id));
            self.shared.due.open = expiries.len();
            self.shared.due.expiries = expiries;
        }
        let expiry = self.shared.due.expiries.peek();
        let expiry = expiry.map_or(u64::MAX, |Reverse((at, ..))| u64::from(*at) * Timestamp::SECOND);
        let interruption = self.instruments.iter().map(|instrument| instrument.resume_at).min();
        let midnight = |volumes: &Volumes| ((volumes.day + 1) * DAY_S).saturating_mul(Timestamp::SECOND);
        let day = self.shared.volumes.as_deref().map_or(u64::MAX, midnight);
        let switch = self.next_switch();
        self.shared.due.next = expiry.min(interruption.unwrap_or(u64::MAX)).min(day).min(switch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetId, Event, FeeTier, VolumeTiers};
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
        let told: Vec<Event> =
            (0..5).map(|at| Event::TierSet { account: AccountId(at), tier: FeeTier(0) }).collect();
        assert_eq!(events, told);
    }
}
