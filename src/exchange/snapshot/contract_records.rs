//! The records of contracts (docs/FORMATS.md, "Snapshots", has them as byte tables).

use super::domain_records::{ContractRiskRecord, ContractTermsRecord, IndexTermsRecord};
use crate::domain::contracts::Tier;
use crate::domain::{
    AccountId, Amount, AssetId, FundingNumber, InstrumentId, Ppm, ShardId, Symbol, Timestamp,
};
use bincode::{Decode, Encode};

/// What the shard's contracts share, and the counts of the following records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ContractsRecord {
    /// The second of the last sampling tick; 0 before the first.
    pub sampled: u64,
    /// The number of indexes.
    pub indexes: u32,
    /// The number of contracts of the shard, delisted ones too.
    pub contracts: u32,
    /// The rows of all tables of tiers.
    pub tiers: u32,
    /// The samples of the basis.
    pub samples: u32,
    /// The number of insurance funds.
    pub funds: u32,
    /// The number of holdings.
    pub holdings: u32,
    /// The number of accounts in hedge mode.
    pub hedging: u32,
}

/// An account in hedge mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HedgingRecord {
    pub account: AccountId,
}

/// What an account has in a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HoldingRecord {
    pub instrument: InstrumentId,
    pub account: AccountId,
    /// Whether its positions have money of their own.
    pub isolated: bool,
    /// 0: never chosen.
    pub leverage: u8,
    /// The only position of one-way mode, or the long one of hedge mode.
    pub first: PositionRecord,
    /// The short one of hedge mode.
    pub second: PositionRecord,
}

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PositionRecord {
    /// Above 0: long.
    pub lots: i64,
    /// Minor units of the settlement asset, with its sign.
    pub cost: i64,
    /// Its own money, minor units.
    pub pot: i64,
    /// Whether it is to be charged for the last funding.
    pub owes: bool,
}

/// A price of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QuoteRecord {
    /// Price units.
    pub price: u32,
    /// When it was made.
    pub source_time: Timestamp,
}

/// An index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IndexRecord {
    pub symbol: Symbol,
    pub price_decimals: u8,
    /// The shard of its contracts.
    pub shard: ShardId,
    pub terms: IndexTermsRecord,
    /// The last price that was taken.
    pub last: Option<QuoteRecord>,
    /// A price that waits for a second one near it.
    pub held: Option<QuoteRecord>,
    /// Until then no position is closed out.
    pub grace_until: Timestamp,
}

/// What a contract has beside what every instrument has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ContractRecord {
    pub instrument: InstrumentId,
    /// What it refers to.
    pub terms: Option<ContractTermsRecord>,
    pub risk: Option<ContractRiskRecord>,
    /// The number of rows that the table under way will have; 0: none is under way.
    pub coming: u8,
    /// Whether an operator set the mark.
    pub mark_holds: bool,
    /// The second in which it was first in continuous trading.
    pub opened: Option<u64>,
    /// The last sampling tick while its index was fresh; 0 before the first.
    pub kept_to: u64,
    pub funding: FundingRecord,
    /// Minor units of the settlement asset between those who pay and those who receive.
    pub clearing: i64,
    /// The sum of the samples of the index before the expiry, price units.
    pub settlement_sum: u64,
    /// How many there are.
    pub settlement_samples: u32,
    /// Whether it expired and waits for an operator's price.
    pub expired: bool,
}

/// The funding of a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FundingRecord {
    /// The number of the last one; 0: there was none.
    pub number: FundingNumber,
    /// Its rate, parts per 10^9.
    pub rate_ppb: i32,
    /// Its mark, ticks.
    pub mark: i64,
    /// The second of the next one; 0: there is none.
    pub next: u64,
    /// The sum of the samples since the last one, parts per 10^9, divided by 2^32 and rounded down.
    pub premium_high: i64,
    /// What is left over by that division.
    pub premium_low: u32,
    /// How many there are.
    pub samples: u32,
    /// Whether there are positions to be charged for the last one.
    pub open: bool,
    /// The positions that were charged for it.
    pub charged: u32,
    /// All positions of accounts before this one are charged.
    pub next_account: AccountId,
}

/// A row of a table of margin tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TierRecord {
    pub instrument: InstrumentId,
    /// Whether its table is in force; else it is under way.
    pub in_force: bool,
    /// The smallest notional, minor units of the settlement asset.
    pub floor: Amount,
    pub initial: Ppm,
    pub maintenance: Ppm,
}

/// A sample of the basis of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SampleRecord {
    pub instrument: InstrumentId,
    /// The second in which it was taken.
    pub second: u64,
    /// Ticks.
    pub sample: i64,
}

/// An insurance fund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FundRecord {
    pub asset: AssetId,
    /// Minor units.
    pub amount: Amount,
    /// The number of its last deposit.
    pub last_reference: u64,
}

/// Rows of the table of one contract that were read.
#[derive(Debug, Default)]
pub(super) struct TakenTiers {
    pub(super) in_force: Vec<Tier>,
    pub(super) coming: Vec<Tier>,
}
