//! Risk parameters and margin tiers of contracts, and what their insurance funds begin with.

use super::assets::Assets;
use super::prices::price_units;
use super::shards::Shards;
use super::wallets::{Supply, amounts};
use crate::config::contracts::{ContractRiskConfig, InsuranceFundConfig};
use crate::config::error::{Problems, quoted, within};
use crate::config::venue::InstrumentConfig;
use crate::domain::contracts::{PriceRange, Tier, TierFault, Tiers};
use crate::domain::decimal;
use crate::domain::{
    Command, ContractCommand, DepositFund, ListInstrument, Ppm, SetContractRisk, SetMarginTier, ShardId,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The most that the lots of all long positions may be worth at the worst price, minor units.
const OPEN_VALUE_MAX: i128 = 1 << 54;

/// The commands that set risk and tiers of a contract.
pub(super) fn commands(
    config: &InstrumentConfig,
    terms: &ListInstrument,
    assets: &Assets,
    p: &mut Problems,
) -> Vec<ContractCommand> {
    let mut commands = Vec::new();
    check_worth(config, terms, assets, p);
    if let Some(risk) = &config.risk {
        check_risk(config, risk, terms, p);
        commands.push(ContractCommand::SetContractRisk(of_config(risk, terms)));
    }
    commands.extend(tiers(config, terms, assets, p));
    commands
}

fn of_config(risk: &ContractRiskConfig, terms: &ListInstrument) -> SetContractRisk {
    SetContractRisk {
        instrument: terms.instrument,
        interest_ppb: risk.interest_ppb,
        impact_lots: risk.impact_lots,
        mark_band: Ppm(risk.mark_band_ppm),
        first_band: Ppm(risk.first_band_ppm),
        premium_band: Ppm(risk.premium_band_ppm),
        outer_band: Ppm(risk.outer_band_ppm),
        liquidation_fee: Ppm(risk.liquidation_fee_ppm),
        collar: Ppm(risk.collar_ppm),
        adl_after: risk.adl_after,
        adl_mode: risk.adl_mode,
        position_limit: risk.position_limit_lots,
        open_interest_limit: risk.open_interest_limit_lots,
    }
}

fn check_risk(
    config: &InstrumentConfig,
    risk: &ContractRiskConfig,
    terms: &ListInstrument,
    p: &mut Problems,
) {
    let key = |field: &str| format!("instruments[{}].risk.{field}", config.symbol);
    if terms.product.is_perpetual() {
        within(p, &key("interest_ppb"), risk.interest_ppb, -1_000_000..=1_000_000);
    } else if risk.interest_ppb != 0 {
        let reason = format!("{} has no funding, so no interest: 0, or left out", terms.product.word());
        p.add(key("interest_ppb"), risk.interest_ppb, reason);
    }
    within(p, &key("impact_lots"), risk.impact_lots, 1..=u32::MAX);
    within(p, &key("mark_band_ppm"), risk.mark_band_ppm, 1_000..=200_000);
    within(p, &key("first_band_ppm"), risk.first_band_ppm, 1_000..=500_000);
    within(p, &key("premium_band_ppm"), risk.premium_band_ppm, 1_000..=500_000);
    within(p, &key("outer_band_ppm"), risk.outer_band_ppm, 1_000..=500_000);
    within(p, &key("liquidation_fee_ppm"), risk.liquidation_fee_ppm, 0..=50_000);
    within(p, &key("collar_ppm"), risk.collar_ppm, 1_000..=100_000);
    within(p, &key("adl_after"), risk.adl_after, 0..=3_600);
    if risk.premium_band_ppm > risk.outer_band_ppm {
        let reason = format!("must be at most outer_band_ppm = {}", risk.outer_band_ppm);
        p.add(key("premium_band_ppm"), risk.premium_band_ppm, reason);
    }
    if risk.position_limit_lots > risk.open_interest_limit_lots {
        let reason = format!("must be at most open_interest_limit_lots = {}", risk.open_interest_limit_lots);
        p.add(key("position_limit_lots"), risk.position_limit_lots, reason);
    }
}

/// Checks what lots are worth at the ends of the price range: at least one unit each, and in all no more than fits.
fn check_worth(config: &InstrumentConfig, terms: &ListInstrument, assets: &Assets, p: &mut Problems) {
    let Some(contract) = &config.contract else { return };
    let units = |price| price_units(price, terms.price_decimals).unwrap_or_default();
    let range = PriceRange::new(units(contract.price_min), units(contract.price_max), terms.tick_units);
    let scales = assets.scale(terms.base).zip(assets.scale(terms.quote));
    let unit = scales.and_then(|(base, quote)| terms.tick_value(base, quote).ok());
    let (Some(range), Some(unit)) = (range, unit) else { return };
    let [unit, lowest, highest] = [unit.0, range.lowest().0, range.highest().0].map(i128::from);
    let is_inverse = terms.product.is_inverse();
    if is_inverse && unit < highest {
        let most = Decimal::from(unit) * config.tick;
        let reason = format!("above {most} a lot is worth less than one minor unit of {}", config.base);
        let key = format!("instruments[{}].contract.price_max", config.symbol);
        p.add(key, contract.price_max, reason);
    }
    let Some(risk) = &config.risk else { return };
    let of_lot = if is_inverse { (unit + lowest - 1) / lowest } else { unit * highest };
    let most = OPEN_VALUE_MAX / of_lot.max(1);
    if i128::from(risk.open_interest_limit_lots) > most {
        let reason =
            format!("with this price range at most {most} lots can be open, of {of_lot} minor units each");
        let key = format!("instruments[{}].risk.open_interest_limit_lots", config.symbol);
        p.add(key, risk.open_interest_limit_lots, reason);
    }
}

/// The rows of the table of tiers. The amounts that they take off are derived.
fn tiers(
    config: &InstrumentConfig,
    terms: &ListInstrument,
    assets: &Assets,
    p: &mut Problems,
) -> Vec<ContractCommand> {
    let key = |field: &str| format!("instruments[{}].margin_tiers{field}", config.symbol);
    let Some(scale) = assets.scale(terms.product.settled_in(terms.base, terms.quote)) else {
        return Vec::new();
    };
    if config.margin_tiers.is_empty() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (at, row) in config.margin_tiers.iter().enumerate() {
        let floor = p.take(key(&format!("[{at}].floor")), row.floor, decimal::amount(row.floor, scale));
        let (initial, maintenance) = (Ppm(row.initial_ppm), Ppm(row.maintenance_ppm));
        rows.extend(floor.map(|floor| Tier { floor, initial, maintenance }));
    }
    if rows.len() < config.margin_tiers.len() {
        return Vec::new();
    }
    if let Err(fault) = Tiers::new(&rows, costs(config)) {
        let of_row = |row: usize| config.margin_tiers.get(row);
        let shown = |row: usize, field: &str| match (field, of_row(row)) {
            ("floor", Some(row)) => row.floor.to_string(),
            ("maintenance_ppm", Some(row)) => row.maintenance_ppm.to_string(),
            (_, Some(row)) => format!("{} and {}", row.initial_ppm, row.maintenance_ppm),
            (_, None) => String::new(),
        };
        let at = |row: usize, field: &str| (key(&format!("[{row}].{field}")), shown(row, field));
        let (key, value) = match fault {
            TierFault::Rows(count) => (key(""), format!("{count} rows")),
            TierFault::Floor(row) | TierFault::Amount(row) => at(row, "floor"),
            TierFault::NotRising(row) | TierFault::Rates(row) => {
                (key(&format!("[{row}]")), shown(row, "rates"))
            }
            TierFault::Costs => at(0, "maintenance_ppm"),
        };
        p.add(key, value, fault);
        return Vec::new();
    }
    let of = rows.len() as u8;
    let row = |(row, tier): (u8, Tier)| SetMarginTier {
        instrument: terms.instrument,
        row,
        of,
        floor: tier.floor,
        initial: tier.initial,
        maintenance: tier.maintenance,
    };
    (0..).zip(rows).map(row).map(ContractCommand::SetMarginTier).collect()
}

/// The liquidation fee and the highest taker fee of all tiers. One that is no rate is a problem elsewhere.
fn costs(config: &InstrumentConfig) -> Ppm {
    let rates = config.fee_tiers.iter().map(|tier| tier.taker_fee_ppm).chain([config.taker_fee_ppm]);
    let highest = rates.filter_map(|rate| rate.to_u32()).max().unwrap_or_default();
    let liquidation = config.risk.as_ref().map_or(0, |risk| risk.liquidation_fee_ppm);
    Ppm(highest.saturating_add(liquidation))
}

/// The deposits into insurance funds, in the order of shards, then asset ids.
pub(super) fn funds(
    config: &InsuranceFundConfig,
    (assets, shards): (&Assets, &Shards),
    listed: &[ListInstrument],
    supply: &mut Supply,
    p: &mut Problems,
) -> Vec<Command> {
    let mut of_shards = vec![(ShardId::FIRST, "insurance_fund.deposits".to_owned(), &config.deposits)];
    for (name, wallet) in &config.deposits_in {
        let key = format!("insurance_fund.deposits_in.{name}");
        let Some(shard) = shards.find(key.clone(), name, p) else { continue };
        if shard == ShardId::FIRST {
            p.add(key.clone(), quoted(name), "is the first shard, whose deposits stand in deposits");
        }
        of_shards.push((shard, key, &wallet.0));
    }
    of_shards.sort_by_key(|(shard, ..)| *shard);
    let mut commands = Vec::new();
    for (shard, key, deposits) in of_shards {
        for (asset, amount) in amounts(deposits, &key, assets, supply, p) {
            let settles = |terms: &&ListInstrument| {
                let settled_in = terms.product.settled_in(terms.base, terms.quote);
                terms.product.is_contract() && terms.shard == shard && settled_in == asset
            };
            if !listed.iter().any(|terms| settles(&terms)) {
                let code = assets.code(asset);
                let given = deposits.get(&code).copied().unwrap_or_default();
                p.add(
                    format!("{key}.{code}"),
                    given,
                    "no contract of this shard is settled in it; remove it",
                );
            }
            let deposit = DepositFund { asset, shard, amount, reference: 1 };
            commands.push(Command::Contract(ContractCommand::DepositFund(deposit)));
        }
    }
    commands
}
