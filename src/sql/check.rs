//! Compares the tables with the event log.
//!
//! The events up to the database's watermark are added up again by independent rules, and the results are compared with
//! the tables: every trade, every balance, orders by status, the tables of contracts. Rates and amounts of fundings and
//! settlements are computed from their definitions. Money is conserved if, for each asset, the balances, insurance funds
//! and clearing in the tables, and what is on its way between shards, less the cost of positions, add up to deposits minus
//! withdrawals.

mod contracts;
mod expected;
mod fraction;
mod fundings;
mod futures;
mod legs;
mod row;
mod settlements;
mod tally;
mod told;

use super::error::SqlError;
use super::reader::{OrderCounts, RowCounts, SqlReader};
use super::rows::{BalanceRow, OrderStatus, TradeRow, Watermark};
use crate::domain::{AssetCode, ShardId, TradeId, codec};
pub use contracts::ContractDifference;
use contracts::compare_told;
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, JournalError, Reader};
use std::fmt;
use std::sync::Arc;
pub use tally::AssetCheck;
use tally::Tally;

/// Trades per query.
const TRADES_PER_PAGE: u32 = 4096;

/// Why the check could not be made. (A difference is not an error but a finding: see [`CheckReport`].)
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database cannot be read.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The event log cannot be read.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// A record of the event log is not an event of this version.
    #[error("event {event} in the event log cannot be read: {source}")]
    Decode { event: u64, source: bincode::error::DecodeError },
    /// The events contradict each other.
    #[error("event {event} in the event log contradicts those before it: {what}")]
    Nonsense { event: u64, what: String },
}

/// What was compared and what was found.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// The position of the tables.
    pub watermark: Watermark,
    /// The number of events up to there.
    pub events: u64,
    /// One entry per comparison, in the order in which they were made.
    pub checks: Vec<Check>,
    /// Supply and holdings by asset.
    pub assets: Vec<AssetCheck>,
}

impl CheckReport {
    /// The first difference of all, if there is one.
    pub fn first_difference(&self) -> Option<&Difference> {
        self.checks.iter().find_map(|check| check.difference.as_ref())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    /// How many items were compared.
    pub compared: u64,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// A difference between the event log and the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The event of the watermark is not in the log, or differs from it.
    Watermark {
        /// In the tables.
        in_sql: Watermark,
        /// The event of that number in the log.
        in_log: Option<Watermark>,
    },
    Trade {
        /// By the event log.
        in_log: Option<TradeRow>,
        /// In the tables.
        in_sql: Option<TradeRow>,
    },
    Balance {
        /// By the event log.
        in_log: Option<BalanceRow>,
        /// In the tables.
        in_sql: Option<BalanceRow>,
    },
    Orders {
        /// By the event log.
        in_log: Box<OrderCounts>,
        /// In the tables.
        in_sql: Box<OrderCounts>,
    },
    Rows {
        /// By the event log.
        in_log: RowCounts,
        /// In the tables.
        in_sql: RowCounts,
    },
    /// A row of a table of contracts.
    Contracts(ContractDifference),
    /// Money was created or lost.
    Supply {
        asset: AssetCode,
        /// Deposits minus withdrawals, minor units.
        supply: i128,
        /// The sum of all balances and insurance funds, minor units.
        held: i128,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watermark { in_sql, in_log: None } => {
                write!(f, "SQL is at event {}, which the event log does not have", in_sql.event)
            }
            Self::Watermark { in_sql, in_log: Some(in_log) } => write!(
                f,
                "event {} is of command {} in SQL and of command {} in the event log",
                in_sql.event, in_sql.sequence, in_log.sequence
            ),
            Self::Trade { in_log: Some(trade), in_sql: None } => {
                write!(f, "trade {} is not in SQL", trade.trade)
            }
            Self::Trade { in_log: None, in_sql: Some(trade) } => {
                write!(f, "trade {} is in SQL but not in the event log", trade.trade)
            }
            Self::Trade { in_log, in_sql } => write!(f, "the event log says {in_log:?}, SQL says {in_sql:?}"),
            Self::Balance { in_log, in_sql } => {
                let shown = |row: &Option<BalanceRow>| match row {
                    Some(row) => format!("{} with {} reserved", row.total, row.reserved),
                    None => "nothing".to_owned(),
                };
                let (account, asset) =
                    in_log.or(*in_sql).map(|row| (row.account, row.asset)).unwrap_or_default();
                let (in_log, in_sql) = (shown(in_log), shown(in_sql));
                write!(
                    f,
                    "account {account}, asset {asset}: {in_log} by the event log, {in_sql} in SQL (minor units)"
                )
            }
            Self::Orders { in_log, in_sql } => {
                for (status, (log, sql)) in
                    OrderStatus::ALL.iter().zip(in_log.by_status.iter().zip(in_sql.by_status))
                {
                    if *log != sql {
                        return write!(f, "{log} orders are {status:?} by the event log, {sql} in SQL");
                    }
                }
                write!(
                    f,
                    "{} lots open and {} executed by the event log, {} and {} in SQL",
                    in_log.open, in_log.executed, in_sql.open, in_sql.executed
                )
            }
            Self::Rows { in_log, in_sql } => write!(f, "the event log has {in_log:?}, SQL has {in_sql:?}"),
            Self::Supply { asset, supply, held } => {
                write!(
                    f,
                    "{asset}: deposits less withdrawals are {supply}, accounts and funds hold {held} (minor units)"
                )
            }
            Self::Contracts(difference) => difference.fmt(f),
        }
    }
}

/// Adds up the event log, including archived segments, to the database's watermark and compares.
///
/// # Errors
/// See [`CheckError`].
pub fn check(sql: &SqlReader, log: &Arc<dyn Storage>) -> Result<CheckReport, CheckError> {
    let watermark = sql.watermark()?;
    let mut tally = Tally::default();
    let mut trades = Trades::new(sql);
    let mut changes = check_named("funds and fundings");
    let mut reader = Reader::open_storage(Arc::new(ArchivedStorage::new(Arc::clone(log))), 1)?;
    let mut last = Watermark::default();
    while last.event < watermark.event {
        let Some(found) = reader.next()? else { break };
        let event = found.sequence;
        let record =
            codec::decode_event(found.payload).map_err(|source| CheckError::Decode { event, source })?;
        let trade = tally.add(&record).map_err(|what| CheckError::Nonsense { event, what })?;
        if let Some(trade) = trade {
            trades.compare(trade)?;
        }
        for told in tally.futures.told.whole() {
            changes.compared += 1;
            let found = compare_told(sql, &told)?.map(Difference::Contracts);
            changes.difference = changes.difference.or(found);
        }
        last = Watermark::at(&record);
    }
    for told in tally.futures.told.rest() {
        changes.compared += 1;
        let found = compare_told(sql, &told)?.map(Difference::Contracts);
        changes.difference = changes.difference.or(found);
    }
    let trades = trades.end()?;
    let same = last == watermark;
    let in_log = (last.event == watermark.event).then_some(last);
    let mut checks = vec![
        Check {
            name: "watermark",
            compared: 1,
            difference: (!same).then_some(Difference::Watermark { in_sql: watermark, in_log }),
        },
        trades,
    ];
    let held = sql.balances()?;
    checks.push(compare_balances(&tally, &held));
    let (in_log, in_sql) = (tally.orders, sql.order_counts()?);
    let difference =
        (in_log != in_sql).then(|| Difference::Orders { in_log: Box::new(in_log), in_sql: Box::new(in_sql) });
    checks.push(Check { name: "orders", compared: in_log.total(), difference });
    let (in_log, in_sql) = (tally.rows, sql.row_counts()?);
    let difference = (in_log != in_sql).then_some(Difference::Rows { in_log, in_sql });
    checks.push(Check { name: "rows of single events", compared: in_log.total(), difference });
    let (compared, difference) = tally.futures.contracts.compare(sql)?;
    let difference = difference.map(Difference::Contracts);
    checks.extend([Check { name: "tables of contracts", compared, difference }, changes]);
    let assets = tally.assets(&held, &[sql.funds()?, sql.clearing()?].concat(), &sql.in_flight()?);
    checks.push(check_supply(&assets));
    Ok(CheckReport { watermark, events: last.event, checks, assets })
}

fn check_named(name: &'static str) -> Check {
    Check { name, compared: 0, difference: None }
}

/// The database's trades, in the order of the log's trades.
struct Trades<'a> {
    sql: &'a SqlReader,
    /// By shard: the trades read, and the last one compared.
    pages: [(std::vec::IntoIter<TradeRow>, TradeId); ShardId::COUNT],
    check: Check,
}

impl<'a> Trades<'a> {
    fn new(sql: &'a SqlReader) -> Self {
        let pages = std::array::from_fn(|shard| {
            (Vec::new().into_iter(), TradeId::before_first(ShardId(shard as u8)))
        });
        Self { sql, pages, check: check_named("trades") }
    }

    /// Compares the log's next trade with the table's next one of the same shard.
    fn compare(&mut self, in_log: TradeRow) -> Result<(), SqlError> {
        if self.check.difference.is_some() {
            return Ok(());
        }
        let in_sql = self.next(in_log.trade.shard())?;
        self.check.compared += 1;
        let in_log = Some(in_log);
        if in_sql != in_log {
            self.check.difference = Some(Difference::Trade { in_log, in_sql });
        }
        Ok(())
    }

    /// The log has no more trades.
    fn end(mut self) -> Result<Check, SqlError> {
        for shard in (0..ShardId::COUNT as u8).map(ShardId) {
            if self.check.difference.is_none()
                && let Some(more) = self.next(shard)?
            {
                self.check.difference = Some(Difference::Trade { in_log: None, in_sql: Some(more) });
            }
        }
        Ok(self.check)
    }

    fn next(&mut self, shard: ShardId) -> Result<Option<TradeRow>, SqlError> {
        let (page, last) = &mut self.pages[usize::from(shard.0)];
        if page.len() == 0 {
            *page = self.sql.trades_after(*last, TRADES_PER_PAGE)?.into_iter();
        }
        let trade = page.next();
        *last = trade.as_ref().map_or(*last, |trade| trade.trade);
        Ok(trade)
    }
}

fn compare_balances(tally: &Tally, held: &[BalanceRow]) -> Check {
    let mut check = check_named("balances");
    let mut in_sql = held.iter().copied().peekable();
    let mut in_log = tally.balances().peekable();
    let key = |row: &BalanceRow| (row.account, row.asset, row.shard);
    loop {
        // Both are in key order. If the keys differ, the lower one is missing on the other side.
        let (log, sql): (Option<BalanceRow>, Option<BalanceRow>) = match (in_log.peek(), in_sql.peek()) {
            (None, None) => return check,
            (Some(log), Some(sql)) if key(log) < key(sql) => (in_log.next(), None),
            (Some(log), Some(sql)) if key(log) > key(sql) => (None, in_sql.next()),
            _ => (in_log.next(), in_sql.next()),
        };
        check.compared += 1;
        // A balance that never changed has no row.
        let nothing = |row: Option<BalanceRow>| row.is_none_or(|row| row.total.0 == 0 && row.reserved.0 == 0);
        if log != sql && !(nothing(log) && nothing(sql)) {
            check.difference = Some(Difference::Balance { in_log: log, in_sql: sql });
            return check;
        }
    }
}

fn check_supply(assets: &[AssetCheck]) -> Check {
    let unequal = assets.iter().find(|asset| asset.supply != asset.held);
    let difference =
        unequal.map(|found| Difference::Supply { asset: found.code, supply: found.supply, held: found.held });
    Check { name: "conservation of money", compared: assets.len() as u64, difference }
}
