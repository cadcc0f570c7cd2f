//! A venue of several shards: a naive exchange each, and who of them does and tells what (docs/RULES.md, "Shards").

use super::Naive;
use dojima::domain::{
    AdminCommand, AdminEvent, CancelFilter, Checkpoint, Command, ContractCommand, ContractEvent, Enter,
    Event, IgnoreReason, Ignored, InstrumentId, LimitScope, ListInstrument, LoginId, MarketEvent, MassCancel,
    OrderCommand, OrderEvent, Phase, Product, QueryAccount, Question, RejectReason, SetContract,
    SetContractRisk, SetIndex, SetMarginTier, ShardId, Stamp, UserRef, VenueCommand, VenueEvent, VenueLimits,
    WalletState,
};
use std::collections::BTreeMap;

/// The shards by their ids, and where every instrument is.
#[derive(Clone)]
pub struct NaiveVenue {
    shards: Vec<Naive>,
    /// By login: its session, and the highest number that a message of it brought.
    numbers: BTreeMap<LoginId, (u32, UserRef)>,
}

impl NaiveVenue {
    /// A venue of one shard.
    pub fn new(limits: VenueLimits) -> Self {
        Self { shards: vec![Naive::new(limits)], numbers: BTreeMap::new() }
    }

    /// Each by itself.
    pub fn shards(&self) -> &[Naive] {
        &self.shards
    }

    /// What the command does in all shards, told in events: by shard.
    pub fn apply(&mut self, stamp: Stamp, command: &Command) -> Vec<Event> {
        let events = match self.shards.len() {
            1 => self.shards[0].apply(stamp, command),
            several => self.apply_to_several(several, stamp, command),
        };
        // It was opened: there is nothing yet in any shard.
        if usize::from(self.shards[0].shards) > self.shards.len() {
            let mut sibling = self.shards[0].clone();
            let before_first = (self.shards.len() as u64) << 32;
            (sibling.last_order, sibling.last_trade) = (before_first, before_first);
            sibling.own = ShardId(self.shards.len() as u8);
            self.shards.push(sibling);
        }
        events
    }

    fn apply_to_several(&mut self, shards: usize, stamp: Stamp, command: &Command) -> Vec<Event> {
        let came = self.number_came(command);
        self.shards.iter_mut().for_each(|shard| shard.number_came = came);
        let events: Vec<Event> = match (self.refusal(command), self.owner(command)) {
            (Some(reason), _) => {
                let mut events = self.pass(0, stamp, command);
                events.push(Event::Admin(AdminEvent::Refused { reason }));
                events.extend((1..shards).flat_map(|at| self.pass(at, stamp, command)));
                events
            }
            (None, Some(owner)) => (0..shards)
                .flat_map(|at| match at == owner {
                    true => {
                        let events = self.shards[at].apply(stamp, command);
                        events.into_iter().map(|event| self.as_of_all(event, command)).collect()
                    }
                    false => self.pass(at, stamp, command),
                })
                .collect(),
            (None, None) => (0..shards).flat_map(|at| self.share(at, stamp, command)).collect(),
        };
        self.note_number(command);
        events
    }

    /// What would need a decision of all shards together is not decided.
    fn refusal(&self, command: &Command) -> Option<RejectReason> {
        let known = &self.shards[0].assets;
        let changes = match command {
            Command::Admin(AdminCommand::SetVolumeTiers(tiers)) => usize::from(tiers.asset.0) < known.len(),
            Command::Admin(AdminCommand::SetAsset(settings)) => {
                let sound = settings.min_deposit.0 >= 0 && settings.min_withdrawal.0 >= 0;
                known.get(usize::from(settings.asset.0)).is_some_and(|asset| {
                    sound && settings.scale <= 18 && asset.settings.scale != settings.scale
                })
            }
            // Other shards cannot know whether there are positions.
            Command::Admin(AdminCommand::Delist { instrument }) => {
                let known = self.shards[0].instruments.get(instrument.0 as usize);
                known.is_some_and(|known| {
                    known.listing.product != Product::Spot && known.listing.phase != Phase::Delisted
                })
            }
            _ => false,
        };
        changes.then_some(RejectReason::OneShardOnly)
    }

    /// The shard that alone does the command; `None`: all do it.
    fn owner(&self, command: &Command) -> Option<usize> {
        let place_of = |instrument: InstrumentId| {
            let known = self.shards[0].instruments.get(instrument.0 as usize);
            Some(known.map_or(0, |known| usize::from(known.listing.shard.0)))
        };
        let there = |shard: u64| Some(if shard < self.shards.len() as u64 { shard as usize } else { 0 });
        match command {
            Command::Order(OrderCommand::Enter(Enter { instrument, .. })) => place_of(*instrument),
            Command::Order(OrderCommand::MassCancel(MassCancel {
                filter: CancelFilter { instrument, .. },
                ..
            })) => place_of((*instrument)?),
            Command::Order(OrderCommand::RefuseEnter(_)) => Some(0),
            Command::Order(OrderCommand::CancelOrder { order }) => there((order.0 >> 32) & 7),
            Command::Order(OrderCommand::TransferOut(out)) => there(out.from.0.into()),
            Command::Order(OrderCommand::QueryWallet(query)) => there(query.shard.0.into()),
            Command::Order(OrderCommand::SendIndex(sent)) => Some(self.shards[0].shard_of_index(sent.index)),
            Command::Admin(AdminCommand::Deposit(transfer) | AdminCommand::Withdraw(transfer)) => {
                there(transfer.shard.0.into())
            }
            Command::Admin(
                AdminCommand::SetPhase { instrument, .. }
                | AdminCommand::SetMark { instrument, .. }
                | AdminCommand::SetProtection { instrument, .. }
                | AdminCommand::SetOrderLimits { scope: LimitScope::Instrument(instrument), .. },
            ) => place_of(*instrument),
            Command::Contract(
                ContractCommand::SetContract(SetContract { instrument, .. })
                | ContractCommand::SetContractRisk(SetContractRisk { instrument, .. })
                | ContractCommand::SetMarginTier(SetMarginTier { instrument, .. })
                | ContractCommand::SettleContract { instrument, .. },
            ) => place_of(*instrument),
            Command::Contract(
                ContractCommand::SetIndexTerms { index, .. }
                | ContractCommand::SetIndex(SetIndex { index, .. }),
            ) => Some(self.shards[0].shard_of_index(*index)),
            Command::Contract(ContractCommand::DepositFund(deposit)) => there(deposit.shard.0.into()),
            Command::Owner(command) => place_of(command.instrument()),
            Command::Admin(AdminCommand::SetTerms(terms)) => place_of(terms.instrument),
            Command::Admin(AdminCommand::SetFees(fees)) => place_of(fees.instrument),
            _ => None,
        }
    }

    /// A command of another shard: time passes, and its number is used.
    fn pass(&mut self, at: usize, stamp: Stamp, command: &Command) -> Vec<Event> {
        let naive = &mut self.shards[at];
        let nothing = Checkpoint::default();
        let mut events = naive.apply(stamp, &Command::Venue(VenueCommand::Checkpoint(nothing)));
        events.retain(|event| !matches!(event, Event::Venue(VenueEvent::Checkpointed(_))));
        if let Some(sender) = command.sender()
            && let Some(login) = naive.logins.get_mut(sender.login.0 as usize)
            && login.session == sender.session
        {
            login.last = login.last.max(sender.user_ref);
        }
        self.of_own(at, events)
    }

    /// A command of all shards.
    fn share(&mut self, at: usize, stamp: Stamp, command: &Command) -> Vec<Event> {
        let mut own = *command;
        if let Command::Admin(AdminCommand::ListInstrument(ListInstrument { shard, phase, product, .. })) =
            &mut own
            && *product == Product::Spot
            && usize::from(shard.0) != at
            && *phase != Phase::Delisted
        {
            *phase = Phase::Closed;
        }
        let events = self.shards[at].apply(stamp, &own);
        let events = self.of_own(at, events).into_iter().filter(|event| self.tells(at, event, command));
        events.map(|event| self.as_of_all(event, command)).collect()
    }

    /// Without what happens to instruments of other shards: they are closed here.
    fn of_own(&self, at: usize, events: Vec<Event>) -> Vec<Event> {
        let is_own = |event: &Event| match event {
            Event::Market(MarketEvent::PhaseSet { instrument, .. }) => {
                let listing = &self.shards[at].instruments[instrument.0 as usize].listing;
                usize::from(listing.shard.0) == at
            }
            _ => true,
        };
        events.into_iter().filter(is_own).collect()
    }

    /// Whether it is this shard that tells of it: the first one of the venue, and each of its orders.
    fn tells(&self, at: usize, event: &Event, command: &Command) -> bool {
        match event {
            Event::Order(OrderEvent::Ignored(Ignored { login, user_ref, reason, .. })) => match reason {
                IgnoreReason::OrderNotLive => self.shards[at].find_named(*login, *user_ref).is_some(),
                IgnoreReason::NothingToCancel => true,
                IgnoreReason::Retransmission | IgnoreReason::UnknownLogin | IgnoreReason::OtherSession => {
                    at == 0
                }
            },
            Event::Order(OrderEvent::OrderEntrySet(_) | OrderEvent::OrderNamed(_)) => at == 0,
            Event::Order(OrderEvent::AccountState { .. } | OrderEvent::PositionState(_)) => {
                at == self.answers(command)
            }
            // A tick moves marks, each in the shard of its contract.
            Event::Admin(AdminEvent::TransferReceived(_) | AdminEvent::TransferDone(_)) => true,
            Event::Order(_)
            | Event::Market(_)
            | Event::Admin(AdminEvent::MarkSet { .. })
            | Event::Contract(
                ContractEvent::PositionChanged(_)
                | ContractEvent::FundingSet(_)
                | ContractEvent::FundingPaid(_)
                | ContractEvent::FundingClosed { .. }
                | ContractEvent::SettlementPending { .. }
                | ContractEvent::ContractSettled { .. }
                | ContractEvent::FundChanged(_)
                | ContractEvent::FundPaid(_)
                | ContractEvent::InsuranceDeficit(_)
                | ContractEvent::MarginModeSet(_)
                | ContractEvent::LeverageSet(_)
                | ContractEvent::MarginMoved(_),
            ) => true,
            Event::Venue(_) | Event::Admin(_) | Event::Contract(_) => at == 0,
        }
    }

    /// The shard that answers a query: that of the contract it asks about, else the first one.
    fn answers(&self, command: &Command) -> usize {
        match command {
            Command::Order(OrderCommand::QueryAccount(QueryAccount {
                asks: Question::Position(instrument),
                ..
            })) => {
                let known = self.shards[0].instruments.get(instrument.0 as usize);
                known.map_or(0, |known| usize::from(known.listing.shard.0))
            }
            _ => 0,
        }
    }

    fn as_of_all(&self, event: Event, command: &Command) -> Event {
        match (event, command) {
            (
                Event::Admin(AdminEvent::InstrumentListed(listing)),
                Command::Admin(AdminCommand::ListInstrument(terms)),
            ) => {
                let phase = terms.phase;
                Event::Admin(AdminEvent::InstrumentListed(dojima::domain::Listing { phase, ..listing }))
            }
            (Event::Order(OrderEvent::AccountState { login, cancel_at, balance, .. }), _) => {
                let next_user_ref = self.next_number(login);
                Event::Order(OrderEvent::AccountState { login, next_user_ref, cancel_at, balance })
            }
            (Event::Order(OrderEvent::WalletState(state)), _) => {
                let next_user_ref = self.next_number(state.login);
                Event::Order(OrderEvent::WalletState(WalletState { next_user_ref, ..state }))
            }
            (event, _) => event,
        }
    }

    /// The number after all that messages of the login's session have brought.
    fn next_number(&self, login: LoginId) -> UserRef {
        let session = self.shards[0].logins[login.0 as usize].session;
        let last = self.numbers.get(&login).filter(|(of, _)| *of == session).map_or(0, |(_, to)| to.0);
        UserRef(last.saturating_add(1))
    }

    /// Whether a message of the login's session has brought this number before, or a higher one.
    fn number_came(&self, command: &Command) -> bool {
        command.sender().is_some_and(|sender| {
            let highest = self.numbers.get(&sender.login).filter(|(session, _)| *session == sender.session);
            highest.is_some_and(|(_, highest)| sender.user_ref <= *highest)
        })
    }

    fn note_number(&mut self, command: &Command) {
        // These name an order by its number, or the next one, and bring none.
        if let Command::Order(
            OrderCommand::Cancel(_)
            | OrderCommand::Amend(_)
            | OrderCommand::Modify(_)
            | OrderCommand::NameOrder(_),
        ) = command
        {
            return;
        }
        let Some(sender) = command.sender() else { return };
        let Some(login) = self.shards[0].logins.get(sender.login.0 as usize) else { return };
        if login.session == sender.session {
            let (session, highest) = self.numbers.entry(sender.login).or_default();
            if *session != sender.session {
                (*session, *highest) = (sender.session, UserRef(0));
            }
            *highest = (*highest).max(sender.user_ref);
        }
    }
}
