//! Transfers of money between the wallets of two shards (docs/RULES.md, "Transfers between shards").

use super::{AccountId, Amount, AssetId, LoginId, ShardId, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

/// Money leaves the wallet of an account in one shard for the account's wallet in another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TransferOut {
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
    /// The asset.
    pub asset: AssetId,
    /// The amount, minor units, at least 1.
    pub amount: Amount,
    /// The shard whose wallet pays. It alone executes the command.
    pub from: ShardId,
    /// The shard whose wallet receives; not `from`.
    pub to: ShardId,
    /// The sender's number of this transfer, strictly increasing per account and shard, together with the references
    /// of deposits and withdrawals.
    pub reference: u64,
}

/// A transfer on its way: it has left the wallet in one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ShardTransfer {
    /// The shard whose wallet paid.
    pub from: ShardId,
    /// The shard whose wallet receives.
    pub to: ShardId,
    /// Its number, dense from 1 for each pair of `from` and `to`.
    pub number: u64,
    /// The account.
    pub account: AccountId,
    /// The asset.
    pub asset: AssetId,
    /// The amount, minor units, at least 1.
    pub amount: Amount,
}

impl ShardTransfer {
    /// The most transfers of an account that are on their way from one shard.
    pub const OF_ACCOUNT_MAX: u8 = 8;

    /// The most transfers on their way from one shard to another.
    pub const OF_PAIR_MAX: usize = 4096;

    /// The most that deposits less withdrawals of an asset may come to in each shard of a venue with several, minor
    /// units. The supply of a shard is then at most [`ShardId::COUNT`] times as much, so a transfer that arrives fits.
    pub const DEPOSITS_MAX: i64 = 1 << 59;
}

/// Money left the wallet of an account for its wallet in another shard, and is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TransferSent {
    /// The sender; `None`: an operator.
    pub login: Option<LoginId>,
    /// The client's number of the message; 0 from an operator.
    pub user_ref: UserRef,
    /// The transfer.
    #[serde(flatten)]
    pub transfer: ShardTransfer,
    /// The sender's number of it.
    pub reference: u64,
    /// What the account has left in the wallet that paid, minor units; what orders hold is included.
    pub wallet: Amount,
}

/// A transfer arrived in the wallet of its destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct TransferReceived {
    /// The transfer.
    #[serde(flatten)]
    pub transfer: ShardTransfer,
    /// What the account has in the wallet that received, minor units; what orders hold is included.
    pub wallet: Amount,
}

// The sum over all shards fits an amount.
const _: () = assert!(ShardTransfer::DEPOSITS_MAX <= i64::MAX / ShardId::COUNT as i64);
