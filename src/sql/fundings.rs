//! Writes events about fundings, settlements and what insurance funds pay.

use super::insert::{run, sql_integer};
use crate::domain::{
    Amount, EventRecord, FundPaid, FundingNumber, FundingPaid, FundingSet, InstrumentId, PositionChanged,
};
use rusqlite::Connection;

/// A funding. `mark` is in price units.
pub(super) fn write_set(
    connection: &Connection,
    record: &EventRecord,
    set: &FundingSet,
    mark: i64,
) -> rusqlite::Result<usize> {
    let event = sql_integer(record.number);
    // Where nobody is charged it is closed at once.
    let closed = set.charges_nobody().then_some(event);
    let none = closed.map(|_| 0);
    run(
        connection,
        "INSERT INTO fundings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
        &[
            &set.instrument.0,
            &set.number.0,
            &event,
            &sql_integer(record.time.0),
            &set.rate_ppb,
            &set.premium_ppb,
            &set.samples,
            &mark,
            &sql_integer(set.open_interest.0),
            &none,
            &closed,
        ],
    )
}

/// A position paid or got its part of a funding.
pub(super) fn write_paid(
    connection: &Connection,
    record: &EventRecord,
    paid: &FundingPaid,
) -> rusqlite::Result<usize> {
    let FundingPaid { account, instrument, leg, number, amount, pot, wallet } = *paid;
    let event = sql_integer(record.number);
    let row = run(
        connection,
        "INSERT INTO funding_payments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            &event,
            &sql_integer(record.time.0),
            &account.0,
            &instrument.0,
            &(leg as u8),
            &number.0,
            &amount.0,
            &pot,
            &wallet,
        ],
    )?;
    let position = run(
        connection,
        "UPDATE positions SET pot = ?4, event = ?5 \
         WHERE account = ?1 AND instrument = ?2 AND leg = ?3 AND pot <> ?4",
        &[&account.0, &instrument.0, &(leg as u8), &pot, &event],
    )?;
    Ok(row + position + clear(connection, instrument, -amount.0)?)
}

/// Every position of a funding was charged.
pub(super) fn write_closed(
    connection: &Connection,
    event: i64,
    (instrument, number): (InstrumentId, FundingNumber),
    legs: u32,
    remainder: Amount,
) -> rusqlite::Result<usize> {
    let row = run(
        connection,
        "UPDATE fundings SET legs = ?3, remainder = ?4, closed_event = ?5 WHERE instrument = ?1 AND number = ?2",
        &[&instrument.0, &number.0, &legs, &remainder.0, &event],
    )?;
    Ok(row + clear(connection, instrument, -remainder.0)?)
}

/// A contract waits for its price.
pub(super) fn write_pending(
    connection: &Connection,
    event: i64,
    instrument: InstrumentId,
    samples: u32,
) -> rusqlite::Result<usize> {
    run(
        connection,
        "INSERT OR REPLACE INTO settlements VALUES (?1, ?2, ?3, NULL, NULL, NULL, NULL, NULL)",
        &[&instrument.0, &samples, &event],
    )
}

/// A contract was settled. `price` is in price units.
pub(super) fn write_settled(
    connection: &Connection,
    record: &EventRecord,
    instrument: InstrumentId,
    price: i64,
    (legs, remainder): (u32, Amount),
) -> rusqlite::Result<usize> {
    let row = run(
        connection,
        "INSERT INTO settlements VALUES (?1, NULL, NULL, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (instrument) DO UPDATE SET \
         price = excluded.price, legs = excluded.legs, remainder = excluded.remainder, event = excluded.event, \
         time_ns = excluded.time_ns",
        &[
            &instrument.0,
            &price,
            &legs,
            &remainder.0,
            &sql_integer(record.number),
            &sql_integer(record.time.0),
        ],
    )?;
    Ok(row + clear(connection, instrument, -remainder.0)?)
}

/// What a settlement pays for a position, before the position's row is changed.
pub(super) fn clear_settled(connection: &Connection, change: &PositionChanged) -> rusqlite::Result<usize> {
    run(
        connection,
        "INSERT INTO clearing SELECT instrument, -?4 - cost FROM positions \
         WHERE account = ?1 AND instrument = ?2 AND leg = ?3 \
         ON CONFLICT (instrument) DO UPDATE SET amount = amount + excluded.amount",
        &[&change.account.0, &change.instrument.0, &(change.leg as u8), &change.realised],
    )
}

/// A fund paid what an account lacked.
pub(super) fn write_fund_paid(
    connection: &Connection,
    record: &EventRecord,
    paid: &FundPaid,
) -> rusqlite::Result<usize> {
    let FundPaid { account, instrument, asset, shard, amount, fund } = *paid;
    let event = sql_integer(record.number);
    let instrument = instrument.map(|instrument| instrument.0);
    let row = run(
        connection,
        "INSERT INTO funds VALUES (?1, ?2, ?3, 0) ON CONFLICT (asset, shard) DO UPDATE SET amount = excluded.amount",
        &[&asset.0, &shard.0, &fund.0],
    )?;
    // The first one that lacks so much, as in memory.
    let position = run(
        connection,
        "UPDATE positions SET pot = 0, event = ?4 WHERE account = ?1 AND instrument = ?2 AND leg = (\
         SELECT min(leg) FROM positions WHERE account = ?1 AND instrument = ?2 AND lots = 0 AND pot = -?3)",
        &[&account.0, &instrument, &amount.0, &event],
    )?;
    let payment = run(
        connection,
        "INSERT INTO fund_payments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        &[
            &event,
            &sql_integer(record.time.0),
            &account.0,
            &asset.0,
            &shard.0,
            &instrument,
            &amount.0,
            &fund.0,
        ],
    )?;
    Ok(row + position + payment)
}

/// The part of the last payment that the fund did not have.
pub(super) fn write_deficit(connection: &Connection, missing: Amount) -> rusqlite::Result<usize> {
    run(
        connection,
        "UPDATE fund_payments SET deficit = ?1 WHERE event = (SELECT max(event) FROM fund_payments)",
        &[&missing.0],
    )
}

/// Adds to what a contract's clearing has.
fn clear(connection: &Connection, instrument: InstrumentId, amount: i64) -> rusqlite::Result<usize> {
    run(
        connection,
        "INSERT INTO clearing VALUES (?1, ?2) ON CONFLICT (instrument) DO UPDATE SET amount = amount + excluded.amount",
        &[&instrument.0, &amount],
    )
}
