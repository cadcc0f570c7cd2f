//! Loads the working set from the tables, when the writer starts with an existing database.

use super::asked::Asked;
use super::database::Database;
use super::error::SqlError;
use super::mirror::Mirror;
use super::positions::Held;
use super::rows::{BalanceRow, OrderRow, OrderStatus, Stored, Watermark};
use crate::domain::{
    AccountId, Amount, AssetId, ClOrdId, FeeAsset, FeeRate, InstrumentId, Listing, LoginId, OrderId, Phase,
    PositionLeg, Product, Quantity, ShardId, Side, Symbol, TimeInForce, Timestamp, TradeId, TradeKind,
    UserRef,
};
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

/// Loads everything that the writer needs to continue.
///
/// # Errors
/// [`SqlError::Content`] for a row that the program never writes.
pub(super) fn load(database: &Database) -> Result<Mirror, SqlError> {
    let mut mirror = Mirror::after(watermark(database)?);
    let logins = "SELECT login, account FROM logins ORDER BY login";
    let mut next_login = 0;
    each(database, logins, |row| {
        let dense = row.u32(0)? == next_login;
        next_login += 1;
        mirror.load_login(AccountId(row.u32(1)?));
        dense.then_some(()).ok_or_else(|| row.wrong(0))
    })?;
    let mut next_instrument = 0;
    each(database, LISTINGS, |row| {
        let listing = listing(row)?;
        let dense = listing.instrument.0 == next_instrument;
        next_instrument += 1;
        mirror.load_listing(listing);
        dense.then_some(()).ok_or_else(|| row.wrong(0))
    })?;
    let mut next_asset = 0;
    each(database, "SELECT asset, scale FROM assets ORDER BY asset", |row| {
        let dense = row.u16(0)? == next_asset;
        next_asset += 1;
        mirror.load_scale(row.u8(1)?);
        dense.then_some(()).ok_or_else(|| row.wrong(0))
    })?;
    balances(database, |row| mirror.balances.load(row))?;
    funds(database, |asset, shard, amount| mirror.contracts.funds.load(asset, shard, amount))?;
    positions(database, &mut mirror)?;
    clearing(database, |instrument, asset, amount| {
        mirror.contracts.clearing.add(instrument, asset, amount.0);
    })?;
    each(database, OPEN_ORDERS, |row| {
        mirror.load_order(open_order(row)?);
        Ok(())
    })?;
    each(database, "SELECT shard FROM shards WHERE shard > 0", |_| {
        mirror.load_shard();
        Ok(())
    })?;
    for shard in (0..ShardId::COUNT as u8).map(ShardId) {
        if let Some(last) = last_number(database, ("orders", "order_id"), shard)? {
            mirror.load_last_order(OrderId(last));
        }
        if let Some(last) = last_number(database, ("trades", "trade_id"), shard)? {
            mirror.load_last_trade(TradeId(last));
        }
    }
    Ok(mirror)
}

/// The watermark's row.
pub(super) fn watermark(database: &Database) -> Result<Watermark, SqlError> {
    let mut found = Err(database.content("table watermark has no row".to_owned()));
    each(database, "SELECT event, sequence, time_ns FROM watermark", |row| {
        found = Ok(Watermark { event: row.u64(0)?, sequence: row.u64(1)?, time: Timestamp(row.u64(2)?) });
        Ok(())
    })?;
    found
}

/// Every balance by account, asset and shard.
pub(super) fn balances(database: &Database, mut visit: impl FnMut(BalanceRow)) -> Result<(), SqlError> {
    let all = "SELECT account, asset, total, reserved, shard FROM balances ORDER BY account, asset, shard";
    each(database, all, |row| {
        visit(BalanceRow {
            account: AccountId(row.u32(0)?),
            asset: AssetId(row.u16(1)?),
            total: Amount(row.i64(2)?),
            reserved: Amount(row.i64(3)?),
            shard: shard(row, 4)?,
        });
        Ok(())
    })
}

/// All positions.
fn positions(database: &Database, mirror: &mut Mirror) -> Result<(), SqlError> {
    let sql = "SELECT p.account, p.instrument, p.leg, p.lots, p.cost, p.pot, iif(i.product LIKE 'inverse-%', i.base, i.quote) \
               FROM positions p JOIN instruments i USING (instrument)";
    each(database, sql, |row| {
        let leg = PositionLeg::ALL.get(usize::from(row.u16(2)?)).copied().ok_or_else(|| row.wrong(2))?;
        let key = (AccountId(row.u32(0)?), InstrumentId(row.u32(1)?), leg);
        let held = Held { lots: row.i64(3)?, cost: row.i64(4)?, pot: row.i64(5)? };
        mirror.contracts.positions.set(key, AssetId(row.u16(6)?), held).ok_or_else(|| row.wrong(4))
    })
}

/// What each contract's clearing has, and of which asset.
pub(super) fn clearing(
    database: &Database,
    mut visit: impl FnMut(InstrumentId, AssetId, Amount),
) -> Result<(), SqlError> {
    let sql = "SELECT c.instrument, iif(i.product LIKE 'inverse-%', i.base, i.quote), c.amount \
               FROM clearing c JOIN instruments i USING (instrument)";
    each(database, sql, |row| {
        visit(InstrumentId(row.u32(0)?), AssetId(row.u16(1)?), Amount(row.i64(2)?));
        Ok(())
    })
}

/// Every insurance fund by asset and shard.
pub(super) fn funds(
    database: &Database,
    mut visit: impl FnMut(AssetId, ShardId, Amount),
) -> Result<(), SqlError> {
    each(database, "SELECT asset, shard, amount FROM funds ORDER BY asset, shard", |row| {
        visit(AssetId(row.u16(0)?), shard(row, 1)?, Amount(row.i64(2)?));
        Ok(())
    })
}

/// The last number that a shard has assigned; `None` if it has assigned none. A shard's numbers lie in ranges
/// ([`OrderId::ranges`]); the highest range that contains a number is searched.
fn last_number(
    database: &Database,
    (table, key): (&str, &str),
    shard: ShardId,
) -> Result<Option<u64>, SqlError> {
    let mut last = None;
    each(database, &format!("SELECT max({key}) FROM {table}"), |row| {
        last = row.i64_or_null(0)?;
        Ok(())
    })?;
    let Some(highest) = last else { return Ok(None) };
    for range in OrderId::ranges(shard, highest.unsigned_abs()) {
        let mut found = None;
        let (from, to) = (range.start(), range.end());
        each(
            database,
            &format!("SELECT max({key}) FROM {table} WHERE {key} BETWEEN {from} AND {to}"),
            |row| {
                found = row.i64_or_null(0)?;
                Ok(())
            },
        )?;
        if let Some(found) = found {
            return Ok(Some(found.unsigned_abs()));
        }
    }
    Ok(None)
}

const LISTINGS: &str = "SELECT i.instrument, symbol, base, quote, price_decimals, tick_units, lot, tick_value, \
                        min_quantity, max_quantity, min_notional, maker_ppm, taker_ppm, fee_asset, phase, i.shard, product \
                        FROM instruments i JOIN fees f ON f.instrument = i.instrument AND f.tier = 0 \
                        ORDER BY i.instrument";

fn listing(row: &Cells<'_>) -> Result<Listing, SqlError> {
    Ok(Listing {
        instrument: InstrumentId(row.u32(0)?),
        symbol: Symbol::new(&row.text(1)?).ok_or_else(|| row.wrong(1))?,
        base: AssetId(row.u16(2)?),
        quote: AssetId(row.u16(3)?),
        price_decimals: row.u8(4)?,
        tick_units: row.u32(5)?,
        lot: Amount(row.i64(6)?),
        tick_value: Amount(row.i64(7)?),
        min_quantity: Quantity(row.u64(8)?),
        max_quantity: Quantity(row.u64(9)?),
        min_notional: Amount(row.i64(10)?),
        maker_fee: FeeRate(row.i32(11)?),
        taker_fee: FeeRate(row.i32(12)?),
        fee_asset: FeeAsset::from_word(&row.text(13)?).ok_or_else(|| row.wrong(13))?,
        phase: Phase::from_word(&row.text(14)?).ok_or_else(|| row.wrong(14))?,
        shard: shard(row, 15)?,
        product: Product::from_word(&row.text(16)?).ok_or_else(|| row.wrong(16))?,
    })
}

/// Columns that an open order never has (a refusal, a successor) or that never change (its text, its visibility) are
/// not read.
const OPEN_ORDERS: &str = "SELECT order_id, login, account, user_ref, instrument, side, time_in_force, price, quantity, \
                           executed, open, reserved, replaces, entered_ns, updated_ns, status, event FROM orders WHERE \
                           open > 0";

fn open_order(row: &Cells<'_>) -> Result<OrderRow, SqlError> {
    Ok(OrderRow {
        order: OrderId(row.u64(0)?),
        login: LoginId(row.u32(1)?),
        account: AccountId(row.u32(2)?),
        user_ref: UserRef(row.u32(3)?),
        instrument: InstrumentId(row.u32(4)?),
        side: side(row, 5)?,
        time_in_force: match row.u8(6)? {
            0 => TimeInForce::GoodTillCancel,
            1 => TimeInForce::ImmediateOrCancel,
            2 => TimeInForce::Day,
            3 => TimeInForce::GoodTillTime,
            _ => return Err(row.wrong(6)),
        },
        price: row.i64_or_null(7)?.map(i64::unsigned_abs),
        quantity: Quantity(row.u64(8)?),
        executed: Quantity(row.u64(9)?),
        open: Quantity(row.u64(10)?),
        reserved: Amount(row.i64(11)?),
        status: match row.u8(15)? {
            status if status == OrderStatus::Dormant as u8 => OrderStatus::Dormant,
            _ => OrderStatus::Open,
        },
        refusal: None,
        replaces: row.i64_or_null(12)?.map(|order| OrderId(order.unsigned_abs())),
        replaced_by: None,
        cl_ord_id: ClOrdId::default(),
        event: row.u64(16)?,
        asked: Asked::default(),
        entered: Timestamp(row.u64(13)?),
        updated: Timestamp(row.u64(14)?),
        stored: Stored::Yes,
        changed: false,
    })
}

/// Decodes a shard from the tables.
fn shard(row: &Cells<'_>, column: usize) -> Result<ShardId, SqlError> {
    let shard = row.u8(column)?;
    if usize::from(shard) < ShardId::COUNT { Ok(ShardId(shard)) } else { Err(row.wrong(column)) }
}

/// Decodes a side from the tables.
pub(super) fn side(row: &Cells<'_>, column: usize) -> Result<Side, SqlError> {
    match row.u8(column)? {
        0 => Ok(Side::Buy),
        1 => Ok(Side::Sell),
        _ => Err(row.wrong(column)),
    }
}

/// Decodes a kind of trade from the tables.
pub(super) fn trade_kind(row: &Cells<'_>, column: usize) -> Result<TradeKind, SqlError> {
    TradeKind::ALL.get(usize::from(row.u8(column)?)).copied().ok_or_else(|| row.wrong(column))
}

/// Calls `visit` with every row of a query.
pub(super) fn each(
    database: &Database,
    sql: &str,
    visit: impl FnMut(&Cells<'_>) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    each_of(database, sql, &[], visit)
}

/// The same with values of its parameters.
pub(super) fn each_of(
    database: &Database,
    sql: &str,
    values: &[i64],
    mut visit: impl FnMut(&Cells<'_>) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let error = database.error();
    let mut statement = database.connection.prepare_cached(sql).map_err(&error)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(&error)?;
    while let Some(row) = rows.next().map_err(&error)? {
        visit(&Cells { row, database, sql })?;
    }
    Ok(())
}

/// A row whose cells must be in the range that the program writes.
pub(super) struct Cells<'r> {
    row: &'r Row<'r>,
    database: &'r Database,
    sql: &'r str,
}

impl Cells<'_> {
    /// The error for a cell with a value that the program never writes.
    pub(super) fn wrong(&self, column: usize) -> SqlError {
        let value = self.row.get_ref(column);
        self.database.content(format!("column {} of `{}` holds {value:?}", column + 1, self.sql))
    }

    /// All values of the row.
    pub(super) fn values(&self) -> Result<Vec<Value>, SqlError> {
        (0..self.row.as_ref().column_count())
            .map(|column| self.row.get(column).map_err(|_| self.wrong(column)))
            .collect()
    }

    pub(super) fn i64(&self, column: usize) -> Result<i64, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }

    pub(super) fn i64_or_null(&self, column: usize) -> Result<Option<i64>, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }

    pub(super) fn u64(&self, column: usize) -> Result<u64, SqlError> {
        u64::try_from(self.i64(column)?).map_err(|_| self.wrong(column))
    }

    pub(super) fn u32(&self, column: usize) -> Result<u32, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }

    fn i32(&self, column: usize) -> Result<i32, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }

    pub(super) fn u16(&self, column: usize) -> Result<u16, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }

    pub(super) fn u8(&self, column: usize) -> Result<u8, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }

    fn text(&self, column: usize) -> Result<String, SqlError> {
        self.row.get(column).map_err(|_| self.wrong(column))
    }
}
