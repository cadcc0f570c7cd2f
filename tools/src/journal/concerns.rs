//! The logins, accounts and instrument that a record is about.

#![deny(clippy::wildcard_enum_match_arm)]

use super::entry::{Entry, Value};
use super::names::Names;
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amend, Cancel, ClockCommand, Command, ContractCommand,
    ContractEvent, Event, InstrumentId, KillScope, LimitScope, LoginId, MarketEvent, MassCancel, Modify,
    OrderCommand, OrderEvent, OwnerCommand, RefuseReplace, Replace, SetBy, Setter, TransferReceived, UserRef,
    VenueCommand, VenueEvent,
};

/// The parties of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Concerns {
    /// One login, or the two of a trade with the resting side first.
    pub(super) logins: [Option<LoginId>; 2],
    /// The accounts of the logins, or the account that the record names.
    pub(super) accounts: [Option<AccountId>; 2],
    pub(super) instrument: Option<InstrumentId>,
    /// The order by which the instrument can be found if the record does not name it.
    order: Option<(LoginId, UserRef)>,
}

impl Concerns {
    /// The parties according to the record, completed from earlier records.
    pub(super) fn of(entry: &Entry, names: &Names) -> Self {
        let mut concerns = match &entry.value {
            Value::Command(command) => Self::of_command(command),
            Value::Event(record) => Self::of_event(&record.event),
        };
        for (login, account) in concerns.logins.iter().zip(&mut concerns.accounts) {
            *account = account.or_else(|| names.account((*login)?));
        }
        let found = || concerns.order.and_then(|(login, user_ref)| names.instrument_of(login, user_ref));
        Self { instrument: concerns.instrument.or_else(found), ..concerns }
    }

    fn account(account: AccountId) -> Self {
        Self { accounts: [Some(account), None], ..Self::default() }
    }

    fn instrument(instrument: InstrumentId) -> Self {
        Self { instrument: Some(instrument), ..Self::default() }
    }

    fn login(login: LoginId) -> Self {
        Self { logins: [Some(login), None], ..Self::default() }
    }

    fn order(login: LoginId, user_ref: UserRef) -> Self {
        Self { order: Some((login, user_ref)), ..Self::login(login) }
    }

    fn order_in(login: LoginId, instrument: InstrumentId) -> Self {
        Self { instrument: Some(instrument), ..Self::login(login) }
    }

    fn limits(scope: LimitScope) -> Self {
        match scope {
            LimitScope::Instrument(instrument) => Self::instrument(instrument),
            LimitScope::Account(account) => Self::account(account),
            LimitScope::Login(login) => Self::login(login),
        }
    }

    fn kill(scope: KillScope) -> Self {
        match scope {
            KillScope::Account(account) => Self::account(account),
            KillScope::Venue => Self::default(),
        }
    }

    fn mass_cancel(cancel: &MassCancel) -> Self {
        let filter = &cancel.filter;
        Self {
            logins: [cancel.login.or(filter.login), None],
            accounts: [filter.account, None],
            instrument: filter.instrument,
            order: None,
        }
    }

    fn of_command(command: &Command) -> Self {
        match command {
            Command::Admin(
                AdminCommand::AddAsset { .. } | AdminCommand::SetAsset(_) | AdminCommand::SetVolumeTiers(_),
            )
            | Command::Venue(
                VenueCommand::Open { .. }
                | VenueCommand::SetLimits { .. }
                | VenueCommand::SetRules { .. }
                | VenueCommand::Lead { .. }
                | VenueCommand::RollSession { .. }
                | VenueCommand::OpenShard { .. }
                | VenueCommand::Checkpoint(_),
            )
            | Command::Order(OrderCommand::CancelOrder { .. })
            | Command::Clock(ClockCommand::Tick) => Self::default(),
            Command::Order(OrderCommand::Modify(Modify { login, user_ref, .. })) => {
                Self::order(*login, *user_ref)
            }
            Command::Order(OrderCommand::QueryAccount(query)) => Self::login(query.login),
            Command::Order(OrderCommand::SetOrderEntry(set)) => Self::login(set.login),
            Command::Order(OrderCommand::NameOrder(name)) => Self::order(name.login, name.user_ref),
            Command::Order(OrderCommand::CancelLogin { login, .. })
            | Command::Venue(VenueCommand::ResetUserRef { login }) => Self::login(*login),
            Command::Venue(VenueCommand::CopyAccount { login, account }) => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Command::Venue(VenueCommand::OpenAccount { account })
            | Command::Admin(AdminCommand::AssignTier { account, .. }) => Self::account(*account),
            Command::Venue(VenueCommand::OpenLogin { login, account, .. }) => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Command::Admin(AdminCommand::ListInstrument(list)) => Self::instrument(list.instrument),
            Command::Admin(
                AdminCommand::SetPhase { instrument, .. }
                | AdminCommand::SetMark { instrument, .. }
                | AdminCommand::Delist { instrument }
                | AdminCommand::SetProtection { instrument, .. },
            ) => Self::instrument(*instrument),
            Command::Contract(command) => Self::of_contract_command(command),
            Command::Owner(command) => Self::of_owner_command(command),
            Command::Admin(AdminCommand::SetTerms(terms)) => Self::instrument(terms.instrument),
            Command::Admin(AdminCommand::SetFees(fees)) => Self::instrument(fees.instrument),
            Command::Admin(AdminCommand::Deposit(transfer) | AdminCommand::Withdraw(transfer)) => {
                Self::account(transfer.account)
            }
            Command::Order(OrderCommand::TransferOut(out)) => {
                Self { logins: [out.login, None], ..Self::account(out.account) }
            }
            Command::Order(OrderCommand::SendIndex(sent)) => Self::login(sent.login),
            Command::Order(OrderCommand::QueryWallet(query)) => Self::login(query.login),
            Command::Admin(AdminCommand::TransferIn(transfer)) => Self::account(transfer.account),
            Command::Order(OrderCommand::Enter(enter)) => Self::order_in(enter.login, enter.instrument),
            Command::Order(OrderCommand::RefuseEnter(refuse)) => Self::login(refuse.login),
            Command::Order(
                OrderCommand::Replace(Replace { login, orig_user_ref, .. })
                | OrderCommand::RefuseReplace(RefuseReplace { login, orig_user_ref, .. }),
            ) => Self::order(*login, *orig_user_ref),
            Command::Order(
                OrderCommand::Cancel(Cancel { login, user_ref, .. })
                | OrderCommand::Amend(Amend { login, user_ref, .. }),
            ) => Self::order(*login, *user_ref),
            Command::Order(OrderCommand::MassCancel(cancel)) => Self::mass_cancel(cancel),
            Command::Admin(AdminCommand::SetOrderLimits { scope, .. }) => Self::limits(*scope),
            Command::Admin(AdminCommand::SetSelfTrade(set)) => Self::account(set.account),
            Command::Admin(AdminCommand::Kill { scope, .. }) => Self::kill(*scope),
        }
    }

    fn of_event(event: &Event) -> Self {
        match event {
            Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::Refused { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::VolumeTiersSet(_),
            )
            | Event::Venue(
                VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionRolled { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::Checkpointed(_),
            ) => Self::default(),
            Event::Contract(event) => Self::of_contract_event(event),
            Event::Order(OrderEvent::AccountState { login, .. })
            | Event::Venue(VenueEvent::SessionEnded { login } | VenueEvent::SessionStarted { login, .. }) => {
                Self::login(*login)
            }
            Event::Order(OrderEvent::OrderEntrySet(set)) => Self::login(set.login),
            Event::Order(OrderEvent::PositionState(e)) => {
                Self { logins: [Some(e.login), None], ..Self::instrument(e.instrument) }
            }
            Event::Order(OrderEvent::OrderNamed(name)) => Self::order(name.login, name.user_ref),
            Event::Order(OrderEvent::PriorityUpdated(e)) => Self::order_in(e.login, e.instrument),
            Event::Venue(VenueEvent::AccountCopied { login, account }) => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Event::Venue(VenueEvent::AccountOpened { account })
            | Event::Admin(AdminEvent::TierSet { account, .. }) => Self::account(*account),
            Event::Venue(VenueEvent::LoginOpened { login, account }) => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Event::Admin(AdminEvent::InstrumentListed(listing) | AdminEvent::TermsSet(listing)) => {
                Self::instrument(listing.instrument)
            }
            Event::Market(MarketEvent::PhaseSet { instrument, .. })
            | Event::Admin(
                AdminEvent::MarkSet { instrument, .. } | AdminEvent::ProtectionSet { instrument, .. },
            ) => Self::instrument(*instrument),
            Event::Market(MarketEvent::Indicative(auction) | MarketEvent::Uncrossed(auction)) => {
                Self::instrument(auction.instrument)
            }
            Event::Admin(AdminEvent::FeesSet(fees)) => Self::instrument(fees.instrument),
            Event::Admin(AdminEvent::Deposited(transfer) | AdminEvent::Withdrawn(transfer)) => {
                Self::account(transfer.account)
            }
            Event::Order(OrderEvent::IndexAnswered(answer)) => Self::login(answer.login),
            Event::Order(OrderEvent::WalletState(state)) => Self::login(state.login),
            Event::Order(OrderEvent::TransferSent(sent)) => {
                Self { logins: [sent.login, None], ..Self::account(sent.transfer.account) }
            }
            Event::Admin(
                AdminEvent::TransferReceived(TransferReceived { transfer, .. })
                | AdminEvent::TransferDone(transfer),
            ) => Self::account(transfer.account),
            Event::Order(OrderEvent::Accepted(e)) => Self::order_in(e.login, e.terms.instrument),
            Event::Order(OrderEvent::Replaced(e)) => Self::order_in(e.login, e.terms.instrument),
            Event::Order(OrderEvent::Triggered(e)) => Self::order_in(e.login, e.instrument),
            Event::Order(OrderEvent::Rejected(e)) => Self::login(e.login),
            Event::Order(OrderEvent::Canceled(e)) => Self::order(e.login, e.user_ref),
            Event::Order(OrderEvent::ChangeRejected(e)) => Self::order(e.login, e.user_ref),
            Event::Order(OrderEvent::Amended(e)) => Self::order(e.login, e.user_ref),
            Event::Order(OrderEvent::Armed(e)) => Self::order(e.login, e.user_ref),
            Event::Order(OrderEvent::Restated(e)) => Self::order(e.login, e.user_ref),
            Event::Order(OrderEvent::Ignored(e)) => Self::order(e.login, e.user_ref),
            Event::Order(OrderEvent::Executed(e)) => {
                Self { logins: [Some(e.maker_login), Some(e.taker_login)], ..Self::instrument(e.instrument) }
            }
            Event::Order(OrderEvent::MassCanceled { login, instrument, .. }) => {
                Self { logins: [*login, None], instrument: *instrument, ..Self::default() }
            }
            Event::Admin(AdminEvent::OrderLimitsSet { scope, .. }) => Self::limits(*scope),
            Event::Admin(AdminEvent::SelfTradeSet(set)) => Self::account(set.account),
            Event::Admin(AdminEvent::Killed { scope, .. }) => Self::kill(*scope),
        }
    }

    fn of_contract_command(command: &ContractCommand) -> Self {
        match command {
            ContractCommand::AddIndex(_)
            | ContractCommand::SetIndexTerms { .. }
            | ContractCommand::SetIndex(_)
            | ContractCommand::DepositFund(_) => Self::default(),
            ContractCommand::SetContract(set) => Self::instrument(set.instrument),
            ContractCommand::SetContractRisk(set) => Self::instrument(set.instrument),
            ContractCommand::SetMarginTier(set) => Self::instrument(set.instrument),
            ContractCommand::SettleContract { instrument, .. } => Self::instrument(*instrument),
        }
    }

    fn of_owner_command(command: &OwnerCommand) -> Self {
        let Setter { login, account, .. } = *command.setter();
        Self { logins: [login, None], instrument: Some(command.instrument()), ..Self::account(account) }
    }

    fn set_by(by: &SetBy, instrument: InstrumentId) -> Self {
        Self { logins: [by.login, None], instrument: Some(instrument), ..Self::account(by.account) }
    }

    fn of_contract_event(event: &ContractEvent) -> Self {
        match event {
            ContractEvent::IndexAdded(_)
            | ContractEvent::IndexTermsSet { .. }
            | ContractEvent::IndexSet(_)
            | ContractEvent::IndexHeld { .. } => Self::default(),
            ContractEvent::ContractSet(set) => Self::instrument(set.instrument),
            ContractEvent::ContractRiskSet(set) => Self::instrument(set.instrument),
            ContractEvent::MarginTierSet { tier, .. } => Self::instrument(tier.instrument),
            ContractEvent::MarginTiersSet { instrument, .. } => Self::instrument(*instrument),
            ContractEvent::PositionChanged(change) => {
                Self { instrument: Some(change.instrument), ..Self::account(change.account) }
            }
            ContractEvent::MarginModeSet(set) => Self::set_by(&set.by, set.instrument),
            ContractEvent::LeverageSet(set) => Self::set_by(&set.by, set.instrument),
            ContractEvent::MarginMoved(moved) => Self::set_by(&moved.by, moved.instrument),
            ContractEvent::FundChanged(change) => Self { instrument: change.instrument, ..Self::default() },
            ContractEvent::FundingSet(set) => Self::instrument(set.instrument),
            ContractEvent::FundingPaid(paid) => {
                Self { instrument: Some(paid.instrument), ..Self::account(paid.account) }
            }
            ContractEvent::FundingClosed { instrument, .. }
            | ContractEvent::SettlementPending { instrument, .. }
            | ContractEvent::ContractSettled { instrument, .. } => Self::instrument(*instrument),
            ContractEvent::FundPaid(paid) | ContractEvent::InsuranceDeficit(paid) => {
                Self { instrument: paid.instrument, ..Self::account(paid.account) }
            }
        }
    }
}
