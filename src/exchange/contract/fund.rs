//! An insurance fund (docs/FUTURES.md, "Insurance fund").

use crate::domain::{AccountId, Amount, AssetId, InstrumentId};
use std::collections::BTreeMap;

/// The insurance fund of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Fund {
    /// Minor units.
    pub(in crate::exchange) amount: Amount,
    /// The number of the last deposit.
    pub(in crate::exchange) last_reference: u64,
}

/// The insurance funds of a shard, and who may have less than nothing.
#[derive(Clone, Debug, Default)]
pub(in crate::exchange) struct Funds {
    /// Those that ever had money, or paid any.
    pub(in crate::exchange) of: BTreeMap<AssetId, Fund>,
    /// What may have come below 0 in the present command, and have no position behind it; empty between commands.
    pub(in crate::exchange) below: Vec<Below>,
}

/// A wallet or a pot that may be below 0. In the order in which funds pay: accounts by id, wallets before pots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::exchange) struct Below {
    pub(in crate::exchange) account: AccountId,
    /// The contract and the position of a pot; `None`: the wallet.
    pub(in crate::exchange) pot: Option<(InstrumentId, u8)>,
    pub(in crate::exchange) asset: AssetId,
    /// Whether the orders of the account are cancelled.
    pub(in crate::exchange) is_swept: bool,
}

impl Funds {
    /// What the fund of an asset has, minor units; below 0: a deficit.
    pub(in crate::exchange) fn amount(&self, asset: AssetId) -> Amount {
        self.of.get(&asset).map_or(Amount(0), |fund| fund.amount)
    }

    /// Adds to a fund, or takes from it. Returns what it has then.
    pub(in crate::exchange) fn change(&mut self, asset: AssetId, by: i64) -> Amount {
        let fund = self.of.entry(asset).or_default();
        fund.amount.0 += by;
        fund.amount
    }
}
