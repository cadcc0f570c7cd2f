//! Who has positions in which contract, and what they are valued by.

use crate::domain::contracts::{ContractValue, Leverage, Tiers};
use crate::domain::{AccountId, Amount, AssetId, Price};

/// The number of a contract among the contracts of its shard, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::exchange) struct Ordinal(pub(in crate::exchange) u16);

/// Who has positions in which contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::exchange) struct At {
    pub(in crate::exchange) account: AccountId,
    pub(in crate::exchange) contract: Ordinal,
}

/// What positions in a contract are valued by.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Quoted {
    pub(in crate::exchange) value: ContractValue,
    /// The asset that it is settled in.
    pub(in crate::exchange) asset: AssetId,
    pub(in crate::exchange) mark: Price,
    pub(in crate::exchange) tiers: Tiers,
    /// The leverage of who never chose one.
    pub(super) usual: Leverage,
    /// When its index becomes stale, ns.
    pub(in crate::exchange) stale_from: u64,
}

impl Quoted {
    pub(in crate::exchange) fn new(
        (value, asset): (ContractValue, AssetId),
        mark: Price,
        tiers: Tiers,
        stale_from: u64,
    ) -> Self {
        const USUAL: u8 = 20;
        let highest = tiers.leverage_max(Amount(0)).get();
        let usual = Leverage::new(highest.min(USUAL)).expect("1 to 20");
        Self { value, asset, mark, tiers, usual, stale_from }
    }
}

/// No holding.
pub(super) const NONE: u32 = u32::MAX;
