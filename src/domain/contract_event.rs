//! Events about contracts: indexes, terms, tiers, the insurance fund. docs/FUTURES.md describes each.

use super::numbered::numbered_enum;
use super::{
    AccountId, AddIndex, Amount, AssetId, IndexId, IndexTerms, InstrumentId, LeverageSet, MarginModeSet,
    MarginMoved, PositionLeg, SetContract, SetContractRisk, SetMarginTier, ShardId, Timestamp, TradeId,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// Indexes, contracts, and the insurance fund.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum ContractEvent {
    /// An index exists. It has no price yet.
    IndexAdded(AddIndex),
    /// The terms of an index changed.
    IndexTermsSet {
        /// The index.
        index: IndexId,
        /// The new terms.
        terms: IndexTerms,
    },
    /// An index has a new price. The marks that it moves follow.
    IndexSet(IndexSet),
    /// A price of an index is too far from the last one. It waits for a second price near it.
    IndexHeld {
        /// The index.
        index: IndexId,
        /// The price that waits, price units.
        price: u32,
        /// Its source time.
        source_time: Timestamp,
    },
    /// What a contract refers to changed.
    ContractSet(SetContract),
    /// The risk parameters of a contract changed.
    ContractRiskSet(SetContractRisk),
    /// A row of a table of margin tiers was taken.
    MarginTierSet {
        /// The row.
        tier: SetMarginTier,
        /// What is taken off the maintenance margin in this row, minor units of the settlement asset.
        amount: Amount,
    },
    /// A table of margin tiers is in force: the rows that were taken last.
    MarginTiersSet {
        /// The contract.
        instrument: InstrumentId,
        /// The number of its rows.
        rows: u8,
    },
    /// An insurance fund has more money.
    FundChanged(FundChanged),
    /// A position changed. Follows the trade that changed it; of one trade the buyer's comes first.
    PositionChanged(PositionChanged),
    /// An account has another margin mode in a contract. The answer to its owner.
    MarginModeSet(MarginModeSet),
    /// An account has another leverage in a contract. The answer to its owner.
    LeverageSet(LeverageSet),
    /// Money moved between a wallet and the pot of a position. The answer to its owner.
    MarginMoved(MarginMoved),
}

/// A new price of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct IndexSet {
    /// The index.
    pub index: IndexId,
    /// Price units.
    pub price: u32,
    /// When the price was made.
    pub source_time: Timestamp,
    /// Until then no position of its contracts is closed out; 0: there was no reason to wait yet.
    pub grace_until: Timestamp,
}

numbered_enum! {
    /// Why an insurance fund has more money.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum FundCause {
        /// An operator deposited it.
        #[default]
        Deposit = 0,
        /// The remainder of a funding.
        Funding = 1,
        /// The remainder of a settlement.
        Settlement = 2,
        /// The fee of a liquidation.
        LiquidationFee = 3,
    }
}

numbered_enum! {
    /// Why a position changed.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum PositionCause {
        /// A trade of its owner's order.
        #[default]
        Trade = 0,
        /// The contract was settled.
        Settled = 1,
        /// The long and the short position of an account closed each other.
        Offset = 2,
        /// It was closed out.
        CloseOut = 3,
        /// It was deleveraged.
        Deleveraged = 4,
    }
}

/// A position as it is after a change, and what the change did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PositionChanged {
    /// Its owner.
    pub account: AccountId,
    /// The contract.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: PositionLeg,
    /// Why it changed.
    pub cause: PositionCause,
    /// The trade; 0: there was none.
    pub trade: TradeId,
    /// Lots now; above 0: long.
    pub lots: i64,
    /// Their cost now, with its sign, minor units of the settlement asset.
    pub cost: i64,
    /// The profit that the change realised; below 0: a loss.
    pub realised: i64,
    /// Its own money now; 0 in cross mode.
    pub pot: i64,
    /// The wallet of its owner now, fee included; what orders hold is in it.
    pub wallet: i64,
}

/// An insurance fund has more money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FundChanged {
    /// The asset of the fund.
    pub asset: AssetId,
    /// The shard of the fund.
    pub shard: ShardId,
    /// The cause.
    pub cause: FundCause,
    /// The contract that the money comes from; `None`: it was deposited.
    pub instrument: Option<InstrumentId>,
    /// Minor units, 0 or more.
    pub amount: Amount,
    /// What the fund has then, minor units.
    pub fund: Amount,
    /// The sender's number of the deposit; 0: it was none.
    pub reference: u64,
}
