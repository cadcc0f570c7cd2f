//! Writes events about contracts: indexes, terms, risk, margin tiers, insurance funds.

#![deny(clippy::wildcard_enum_match_arm)]

use super::fundings;
use super::insert::{run, some, sql_integer};
use crate::domain::{
    AddIndex, ContractEvent, EventRecord, FundCause, FundChanged, IndexId, IndexSet, IndexTerms,
    InstrumentId, LeverageSet, MarginModeSet, MarginMoved, PositionCause, PositionChanged, PositionModeSet,
    SetContract, SetContractRisk, SetMarginTier, Timestamp,
};
use rusqlite::Connection;

/// Writes the event, and returns the number of rows. `price`: that of an event that has one in ticks, in price units.
pub(super) fn write(
    connection: &Connection,
    record: &EventRecord,
    event: &ContractEvent,
    price: Option<i64>,
) -> rusqlite::Result<usize> {
    let number = sql_integer(record.number);
    match event {
        ContractEvent::IndexAdded(index) => write_index(connection, index),
        ContractEvent::IndexTermsSet { index, terms } => write_index_terms(connection, *index, terms),
        ContractEvent::IndexSet(set) => write_index_price(connection, record, set),
        ContractEvent::IndexHeld { index, price, source_time } => run(
            connection,
            "UPDATE indexes SET held_price = ?2, held_source_ns = ?3 WHERE index_id = ?1",
            &[&index.0, price, &sql_integer(source_time.0)],
        ),
        ContractEvent::ContractSet(set) => write_contract(connection, number, set),
        ContractEvent::ContractRiskSet(set) => write_risk(connection, number, set),
        ContractEvent::MarginTierSet { tier, amount } => write_tier(connection, number, tier, amount.0),
        ContractEvent::MarginTiersSet { instrument, .. } => write_tiers(connection, *instrument),
        ContractEvent::FundChanged(change) => write_fund(connection, record, change),
        ContractEvent::PositionChanged(change) => write_position(connection, record, change),
        ContractEvent::FundingPaid(paid) => fundings::write_paid(connection, record, paid),
        ContractEvent::FundingClosed { instrument, number: of, legs, remainder } => {
            fundings::write_closed(connection, number, (*instrument, *of), *legs, *remainder)
        }
        ContractEvent::SettlementPending { instrument, samples } => {
            fundings::write_pending(connection, number, *instrument, *samples)
        }
        ContractEvent::FundPaid(paid) => fundings::write_fund_paid(connection, record, paid),
        ContractEvent::InsuranceDeficit(paid) => fundings::write_deficit(connection, paid.amount),
        ContractEvent::PositionModeSet(set) => write_position_mode(connection, number, set),
        ContractEvent::MarginModeSet(set) => write_margin_mode(connection, number, set),
        ContractEvent::LeverageSet(set) => write_leverage(connection, number, set),
        ContractEvent::MarginMoved(moved) => write_margin(connection, record, moved),
        // These come with their price.
        ContractEvent::FundingSet(set) => {
            price.map_or(Ok(0), |price| fundings::write_set(connection, record, set, price))
        }
        ContractEvent::ContractSettled { instrument, legs, remainder, .. } => price.map_or(Ok(0), |price| {
            fundings::write_settled(connection, record, *instrument, price, (*legs, *remainder))
        }),
    }
}

fn write_index(connection: &Connection, add: &AddIndex) -> rusqlite::Result<usize> {
    let AddIndex { index, symbol, price_decimals, shard, terms } = *add;
    let IndexTerms { stale_after_ms, grace_s, jump } = terms;
    run(
        connection,
        "INSERT INTO indexes (index_id, symbol, price_decimals, price_unit, shard, stale_after_ms, grace_s, jump_ppm) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &index.0,
            &symbol.text(),
            &price_decimals,
            &10_i64.pow(u32::from(price_decimals)),
            &shard.0,
            &stale_after_ms,
            &grace_s,
            &some(jump.0),
        ],
    )
}

fn write_index_terms(connection: &Connection, index: IndexId, terms: &IndexTerms) -> rusqlite::Result<usize> {
    let IndexTerms { stale_after_ms, grace_s, jump } = *terms;
    run(
        connection,
        "UPDATE indexes SET stale_after_ms = ?2, grace_s = ?3, jump_ppm = ?4 WHERE index_id = ?1",
        &[&index.0, &stale_after_ms, &grace_s, &some(jump.0)],
    )
}

/// A price that was taken. One that waited is dropped.
fn write_index_price(
    connection: &Connection,
    record: &EventRecord,
    set: &IndexSet,
) -> rusqlite::Result<usize> {
    let nanos = |time: Timestamp| sql_integer(time.0);
    run(
        connection,
        "UPDATE indexes SET price = ?2, source_ns = ?3, set_ns = ?4, grace_until_ns = ?5, held_price = NULL, \
         held_source_ns = NULL WHERE index_id = ?1",
        &[
            &set.index.0,
            &set.price,
            &nanos(set.source_time),
            &nanos(record.time),
            &some(nanos(set.grace_until)),
        ],
    )
}

fn write_contract(connection: &Connection, event: i64, set: &SetContract) -> rusqlite::Result<usize> {
    let SetContract { instrument, index, expiry, funding_interval_s, price_min, price_max } = *set;
    run(
        connection,
        "INSERT OR REPLACE INTO contracts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[&instrument.0, &index.0, &some(expiry), &some(funding_interval_s), &price_min, &price_max, &event],
    )
}

fn write_risk(connection: &Connection, event: i64, set: &SetContractRisk) -> rusqlite::Result<usize> {
    run(
        connection,
        "INSERT OR REPLACE INTO contract_risk \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        &[
            &set.instrument.0,
            &set.interest_ppb,
            &set.impact_lots,
            &set.mark_band.0,
            &set.first_band.0,
            &set.premium_band.0,
            &set.outer_band.0,
            &set.liquidation_fee.0,
            &set.collar.0,
            &set.adl_after,
            &set.adl_mode.word(),
            &set.position_limit,
            &set.open_interest_limit,
            &event,
        ],
    )
}

/// A row of the next table. Row 0 begins it, and drops one that was not completed.
fn write_tier(
    connection: &Connection,
    event: i64,
    tier: &SetMarginTier,
    amount: i64,
) -> rusqlite::Result<usize> {
    let SetMarginTier { instrument, row, of, floor, initial, maintenance } = *tier;
    let dropped = match row {
        0 => run(connection, "DELETE FROM margin_tiers_coming WHERE instrument = ?1", &[&instrument.0])?,
        _ => 0,
    };
    let added = run(
        connection,
        "INSERT INTO margin_tiers_coming VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[&instrument.0, &row, &of, &floor.0, &initial.0, &maintenance.0, &amount, &event],
    )?;
    Ok(dropped + added)
}

/// The next table is complete, and takes the place of the one in force.
fn write_tiers(connection: &Connection, instrument: InstrumentId) -> rusqlite::Result<usize> {
    let statements = [
        "DELETE FROM margin_tiers WHERE instrument = ?1",
        "INSERT INTO margin_tiers SELECT instrument, tier, floor, initial_ppm, maintenance_ppm, amount, event \
         FROM margin_tiers_coming WHERE instrument = ?1",
        "DELETE FROM margin_tiers_coming WHERE instrument = ?1",
    ];
    statements.iter().try_fold(0, |rows, sql| Ok(rows + run(connection, sql, &[&instrument.0])?))
}

fn write_position(
    connection: &Connection,
    record: &EventRecord,
    change: &PositionChanged,
) -> rusqlite::Result<usize> {
    let PositionChanged { account, instrument, leg, cause, trade, lots, cost, realised, pot, wallet } =
        *change;
    let event = sql_integer(record.number);
    let cleared = match cause {
        PositionCause::Settled => fundings::clear_settled(connection, change)?,
        PositionCause::Trade
        | PositionCause::Offset
        | PositionCause::CloseOut
        | PositionCause::Deleveraged => 0,
    };
    let row = run(
        connection,
        "INSERT INTO positions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (account, instrument, leg) DO UPDATE SET lots = excluded.lots, cost = excluded.cost, \
         pot = excluded.pot, realised = realised + excluded.realised, event = excluded.event",
        &[&account.0, &instrument.0, &(leg as u8), &lots, &cost, &pot, &realised, &event],
    )?;
    let change = run(
        connection,
        "INSERT INTO position_changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &[
            &event,
            &sql_integer(record.time.0),
            &account.0,
            &instrument.0,
            &(leg as u8),
            &cause.word(),
            &some(trade.0 as i64),
            &lots,
            &cost,
            &realised,
            &pot,
            &wallet,
        ],
    )?;
    Ok(cleared + row + change)
}

fn write_position_mode(
    connection: &Connection,
    event: i64,
    set: &PositionModeSet,
) -> rusqlite::Result<usize> {
    let PositionModeSet { by, shard, mode } = *set;
    run(
        connection,
        "INSERT INTO position_modes VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (account, shard) DO UPDATE SET mode = excluded.mode, event = excluded.event",
        &[&by.account.0, &shard.0, &mode.word(), &event],
    )
}

fn write_margin_mode(connection: &Connection, event: i64, set: &MarginModeSet) -> rusqlite::Result<usize> {
    let MarginModeSet { by, instrument, mode } = *set;
    run(
        connection,
        "INSERT INTO contract_settings (account, instrument, margin_mode, event) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (account, instrument) DO UPDATE SET margin_mode = excluded.margin_mode, \
         event = excluded.event",
        &[&by.account.0, &instrument.0, &mode.word(), &event],
    )
}

/// Money into the pot of a position, or out of it.
fn write_margin(
    connection: &Connection,
    record: &EventRecord,
    moved: &MarginMoved,
) -> rusqlite::Result<usize> {
    let MarginMoved { by, instrument, leg, amount, pot, wallet } = *moved;
    let event = sql_integer(record.number);
    let row = run(
        connection,
        "UPDATE positions SET pot = ?4, event = ?5 WHERE account = ?1 AND instrument = ?2 AND leg = ?3",
        &[&by.account.0, &instrument.0, &(leg as u8), &pot.0, &event],
    )?;
    let moves = run(
        connection,
        "INSERT INTO margin_moves VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            &event,
            &sql_integer(record.time.0),
            &by.account.0,
            &instrument.0,
            &(leg as u8),
            &by.login.map(|login| login.0),
            &amount.0,
            &pot.0,
            &wallet.0,
        ],
    )?;
    Ok(row + moves)
}

fn write_leverage(connection: &Connection, event: i64, set: &LeverageSet) -> rusqlite::Result<usize> {
    let LeverageSet { by, instrument, leverage } = *set;
    run(
        connection,
        "INSERT INTO contract_settings (account, instrument, leverage, event) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (account, instrument) DO UPDATE SET leverage = excluded.leverage, event = excluded.event",
        &[&by.account.0, &instrument.0, &leverage, &event],
    )
}

fn write_fund(
    connection: &Connection,
    record: &EventRecord,
    change: &FundChanged,
) -> rusqlite::Result<usize> {
    let FundChanged { asset, shard, cause, instrument, amount, fund, reference } = *change;
    let reference = (cause == FundCause::Deposit).then(|| sql_integer(reference));
    let rows = run(
        connection,
        "INSERT INTO funds VALUES (?1, ?2, ?3, ifnull(?4, 0)) ON CONFLICT (asset, shard) DO UPDATE \
         SET amount = excluded.amount, last_reference = ifnull(?4, last_reference)",
        &[&asset.0, &shard.0, &fund.0, &reference],
    )?;
    let change = run(
        connection,
        "INSERT INTO fund_changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            &sql_integer(record.number),
            &sql_integer(record.time.0),
            &asset.0,
            &shard.0,
            &cause.word(),
            &instrument.map(|instrument| instrument.0),
            &amount.0,
            &fund.0,
            &reference,
        ],
    )?;
    Ok(rows + change)
}
