//! Orders about contracts: indexes and their prices, terms, risk, margin tiers, insurance funds.

#![deny(clippy::wildcard_enum_match_arm)]

use super::names::{Names, amount, price};
use crate::domain::{
    AddIndex, ContractCommand, ContractEvent, DeleverageMode, DepositFund, Event, IndexId, IndexTerms,
    ListInstrument, Listing, Ppm, Price, SetContract, SetContractRisk, SetIndex, SetMarginTier, Symbol,
    Timestamp, utc,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What an operator can ask for about contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Subcommand))]
#[serde(rename_all = "kebab-case")]
pub enum ContractOrder {
    /// Add an index: a price from outside that contracts follow
    #[cfg_attr(
        feature = "cli",
        command(
            override_usage = "dojima operator add-index [OPTIONS] --price-decimals <DECIMALS>\n         --stale-after-ms <MS> <SYMBOL>"
        )
    )]
    AddIndex(NewIndex),
    /// Change when an index is stale, and which of its jumps wait
    SetIndexTerms(NewIndexTerms),
    /// Give an index a new price
    SetIndex(IndexPrice),
    /// Say which index a contract follows, when it ends or is funded, and which prices it can have
    ///
    /// The contract is closed for that, and has no open orders.
    #[cfg_attr(
        feature = "cli",
        command(
            override_usage = "dojima operator set-contract [OPTIONS] --index <INDEX>\n         --price-min <PRICE> --price-max <PRICE> <CONTRACT>"
        )
    )]
    SetContract(ContractTerms),
    /// Set the risk parameters of a contract, all of them
    #[cfg_attr(
        feature = "cli",
        command(
            override_usage = "dojima operator set-contract-risk [OPTIONS] --impact-lots <LOTS>\n         --mark-band-ppm <PPM> --first-band-ppm <PPM> --premium-band-ppm <PPM>\n         --outer-band-ppm <PPM> --liquidation-fee-ppm <PPM> --collar-ppm <PPM>\n         --adl-after <TICKS> --position-limit-lots <LOTS>\n         --open-interest-limit-lots <LOTS> <CONTRACT>"
        )
    )]
    SetContractRisk(ContractRisk),
    /// Set a row of the margin tiers of a contract; the last row puts the new table in force
    #[cfg_attr(
        feature = "cli",
        command(
            override_usage = "dojima operator set-margin-tier --row <ROW> --of <ROWS>\n         --floor <AMOUNT> --initial-ppm <PPM> --maintenance-ppm <PPM> <CONTRACT>"
        )
    )]
    SetMarginTier(MarginTier),
    /// Add money of the venue to an insurance fund
    #[cfg_attr(
        feature = "cli",
        command(
            override_usage = "dojima operator deposit-fund [OPTIONS] --reference <NUMBER> <ASSET>\n         <AMOUNT>"
        )
    )]
    DepositFund(FundDeposit),
    /// Close all positions of a contract at a price, and delist it
    ///
    /// It is closed or halted for that. Its open orders are cancelled. This cannot be undone.
    SettleContract(Settlement),
}

/// When an index is stale, and which of its jumps wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct StaleTerms {
    /// It is stale when its last price is this old, ms; 1000 to 600000
    #[cfg_attr(feature = "cli", arg(long, value_name = "MS"))]
    pub stale_after_ms: u32,
    /// So long after it was stale no position is closed out, s; 0 to 3600
    #[serde(default)]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SECONDS", default_value_t = 0))]
    pub grace_s: u32,
    /// A price farther from the last one waits for a second one near it, millionths; 0: none waits, else 1000 to 1000000
    #[serde(default)]
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM", default_value_t = 0))]
    pub jump_ppm: u32,
}

/// A new index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct NewIndex {
    /// Its symbol, 1 to 8 characters
    #[cfg_attr(feature = "cli", arg(value_name = "SYMBOL"))]
    pub symbol: String,
    /// Decimals of its prices, those of its contracts; 0 to 9
    #[cfg_attr(feature = "cli", arg(long, value_name = "DECIMALS"))]
    pub price_decimals: u8,
    /// Name or number of the shard of its contracts
    #[serde(default = "first_shard")]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARD", default_value = "0"))]
    pub shard: String,
    /// When it is stale, and which jumps wait.
    #[cfg_attr(feature = "cli", command(flatten))]
    pub terms: StaleTerms,
}

fn first_shard() -> String {
    "0".to_owned()
}

/// New terms of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct NewIndexTerms {
    /// The index's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "INDEX"))]
    pub index: String,
    /// All terms, also those that stay.
    #[cfg_attr(feature = "cli", command(flatten))]
    pub terms: StaleTerms,
}

/// A price of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct IndexPrice {
    /// The index's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "INDEX"))]
    pub index: String,
    /// The price, such as 50000.5
    #[cfg_attr(feature = "cli", arg(value_name = "PRICE"))]
    pub price: String,
    /// When the price was made, ns since 1970-01-01 UTC; left out: now. It is above that of the price before
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", arg(long, value_name = "NS"))]
    pub source_time_ns: Option<u64>,
}

/// What a contract refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct ContractTerms {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// The symbol or number of its index
    #[cfg_attr(feature = "cli", arg(long, value_name = "INDEX"))]
    pub index: String,
    /// When it ends, a whole minute such as 2027-03-26T08:00:00Z; left out: it is a perpetual
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME"))]
    pub expiry: Option<String>,
    /// Seconds between two fundings of a perpetual, 3600 to 86400, a divisor of 86400; left out: it is dated
    #[serde(default)]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SECONDS", default_value_t = 0))]
    pub funding_interval_s: u32,
    /// The lowest price that it can have
    #[cfg_attr(feature = "cli", arg(long, value_name = "PRICE"))]
    pub price_min: String,
    /// The highest price that it can have
    #[cfg_attr(feature = "cli", arg(long, value_name = "PRICE"))]
    pub price_max: String,
}

/// The risk parameters of a contract, all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct ContractRisk {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// Interest of eight hours, parts per 10^9; -1000000 to 1000000, of a dated contract 0
    #[serde(default)]
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "PPB", default_value_t = 0, allow_negative_numbers = true)
    )]
    pub interest_ppb: i32,
    /// Lots over which impact prices are averaged, at least 1
    #[cfg_attr(feature = "cli", arg(long, value_name = "LOTS"))]
    pub impact_lots: u32,
    /// How far the mark may be from the index, millionths; 1000 to 200000
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub mark_band_ppm: u32,
    /// How far prices may be from the index in the first ten minutes, millionths; 1000 to 500000
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub first_band_ppm: u32,
    /// How far prices may be from index and basis, millionths; 1000 to the outer band
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub premium_band_ppm: u32,
    /// How far prices may be from the index, millionths; 1000 to 500000
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub outer_band_ppm: u32,
    /// The fee of a liquidation, millionths; 0 to 50000
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub liquidation_fee_ppm: u32,
    /// How far from the mark a liquidation may trade, millionths; 1000 to 100000
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub collar_ppm: u32,
    /// The ticks after which the rest of a liquidation is deleveraged, 0 to 3600
    #[cfg_attr(feature = "cli", arg(long, value_name = "TICKS"))]
    pub adl_after: u16,
    /// How lots are shared among those that are deleveraged: by-rank or pro-rata
    #[serde(default = "by_rank")]
    #[cfg_attr(feature = "cli", arg(long, value_name = "MODE", default_value = "by-rank"))]
    pub adl_mode: String,
    /// The most lots of an account's position and orders
    #[cfg_attr(feature = "cli", arg(long, value_name = "LOTS"))]
    pub position_limit_lots: u32,
    /// The most lots of all long positions together, at least the position limit
    #[cfg_attr(feature = "cli", arg(long, value_name = "LOTS"))]
    pub open_interest_limit_lots: u32,
}

fn by_rank() -> String {
    DeleverageMode::ByRank.word().to_owned()
}

/// One row of a table of margin tiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct MarginTier {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// The row, from 0, which begins a new table; the others follow in order
    #[cfg_attr(feature = "cli", arg(long, value_name = "ROW"))]
    pub row: u8,
    /// How many rows the table has, 1 to 10; the same in each
    #[cfg_attr(feature = "cli", arg(long, value_name = "ROWS"))]
    pub of: u8,
    /// The smallest notional of the row, in the asset that the contract is settled in; 0 in row 0
    #[cfg_attr(feature = "cli", arg(long, value_name = "AMOUNT"))]
    pub floor: String,
    /// Initial margin, millionths
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub initial_ppm: u32,
    /// Maintenance margin, millionths; above 0 and below the initial margin
    #[cfg_attr(feature = "cli", arg(long, value_name = "PPM"))]
    pub maintenance_ppm: u32,
}

/// Money of the venue for an insurance fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct FundDeposit {
    /// The asset, in which a contract of the shard is settled
    #[cfg_attr(feature = "cli", arg(value_name = "ASSET"))]
    pub asset: String,
    /// How much, such as 1000.50
    #[cfg_attr(feature = "cli", arg(value_name = "AMOUNT"))]
    pub amount: String,
    /// Your number of the deposit, above that of the one before; so the same deposit is not made twice
    #[cfg_attr(feature = "cli", arg(long, value_name = "NUMBER"))]
    pub reference: u64,
    /// Name or number of the shard
    #[serde(default = "first_shard")]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARD", default_value = "0"))]
    pub shard: String,
}

/// The end of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct Settlement {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// The price, such as 50000.5: a whole number of ticks, between the lowest and the highest one of the contract
    #[cfg_attr(feature = "cli", arg(value_name = "PRICE"))]
    pub price: String,
}

impl ContractOrder {
    /// The command for the order. `now` is the source time of a price that has none.
    pub(super) fn command(&self, names: &Names, now: Timestamp) -> Result<ContractCommand, String> {
        match self {
            Self::AddIndex(order) => add_index(order, names).map(ContractCommand::AddIndex),
            Self::SetIndexTerms(order) => {
                let index = names.index(&order.index)?.index;
                Ok(ContractCommand::SetIndexTerms { index, terms: terms(order.terms)? })
            }
            Self::SetIndex(order) => {
                let index = names.index(&order.index)?;
                let source_time = order.source_time_ns.map_or(now, Timestamp);
                let price = price("the price", &order.price, index.price_decimals)?;
                Ok(ContractCommand::SetIndex(SetIndex { index: index.index, price, source_time }))
            }
            Self::SetContract(order) => set_contract(order, names).map(ContractCommand::SetContract),
            Self::SetContractRisk(order) => set_risk(order, names).map(ContractCommand::SetContractRisk),
            Self::SetMarginTier(order) => {
                let listing = contract(names, &order.instrument)?;
                let scale = names.scale(listing.settled_in())?;
                Ok(ContractCommand::SetMarginTier(SetMarginTier {
                    instrument: listing.instrument,
                    row: order.row,
                    of: order.of,
                    floor: amount("the floor", &order.floor, scale)?,
                    initial: Ppm(order.initial_ppm),
                    maintenance: Ppm(order.maintenance_ppm),
                }))
            }
            Self::DepositFund(order) => {
                let ((asset, scale), shard) = (names.asset(&order.asset)?, names.shard(&order.shard)?);
                let amount = amount("the amount", &order.amount, scale)?;
                if amount.0 == 0 {
                    return Err("the amount must be above 0".to_owned());
                }
                let reference = order.reference;
                Ok(ContractCommand::DepositFund(DepositFund { asset, shard, amount, reference }))
            }
            Self::SettleContract(order) => {
                let listing = contract(names, &order.instrument)?;
                let units = price("the price", &order.price, listing.price_decimals)?;
                if !units.is_multiple_of(listing.tick_units) {
                    return Err(format!("the price {} is no whole number of ticks", order.price));
                }
                let price = Price(i64::from(units / listing.tick_units));
                Ok(ContractCommand::SettleContract { instrument: listing.instrument, price })
            }
        }
    }

    /// The new state, if this event contains it.
    pub(super) fn came_to(&self, event: &Event, names: &Names) -> Option<String> {
        let Event::Contract(event) = event else { return None };
        let units = |index: IndexId, price: u32| {
            let decimals = names.indexes.get(usize::from(index.0)).map_or(0, |index| index.price_decimals);
            Decimal::new(price.into(), u32::from(decimals)).normalize()
        };
        match (self, event) {
            (Self::AddIndex(_), ContractEvent::IndexAdded(index)) => {
                Some(format!("index {} has the number {}, and no price yet", index.symbol, index.index))
            }
            (Self::SetIndexTerms(_), ContractEvent::IndexTermsSet { index, .. }) => {
                Some(format!("{} has these terms", names.index_name(*index)))
            }
            (Self::SetIndex(_), ContractEvent::IndexSet(set)) => {
                Some(format!("{} is {}", names.index_name(set.index), units(set.index, set.price)))
            }
            (Self::SetIndex(_), ContractEvent::IndexHeld { index, price, .. }) => Some(format!(
                "{} stays as it is: {} is too far from it, and waits for a second price near it",
                names.index_name(*index),
                units(*index, *price)
            )),
            (Self::SetContract(_), ContractEvent::ContractSet(set)) => {
                let (symbol, index) = (names.symbol(set.instrument), names.index_name(set.index));
                Some(format!("{symbol} follows {index}"))
            }
            (Self::SetContractRisk(_), ContractEvent::ContractRiskSet(set)) => {
                Some(format!("{} has these risk parameters", names.symbol(set.instrument)))
            }
            (Self::SetMarginTier(_), ContractEvent::MarginTierSet { tier, amount })
                if tier.row + 1 < tier.of =>
            {
                Some(format!(
                    "{} has row {} of the {} of its next table, which takes {amount} minor units off the maintenance \
                     margin; the table holds from its last row on",
                    names.symbol(tier.instrument),
                    tier.row,
                    tier.of
                ))
            }
            (Self::SetMarginTier(_), ContractEvent::MarginTiersSet { instrument, rows }) => {
                Some(format!("{} has a new table of {rows} margin tiers", names.symbol(*instrument)))
            }
            (Self::DepositFund(_), ContractEvent::FundChanged(change)) => {
                let (fund, shard) = (names.shown(change.fund, change.asset), change.shard);
                Some(format!("the insurance fund in shard {shard} has {fund}"))
            }
            (Self::SettleContract(order), ContractEvent::ContractSettled { instrument, price, legs, .. }) => {
                // Another one may have expired before the command.
                let listing = contract(names, &order.instrument).ok()?;
                (listing.instrument == *instrument).then(|| {
                    let units = Decimal::from(listing.price_units(*price));
                    let price = units / Decimal::from(10_u64.pow(listing.price_decimals.into()));
                    format!(
                        "{} is settled at {}: {legs} positions were closed",
                        listing.symbol,
                        price.normalize()
                    )
                })
            }
            _ => None,
        }
    }
}

fn add_index(order: &NewIndex, names: &Names) -> Result<AddIndex, String> {
    let symbol = Symbol::new(&order.symbol);
    let symbol = symbol.ok_or_else(|| {
        format!("the symbol {:?} must be 1 to 8 ASCII characters without spaces", order.symbol)
    })?;
    let most = ListInstrument::PRICE_DECIMALS_MAX;
    if order.price_decimals > most {
        return Err(format!("price_decimals {} must be from 0 to {most}", order.price_decimals));
    }
    let index = u16::try_from(names.indexes.len()).map(IndexId);
    Ok(AddIndex {
        index: index.map_err(|_| "there are as many indexes as there can be".to_owned())?,
        symbol,
        price_decimals: order.price_decimals,
        shard: names.shard(&order.shard)?,
        terms: terms(order.terms)?,
    })
}

fn terms(order: StaleTerms) -> Result<IndexTerms, String> {
    let StaleTerms { stale_after_ms, grace_s, jump_ppm } = order;
    let terms = IndexTerms { stale_after_ms, grace_s, jump: Ppm(jump_ppm) };
    terms.in_range().then_some(terms).ok_or_else(|| {
        format!(
            "stale_after_ms {stale_after_ms} must be from 1000 to 600000, grace_s {grace_s} from 0 to 3600, \
             and jump_ppm {jump_ppm} 0 or from 1000 to 1000000"
        )
    })
}

/// The contract with this symbol or number.
pub(super) fn contract<'a>(names: &'a Names, name: &str) -> Result<&'a Listing, String> {
    let listing = names.instrument(name)?;
    if listing.product.is_contract() {
        Ok(listing)
    } else {
        Err(format!("{} is spot, no contract", listing.symbol))
    }
}

fn set_contract(order: &ContractTerms, names: &Names) -> Result<SetContract, String> {
    let listing = contract(names, &order.instrument)?;
    let no_time = |text: &String| {
        utc::parse(text).ok_or_else(|| {
            format!("the expiry {text:?} is no time: give UTC to the minute, such as 2027-03-26T08:00:00Z")
        })
    };
    let expiry = order.expiry.as_ref().map_or(Ok(0), no_time)?;
    let word = listing.product.word();
    let interval = order.funding_interval_s;
    if listing.product.is_perpetual() {
        if expiry != 0 {
            return Err(format!("{} is {word}, which has no end: leave out the expiry", listing.symbol));
        }
        if interval < 3_600 || !86_400_u32.is_multiple_of(interval) {
            return Err(format!(
                "the funding interval {interval} must be from 3600 to 86400 and divide 86400"
            ));
        }
    } else if expiry == 0 || !expiry.is_multiple_of(60) || interval != 0 {
        return Err(format!(
            "{} is {word}: it needs an expiry at a whole minute, and no funding interval",
            listing.symbol
        ));
    }
    Ok(SetContract {
        instrument: listing.instrument,
        index: names.index(&order.index)?.index,
        expiry,
        funding_interval_s: interval,
        price_min: price("the lowest price", &order.price_min, listing.price_decimals)?,
        price_max: price("the highest price", &order.price_max, listing.price_decimals)?,
    })
}

fn set_risk(order: &ContractRisk, names: &Names) -> Result<SetContractRisk, String> {
    let listing = contract(names, &order.instrument)?;
    let mode = DeleverageMode::from_word(&order.adl_mode);
    let adl_mode = mode.ok_or_else(|| {
        let known: Vec<&str> = DeleverageMode::ALL.iter().map(|mode| mode.word()).collect();
        format!("the mode {:?} is unknown: expected one of {}", order.adl_mode, known.join(", "))
    })?;
    let set = SetContractRisk {
        instrument: listing.instrument,
        interest_ppb: order.interest_ppb,
        impact_lots: order.impact_lots,
        mark_band: Ppm(order.mark_band_ppm),
        first_band: Ppm(order.first_band_ppm),
        premium_band: Ppm(order.premium_band_ppm),
        outer_band: Ppm(order.outer_band_ppm),
        liquidation_fee: Ppm(order.liquidation_fee_ppm),
        collar: Ppm(order.collar_ppm),
        adl_after: order.adl_after,
        adl_mode,
        position_limit: order.position_limit_lots,
        open_interest_limit: order.open_interest_limit_lots,
    };
    set.in_range(listing.product.is_perpetual()).then_some(set).ok_or_else(|| {
        "a parameter is out of range; `dojima operator set-contract-risk --help` has the range of each"
            .to_owned()
    })
}
