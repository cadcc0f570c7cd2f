//! The columns of a CSV export. They do not depend on the journal's contents, so one program can read all exports. New
//! columns are added at the end.

use super::entry::{Content, Entry};
use super::exported::Line;
use super::flat;
use std::collections::HashMap;

/// The columns of every record.
const OF_RECORDS: [&str; 6] = ["sequence", "time_ns", "time", "kind", "accounts", "symbol"];
/// Additional columns of every event.
const OF_EVENTS: [&str; 1] = ["command"];

/// The fields of all commands.
const OF_COMMAND_FIELDS: &str = "
fields.asset fields.code fields.scale fields.account fields.login fields.name fields.instrument
fields.symbol fields.base fields.quote fields.price_decimals fields.tick_units fields.lot
fields.min_quantity fields.max_quantity fields.min_notional fields.maker_fee fields.taker_fee
fields.fee_asset fields.phase fields.amount fields.reference fields.config_digest fields.user_ref
fields.side fields.time_in_force fields.price fields.quantity fields.echo.cl_ord_id
fields.echo.of_message fields.echo.of_order fields.instructions.min_quantity fields.instructions.display_quantity
fields.instructions.expire_s fields.instructions.oco fields.instructions.book_by
fields.instructions.trigger.kind fields.instructions.trigger.reference fields.instructions.trigger.price
fields.instructions.visibility fields.instructions.post_only fields.instructions.unit
fields.instructions.effect fields.instructions.self_trade.mode fields.instructions.self_trade.owner
fields.reason fields.cl_ord_id fields.orig_user_ref fields.limits.orders_max fields.order fields.filter.login
fields.filter.account fields.filter.instrument fields.filter.side fields.of fields.digest fields.tier
fields.maker fields.taker fields.protection.price_min fields.protection.price_max
fields.protection.reference fields.protection.static_band fields.protection.dynamic_band
fields.protection.interruption_s fields.protection.market_collar fields.scope.instrument
fields.limits.quantity_max fields.limits.notional_max fields.limits.open_orders_max
fields.limits.orders_per_second_max fields.limits.position_max fields.scope.account fields.deposits
fields.withdrawals fields.min_deposit fields.min_withdrawal fields.prevention.mode fields.prevention.owner
fields.group fields.volume_min.0 fields.volume_min.1 fields.volume_min.2 fields.volume_min.3
fields.volume_min.4 fields.volume_min.5 fields.volume_min.6 fields.volume_min.7 fields.switch fields.scope
fields.scope.login fields.edition fields.cancel_after_ms fields.firm fields.cause fields.session fields.limits.orders_touched_max
fields.limits.account_orders_max fields.limits.account_triggers_max fields.limits.triggers_max
fields.balance fields.epoch fields.node fields.product fields.shard fields.from fields.to fields.number
fields.index fields.terms.stale_after_ms fields.terms.grace_s fields.terms.jump fields.source_time
fields.expiry fields.funding_interval_s fields.price_min fields.price_max fields.interest_ppb fields.impact_lots
fields.mark_band fields.first_band fields.premium_band fields.outer_band fields.liquidation_fee fields.collar
fields.adl_after fields.adl_mode fields.position_limit fields.open_interest_limit fields.row fields.floor
fields.initial fields.maintenance fields.mode fields.leverage fields.leg fields.position";

/// The fields of all events.
const OF_EVENT_FIELDS: &str = "
fields.asset fields.code fields.scale fields.account fields.login fields.instrument fields.symbol
fields.base fields.quote fields.price_decimals fields.tick_units fields.lot fields.tick_value
fields.min_quantity fields.max_quantity fields.min_notional fields.maker_fee fields.taker_fee
fields.fee_asset fields.phase fields.amount fields.reference fields.config_digest fields.reason
fields.user_ref fields.order fields.side fields.time_in_force fields.price fields.quantity fields.reserved
fields.echo.cl_ord_id fields.echo.of_message fields.echo.of_order fields.visibility fields.display_quantity fields.post_only
fields.expire_s fields.state fields.cl_ord_id fields.orig_user_ref fields.orig_order fields.decrement
fields.open fields.reason.InvalidReplace fields.reason.TriggerRefused fields.trade fields.taker_side
fields.kind fields.maker_visibility fields.maker_login fields.maker_user_ref fields.maker_order
fields.maker_reserved fields.taker_login fields.taker_user_ref fields.taker_order fields.taker_reserved
fields.limits.orders_max fields.trigger.kind fields.trigger.reference fields.trigger.price fields.oco
fields.displayed fields.canceled fields.volume fields.imbalance fields.imbalance_side fields.tier
fields.maker fields.taker fields.protection.price_min fields.protection.price_max
fields.protection.reference fields.protection.static_band fields.protection.dynamic_band
fields.protection.interruption_s fields.protection.market_collar fields.scope.instrument
fields.limits.quantity_max fields.limits.notional_max fields.limits.open_orders_max
fields.limits.orders_per_second_max fields.limits.position_max fields.scope.account fields.deposits
fields.withdrawals fields.min_deposit fields.min_withdrawal fields.prevention.mode fields.prevention.owner
fields.group fields.volume_min.0 fields.volume_min.1 fields.volume_min.2 fields.volume_min.3
fields.volume_min.4 fields.volume_min.5 fields.volume_min.6 fields.volume_min.7 fields.switch fields.scope
fields.of fields.digest fields.reason.SelfTradePrevented.instrument fields.reason.SelfTradePrevented.price
fields.reason.SelfTradePrevented.quantity fields.reason.SelfTradePrevented.mode
fields.reason.SelfTradePrevented.incoming fields.scope.login fields.edition fields.next_user_ref
fields.cancel_at fields.firm fields.session fields.limits.orders_touched_max
fields.limits.account_orders_max fields.limits.account_triggers_max fields.limits.triggers_max
fields.balance.asset fields.balance.available fields.balance.reserved fields.epoch fields.node fields.product fields.name
fields.shard fields.from fields.to fields.number
fields.index fields.terms.stale_after_ms fields.terms.grace_s fields.terms.jump fields.source_time fields.grace_until
fields.expiry fields.funding_interval_s fields.price_min fields.price_max fields.interest_ppb fields.impact_lots
fields.mark_band fields.first_band fields.premium_band fields.outer_band fields.liquidation_fee fields.collar
fields.adl_after fields.adl_mode fields.position_limit fields.open_interest_limit fields.tier.instrument
fields.tier.row fields.tier.of fields.tier.floor fields.tier.initial fields.tier.maintenance fields.rows fields.cause
fields.fund fields.leg fields.lots fields.cost fields.realised fields.pot fields.wallet fields.rate_ppb fields.samples
fields.premium_ppb fields.mark fields.open_interest fields.legs fields.remainder fields.mode fields.leverage
fields.outcome fields.wallet.balance.asset fields.wallet.balance.available fields.wallet.balance.reserved
fields.wallet.withdrawable fields.profit fields.equity fields.maintenance fields.liquidation";

/// All columns.
pub(super) fn columns(content: Content) -> Vec<&'static str> {
    let (more, fields) = match content {
        Content::Commands => (&[][..], OF_COMMAND_FIELDS),
        Content::Events => (&OF_EVENTS[..], OF_EVENT_FIELDS),
    };
    OF_RECORDS.iter().chain(more).copied().chain(fields.split_whitespace()).collect()
}

/// The values of these columns.
pub(super) fn row(line: &Line, entry: &Entry, columns: &[&str]) -> Vec<String> {
    let fields = flat::fields(&entry.value);
    let mut fields: HashMap<&str, String> =
        fields.iter().map(|field| (field.path.as_str(), field.text())).collect();
    let value = |column: &&str| match *column {
        "sequence" => line.sequence.to_string(),
        "time_ns" => line.time_ns.to_string(),
        "time" => line.time.clone(),
        "kind" => entry.kind.to_owned(),
        "accounts" => line.accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        "symbol" => line.symbol.clone().unwrap_or_default(),
        "command" => line.command.map(|command| command.to_string()).unwrap_or_default(),
        field => field.strip_prefix("fields.").and_then(|path| fields.remove(path)).unwrap_or_default(),
    };
    columns.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::cases;
    use crate::journal::entry::Value;
    use dojima::domain::codec;
    use std::collections::{BTreeMap, BTreeSet};

    fn values(content: Content) -> Vec<Value> {
        match content {
            Content::Commands => {
                cases::commands().into_iter().map(|(_, value)| Value::Command(value)).collect()
            }
            Content::Events => cases::events().into_iter().map(|(_, value)| Value::Event(value)).collect(),
        }
    }

    #[test]
    fn every_field_has_a_column_and_every_column_a_field() {
        for content in [Content::Commands, Content::Events] {
            let columns = columns(content);
            let known: BTreeSet<&str> = columns.iter().copied().collect();
            assert_eq!(known.len(), columns.len(), "no column stands there twice");
            let mut used = Vec::new();
            for value in values(content) {
                for field in flat::fields(&value) {
                    let column = format!("fields.{}", field.path);
                    if !used.contains(&column) {
                        used.push(column);
                    }
                }
            }
            let missing: Vec<_> = used.iter().filter(|used| !known.contains(used.as_str())).collect();
            assert_eq!(missing, Vec::<&String>::new(), "add them at the end");
            let unused = columns.iter().filter(|column| column.starts_with("fields."));
            let unused: Vec<_> = unused.filter(|column| !used.iter().any(|used| used == *column)).collect();
            assert_eq!(unused, Vec::<&&str>::new());
        }
    }

    #[test]
    fn kinds_are_the_words_of_serde() {
        let coded = |value: &Value| {
            let mut bytes = [0; codec::ENCODED_LEN_MAX];
            let (json, kind_at) = match value {
                Value::Command(command) => {
                    codec::encode_command(command, &mut bytes).expect("encoded");
                    (serde_json::to_value(command), 0)
                }
                Value::Event(record) => {
                    codec::encode_event(record, &mut bytes).expect("encoded");
                    (serde_json::to_value(record.event), 24)
                }
            };
            let word = json.expect("JSON")["kind"].as_str().expect("a kind").to_owned();
            (u32::from(bytes[kind_at]), word)
        };
        for content in [Content::Commands, Content::Events] {
            let seen: BTreeMap<u32, String> = values(content).iter().map(coded).collect();
            let kinds = content.kinds().map(|(number, word)| (number, word.to_owned()));
            assert_eq!(seen, kinds.collect(), "all of them");
        }
    }
}
