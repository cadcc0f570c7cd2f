//! Keys and values of what the opening says of contracts.

#![deny(clippy::wildcard_enum_match_arm)]

use super::names::{asset, shard_name};
use crate::config::contracts::Expiry;
use crate::domain::{
    AddIndex, AssetCode, ContractCommand, IndexId, InstrumentId, ListInstrument, SetContract,
    SetContractRisk, SetIndex, SetMarginTier, ShardId, decimal,
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What earlier commands have named.
pub(super) struct Known<'a> {
    pub(super) assets: &'a [(AssetCode, u8)],
    pub(super) listed: &'a [ListInstrument],
    pub(super) shards: &'a [(ShardId, String)],
}

/// Adds a command's keys and values to the table, and a new index to the indexes.
pub(super) fn add(
    terms: &mut BTreeMap<String, String>,
    known: &Known<'_>,
    indexes: &mut Vec<AddIndex>,
    command: &ContractCommand,
) {
    match command {
        ContractCommand::AddIndex(index) => {
            add_index(terms, known, index);
            indexes.push(*index);
        }
        ContractCommand::SetContract(set) => add_contract(terms, known, indexes, set),
        ContractCommand::SetContractRisk(set) => add_risk(terms, known, set),
        ContractCommand::SetMarginTier(set) => add_tier(terms, known, set),
        ContractCommand::DepositFund(deposit) => {
            let (code, scale) = asset(known.assets, deposit.asset);
            let fund = match deposit.shard {
                ShardId::FIRST => "deposits".to_owned(),
                shard => format!("deposits_in.{}", shard_name(known.shards, shard)),
            };
            let amount = decimal::show_amount(deposit.amount, scale).to_string();
            terms.insert(format!("insurance_fund.{fund}.{code}"), amount);
        }
        // A configuration produces none of these commands.
        ContractCommand::SetIndexTerms { .. }
        | ContractCommand::SetIndex(SetIndex { .. })
        | ContractCommand::SettleContract { .. } => {}
    }
}

fn add_index(terms: &mut BTreeMap<String, String>, known: &Known<'_>, index: &AddIndex) {
    let fields = [
        ("position", index.index.to_string()),
        ("price_decimals", index.price_decimals.to_string()),
        ("shard", shard_name(known.shards, index.shard)),
        ("stale_after_ms", index.terms.stale_after_ms.to_string()),
        ("grace_s", index.terms.grace_s.to_string()),
        ("jump_ppm", index.terms.jump.0.to_string()),
    ];
    terms.extend(fields.map(|(field, value)| (format!("indexes[{}].{field}", index.symbol), value)));
}

fn add_contract(
    terms: &mut BTreeMap<String, String>,
    known: &Known<'_>,
    indexes: &[AddIndex],
    set: &SetContract,
) {
    let (key, listed) = instrument(known, set.instrument);
    let decimals = listed.map_or(0, |listed| listed.price_decimals);
    let price = |units: u32| match Decimal::try_new(i64::from(units), u32::from(decimals)) {
        Ok(price) => price.normalize().to_string(),
        Err(_) => format!("{units} price units"),
    };
    let named = |id: IndexId| match indexes.iter().find(|index| index.index == id) {
        Some(index) => index.symbol.text(),
        None => format!("#{id}"),
    };
    let fields = [
        ("index", named(set.index)),
        ("expiry", Expiry(set.expiry).to_string()),
        ("funding_interval_s", set.funding_interval_s.to_string()),
        ("price_min", price(set.price_min)),
        ("price_max", price(set.price_max)),
    ];
    terms.extend(fields.map(|(field, value)| (format!("{key}.contract.{field}"), value)));
}

fn add_risk(terms: &mut BTreeMap<String, String>, known: &Known<'_>, set: &SetContractRisk) {
    let (key, _) = instrument(known, set.instrument);
    let fields = [
        ("interest_ppb", set.interest_ppb.to_string()),
        ("impact_lots", set.impact_lots.to_string()),
        ("mark_band_ppm", set.mark_band.0.to_string()),
        ("first_band_ppm", set.first_band.0.to_string()),
        ("premium_band_ppm", set.premium_band.0.to_string()),
        ("outer_band_ppm", set.outer_band.0.to_string()),
        ("liquidation_fee_ppm", set.liquidation_fee.0.to_string()),
        ("collar_ppm", set.collar.0.to_string()),
        ("adl_after", set.adl_after.to_string()),
        ("adl_mode", set.adl_mode.word().to_owned()),
        ("position_limit_lots", set.position_limit.to_string()),
        ("open_interest_limit_lots", set.open_interest_limit.to_string()),
    ];
    terms.extend(fields.map(|(field, value)| (format!("{key}.risk.{field}"), value)));
}

fn add_tier(terms: &mut BTreeMap<String, String>, known: &Known<'_>, set: &SetMarginTier) {
    let (key, listed) = instrument(known, set.instrument);
    let settled_in = listed.map(|listed| listed.product.settled_in(listed.base, listed.quote));
    let scale = settled_in.map_or(0, |settled_in| asset(known.assets, settled_in).1);
    let fields = [
        ("floor", decimal::show_amount(set.floor, scale).to_string()),
        ("initial_ppm", set.initial.0.to_string()),
        ("maintenance_ppm", set.maintenance.0.to_string()),
    ];
    let key = format!("{key}.margin_tiers[{}]", set.row);
    terms.extend(fields.map(|(field, value)| (format!("{key}.{field}"), value)));
}

/// The key of an instrument, and its listing.
fn instrument<'a>(known: &Known<'a>, id: InstrumentId) -> (String, Option<&'a ListInstrument>) {
    let found = known.listed.iter().find(|listed| listed.instrument == id);
    let symbol = found.map_or_else(|| format!("#{id}"), |listed| listed.symbol.text());
    (format!("instruments[{symbol}]"), found)
}
