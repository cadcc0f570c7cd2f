//! Reads the tables, for `dojima verify`. Reads only, also while an engine writes.

use super::database::Database;
use super::error::SqlError;
use super::load::{Cells, balances, clearing, each, each_of, funds, side, trade_kind, watermark};
use super::rows::{BalanceRow, OrderStatus, TradeRow, TradeSide, Watermark};
use crate::domain::{AccountId, Amount, AssetId, InstrumentId, OrderId, Quantity, Timestamp, TradeId};
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The database as it was when it was opened; later writes are not visible.
pub struct SqlReader {
    database: Database,
}

/// The number of orders of each status, and their lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// Indexed by the status's number in the table.
    pub by_status: [u64; OrderStatus::ALL.len()],
    /// Lots still open, over all orders.
    pub open: u64,
    /// Lots executed, over all orders.
    pub executed: u64,
}

impl OrderCounts {
    pub fn total(&self) -> u64 {
        self.by_status.iter().sum()
    }
}

/// The number of rows in the tables that have one row per event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Deposits and withdrawals.
    pub transfers: u64,
    /// Refused orders, changes of orders and administrative commands.
    pub rejections: u64,
    /// Messages that had no effect.
    pub ignored_messages: u64,
    /// Orders with a trigger or a link.
    pub armed_orders: u64,
    pub mass_cancels: u64,
    /// Auctions that ended.
    pub auctions: u64,
    /// Terms that instruments have had.
    pub instrument_terms: u64,
    /// Digests of the state.
    pub checkpoints: u64,
    /// Editions of the rules.
    pub rules: u64,
    /// Sessions of the venue.
    pub sessions: u64,
    /// Sessions of single logins.
    pub login_sessions: u64,
    /// Leadership terms.
    pub leads: u64,
    /// Clients' names of orders.
    pub order_names: u64,
    /// Pairs of a login and an account that it gets copies of.
    pub copies: u64,
    /// Shards besides the first.
    pub shards: u64,
    /// Changes of insurance funds.
    pub fund_changes: u64,
    pub position_changes: u64,
    /// Rates of fundings.
    pub fundings: u64,
    /// What positions paid and got for them.
    pub funding_payments: u64,
    /// What insurance funds paid for accounts without positions.
    pub fund_payments: u64,
    /// Money into pots of positions and out of them.
    pub margin_moves: u64,
    /// Transfers between shards.
    pub shard_transfers: u64,
    /// Those of them that have not arrived.
    pub in_flight: u64,
}

impl RowCounts {
    pub fn total(&self) -> u64 {
        let Self { transfers, rejections, ignored_messages, armed_orders, mass_cancels, auctions, .. } =
            *self;
        let others = self.instrument_terms
            + self.checkpoints
            + self.rules
            + self.sessions
            + self.login_sessions
            + self.leads
            + self.order_names
            + self.copies
            + self.shards
            + self.fund_changes
            + self.position_changes
            + self.fundings
            + self.funding_payments
            + self.fund_payments
            + self.margin_moves
            + self.shard_transfers;
        transfers + rejections + ignored_messages + armed_orders + mass_cancels + auctions + others
    }
}

impl SqlReader {
    /// Opens the database at its present state.
    ///
    /// # Errors
    /// [`SqlError`]; for example if the file does not exist, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self, SqlError> {
        Self::reading(Database::open_to_read(path)?)
    }

    /// As [`Self::open`], for a database that no process is writing; also works if its directory is not writable.
    ///
    /// # Errors
    /// As [`Self::open`], and [`SqlError::NotAtRest`].
    pub fn open_at_rest(path: &Path) -> Result<Self, SqlError> {
        Self::reading(Database::open_at_rest(path)?)
    }

    fn reading(database: Database) -> Result<Self, SqlError> {
        // In WAL mode a read transaction sees one state of the database from its first read on.
        database.run("BEGIN; SELECT event FROM watermark")?;
        Ok(Self { database })
    }

    /// The last event in the tables.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn watermark(&self) -> Result<Watermark, SqlError> {
        watermark(&self.database)
    }

    /// Every balance by account and asset.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn balances(&self) -> Result<Vec<BalanceRow>, SqlError> {
        let mut found = Vec::new();
        balances(&self.database, |row| found.push(row))?;
        Ok(found)
    }

    /// By asset: what is on its way between shards, minor units.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn in_flight(&self) -> Result<BTreeMap<AssetId, i128>, SqlError> {
        let mut found = BTreeMap::<AssetId, i128>::new();
        let sql = "SELECT asset, amount FROM shard_transfers WHERE received_event IS NULL";
        each(&self.database, sql, |row| {
            *found.entry(AssetId(row.u16(0)?)).or_default() += i128::from(row.i64(1)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// What each insurance fund has, by asset and shard.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn funds(&self) -> Result<Vec<(AssetId, Amount)>, SqlError> {
        let mut found = Vec::new();
        funds(&self.database, |asset, _, amount| found.push((asset, amount)))?;
        Ok(found)
    }

    /// What the clearing of each contract has, by the asset that it is settled in.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn clearing(&self) -> Result<Vec<(AssetId, Amount)>, SqlError> {
        let mut found = Vec::new();
        clearing(&self.database, |_, asset, amount| found.push((asset, amount)))?;
        Ok(found)
    }

    /// All rows of a table.
    pub(super) fn rows(&self, table: &str) -> Result<Vec<Vec<Value>>, SqlError> {
        let mut found = Vec::new();
        each(&self.database, &format!("SELECT * FROM {table}"), |row| {
            found.push(row.values()?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The row of a table whose key, a condition with parameters, has these values.
    pub(super) fn row(&self, table: &str, key: &str, values: &[i64]) -> Result<Option<Vec<Value>>, SqlError> {
        let mut found = None;
        let sql = format!("SELECT * FROM {table} WHERE {key}");
        each_of(&self.database, &sql, values, |row| {
            found = Some(row.values()?);
            Ok(())
        })?;
        Ok(found)
    }

    /// At most `limit` trades of the shard after `trade`, in order. Repeated calls, starting before the first trade,
    /// return all of them page by page.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn trades_after(&self, trade: TradeId, limit: u32) -> Result<Vec<TradeRow>, SqlError> {
        let mut highest = 0;
        each(&self.database, "SELECT ifnull(max(trade_id), 0) FROM trades", |row| {
            highest = row.u64(0)?;
            Ok(())
        })?;
        let mut ranges: Vec<_> = OrderId::ranges(trade.shard(), highest).collect();
        ranges.retain(|range| *range.end() > trade.0);
        let mut found = Vec::new();
        while found.is_empty()
            && let Some(range) = ranges.pop()
        {
            let (from, to) = (trade.0.max(range.start().saturating_sub(1)), range.end());
            let sql = format!(
                "SELECT trade_id, event, time_ns, instrument, taker_side, kind, price, quantity, notional, maker_order, \
                 maker_account, maker_fee, taker_order, taker_account, taker_fee FROM trades WHERE trade_id > {from} \
                 AND trade_id <= {to} ORDER BY trade_id LIMIT {limit}"
            );
            each(&self.database, &sql, |row| {
                found.push(trade_row(row)?);
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// The number of orders by status.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn order_counts(&self) -> Result<OrderCounts, SqlError> {
        let mut counts = OrderCounts::default();
        let sql = "SELECT status, count(*), sum(open), sum(executed) FROM orders GROUP BY status";
        each(&self.database, sql, |row| {
            let status = usize::from(row.u8(0)?);
            *counts.by_status.get_mut(status).ok_or_else(|| row.wrong(0))? = row.u64(1)?;
            counts.open += row.u64(2)?;
            counts.executed += row.u64(3)?;
            Ok(())
        })?;
        Ok(counts)
    }

    /// The number of rows in the tables that have one row per event.
    ///
    /// # Errors
    /// [`SqlError`].
    pub fn row_counts(&self) -> Result<RowCounts, SqlError> {
        let mut counts = RowCounts::default();
        let sql = "SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM rejections), \
                   (SELECT count(*) FROM ignored_messages), (SELECT count(*) FROM armed_orders), \
                   (SELECT count(*) FROM mass_cancels), (SELECT count(*) FROM auctions), \
                   (SELECT count(*) FROM instrument_terms), (SELECT count(*) FROM checkpoints), \
                   (SELECT count(*) FROM rules), (SELECT count(*) FROM sessions), (SELECT count(*) FROM copies), \
                   (SELECT count(*) FROM login_sessions), (SELECT count(*) FROM leads), \
                   (SELECT count(*) - 1 FROM shards), (SELECT count(*) FROM order_names), \
                   (SELECT count(*) FROM fund_changes), \
                   (SELECT count(*) FROM position_changes), (SELECT count(*) FROM fundings), \
                   (SELECT count(*) FROM funding_payments), (SELECT count(*) FROM fund_payments), \
                   (SELECT count(*) FROM shard_transfers), \
                   (SELECT count(*) FROM shard_transfers WHERE received_event IS NULL), \
                   (SELECT count(*) FROM margin_moves)";
        each(&self.database, sql, |row| {
            counts = RowCounts {
                transfers: row.u64(0)?,
                rejections: row.u64(1)?,
                ignored_messages: row.u64(2)?,
                armed_orders: row.u64(3)?,
                mass_cancels: row.u64(4)?,
                auctions: row.u64(5)?,
                instrument_terms: row.u64(6)?,
                checkpoints: row.u64(7)?,
                rules: row.u64(8)?,
                sessions: row.u64(9)?,
                copies: row.u64(10)?,
                login_sessions: row.u64(11)?,
                leads: row.u64(12)?,
                shards: row.u64(13)?,
                order_names: row.u64(14)?,
                fund_changes: row.u64(15)?,
                position_changes: row.u64(16)?,
                fundings: row.u64(17)?,
                funding_payments: row.u64(18)?,
                fund_payments: row.u64(19)?,
                shard_transfers: row.u64(20)?,
                in_flight: row.u64(21)?,
                margin_moves: row.u64(22)?,
            };
            Ok(())
        })?;
        Ok(counts)
    }
}

fn trade_row(row: &Cells<'_>) -> Result<TradeRow, SqlError> {
    let trade_side = |first: usize| -> Result<TradeSide, SqlError> {
        Ok(TradeSide {
            order: OrderId(row.u64(first)?),
            account: AccountId(row.u32(first + 1)?),
            fee: Amount(row.i64(first + 2)?),
        })
    };
    Ok(TradeRow {
        trade: TradeId(row.u64(0)?),
        event: row.u64(1)?,
        time: Timestamp(row.u64(2)?),
        instrument: InstrumentId(row.u32(3)?),
        taker_side: side(row, 4)?,
        kind: trade_kind(row, 5)?,
        price: row.u64(6)?,
        quantity: Quantity(row.u64(7)?),
        notional: Amount(row.i64(8)?),
        maker: trade_side(9)?,
        taker: trade_side(12)?,
    })
}
