//! Actions caused by time: orders expire, interruptions end, days begin.

use super::accounts::Volumes;
use super::due::{DAY_S, day};
use super::sink::EventSink;
use super::state::Exchange;
use super::task::Task;
use crate::domain::{AccountId, CancelReason, InstrumentId, Phase, Timestamp};

impl Exchange {
    /// Cancels good-till-time orders that have expired.
    pub(super) fn expire(&mut self, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        while let Some(extra) = self.shared.due.next_expired(self.shared.now) {
            if self.shared.touched >= limit {
                return self.agenda.push(Task::Expire);
            }
            let handle = self.shared.extras.at(extra).links.handle;
            let instrument = self.shared.orders.cold(handle).instrument;
            // It costs three times as much as another cancel, which counts once.
            self.shared.touched += 2;
            self.market(instrument, events).cancel_whole(handle, CancelReason::Expired);
        }
    }

    /// Ends interruptions that are over, one after another.
    pub(super) fn end_interruptions(&mut self) {
        let now = self.shared.now;
        // An auction of a contract waits for a fresh index.
        let may_end = |id: &InstrumentId| !self.instruments[id.0 as usize].is_stale(now);
        let next = self.shared.due.interruptions_over(now).find(may_end);
        if let Some(instrument) = next {
            // Its phase begins before this task continues.
            self.agenda.push(Task::EndInterruptions);
            self.change_phase(instrument, Phase::Continuous);
        }
    }

    /// Starts a new day for the volumes, if there are any and the day has changed. Accounts are updated when they are
    /// used.
    pub(super) fn begin_day(&mut self) -> bool {
        let today = day(self.shared.now);
        let begun = self.shared.volumes.as_mut().filter(|volumes| today > volumes.day);
        begun.map(|volumes| volumes.day = today).is_some()
    }

    /// Sets the fee tiers of accounts without an assigned row by their volumes, from this account on, while the present
    /// part may. An account counts like an order.
    pub(super) fn find_tiers(&mut self, first: AccountId, events: &mut impl EventSink) {
        let count = self.shared.limits.orders_touched_max.saturating_sub(self.shared.touched);
        let next = self.find_tiers_from(first, count as usize, events);
        self.shared.touched += count.min(self.shared.accounts.len() as u32 - first.0);
        if let Some(next) = next {
            self.agenda.push(Task::FindTiers(next));
        }
    }

    /// The same for a limited number of accounts, by id; returns the next one, if any.
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

    /// Computes when the next timed action is due.
    pub(super) fn next_due(&mut self) {
        let midnight = |volumes: &Volumes| ((volumes.day + 1) * DAY_S).saturating_mul(Timestamp::SECOND);
        let day = self.shared.volumes.as_deref().map(midnight);
        let expiry = self.expiring().map(|(at, _)| at).min();
        self.shared.due.find_next([day, expiry]);
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
