//! Funding of perpetuals: when there is one, what it says, and who is charged when.

use super::contracts::exact::small;
use super::contracts::funding::{mean, payment, rate, sample};
use super::positions::Place;
use super::{Naive, SECOND, amount, lots, ticks};
use dojima::domain::{
    AccountId, AssetId, ContractEvent, Event, FundCause, FundingNumber, FundingPaid, FundingSet,
    InstrumentId, PositionLeg,
};
use std::collections::BTreeSet;

/// What a sweep may do: legs that it charges, accounts that it looks at.
const LEGS_MAX: u32 = 1_000;
const ACCOUNTS_MAX: u32 = 10_000;

/// A funding of a contract.
#[derive(Clone, Default)]
pub(super) struct Funding {
    number: u32,
    pub rate: i64,
    mark: i64,
    /// Who has not been charged yet.
    owing: BTreeSet<(AccountId, PositionLeg)>,
    charged: u32,
    /// The account that the sweep looks at next.
    next: u32,
}

impl Naive {
    // What the tests ask.

    /// The positions that have not been charged for the last funding of a contract.
    pub fn owing(&self, instrument: InstrumentId) -> Vec<(AccountId, PositionLeg)> {
        self.instrument(instrument).contract.funding.owing.iter().copied().collect()
    }

    // What the other files ask.

    /// The second of the first funding after now.
    pub(super) fn first_funding(&self, interval: u32) -> Option<u64> {
        let (interval, second) = (u64::from(interval), self.now / SECOND);
        (interval > 0).then(|| (second / interval + 1) * interval)
    }

    /// `F`, the seconds that are left of the interval, and the interval.
    pub(super) fn running_funding(&self, instrument: InstrumentId) -> Option<(i64, u32, u32)> {
        let contract = &self.instrument(instrument).contract;
        let interval = contract.terms?.funding_interval_s;
        let left = contract.next_funding?.saturating_sub(self.now / SECOND);
        Some((contract.funding.rate, left as u32, interval))
    }

    /// A sampling tick that took a sample of the basis takes one of the premium, if there is funding.
    pub(super) fn sample_premium(&mut self, instrument: InstrumentId, bid: i64, ask: i64, index: i64) {
        let contract = &mut self.instrument_mut(instrument).contract;
        if contract.next_funding.is_some() {
            contract.premiums.push(sample(bid, ask, index));
        }
    }

    /// The fundings whose time has come.
    pub(super) fn set_fundings(&mut self) {
        let second = self.now / SECOND;
        for id in self.contracts() {
            let contract = &self.instrument(id).contract;
            let is_due = contract.next_funding.is_some_and(|next| next <= second);
            if is_due && contract.funding.owing.is_empty() {
                self.set_funding(id);
            }
        }
    }

    fn set_funding(&mut self, instrument: InstrumentId) {
        let contract = &self.instrument(instrument).contract;
        let interval = contract.terms.expect("there is funding").funding_interval_s;
        let next = self.first_funding(interval);
        self.instrument_mut(instrument).contract.next_funding = next;
        let Some(mark) = self.instrument(instrument).mark else { return };
        let contract = &self.instrument(instrument).contract;
        let interest = contract.risk.expect("it has a mark").interest_ppb;
        let maintenance = contract.tiers[0].maintenance.0;
        let sum: i128 = contract.premiums.iter().map(|premium| i128::from(*premium)).sum();
        let samples = contract.premiums.len() as u32;
        let rate = rate(sum, samples, interest, maintenance);
        let number = contract.funding.number + 1;
        let has_lots = self.legs.iter().filter(|((_, of, _), leg)| *of == instrument && leg.lots != 0);
        let owing = match rate {
            0 => BTreeSet::new(),
            _ => has_lots.map(|((who, _, leg), _)| (*who, *leg)).collect(),
        };
        let contract = &mut self.instrument_mut(instrument).contract;
        contract.funding = Funding { number, rate, mark: mark as i64, owing, charged: 0, next: 0 };
        contract.premiums.clear();
        let open_interest = lots(Self::open_interest(&self.legs, instrument));
        self.events.push(Event::Contract(ContractEvent::FundingSet(FundingSet {
            instrument,
            number: FundingNumber(number),
            rate_ppb: rate as i32,
            samples,
            premium_ppb: small(&mean(sum, samples)),
            mark: ticks(mark),
            open_interest,
        })));
    }

    /// The position pays or gets what it owes or is owed, if it does.
    pub(super) fn charge(&mut self, place: Place) {
        let (account, instrument, leg) = place;
        let funding = &mut self.instrument_mut(instrument).contract.funding;
        if !funding.owing.remove(&(account, leg)) {
            return;
        }
        funding.charged += 1;
        let (number, rate, mark) = (funding.number, funding.rate, funding.mark);
        let held = self.leg(place).lots;
        let paid = payment(&self.listed_as(instrument), held, rate, mark).expect("limits keep it small");
        let asset = self.settled_in(instrument);
        if self.is_isolated(account, instrument) {
            *self.pots.entry(place).or_default() += i128::from(paid);
        } else {
            *self.held(account, asset) += i128::from(paid);
        }
        self.instrument_mut(instrument).contract.clearing -= i128::from(paid);
        self.events.push(Event::Contract(ContractEvent::FundingPaid(FundingPaid {
            account,
            instrument,
            leg,
            number: FundingNumber(number),
            amount: dojima::domain::Amount(paid),
            pot: amount(self.pot(place)).0,
            wallet: amount(self.wallet(account, asset)).0,
        })));
        self.close_funding(instrument);
    }

    /// When all were charged, what is left over is the fund's.
    fn close_funding(&mut self, instrument: InstrumentId) {
        let contract = &self.instrument(instrument).contract;
        if !contract.funding.owing.is_empty() {
            return;
        }
        let (number, legs) = (FundingNumber(contract.funding.number), contract.funding.charged);
        let remainder = amount(contract.clearing);
        let closed = ContractEvent::FundingClosed { instrument, number, legs, remainder };
        self.events.push(Event::Contract(closed));
        self.clear_to_fund(instrument, FundCause::Funding);
    }

    /// Of a trade the buyer is charged and then the seller.
    pub(super) fn charge_both(&mut self, [buyer, seller]: [Place; 2]) {
        self.charge(buyer);
        self.charge(seller);
    }

    /// Both positions of an account in a contract, if there are two.
    fn charge_in(&mut self, account: AccountId, instrument: InstrumentId) {
        self.places(account, instrument).into_iter().for_each(|place| self.charge(place));
    }

    /// An account is charged for all that it has of contracts that are settled in an asset.
    pub(super) fn charge_all(&mut self, account: AccountId, asset: AssetId) {
        for id in self.contracts() {
            if self.settled_in(id) == asset {
                self.charge_in(account, id);
            }
        }
    }

    /// Everybody who has a position in a contract is charged.
    pub(super) fn charge_everybody(&mut self, instrument: InstrumentId) {
        for (account, leg) in self.owing(instrument) {
            self.charge((account, instrument, leg));
        }
    }

    /// The exchange as it would be if the account were charged.
    pub(super) fn as_if_charged(&self, account: AccountId, asset: AssetId) -> Self {
        let mut charged = self.clone();
        charged.charge_all(account, asset);
        charged
    }

    /// Goes on charging one account after another, as far as one tick may.
    pub(super) fn sweep(&mut self) {
        let (mut charged, mut looked_at) = (0, 0);
        for id in self.contracts() {
            loop {
                let funding = &mut self.instrument_mut(id).contract.funding;
                if funding.owing.is_empty() {
                    break;
                }
                if charged >= LEGS_MAX || looked_at >= ACCOUNTS_MAX {
                    return;
                }
                let account = AccountId(funding.next);
                funding.next += 1;
                looked_at += 1;
                charged += funding.owing.iter().filter(|(of, _)| *of == account).count() as u32;
                self.charge_in(account, id);
            }
        }
    }
}
