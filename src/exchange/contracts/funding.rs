//! Funding of perpetuals: the rate of each funding, and when positions are charged for it (docs/FUTURES.md, "Funding").
//!
//! A funding freezes its rate and its mark, and a position is charged before its lots change. So it does not matter when
//! each is charged, and no command goes through all positions.

use super::super::contract::{Charging, Undo};
use super::super::instrument::Instrument;
use super::super::market::Market;
use super::super::positions::{At, Position};
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::contracts::{Funding, FundingTerms};
use crate::domain::{
    AccountId, Amount, AssetId, ContractEvent, Event, FundCause, FundChanged, FundingPaid, FundingSet,
    InstrumentId, MarginMode, Phase, PositionLeg, Quantity,
};

/// A tick goes on to the next account while it has charged fewer legs, and looked at fewer accounts.
const CHARGED_MAX: u32 = 1_000;
const LOOKED_MAX: u32 = 10_000;

impl Exchange {
    /// Charges the next positions, and sets the fundings that are due.
    pub(in crate::exchange) fn fund(&mut self, events: &mut impl EventSink) {
        self.charge_next(events);
        let now = self.shared.now.seconds();
        let due = |known: &&Instrument| {
            known.contract.as_ref().is_some_and(|contract| contract.fundings.is_due(now))
        };
        while let Some(known) = self.instruments.iter().find(due) {
            self.set_funding(known.listing.instrument, events);
        }
    }

    /// Sets the rate of a funding that is due. Only a contract with a mark that is not delisted has one.
    fn set_funding(&mut self, instrument: InstrumentId, events: &mut impl EventSink) {
        let now = self.shared.now.seconds();
        let known = &mut self.instruments[instrument.0 as usize];
        let is_delisted = known.listing.phase == Phase::Delisted;
        let contract = known.contract.as_mut().expect("it is a contract");
        let interval_s = contract.funding_interval_s();
        contract.fundings.set_next(now, if is_delisted { 0 } else { interval_s });
        let Some(((mark, tiers), risk)) = known.mark.zip(contract.tiers).zip(contract.risk) else { return };
        let Some(first) = tiers.rows().next().filter(|_| !is_delisted) else { return };
        let terms = FundingTerms { interest_ppb: risk.interest_ppb, maintenance: first.maintenance };
        let fundings = &mut contract.fundings;
        let premium = std::mem::take(&mut fundings.premium);
        let rate = premium.rate(&terms);
        fundings.number.0 += 1;
        fundings.last = Some(Funding { rate, mark });
        let set = FundingSet {
            instrument,
            number: fundings.number,
            rate_ppb: i32::try_from(rate.0).expect("at most three quarters of a maintenance rate"),
            samples: premium.samples,
            premium_ppb: premium.mean(),
            mark,
            open_interest: Quantity(contract.open_interest),
        };
        if !set.charges_nobody() {
            fundings.charging = Some(Charging { left: contract.legs, ..Charging::default() });
        }
        events.push(Event::Contract(ContractEvent::FundingSet(set)));
    }

    /// Charges the next positions, in the order of contract, account, long before short.
    fn charge_next(&mut self, events: &mut impl EventSink) {
        let (mut charged, mut looked) = (0, 0);
        for instrument in (0..self.instruments.len()).map(|at| InstrumentId(at as u32)) {
            while self.is_charging(instrument) {
                if charged >= CHARGED_MAX || looked >= LOOKED_MAX {
                    return;
                }
                looked += 1;
                charged += self.market(instrument, events).charge_next_account();
            }
        }
    }

    /// Whether there are positions to be charged for the last funding of a contract.
    pub(super) fn is_charging(&self, instrument: InstrumentId) -> bool {
        let contract = self.instruments[instrument.0 as usize].contract.as_ref();
        contract.is_some_and(|contract| contract.fundings.charging.is_some())
    }

    /// Charges all positions of an account that are settled in this asset, in the order of contract, long before short.
    pub(in crate::exchange) fn charge_account(
        &mut self,
        account: AccountId,
        asset: AssetId,
        events: &mut impl EventSink,
    ) {
        for at in 0..self.contracts.by_ordinal.len() {
            let instrument = self.contracts.by_ordinal[at];
            let settles = self.instruments[instrument.0 as usize].listing.settled_in() == asset;
            if settles && self.is_charging(instrument) {
                self.market(instrument, events).charge_both(account);
            }
        }
    }

    /// What the cross positions of an account that are not charged owe or are owed in this asset, minor units.
    pub(in crate::exchange) fn funding_due(&self, account: AccountId, asset: AssetId) -> i128 {
        let holdings = self.shared.positions.holdings_of(account, asset);
        let of_cross = holdings.filter(|holding| holding.mode == MarginMode::Cross);
        of_cross
            .map(|holding| {
                let id = self.contracts.by_ordinal[usize::from(holding.contract().0)];
                let contract = self.instruments[id.0 as usize].contract.as_ref();
                let Some(contract) = contract else { return 0 };
                let due = |position: &Position| i128::from(contract.due(position).unwrap_or_default().0);
                holding.positions.iter().map(due).sum()
            })
            .sum()
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Charges a position for the last funding, unless it was or has no lots. Returns whether it did.
    #[inline]
    pub(in crate::exchange) fn charge(&mut self, account: AccountId, which: usize) -> bool {
        self.contract().fundings.charging.is_some() && self.charge_now(account, which)
    }

    /// Charges both positions of an account, long before short. Returns how many it charged.
    fn charge_both(&mut self, account: AccountId) -> u32 {
        (0..2).map(|which| u32::from(self.charge(account, which))).sum()
    }

    /// Charges the positions of the account that is next in the funding under way. Returns how many.
    pub(super) fn charge_next_account(&mut self) -> u32 {
        let charging = self.contract_mut().fundings.charging.as_mut().expect("a funding is under way");
        let account = charging.next;
        // A funding is closed when its last leg is charged, so this is an account that exists.
        charging.next = AccountId(account.0 + 1);
        self.charge_both(account)
    }

    /// The same in a dry run: it is undone, and does not close the funding.
    #[inline]
    pub(super) fn charge_dry(&mut self, account: AccountId, which: usize) {
        if self.contract().fundings.charging.is_some()
            && let Some((at, before, _, wallet)) = self.pay_funding(account, which)
        {
            self.shared.undo.push(Undo { at, which, before, wallet, fee: Amount(0) });
        }
    }

    #[cold]
    fn charge_now(&mut self, account: AccountId, which: usize) -> bool {
        let Some((at, _, amount, _)) = self.pay_funding(account, which) else { return false };
        let contract = self.contract_mut();
        contract.clearing -= amount.0;
        let number = contract.fundings.number;
        let is_last = contract.fundings.count_charged();
        let pot = self.shared.positions.find(at).map_or(0, |holding| holding.positions[which].pot);
        let paid = FundingPaid {
            account,
            instrument: self.instrument.listing.instrument,
            leg: self.leg_name(account, which),
            number,
            amount,
            pot,
            wallet: self.wallet_of(account),
        };
        self.events.push(Event::Contract(ContractEvent::FundingPaid(paid)));
        if is_last {
            self.close_funding();
        }
        true
    }

    /// Moves what a position owes or is owed. Returns whose it was, the position before, the amount, and the change of the
    /// wallet.
    fn pay_funding(&mut self, account: AccountId, which: usize) -> Option<(At, Position, Amount, i64)> {
        let at = self.at(account);
        let holding = self.shared.positions.find(at)?;
        let (before, mode) = (holding.positions[which], holding.mode);
        let amount = self.contract().due(&before)?;
        let number = self.contract().fundings.number;
        let (of_pot, of_wallet) = match mode {
            MarginMode::Cross => (0, amount.0),
            MarginMode::Isolated => (amount.0, 0),
        };
        self.shared.positions.change(at, |holding| {
            let position = &mut holding.positions[which];
            position.charged = number;
            position.pot += of_pot;
        });
        let asset = self.instrument.listing.settled_in();
        self.shared.ledger.pay(account, asset, of_wallet);
        Some((at, before, amount, of_wallet))
    }

    /// Every leg is charged: the fund gets what is left over.
    fn close_funding(&mut self) {
        let instrument = self.instrument.listing.instrument;
        let contract = self.contract_mut();
        let legs = contract.fundings.charging.take().map_or(0, |charging| charging.charged);
        let remainder = Amount(std::mem::take(&mut contract.clearing));
        let number = contract.fundings.number;
        let closed = ContractEvent::FundingClosed { instrument, number, legs, remainder };
        self.events.push(Event::Contract(closed));
        self.give_to_fund(remainder, FundCause::Funding);
    }

    /// The fund of the settlement asset gets what is left over of a funding or a settlement.
    pub(super) fn give_to_fund(&mut self, amount: Amount, cause: FundCause) {
        assert!(amount.0 >= 0, "who pays pays the fractions");
        if amount.0 == 0 {
            return;
        }
        let listing = self.instrument.listing;
        let asset = listing.settled_in();
        let fund = self.shared.funds.change(asset, amount.0);
        self.events.push(Event::Contract(ContractEvent::FundChanged(FundChanged {
            asset,
            shard: listing.shard,
            cause,
            instrument: Some(listing.instrument),
            amount,
            fund,
            reference: 0,
        })));
    }

    /// How a position of an account is called.
    pub(super) fn leg_name(&self, account: AccountId, which: usize) -> PositionLeg {
        match (self.shared.positions.hedges(account), which) {
            (false, _) => PositionLeg::Net,
            (true, 0) => PositionLeg::Long,
            (true, _) => PositionLeg::Short,
        }
    }
}
