//! What owners set in contracts (docs/FUTURES.md, "What owners set").

use super::super::instrument::Instrument;
use super::super::orders::refused;
use super::super::positions::{At, Holding, Position};
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::contracts::Leverage;
use crate::domain::{
    AccountId, Amount, ContractEvent, Event, InstrumentId, LeverageSet, MarginMode, MarginModeSet,
    MarginMoved, MoveMargin, OwnerCommand, PositionLeg, PositionMode, PositionModeSet, RejectReason,
    SetLeverage, SetMarginMode, SetPositionMode, Setter,
};
use std::iter::successors;

impl Exchange {
    /// Executes what an owner sets for an account, and answers it.
    pub(in crate::exchange) fn set_by_owner(&mut self, command: &OwnerCommand, events: &mut impl EventSink) {
        let setter = command.setter();
        let mut owner = None;
        if let Some(sender) = setter.sender() {
            if !self.is_of_session(&sender) {
                return self.ignore(sender, events);
            }
            let Some(account) = self.consume_user_ref(sender, events) else { return };
            owner = Some(account);
        }
        let set = self.check_setter(setter, owner).and_then(|()| match command {
            OwnerCommand::SetPositionMode(set) => self.set_position_mode(set),
            OwnerCommand::SetMarginMode(set) => self.set_margin_mode(set, events),
            OwnerCommand::SetLeverage(set) => self.set_leverage(set, events),
            OwnerCommand::MoveMargin(moved) => self.move_margin(moved, events),
        });
        events.push(match set {
            Ok(event) => Event::Contract(event),
            Err(reason) => refused(setter.login, setter.user_ref, reason),
        });
    }

    /// Checks the account of a command. `owner`: the account of the login that sends it.
    fn check_setter(&self, setter: &Setter, owner: Option<AccountId>) -> Result<(), RejectReason> {
        if owner.is_some_and(|owner| owner != setter.account) {
            return Err(RejectReason::UnknownAccount);
        }
        self.known_account(setter.account)
    }

    /// The holding of an account in a complete contract.
    fn settable(&self, account: AccountId, instrument: InstrumentId) -> Result<At, RejectReason> {
        let contract = self.instruments[instrument.0 as usize].contract.as_ref();
        let contract = contract.filter(|contract| self.is_complete(contract));
        let contract = contract.ok_or(RejectReason::ContractIncomplete)?.ordinal;
        Ok(At { account, contract })
    }

    fn set_leverage(
        &mut self,
        set: &SetLeverage,
        events: &mut impl EventSink,
    ) -> Result<ContractEvent, RejectReason> {
        let SetLeverage { by, instrument, leverage } = *set;
        let asset = self.known_contract(instrument)?.listing.settled_in();
        let wanted = Leverage::new(leverage).ok_or(RejectReason::OutOfRange)?;
        let at = self.settable(by.account, instrument)?;
        // It is asked as if all positions were charged for their fundings.
        let (of_wallet, of_pots) = (self.funding_due(by.account, asset), self.pots_due(at, instrument));
        let positions = &mut self.shared.positions;
        let present = positions.leverage(at);
        if wanted != present && wanted > positions.leverage_max(at) {
            return Err(RejectReason::LeverageAboveTier);
        }
        let chosen = positions.change(at, |holding: &mut Holding| holding.leverage.replace(wanted));
        let free = self.shared.ledger.balance(by.account, asset).available;
        let is_enough = positions.pots_suffice(at, of_pots)
            && positions.margin(by.account, asset).available(free) + of_wallet >= 0;
        if wanted < present && !is_enough {
            positions.change(at, |holding: &mut Holding| holding.leverage = chosen);
            return Err(RejectReason::InsufficientMargin);
        }
        self.charge_account(by.account, asset, events);
        Ok(ContractEvent::LeverageSet(LeverageSet { by: (&by).into(), instrument, leverage }))
    }

    fn set_position_mode(&mut self, set: &SetPositionMode) -> Result<ContractEvent, RejectReason> {
        let SetPositionMode { by, shard, mode } = *set;
        if !self.venue.has(shard) {
            return Err(RejectReason::UnknownShard);
        }
        let hedges = mode == PositionMode::Hedge;
        if self.shared.positions.hedges(by.account) != hedges {
            if self.shared.positions.has_positions(by.account) {
                return Err(RejectReason::PositionsOpen);
            }
            if self.has_orders(by.account, |known| known.contract.is_some()) {
                return Err(RejectReason::OrdersOpen);
            }
            self.shared.positions.set_hedges(by.account, hedges);
        }
        Ok(ContractEvent::PositionModeSet(PositionModeSet { by: (&by).into(), shard, mode }))
    }

    fn set_margin_mode(
        &mut self,
        set: &SetMarginMode,
        events: &mut impl EventSink,
    ) -> Result<ContractEvent, RejectReason> {
        let SetMarginMode { by, instrument, mode } = *set;
        let asset = self.known_contract(instrument)?.listing.settled_in();
        let at = self.settable(by.account, instrument)?;
        if self.shared.positions.mode(at) != mode {
            let is_used = |one: &Position| one.leg.lots != 0 || one.pot != 0;
            if self.shared.positions.find(at).is_some_and(|holding| holding.positions.iter().any(is_used)) {
                return Err(RejectReason::PositionsOpen);
            }
            if self.has_orders(by.account, |known| known.listing.instrument == instrument) {
                return Err(RejectReason::OrdersOpen);
            }
            self.shared.positions.change(at, |holding: &mut Holding| holding.mode = mode);
        }
        self.charge_account(by.account, asset, events);
        Ok(ContractEvent::MarginModeSet(MarginModeSet { by: (&by).into(), instrument, mode }))
    }

    /// Whether an account has open orders in such instruments, dormant ones too.
    fn has_orders(&self, account: AccountId, is_such: impl Fn(&Instrument) -> bool) -> bool {
        let shared = &self.shared;
        let known = shared.account(account);
        known.open_orders > 0
            && known.logins.iter().any(|login| {
                let chain = successors(shared.first_of(*login), |at| shared.after_of_login(*at));
                let of = |at| &self.instruments[shared.orders.cold(at).instrument.0 as usize];
                chain.into_iter().any(|at| is_such(of(at)))
            })
    }

    /// What each pot of an account in a contract is charged for the last funding, minor units.
    fn pots_due(&self, at: At, instrument: InstrumentId) -> [i64; 2] {
        let holding = self.shared.positions.find(at).filter(|found| found.mode == MarginMode::Isolated);
        let contract = self.instruments[instrument.0 as usize].contract.as_ref();
        let Some((holding, contract)) = holding.zip(contract) else { return [0; 2] };
        holding.positions.map(|position| contract.due(&position).unwrap_or_default().0)
    }

    fn move_margin(
        &mut self,
        moved: &MoveMargin,
        events: &mut impl EventSink,
    ) -> Result<ContractEvent, RejectReason> {
        let MoveMargin { by, instrument, leg, amount } = *moved;
        let asset = self.known_contract(instrument)?.listing.settled_in();
        if amount.0 == 0 {
            return Err(RejectReason::OutOfRange);
        }
        let at = self.settable(by.account, instrument)?;
        let known = self.instruments[instrument.0 as usize].contract.as_ref();
        let is_stale = known.expect("it is a contract").is_stale(self.shared.now);
        let isolated = self.shared.positions.find(at).filter(|found| found.mode == MarginMode::Isolated);
        let which = match (self.shared.positions.hedges(by.account), leg) {
            (false, PositionLeg::Net) | (true, PositionLeg::Long) => Some(0),
            (true, PositionLeg::Short) => Some(1),
            (false, PositionLeg::Long | PositionLeg::Short) | (true, PositionLeg::Net) => None,
        };
        let found = isolated.zip(which).map(|(holding, which)| (which, holding.positions[which]));
        let found = found.filter(|(_, position)| position.leg.lots != 0);
        let (which, position) = found.ok_or(RejectReason::NoPosition)?;
        let due = self.pots_due(at, instrument)[which];
        let pot = i128::from(position.pot) + i128::from(due) + i128::from(amount.0);
        if amount.0 > 0 && i128::from(amount.0) > self.withdrawable(by.account, asset) {
            return Err(RejectReason::InsufficientFunds);
        }
        if amount.0 < 0 && is_stale {
            return Err(RejectReason::IndexStale);
        }
        if amount.0 < 0 && !self.shared.positions.suffices(at, which, pot) {
            return Err(RejectReason::InsufficientMargin);
        }
        self.charge_account(by.account, asset, events);
        let pot = i64::try_from(pot).expect("money in a pot was in a wallet");
        self.shared.positions.change(at, |holding: &mut Holding| holding.positions[which].pot = pot);
        self.shared.ledger.pay(by.account, asset, -amount.0);
        let (pot, wallet) = (Amount(pot), self.shared.ledger.wallet(by.account, asset));
        let by = (&by).into();
        Ok(ContractEvent::MarginMoved(MarginMoved { by, instrument, leg, amount, pot, wallet }))
    }
}
