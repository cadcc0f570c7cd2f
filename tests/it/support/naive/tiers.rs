//! Fee tiers: by an operator's word or by the volume of the last 30 days.

use super::{DAY, Naive};
use dojima::domain::{AccountId, AdminEvent, Amount, AssetId, Event, FeeTier, RejectReason, VolumeTiers};

impl Naive {
    /// On the first command of a day the tiers are worked out anew.
    pub(super) fn begin_day(&mut self) {
        let day = self.now / DAY;
        if day > self.day {
            self.day = day;
            self.work_out_tiers();
        }
    }

    fn work_out_tiers(&mut self) {
        (0..self.accounts.len()).for_each(|account| self.work_out_tier(account));
    }

    fn work_out_tier(&mut self, account: usize) {
        let tier = self.accounts[account].assigned.unwrap_or_else(|| self.tier_by_volume(account));
        if tier != self.accounts[account].tier {
            self.set_tier(account, tier);
        }
    }

    fn set_tier(&mut self, account: usize, tier: usize) {
        self.accounts[account].tier = tier;
        self.events.push(Event::Admin(AdminEvent::TierSet {
            account: AccountId(account as u32),
            tier: FeeTier(tier as u8),
        }));
    }

    fn tier_by_volume(&self, account: usize) -> usize {
        let Some(tiers) = self.volume_tiers else { return 0 };
        let counts = |day: u64| day < self.day && day + 30 >= self.day;
        let volumes = self.accounts[account].volumes.iter();
        let volume: i128 = volumes.filter(|(day, _)| counts(*day)).map(|(_, volume)| volume).sum();
        let reached = |least: &Amount| least.0 < i64::MAX && i128::from(least.0) <= volume;
        tiers.volume_min.iter().rposition(reached).expect("the first row needs nothing")
    }

    pub(super) fn count_volume(&mut self, account: AccountId, quote: AssetId, notional: i128) {
        if self.volume_tiers.is_none_or(|tiers| tiers.asset != quote) {
            return;
        }
        // The first command of a day may trade before the day's tiers are worked out.
        let today = self.now / DAY;
        let volumes = &mut self.accounts[account.0 as usize].volumes;
        match volumes.iter_mut().find(|(day, _)| *day == today) {
            Some((_, volume)) => *volume += notional,
            None => volumes.push((today, notional)),
        }
    }

    pub(super) fn assign_tier(
        &mut self,
        account: AccountId,
        tier: Option<FeeTier>,
    ) -> Result<(), RejectReason> {
        let at = account.0 as usize;
        if at >= self.accounts.len() {
            return Err(RejectReason::UnknownAccount);
        }
        if tier.is_some_and(|tier| usize::from(tier.0) >= FeeTier::COUNT) {
            return Err(RejectReason::OutOfRange);
        }
        self.accounts[at].assigned = tier.map(|tier| usize::from(tier.0));
        let now = self.accounts[at].assigned.unwrap_or_else(|| self.tier_by_volume(at));
        self.set_tier(at, now);
        Ok(())
    }

    pub(super) fn set_volume_tiers(&mut self, tiers: VolumeTiers) -> Result<(), RejectReason> {
        if usize::from(tiers.asset.0) >= self.assets.len() {
            return Err(RejectReason::UnknownAsset);
        }
        if tiers.volume_min[0] != Amount(0) || !tiers.volume_min.is_sorted() {
            return Err(RejectReason::OutOfRange);
        }
        if self.volume_tiers.is_none_or(|before| before.asset != tiers.asset) {
            self.accounts.iter_mut().for_each(|account| account.volumes.clear());
        }
        self.volume_tiers = Some(tiers);
        self.events.push(Event::Admin(AdminEvent::VolumeTiersSet(tiers)));
        self.work_out_tiers();
        Ok(())
    }

    /// Volumes and what they are held against, at another scale of their asset.
    pub(super) fn convert_volumes(&mut self, asset: AssetId, convert: impl Fn(i128) -> i128) {
        let Some(tiers) = &mut self.volume_tiers else { return };
        if tiers.asset != asset {
            return;
        }
        for least in tiers.volume_min.iter_mut().filter(|least| least.0 < i64::MAX) {
            *least = super::amount(convert(i128::from(least.0)));
        }
        for (_, volume) in self.accounts.iter_mut().flat_map(|account| &mut account.volumes) {
            *volume = convert(*volume);
        }
    }
}
