//! A batch into the tables: one transaction, cached statements, several rows per statement where rows are many.

use super::error::SqlError;
use super::mirror::Mirror;
use super::rows::{BalanceRow, OrderRow, Stored, TradeRow};
use super::schema::Database;
use crate::domain::{ClOrdId, Event, EventRecord, Listing, Phase, Transfer};
use rusqlite::{Connection, Statement, ToSql};

/// Rows of one statement where many rows are written. More cost more to prepare and gain little.
const ROWS_PER_STATEMENT: usize = 16;

const INSERT_ORDER: Insert = Insert {
    into: "INSERT INTO orders (order_id, login, account, user_ref, instrument, side, time_in_force, price, quantity, \
           executed, open, reserved, status, refusal, replaces, replaced_by, cl_ord_id, entered_ns, updated_ns)",
    columns: 19,
    then: "",
};

const UPDATE_ORDER: &str = "UPDATE orders SET executed = ?2, open = ?3, reserved = ?4, status = ?5, refusal = ?6, \
                            replaced_by = ?7, updated_ns = ?8 WHERE order_id = ?1";

const INSERT_TRADE: Insert = Insert {
    into: "INSERT INTO trades (trade_id, event, time_ns, instrument, taker_side, price, quantity, notional, \
           maker_order, maker_account, maker_fee, taker_order, taker_account, taker_fee)",
    columns: 14,
    then: "",
};

const UPSERT_BALANCE: Insert = Insert {
    into: "INSERT INTO balances (account, asset, total, reserved)",
    columns: 4,
    then: "ON CONFLICT (account, asset) DO UPDATE SET total = excluded.total, reserved = excluded.reserved",
};

/// An insert of any number of rows.
struct Insert {
    into: &'static str,
    columns: usize,
    then: &'static str,
}

impl Insert {
    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        format!("{} VALUES {} {}", self.into, vec![row; rows].join(", "), self.then)
    }

    /// Inserts all rows, as many per statement as may be.
    fn rows<'r, R: 'r>(
        &self,
        connection: &Connection,
        rows: impl Iterator<Item = &'r R>,
        bind: impl Fn(&mut Binder<'_, '_>, &R) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let mut waiting: Vec<&R> = Vec::with_capacity(ROWS_PER_STATEMENT);
        let mut many = connection.prepare_cached(&self.sql(ROWS_PER_STATEMENT))?;
        let mut count = 0;
        for row in rows {
            waiting.push(row);
            if waiting.len() == ROWS_PER_STATEMENT {
                let mut binder = Binder::new(&mut many);
                waiting.drain(..).try_for_each(|row| bind(&mut binder, row))?;
                count += many.raw_execute()?;
            }
        }
        let mut one = connection.prepare_cached(&self.sql(1))?;
        for row in waiting {
            bind(&mut Binder::new(&mut one), row)?;
            count += one.raw_execute()?;
        }
        Ok(count)
    }
}

/// Binds values to a statement's parameters, one after another.
struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    last: usize,
}

impl<'s, 'c> Binder<'s, 'c> {
    fn new(statement: &'s mut Statement<'c>) -> Self {
        Self { statement, last: 0 }
    }

    fn value(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.last += 1;
        self.statement.raw_bind_parameter(self.last, value)
    }

    fn signed(&mut self, value: impl Into<i64>) -> rusqlite::Result<()> {
        self.value(value.into())
    }

    fn unsigned(&mut self, value: u64) -> rusqlite::Result<()> {
        self.value(sql_integer(value))
    }

    fn unsigned_or_null(&mut self, value: Option<u64>) -> rusqlite::Result<()> {
        self.value(value.map(sql_integer))
    }
}

/// SQL integers are signed. No number of the engine gets past the middle: the largest, nanoseconds, would in 2262.
fn sql_integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What stands in `cl_ord_id`: nothing for nothing but spaces.
fn shown(text: &ClOrdId) -> Option<String> {
    (text.0 != ClOrdId::default().0).then(|| text.text())
}

/// Writes the mirror's batch and its watermark in one transaction, and returns the number of rows. On an error
/// the database is as before, and so is the mirror.
pub(super) fn write_batch(database: &Database, mirror: &mut Mirror) -> Result<usize, SqlError> {
    let connection = &database.connection;
    let outcome = connection
        .prepare_cached("BEGIN IMMEDIATE")
        .and_then(|mut begin| begin.execute([]))
        .and_then(|_| write_rows(connection, mirror))
        .and_then(|rows| connection.prepare_cached("COMMIT")?.execute([]).map(|_| rows));
    if outcome.is_err() && !connection.is_autocommit() {
        // When even this fails the transaction ends with the connection, which the owner drops.
        database.run("ROLLBACK")?;
    }
    outcome.map_err(database.error())
}

fn write_rows(connection: &Connection, mirror: &mut Mirror) -> rusqlite::Result<usize> {
    let mut rows = 0;
    for record in &mirror.batch.rare {
        rows += write_rare(connection, record)?;
    }
    rows += INSERT_ORDER.rows(connection, mirror.batch.born.iter(), bind_order)?;
    // In the order of the key, so that neighbours in the tree are written together.
    mirror.batch.changed.sort_unstable();
    mirror.batch.gone.sort_unstable_by_key(|row| row.order);
    let mut update = connection.prepare_cached(UPDATE_ORDER)?;
    let still_open = mirror.batch.changed.iter().filter_map(|order| mirror.open_order(*order));
    for row in still_open.chain(&mirror.batch.gone) {
        debug_assert_eq!(row.stored, Stored::Yes, "an order of an earlier batch has a row");
        bind_order_change(&mut Binder::new(&mut update), row)?;
        rows += update.raw_execute()?;
    }
    rows += INSERT_TRADE.rows(connection, mirror.batch.trades.iter(), bind_trade)?;
    let balances: Vec<BalanceRow> = mirror.balances.changed().collect();
    rows += UPSERT_BALANCE.rows(connection, balances.iter(), bind_balance)?;
    let at = mirror.watermark;
    connection
        .prepare_cached("UPDATE watermark SET event = ?1, sequence = ?2, time_ns = ?3")?
        .execute([at.event, at.sequence, at.time.0].map(sql_integer))?;
    Ok(rows + 1)
}

fn bind_order(to: &mut Binder<'_, '_>, row: &OrderRow) -> rusqlite::Result<()> {
    to.unsigned(row.order.0)?;
    to.signed(row.login.0)?;
    to.signed(row.account.0)?;
    to.signed(row.user_ref.0)?;
    to.signed(row.instrument.0)?;
    to.signed(row.side as u8)?;
    to.signed(row.time_in_force as u8)?;
    to.value(row.price.map(|price| price.0))?;
    to.unsigned(row.quantity.0)?;
    to.unsigned(row.executed.0)?;
    to.unsigned(row.open.0)?;
    to.signed(row.reserved.0)?;
    to.signed(row.status as u8)?;
    to.value(row.refusal.map(|reason| reason.name()))?;
    to.unsigned_or_null(row.replaces.map(|order| order.0))?;
    to.unsigned_or_null(row.replaced_by.map(|order| order.0))?;
    to.value(shown(&row.cl_ord_id))?;
    to.unsigned(row.entered.0)?;
    to.unsigned(row.updated.0)
}

fn bind_order_change(to: &mut Binder<'_, '_>, row: &OrderRow) -> rusqlite::Result<()> {
    to.unsigned(row.order.0)?;
    to.unsigned(row.executed.0)?;
    to.unsigned(row.open.0)?;
    to.signed(row.reserved.0)?;
    to.signed(row.status as u8)?;
    to.value(row.refusal.map(|reason| reason.name()))?;
    to.unsigned_or_null(row.replaced_by.map(|order| order.0))?;
    to.unsigned(row.updated.0)
}

fn bind_trade(to: &mut Binder<'_, '_>, row: &TradeRow) -> rusqlite::Result<()> {
    to.unsigned(row.trade.0)?;
    to.unsigned(row.event)?;
    to.unsigned(row.time.0)?;
    to.signed(row.instrument.0)?;
    to.signed(row.taker_side as u8)?;
    to.signed(row.price.0)?;
    to.unsigned(row.quantity.0)?;
    to.signed(row.notional.0)?;
    for side in [&row.maker, &row.taker] {
        to.unsigned(side.order.0)?;
        to.signed(side.account.0)?;
        to.signed(side.fee.0)?;
    }
    Ok(())
}

fn bind_balance(to: &mut Binder<'_, '_>, row: &BalanceRow) -> rusqlite::Result<()> {
    to.signed(row.account.0)?;
    to.signed(row.asset.0)?;
    to.signed(row.total.0)?;
    to.signed(row.reserved.0)
}

/// An event that is a row by itself.
fn write_rare(connection: &Connection, record: &EventRecord) -> rusqlite::Result<usize> {
    let (event, time) = (sql_integer(record.number), sql_integer(record.time.0));
    let run = |sql: &str, values: &[&dyn ToSql]| connection.prepare_cached(sql)?.execute(values);
    match &record.event {
        Event::AssetAdded { asset, code, scale } => run(
            "INSERT INTO assets (asset, code, scale, unit) VALUES (?1, ?2, ?3, ?4)",
            &[&asset.0, &code.text(), scale, &10_i64.pow(u32::from(*scale))],
        ),
        Event::AccountOpened { account } => {
            run("INSERT INTO accounts (account, opened_ns) VALUES (?1, ?2)", &[&account.0, &time])
        }
        Event::LoginOpened { login, account } => run(
            "INSERT INTO logins (login, account, opened_ns) VALUES (?1, ?2, ?3)",
            &[&login.0, &account.0, &time],
        ),
        Event::InstrumentListed(listing) => write_listing(connection, listing),
        Event::PhaseSet { instrument, phase } => run(
            "UPDATE instruments SET trading = ?2 WHERE instrument = ?1",
            &[&instrument.0, &(*phase == Phase::Continuous)],
        ),
        Event::Deposited(transfer) => write_transfer(connection, record, transfer, transfer.amount.0),
        Event::Withdrawn(transfer) => write_transfer(connection, record, transfer, -transfer.amount.0),
        Event::Refused { reason } => run(
            "INSERT INTO rejections (event, time_ns, reason) VALUES (?1, ?2, ?3)",
            &[&event, &time, &reason.name()],
        ),
        Event::Rejected(rejected) => run(
            "INSERT INTO rejections (event, time_ns, login, user_ref, reason, cl_ord_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                &event,
                &time,
                &rejected.login.0,
                &rejected.user_ref.0,
                &rejected.reason.name(),
                &shown(&rejected.cl_ord_id),
            ],
        ),
        Event::Ignored(ignored) => run(
            "INSERT INTO ignored_messages (event, time_ns, login, user_ref, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[&event, &time, &ignored.login.0, &ignored.user_ref.0, &ignored.reason.name()],
        ),
        // These are rows of the busy tables, or none.
        Event::Accepted(_)
        | Event::Replaced(_)
        | Event::Canceled(_)
        | Event::Executed(_)
        | Event::LimitsSet { .. }
        | Event::Opened { .. } => Ok(0),
        _ => Ok(0),
    }
}

fn write_listing(connection: &Connection, listing: &Listing) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO instruments (instrument, symbol, base, quote, price_decimals, price_unit, tick_units, lot, \
               tick_value, min_quantity, max_quantity, min_notional, maker_fee_ppm, taker_fee_ppm, trading) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(rusqlite::params![
        listing.instrument.0,
        listing.symbol.text(),
        listing.base.0,
        listing.quote.0,
        listing.price_decimals,
        10_i64.pow(u32::from(listing.price_decimals)),
        listing.tick_units,
        listing.lot.0,
        listing.tick_value.0,
        sql_integer(listing.min_quantity.0),
        sql_integer(listing.max_quantity.0),
        listing.min_notional.0,
        listing.maker_fee.0,
        listing.taker_fee.0,
        listing.phase == Phase::Continuous,
    ])
}

fn write_transfer(
    connection: &Connection,
    record: &EventRecord,
    transfer: &Transfer,
    change: i64,
) -> rusqlite::Result<usize> {
    let sql =
        "INSERT INTO transfers (event, time_ns, account, asset, amount, reference) VALUES (?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(rusqlite::params![
        sql_integer(record.number),
        sql_integer(record.time.0),
        transfer.account.0,
        transfer.asset.0,
        change,
        sql_integer(transfer.reference),
    ])
}
