//! Commands about contracts: indexes, what a contract is, its risk, its tiers of margin, the insurance fund.
//! docs/FUTURES.md describes each.

use super::numbered::numbered_enum;
use super::{Amount, AssetId, IndexId, InstrumentId, Ppm, Price, ShardId, Symbol, Timestamp};
use bincode::{Decode, Encode};
use serde::Serialize;

/// Indexes, contracts, and the insurance fund.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum ContractCommand {
    /// A new index. Its id must be the next free one.
    AddIndex(AddIndex),
    /// Changes when an index is stale and which jumps of it are held.
    SetIndexTerms {
        /// The index.
        index: IndexId,
        /// The new terms.
        terms: IndexTerms,
    },
    /// A new price of an index, from a login with the role `index`, from an operator, or from the configuration's feed.
    SetIndex(SetIndex),
    /// What a contract refers to, and the prices that it can have.
    SetContract(SetContract),
    /// The risk parameters of a contract.
    SetContractRisk(SetContractRisk),
    /// One row of a contract's table of margin tiers. The last row puts the table in force.
    SetMarginTier(SetMarginTier),
    /// Money of the venue for the insurance fund of an asset in a shard.
    DepositFund(DepositFund),
    /// Closes every position of a contract at a price and delists it.
    SettleContract {
        /// The contract.
        instrument: InstrumentId,
        /// Ticks.
        price: Price,
    },
}

/// A new index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AddIndex {
    /// The next free index id.
    pub index: IndexId,
    /// Its symbol, unique among indexes.
    pub symbol: Symbol,
    /// Prices are in price units of 10^-p of the quote asset; 0 to
    /// [`ListInstrument::PRICE_DECIMALS_MAX`](super::ListInstrument::PRICE_DECIMALS_MAX).
    pub price_decimals: u8,
    /// The shard of its contracts.
    pub shard: ShardId,
    /// When it is stale, and which jumps are held.
    pub terms: IndexTerms,
}

/// When an index is stale, and which of its jumps are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct IndexTerms {
    /// It is stale when the source time of its last price is this old, milliseconds; 1,000 to 600,000.
    pub stale_after_ms: u32,
    /// How long no position is closed out after the index was stale, seconds; 0 to 3,600.
    pub grace_s: u32,
    /// A price that is farther from the last one waits for a second one near it; 0: off, else 1,000 to 1,000,000.
    pub jump: Ppm,
}

impl IndexTerms {
    /// Whether every term is in its range.
    pub fn in_range(&self) -> bool {
        let Self { stale_after_ms, grace_s, jump } = *self;
        (1_000..=600_000).contains(&stale_after_ms)
            && grace_s <= 3_600
            && (jump.0 == 0 || (1_000..=Ppm::ONE).contains(&jump.0))
    }
}

/// A new price of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetIndex {
    /// The index.
    pub index: IndexId,
    /// Price units, 1 to [`Listing::PRICE_END`](super::Listing::PRICE_END) - 1.
    pub price: u32,
    /// When the price was made, ns since the Unix epoch; above that of the price before.
    pub source_time: Timestamp,
}

/// What a contract refers to, and the prices that it can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetContract {
    /// The contract.
    pub instrument: InstrumentId,
    /// Its index, of the same shard and with the same price decimals.
    pub index: IndexId,
    /// When it expires, seconds since the Unix epoch, a multiple of 60; 0 for a perpetual.
    pub expiry: u32,
    /// Seconds between two fundings, 3,600 to 86,400, a divisor of 86,400; 0 for a dated contract.
    pub funding_interval_s: u32,
    /// Lowest price of orders, index, mark and settlement, price units, at least 1.
    pub price_min: u32,
    /// Highest price, price units, below [`Listing::PRICE_END`](super::Listing::PRICE_END).
    pub price_max: u32,
}

numbered_enum! {
    /// How lots are shared among those that are deleveraged.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum DeleverageMode {
        /// By rank, the first one all of its lots before the next.
        #[default]
        ByRank = 0,
        /// By their profits.
        ProRata = 1,
    }
}

/// The risk parameters of a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetContractRisk {
    /// The contract.
    pub instrument: InstrumentId,
    /// Interest of eight hours, parts per 10^9: -1,000,000 to 1,000,000; 0 for a dated contract.
    pub interest_ppb: i32,
    /// The lots over which impact prices are averaged, at least 1.
    pub impact_lots: u32,
    /// How far the mark may be from the index: 1,000 to 200,000.
    pub mark_band: Ppm,
    /// How far prices may be from the index in the first ten minutes: 1,000 to 500,000.
    pub first_band: Ppm,
    /// How far prices may be from index and basis: 1,000 to 500,000, at most `outer_band`.
    pub premium_band: Ppm,
    /// How far prices may be from the index, whatever the basis: 1,000 to 500,000.
    pub outer_band: Ppm,
    /// The fee of a liquidation: 0 to 50,000.
    pub liquidation_fee: Ppm,
    /// How far from the mark a liquidation may trade: 1,000 to 100,000.
    pub collar: Ppm,
    /// The ticks after which what a liquidation could not trade is deleveraged, 0 to 3,600.
    pub adl_after: u16,
    /// How lots are shared among those that are deleveraged.
    pub adl_mode: DeleverageMode,
    /// The most lots of an account's position and orders, at most `open_interest_limit`.
    pub position_limit: u32,
    /// The most lots of all long positions together.
    pub open_interest_limit: u32,
}

impl SetContractRisk {
    /// Whether every parameter is in its range.
    pub fn in_range(&self, is_perpetual: bool) -> bool {
        let interest = if is_perpetual { -1_000_000..=1_000_000 } else { 0..=0 };
        let prices = 1_000..=500_000;
        interest.contains(&self.interest_ppb)
            && self.impact_lots >= 1
            && (1_000..=200_000).contains(&self.mark_band.0)
            && prices.contains(&self.first_band.0)
            && prices.contains(&self.premium_band.0)
            && prices.contains(&self.outer_band.0)
            && self.premium_band <= self.outer_band
            && self.liquidation_fee.0 <= 50_000
            && (1_000..=100_000).contains(&self.collar.0)
            && self.adl_after <= 3_600
            && self.position_limit <= self.open_interest_limit
    }
}

/// One row of a contract's table of margin tiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetMarginTier {
    /// The contract.
    pub instrument: InstrumentId,
    /// The row, from 0. Row 0 begins a new table; the others follow in order.
    pub row: u8,
    /// The number of rows of the table, 1 to [`TIERS_MAX`](super::contracts::TIERS_MAX); the same in all of its rows.
    pub of: u8,
    /// The smallest notional of the row, minor units of the settlement asset; 0 in row 0.
    pub floor: Amount,
    /// The rate of initial margin.
    pub initial: Ppm,
    /// The rate of maintenance margin, above 0 and below that of initial margin.
    pub maintenance: Ppm,
}

/// Money of the venue for an insurance fund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct DepositFund {
    /// The asset.
    pub asset: AssetId,
    /// The shard whose fund gets it.
    pub shard: ShardId,
    /// Minor units, at least 1.
    pub amount: Amount,
    /// The sender's number, strictly increasing for each asset and shard, from 1.
    pub reference: u64,
}
