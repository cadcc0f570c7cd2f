//! Indexes, and what instruments that are contracts have beside the others.

use super::assets::Assets;
use super::prices::positive_price;
use super::risk;
use super::shards::Shards;
use crate::config::contracts::{ContractConfig, IndexConfig};
use crate::config::error::{Problems, quoted, within};
use crate::config::file::Config;
use crate::config::venue::InstrumentConfig;
use crate::domain::contracts::PriceRange;
use crate::domain::{
    AddIndex, Command, ContractCommand, FeeAsset, IndexId, IndexTerms, ListInstrument, Phase, Ppm, Product,
    SetContract, ShardId, Symbol,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most contracts of a shard.
const OF_SHARD_MAX: usize = 64;
/// The most contracts of an index.
const OF_INDEX_MAX: usize = 16;
const DAY_S: u32 = 86_400;

/// The commands for indexes and contracts, in the order of their ids. They follow the listings.
pub(super) fn commands(
    config: &Config,
    (assets, shards): (&Assets, &Shards),
    listed: &[ListInstrument],
    p: &mut Problems,
) -> Vec<Command> {
    let indexes = indexes(&config.indexes, shards, p);
    let mut commands: Vec<ContractCommand> =
        indexes.iter().map(|(_, index)| ContractCommand::AddIndex(*index)).collect();
    check_shards(config, listed, p);
    let mut followers = BTreeMap::new();
    for config in config.instruments.iter().filter(|config| config.product == Product::Spot) {
        check_spot(config, p);
    }
    for terms in listed.iter().filter(|terms| terms.product.is_contract()) {
        let Some(config) = config.instruments.get(terms.instrument.0 as usize) else { continue };
        check_listing(config, p);
        if let Some(contract) = &config.contract {
            let set = contract_terms(config, contract, (terms, &indexes), p);
            check_followers(config, contract, &mut followers, p);
            commands.extend(set.map(ContractCommand::SetContract));
        }
        commands.extend(risk::commands(config, terms, assets, p));
    }
    commands.into_iter().map(Command::Contract).collect()
}

/// The indexes with valid symbols, with the symbols, in the order of their ids.
fn indexes<'a>(configs: &'a [IndexConfig], shards: &Shards, p: &mut Problems) -> Vec<(&'a str, AddIndex)> {
    let mut symbols = BTreeSet::new();
    let mut found = Vec::new();
    if configs.len() > usize::from(u16::MAX) {
        p.add("indexes", format!("{} entries", configs.len()), "at most 65,535 are possible");
    }
    for (id, config) in (0..u16::MAX).map(IndexId).zip(configs) {
        let key = |field: &str| format!("indexes[{}].{field}", config.symbol);
        let symbol = Symbol::new(&config.symbol).ok_or("must be 1 to 8 ASCII characters without spaces");
        let symbol = p.take(key("symbol"), quoted(&config.symbol), symbol);
        if !symbols.insert(&config.symbol) {
            p.add(key("symbol"), quoted(&config.symbol), "stands here twice");
        }
        let IndexConfig { price_decimals, stale_after_ms, grace_s, jump_ppm, .. } = *config;
        within(p, &key("price_decimals"), price_decimals, 0..=ListInstrument::PRICE_DECIMALS_MAX);
        within(p, &key("stale_after_ms"), stale_after_ms, 1_000..=600_000);
        within(p, &key("grace_s"), grace_s, 0..=3_600);
        if jump_ppm != 0 && !(1_000..=Ppm::ONE).contains(&jump_ppm) {
            let reason = format!("must be 0, which turns it off, or from 1000 to {}", Ppm::ONE);
            p.add(key("jump_ppm"), jump_ppm, reason);
        }
        if let Some(fixed) = config.fixed_price {
            p.take(key("fixed_price"), fixed, positive_price(fixed, price_decimals));
        }
        let shard = config.shard.as_ref().map(|name| shards.find(key("shard"), name, p));
        let shard = shard.map_or(Some(ShardId::FIRST), |found| found).unwrap_or_default();
        let terms = IndexTerms { stale_after_ms, grace_s, jump: Ppm(jump_ppm) };
        let add = |symbol| AddIndex { index: id, symbol, price_decimals, shard, terms };
        found.extend(symbol.map(|symbol| (config.symbol.as_str(), add(symbol))));
    }
    found
}

/// Checks that a shard has contracts or spot instruments, and no more contracts than it may.
fn check_shards(config: &Config, listed: &[ListInstrument], p: &mut Problems) {
    let mut first = BTreeMap::new();
    let mut contracts = BTreeMap::<ShardId, usize>::new();
    for terms in listed {
        let key = format!("instruments[{}].shard", terms.symbol);
        let given = config.instruments.get(terms.instrument.0 as usize).and_then(|it| it.shard.as_ref());
        let given = given.map_or_else(|| "missing".to_owned(), |name| quoted(name));
        let (other, is_contract) =
            *first.entry(terms.shard).or_insert((terms.symbol, terms.product.is_contract()));
        if is_contract != terms.product.is_contract() {
            let [here, there] = if is_contract { ["spot", "a contract"] } else { ["a contract", "spot"] };
            let reason = format!(
                "a shard has contracts or spot instruments, not both: this is {here}, and {other} of the same shard is \
                 {there}; name another shard of [[shards]]"
            );
            p.add(key.clone(), given.clone(), reason);
        }
        if terms.product.is_contract() {
            let count = contracts.entry(terms.shard).or_default();
            *count += 1;
            if *count == OF_SHARD_MAX + 1 {
                p.add(key, given, format!("a shard has at most {OF_SHARD_MAX} contracts; name another one"));
            }
        }
    }
}

/// Checks that a spot instrument has nothing that only contracts have.
fn check_spot(config: &InstrumentConfig, p: &mut Problems) {
    let given = [
        ("contract", config.contract.is_some()),
        ("risk", config.risk.is_some()),
        ("margin_tiers", !config.margin_tiers.is_empty()),
    ];
    for (table, _) in given.iter().filter(|(_, given)| *given) {
        let reason = "only contracts have it: remove it, or say which contract product is";
        p.add(format!("instruments[{}].{table}", config.symbol), "given", reason);
    }
}

/// Checks the keys of every instrument that are different for contracts.
fn check_listing(config: &InstrumentConfig, p: &mut Problems) {
    let key = |field: &str| format!("instruments[{}].{field}", config.symbol);
    if config.phase != Phase::Closed {
        p.add(key("phase"), quoted(config.phase.word()), "a contract starts as \"closed\"");
    }
    if config.fee_asset != FeeAsset::Quote {
        let reason = "both sides of a contract pay in the asset that it is settled in: \"quote\"";
        p.add(key("fee_asset"), quoted(config.fee_asset.word()), reason);
    }
}

fn check_followers<'a>(
    config: &InstrumentConfig,
    contract: &'a ContractConfig,
    followers: &mut BTreeMap<&'a str, usize>,
    p: &mut Problems,
) {
    let count = followers.entry(&contract.index).or_default();
    *count += 1;
    if *count == OF_INDEX_MAX + 1 {
        let key = format!("instruments[{}].contract.index", config.symbol);
        let reason = format!("at most {OF_INDEX_MAX} contracts follow an index; add another index");
        p.add(key, quoted(&contract.index), reason);
    }
}

/// What a contract refers to. Whether its expiry has passed is asked by the exchange when the venue is opened, so that a
/// file stays valid as time goes on.
fn contract_terms(
    config: &InstrumentConfig,
    contract: &ContractConfig,
    (terms, indexes): (&ListInstrument, &[(&str, AddIndex)]),
    p: &mut Problems,
) -> Option<SetContract> {
    let key = |field: &str| format!("instruments[{}].contract.{field}", config.symbol);
    let index = indexes.iter().find(|(symbol, _)| *symbol == contract.index);
    let known = || match indexes {
        [] => "no such index; [[indexes]] has none".to_owned(),
        all => {
            let symbols: Vec<&str> = all.iter().map(|(symbol, _)| *symbol).collect();
            format!("no such index; there are {}", symbols.join(", "))
        }
    };
    let index = p.take(key("index"), quoted(&contract.index), index.ok_or_else(known));
    if let Some((_, index)) = index {
        if index.shard != terms.shard {
            p.add(key("index"), quoted(&contract.index), "is of another shard than the contract");
        }
        if index.price_decimals != terms.price_decimals {
            let (of_index, own) = (index.price_decimals, terms.price_decimals);
            let reason =
                format!("its prices have {of_index} decimals, but price_decimals is {own}; both are alike");
            p.add(key("index"), quoted(&contract.index), reason);
        }
    }
    check_times(contract, terms.product, key, p);
    let mut price = |field, value| p.take(key(field), value, positive_price(value, terms.price_decimals));
    let price_min = price("price_min", contract.price_min);
    let price_max = price("price_max", contract.price_max);
    let (price_min, price_max) = (price_min?, price_max?);
    if PriceRange::new(price_min, price_max, terms.tick_units).is_none() {
        let reason = format!(
            "at least two multiples of tick = {} must be from price_min = {} to this",
            config.tick, contract.price_min
        );
        p.add(key("price_max"), contract.price_max, reason);
    }
    Some(SetContract {
        instrument: terms.instrument,
        index: index.map_or_else(IndexId::default, |(_, index)| index.index),
        expiry: contract.expiry.0,
        funding_interval_s: contract.funding_interval_s,
        price_min,
        price_max,
    })
}

/// Checks when a contract ends and when funding is due.
fn check_times(contract: &ContractConfig, product: Product, key: impl Fn(&str) -> String, p: &mut Problems) {
    let ContractConfig { expiry, funding_interval_s: interval, .. } = *contract;
    let word = product.word();
    if product.is_perpetual() {
        if expiry.0 != 0 {
            p.add(key("expiry"), expiry, format!("{word} has no end: 0, or left out"));
        }
        if interval < 3_600 || !DAY_S.is_multiple_of(interval) {
            let reason = "must be from 3600 to 86400 and divide a day, such as 28800";
            p.add(key("funding_interval_s"), interval, reason);
        }
    } else {
        if expiry.0 == 0 || !expiry.0.is_multiple_of(60) {
            let reason = format!("{word} ends at a whole minute, such as \"2027-03-26T08:00:00Z\"");
            p.add(key("expiry"), expiry, reason);
        }
        if interval != 0 {
            p.add(key("funding_interval_s"), interval, format!("{word} has no funding: 0, or left out"));
        }
    }
}
