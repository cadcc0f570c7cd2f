//! The sender of a command: a client with the session in which it was sent, or the venue itself.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{
    Amend, Cancel, Command, Enter, LoginId, MassCancel, Modify, NameOrder, OrderCommand, QueryAccount,
    QueryWallet, RefuseEnter, RefuseReplace, Replace, SendIndex, SetOrderEntry, Setter, TransferOut, UserRef,
};

/// The login, session and client number of a client's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The login.
    pub login: LoginId,
    /// The session that the connection was logged in to.
    pub session: u32,
    /// The client's number of the message; for a replace the new one, 0 for a message without a number.
    pub user_ref: UserRef,
}

impl OrderCommand {
    /// The sender of the client message; `None` if the command is not from a client.
    #[inline]
    pub fn sender(&self) -> Option<Sender> {
        let (login, session, user_ref) = match *self {
            Self::Enter(Enter { login, session, user_ref, .. })
            | Self::RefuseEnter(RefuseEnter { login, session, user_ref, .. })
            | Self::Replace(Replace { login, session, user_ref, .. })
            | Self::RefuseReplace(RefuseReplace { login, session, user_ref, .. })
            | Self::Cancel(Cancel { login, session, user_ref, .. })
            | Self::Amend(Amend { login, session, user_ref, .. })
            | Self::Modify(Modify { login, session, user_ref, .. })
            | Self::SetOrderEntry(SetOrderEntry { login, session, user_ref, .. })
            | Self::NameOrder(NameOrder { login, session, user_ref, .. })
            | Self::SendIndex(SendIndex { login, session, user_ref, .. })
            | Self::MassCancel(MassCancel { login: Some(login), session, user_ref, .. })
            | Self::TransferOut(TransferOut { login: Some(login), session, user_ref, .. }) => {
                (login, session, user_ref)
            }
            Self::QueryAccount(QueryAccount { login, session, .. })
            | Self::QueryWallet(QueryWallet { login, session, .. }) => (login, session, UserRef(0)),
            Self::MassCancel(MassCancel { login: None, .. })
            | Self::TransferOut(TransferOut { login: None, .. })
            | Self::CancelOrder { .. }
            | Self::CancelLogin { .. } => return None,
        };
        Some(Sender { login, session, user_ref })
    }
}

impl Setter {
    /// The sender of the client message; `None`: an operator.
    pub fn sender(&self) -> Option<Sender> {
        let Self { login, session, user_ref, .. } = *self;
        login.map(|login| Sender { login, session, user_ref })
    }
}

impl Command {
    /// The sender of the client message; `None` if the command is not from a client.
    #[inline]
    pub fn sender(&self) -> Option<Sender> {
        match self {
            Self::Order(command) => command.sender(),
            Self::Owner(command) => command.setter().sender(),
            Self::Venue(_) | Self::Admin(_) | Self::Contract(_) | Self::Clock(_) => None,
        }
    }

    /// The same command with this session if it is a client's message; otherwise unchanged.
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
            | OrderCommand::NameOrder(NameOrder { session: own, .. })
            | OrderCommand::SendIndex(SendIndex { session: own, .. })
            | OrderCommand::QueryAccount(QueryAccount { session: own, .. })
            | OrderCommand::QueryWallet(QueryWallet { session: own, .. })
            | OrderCommand::MassCancel(MassCancel { login: Some(_), session: own, .. })
            | OrderCommand::TransferOut(TransferOut { login: Some(_), session: own, .. }),
        ) = &mut self
        {
            *own = session;
        }
        if let Command::Owner(command) = &mut self
            && command.setter().login.is_some()
        {
            command.setter_mut().session = session;
        }
        debug_assert!(self.sender().is_none_or(|sender| sender.session == session), "{self:?} is a client's");
        self
    }
}
