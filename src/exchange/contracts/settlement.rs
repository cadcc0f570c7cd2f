//! The end of a contract: it expires, or an operator closes it out (docs/FUTURES.md, "Expiry and settlement").

use super::super::market::Market;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use super::super::task::{Settling, Task};
use crate::domain::contracts::Leg;
use crate::domain::{
    AccountId, Amount, CancelReason, ContractEvent, Event, FundCause, InstrumentId, MarginMode, Phase,
    PositionCause, PositionChanged, Price, RejectReason, TradeId,
};

impl Exchange {
    /// The contracts that will expire, by id, each with its time, ns.
    pub(in crate::exchange) fn expiring(&self) -> impl Iterator<Item = (u64, InstrumentId)> + '_ {
        let listed = self.instruments.iter().filter(|known| known.listing.phase != Phase::Delisted);
        listed.filter_map(|known| Some((known.contract.as_ref()?.expires_at()?, known.listing.instrument)))
    }

    /// Begins the expiry of the next contract that is due.
    pub(in crate::exchange) fn expire_contracts(&mut self) {
        let now = self.shared.now.0;
        let Some((_, instrument)) = self.expiring().find(|(at, _)| *at <= now) else { return };
        self.agenda.push(Task::ExpireContracts);
        self.agenda.push(Task::FindSettlement(instrument));
        if self.instruments[instrument.0 as usize].listing.phase != Phase::Closed {
            self.agenda.push(Task::BeginPhase(instrument, Phase::Closed));
        }
        self.cancel_of_instrument(instrument, CancelReason::ContractExpired);
    }

    /// Settles a contract that expired at the mean of its index, or lets it wait for an operator's price.
    pub(in crate::exchange) fn find_settlement(
        &mut self,
        instrument: InstrumentId,
        events: &mut impl EventSink,
    ) {
        let known = &mut self.instruments[instrument.0 as usize];
        let contract = known.contract.as_mut().expect("it is a contract");
        contract.expired = true;
        let range = contract.range(&known.listing).expect("it has terms");
        match contract.settlement.price(known.listing.tick_units, &range) {
            Some(price) => self.begin_settlement(instrument, price),
            None => {
                let samples = contract.settlement.samples;
                let pending = ContractEvent::SettlementPending { instrument, samples };
                events.push(Event::Contract(pending));
            }
        }
    }

    /// Closes a contract out at an operator's price.
    pub(super) fn settle_contract(
        &mut self,
        instrument: InstrumentId,
        price: Price,
    ) -> Result<(), RejectReason> {
        let known = self.known_contract(instrument)?;
        if !matches!(known.listing.phase, Phase::Halted | Phase::Closed) {
            return Err(RejectReason::InvalidPhase);
        }
        let contract = known.contract.as_ref().expect("it is a contract");
        let range = contract.range(&known.listing).ok_or(RejectReason::OutOfRange)?;
        if !range.contains(price) {
            return Err(RejectReason::OutOfRange);
        }
        self.begin_settlement(instrument, price);
        self.cancel_of_instrument(instrument, CancelReason::ContractExpired);
        Ok(())
    }

    /// Charges every position for the last funding, then closes each.
    fn begin_settlement(&mut self, instrument: InstrumentId, price: Price) {
        let (next, legs) = (AccountId(0), 0);
        self.agenda.push(Task::Settle(Settling { instrument, price, next, legs }));
        self.agenda.push(Task::ChargeAll(instrument));
    }

    /// Charges the positions of a contract for the last funding while the present part may.
    pub(in crate::exchange) fn charge_all(&mut self, instrument: InstrumentId, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        while self.is_charging(instrument) {
            if self.shared.touched >= limit {
                return self.agenda.push(Task::ChargeAll(instrument));
            }
            self.shared.touched += self.market(instrument, events).charge_next_account();
        }
    }

    /// Closes the positions of a contract while the present part may, and delists it after the last one.
    pub(in crate::exchange) fn settle(&mut self, mut settling: Settling, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        let Settling { instrument, price, .. } = settling;
        let mut market = self.market(instrument, events);
        while market.contract().legs > 0 {
            if market.shared.touched >= limit {
                return self.agenda.push(Task::Settle(settling));
            }
            let account = settling.next;
            settling.next.0 += 1;
            settling.legs +=
                (0..2).map(|which| u32::from(market.settle_leg(account, which, price))).sum::<u32>();
        }
        market.tell_settled(&settling);
        self.agenda.push(Task::BeginPhase(instrument, Phase::Delisted));
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Closes a position at the price of a settlement; returns whether there was one.
    fn settle_leg(&mut self, account: AccountId, which: usize, price: Price) -> bool {
        let at = self.at(account);
        let Some(holding) = self.shared.positions.find(at).copied() else { return false };
        let position = holding.positions[which];
        if position.leg.lots == 0 {
            return false;
        }
        self.shared.touch();
        let contract = self.contract_mut();
        let realised = position.leg.profit(&contract.value, price).expect("lots have limits").0;
        contract.clearing -= realised + position.leg.cost;
        contract.count_open(position.leg.lots, 0);
        let (pot, of_wallet) = match holding.mode {
            MarginMode::Cross => (0, realised),
            MarginMode::Isolated => {
                let pot = position.pot + realised;
                (pot.min(0), pot.max(0))
            }
        };
        self.shared.positions.change(at, |holding| {
            let position = &mut holding.positions[which];
            (position.leg, position.pot) = (Leg::default(), pot);
        });
        self.shared.ledger.pay(account, self.instrument.listing.settled_in(), of_wallet);
        self.note_below(account, which);
        let changed = PositionChanged {
            account,
            instrument: self.instrument.listing.instrument,
            leg: self.leg_name(account, which),
            cause: PositionCause::Settled,
            trade: TradeId(0),
            lots: 0,
            cost: 0,
            realised,
            pot,
            wallet: self.wallet_of(account),
        };
        self.events.push(Event::Contract(ContractEvent::PositionChanged(changed)));
        true
    }

    fn tell_settled(&mut self, settling: &Settling) {
        let Settling { instrument, price, legs, .. } = *settling;
        let remainder = Amount(std::mem::take(&mut self.contract_mut().clearing));
        let settled = ContractEvent::ContractSettled { instrument, price, legs, remainder };
        self.events.push(Event::Contract(settled));
        self.give_to_fund(remainder, FundCause::Settlement);
    }
}
