//! What owners set for their accounts in contracts, by their logins or by an operator (docs/FUTURES.md, "What owners
//! set"), and the events that tell of it.

use super::numbered::numbered_enum;
use super::{AccountId, Amount, InstrumentId, LoginId, ShardId, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

/// What an owner sets for an account in contracts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum OwnerCommand {
    /// Whether an account has one position in a contract, or a long and a short one.
    SetPositionMode(SetPositionMode),
    /// Whether positions of an account in a contract share its wallet or have money of their own.
    SetMarginMode(SetMarginMode),
    /// The leverage of an account in a contract.
    SetLeverage(SetLeverage),
    /// Moves money between the wallet and a position with money of its own.
    MoveMargin(MoveMargin),
}

numbered_enum! {
    /// How many positions an account has in a contract.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum PositionMode {
        /// One, long or short.
        #[default]
        OneWay = 0,
        /// A long and a short one.
        Hedge = 1,
    }
}

numbered_enum! {
    /// Whose money stands behind positions in a contract.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum MarginMode {
        /// The wallet's, together with that of the account's other positions.
        #[default]
        Cross = 0,
        /// Each position has its own, its pot.
        Isolated = 1,
    }
}

numbered_enum! {
    /// Which of an account's positions in a contract.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum PositionLeg {
        /// The only one, long or short (one-way mode).
        #[default]
        Net = 0,
        /// The long one (hedge mode).
        Long = 1,
        /// The short one (hedge mode).
        Short = 2,
    }
}

/// What a command of an owner is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerSubject {
    /// A contract.
    Contract(InstrumentId),
    /// All contracts of a shard.
    Shard(ShardId),
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

/// How many positions an account has in each contract of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetPositionMode {
    /// Who sets it.
    #[serde(flatten)]
    pub by: Setter,
    /// The shard. The account has neither positions nor open orders in any of its contracts.
    pub shard: ShardId,
    /// The mode.
    pub mode: PositionMode,
}

/// Whose money stands behind the positions of an account in a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetMarginMode {
    /// Who sets it.
    #[serde(flatten)]
    pub by: Setter,
    /// The contract. The account has neither positions nor open orders in it.
    pub instrument: InstrumentId,
    /// The mode.
    pub mode: MarginMode,
}

/// Money moves between the wallet of an account and the pot of a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MoveMargin {
    /// Who moves it.
    #[serde(flatten)]
    pub by: Setter,
    /// The contract, in which the account has isolated margin.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: PositionLeg,
    /// Minor units of the settlement asset, not 0; above 0: into the pot.
    pub amount: Amount,
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

/// An account has this mode in the contracts of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PositionModeSet {
    /// Who has set it.
    #[serde(flatten)]
    pub by: SetBy,
    /// The shard.
    pub shard: ShardId,
    /// The mode.
    pub mode: PositionMode,
}

/// An account has this mode in a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MarginModeSet {
    /// Who has set it.
    #[serde(flatten)]
    pub by: SetBy,
    /// The contract.
    pub instrument: InstrumentId,
    /// The mode.
    pub mode: MarginMode,
}

/// Money moved between a wallet and the pot of a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MarginMoved {
    /// Who has moved it.
    #[serde(flatten)]
    pub by: SetBy,
    /// The contract.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: PositionLeg,
    /// Minor units of the settlement asset; above 0: into the pot.
    pub amount: Amount,
    /// What the pot has then, minor units.
    pub pot: Amount,
    /// What the wallet has then, minor units; what orders hold is in it.
    pub wallet: Amount,
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
            Self::SetPositionMode(SetPositionMode { by, .. })
            | Self::SetMarginMode(SetMarginMode { by, .. })
            | Self::SetLeverage(SetLeverage { by, .. })
            | Self::MoveMargin(MoveMargin { by, .. }) => by,
        }
    }

    /// What it is about.
    pub fn subject(&self) -> OwnerSubject {
        match self {
            Self::SetPositionMode(SetPositionMode { shard, .. }) => OwnerSubject::Shard(*shard),
            Self::SetMarginMode(SetMarginMode { instrument, .. })
            | Self::SetLeverage(SetLeverage { instrument, .. })
            | Self::MoveMargin(MoveMargin { instrument, .. }) => OwnerSubject::Contract(*instrument),
        }
    }

    /// Who sends it, to be changed.
    pub fn setter_mut(&mut self) -> &mut Setter {
        match self {
            Self::SetPositionMode(SetPositionMode { by, .. })
            | Self::SetMarginMode(SetMarginMode { by, .. })
            | Self::SetLeverage(SetLeverage { by, .. })
            | Self::MoveMargin(MoveMargin { by, .. }) => by,
        }
    }
}

impl From<&Setter> for SetBy {
    fn from(setter: &Setter) -> Self {
        let Setter { login, user_ref, account, .. } = *setter;
        Self { login, user_ref: if login.is_some() { user_ref } else { UserRef(0) }, account }
    }
}
