//! Events about contracts: indexes, terms, tiers, the insurance fund. docs/FUTURES.md describes each.

use super::numbered::numbered_enum;
use super::{
    AccountId, AddIndex, Amount, AssetId, IndexId, IndexTerms, InstrumentId, LeverageSet, LoginId,
    MarginModeSet, MarginMoved, PositionLeg, Price, Quantity, SetContract, SetContractRisk, SetMarginTier,
    ShardId, Timestamp, TradeId,
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
    /// The rate of a funding. Every position of its time owes or is owed by it, and is charged later.
    FundingSet(FundingSet),
    /// A position was charged for a funding.
    FundingPaid(FundingPaid),
    /// Every position was charged for a funding.
    FundingClosed {
        /// The contract.
        instrument: InstrumentId,
        /// The funding.
        number: FundingNumber,
        /// The positions that were charged.
        legs: u32,
        /// What payers paid and receivers did not get, minor units, 0 or more. The insurance fund gets it.
        remainder: Amount,
    },
    /// A contract expired without enough samples of its index. It waits for an operator to state the price.
    SettlementPending {
        /// The contract.
        instrument: InstrumentId,
        /// The samples that there are.
        samples: u32,
    },
    /// Every position of a contract was closed at a price. It is delisted.
    ContractSettled {
        /// The contract.
        instrument: InstrumentId,
        /// The price, ticks.
        price: Price,
        /// The positions that were closed.
        legs: u32,
        /// What payers paid and receivers did not get, minor units, 0 or more. The insurance fund gets it.
        remainder: Amount,
    },
    /// An insurance fund paid what an account lacked.
    FundPaid(FundPaid),
    /// An insurance fund paid more than it had.
    InsuranceDeficit(FundPaid),
    /// An account has another margin mode in a contract. The answer to its owner.
    MarginModeSet(MarginModeSet),
    /// An account has another leverage in a contract. The answer to its owner.
    LeverageSet(LeverageSet),
    /// Money moved between a wallet and the pot of a position. The answer to its owner.
    MarginMoved(MarginMoved),
}

impl ContractEvent {
    /// The account that the event is about, all of whose logins are told.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub(super) fn account_told(&self) -> Option<AccountId> {
        match self {
            Self::PositionChanged(PositionChanged { account, .. })
            | Self::FundingPaid(FundingPaid { account, .. })
            | Self::FundPaid(FundPaid { account, .. }) => Some(*account),
            Self::IndexAdded(_)
            | Self::IndexTermsSet { .. }
            | Self::IndexSet(_)
            | Self::IndexHeld { .. }
            | Self::ContractSet(_)
            | Self::ContractRiskSet(_)
            | Self::MarginTierSet { .. }
            | Self::MarginTiersSet { .. }
            | Self::FundChanged(_)
            | Self::FundingSet(_)
            | Self::FundingClosed { .. }
            | Self::SettlementPending { .. }
            | Self::ContractSettled { .. }
            | Self::InsuranceDeficit(_)
            // Answers to the login that asked.
            | Self::MarginModeSet(_)
            | Self::LeverageSet(_)
            | Self::MarginMoved(_) => None,
        }
    }
}

/// The number of a funding of a contract, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
pub struct FundingNumber(pub u32);

/// The rate of a funding, and what it was computed of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FundingSet {
    /// The contract.
    pub instrument: InstrumentId,
    /// Its number, one more than that of the one before.
    pub number: FundingNumber,
    /// The rate, parts per 10^9 of the notional; above 0: longs pay.
    pub rate_ppb: i32,
    /// The samples of the premium since the funding before.
    pub samples: u32,
    /// Their mean, parts per 10^9.
    pub premium_ppb: i64,
    /// The mark, ticks. Positions are charged at it, whenever that is.
    pub mark: Price,
    /// The lots of all long positions.
    pub open_interest: Quantity,
}

impl FundingSet {
    /// Whether there is nobody to charge. Such a funding is closed at once, without an event of its own.
    pub fn charges_nobody(&self) -> bool {
        self.rate_ppb == 0 || self.open_interest.0 == 0
    }
}

/// What a position paid or got for a funding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FundingPaid {
    /// Its owner.
    pub account: AccountId,
    /// The contract.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: PositionLeg,
    /// The funding.
    pub number: FundingNumber,
    /// Minor units of the settlement asset; above 0: received.
    pub amount: Amount,
    /// Its own money now; 0 in cross mode.
    pub pot: i64,
    /// The wallet of its owner now; what orders hold is in it.
    pub wallet: i64,
}

/// What an insurance fund paid for an account without positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct FundPaid {
    /// Whose wallet or pot was below 0.
    pub account: AccountId,
    /// The contract of the pot; `None`: it was the wallet.
    pub instrument: Option<InstrumentId>,
    /// The asset of the fund.
    pub asset: AssetId,
    /// The shard of the fund.
    pub shard: ShardId,
    /// What brought it to 0, minor units, above 0; of a deficit the part that the fund did not have.
    pub amount: Amount,
    /// What the fund has then, minor units; below 0: a deficit.
    pub fund: Amount,
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

/// A position as it is, what it is worth, and what stands behind it. An account without a position has this with 0 lots; in
/// hedge mode there is one for the long and one for the short position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PositionState {
    /// Who asked, and gets the answer.
    pub login: LoginId,
    /// The contract.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: PositionLeg,
    /// The leverage in force; 0: the contract has no mark or tiers yet.
    pub leverage: u8,
    /// Above 0: long.
    pub lots: i64,
    /// Their cost, with its sign, minor units of the settlement asset.
    pub cost: i64,
    /// Its own money; 0 in cross mode.
    pub pot: i64,
    /// The mark, ticks; 0: there is none yet.
    pub mark: Price,
    /// The profit at the mark, not realised, rounded down.
    pub profit: i64,
    /// The equity of its margin account: in cross mode of all the account's cross positions in the settlement asset.
    pub equity: i64,
    /// The maintenance margin of all positions of that margin account.
    pub maintenance: Amount,
    /// The first mark, ticks, going from the present one against the position, at which its margin account would be
    /// below maintenance if no other mark moved; 0: there is none in the price range.
    pub liquidation: Price,
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
