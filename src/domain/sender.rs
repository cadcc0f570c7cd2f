//! Of whom a command is: a client's, with the session that it was sent in, or the venue's own.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{
    AdminCommand, Amend, Cancel, ClockCommand, Command, Enter, LoginId, MassCancel, Modify, OrderCommand,
    QueryAccount, RefuseEnter, RefuseReplace, Replace, SetOrderEntry, UserRef, VenueCommand,
};

/// Who sent a client's message, when, and what the client calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Whose message.
    pub login: LoginId,
    /// The session that the connection was logged in to.
    pub session: u32,
    /// The client's number of the message; of a replace the new one, 0 of a message without one.
    pub user_ref: UserRef,
}

impl Command {
    /// Who sent the client's message that the command is; `None`: it is no client's.
    #[inline]
    pub fn sender(&self) -> Option<Sender> {
        let (login, session, user_ref) = match *self {
            Command::Order(OrderCommand::Enter(Enter { login, session, user_ref, .. }))
            | Command::Order(OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, .. }))
            | Command::Order(OrderCommand::Replace(Replace { login, session, user_ref, .. }))
            | Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                login, session, user_ref, ..
            }))
            | Command::Order(OrderCommand::Cancel(Cancel { login, session, user_ref, .. }))
            | Command::Order(OrderCommand::Amend(Amend { login, session, user_ref, .. }))
            | Command::Order(OrderCommand::Modify(Modify { login, session, user_ref, .. }))
            | Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
                login, session, user_ref, ..
            }))
            | Command::Order(OrderCommand::MassCancel(MassCancel {
                login: Some(login),
                session,
                user_ref,
                ..
            })) => (login, session, user_ref),
            Command::Order(OrderCommand::QueryAccount(QueryAccount { login, session, .. })) => {
                (login, session, UserRef(0))
            }
            Command::Order(OrderCommand::MassCancel(MassCancel { login: None, .. }))
            | Command::Admin(AdminCommand::AddAsset { .. })
            | Command::Venue(VenueCommand::OpenAccount { .. })
            | Command::Venue(VenueCommand::OpenLogin { .. })
            | Command::Admin(AdminCommand::ListInstrument(_))
            | Command::Admin(AdminCommand::SetPhase { .. })
            | Command::Admin(AdminCommand::Deposit(_))
            | Command::Admin(AdminCommand::Withdraw(_))
            | Command::Venue(VenueCommand::Open { .. })
            | Command::Venue(VenueCommand::SetLimits { .. })
            | Command::Order(OrderCommand::CancelOrder { .. })
            | Command::Clock(ClockCommand::Tick)
            | Command::Admin(AdminCommand::SetMark { .. })
            | Command::Admin(AdminCommand::Delist { .. })
            | Command::Admin(AdminCommand::SetTerms(_))
            | Command::Admin(AdminCommand::SetFees(_))
            | Command::Admin(AdminCommand::SetProtection { .. })
            | Command::Admin(AdminCommand::SetOrderLimits { .. })
            | Command::Admin(AdminCommand::SetAsset(_))
            | Command::Admin(AdminCommand::SetSelfTrade(_))
            | Command::Admin(AdminCommand::AssignTier { .. })
            | Command::Admin(AdminCommand::SetVolumeTiers(_))
            | Command::Admin(AdminCommand::Kill { .. })
            | Command::Venue(VenueCommand::Checkpoint(_))
            | Command::Venue(VenueCommand::SetRules { .. })
            | Command::Order(OrderCommand::CancelLogin { .. })
            | Command::Venue(VenueCommand::RollSession { .. })
            | Command::Venue(VenueCommand::CopyAccount { .. })
            | Command::Venue(VenueCommand::ResetUserRef { .. }) => return None,
        };
        Some(Sender { login, session, user_ref })
    }

    /// The same command, as sent in this session if it is a client's message.
    pub fn in_session(mut self, session: u32) -> Self {
        if let Command::Order(OrderCommand::Enter(Enter { session: own, .. }))
        | Command::Order(OrderCommand::RefuseEnter(RefuseEnter { session: own, .. }))
        | Command::Order(OrderCommand::Replace(Replace { session: own, .. }))
        | Command::Order(OrderCommand::RefuseReplace(RefuseReplace { session: own, .. }))
        | Command::Order(OrderCommand::Cancel(Cancel { session: own, .. }))
        | Command::Order(OrderCommand::Amend(Amend { session: own, .. }))
        | Command::Order(OrderCommand::Modify(Modify { session: own, .. }))
        | Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry { session: own, .. }))
        | Command::Order(OrderCommand::QueryAccount(QueryAccount { session: own, .. }))
        | Command::Order(OrderCommand::MassCancel(MassCancel { login: Some(_), session: own, .. })) =
            &mut self
        {
            *own = session;
        }
        debug_assert!(self.sender().is_none_or(|sender| sender.session == session), "{self:?} is a client's");
        self
    }
}
