//! What a login is told of a wallet of its account.

use super::{Amount, AssetId, LoginId, ShardId, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

/// An account's balance of one asset, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AssetBalance {
    /// The asset.
    pub asset: AssetId,
    /// The amount that new orders can reserve.
    pub available: Amount,
    /// The amount that open orders reserve.
    pub reserved: Amount,
}

/// Asks for what the login's account has of an asset in the wallet of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QueryWallet {
    /// The sender, who gets the answer.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The shard. Its matcher alone answers; for one that does not exist the first shard does, without an amount.
    pub shard: ShardId,
    /// The asset.
    pub asset: AssetId,
}

/// The answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct WalletState {
    /// The sender.
    pub login: LoginId,
    /// The smallest client number that cannot have been used yet.
    pub next_user_ref: UserRef,
    /// The shard.
    pub shard: ShardId,
    /// What is in the wallet; `None` if there is no such shard or asset.
    pub wallet: Option<Wallet>,
}

/// What an account has of an asset in the wallet of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Wallet {
    /// What no open order holds, and what they hold. Margin of contracts is not taken off.
    pub balance: AssetBalance,
    /// What can be withdrawn or transferred, minor units: where there are contracts, less what their margin needs.
    pub withdrawable: Amount,
}
