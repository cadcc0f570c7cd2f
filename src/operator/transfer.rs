//! A transfer between the wallets of two shards, as an operator orders it.

use serde::{Deserialize, Serialize};

/// A transfer between the wallets of two shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct TransferOrder {
    /// The account's name, or its number
    #[cfg_attr(feature = "cli", arg(long))]
    pub account: String,
    /// The asset's code
    #[cfg_attr(feature = "cli", arg(long))]
    pub asset: String,
    /// How much, in whole units of the asset
    #[cfg_attr(feature = "cli", arg(long))]
    pub amount: String,
    /// The name, or the number, of the shard whose wallet pays
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARD"))]
    pub from: String,
    /// The name, or the number, of the shard whose wallet receives
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARD"))]
    pub to: String,
    /// The number of this transfer: above those of all deposits, withdrawals and transfers that the account has made in
    /// the shard that pays. A transfer that is sent twice with one number is made once
    #[cfg_attr(feature = "cli", arg(long, value_name = "NUMBER"))]
    pub reference: u64,
}
