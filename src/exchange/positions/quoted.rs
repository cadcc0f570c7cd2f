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
    /// When its index becomes stale, ns.
    pub(in crate::exchange) stale_from: u64,
}

impl Quoted {
    /// The leverage of who never chose one.
    pub(in crate::exchange) fn usual_leverage(&self) -> Leverage {
        const USUAL: u8 = 20;
        let highest = self.tiers.leverage_max(Amount(0)).get();
        Leverage::new(highest.min(USUAL)).expect("1 to 20")
    }
}

/// No holding.
pub(super) const NONE: u32 = u32::MAX;
