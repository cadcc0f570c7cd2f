//! What owners set for their accounts in contracts, by their logins or by an operator (docs/FUTURES.md, "What owners
//! set"), and the events that tell of it.

use super::{AccountId, InstrumentId, LoginId, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

/// What an owner sets for an account in contracts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum OwnerCommand {
    /// The leverage of an account in a contract.
    SetLeverage(SetLeverage),
}

/// Who sets something, and for which account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Setter {
    /// The sender, who gets the answer and may only name its own account. `None`: an operator.
    pub login: Option<LoginId>,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored. 0 from an
    /// operator.
    pub session: u32,
    /// The client's number of the message. If it is not above the login's last, the message is a retransmission and is
    /// ignored. 0 from an operator.
    pub user_ref: UserRef,
    /// The account.
    pub account: AccountId,
}

/// The leverage of an account in a contract, for its orders and its positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetLeverage {
    /// Who sets it.
    #[serde(flatten)]
    pub by: Setter,
    /// The contract.
    pub instrument: InstrumentId,
    /// 1 to [`Leverage::MAX`](super::contracts::Leverage::MAX).
    pub leverage: u8,
}

/// Who has set something, and for which account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetBy {
    /// The sender; `None`: an operator.
    pub login: Option<LoginId>,
    /// The client's number of the message; 0 from an operator.
    pub user_ref: UserRef,
    /// The account.
    pub account: AccountId,
}

/// An account has this leverage in a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct LeverageSet {
    /// Who has set it.
    #[serde(flatten)]
    pub by: SetBy,
    /// The contract.
    pub instrument: InstrumentId,
    /// The leverage.
    pub leverage: u8,
}

impl OwnerCommand {
    /// Who sends it.
    pub fn setter(&self) -> &Setter {
        match self {
            Self::SetLeverage(SetLeverage { by, .. }) => by,
        }
    }

    /// Who sends it, to be changed.
    pub fn setter_mut(&mut self) -> &mut Setter {
        match self {
            Self::SetLeverage(SetLeverage { by, .. }) => by,
        }
    }
}

impl From<&Setter> for SetBy {
    fn from(setter: &Setter) -> Self {
        let Setter { login, user_ref, account, .. } = *setter;
        Self { login, user_ref: if login.is_some() { user_ref } else { UserRef(0) }, account }
    }
}
