//! Whom and what a record is about: logins, accounts, an instrument.

#![deny(clippy::wildcard_enum_match_arm)]

use super::entry::{Entry, Value};
use super::names::Names;
use dojima::domain::{
    AccountId, Amend, Cancel, Command, Event, InstrumentId, KillScope, LimitScope, LoginId, MassCancel,
    Modify, RefuseReplace, Replace, UserRef,
};

/// Whom a record is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Concerns {
    /// One, or the two of a trade: the resting side first.
    pub(super) logins: [Option<LoginId>; 2],
    /// The accounts of the logins, or the one that the record names.
    pub(super) accounts: [Option<AccountId>; 2],
    pub(super) instrument: Option<InstrumentId>,
    /// By what the instrument can be found where the record does not name it.
    order: Option<(LoginId, UserRef)>,
}

impl Concerns {
    /// What the record says itself, and what the records before it say of the rest.
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
            Command::AddAsset { .. }
            | Command::Open { .. }
            | Command::SetLimits { .. }
            | Command::CancelOrder { .. }
            | Command::Tick
            | Command::SetAsset(_)
            | Command::SetVolumeTiers(_)
            | Command::SetRules { .. }
            | Command::RollSession { .. }
            | Command::Checkpoint(_) => Self::default(),
            Command::Modify(Modify { login, user_ref, .. }) => Self::order(*login, *user_ref),
            Command::QueryAccount(query) => Self::login(query.login),
            Command::SetOrderEntry(set) => Self::login(set.login),
            Command::CancelLogin { login, .. } | Command::ResetUserRef { login } => Self::login(*login),
            Command::CopyAccount { login, account } => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Command::OpenAccount { account } | Command::AssignTier { account, .. } => Self::account(*account),
            Command::OpenLogin { login, account, .. } => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Command::ListInstrument(list) => Self::instrument(list.instrument),
            Command::SetPhase { instrument, .. }
            | Command::SetMark { instrument, .. }
            | Command::Delist { instrument }
            | Command::SetProtection { instrument, .. } => Self::instrument(*instrument),
            Command::SetTerms(terms) => Self::instrument(terms.instrument),
            Command::SetFees(fees) => Self::instrument(fees.instrument),
            Command::Deposit(transfer) | Command::Withdraw(transfer) => Self::account(transfer.account),
            Command::Enter(enter) => Self::order_in(enter.login, enter.instrument),
            Command::RefuseEnter(refuse) => Self::login(refuse.login),
            Command::Replace(Replace { login, orig_user_ref, .. })
            | Command::RefuseReplace(RefuseReplace { login, orig_user_ref, .. }) => {
                Self::order(*login, *orig_user_ref)
            }
            Command::Cancel(Cancel { login, user_ref, .. })
            | Command::Amend(Amend { login, user_ref, .. }) => Self::order(*login, *user_ref),
            Command::MassCancel(cancel) => Self::mass_cancel(cancel),
            Command::SetOrderLimits { scope, .. } => Self::limits(*scope),
            Command::SetSelfTrade(set) => Self::account(set.account),
            Command::Kill { scope, .. } => Self::kill(*scope),
        }
    }

    fn of_event(event: &Event) -> Self {
        match event {
            Event::AssetAdded { .. }
            | Event::Opened { .. }
            | Event::Refused { .. }
            | Event::LimitsSet { .. }
            | Event::AssetSet(_)
            | Event::VolumeTiersSet(_)
            | Event::RulesSet { .. }
            | Event::SessionRolled { .. }
            | Event::Checkpointed(_) => Self::default(),
            Event::AccountState { login, .. }
            | Event::SessionEnded { login }
            | Event::SessionStarted { login, .. } => Self::login(*login),
            Event::OrderEntrySet(set) => Self::login(set.login),
            Event::PriorityUpdated(e) => Self::order_in(e.login, e.instrument),
            Event::AccountCopied { login, account } => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Event::AccountOpened { account } | Event::TierSet { account, .. } => Self::account(*account),
            Event::LoginOpened { login, account } => {
                Self { logins: [Some(*login), None], ..Self::account(*account) }
            }
            Event::InstrumentListed(listing) | Event::TermsSet(listing) => {
                Self::instrument(listing.instrument)
            }
            Event::PhaseSet { instrument, .. }
            | Event::MarkSet { instrument, .. }
            | Event::ProtectionSet { instrument, .. } => Self::instrument(*instrument),
            Event::Indicative(auction) | Event::Uncrossed(auction) => Self::instrument(auction.instrument),
            Event::FeesSet(fees) => Self::instrument(fees.instrument),
            Event::Deposited(transfer) | Event::Withdrawn(transfer) => Self::account(transfer.account),
            Event::Accepted(e) => Self::order_in(e.login, e.instrument),
            Event::Replaced(e) => Self::order_in(e.login, e.instrument),
            Event::Triggered(e) => Self::order_in(e.login, e.instrument),
            Event::Rejected(e) => Self::login(e.login),
            Event::Canceled(e) => Self::order(e.login, e.user_ref),
            Event::ChangeRejected(e) => Self::order(e.login, e.user_ref),
            Event::Amended(e) => Self::order(e.login, e.user_ref),
            Event::Armed(e) => Self::order(e.login, e.user_ref),
            Event::Restated(e) => Self::order(e.login, e.user_ref),
            Event::Ignored(e) => Self::order(e.login, e.user_ref),
            Event::Executed(e) => {
                Self { logins: [Some(e.maker_login), Some(e.taker_login)], ..Self::instrument(e.instrument) }
            }
            Event::MassCanceled { login, instrument, .. } => {
                Self { logins: [*login, None], instrument: *instrument, ..Self::default() }
            }
            Event::OrderLimitsSet { scope, .. } => Self::limits(*scope),
            Event::SelfTradeSet(set) => Self::account(set.account),
            Event::Killed { scope, .. } => Self::kill(*scope),
        }
    }
}
