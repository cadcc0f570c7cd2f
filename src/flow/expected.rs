//! The trades that the recorded exchange made, and how many of them the engine makes, too.

use super::actions::OrderIndex;
use super::error::FlowError;
use super::recording::Flow;
use super::table::{self, Source};
use super::trades::Trade;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

const HEADER: &str = "aggressor_id,resting_id,price_1e-4,qty";

/// One trade between two orders, with the order numbers of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedTrade {
    /// The incoming order.
    pub aggressor: u64,
    /// The resting order.
    pub resting: u64,
    /// In price units.
    pub price: u64,
    /// Lots.
    pub quantity: u64,
}

/// The path of a recording's expected trades: `…_expected_trades.csv…` beside `…_input_flow.csv…`, if the file exists.
pub fn beside(flow: &Path) -> Option<PathBuf> {
    let name = flow.file_name()?.to_str()?;
    let path = flow.with_file_name(name.replace("_input_flow", "_expected_trades"));
    (path != flow && path.exists()).then_some(path)
}

/// Reads expected trades that name the aggressive order; `None` if the file has another format.
///
/// # Errors
/// When the file cannot be read or a row does not match the format of the first line.
pub fn load(path: &Path) -> Result<Option<Vec<NamedTrade>>, FlowError> {
    let text = table::read_text(path)?;
    if text.lines().next().unwrap_or_default() != HEADER {
        return Ok(None);
    }
    let rows = Source { path, text: &text };
    let trade = |row: Result<table::Row<'_, 4>, FlowError>| {
        let row = row?;
        Ok(NamedTrade {
            aggressor: row.number(0)?,
            resting: row.number(1)?,
            price: row.number(2)?,
            quantity: row.number(3)?,
        })
    };
    rows.rows().map(trade).collect::<Result<_, _>>().map(Some)
}

/// The engine's trades in order, with the order numbers of the recording.
pub fn named(trades: &[Trade], flow: &Flow) -> Vec<NamedTrade> {
    let name = |order: OrderIndex| flow.order_names[order.0 as usize];
    let named = |trade: &Trade| NamedTrade {
        aggressor: name(trade.taker),
        resting: name(trade.maker),
        price: trade.price,
        quantity: u64::from(trade.quantity),
    };
    trades.iter().map(named).collect()
}

/// The agreement of the engine's trades with the recording's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Aggressive orders that traded in the recording.
    pub aggressors: usize,
    /// Those with the same trades in the engine: same partners, prices and quantities, in the same order.
    pub same: usize,
    /// Trades in the recording.
    pub expected_trades: usize,
    pub trades: usize,
}

impl Agreement {
    /// Compares the trades of each aggressive order.
    pub fn of(expected: &[NamedTrade], made: &[NamedTrade]) -> Self {
        let (expected_by, made_by) = (by_aggressor(expected), by_aggressor(made));
        let same = expected_by.iter().filter(|(aggressor, trades)| made_by.get(*aggressor) == Some(*trades));
        Self {
            aggressors: expected_by.len(),
            same: same.count(),
            expected_trades: expected.len(),
            trades: made.len(),
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { aggressors, same, expected_trades, trades } = self;
        write!(
            f,
            "{same} of {aggressors} aggressive orders trade for trade ({trades} trades, {expected_trades} recorded)"
        )
    }
}

fn by_aggressor(trades: &[NamedTrade]) -> HashMap<u64, Vec<NamedTrade>> {
    let mut by = HashMap::<u64, Vec<NamedTrade>>::new();
    for trade in trades {
        by.entry(trade.aggressor).or_default().push(*trade);
    }
    by
}
