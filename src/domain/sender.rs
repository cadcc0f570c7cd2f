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
            Command::Order(
                OrderCommand::Enter(Enter { login, session, user_ref, .. })
                | OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, .. })
                | OrderCommand::Replace(Replace { login, session, user_ref, .. })
                | OrderCommand::RefuseReplace(RefuseReplace { login, session, user_ref, .. })
                | OrderCommand::Cancel(Cancel { login, session, user_ref, .. })
                | OrderCommand::Amend(Amend { login, session, user_ref, .. })
                | OrderCommand::Modify(Modify { login, session, user_ref, .. })
                | OrderCommand::SetOrderEntry(SetOrderEntry { login, session, user_ref, .. })
                | OrderCommand::MassCancel(MassCancel { login: Some(login), session, user_ref, .. }),
            ) => (login, session, user_ref),
            Command::Order(OrderCommand::QueryAccount(QueryAccount { login, session, .. })) => {
                (login, session, UserRef(0))
            }
            Command::Order(
                OrderCommand::MassCancel(MassCancel { login: None, .. })
                | OrderCommand::CancelOrder { .. }
                | OrderCommand::CancelLogin { .. },
            )
            | Command::Admin(
                AdminCommand::AddAsset { .. }
                | AdminCommand::ListInstrument(_)
                | AdminCommand::SetPhase { .. }
                | AdminCommand::Deposit(_)
                | AdminCommand::Withdraw(_)
                | AdminCommand::SetMark { .. }
                | AdminCommand::Delist { .. }
                | AdminCommand::SetTerms(_)
                | AdminCommand::SetFees(_)
                | AdminCommand::SetProtection { .. }
                | AdminCommand::SetOrderLimits { .. }
                | AdminCommand::SetAsset(_)
                | AdminCommand::SetSelfTrade(_)
                | AdminCommand::AssignTier { .. }
                | AdminCommand::SetVolumeTiers(_)
                | AdminCommand::Kill { .. },
            )
            | Command::Venue(
                VenueCommand::OpenAccount { .. }
                | VenueCommand::OpenLogin { .. }
                | VenueCommand::Open { .. }
                | VenueCommand::SetLimits { .. }
                | VenueCommand::Checkpoint(_)
                | VenueCommand::SetRules { .. }
                | VenueCommand::RollSession { .. }
                | VenueCommand::CopyAccount { .. }
                | VenueCommand::ResetUserRef { .. },
            )
            | Command::Clock(ClockCommand::Tick) => return None,
        };
        Some(Sender { login, session, user_ref })
    }

    /// The same command, as sent in this session if it is a client's message.
    pub fn in_session(mut self, session: u32) -> Self {
        if let Command::Order(
            OrderCommand::Enter(Enter { session: own, .. })
            | OrderCommand::RefuseEnter(RefuseEnter { session: own, .. })
            | OrderCommand::Replace(Replace { session: own, .. })
            | OrderCommand::RefuseReplace(RefuseReplace { session: own, .. })
            | OrderCommand::Cancel(Cancel { session: own, .. })
            | OrderCommand::Amend(Amend { session: own, .. })
            | OrderCommand::Modify(Modify { session: own, .. })
            | OrderCommand::SetOrderEntry(SetOrderEntry { session: own, .. })
            | OrderCommand::QueryAccount(QueryAccount { session: own, .. })
            | OrderCommand::MassCancel(MassCancel { login: Some(_), session: own, .. }),
        ) = &mut self
        {
            *own = session;
        }
        debug_assert!(self.sender().is_none_or(|sender| sender.session == session), "{self:?} is a client's");
        self
    }
}
