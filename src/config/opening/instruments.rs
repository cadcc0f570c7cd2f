//! The terms of instruments.

use super::assets::Assets;
use super::prices::{positive_amount, price_units};
use super::shards::Shards;
use crate::config::error::{Problems, quoted};
use crate::config::venue::InstrumentConfig;
use crate::domain::{Amount, InstrumentId, ListInstrument, Phase, Quantity, RejectReason, Symbol, decimal};
use std::collections::BTreeSet;

const PRICE_DECIMALS_MAX: u8 = ListInstrument::PRICE_DECIMALS_MAX;

/// The instruments of the configuration that can be listed, in its order.
pub(super) fn instruments(
    configs: &[InstrumentConfig],
    places: (&Assets, &Shards),
    p: &mut Problems,
) -> Vec<ListInstrument> {
    if configs.is_empty() {
        p.add("instruments", "[]", "at least one is needed");
    }
    let mut symbols = BTreeSet::new();
    let mut listed = Vec::new();
    for (id, config) in (0..).zip(configs) {
        if !symbols.insert(&config.symbol) {
            let key = format!("instruments[{}].symbol", config.symbol);
            p.add(key, quoted(&config.symbol), "stands here twice");
        }
        listed.extend(instrument(InstrumentId(id), config, places, p));
    }
    listed
}

fn instrument(
    id: InstrumentId,
    config: &InstrumentConfig,
    (assets, shards): (&Assets, &Shards),
    p: &mut Problems,
) -> Option<ListInstrument> {
    let key = |field: &str| format!("instruments[{}].{field}", config.symbol);
    let symbol = Symbol::new(&config.symbol).ok_or("must be 1 to 8 ASCII characters without spaces");
    let symbol = p.take(key("symbol"), quoted(&config.symbol), symbol);
    if matches!(config.phase, Phase::Delisted | Phase::VolatilityAuction) {
        p.add(key("phase"), quoted(config.phase.word()), "is no phase that an instrument can start in");
    }
    let shard = config.shard.as_ref().map(|name| shards.find(key("shard"), name, p));
    let base = assets.find(key("base"), &config.base, p);
    let quote = assets.find(key("quote"), &config.quote, p);
    let tick_units = p.take(key("tick"), config.tick, tick_units(config));
    let maker_fee =
        p.take(key("maker_fee_ppm"), config.maker_fee_ppm, decimal::fee_rate(config.maker_fee_ppm));
    let taker_fee =
        p.take(key("taker_fee_ppm"), config.taker_fee_ppm, decimal::fee_rate(config.taker_fee_ppm));
    // Further checks need the scales of the assets.
    let (symbol, base, quote, tick_units) = (symbol?, base?, quote?, tick_units?);
    if base.id == quote.id {
        p.add(key("quote"), quoted(&config.quote), "must be another asset than base");
    }
    let lots_scale = config.product.lots_of(base, quote).scale;
    let lot = p.take(key("lot"), config.lot, positive_amount(config.lot, lots_scale))?;
    let min_notional = decimal::amount(config.min_notional, config.product.settled_in(base, quote).scale);
    let min_notional = p.take(key("min_notional"), config.min_notional, min_notional);
    let (min_quantity, max_quantity) = quantities(config, lot, lots_scale, p)?;
    // If one of the last three is wrong, its problem has been added, and the substitute value is never used.
    let terms = ListInstrument {
        instrument: id,
        symbol,
        base: base.id,
        quote: quote.id,
        price_decimals: config.price_decimals,
        tick_units,
        lot,
        min_quantity,
        max_quantity,
        min_notional: min_notional.unwrap_or_default(),
        maker_fee: maker_fee.unwrap_or_default(),
        taker_fee: taker_fee.unwrap_or_default(),
        fee_asset: config.fee_asset,
        phase: config.phase,
        shard: shard.flatten().unwrap_or_default(),
        product: config.product,
    };
    let tick_value = terms.tick_value(base.scale, quote.scale).map_err(|reason| {
        let words = match reason {
            RejectReason::OutOfRange => "one tick on one lot is worth more than an amount can hold",
            _ if config.product.is_inverse() => {
                return format!(
                    "lot / tick is no whole number of minor units of {}: lot {} / tick {}, {0} has a scale of {}",
                    config.base, config.lot, config.tick, base.scale
                );
            }
            other => other.text(),
        };
        format!(
            "{words}: tick {} × lot {}, {} has a scale of {}",
            config.tick, config.lot, config.quote, quote.scale
        )
    });
    p.take(key("tick"), config.tick, tick_value).map(|_| terms)
}

fn tick_units(config: &InstrumentConfig) -> Result<u32, String> {
    if config.price_decimals > PRICE_DECIMALS_MAX {
        let given = config.price_decimals;
        return Err(format!("price_decimals is {given}, but prices can have 0 to {PRICE_DECIMALS_MAX}"));
    }
    match price_units(config.tick, config.price_decimals)? {
        0 => Err("must be above 0".to_owned()),
        units => Ok(units),
    }
}

fn quantities(
    config: &InstrumentConfig,
    lot: Amount,
    scale: u8,
    p: &mut Problems,
) -> Option<(Quantity, Quantity)> {
    let key = |field: &str| format!("instruments[{}].{field}", config.symbol);
    let min = decimal::quantity(config.min_quantity, lot, scale);
    let min = p.take(key("min_quantity"), config.min_quantity, min);
    let max = decimal::quantity(config.max_quantity, lot, scale);
    let max = p.take(key("max_quantity"), config.max_quantity, max);
    let (min, max) = (min?, max?);
    if min.0 == 0 {
        p.add(key("min_quantity"), config.min_quantity, "must be at least one lot");
    }
    if max.0 > u64::from(u32::MAX) {
        let reason = "is more than 2^32 - 1 lots, which the protocol's quantity field cannot carry";
        p.add(key("max_quantity"), config.max_quantity, reason);
    }
    if max < min {
        let reason = format!("is below min_quantity = {}", config.min_quantity);
        p.add(key("max_quantity"), config.max_quantity, reason);
    }
    Some((min, max))
}
